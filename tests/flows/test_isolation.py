"""Nobody reaches another tenant's data, or more of their own than their session is for: every route of all three services.

The routes come from the applications themselves. A route that is not described below fails the first test, so that whoever adds one
says here who may use it and what of a tenant it names.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from common.sessions import LIFETIME, Session, issue, private_key
from connect import tables as connect_tables
from inbound import tables as inbound_tables
from outbound import tables as outbound_tables
from tests.connect.jira_side import Atlassian
from tests.flows.tenant_data import DEV, OTHER, SUP, connect_data, inbound_data, outbound_data, own_site
from tests.flows.three_services import Services, services
from tests.wire import Call, Reply, Wire

TABLES = {"connect": connect_tables, "inbound": inbound_tables, "outbound": outbound_tables}
HOST = "host"  # only what a host signed, or a worker, or a key in the address
PAGE = "page"  # our own page, with its header and origin
OPEN = "open"


@dataclass(frozen=True)
class Route:
    """Who may use a route, and what of a tenant it names.

    who: the sessions that may use it (admin, project, issue), or one of the three above. names: its path, query and body fields that
    name something, by the fact of the tenant that goes there. body: what is sent besides. own: what somebody else gets who may use
    it and names nothing of another's; with names they get 403 or 404.
    """

    who: tuple[str, ...] | str
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body_names: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    own: tuple[int, ...] = (200,)


ADMIN = ("admin",)
PROJECT = ("admin", "project")
ISSUE = ("admin", "issue")
MAILBOX = {
    "name": "Mine", "host": "127.0.0.1", "port": 1, "security": "none", "username": "me", "secret": "s", "folder": "Mine",
    "address": "mine@example.com", "project": OTHER, "issue_type": {"id": "10010", "name": "Email request"},
}  # fmt: skip
SENDER = {"host": "127.0.0.1", "port": 1, "security": "none", "from_address": "mine@example.com"}
TOKEN = {"url": "http://127.0.0.1:1", "email": "me@example.com", "api_token": "mine"}
LIFECYCLE = {
    "key": "mailbridge-for-jira", "baseUrl": "https://mine.atlassian.net", "sharedSecret": "a-secret-of-mine-to-be-put-there",
    "productType": "jira",
}  # fmt: skip
SERVED = [f"{service} GET {path}" for service in TABLES for path in ("/healthz", "/readyz", "/metrics")]

ROUTES: dict[str, Route] = {
    **{name: Route(OPEN, own=(200, 503)) for name in SERVED},
    **{f"{service} GET /api/{service}/openapi.json": Route(OPEN) for service in TABLES},
    "connect GET /": Route(OPEN),
    "connect GET /<name>": Route(OPEN, {"name": "page_file"}),
    "connect GET /assets/<path:name>": Route(OPEN, {"name": "asset"}),
    "connect GET /atlassian-connect.json": Route(OPEN),
    "connect GET /api/connect/keys": Route(OPEN),
    "connect GET /api/connect/page": Route(OPEN),
    "connect GET /api/connect/login/oidc": Route(OPEN, own=(303,)),
    "connect GET /api/connect/login/oidc/callback": Route(OPEN, own=(303,)),
    "connect POST /api/connect/login": Route(PAGE, body={"password": "a wrong password"}),
    "connect POST /api/connect/logout": Route(PAGE),
    "connect POST /api/connect/session": Route(HOST),
    "connect POST /api/connect/credentials": Route(HOST, body_names={"tenant": "tenant"}),
    "connect POST /api/connect/person-token": Route(
        HOST, body_names={"tenant": "tenant"}, body={"account_id": "alice"}
    ),
    **{
        f"connect POST /connect/{name}": Route(HOST, body_names={"clientKey": "client_key"}, body=LIFECYCLE)
        for name in ("installed", "uninstalled", "enabled", "disabled")
    },
    "connect POST /connect/webhooks": Route(HOST),
    "connect POST /connect/hooks/<name>": Route(HOST, {"name": "hook"}),
    **{
        f"connect POST /forge/{name}": Route(HOST)
        for name in ("events", "installed", "upgraded", "tick", "uninstalling")
    },
    "connect GET /api/connect/projects": Route(PROJECT),
    "connect GET /api/connect/projects/<key>/issue-types": Route(PROJECT, {"key": "project_key"}),
    "connect GET /api/connect/users": Route(ADMIN),
    "connect GET /api/connect/site": Route(ADMIN),
    "connect PUT /api/connect/site": Route(ADMIN, body=TOKEN, own=(409,)),
    "connect DELETE /api/connect/site": Route(ADMIN, own=(409,)),
    "connect POST /api/connect/site/check": Route(ADMIN, body=TOKEN, own=(409,)),
    "connect POST /api/connect/site/webhook/secret": Route(ADMIN, own=(409,)),
    "connect GET /api/connect/lookup-user": Route(ADMIN),
    "connect PUT /api/connect/lookup-user": Route(
        ADMIN, body={"email": "me@example.com", "api_token": "t"}, own=(200, 422)
    ),
    "connect DELETE /api/connect/lookup-user": Route(ADMIN, own=(204,)),
    "connect POST /api/connect/lookup-user/check": Route(
        ADMIN, body_names={"account_id": "lookup_account", "project": "project_key"}
    ),
    "inbound POST /api/inbound/sign-in": Route(
        PROJECT, body_names={"mailbox": "mailbox"}, body={"provider": "microsoft"}
    ),
    "inbound GET /api/inbound/sign-in/<state>": Route(PROJECT, {"state": "sign_in"}),
    "inbound GET /api/inbound/sign-in/<state>/leave": Route(OPEN, {"state": "strange"}, own=(400,)),
    "inbound POST /api/inbound/sign-in/<state>/leave": Route(OPEN, {"state": "strange"}, own=(400,)),
    "inbound GET /api/inbound/sign-in/callback": Route(OPEN, own=(400,)),
    "inbound GET /api/inbound/presets": Route(PROJECT, query={"address": "mailbox"}),
    "inbound GET /api/inbound/mailboxes": Route(PROJECT),
    "inbound POST /api/inbound/mailboxes": Route(PROJECT, body=MAILBOX, own=(201,)),
    "inbound POST /api/inbound/mailboxes/test": Route(
        PROJECT, body_names={"id": "mailbox"}, body={**MAILBOX, "secret": None}
    ),
    "inbound POST /api/inbound/mailboxes/preview": Route(
        PROJECT, body_names={"id": "mailbox"}, body={**MAILBOX, "secret": None}
    ),
    # Nobody reads this mailbox: whoever may ask is told so.
    "inbound POST /api/inbound/mailboxes/<id>/reconcile": Route(PROJECT, {"id": "mailbox"}, own=(200, 409)),
    "inbound GET /api/inbound/mailboxes/<id>": Route(PROJECT, {"id": "mailbox"}),
    "inbound PUT /api/inbound/mailboxes/<id>": Route(PROJECT, {"id": "mailbox"}, body=MAILBOX),
    "inbound DELETE /api/inbound/mailboxes/<id>": Route(PROJECT, {"id": "mailbox"}),
    "inbound POST /api/inbound/mailboxes/<id>/push-token": Route(PROJECT, {"id": "mailbox"}, body={}, own=(409,)),
    "inbound POST /api/inbound/mail/<mailbox>": Route(HOST, {"mailbox": "mailbox"}),
    "inbound POST /api/inbound/hooks/<provider>/<mailbox>/<token>": Route(
        HOST, {"provider": "hook_provider", "mailbox": "mailbox", "token": "push_token"}
    ),
    "inbound POST /api/inbound/hooks/mailgun/<mailbox>/<token>/mime": Route(
        HOST, {"mailbox": "mailbox", "token": "push_token"}
    ),
    "inbound GET /api/inbound/keeping": Route(ADMIN),
    "inbound PUT /api/inbound/keeping": Route(ADMIN, body={"days": 7, "content": True}),
    "inbound GET /api/inbound/erasures": Route(ADMIN),
    "inbound POST /api/inbound/erasures": Route(ADMIN, body={"address": "nobody@customer.test"}, own=(202,)),
    "inbound GET /api/inbound/mails": Route(PROJECT, query={"mailbox": "mailbox", "before": "mail"}),
    "inbound GET /api/inbound/mails/<id>": Route(PROJECT, {"id": "mail"}),
    "inbound POST /api/inbound/mails/<id>/retry": Route(PROJECT, {"id": "mail"}),
    "inbound POST /api/inbound/mails/<id>/process-anyway": Route(PROJECT, {"id": "mail"}, own=(200, 409)),
    "inbound GET /api/inbound/issues/<issue>/mails": Route(ISSUE, {"issue": "issue"}),
    "outbound GET /api/outbound/sender": Route(ADMIN),
    "outbound PUT /api/outbound/sender": Route(ADMIN, body=SENDER),
    "outbound POST /api/outbound/sender/test": Route(ADMIN, body=SENDER),
    "outbound GET /api/outbound/deliveries": Route(ADMIN, query={"issue": "issue", "before": "delivery"}),
    "outbound GET /api/outbound/admin-letters": Route(ADMIN, query={"before": "admin_letter"}),
    "outbound GET /api/outbound/issues/<issue>/deliveries": Route(ISSUE, {"issue": "issue"}),
}
GENERAL = {"inbound GET /api/inbound/presets"}  # the same for everybody
# Two Jiras number their issues alike: for an administrator any number may be an issue of their own, of which no mail is known.
ISSUE_ROUTES = {name for name, route in ROUTES.items() if "issue" in route.names.values()}


@dataclass(frozen=True)
class World:
    """Two tenants that have everything; `a`: what of A, and of the page's own tenant, there is to name."""

    services: Services
    a: Mapping[str, str]
    b: str
    wire: Wire

    def send(self, name: str, token: str | None, **facts: str) -> Any:
        """The route `name` with A's names, or other facts."""
        service, method, rule = name.split(" ", 2)
        route, known = ROUTES[name], {**self.a, **facts}
        path = rule.replace("<path:", "<")
        for place, fact in route.names.items():
            path = path.replace(f"<{place}>", known[fact])
        query = {place: known[fact] for place, fact in route.query.items()}
        body = {**(route.body or {}), **{place: known[fact] for place, fact in route.body_names.items()}}
        sent: dict[str, Any] = {"query_string": query}
        if method != "GET":
            sent["json"] = body
        return self.services.call(service, method, path, token, **sent)


