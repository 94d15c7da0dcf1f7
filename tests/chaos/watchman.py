"""Watches a folder whose mail is deleted or moved when it is handled: what is gone has to be handled or ignored by then."""

import threading

import psycopg
from imapclient import IMAPClient

from tests.chaos.boxes import Box, person
from tests.chaos.world import World

_LEDGER = """SELECT m.remote_id, m.state FROM inbound.mail m JOIN inbound.mailbox b ON b.id = m.mailbox_id
 WHERE b.username = %s"""
_GOOD = ("handled", "ignored")
_FEW = 10


class Watchman(threading.Thread):
    """Looks at the folder first and at the ledger after it; `early`: what was gone and not handled.

    looks: how often. every: seconds between looks.
    """

    def __init__(self, place: World, box: Box, *, every: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.early: list[str] = []
        self.looks = 0
        self._place = place
        self._box = box
        self._every = every
        self._fine: set[int] = set()
        self._ended = threading.Event()

    def run(self) -> None:
        seen: set[int] = set()
        while not self._ended.wait(self._every):
            try:
                with person(self._place, self._box.address) as client:
                    while not self._ended.wait(self._every):
                        client.noop()
                        there = set(client.search())
                        seen |= there
                        self._look(seen - there - self._fine)
            except (OSError, psycopg.Error, IMAPClient.Error):
                continue  # a server that is away just now

    def _look(self, gone: set[int]) -> None:
        if gone:
            rows = self._place.sql(_LEDGER, self._box.address)
            states = {self._box.number(remote_id): state for remote_id, state in rows}
            self._fine |= {number for number in gone if states.get(number) in _GOOD}
            told = (f"{self._box.address} {one}: {states.get(one)}" for one in sorted(gone - self._fine))
            self.early += [text for text in told if text not in self.early]
        self.looks += 1

    def stop(self) -> None:
        """Look no more; who hardly looked has seen nothing, and says so in `early`."""
        self._ended.set()
        self.join(60)
        if self.looks < _FEW:
            self.early.append(f"{self._box.address} was looked at {self.looks} times only: nothing is proven")
