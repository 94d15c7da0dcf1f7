"""A human at work in a mailbox that Mailbridge reads: opens mails, marks them unread, files them, brings them back, deletes them."""

import hashlib
import random
import threading
from collections import Counter

from imapclient import IMAPClient

from tests.chaos.boxes import person
from tests.chaos.world import World

FILED = "Filed"
_ACTS = {"open": 10, "unread": 3, "file": 2, "file and bring back": 2, "delete": 2}  # with their weights
_NEWEST = 12  # people look at what came last


class Human(threading.Thread):
    """Does something every half a second or so with mails that come from now on, until `stop`; `did` counts it by kind.

    taken: SHA-256 of the mails that they moved or deleted, or tried to: those alone may be missing from the ledger.
    brought_back: how often each of them was put into the folder again, as a new message.
    """

    def __init__(self, place: World, address: str, seed: int, *, every: float = 0.5) -> None:
        super().__init__(daemon=True)
        self.did: Counter[str] = Counter()
        self.taken: set[str] = set()
        self.brought_back: Counter[str] = Counter()
        self.failed: Exception | None = None
        self._place = place
        self._address = address
        self._chance = random.Random(f"human {seed}")
        self._every = every
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            with person(self._place, self._address) as client:
                client.create_folder(FILED)
                old = set(client.search())
                while not self._ended.wait(self._chance.uniform(0.2, 1.8) * self._every):
                    client.noop()
                    there = [number for number in client.search() if number not in old]
                    if there:
                        self._work(client, self._chance.choice(there[-_NEWEST:]))
        except (OSError, IMAPClient.Error) as error:
            self.failed = error  # nobody cuts this connection: without the human the run proves less than it says

    def stop(self) -> None:
        """Go home."""
        self._ended.set()
        self.join(60)

    def _work(self, client: IMAPClient, number: int) -> None:
        act = self._chance.choices(list(_ACTS), list(_ACTS.values()))[0]
        raw = client.fetch([number], ["BODY.PEEK[]" if act != "open" else "BODY[]"]).get(number, {}).get(b"BODY[]")
        if raw is None:
            return
        fingerprint = hashlib.sha256(raw).hexdigest()
        if act == "unread":
            client.remove_flags([number], [rb"\Seen"])
        elif act == "delete":
            self.taken.add(fingerprint)
            client.add_flags([number], [rb"\Deleted"])
            client.uid_expunge([number])
        elif act != "open":
            self.taken.add(fingerprint)
            client.move([number], FILED)
            if act == "file and bring back":
                self._bring_back(client, fingerprint)
        self.did[act] += 1

    def _bring_back(self, client: IMAPClient, fingerprint: str) -> None:
        client.select_folder(FILED)
        newest = max(client.search())
        self.brought_back[fingerprint] += 1
        client.move([newest], "INBOX")
        client.select_folder("INBOX")
