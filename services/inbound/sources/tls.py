"""Encrypted connections to mail servers: which certificates are good, and what one says."""

import os
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_FRESH = 3600.0  # seconds after which the authorities are read anew


@dataclass(frozen=True, slots=True)
class Certificate:
    """A verified certificate: whom it is for, and when it ends (seconds since 1970)."""

    names: tuple[str, ...]
    expires_at: float


def context(validate: bool, identity: bool = True) -> ssl.SSLContext:
    """The usual rules, with the system's authorities (or SSL_CERT_FILE's); without `identity` for whichever host, without
    `validate` any certificate will do. Connections share it: the authorities alone take 0.9 MB, and 17 ms to read."""
    trusted = tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _made(validate, identity, trusted, int(time.monotonic() // _FRESH))


@lru_cache(maxsize=8)
def _made(validate: bool, identity: bool, _trusted: tuple[str | None, ...], _hour: int) -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.check_hostname = identity
    if not validate:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def certificate(connection: object) -> Certificate | None:
    """What the server showed; None without TLS or when it was not checked."""
    if not isinstance(connection, ssl.SSLSocket):
        return None
    fields: dict[str, Any] = dict(connection.getpeercert() or {})
    names = [str(value) for _, value in fields.get("subjectAltName", ())]
    names = names or [str(value) for part in fields.get("subject", ()) for name, value in part if name == "commonName"]
    expires = fields.get("notAfter")
    if not isinstance(expires, str):
        return None
    return Certificate(tuple(names), float(ssl.cert_time_to_seconds(expires)))
