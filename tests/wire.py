"""A web server for tests that records every request and answers what the test says: a fake at the wire."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from common.serve import Server


@dataclass(frozen=True)
class Call:
    """One request as it came in; header names in lower case, path and query as they stand in the URL."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def url(self) -> str:
        """Path and query."""
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def json(self) -> Any:
        """The JSON body, or None without one."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Reply:
    """What the server says; `body` is bytes or JSON."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


class Wire:
    """`with Wire(answer) as wire:`; `wire.url`, `wire.calls`; `answer` may be replaced at any time."""

    def __init__(self, answer: Callable[[Call], Reply]) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._server = Server(self._app, "127.0.0.1", 0, threads=20)

    def __enter__(self) -> "Wire":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(1.0)

    def reset(self, answer: Callable[[Call], Reply]) -> "Wire":
        """As new, with another answer: one server for the tests of a module, for stopping one takes half a second."""
        self.answer = answer
        self.calls = []
        return self

    @property
    def url(self) -> str:
        """Where it is, without a trailing slash."""
        return f"http://127.0.0.1:{self._server.port}"

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raw = environ.get("REQUEST_URI") or environ["PATH_INFO"]
        path, _, query = raw.partition("?")
        headers = {
            name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")
        }
        headers |= {name: environ[key] for name, key in _PLAIN.items() if environ.get(key)}
        size = int(environ.get("CONTENT_LENGTH") or 0)
        call = Call(environ["REQUEST_METHOD"], path, query, headers, environ["wsgi.input"].read(size) if size else b"")
        with self._lock:
            self.calls.append(call)
        reply = self.answer(call)
        body = (
            reply.body
            if isinstance(reply.body, bytes)
            else b""
            if reply.body is None
            else json.dumps(reply.body).encode()
        )
        start_response(f"{reply.status} Said", [("Content-Length", str(len(body))), *reply.headers])
        return [body]


_PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
