"""The Jira client against a recording web server: what it sends, and what it makes of every answer."""

import email
import email.policy
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest

from common import metrics
from common.credentials import Credentials
from common.env import Env, Settings
from common.errors import Fault, Permanent, Temporary, Unauthorised
from common.http import Http
from common.jira import Jira, JiraSites
from common.jira_faults import complaint, fault
from common.nets import Nets
from common.qsh import qsh
from tests.contracts import contract, contract_path
from tests.wire import Call, Reply, Wire

KEY = "A" * 43 + "="
SECRETS = ("the-first-shared-secret-32-octets", "the-second-shared-secret-32-octet")


class Known:
    """A source of credentials that the test rotates."""

    def __init__(self, base_url: str, scheme: str = "connect") -> None:
        self.base_url = base_url
        self.scheme = scheme
        self.newest = SECRETS[0]
        self._held: str | None = None
        self.forgotten: list[Credentials | None] = []

    def get(self, tenant: str) -> Credentials:
        self._held = self._held or self.newest
        return Credentials(
            tenant=tenant,
            scheme=self.scheme,
            base_url=self.base_url,
            site_url=self.base_url,
            app_key="app",
            client_key="client",
            secret=self._held,
            email="admin@example.com",
            account_id=None,
            lookup=None,
            person_tokens=False,
            thread_keys=(),
            expires_at=9e9,
        )

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        self.forgotten.append(used)
        self._held = None

    def person(self, tenant: str, account_id: str) -> None: ...

    def forget_person(self, tenant: str, account_id: str) -> None: ...


def settings(**changes: str) -> Settings:
    return Settings.read(Env({"MAILBRIDGE_MASTER_KEY": KEY, "MAILBRIDGE_JIRA_TIMEOUT": "5", **changes}))


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with Wire(lambda _: Reply(200, {})) as server:
        yield server


@pytest.fixture
def wire(server: Wire) -> Wire:
    return server.reset(lambda _: Reply(200, {}))


@pytest.fixture
def known(wire: Wire) -> Known:
    return Known(wire.url + "/site")


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http(Nets(["127.0.0.0/8"]), 20.0)
    yield client
    client.close()


@pytest.fixture
def jira(http: Http, known: Known) -> Jira:
    return JiraSites(http, known, settings()).site("tenant")


