"""IMAP servers that break off, stall, drip, lie and change their minds: after each of it the ledger balances.

The server is ours (`scripted`), truthful but for the one thing that a test makes it do. Balanced: every message has one row in
the ledger, with its own octets, and is marked read in the folder.
"""

import hashlib
import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import Row, select

from common.db import Database
from common.errors import Temporary
from inbound.config import Config
from inbound.fetcher import Fetcher
from inbound.sources.imap import ImapSource
from inbound.tables import mail, mailbox
from tests.inbound.mailserver import LOOPBACK, letter
from tests.inbound.rig import add_mailbox, config, wait_for
from tests.inbound.scripted import Folder, HangUp, Scripted, Talk

CONFIG = config(POLL_SECONDS="1", IMAP_TIMEOUT="20")
HASTY = config(POLL_SECONDS="1", IMAP_TIMEOUT="3")
ROOM = 40 * 1024 * 1024


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as running:
        yield running


@contextmanager
def fetching(database: Database, with_config: Config = CONFIG) -> Iterator[Fetcher]:
    fetcher = Fetcher(with_config, database)
    fetcher.start()
    try:
        yield fetcher
    finally:
        fetcher.stop(30)


def connect(database: Database, server: Scripted, user: str = "ann", **changes: Any) -> str:
    return add_mailbox(database, CONFIG, None, port=server.port, username=user, **changes)


def rows(database: Database, id: str) -> list[Row[Any]]:
    with database.read() as tx:
        return list(tx.execute(select(mail).where(mail.c.mailbox_id == id).order_by(mail.c.received_at)))


def balanced(database: Database, id: str, folder: Folder) -> bool:
    found = rows(database, id)
    fingerprints = Counter(row.fingerprint for row in found)
    wanted = Counter(hashlib.sha256(one.raw).hexdigest() for one in folder.mails.values())
    assert not fingerprints - wanted, f"more in the ledger than there is: {[row.record for row in found]}"
    return fingerprints == wanted and all(row.marked for row in found) and not folder.unread()


def trouble(database: Database, id: str) -> str:
    with database.read() as tx:
        return str(tx.execute(select(mailbox.c.last_error).where(mailbox.c.id == id)).scalar_one())


def letters(user: str, count: int = 3) -> list[bytes]:
    return [letter(f"{user} {number}", text=f"for {user}\r\n" * 5) for number in range(count)]


def session_octets(database: Database, server: Scripted) -> int:
    """How much the server says until three mails are in the ledger and marked."""
    heard: list[Talk] = []

    def listens(talk: Talk, _what: str, octets: bytes) -> bytes:
        heard.append(talk)
        return octets

    server.twist = listens
    server.inbox("dry").add(*letters("dry"))
    id = connect(database, server, "dry")
    with fetching(database):
        wait_for(lambda: balanced(database, id, server.inbox("dry")))
    return heard[0].sent


