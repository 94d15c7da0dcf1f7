"""The mailboxes of a run on one Dovecot: IMAP that marks read, deletes or moves, POP3 that leaves or deletes.

A mailbox is known by its address, which is its user name too.
"""

import hashlib
import imaplib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from imapclient import IMAPClient

from sandbox.app import MAILBOX, PASSWORD
from sandbox.client import wait_for
from tests.chaos.world import World

DONE = "Done"  # where handled mail is moved to


@dataclass(frozen=True)
class Box:
    """A mailbox: how it is read, and what becomes of its mail when it is handled."""

    address: str
    kind: str
    strategy: str

    def number(self, remote_id: str) -> int:
        """The IMAP UID of a message that the ledger names like this; Dovecot's UIDL begins with it, in hexadecimal digits."""
        return int(remote_id[:8], 16) if self.kind == "pop3" else int(remote_id)


BOXES = (
    Box(MAILBOX, "imap", "read"),  # the one that people work in
    Box("orders@sandbox.test", "imap", "delete"),
    Box("claims@sandbox.test", "imap", "move"),
    Box("letters@sandbox.test", "pop3", "read"),
    Box("parcels@sandbox.test", "pop3", "delete"),
)


def connect(place: World) -> dict[str, str]:
    """An administrator connects those that the story did not; mailbox id by address."""
    assert place.dovecot is not None
    api, known = place.stage.api(), place.stage.mailbox
    shared = ("project", "issue_type", "default_reporter", "validate_certificate", "authserv_id", "sub_addresses")
    found = {known["address"]: str(known["id"])}
    for box in BOXES:
        if box.address in found:
            continue
        place.sandbox.parts.imap.add_mailbox(box.address, PASSWORD)
        if box.strategy == "move":
            with person(place, box.address) as client:
                client.create_folder(DONE)
        port = place.dovecot.pop3_port if box.kind == "pop3" else place.dovecot.imap_port
        body = {
            "name": box.address, "kind": box.kind, "host": "127.0.0.1", "port": port, "security": "none", "folder": "INBOX",
            "username": box.address, "address": box.address, "secret": PASSWORD, "enabled": True, "backlog": "none",
            "strategy": box.strategy, "move_to": DONE if box.strategy == "move" else None,
        }  # fmt: skip
        found[box.address] = str(
            api.post("/api/inbound/mailboxes", {name: known[name] for name in shared} | body)["id"]
        )
    for id in found.values():
        wait_for("the mailboxes to be connected", lambda id=id: _state(api, id) == "connected", 60)  # type: ignore[misc]
    return found


def _state(api: Any, id: str) -> str:
    return str(api.get(f"/api/inbound/mailboxes/{id}")["state"])


@contextmanager
def person(place: World, address: str, folder: str = "INBOX") -> Iterator[IMAPClient]:
    """Somebody who is logged in at the mailbox, as any mail program is."""
    assert place.dovecot is not None
    with IMAPClient("127.0.0.1", place.dovecot.imap_port, ssl=False, timeout=30) as client:
        client.login(address, PASSWORD)
        client.select_folder(folder)
        yield client


def fingerprints(place: World, address: str, folder: str = "INBOX") -> Counter[str]:
    """What lies in a folder: how often each octet string, by its SHA-256."""
    try:
        found = place.sandbox.parts.imap.messages(address, folder)
    except (KeyError, imaplib.IMAP4.error):
        return Counter()
    return Counter(hashlib.sha256(one.raw).hexdigest() for one in found)