DOC = {"type": "doc", "version": 1, "content": []}
OURS = {"mailbridge": {"mail": "m"}}
# The call, how Jira answers it, what comes back.
CALLS: list[tuple[str, Callable[[Jira], Any], Any, Any]] = [
    (
        "search",
        lambda j: j.search('project = "T"', ["summary"], 5, ["10001"]),
        {"issues": [{"id": "1"}]},
        [{"id": "1"}],
    ),
    ("issue", lambda j: j.issue("T-1", ["summary", "status"], ["mailbridge"]), {"id": "1"}, {"id": "1"}),
    ("issue, whole", lambda j: j.issue("T-1"), {"id": "1"}, {"id": "1"}),
    (
        "bulk_fetch",
        lambda j: j.bulk_fetch(["T-1"], ["summary"], ["mailbridge"]),
        {"issues": [{"id": "1"}]},
        [{"id": "1"}],
    ),
    (
        "create_issue",
        lambda j: j.create_issue(
            {"summary": "s", "project": {"id": "1"}, "issuetype": {"id": "2"}, "description": DOC}, OURS
        ),
        {"id": "1", "key": "T-1"},
        {"id": "1", "key": "T-1"},
    ),
    ("set_property", lambda j: j.set_property("T-1", "mailbridge", {"mail": "m"}), None, None),
    ("watchers", lambda j: j.watchers("T-1"), {"watchers": [{"accountId": "a"}]}, [{"accountId": "a"}]),
    ("add_comment", lambda j: j.add_comment("T-1", DOC, OURS), {"id": "7"}, {"id": "7"}),
    (
        "add_comment, restricted",
        lambda j: j.add_comment("T-1", DOC, OURS, {"type": "role", "value": "Users", "identifier": "Users"}),
        {"id": "7"},
        {"id": "7"},
    ),
    ("newest_comments", lambda j: j.newest_comments("T-1", 20), {"comments": [{"id": "7"}]}, [{"id": "7"}]),
    ("comments_by_id", lambda j: j.comments_by_id(["8", 7, "7"]), {"values": [{"id": "7"}]}, [{"id": "7"}]),
    ("comment_property", lambda j: j.comment_property("7", "mailbridge"), {"key": "k", "value": {"m": 1}}, {"m": 1}),
    ("attach", lambda j: j.attach("T-1", "a.txt", "text/plain", b"data"), [{"id": "9"}], {"id": "9"}),
    ("find_users", lambda j: j.find_users("ann+x@example.com"), [{"accountId": "a"}], [{"accountId": "a"}]),
    (
        "users_by_address",
        lambda j: j.users_by_address("ann@example.com"),
        [{"accountId": "a", "emailAddress": "Ann@example.com"}, {"accountId": "b"}],
        [{"accountId": "a", "emailAddress": "Ann@example.com"}],
    ),
    ("user", lambda j: j.user("712020:a"), {"accountId": "a"}, {"accountId": "a"}),
    ("user_email", lambda j: j.user_email("712020:a"), {"email": "ann@example.com"}, "ann@example.com"),
    ("groups_of", lambda j: j.groups_of("712020:a"), [{"name": "g"}], [{"name": "g"}]),
    ("role_members", lambda j: j.role_members("T", 10002), {"actors": [{"id": 1}]}, [{"id": 1}]),
    ("role_ids", lambda j: j.role_ids("T"), {"Users": "https://a/rest/api/3/project/T/role/10001"}, {"Users": "10001"}),
    (
        "check_permissions",
        lambda j: j.check_permissions("a", ["ADMINISTER"], ["BROWSE_PROJECTS"], ["10001", 10000], ["1"]),
        {"globalPermissions": [], "projectPermissions": []},
        {"globalPermissions": [], "projectPermissions": []},
    ),
    (
        "check_permissions, global only",
        lambda j: j.check_permissions("a", ["ADMINISTER"]),
        {"globalPermissions": ["ADMINISTER"], "projectPermissions": []},
        {"globalPermissions": ["ADMINISTER"], "projectPermissions": []},
    ),
    ("projects", lambda j: j.projects("te", 20), {"values": [{"id": "1"}]}, [{"id": "1"}]),
    ("issue_types", lambda j: j.issue_types("T"), {"issueTypes": [{"id": "2"}]}, [{"id": "2"}]),
    (
        "create_fields",
        lambda j: j.create_fields("T", "2"),
        {"fields": [{"fieldId": "summary"}]},
        [{"fieldId": "summary"}],
    ),
    ("myself", lambda j: j.myself(), {"accountId": "a"}, {"accountId": "a"}),
    (
        "search, expanded",
        lambda j: j.search("updated >= -1d", ["updated"], 5, expand="changelog"),
        {"issues": [{"id": "1"}], "isLast": True},
        [{"id": "1"}],
    ),
    (
        "changelogs, by a Connect app",
        lambda j: j.changelogs(["10001"]),
        {"values": [{"id": "7"}], "isLast": True},
        {"10001": [{"id": "7"}]},
    ),
    ("notify", lambda j: j.notify("T-1", "Subject", "text", "<p>text</p>", "712020:a"), None, None),
    ("server_info", lambda j: j.server_info(), {"baseUrl": "https://a"}, {"baseUrl": "https://a"}),
    (
        "my_permissions",
        lambda j: j.my_permissions(["BROWSE_PROJECTS", "ADD_COMMENTS"], "10001"),
        {"permissions": {"BROWSE_PROJECTS": {"havePermission": True}}},
        {"ADD_COMMENTS": False, "BROWSE_PROJECTS": True},
    ),
    ("assignable", lambda j: j.assignable("712020:a", "T"), [{"accountId": "712020:a"}], True),
    ("user, expanded", lambda j: j.user("a", "applicationRoles"), {"accountId": "a"}, {"accountId": "a"}),
]
NAMES = [name for name, *_ in CALLS]