@pytest.mark.parametrize("silent", [False, True], ids=["cut", "silent"])
def test_a_session_that_ends_at_any_byte_costs_nothing(database: Database, server: Scripted, silent: bool) -> None:
    whole = session_octets(database, server)
    offsets = {f"user{offset}": offset for offset in range(3, whole, max(1, whole // (8 if silent else 25)))}
    for user in offsets:
        server.inbox(user).add(*letters(user))

    def breaks_off(talk: Talk, _what: str, octets: bytes) -> bytes:
        limit = offsets.get(talk.user)
        if limit is None or talk.number > 1 or talk.sent + len(octets) <= limit:
            return octets
        talk.send(octets[: max(0, limit - talk.sent)])
        while silent and talk.connection.recv(65_536):
            pass
        raise HangUp

    server.twist = breaks_off
    ids = {user: connect(database, server, user) for user in offsets}
    with fetching(database, HASTY if silent else CONFIG):
        for user, id in ids.items():
            wait_for(lambda id=id, user=user: balanced(database, id, server.inbox(user)), 90)  # type: ignore[misc]


@pytest.mark.parametrize("greeting", [b"", b"* O", b"* OK rea", b"* BYE too busy\r\n", b"* OK\n"])
def test_a_greeting_that_breaks_off_is_no_reason_to_give_up(
    database: Database, server: Scripted, greeting: bytes
) -> None:
    first = itertools.count()

    def breaks_off(talk: Talk, what: str, octets: bytes) -> bytes:
        if what == "greeting" and next(first) == 0:
            talk.send(greeting)
            raise HangUp
        return octets

    server.twist = breaks_off
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: balanced(database, id, server.inbox("ann")))


def test_a_login_that_breaks_off_is_not_taken_for_a_wrong_password(server: Scripted) -> None:
    def breaks_off(_talk: Talk, what: str, octets: bytes) -> bytes:
        if what == "LOGIN":
            raise HangUp
        return octets

    server.twist = breaks_off
    source = ImapSource(server.account("ann"), LOOPBACK, timeout=30.0, allow_plain=True)
    with closing(source), pytest.raises(Temporary, match="broke"):
        source.open()


@pytest.mark.parametrize("said", [0, 1_000_000])
def test_a_wrong_number_of_messages_is_not_believed(database: Database, server: Scripted, said: int) -> None:
    def lies(_talk: Talk, what: str, octets: bytes) -> bytes:
        return octets.replace(b"* 3 EXISTS", b"* %d EXISTS" % said) if what == "SELECT" else octets

    server.twist = lies
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: balanced(database, id, server.inbox("ann")))


def test_a_server_that_tells_of_mail_all_the_time_is_not_asked_all_the_time(
    database: Database, server: Scripted
) -> None:
    def lies(_talk: Talk, what: str, octets: bytes) -> bytes:
        return (b"* 77 EXISTS\r\n" + octets) if what in ("NOOP", "idling", "UID SEARCH") else octets

    server.twist = lies
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: balanced(database, id, server.inbox("ann")))
        began = len(server.heard)
        time.sleep(3.0)  # what is counted is what happens in a time
        assert len(server.heard) - began < 60
        server.inbox("ann").add(letter("a true one"))
        wait_for(lambda: balanced(database, id, server.inbox("ann")))


def test_a_next_number_out_of_the_air_hides_no_mail(database: Database, server: Scripted) -> None:
    server.twist = lambda _talk, _what, octets: octets.replace(b"[UIDNEXT 4]", b"[UIDNEXT 4000000000]")
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: balanced(database, id, server.inbox("ann")))
        server.inbox("ann").add(letter("new"))
        wait_for(lambda: balanced(database, id, server.inbox("ann")))


def test_a_literal_without_end_costs_that_message_only(database: Database, server: Scripted) -> None:
    def babbles(talk: Talk, what: str, octets: bytes) -> bytes:
        if what == "UID FETCH" and b"BODY[]" in octets and b"UID 2 " in octets:
            talk.send(b"* 2 FETCH (UID 2 BODY[] {99999999999}\r\n")
            while True:
                talk.send(b"x" * 65_536)
        return octets

    server.twist = babbles
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: len(rows(database, id)) == 3, 200)
    problems = {row.remote_id: bool(row.record.get("problem")) for row in rows(database, id)}
    assert problems == {"1": False, "2": True, "3": False}


def test_an_answer_without_end_is_hung_up_on_long_before_memory_is_full(server: Scripted) -> None:
    told: list[int] = []

    def babbles(talk: Talk, what: str, octets: bytes) -> bytes:
        if what == "UID FETCH" and b"BODY[]" in octets:
            try:
                while True:
                    talk.send(b"* 2 FETCH (UID 2 FLAGS (%s))\r\n" % (b"x" * 65_000))
            finally:
                told.append(talk.sent)
        return octets

    server.twist = babbles
    server.inbox("ann").add(*letters("ann"))
    with closing(ImapSource(server.account("ann"), LOOPBACK, timeout=30.0, allow_plain=True)) as source:
        source.open()
        with pytest.raises(Temporary, match="larger than what can be taken"):
            list(source.messages(source.listed(), 1_000_000))
    assert wait_for(lambda: told)[0] < 200_000_000


