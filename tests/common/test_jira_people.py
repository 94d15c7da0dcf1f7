"""The look-up user finds people and judges rights, and never writes; a person's own token writes as the person."""

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from common.credentials import Credentials, LookupUser
from common.errors import Permanent, PersonRefused, Temporary
from common.http import Http
from common.jira import Jira, JiraSites
from common.jira_call import LOOKUPS, JiraCall
from common.jira_request import ask
from common.nets import Nets
from tests.common.test_jira import CALLS, contract_checker, settings
from tests.wire import Call, Reply, Wire

LOOKING = "Basic " + base64.b64encode(b"finder@example.com:finder-token").decode()


class Source:
    """Credentials with a look-up user; persons have the tokens that the test gives them."""

    def __init__(self, url: str) -> None:
        self.credentials = Credentials(
            tenant="t",
            scheme="forge",
            base_url=url + "/ex/jira/cloud",
            site_url=url,
            app_key=None,
            client_key=None,
            secret="app-token",
            email=None,
            account_id="the-app",
            lookup=LookupUser("finder@example.com", "finder-token"),
            person_tokens=True,
            thread_keys=(),
            expires_at=9e9,
        )
        self.persons: dict[str, str] = {}
        self.forgotten: list[str] = []

    def get(self, tenant: str) -> Credentials:
        return self.credentials

    def forget(self, tenant: str, used: Credentials | None = None) -> None: ...

    def person(self, tenant: str, account_id: str) -> Credentials | None:
        token = self.persons.get(account_id)
        return self.credentials.as_person(account_id, token) if token else None

    def forget_person(self, tenant: str, account_id: str) -> None:
        self.forgotten.append(account_id)


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with Wire(lambda _: Reply(200, {})) as server:
        yield server


@pytest.fixture
def wire(server: Wire) -> Wire:
    return server.reset(lambda _: Reply(200, {}))


@pytest.fixture
def source(wire: Wire) -> Source:
    return Source(wire.url)


@pytest.fixture
def jira(wire: Wire, source: Source) -> Iterator[Jira]:
    http = Http(Nets(["127.0.0.0/8"]), 20.0)
    yield JiraSites(http, source, settings()).site("t")
    http.close()


def as_lookup(call: Call) -> bool:
    return call.headers["authorization"] == LOOKING


def to(app: Reply, lookup: Reply) -> Callable[[Call], Reply]:
    return lambda call: lookup if as_lookup(call) else app


ANN = {"accountId": "ann", "emailAddress": "ann@example.com"}


def test_whom_the_app_cannot_find_the_look_up_user_may(jira: Jira, wire: Wire) -> None:
    wire.answer = to(Reply(200, []), Reply(200, [ANN]))
    assert jira.find_users("ann@example.com") == [ANN]
    assert [as_lookup(call) for call in wire.calls] == [False, True]
    assert [call.path.startswith("/ex/jira/cloud/") for call in wire.calls] == [True, False]
    wire.answer = to(Reply(200, [ANN]), Reply(500))
    assert jira.find_users("ann@example.com") == [ANN]


def test_whose_address_the_app_does_not_see_is_found_by_the_look_up_user(jira: Jira, wire: Wire) -> None:
    hidden = {"accountId": "ann"}
    wire.answer = to(Reply(200, [hidden]), Reply(200, [hidden, {**ANN, "emailAddress": "ANN@example.com"}]))
    assert [one["accountId"] for one in jira.users_by_address("ann@Example.com")] == ["ann"]
    wire.answer = to(Reply(200, [hidden]), Reply(200, [hidden]))
    assert jira.users_by_address("ann@example.com") == []


@pytest.mark.parametrize(
    ("call", "said", "expected"),
    [
        (lambda j: j.find_users("ann"), [ANN], [ANN]),
        (lambda j: j.user("ann"), ANN, ANN),
        (lambda j: j.groups_of("ann"), [], []),
        (lambda j: j.role_ids("T"), {"Users": "x/role/7"}, {"Users": "7"}),
        (lambda j: j.role_members("T", 7), {"actors": [{"id": 1}]}, [{"id": 1}]),
        (lambda j: j.check_permissions("ann", ["ADMINISTER"]), {"globalPermissions": []}, {"globalPermissions": []}),
    ],
)
def test_what_the_app_is_refused_the_look_up_user_is_asked(
    jira: Jira, wire: Wire, source: Source, call: Callable[[Jira], Any], said: Any, expected: Any
) -> None:
    for status in (403, 404):
        wire.answer = to(Reply(status), Reply(200, said))
        assert call(jira) == expected
        wire.answer = to(Reply(status), Reply(403))
        with pytest.raises(Permanent) as caught:
            call(jira)
        assert caught.value.status == status
    source.credentials = replace(source.credentials, lookup=None)
    before = len(wire.calls)
    with pytest.raises(Permanent):
        call(jira)
    assert len(wire.calls) == before + 1