@pytest.mark.parametrize(("call", "said", "expected"), [case[1:] for case in CALLS], ids=NAMES)
def test_a_method_makes_one_signed_call_and_returns_what_jira_said(
    jira: Jira, wire: Wire, call: Callable[[Jira], Any], said: Any, expected: Any
) -> None:
    wire.answer = lambda _: Reply(200, said)
    assert call(jira) == expected
    [sent] = wire.calls
    assert sent.path.startswith("/site/rest/api/3/")
    scheme, _, token = sent.headers["authorization"].partition(" ")
    claims = jwt.decode(token, SECRETS[0], ["HS256"], audience="client", issuer="app")
    assert scheme == "JWT"
    assert claims["aud"] == ["client"]
    assert claims["exp"] - claims["iat"] == 180
    assert claims["qsh"] == qsh(sent.method, sent.path, sent.query, "/site")


def test_every_request_is_one_that_jira_documents(jira: Jira, wire: Wire) -> None:
    checker = contract_checker()
    for _, call, said, _ in CALLS:
        wire.answer = lambda _, said=said: Reply(200, said)  # type: ignore[misc]
        call(jira)
    assert len(wire.calls) == len(CALLS)
    problems = {}
    for (name, *_), sent in zip(CALLS, wire.calls, strict=True):
        body = None if "multipart" in sent.headers.get("content-type", "") else sent.json
        found = checker.check_request(sent.method, sent.url.removeprefix("/site"), body)
        if name == "attach":  # the body is multipart, which the checker cannot read
            found = [one for one in found if one != "body required"]
        if found:
            problems[name] = found
    assert problems == {}


def test_the_contract_check_can_fail() -> None:
    checker = contract_checker()
    assert checker.check_request("GET", "/rest/api/3/issue/T-1?nonsense=1")
    assert checker.check_request("POST", "/rest/api/3/comment/list", {"ids": ["x"]})