@pytest.mark.parametrize("command", ["greeting", "LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE", "DONE"])
def test_a_server_that_drips_is_given_up_after_the_timeout(server: Scripted, command: str) -> None:
    def drips(talk: Talk, what: str, octets: bytes) -> bytes:
        if what != command:
            return octets
        for octet in octets * 200:
            talk.send(bytes([octet]))
            time.sleep(0.05)
        return b""

    server.twist = drips
    server.inbox("ann").add(*letters("ann"))
    source = ImapSource(server.account("ann"), LOOPBACK, timeout=0.5, allow_plain=True)
    began = time.monotonic()
    with closing(source), pytest.raises(Temporary):
        read(source)
    assert time.monotonic() - began < 60


def read(source: ImapSource) -> None:
    source.open()
    ids = source.listed()
    assert [len(batch) for batch in source.messages(ids, ROOM)] == [3]
    source.done(ids)
    source.wait(0.1, lambda: False)


def test_a_slow_but_steady_server_is_heard_out(server: Scripted) -> None:
    def slow(talk: Talk, what: str, octets: bytes) -> bytes:
        if what != "UID FETCH":
            return octets
        for start in range(0, len(octets), 4_000):
            talk.send(octets[start : start + 4_000])
            time.sleep(0.1)
        return b""

    server.twist = slow
    server.inbox("ann").add(letter("long", text="x" * 160_000))
    source = ImapSource(server.account("ann"), LOOPBACK, timeout=3.0, allow_plain=True)
    with closing(source):
        source.open()
        (batch,) = source.messages(source.listed(), ROOM)
    assert [len(message.raw) for message in batch] == [len(server.inbox("ann").mails[1].raw)]


@pytest.mark.parametrize("words", [b"* BYE shutting down\r\n", b"* BYE", b""])
def test_a_farewell_while_waiting_is_followed_by_a_new_session(
    database: Database, server: Scripted, words: bytes
) -> None:
    def leaves(talk: Talk, what: str, octets: bytes) -> bytes:
        if what == "idling" and talk.number == 1:
            talk.send(words)
            server.inbox("ann").add(letter("while nobody listened"))
            raise HangUp
        return octets

    server.twist = leaves
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: len(server.inbox("ann").mails) == 4 and balanced(database, id, server.inbox("ann")))
    assert trouble(database, id) == "None", "a connection that comes back at once is no news"


@pytest.mark.parametrize("way", ["told", "after a farewell"])
def test_messages_named_anew_in_the_middle_are_neither_lost_nor_doubled(
    database: Database, server: Scripted, way: str
) -> None:
    box = server.inbox("ann")

    def renames(talk: Talk, what: str, octets: bytes) -> bytes:
        if box.validity == 1 and what == "idling" and len(rows(database, id)) == 3 and not box.unread():
            kept = [one.raw for one in box.mails.values()]
            box.validity, box.following = 2, 1
            box.mails.clear()
            box.add(kept[2], letter("came with the change"), kept[0], kept[1])
            if way == "told":
                return b"* OK [UIDVALIDITY 2] new numbers\r\n* 4 EXISTS\r\n"
            raise HangUp
        return octets

    server.twist = renames
    box.add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: len({row.fingerprint for row in rows(database, id)}) == 4 and not box.unread())
        box.add(letter("and one more"))
        wait_for(lambda: len({row.fingerprint for row in rows(database, id)}) == 5 and not box.unread())
        wait_for(lambda: all(row.marked for row in rows(database, id)))
    states = Counter(row.state for row in rows(database, id))
    assert states["received"] == 5, "each once; what came again under a new number was seen before"


