"""When the storm is over: wait until nothing is under way, then read what ledger, Jira, letters and folders hold."""

import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import psycopg
import requests

from sandbox.client import ClientError
from tests.chaos import auditor, boxes
from tests.chaos.arrivals import Arrival
from tests.chaos.auditor import Findings, Seen
from tests.chaos.balance import Row
from tests.chaos.boxes import DONE, Box
from tests.chaos.stream import Sent
from tests.chaos.world import World

DRAINED = 420.0  # seconds within which everything must be done once the last act is over
_STEP, _LEAP = 3.0, 120.0
_ROWS = """SELECT b.username, m.id, m.fingerprint, m.state, m.marked AND m.disposal IS DISTINCT FROM 'due'
 FROM inbound.mail m JOIN inbound.mailbox b ON b.id = m.mailbox_id"""


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


def mail_ids(place: World) -> frozenset[str]:
    """Everything that is in the ledger."""
    return frozenset(id for _, id, *_ in place.sql(_ROWS))


def rows(place: World, old: Collection[str]) -> list[Row]:
    """The ledger, without the mails `old`, by their ids."""
    return [Row(box, octets, state, tidy) for box, id, octets, state, tidy in place.sql(_ROWS) if id not in old]


def files(issues: Sequence[Any]) -> Counter[str]:
    """How often each name of a file stands in Jira."""
    return Counter(str(file["filename"]) for issue in issues for file in issue["attachments"])


def words(place: World, sent: Sent, issues: Sequence[Any], before: int) -> Findings:
    """What became of the agents' comments: who read them, and how often. before: issues without a mark at the start."""
    letters = [
        auditor.read_letter(reader, letter.raw)
        for reader, found in place.sandbox.parts.post.inboxes().items()
        for letter in found
    ]
    in_jira, unmarked = auditor.marks_in_jira(issues)
    return auditor.audit({}, sent.words, Seen(Counter(), {}, in_jira, unmarked, letters), issues_before=before)


def left(place: World, box: Box, came: Sequence[Arrival], ignored: Collection[str]) -> list[str]:
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