def contract_checker() -> Any:
    import importlib.util
    import warnings

    spec = importlib.util.spec_from_file_location("jira_contract", contract_path("jira_contract.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checker uses a resolver that jsonschema has deprecated
        spec.loader.exec_module(module)
        return module.JiraContract(str(contract_path("jira-platform-v3.openapi.json")))


def test_names_in_a_path_and_values_in_a_query_are_encoded(jira: Jira, wire: Wire) -> None:
    jira.issue("T-1/../../x?y=1#z", ["a b", "ä"])
    jira.user("712020:a&b=c")
    assert wire.calls[0].path == "/site/rest/api/3/issue/T-1%2F..%2F..%2Fx%3Fy%3D1%23z"
    assert wire.calls[0].query == "fields=a%20b%2C%C3%A4"
    assert wire.calls[1].query == "accountId=712020%3Aa%26b%3Dc"


# --- answers


LIMITED = {"Retry-After": "7", "RateLimit-Reason": "jira-burst-based"}
RESET = {"X-RateLimit-Reset": "2023-11-14T22:14:20Z"}  # 60 seconds after NOW
NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("status", "headers", "write", "kind", "wait", "maybe"),
    [
        (429, LIMITED, True, Temporary, 7.0, False),
        (429, LIMITED, False, Temporary, 7.0, False),
        (429, RESET, True, Temporary, 60.0, False),
        (429, {"x-ratelimit-reset": "2023-11-14T22:14:20"}, True, Temporary, 60.0, False),
        (429, {"Retry-After": "2", **RESET}, True, Temporary, 2.0, False),
        (429, {"Retry-After": "1e999"}, True, Temporary, 86_400.0, False),
        (429, {"Retry-After": "nan"}, True, Temporary, None, False),
        (429, {"Retry-After": "-5"}, True, Temporary, 0.0, False),
        (429, {"X-RateLimit-Reset": "9999-12-31T23:59:59Z"}, True, Temporary, 86_400.0, False),
        (429, {"Retry-After": "soon"}, True, Temporary, None, False),
        (429, {"X-RateLimit-Reset": "1999-01-01T00:00:00Z"}, True, Temporary, 0.0, False),
        (503, LIMITED, True, Temporary, 7.0, False),
        (503, {"Retry-After": "5"}, True, Temporary, 5.0, True),
        (503, {"Retry-After": "5"}, False, Temporary, 5.0, False),
        (500, {}, True, Temporary, None, True),
        (502, {}, True, Temporary, None, True),
        (504, {}, False, Temporary, None, False),
        (408, {}, True, Temporary, None, True),
        (425, {}, True, Temporary, None, False),
        (302, {"Location": "https://login"}, True, Temporary, None, False),
        (400, {}, True, Permanent, None, False),
        (401, {}, True, Unauthorised, 60.0, False),
        (401, {"Retry-After": "90"}, False, Unauthorised, 90.0, False),
        (403, {}, False, Permanent, None, False),
        (404, {}, False, Permanent, None, False),
        (409, {}, True, Permanent, None, False),
        (413, {}, True, Permanent, None, False),
        (422, {}, True, Permanent, None, False),
    ],
)
def test_an_answer_is_a_fault_of_the_right_kind(
    status: int, headers: dict[str, str], write: bool, kind: type[Fault], wait: float | None, maybe: bool
) -> None:
    problem = fault("do it", status, headers, b"", NOW, write=write)
    assert type(problem) is kind
    assert str(status) in str(problem) and "do it" in str(problem)
    if isinstance(problem, Temporary):
        assert (problem.retry_after, problem.maybe_done) == (wait, maybe)
    if isinstance(problem, Permanent):
        assert problem.status == status
        assert bool(problem.remedy) == (status in (403, 404, 413))


def test_the_documented_rate_limit_answers_mean_not_done() -> None:
    for name, sample in contract("samples/http/rate-limit-responses.json").items():
        if sample["status"] == 429:
            problem = fault("write", 429, sample["headers"], b"", NOW, write=True)
            assert isinstance(problem, Temporary) and not problem.maybe_done, name
            assert problem.retry_after == float(sample["headers"]["Retry-After"])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"errorMessages": ["One.", "Two."], "errors": {}}', "One. Two."),
        (b'{"errorMessages": [], "errors": {"summary": "is missing"}}', "summary: is missing"),
        (b'{"message": "Gone"}', "Gone"),
        (b'{"errorMessages": "x", "errors": []}', ""),
        (b"<html>no</html>", ""),
        (b"[1]", ""),
        (b"", ""),
        (b"[" * 100_000, ""),
        (b'{"errorMessages": ["' + b"x" * 9000 + b'"]}', "x" * 500),
    ],
)
def test_what_jira_complains_about_becomes_a_sentence(body: bytes, sentence: str) -> None:
    assert complaint(body) == sentence


def test_jiras_complaint_reaches_the_caller(jira: Jira, wire: Wire) -> None:
    wire.answer = lambda _: Reply(400, {"errorMessages": [], "errors": {"reporter": "is not allowed"}})
    with pytest.raises(Permanent, match="reporter: is not allowed") as caught:
        jira.create_issue({}, {})
    assert caught.value.status == 400


