"""Microsoft Graph as a source, against the stand-in over HTTP: paging, changes, expired links, throttling, folders, words."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from common.db import Database
from common.errors import Temporary
from common.http import Http
from common.nets import Nets
from inbound.config import Config
from inbound.fetcher import Fetcher
from inbound.sources import Account, Bearer, Count, Disposal, Overview, Unreadable, Unusable
from inbound.sources.grants import OneToken
from inbound.sources.graph import GraphSource
from inbound.sources.graph_faults import explain
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.signing import USER, Cloud, add_signed_in, cloud, reconnect, settings

SMALL = 100_000
GRAPH = "https://graph.microsoft.com/Mail.ReadWrite"


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


@pytest.fixture
def graph(_cloud: Cloud) -> Cloud:
    _cloud.provider.reset()
    _cloud.graph.reset()
    _cloud.graph.add(USER)
    return _cloud


def token(graph: Cloud, account: str = USER, scope: str = GRAPH) -> str:
    return str(graph.provider.access(account, scope)["access_token"])


def source(
    graph: Cloud, bearer: Bearer | None = None, *, most: int = SMALL, timeout: float = 30.0, **changes: Any
) -> GraphSource:
    values = {"host": "graph.microsoft.com", "port": 443, "security": "tls", "username": USER, "secret": ""}
    account = Account(**{**values, "folder": "INBOX", "bearer": bearer or OneToken(token(graph), USER), **changes})
    http = Http(Nets(("127.0.0.0/8",)), 30.0, limit=most)
    return GraphSource(account, http, f"{graph.url}/graph/v1.0", timeout=timeout, most=most)


@contextmanager
def opened(graph: Cloud, **changes: Any) -> Iterator[GraphSource]:
    with closing(source(graph, **changes)) as found:
        found.open()
        yield found


def raws(found: GraphSource) -> list[bytes]:
    return [message.raw for batch in found.messages(found.listed(), SMALL) for message in batch]


def test_a_folder_of_many_pages_is_listed_whole_and_oldest_first(graph: Cloud) -> None:
    ids = [graph.graph.deliver(USER, letter(f"no {number}"), at=1_000_000.0 + number) for number in range(35)]
    with closing(source(graph)) as found:
        place = found.open()
        assert (place.count, place.ordered, place.wakes, place.validity) == (35, False, False, "")
        assert found.listed() == tuple(ids)


def test_messages_come_as_they_are(graph: Cloud) -> None:
    mails = [letter("one"), "From: a@b.test\r\nSubject: Grüße\r\n\r\n…".encode(), letter("three")]
    for number, mail in enumerate(mails):
        graph.graph.deliver(USER, mail, at=1_000_000.0 + number)
    with opened(graph) as found:
        assert raws(found) == mails
        first = next(iter(found.messages(found.listed()[:1], SMALL)))[0]
        assert (first.arrived_at, first.size) == (1_000_000.0, len(mails[0]))
    assert found.unread() == frozenset(found.listed())  # reading marks nothing


def test_only_changes_are_asked_for_after_the_first_look(graph: Cloud) -> None:
    kept = graph.graph.deliver(USER, letter("kept"), at=1.0)
    gone = graph.graph.deliver(USER, letter("gone"), at=2.0)
    with opened(graph) as found:
        assert found.listed() == (kept, gone)
        new = graph.graph.deliver(USER, letter("new"), at=3.0)
        folder = graph.graph.add(USER)["inbox"]
        graph.graph.remove(folder, folder.messages[gone])
        graph.graph.mark(folder, folder.messages[kept], True)
        assert found.listed() == (kept, new)
        assert found.unread() == {new}
        assert found.listed() == (kept, new)


def test_an_expired_delta_link_costs_a_new_look_and_no_message(graph: Cloud) -> None:
    ids = [graph.graph.deliver(USER, letter(str(number)), at=float(number + 1)) for number in range(12)]
    with opened(graph) as found:
        graph.graph.expire_links()
        ids.append(graph.graph.deliver(USER, letter("meanwhile"), at=99.0))
        assert found.listed() == tuple(ids)
        graph.graph.expire_links()
        folder = graph.graph.add(USER)["inbox"]
        graph.graph.remove(folder, folder.messages[ids[0]])
        assert found.listed() == tuple(ids[1:])


def deltas(graph: Cloud) -> int:
    """How many pages of the list were asked for since the last question."""
    asked = sum(call.endswith("/messages/delta") for call in graph.graph.calls)
    graph.graph.calls.clear()
    return asked


def test_a_mark_lets_a_later_session_ask_for_changes_only(graph: Cloud) -> None:
    for number in range(35):
        graph.graph.deliver(USER, letter(str(number)), at=float(number + 1))
    with opened(graph) as found:
        found.listed()
        mark = found.mark
    assert deltas(graph) == 4
    new = graph.graph.deliver(USER, letter("new"), at=99.0)
    with closing(source(graph)) as later:
        later.open(mark)
        assert later.changed() == (new,)
        assert deltas(graph) == 1
        assert len(later.listed()) == 36, "what is asked for as a whole is told as a whole"


def test_a_mark_that_is_too_old_or_not_understood_is_said_to_be_of_no_use(graph: Cloud) -> None:
    ids = [graph.graph.deliver(USER, letter("one"))]
    with opened(graph) as found:
        found.listed()
        mark = found.mark
    graph.graph.expire_links()
    for useless in (mark, "", "rubbish", mark.replace("deltatoken=", "deltatoken=x")):
        with closing(source(graph)) as later:
            later.open(useless)
            assert later.changed() is None
            assert later.listed() == tuple(ids)


def test_a_mark_counts_for_the_mailbox_and_the_way_in_that_it_was_had_by_only(graph: Cloud) -> None:
    with opened(graph) as found:
        found.listed()
        mark = found.mark
    graph.graph.calls.clear()
    app = str(graph.provider.access("", "https://graph.microsoft.com/.default", app="an-app")["access_token"])
    with closing(source(graph, OneToken(app, None))) as other:  # /users/…, where the link says /me/…
        other.open(mark)
        assert other.changed() is None and deltas(graph) == 0
    with closing(source(graph, folder="Archive")) as elsewhere:
        elsewhere.open(mark)
        assert elsewhere.changed() is None and deltas(graph) == 0


def test_changes_of_too_many_pages_are_left_to_a_full_look(graph: Cloud) -> None:
    with opened(graph) as found:
        found.listed()
        for number in range(35):
            graph.graph.deliver(USER, letter(str(number)))
        assert found.changed(2) is None
        assert len(found.changed() or ()) == 35


@pytest.mark.parametrize("counts", [True, False])
def test_newer_messages_are_counted_by_few_calls(graph: Cloud, counts: bool) -> None:
    for number in range(300):
        graph.graph.deliver(USER, letter(str(number)), at=1_000_000.0 + number)
    graph.graph.counts, graph.graph.page = counts, 100
    with opened(graph) as found:
        graph.graph.calls.clear()
        assert found.counted(1_000_100.0) == Count(200)
        assert len(graph.graph.calls) == (1 if counts else 3)
        graph.graph.page = 10
        assert found.counted(0.0) == (Count(300) if counts else Count(200, exact=False))
        graph.graph.calls.clear()
        assert found.overview() == Overview(300, 300, 1_000_000.0)
        assert len(graph.graph.calls) == 2, "an overview does not list the folder"


@pytest.mark.parametrize("broken", ["404", "500", "short", "silent"])
def test_a_message_that_is_not_handed_over_keeps_no_other_out(graph: Cloud, broken: str) -> None:
    ids = [graph.graph.deliver(USER, letter(name, text="x" * 200), at=float(at)) for at, name in enumerate("abc", 1)]
    graph.graph.broken[ids[1]] = broken
    with opened(graph, timeout=3.0 if broken in ("short", "silent") else 30.0) as found:
        batches = found.messages(ids, SMALL)
        assert [message.id for message in next(iter(batches))] == [ids[0], ids[2]]
        with pytest.raises(Unreadable):
            next(iter(batches))


def test_a_message_without_end_comes_as_its_header(graph: Cloud) -> None:
    id = graph.graph.deliver(USER, letter("endless", text="x" * 5_000))
    graph.graph.broken[id] = "endless"
    with opened(graph) as found:
        (message,) = next(iter(found.messages([id], SMALL)))
    assert b"Subject: endless" in message.raw and b"xxxx" not in message.raw and "at most" in message.problem


def test_an_outage_is_not_asked_about_each_message(graph: Cloud) -> None:
    ids = [graph.graph.deliver(USER, letter(str(number))) for number in range(20)]
    graph.graph.broken |= dict.fromkeys(ids, "500")
    with opened(graph) as found:
        graph.graph.calls.clear()
        with pytest.raises(Temporary):
            list(found.messages(ids, SMALL))
        assert len(graph.graph.calls) == 2


def test_a_call_for_patience_is_not_held_against_a_message(graph: Cloud) -> None:
    ids = [graph.graph.deliver(USER, letter(str(number)), at=float(number + 1)) for number in range(3)]
    with opened(graph) as found:
        batches = found.messages(ids, SMALL)
        graph.graph.throttled = 1
        with pytest.raises(Temporary) as caught:
            list(batches)
        assert not isinstance(caught.value, Unreadable) and caught.value.retry_after == 1.0


def test_throttling_is_waited_out_for_as_long_as_graph_says(graph: Cloud) -> None:
    graph.graph.deliver(USER, letter("one"))
    with opened(graph) as found:
        graph.graph.throttled, graph.graph.retry_after = 1, 17
        with pytest.raises(Temporary, match="429") as caught:
            found.listed()
        assert caught.value.retry_after == 17.0
        assert len(found.listed()) == 1


def test_messages_are_marked_moved_and_deleted(graph: Cloud) -> None:
    first, second, third = (graph.graph.deliver(USER, letter(name), at=1.0) for name in "abc")
    done = graph.graph.add_folder(USER, "Done", graph.graph.add_folder(USER, "Büro"))
    with opened(graph) as found:
        found.done([first])
        found.done([second], Disposal("move", "Büro/Done"))
        found.done([third], Disposal("delete"))
        assert found.listed() == (first,) and found.unread() == frozenset()
        assert set(graph.graph.add(USER)[done].messages) == {second}
        found.done([first, second, third, "no-such-message"])  # asked for again after a crash
        found.done([third], Disposal("delete"))


def test_a_moved_message_is_still_the_same_one(graph: Cloud) -> None:
    """The ledger knows it by its id: without immutable ids it would be another one."""
    id = graph.graph.deliver(USER, letter("moved"))
    with opened(graph) as found:
        found.done([id], Disposal("move", "Archive"))
    with opened(graph, folder="Archive") as archive:
        assert archive.listed() == (id,)


def test_a_large_message_comes_as_its_header_only(graph: Cloud) -> None:
    large = letter("large", text="x" * 5000)
    id = graph.graph.deliver(USER, large)
    with opened(graph) as found:
        message = next(iter(found.messages([id], 1000)))[0]
        assert b"Subject: large" in message.raw and b"xxxx" not in message.raw
        assert message.size == len(large) and "at most" in message.problem
    with closing(source(graph, most=3000)) as narrow:  # not even the answer is taken in
        message = next(iter(narrow.messages([id], 1000)))[0]
        assert b"Subject: large" in message.raw and b"xxxx" not in message.raw and not message.whole


def test_headers_are_had_without_the_bodies(graph: Cloud) -> None:
    id = graph.graph.deliver(USER, letter("subject", text="body"))
    with opened(graph) as found:
        (message,) = found.headers([id, "gone"])
        assert b"Subject: subject" in message.raw and b"From: " in message.raw and b"body" not in message.raw


def test_a_message_that_is_gone_is_left_out(graph: Cloud) -> None:
    id = graph.graph.deliver(USER, letter("there"))
    with opened(graph) as found:
        assert [message.id for batch in found.messages(["gone", id], SMALL) for message in batch] == [id]


def test_batches_are_of_fifty_at_most(graph: Cloud) -> None:
    for number in range(53):
        graph.graph.deliver(USER, letter(str(number)), at=float(number + 1))
    with opened(graph) as found:
        assert [len(batch) for batch in found.messages(found.listed(), SMALL)] == [50, 3]


def test_a_look_says_what_is_there(graph: Cloud) -> None:
    graph.graph.deliver(USER, letter("read"), read=True, at=100.0)
    graph.graph.deliver(USER, letter("unread"), at=200.0)
    with opened(graph) as found:
        overview = found.overview()
        assert (overview.total, overview.unread, overview.oldest_at) == (2, 1, 100.0)
        assert len(found.since(150.0)) == 1


def test_a_test_of_the_connection_says_what_it_found(graph: Cloud) -> None:
    graph.graph.deliver(USER, letter("one"))
    graph.graph.add_folder(USER, "Done", graph.graph.add_folder(USER, "Büro"))
    with closing(source(graph)) as found:
        finding = found.check()
    assert "Büro/Done" in finding.folders  # as it may be named to be read or moved to
    assert (finding.total, finding.unread, finding.wakes) == (1, 1, False)
    assert "Inbox" in finding.folders and any("1 message, 1 of them unread" in told for told in finding.sentences)


def test_a_folder_that_is_not_there_is_told_with_those_that_are(graph: Cloud) -> None:
    with pytest.raises(Unusable, match="no folder 'Nirvana'") as caught, opened(graph, folder="Nirvana"):
        pass
    assert caught.value.field == "folder" and "Inbox" in caught.value.folders
    with opened(graph) as found, pytest.raises(Unusable) as moved:
        found.done([graph.graph.deliver(USER, letter("x"))], Disposal("move", "Nirvana"))
    assert moved.value.field == "move_to"


def test_a_mailbox_that_the_app_may_not_read_is_told_in_words(graph: Cloud) -> None:
    graph.graph.allowed = set()
    app = str(graph.provider.access("", "https://graph.microsoft.com/.default", app="an-app")["access_token"])
    with pytest.raises(Unusable, match="Access is denied") as caught, opened(graph, bearer=OneToken(app, None)):
        pass
    assert caught.value.field == "secret" and "Mail.ReadWrite" in caught.value.remedy


def test_an_app_reads_the_mailbox_by_its_name(graph: Cloud) -> None:
    graph.graph.allowed = {USER}
    graph.graph.deliver(USER, letter("for the app"))
    app = str(graph.provider.access("", "https://graph.microsoft.com/.default", app="an-app")["access_token"])
    with opened(graph, bearer=OneToken(app, None)) as found:
        assert raws(found) == [letter("for the app")]


def test_nobody_at_all_is_told_in_words(graph: Cloud) -> None:
    app = str(graph.provider.access("", "https://graph.microsoft.com/.default", app="an-app")["access_token"])
    changes = {"username": "nobody@sandbox.test", "folder": "Other"}
    with (
        pytest.raises(Unusable, match=r"no mailbox nobody@sandbox\.test"),
        opened(graph, bearer=OneToken(app, None), **changes),
    ):
        pass


class _Renewing:
    """Tokens one after the other; what was refused is remembered."""

    person = USER

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)
        self.thrown: list[str] = []

    def token(self) -> str:
        return self.tokens[0]

    def refused(self, token: str) -> bool:
        self.thrown.append(token)
        return bool(self.tokens[1:]) and self.tokens.pop(0) == token


def test_a_token_that_ended_is_replaced_within_the_call(graph: Cloud) -> None:
    graph.graph.deliver(USER, letter("one"))
    bearer = _Renewing("rubbish", token(graph))
    with opened(graph, bearer=bearer) as found:
        assert len(found.listed()) == 1
    assert bearer.thrown == ["rubbish"]


def test_a_newest_token_that_is_refused_is_told_in_words(graph: Cloud) -> None:
    with (
        pytest.raises(Unusable, match="does not take the sign-in") as caught,
        opened(graph, bearer=_Renewing("rubbish")),
    ):
        pass
    assert caught.value.field == "secret"


def test_the_token_goes_to_graph_only(graph: Cloud) -> None:
    """A link that leads elsewhere is not followed."""
    with opened(graph) as found:
        found.listed()
        found._list._delta = "http://127.0.0.1:1/graph/v1.0/steal"
        with pytest.raises(Temporary, match="another host"):
            found.listed()


@pytest.mark.parametrize(
    ("status", "kind"), [(500, Temporary), (503, Temporary), (429, Temporary), (400, Temporary), (403, Unusable)]
)
def test_what_an_answer_means(status: int, kind: type[Exception]) -> None:
    body = json.dumps({"error": {"code": "SomeCode", "message": "Some words."}}).encode()
    fault = explain(status, {}, body, USER, "read messages")
    assert isinstance(fault, kind) and "SomeCode: Some words." in str(fault)
    assert isinstance(explain(status, {}, b"<html>", USER, "read messages"), kind)


# --- as a fetcher reads it


@pytest.fixture
def config(graph: Cloud) -> Config:
    return graph.config(POLL_SECONDS="1")


@contextmanager
def fetching(config: Config, database: Database) -> Iterator[None]:
    fetcher = Fetcher(config, database)
    fetcher.start()
    try:
        yield
    finally:
        fetcher.stop(30)


def state_of(database: Database, id: str) -> Callable[[], str]:
    return lambda: str(settings(database, id).state)


def test_a_fetcher_brings_a_graph_mailbox_into_the_ledger_once(
    graph: Cloud, config: Config, database: Database
) -> None:
    before = graph.graph.deliver(USER, letter("unread before"))
    graph.graph.deliver(USER, letter("read before"), read=True)
    id = add_signed_in(database, config, graph.granted(kind="graph"), kind="graph")
    with fetching(config, database):
        rig.wait_for(lambda: state_of(database, id)() == "connected")
        new = graph.graph.deliver(USER, letter("new"))
        graph.graph.expire_links()
        rig.wait_for(lambda: len(rig.mails(database)) == 3)
        rig.wait_for(lambda: all(message.read for message in graph.graph.add(USER)["inbox"].messages.values()))
    with fetching(config, database):
        rig.wait_for(lambda: state_of(database, id)() == "connected")
    rows = {row.remote_id: row.state for row in rig.mails(database)}
    assert rows[before] == rows[new] == "received" and sorted(rows.values()) == ["ignored", "received", "received"]


def test_mail_that_came_during_a_reconnect_is_taken_after_it(graph: Cloud, config: Config, database: Database) -> None:
    id = add_signed_in(database, config, graph.granted(kind="graph"), kind="graph")
    with fetching(config, database):
        rig.wait_for(lambda: state_of(database, id)() == "connected")
        graph.provider.revoke(USER)
        rig.wait_for(lambda: settings(database, id).grant_state == "reconnect")
        rig.wait_for(lambda: "Reconnect needed" in (settings(database, id).last_error or ""))
        assert state_of(database, id)() == "trouble"
        asked = len(graph.provider.asked)
        late = graph.graph.deliver(USER, letter("while nobody could read it"))
        graph.graph.mark(graph.graph.add(USER)["inbox"], graph.graph.add(USER)["inbox"].messages[late], True)
        assert len(graph.provider.asked) == asked  # no storm of retries
        reconnect(database, config, id, graph.granted(kind="graph"))
        rig.wait_for(lambda: [row.remote_id for row in rig.mails(database)] == [late])
        rig.wait_for(lambda: state_of(database, id)() == "connected")
