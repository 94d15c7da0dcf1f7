"""A page that asks inbound: who looks at it, and connect as far as session keys go."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from common import sessions
from common.serve import Server

PRIVATE = sessions.private_key(b"s" * 32)
Call = Callable[..., Any]


def session_of(tenant: str, account: str = "alice", *, admin: bool = True, **more: Any) -> dict[str, str]:
    """The header of a page session that holds for ten minutes."""
    session = sessions.Session(tenant, account, admin, time.time() + 600, **more)
    return {"Authorization": f"Bearer {sessions.issue(PRIVATE, session)}"}


@contextmanager
def connect() -> Iterator[str]:
    """The address of a connect that tells its session keys."""

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"keys": [sessions.public_jwk(PRIVATE)]}).encode()]

    server = Server(answer)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
