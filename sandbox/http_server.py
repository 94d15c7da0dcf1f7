"""The HTTP server: cheroot, with the one thing the faults need besides: a way to cut a connection without an answer."""

import errno
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from cheroot.wsgi import Gateway_10, Server

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_THREADS = 32


class HttpServer:
    """Listens from the start on (`port` 0: any free one); answers from `start` on."""

    def __init__(self, host: str, port: int) -> None:
        self._server = Server((host, port), _not_yet, numthreads=_THREADS, request_queue_size=256, shutdown_timeout=1)
        self._server.gateway = _Gateway
        self._server.expiration_interval = 0.2  # how often it looks up from waiting, and so how fast it stops
        self._server.prepare()
        self.port: int = self._server.bind_addr[1]
        self._thread = threading.Thread(target=self._server.serve, name="http", daemon=True)

    def serve_with(self, app: Wsgi) -> None:
        """The application to ask."""
        self._server.wsgi_app = app

    def start(self) -> None:
        """Answers when it returns."""
        self._thread.start()

    def stop(self) -> None:
        """Listens no more."""
        self._server.stop()
        if self._thread.ident is not None:  # it was started
            self._thread.join()


def hold(environ: Environ, seconds: float, closing: threading.Event) -> None:
    """Keep silent for some seconds, or until the client hangs up, or until the server stops."""
    end = time.monotonic() + seconds
    connection: socket.socket = environ["sandbox.connection"].socket
    while not closing.is_set() and time.monotonic() < end:
        hung_up, _, _ = select.select([connection], [], [], min(0.2, max(0.0, end - time.monotonic())))
        if hung_up:
            return


def cut(environ: Environ) -> NoReturn:
    """End the connection without an answer: the client sees a reset."""
    connection = environ["sandbox.connection"]
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.socket.detach())
    connection.linger = True  # cheroot's word for: leave the socket alone, it is not yours any more
    raise ConnectionAbortedError(errno.ECONNABORTED, "cut by a fault")


class _Gateway(Gateway_10):
    def get_environ(self) -> Environ:  # type: ignore[override]  # cheroot's stubs say None; it is a dict
        environ: Environ = super().get_environ()  # type: ignore[no-untyped-call]
        environ["sandbox.connection"] = self.req.conn
        return environ


def _not_yet(_environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return []
