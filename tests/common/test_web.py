"""The web frame, through Flask's test client with real sessions: errors, limits, ids, headers, OpenAPI."""

# mypy: disable-error-code="untyped-decorator"

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import marshmallow
import pytest
import structlog
from flask import Flask, Response, jsonify
from flask.testing import FlaskClient
from flask.views import MethodView
from werkzeug.test import TestResponse

from common import log, metrics, trace
from common.crypto import derive
from common.errors import Permanent, Temporary
from common.openapi import OR_NULL
from common.sessions import LIFETIME, Session, issue, private_key, public_jwk
from common.web import (
    Blueprint,
    Problem,
    SessionKeys,
    check_session,
    create_app,
    current_session,
    require_session,
)

PRIVATE = private_key(derive(b"m" * 32, "page session"))
FOREIGN = private_key(derive(b"n" * 32, "page session"))
TENANT = "tenantaaaaaaaaaa"


def keys() -> SessionKeys:
    return SessionKeys(lambda: {"keys": [public_jwk(PRIVATE)]})


def bearer(
    *, admin: bool = True, private: Any = PRIVATE, lifetime: float = LIFETIME, **scope: str | None
) -> dict[str, str]:
    session = Session(TENANT, "5b10:account", admin, time.time() + lifetime, **scope)
    return {"Authorization": f"Bearer {issue(private, session)}"}


class Part(marshmallow.Schema):
    id = marshmallow.fields.Integer(required=True)


class Thing(marshmallow.Schema):
    name = marshmallow.fields.String(required=True, validate=marshmallow.validate.Length(min=1))
    project = marshmallow.fields.Nested(Part, required=True)


def away() -> None:
    raise Temporary("The database is away.")


def build(session_keys: SessionKeys | None = None, **options: Any) -> Flask:
    app, api = create_app("inbound", {"database": lambda: None}, api_title="Test", session_keys=session_keys, **options)
    things = Blueprint("things", __name__, url_prefix="/api/inbound/things")
    things.before_request(check_session)

    @things.route("/")
    class Things(MethodView):
        @things.arguments(Thing)
        @things.response(201, Thing)
        def post(self, fields: dict[str, Any]) -> dict[str, Any]:
            return fields

    free = Blueprint("free", __name__, url_prefix="/api/inbound/free")

    @free.get("/maybe")
    @free.response(200, Thing)
    @free.doc(**OR_NULL)
    def maybe() -> Any:
        return jsonify(None)

    @things.route("/<name>")
    @things.alt_response(409, description="Changed meanwhile.")
    def raising(name: str) -> Any:
        faults: dict[str, Exception] = {
            "bug": RuntimeError("the secret of anna@example.org"),
            "temporary": Temporary("Jira is busy.", retry_after=7),
            "permanent": Permanent("Jira refused.", remedy="Reinstall the app."),
            "problem": Problem(409, "Changed meanwhile", "Reload.", {"name": ["Taken."]}, headers={"X-More": "1"}),
        }
        if name in faults:
            raise faults[name]
        return {"tenant": current_session().tenant, "request": trace.request_id.get(), "trace": trace.headers()}

    @app.get("/open")
    def with_own_header() -> Response:
        return Response("page", headers={"Content-Security-Policy": "frame-ancestors https://*.atlassian.net"})

    @app.get("/api/inbound/person")
    def person() -> dict[str, object]:
        return {"admin": current_session(admin=False).admin}

    @app.get("/api/inbound/scoped/<who>")
    def scoped(who: str) -> dict[str, object]:
        session = current_session(project="project" in who, issue="issue" in who)
        return {"project": session.project, "issue": session.issue}

    @app.get("/api/inbound/single")
    @require_session
    def single() -> dict[str, str]:
        return {"ok": "yes"}

    api.register_blueprint(things)
    api.register_blueprint(free)
    return app


