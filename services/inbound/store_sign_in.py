"""SQL about people who are signing in at a provider in another window. Each function belongs to the caller's transaction `tx`.

Only a hash of the state is kept: whoever reads the table cannot come back in somebody's place.
"""

import hashlib
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from common.db import now
from inbound.tables import sign_in

LIFE = 900.0
"""Seconds that somebody may take to sign in."""

KEPT = 3600.0
"""Seconds that a grant waits for its mailbox to be saved."""


def hashed(state: str) -> str:
    """What is kept of a state."""
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()


def begin(tx: Connection, state: str, tenant: str, mailbox_id: str | None, provider: str, sealed: bytes) -> None:
    """Somebody goes to sign in; what others left behind too long ago is forgotten."""
    tx.execute(delete(sign_in).where(sign_in.c.expires_at < now()))
    values = {"state_hash": hashed(state), "tenant": tenant, "mailbox_id": mailbox_id, "provider": provider}
    tx.execute(insert(sign_in).values(**values, sealed=sealed, expires_at=now() + LIFE))


def find(tx: Connection, state: str) -> Row[Any] | None:
    """The sign-in with this state, unless its time is over."""
    query = select(sign_in).where(sign_in.c.state_hash == hashed(state), sign_in.c.expires_at > now())
    return tx.execute(query).one_or_none()


def keep(tx: Connection, row: Row[Any], sealed: bytes) -> bool:
    """Change what is sealed; False if somebody else did meanwhile."""
    same = (sign_in.c.state_hash == row.state_hash, sign_in.c.sealed == row.sealed, sign_in.c.done_at.is_(None))
    return tx.execute(update(sign_in).where(*same).values(sealed=sealed)).rowcount == 1


def take_code(tx: Connection, row: Row[Any]) -> bool:
    """The browser is back: True for the first time only."""
    same = (sign_in.c.state_hash == row.state_hash, sign_in.c.done_at.is_(None))
    return tx.execute(update(sign_in).where(*same).values(done_at=now(), problem=_UNDER_WAY)).rowcount == 1


def end(tx: Connection, state_hash: str, *, account: str | None, problem: str | None, sealed: bytes = b"") -> None:
    """What came of it; what is sealed waits for the mailbox to be saved."""
    values = {"account": account, "problem": problem, "sealed": sealed, "expires_at": now() + KEPT}
    tx.execute(update(sign_in).where(sign_in.c.state_hash == state_hash).values(**values))


def remove(tx: Connection, state_hash: str) -> bool:
    """It is used up; False if it was before."""
    return tx.execute(delete(sign_in).where(sign_in.c.state_hash == state_hash)).rowcount == 1


_UNDER_WAY = "The sign-in was cut short: begin it anew."