def outside(call: Call) -> Reply:
    """A's Jira, and B's below /jira-b with nothing in it."""
    if not call.path.startswith("/jira-b/"):
        return Atlassian()(call)
    found = {"/project/search": {"values": []}, "/user/search": [], "/myself": {"accountId": "badger-account"}}
    answer = found.get(call.path.removeprefix("/jira-b/rest/api/3"))
    return Reply(404) if answer is None else Reply(200, answer)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("isolation")
    with Wire(outside) as wire, services(folder, wire) as made:
        a = connect_data(made, wire.url, "a")
        facts = {
            "tenant": a,
            "client_key": "client-a",
            "page_file": "icon.svg",
            "asset": "page.js",
            "hook_provider": "postmark",
            "push_token": "nobodys-token",
            "strange": "a-state-that-nobody-began",
            "project_key": SUP["key"],
            "issue": "10100",
            **own_site(made, wire.url),
            **inbound_data(made, a, SUP),
            **outbound_data(made, a),
        }
        b = connect_data(made, wire.url, "b")
        inbound_data(made, b, OTHER, word="Badger", issue="20200")
        yield World(made, facts, b, wire)


def snapshot(world: World) -> set[tuple[str, str, str]]:
    """Every row that is not B's, as text; who guessed passwords or went to the OpenID provider is nobody's."""
    rows = set()
    for service, tables in TABLES.items():
        with world.services.databases[service].read() as tx:
            for table in tables.metadata.sorted_tables:
                rows |= {(service, table.name, str(row)) for row in (tuple(one) for one in tx.execute(select(table)))}
    return {row for row in rows if world.b not in row[2] and "'guess'" not in row[2] and "'state'" not in row[2]}