@pytest.fixture
def client() -> FlaskClient:
    return build(keys()).test_client()


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The body of a problem after checks that hold for every one."""
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.data)
    assert set(body) == {"type", "title", "status", "detail", "request_id", "errors"}
    assert body["status"] == status
    assert body["detail"].endswith(".")
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


GOOD = {"name": "x", "project": {"id": 3}}


def test_a_good_request_is_answered(client: FlaskClient) -> None:
    answer = client.post("/api/inbound/things/", json=GOOD, headers=bearer())
    assert (answer.status_code, answer.json) == (201, GOOD)


def test_validation_names_the_fields(client: FlaskClient) -> None:
    answer = client.post("/api/inbound/things/", json={"name": "", "project": {"id": "x"}}, headers=bearer())
    assert set(problem(answer, 422)["errors"]) == {"name", "project.id"}


def test_an_unknown_field_is_named(client: FlaskClient) -> None:
    answer = client.post("/api/inbound/things/", json={**GOOD, "nmae": 1}, headers=bearer())
    assert list(problem(answer, 422)["errors"]) == ["nmae"]


def test_a_body_that_is_no_json_is_400(client: FlaskClient) -> None:
    answer = client.post("/api/inbound/things/", data="{", content_type="application/json", headers=bearer())
    assert list(problem(answer, 400)["errors"]) == ["body"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_kind_is_415(client: FlaskClient, kind: str) -> None:
    problem(client.post("/api/inbound/things/", data="a=b", content_type=kind, headers=bearer()), 415)


def test_a_body_over_the_limit_is_413() -> None:
    client = build(keys(), body_limit=100).test_client()
    problem(client.post("/api/inbound/things/", json={**GOOD, "name": "x" * 100}, headers=bearer()), 413)


def test_an_unknown_address_is_404(client: FlaskClient) -> None:
    problem(client.get("/nothing"), 404)


def test_a_wrong_method_is_405_and_names_the_right_ones(client: FlaskClient) -> None:
    answer = client.put("/api/inbound/things/", json=GOOD, headers=bearer())
    problem(answer, 405)
    assert answer.headers["Allow"] == "OPTIONS, POST"


def test_a_bug_is_500_without_details(client: FlaskClient) -> None:
    body = problem(client.get("/api/inbound/things/bug", headers=bearer()), 500)
    assert "secret" not in json.dumps(body)
    assert "anna" not in json.dumps(body)


def test_a_temporary_fault_is_503_with_a_time(client: FlaskClient) -> None:
    answer = client.get("/api/inbound/things/temporary", headers=bearer())
    assert problem(answer, 503)["detail"].startswith("Jira is busy.")
    assert answer.headers["Retry-After"] == "7"


def test_a_permanent_fault_is_502_with_the_remedy(client: FlaskClient) -> None:
    body = problem(client.get("/api/inbound/things/permanent", headers=bearer()), 502)
    assert body["detail"] == "Jira refused. Reinstall the app."


def test_a_problem_is_answered_as_it_was_raised(client: FlaskClient) -> None:
    answer = client.get("/api/inbound/things/problem", headers=bearer())
    body = problem(answer, 409)
    assert (body["title"], body["errors"], answer.headers["X-More"]) == ("Changed meanwhile", {"name": ["Taken."]}, "1")


UNAUTHORIZED: dict[str, dict[str, str]] = {
    "no header": {},
    "an empty one": {"Authorization": ""},
    "another scheme": {"Authorization": "Basic YTpi"},
    "no token": {"Authorization": "Bearer "},
    "not a token": {"Authorization": "Bearer abc"},
    "expired": bearer(lifetime=-1),
    "forged": bearer(private=FOREIGN),
}


@pytest.mark.parametrize("name", UNAUTHORIZED)
def test_without_a_good_session_the_answer_is_401(client: FlaskClient, name: str) -> None:
    # The body is bad too: who is not let in does not learn what is wrong with it.
    answer = client.post("/api/inbound/things/", json={}, headers=UNAUTHORIZED[name])
    assert problem(answer, 401)["errors"] == {}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_somebody_who_does_not_administer_jira_gets_403(client: FlaskClient) -> None:
    problem(client.post("/api/inbound/things/", json={}, headers=bearer(admin=False)), 403)


def test_a_view_may_be_open_to_everybody_with_a_session(client: FlaskClient) -> None:
    assert client.get("/api/inbound/person", headers=bearer(admin=False)).json == {"admin": False}
    problem(client.get("/api/inbound/person"), 401)


@pytest.mark.parametrize(
    ("route", "scope", "status"),
    [
        ("project", {"project": "10000"}, 200),
        ("project", {"issue": "10100"}, 403),
        ("issue", {"issue": "10100"}, 200),
        ("issue", {"project": "10000"}, 403),
        ("project-issue", {"project": "10000"}, 200),
        ("project-issue", {"issue": "10100"}, 200),
        ("none", {"project": "10000", "issue": "10100"}, 403),
        ("project-issue", {}, 403),
    ],
)
def test_a_view_says_whether_project_and_issue_sessions_may_come_in(
    client: FlaskClient, route: str, scope: dict[str, str], status: int
) -> None:
    answer = client.get(f"/api/inbound/scoped/{route}", headers=bearer(admin=False, **scope))
    assert answer.status_code == status
    if status == 200:
        assert answer.json == {"project": None, "issue": None} | scope


def test_whoever_administers_jira_comes_in_everywhere(client: FlaskClient) -> None:
    for route in ("project", "issue", "none"):
        assert client.get(f"/api/inbound/scoped/{route}", headers=bearer()).status_code == 200


def test_a_session_may_come_in_a_header_of_its_own_beside_a_hosts_bearer(client: FlaskClient) -> None:
    token = bearer()["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": "Bearer the-hosts-own", "X-Mailbridge-Session": token}
    assert client.get("/api/inbound/single", headers=headers).status_code == 200
    problem(client.get("/api/inbound/single", headers={**headers, "X-Mailbridge-Session": "else"}), 401)


def test_a_single_view_can_be_guarded(client: FlaskClient) -> None:
    assert client.get("/api/inbound/single", headers=bearer()).status_code == 200
    problem(client.get("/api/inbound/single"), 401)
    problem(client.get("/api/inbound/single", headers=bearer(admin=False)), 403)


def test_without_any_key_the_answer_is_503() -> None:
    def fetch() -> Any:
        raise Temporary("connect is down")

    answer = build(SessionKeys(fetch)).test_client().get("/api/inbound/single", headers=bearer())
    problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"


def test_a_sane_request_id_is_taken_over(client: FlaskClient) -> None:
    answer = client.get("/api/inbound/things/x", headers={**bearer(), "X-Request-Id": "req-1234.5_6"})
    assert answer.headers["X-Request-Id"] == "req-1234.5_6"
    assert answer.json is not None
    assert answer.json["request"] == "req-1234.5_6"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with blanks in it", "quote\"in'it", "ümlaut-1234"])
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/nothing", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given
    assert len(answer.headers["X-Request-Id"]) == 16


def test_a_traceparent_is_kept_for_calls_and_nothing_of_it_stays_behind(client: FlaskClient) -> None:
    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    answer = client.get("/api/inbound/things/x", headers={**bearer(), "traceparent": parent})
    assert answer.json is not None
    assert answer.json["trace"]["traceparent"] == parent
    second = client.get("/api/inbound/things/x", headers={**bearer(), "traceparent": "junk"})
    assert second.json is not None
    assert list(second.json["trace"]) == ["X-Request-Id"]
    assert trace.headers() == {}
    assert structlog.contextvars.get_contextvars() == {}


def test_answers_carry_security_headers_that_a_view_may_replace(client: FlaskClient) -> None:
    answer = client.get("/nothing")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "Strict-Transport-Security" not in answer.headers
    page = client.get("/open", headers={"X-Forwarded-Proto": "https"})
    assert page.headers["Content-Security-Policy"] == "frame-ancestors https://*.atlassian.net"
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_api_answers_are_not_stored(client: FlaskClient) -> None:
    assert client.get("/api/inbound/single", headers=bearer()).headers["Cache-Control"] == "no-store"


def test_health_needs_no_session(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "alive"}
    assert client.get("/readyz").json == {"status": "ready", "checks": ["database"], "failed": {}}
    assert b"mailbridge_" in client.get("/metrics").data


def test_readiness_says_what_failed() -> None:
    app, _ = create_app("inbound", {"database": away}, api_title="Test")
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["failed"] == {"database": "The database is away."}


def test_openapi_is_served_with_schemas_and_the_session(client: FlaskClient) -> None:
    document = client.get("/api/inbound/openapi.json").json
    assert document is not None
    assert document["openapi"].startswith("3.")
    assert "post" in document["paths"]["/api/inbound/things/"]
    assert "session" in document["components"]["securitySchemes"]
    assert set(document["components"]["schemas"]["Problem"]["properties"]) >= {"title", "request_id", "errors"}


def test_the_document_names_the_problems_that_may_come(client: FlaskClient) -> None:
    paths: dict[str, Any] = (client.get("/api/inbound/openapi.json").json or {})["paths"]
    post, get = paths["/api/inbound/things/"]["post"], paths["/api/inbound/things/{name}"]["get"]
    assert set(post["responses"]) == {"201", "400", "401", "403", "413", "415", "422", "502", "503"}
    assert set(get["responses"]) == {"401", "403", "404", "409", "502", "503"}
    assert get["responses"]["409"]["description"] == "Changed meanwhile."
    for operation in (post, get):
        assert operation["security"] == [{"session": []}, {"sessionHeader": []}]
        for code, said in operation["responses"].items():
            if int(code) >= 400:
                assert said["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
                assert said["description"]


def test_an_answer_that_may_be_null_says_so(client: FlaskClient) -> None:
    paths: dict[str, Any] = (client.get("/api/inbound/openapi.json").json or {})["paths"]
    schema = paths["/api/inbound/free/maybe"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["nullable"] is True
    assert "security" not in paths["/api/inbound/free/maybe"]["get"]


def test_requests_are_counted_by_route_and_unknown_ones_together(client: FlaskClient) -> None:
    def count(*labels: str) -> float:
        value = metrics.REGISTRY.get_sample_value(
            "mailbridge_http_requests_total", dict(zip(("method", "route", "status"), labels, strict=True))
        )
        return value or 0.0

    known = ("GET", "/api/inbound/things/<name>", "200")
    unknown = ("unknown", "unknown", "404")
    before = count(*known), count(*unknown)
    client.get("/api/inbound/things/a", headers=bearer())
    client.get("/api/inbound/things/b", headers=bearer())
    client.open("/made/up", method="MADEUP")
    assert (count(*known), count(*unknown)) == (before[0] + 2, before[1] + 1)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_each_request_is_one_log_line_without_its_query(client: FlaskClient, lines: io.StringIO) -> None:
    client.get("/api/inbound/things/x?jwt=secret&q=anna@example.org", headers={**bearer(), "X-Request-Id": "req-12345"})
    client.get("/healthz")
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/inbound/things/x", 200)
    assert (line["request"], line["tenant"]) == ("req-12345", TENANT)
    assert "secret" not in lines.getvalue()


def test_a_bug_is_logged_with_its_trace_and_request_id(client: FlaskClient, lines: io.StringIO) -> None:
    client.get("/api/inbound/things/bug", headers={**bearer(), "X-Request-Id": "req-12345"})
    broke = next(line for line in map(json.loads, lines.getvalue().splitlines()) if line["event"] == "request_broke")
    assert "RuntimeError" in broke["exception"]
    assert broke["request"] == "req-12345"
    assert "anna" not in lines.getvalue()
