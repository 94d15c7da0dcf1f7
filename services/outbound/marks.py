"""An address's mark: what stands in tables and indexes where the address itself must not be readable."""

import hashlib
import hmac

from common.crypto import derive


class Marks:
    """Keyed hashes of addresses: the same address has the same mark within a tenant, and another in any other."""

    def __init__(self, master: bytes) -> None:
        self._key = derive(master, "mailbridge outbound address marks")

    def of(self, tenant: str, address: str) -> str:
        """32 hex characters; spellings in upper or lower case have the same."""
        text = f"{tenant}\0{address.strip().lower()}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, text, hashlib.sha256).hex()[:32]