def test_an_address_that_jira_does_not_tell_is_none_and_an_app_not_approved_hears_so(jira: Jira, wire: Wire) -> None:
    for answer in (Reply(404, {}), Reply(200, {"accountId": "a"})):
        wire.answer = lambda _, answer=answer: answer  # type: ignore[misc]
        assert jira.user_email("a") is None
    for status in (400, 403):
        wire.answer = lambda _, status=status: Reply(status, {})  # type: ignore[misc]
        with pytest.raises(Permanent) as caught:
            jira.user_email("a")
        assert caught.value.status == status
    wire.answer = lambda _: Reply(500)
    with pytest.raises(Temporary):
        jira.user_email("a")


@pytest.mark.parametrize("said", [b"<html>log in</html>", b"[1]", b"7", b""])
def test_an_answer_of_another_shape_is_temporary_for_a_read(jira: Jira, wire: Wire, said: bytes) -> None:
    wire.answer = lambda _: Reply(200, said)
    with pytest.raises(Temporary) as caught:
        jira.issue("T-1")
    assert not caught.value.maybe_done


@pytest.mark.parametrize("said", [b"<html>log in</html>", b"[1]", b'{"key": "T-1"}', b""])
def test_a_write_whose_answer_names_nothing_may_have_been_done(jira: Jira, wire: Wire, said: bytes) -> None:
    wire.answer = lambda _: Reply(201, said)
    with pytest.raises(Temporary) as caught:
        jira.create_issue({}, {})
    assert caught.value.maybe_done


def test_without_an_answer_a_write_may_have_been_done_and_a_read_has_not(http: Http) -> None:
    with Silent() as silent:
        jira = JiraSites(http, Known(silent.url), settings()).site("tenant")
        with pytest.raises(Temporary) as write:
            jira.add_comment("T-1", DOC, {})
        with pytest.raises(Temporary) as read:
            jira.search("x", [], 1)
        assert silent.requests == 2
    assert write.value.maybe_done
    assert not read.value.maybe_done


def test_without_a_connection_nothing_was_done(http: Http) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        jira = JiraSites(http, Known(f"http://127.0.0.1:{unused.getsockname()[1]}"), settings()).site("tenant")
        with pytest.raises(Temporary) as caught:
            jira.add_comment("T-1", DOC, {})
    assert not caught.value.maybe_done


class Silent:
    """A server that reads a request and hangs up."""

    def __init__(self) -> None:
        self.requests = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Silent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(30)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                self.requests += 1


# --- secrets, pages, turns


def test_a_rotated_secret_is_fetched_and_the_call_made_again(jira: Jira, wire: Wire, known: Known) -> None:
    wire.answer = lambda call: Reply(201, {"id": "7"}) if accepts(call, SECRETS[1]) else Reply(401)
    known.get("tenant")
    known.newest = SECRETS[1]
    assert jira.add_comment("T-1", DOC, {}) == {"id": "7"}
    assert len(wire.calls) == 2
    assert known.forgotten[0] is not None


def test_a_401_with_the_newest_secret_waits_and_is_not_repeated(jira: Jira, wire: Wire) -> None:
    wire.answer = lambda _: Reply(401)
    for call in (lambda: jira.add_comment("T-1", DOC, {}), lambda: jira.issue("T-1")):
        before = len(wire.calls)
        with pytest.raises(Unauthorised) as caught:
            call()
        assert (caught.value.retry_after, caught.value.maybe_done) == (60.0, False)
        assert len(wire.calls) == before + 1


def test_a_401_to_a_newer_secret_too_waits(jira: Jira, wire: Wire, known: Known) -> None:
    wire.answer = lambda _: Reply(401)
    known.get("tenant")
    known.newest = SECRETS[1]
    with pytest.raises(Unauthorised):
        jira.add_comment("T-1", DOC, {})
    assert len(wire.calls) == 2


