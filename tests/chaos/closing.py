"""The books of a run over the mailboxes: opened before the storm; when nothing is under way any more, closed over what the
ledger, Jira, people's letters and the folders hold."""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psycopg
import requests

from sandbox.client import ClientError
from tests.chaos import auditor, boxes
from tests.chaos.arrivals import Arrival
from tests.chaos.auditor import Findings, Seen
from tests.chaos.balance import Balance, Row, Touched, balance
from tests.chaos.boxes import BOXES, DONE, Box
from tests.chaos.human import Human
from tests.chaos.stream import Sent
from tests.chaos.world import World

DRAINED = 420.0  # seconds within which everything must be done once the last act is over
_STEP, _LEAP = 3.0, 120.0
_ROWS = """SELECT b.username, m.id, m.fingerprint, m.state, m.marked AND m.disposal IS DISTINCT FROM 'due'
 FROM inbound.mail m JOIN inbound.mailbox b ON b.id = m.mailbox_id"""


@dataclass(frozen=True)
class Books:
    """What was there before: issues without a mark, the ledger's mails by id, the fingerprints of one folder's messages."""

    unmarked: int
    mails: frozenset[str]
    folder: frozenset[str]


def opened(place: World, address: str) -> Books:
    """The books as they are now. address: of the one mailbox that is not empty."""
    unmarked = auditor.marks_in_jira(place.stage.sandbox.issues())[1]
    mails = frozenset(id for _, id, *_ in place.sql(_ROWS))
    return Books(unmarked, mails, frozenset(boxes.fingerprints(place, address)))


def closed(
    place: World, books: Books, came: Sequence[Arrival], sent: Sent, human: Human
) -> tuple[Balance, Findings, list[str]]:
    """What is wrong: with mails, with comments and their letters, and in the folders."""
    issues = place.stage.sandbox.issues()
    marks, unmarked = auditor.marks_in_jira(issues)
    files = Counter(str(file["filename"]) for issue in issues for file in issue["attachments"])
    rows = [Row(box, *rest) for box, id, *rest in place.sql(_ROWS) if id not in books.mails]
    found = balance(came, rows, marks, files, Touched(human.taken, human.brought_back))
    letters = [
        auditor.read_letter(reader, letter.raw)
        for reader, received in place.sandbox.parts.post.inboxes().items()
        for letter in received
    ]
    seen = Seen(Counter(), {}, marks, unmarked, letters)
    words = auditor.audit({}, sent.words, seen, issues_before=books.unmarked)
    ignored = books.folder | human.taken
    return found, words, [text for box in BOXES for text in _left(place, box, came, ignored)]


def drain(place: World, mailbox_ids: Collection[str], began: float) -> tuple[int, float | None]:
    """Wait until nothing is under way. How many messages are unaccounted for by Mailbridge's own reconciliations (one a mailbox
    where they cannot be had), and the seconds it took since `began` (monotonic; None: it did not come to that)."""
    leap = time.monotonic()
    while True:
        late = time.monotonic() - began > DRAINED
        unaccounted = len(mailbox_ids)
        try:
            if (not place.waiting() and not _open(place) and place.sandbox.parts.webhooks.idle()) or late:
                unaccounted = sum(_reconciled(place, id) for id in mailbox_ids)
                if late or not (unaccounted or place.waiting() or _open(place)):
                    return unaccounted, None if late else time.monotonic() - began
            elif time.monotonic() - leap > _STEP:
                place.let_time_pass(_LEAP)
                leap = time.monotonic()
        except (ClientError, requests.RequestException, psycopg.Error):
            if late:
                return unaccounted, None
        time.sleep(0.5)


def _open(place: World) -> int:
    """How many mails have no end, or something left to do in their mailbox."""
    return sum(state not in auditor.FINAL or not tidy for _, _, _, state, tidy in place.sql(_ROWS))


def _reconciled(place: World, id: str) -> int:
    """What Mailbridge itself says of a mailbox: how many of its messages are unaccounted for."""
    return int(place.stage.api().post(f"/api/inbound/mailboxes/{id}/reconcile")["unaccounted"])


def _left(place: World, box: Box, came: Sequence[Arrival], ignored: Collection[str]) -> list[str]:
    """Where handled mail is not where the mailbox's strategy wants it. ignored: fingerprints of what nobody has to account for:
    mail that was there before, and what people took away."""
    brought = Counter(one.fingerprint for one in came if one.box == box.address and one.fingerprint not in ignored)
    wanted = {"INBOX": brought if box.strategy == "read" else Counter[str]()}
    if box.strategy == "move":
        wanted[DONE] = brought
    wrong = []
    for name, expected in wanted.items():
        found = boxes.fingerprints(place, box.address, name)
        there = Counter({one: times for one, times in found.items() if one not in ignored})
        missing, more = (expected - there).total(), (there - expected).total()
        if missing or more:
            wrong.append(f"{box.address} {name}: {missing} are missing, {more} should not be there")
    return wrong