def served(made: Services) -> list[str]:
    """Each route as `service METHOD rule`."""
    return [
        f"{service} {method} {rule.rule}"
        for service, app in made.apps.items()
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


SESSION_ROUTES = [name for name, route in ROUTES.items() if isinstance(route.who, tuple)]


def test_every_route_of_every_service_is_described_here(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = served(world.services)
    assert set(found) - set(ROUTES) == set(), "say in ROUTES who may use it and what of a tenant it names"
    assert set(ROUTES) - set(found) == set(), "these routes are gone"
    assert len(found) == len(set(found))
    with capsys.disabled():
        by = {who: sum(route.who == who for route in ROUTES.values()) for who in (OPEN, PAGE, HOST)}
        print(f"\n{len(found)} routes: {len(SESSION_ROUTES)} by session, {by[HOST]} by host or worker, "
              f"{by[PAGE]} by the page's login, {by[OPEN]} open")  # fmt: skip


@pytest.mark.parametrize("name", ROUTES)
def test_another_tenants_administrator_gets_nothing_and_changes_nothing(world: World, name: str) -> None:
    route, before = ROUTES[name], snapshot(world)
    world.wire.calls.clear()
    answer = world.send(name, world.services.token(world.b))
    if route.who == HOST:
        assert answer.status_code == 401
    elif route.who == PAGE:
        assert answer.status_code == 403
    elif name in ISSUE_ROUTES:
        assert (answer.status_code, answer.json) == (200, [])
    elif route.who != OPEN and (route.names or route.body_names):
        assert answer.status_code in (403, 404)
    else:
        assert answer.status_code in route.own, answer.text
    assert "aardvark" not in answer.text.lower()
    assert before <= snapshot(world)
    assert [call.url for call in world.wire.calls if call.path.startswith("/jira/")] == []


@pytest.mark.parametrize("name", SESSION_ROUTES)
def test_without_a_good_session_the_answer_is_401(world: World, name: str) -> None:
    a, token = world.a["tenant"], world.services.token
    forged = issue(private_key(b"x" * 32), Session(a, "somebody", True, time.time() + LIFETIME))
    for wrong in (None, "", "x.y.z", forged, token(a, expires_at=time.time() - 1), token(a)[:-4] + "AAAA"):
        answer = world.send(name, wrong)
        assert (answer.status_code, answer.headers.get("WWW-Authenticate")) == (401, "Bearer")
        assert "aardvark" not in answer.text.lower()


@pytest.mark.parametrize("name", SESSION_ROUTES)
def test_a_project_session_does_only_what_a_projects_administrator_may(world: World, name: str) -> None:
    """Of their own tenant: with the names of another project's mailbox and mail, and with those of their own."""
    route, before = ROUTES[name], snapshot(world)
    token = world.services.token(world.a["tenant"], admin=False, project=SUP["id"])
    other = {key.removeprefix("other_"): value for key, value in world.a.items() if key.startswith("other_")}
    answer = world.send(name, token, **other, project_key=DEV["key"])
    if "project" not in route.who or route.names or route.body_names:
        assert answer.status_code in (403, 404), answer.text
    elif route.body is not None:  # a mailbox for somebody else's project
        assert answer.status_code == 403
    else:
        assert answer.status_code == 200
        assert "other_" not in answer.text and world.a["other_mailbox"] not in answer.text
        assert world.a["other_mail"] not in answer.text
    assert before <= snapshot(world)


@pytest.mark.parametrize("name", [name for name in SESSION_ROUTES if "project" in ROUTES[name].who and " GET " in name])
def test_a_project_session_is_let_in_where_it_may(world: World, name: str) -> None:
    """What it may change, tests/inbound/web/test_scopes.py changes."""
    token = world.services.token(world.a["tenant"], admin=False, project=SUP["id"])
    facts = {"mailbox": world.a["mailbox"], "mail": world.a["mail"]}
    assert world.send(name, token, **facts).status_code == 200


@pytest.mark.parametrize("name", SESSION_ROUTES)
def test_an_issue_session_sees_that_issue_only(world: World, name: str) -> None:
    route, before = ROUTES[name], snapshot(world)
    token = world.services.token(world.a["tenant"], admin=False, issue="10100")
    own, other = world.send(name, token), world.send(name, token, issue="10101")
    if "issue" in route.who:
        assert own.status_code == 200 and len(own.json) >= 1
        assert other.status_code == 404
    else:
        assert own.status_code == other.status_code == 403
    assert before <= snapshot(world)


@pytest.mark.parametrize("name", SESSION_ROUTES)
def test_a_session_that_is_nobodys_is_let_in_nowhere(world: World, name: str) -> None:
    """Somebody who came by a page of Jira and administers nothing."""
    assert world.send(name, world.services.token(world.a["tenant"], admin=False)).status_code == 403


@pytest.mark.parametrize("name", SESSION_ROUTES)
def test_a_project_or_an_issue_of_another_tenant_opens_nothing_here(world: World, name: str) -> None:
    """The ids are the same numbers in two Jiras: the tenant counts first."""
    before = snapshot(world)
    for scope in ({"project": SUP["id"]}, {"issue": "10100"}):
        answer = world.send(name, world.services.token(world.b, admin=False, **scope))
        assert answer.status_code in (200, 403, 404)
        assert "aardvark" not in answer.text.lower()
        if answer.status_code == 200:
            assert name in GENERAL or answer.json in ([], {"mails": [], "next": None})
    assert before <= snapshot(world)


def test_what_is_looked_for_is_there_to_be_found(world: World) -> None:
    """Else the tests above would prove nothing: A's own administrator sees it all."""
    token = world.services.token(world.a["tenant"])
    for name in SESSION_ROUTES:
        if " GET " in name:
            answer = world.send(name, token)
            assert answer.status_code == 200, f"{name}: {answer.text}"
    for name in ("inbound GET /api/inbound/mails/<id>", "outbound GET /api/outbound/sender"):
        assert "aardvark" in world.send(name, token).text.lower()
    assert len(snapshot(world)) > 15