def test_another_folder_than_the_one_asked_for_mixes_nothing_up(database: Database, server: Scripted) -> None:
    other = server.folders("ann")["Done"]
    other.add(letter("in the other folder"))
    sober = threading.Event()

    def mixes_up(talk: Talk, what: str, octets: bytes) -> bytes:
        if what != "SELECT" or sober.is_set():
            return octets
        talk.name = "Done"
        return octets.replace(b"UIDVALIDITY 1", b"UIDVALIDITY 2")

    server.twist = mixes_up
    server.inbox("ann").add(*letters("ann"))
    id = connect(database, server)
    with fetching(database):
        wait_for(lambda: len(rows(database, id)) == 1 and not other.unread())
    sober.set()
    with fetching(database):
        wait_for(lambda: len(rows(database, id)) == 4 and not server.inbox("ann").unread())
    assert len({(row.source_id, row.remote_id) for row in rows(database, id)}) == 4
    assert {row.state for row in rows(database, id)} == {"received"}


def test_news_of_other_messages_in_an_answer_make_no_message(server: Scripted) -> None:
    """A colleague deletes message 1 and marks another while we fetch: "* 1 FETCH (FLAGS …)" names it by its place then."""

    def chats(_talk: Talk, what: str, octets: bytes) -> bytes:
        return b"* 1 FETCH (FLAGS (\\Seen))\r\n" + octets if what == "UID FETCH" else octets

    server.twist = chats
    server.inbox("ann").add(*letters("ann"))
    del server.inbox("ann").mails[1]
    with closing(ImapSource(server.account("ann"), LOOPBACK, timeout=30.0, allow_plain=True)) as source:
        source.open()
        found = [message.id for batch in source.messages(["1", "2", "3"], ROOM) for message in batch]
        assert found == ["2", "3"]
        assert [message.id for message in source.headers(["2", "3"])] == ["2", "3"]


@pytest.mark.parametrize("said", [b"NIL", b""], ids=["nothing", "refusal"])
def test_a_message_that_is_deleted_while_it_is_fetched_is_no_message(server: Scripted, said: bytes) -> None:
    """Between the sizes and the contents a colleague empties the folder of one: "BODY[] NIL", or NO [EXPUNGEISSUED]."""
    box = server.inbox("ann")

    def deletes(_talk: Talk, what: str, octets: bytes) -> bytes:
        if what != "UID FETCH" or b"BODY[" not in octets or 2 not in box.mails:
            return octets
        there = b"UID 2 " in octets
        raw = box.mails.pop(2).raw if there else b""
        if said:
            return octets.replace(b"{%d}\r\n%s" % (len(raw), raw), said) if there else octets
        return octets.rsplit(b"\r\n", 2)[-2].partition(b" ")[0] + b" NO [EXPUNGEISSUED] some are gone\r\n"

    server.twist = deletes
    box.add(*letters("ann"))
    with closing(ImapSource(server.account("ann"), LOOPBACK, timeout=30.0, allow_plain=True)) as source:
        source.open()
        found = [message for batch in source.messages(["1", "2", "3"], ROOM) for message in batch]
    assert [(message.id, message.whole) for message in found] == [("1", True), ("3", True)]