def test_a_look_up_user_whose_token_ended_counts_for_nothing_and_a_slow_one_is_waited_for(
    jira: Jira, wire: Wire
) -> None:
    wire.answer = to(Reply(200, []), Reply(401))
    assert jira.find_users("ann") == []
    assert jira.user_as_lookup("ann") is None
    wire.answer = to(Reply(403), Reply(429, {}, (("Retry-After", "9"),)))
    with pytest.raises(Temporary) as caught:
        jira.user("ann")
    assert (caught.value.retry_after, caught.value.maybe_done) == (9.0, False)


def test_only_what_is_listed_may_be_asked_as_the_look_up_user(jira: Jira, wire: Wire, source: Source) -> None:
    http = Http(Nets(["127.0.0.0/8"]), 20.0)
    call = JiraCall(http, source, "t", timeout=5.0, parallel=1)
    for request in (
        ask("comment", "POST", "/issue/{}/comment", "T-1", body={}),
        ask("create", "POST", "/issue", body={}),
        ask("read an issue", "GET", "/issue/{}", "T-1"),
        ask("search", "POST", "/search/jql", body={}),
    ):
        with pytest.raises(ValueError, match="look-up user"):
            call.look_only(request)
    assert wire.calls == []
    http.close()


def test_no_method_writes_as_the_look_up_user(jira: Jira, wire: Wire) -> None:
    """Every method of the client, the app refused everything: what then goes out as the look-up user is a look-up."""
    checker = contract_checker()
    wire.answer = lambda call: Reply(404) if not as_lookup(call) else Reply(403)
    for _, call, _, _ in CALLS:
        with suppress(Permanent):
            call(jira)
    assert len([call for call in wire.calls if not as_lookup(call)]) == len(CALLS)
    looked = [call for call in wire.calls if as_lookup(call)]
    readers = {("POST", "/rest/api/3/permissions/check")}
    assert looked
    for call in looked:
        assert call.method == "GET" or (call.method, call.path) in readers
        assert not {"issue", "comment", "search"} & set(call.path.split("/")[4:5])
        assert checker.check_request(call.method, call.url, call.json) == []
    assert {method for method, _ in LOOKUPS} == {"GET", "POST"}
    assert [path for method, path in LOOKUPS if method == "POST"] == ["/permissions/check"]


DOC = {"type": "doc", "version": 1, "content": []}


def test_a_comment_goes_out_in_the_persons_own_name(jira: Jira, wire: Wire, source: Source) -> None:
    source.persons["ann"] = "anns-token"
    wire.answer = lambda _: Reply(201, {"id": "7"})
    assert jira.add_comment("T-1", DOC, {}, person="ann")["id"] == "7"
    [sent] = wire.calls
    assert sent.headers["authorization"] == "Bearer anns-token"
    assert sent.path == "/ex/jira/cloud/rest/api/3/issue/T-1/comment"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_the_person_is_refused_was_not_done_and_is_told_apart(
    jira: Jira, wire: Wire, source: Source, status: int
) -> None:
    source.persons["ann"] = "anns-token"
    wire.answer = lambda _: Reply(status)
    with pytest.raises(PersonRefused) as caught:
        jira.add_comment("T-1", DOC, {}, person="ann")
    assert caught.value.status == status
    assert len(wire.calls) == 1
    assert source.forgotten == (["ann"] if status == 401 else [])


def test_without_a_token_of_theirs_nothing_is_sent(jira: Jira, wire: Wire) -> None:
    with pytest.raises(PersonRefused):
        jira.add_comment("T-1", DOC, {}, person="bob")
    assert wire.calls == []


def test_an_answer_that_never_came_is_unknown_as_ever(jira: Jira, wire: Wire, source: Source) -> None:
    source.persons["ann"] = "anns-token"
    wire.answer = lambda _: Reply(502)
    with pytest.raises(Temporary) as unknown:
        jira.add_comment("T-1", DOC, {}, person="ann")
    assert unknown.value.maybe_done
