"""What outbound keeps sealed: recipients, participants, addresses, letters, the server's password, each bound to its row."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from common.crypto import Vault
from outbound.facts import Address, Recipient


class Sealing:
    """Names of what is sealed, in one place; raises Permanent for what can't be unsealed (an erased tenant)."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def content(self, tx: Connection, tenant: str, window: str, content: Mapping[str, Any]) -> bytes:
        """What the letters of a window are made of."""
        return self._vault.seal(tx, tenant, json.dumps(content).encode(), f"window {window}")

    def read_content(self, tx: Connection, tenant: str, window: str, sealed: bytes) -> dict[str, Any]:
        """The reverse of `content`."""
        value: dict[str, Any] = json.loads(self._vault.unseal(tx, tenant, sealed, f"window {window}"))
        return value

    def recipient(self, tx: Connection, tenant: str, delivery: str, recipient: Recipient) -> bytes:
        """Who a delivery goes to."""
        value = {"name": recipient.name, "address": recipient.address, "account": recipient.account_id}
        return self._vault.seal(tx, tenant, json.dumps(value).encode(), f"delivery {delivery}")

    def read_recipient(self, tx: Connection, tenant: str, delivery: str, sealed: bytes) -> dict[str, str | None]:
        """{"name", "address", "account"}."""
        value: dict[str, str | None] = json.loads(self._vault.unseal(tx, tenant, sealed, f"delivery {delivery}"))
        return value

    def participant(self, tx: Connection, tenant: str, issue_id: str, person: Address) -> bytes:
        """Someone who takes part in an issue's conversation."""
        value = json.dumps({"name": person.name, "address": person.address}).encode()
        return self._vault.seal(tx, tenant, value, f"participant {issue_id}")

    def read_participant(self, tx: Connection, tenant: str, issue_id: str, sealed: bytes) -> Address:
        """The reverse of `participant`."""
        return Address(**json.loads(self._vault.unseal(tx, tenant, sealed, f"participant {issue_id}")))

    def person(self, tx: Connection, tenant: str, account_id: str, address: str) -> bytes:
        """An account's address."""
        return self._vault.seal(tx, tenant, address.encode(), f"person {account_id}")

    def read_person(self, tx: Connection, tenant: str, account_id: str, sealed: bytes) -> str:
        """The reverse of `person`."""
        return self._vault.unseal(tx, tenant, sealed, f"person {account_id}").decode()

    def password(self, tx: Connection, tenant: str, password: str) -> bytes:
        """The outgoing server's password."""
        return self._vault.seal(tx, tenant, password.encode(), "sender")

    def read_password(self, tx: Connection, tenant: str, sealed: bytes) -> str:
        """The reverse of `password`."""
        return self._vault.unseal(tx, tenant, sealed, "sender").decode()

    def notice(self, tx: Connection, tenant: str, letter: str, content: Mapping[str, Any]) -> bytes:
        """What a letter to an admin says."""
        return self._vault.seal(tx, tenant, json.dumps(content).encode(), f"admin letter {letter}")

    def read_notice(self, tx: Connection, tenant: str, letter: str, sealed: bytes) -> dict[str, Any]:
        """The reverse of `notice`."""
        value: dict[str, Any] = json.loads(self._vault.unseal(tx, tenant, sealed, f"admin letter {letter}"))
        return value

    def told(self, tx: Connection, tenant: str, addresses: Sequence[str]) -> bytes | None:
        """Who is told when a mailbox needs an administrator; None for nobody in particular."""
        return self._vault.seal(tx, tenant, json.dumps(list(addresses)).encode(), "told") if addresses else None

    def read_told(self, tx: Connection, tenant: str, sealed: bytes | None) -> list[str]:
        """The reverse of `told`."""
        value: list[str] = json.loads(self._vault.unseal(tx, tenant, sealed, "told")) if sealed else []
        return value

    def erase(self, tx: Connection, tenant: str) -> None:
        """Make everything sealed for the tenant unreadable."""
        self._vault.destroy(tx, tenant)