@pytest.mark.parametrize("large", [False, True], ids=["whole", "header"])
def test_a_message_of_which_nothing_is_handed_over_is_told_as_such(server: Scripted, large: bool) -> None:
    """It is there, the server says, and says NIL: recorded with the problem, so that it keeps no other out."""
    one, two, three = letters("ann")
    server.inbox("ann").add(one, two + b"x" * 1_000 * large, three)

    def keeps(_talk: Talk, what: str, octets: bytes) -> bytes:
        if what != "UID FETCH" or b"UID 2 " not in octets:
            return octets
        return re.sub(
            rb"(UID 2 [^\n]*?BODY\[(?:HEADER)?\](?:<0>)?) \{\d+\}\r\n.*?\)(\r\n(?:\*|A|[A-Z]+\d+ ))",
            rb"\1 NIL)\2",
            octets,
            flags=re.S,
        )

    server.twist = keeps
    with closing(ImapSource(server.account("ann"), LOOPBACK, timeout=30.0, allow_plain=True)) as source:
        source.open()
        found = [message for batch in source.messages(["1", "2", "3"], 1_000) for message in batch]
    assert [(message.id, message.whole) for message in found] == [("1", True), ("2", False), ("3", True)]


def test_a_server_that_can_only_the_least_is_read_all_the_same(database: Database) -> None:
    with Scripted(without=("IDLE", "UIDPLUS", "MOVE", "AUTH=PLAIN")) as server:
        server.inbox("ann").add(*letters("ann"))
        id = connect(database, server)
        with fetching(database):
            wait_for(lambda: balanced(database, id, server.inbox("ann")))
            server.inbox("ann").add(letter("found by asking"))
            wait_for(lambda: balanced(database, id, server.inbox("ann")))
        assert not any(what == "IDLE" for _, what in server.heard)


@pytest.mark.parametrize("strategy", ["delete", "move"])
@pytest.mark.parametrize("without", [(), ("MOVE",), ("UIDPLUS", "MOVE", "IDLE")], ids=["all", "no MOVE", "the least"])
@pytest.mark.parametrize("broken", [False, True], ids=["good", "cut"])
def test_handled_mail_leaves_by_whatever_the_server_can(
    database: Database, strategy: str, without: tuple[str, ...], broken: bool
) -> None:
    with Scripted(without=without) as server:
        uncut = {"UID MOVE", "UID COPY", "UID STORE", "UID EXPUNGE"} if broken else set[str]()

        def breaks_off(_talk: Talk, what: str, octets: bytes) -> bytes:
            if what in uncut:
                uncut.remove(what)
                raise HangUp  # it is done, and we are not told: once for each step
            return octets

        server.twist = breaks_off
        inbox, done = server.inbox("ann"), server.folders("ann")["Done"]
        inbox.add(*letters("ann"))
        inbox.mails[3].flags.add("\\Deleted")  # by somebody else, who has not emptied the folder yet
        wanted = {"strategy": strategy, "move_to": "Done" if strategy == "move" else None, "backlog": "all"}
        id = connect(database, server, **wanted)
        with fetching(database):
            wait_for(lambda: len(rows(database, id)) == 3)
            assert len(inbox.mails) == 3, "nothing is handled yet"
            with database.write() as tx:  # as the worker does
                tx.execute(mail.update().where(mail.c.remote_id != "3").values(state="handled"))
            wait_for(lambda: [row.disposal for row in rows(database, id)] == ["done", "done", "due"])
        left = {number for number, one in inbox.mails.items() if "\\Deleted" not in one.flags}
        assert left == set() and 3 in inbox.mails, "of what others mark as deleted nothing is touched"
        assert set(inbox.mails) == ({1, 2, 3} if "UIDPLUS" in without else {3})
        # Each once, also where a COPY was done and nobody heard of it.
        assert [one.raw for one in done.mails.values()] == (letters("ann")[:2] if strategy == "move" else [])


def test_a_folder_of_half_a_million_messages_is_listed(server: Scripted) -> None:
    many = range(1_000_000, 1_500_000)
    line = b"* SEARCH " + b" ".join(b"%d" % number for number in many) + b"\r\n"
    server.twist = lambda _talk, _what, octets: octets.replace(b"* SEARCH\r\n", line)
    with closing(ImapSource(server.account("ann"), LOOPBACK, timeout=60.0, allow_plain=True)) as source:
        source.open()
        assert len(source.listed()) == len(many)