def test_a_fault_of_the_source_is_no_answer_of_jira(http: Http, wire: Wire) -> None:
    jira = JiraSites(http, Failing(Temporary("connect is slow", retry_after=3.0, maybe_done=True)), settings()).site(
        "t"
    )
    with pytest.raises(Temporary) as slow:
        jira.add_comment("T-1", DOC, {})
    assert (slow.value.maybe_done, slow.value.retry_after) == (False, 3.0)
    jira = JiraSites(http, Failing(Permanent("no such site", remedy="install", status=404)), settings()).site("t")
    for call in (lambda: jira.issue("T-1"), lambda: jira.user_email("a")):
        with pytest.raises(Permanent, match="no such site") as gone:
            call()
        assert (gone.value.status, gone.value.remedy) == (None, "install")
    assert wire.calls == []


class Failing:
    """A source of credentials that has none."""

    def __init__(self, problem: Fault) -> None:
        self._problem = problem

    def get(self, tenant: str) -> Credentials:
        raise self._problem

    def forget(self, tenant: str, used: Credentials | None = None) -> None: ...

    def person(self, tenant: str, account_id: str) -> None: ...

    def forget_person(self, tenant: str, account_id: str) -> None: ...


def accepts(call: Call, secret: str) -> bool:
    try:
        jwt.decode(call.headers["authorization"][4:], secret, ["HS256"], audience="client")
    except jwt.InvalidTokenError:
        return False
    return True


def test_a_search_goes_from_page_to_page_until_it_has_enough(jira: Jira, wire: Wire) -> None:
    def answer(call: Call) -> Reply:
        start = int(call.json.get("nextPageToken", 0))
        issues = [{"id": str(number)} for number in range(start, start + 2)]
        return Reply(200, {"issues": issues, "nextPageToken": str(start + 2), "isLast": False})

    wire.answer = answer
    assert [issue["id"] for issue in jira.search("x", [], 5)] == ["0", "1", "2", "3", "4"]
    assert len(wire.calls) == 3
    wire.answer = lambda _: Reply(200, {"issues": [{"id": "0"}], "isLast": True})
    assert len(jira.search("x", [], 5)) == 1


def test_no_ids_need_no_call(jira: Jira, wire: Wire) -> None:
    assert jira.comments_by_id([]) == []
    assert wire.calls == []


def test_a_file_arrives_with_its_name_and_octets(jira: Jira, wire: Wire) -> None:
    wire.answer = lambda _: Reply(200, [{"id": "9"}])
    data = bytes(range(256)) * 3 + b"\r\n--mailbridge"
    jira.attach("T-1", 'Bericht "März"\r\nX-Evil: 1.pdf', "application/pdf\r\nX-Evil: 1", data)
    [sent] = wire.calls
    assert sent.headers["x-atlassian-token"] == "no-check"
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    [part] = email.message_from_bytes(head + sent.body, policy=email.policy.HTTP).iter_parts()
    assert part.get_payload(decode=True) == data
    assert part["X-Evil"] is None
    disposition = sent.body.partition(b"\r\n\r\n")[0].decode()
    assert 'name="file"; filename="Bericht %22März%22%0D%0AX-Evil: 1.pdf"' in disposition


def test_at_most_so_many_calls_run_at_a_time_for_a_tenant(http: Http, wire: Wire, known: Known) -> None:
    running, most, lock = 0, 0, threading.Lock()
    full = threading.Event()

    def answer(_: Call) -> Reply:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 3:
                full.set()
        full.wait(30)
        time.sleep(0.02)  # long enough for a fourth to come in, were it let through
        with lock:
            running -= 1
        return Reply(200, {})

    wire.answer = answer
    sites = JiraSites(http, known, settings(MAILBRIDGE_JIRA_PARALLEL="3"))
    threads = [threading.Thread(target=lambda: sites.site("tenant").myself()) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(wire.calls) == 12
    assert most == 3


def test_who_waits_too_long_for_a_turn_is_told_to_come_again(http: Http, wire: Wire, known: Known) -> None:
    slow = SlowSource(known)
    sites = JiraSites(http, slow, settings(MAILBRIDGE_JIRA_PARALLEL="1", MAILBRIDGE_JIRA_TIMEOUT="1"))
    first = threading.Thread(target=sites.site("tenant").myself)
    first.start()
    assert slow.entered.wait(30)
    with pytest.raises(Temporary) as caught:
        sites.site("tenant").add_comment("T-1", DOC, {})
    slow.leave.set()
    first.join(30)
    assert not caught.value.maybe_done
    assert caught.value.retry_after == 1.0
    assert len(wire.calls) == 1


class SlowSource:
    """Hands out credentials when the test says so."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.entered, self.leave = threading.Event(), threading.Event()

    def get(self, tenant: str) -> Credentials:
        self.entered.set()
        assert self.leave.wait(30)
        return self._known.get(tenant)

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        self._known.forget(tenant, used)

    def person(self, tenant: str, account_id: str) -> None: ...

    def forget_person(self, tenant: str, account_id: str) -> None: ...


def test_another_tenant_has_turns_of_its_own(http: Http, known: Known) -> None:
    sites = JiraSites(http, known, settings())
    assert sites.site("a") is sites.site("a")
    assert sites.site("a") is not sites.site("b")


def test_calls_are_counted_by_template_and_status(jira: Jira, wire: Wire) -> None:
    labels = {"method": "GET", "path": "/issue/{}", "status": "404"}
    before = metrics.REGISTRY.get_sample_value("mailbridge_jira_calls_total", labels) or 0.0
    wire.answer = lambda _: Reply(404)
    with pytest.raises(Permanent):
        jira.issue("T-1")
    assert metrics.REGISTRY.get_sample_value("mailbridge_jira_calls_total", labels) == before + 1


# --- changes


def test_all_but_connect_ask_for_the_changes_of_several_issues_at_once(http: Http, wire: Wire) -> None:
    jira = JiraSites(http, Known(wire.url, "token"), settings()).site("tenant")
    pages = [
        {"issueChangeLogs": [{"issueId": "1", "changeHistories": [{"id": "5"}]}], "nextPageToken": "more"},
        {"issueChangeLogs": [{"issueId": "1", "changeHistories": [{"id": "6"}]}, {"issueId": "2"}]},
    ]
    wire.answer = lambda _: Reply(200, pages[len(wire.calls) - 1])
    assert jira.changelogs(["1", "2", "3"]) == {"1": [{"id": "5"}, {"id": "6"}], "2": [], "3": []}
    assert [call.json.get("nextPageToken") for call in wire.calls] == [None, "more"]
    checker = contract_checker()
    assert [checker.check_request(call.method, call.url, call.json) for call in wire.calls] == [[], []]
    assert jira.changelogs([]) == {}
    assert len(wire.calls) == 2


def test_a_long_history_is_read_page_by_page(jira: Jira, wire: Wire) -> None:
    def answer(call: Call) -> Reply:
        start = int(parse_qs(call.query)["startAt"][0])
        values = [{"id": str(number)} for number in range(start, min(start + 2, 5))]
        return Reply(200, {"values": values, "total": 5, "startAt": start})

    wire.answer = answer
    assert [one["id"] for one in jira.changelogs(["1"], 3)["1"]] == ["2", "3", "4"]
    assert len(wire.calls) == 3


# --- limits


def test_a_near_limit_and_what_is_left_are_noted(jira: Jira, wire: Wire) -> None:
    wire.answer = lambda _: Reply(200, {}, (("X-RateLimit-NearLimit", "true"), ("X-RateLimit-Remaining", "41")))
    labels = {"tenant": "tenant"}
    before = metrics.REGISTRY.get_sample_value("mailbridge_jira_near_limit_total", labels) or 0.0
    jira.myself()
    assert metrics.REGISTRY.get_sample_value("mailbridge_jira_near_limit_total", labels) == before + 1
    assert metrics.REGISTRY.get_sample_value("mailbridge_jira_limit_left", labels) == 41
