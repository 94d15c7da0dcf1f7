"""A WSGI server inside the process (cheroot): for workers' health ports, `standalone` and the tests."""

import logging
import threading
from typing import Any

from cheroot.wsgi import Server as CherootServer

from common import log

_MOST_HEADER = 65_536
_logger = log.get(__name__)


class Server:
    """Serves `wsgi_app` on host and port (0: any free one, see `.port` after `start`) with `threads` threads."""

    def __init__(self, wsgi_app: Any, host: str = "127.0.0.1", port: int = 0, *, threads: int = 10) -> None:
        self._server = _Cheroot(
            (host, port), wsgi_app, numthreads=threads, max=threads, request_queue_size=128, server_name="mailbridge"
        )
        self._server.max_request_header_size = _MOST_HEADER
        self._thread: threading.Thread | None = None
        self.host = host

    @property
    def port(self) -> int:
        """The port it listens on; before `start` the one it was asked for."""
        return int(self._server.bind_addr[1])

    def start(self) -> None:
        """Listen, and serve in threads of its own; OSError when the port is taken."""
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name=f"http-{self.port}", daemon=True)
        self._thread.start()

    def stop(self, grace: float = 5.0) -> None:
        """Stop listening; requests under way get `grace` seconds to finish."""
        if self._thread is None:
            return
        self._server.shutdown_timeout = max(1, int(grace))
        self._server.stop()
        self._thread.join(grace + 1.0)
        self._thread = None

    def alive(self) -> bool:
        """True while it serves."""
        return self._thread is not None and self._thread.is_alive()


class _Cheroot(CherootServer):
    """Cheroot, reporting through our log instead of on standard error."""

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        if traceback:
            _logger.exception("http_server", reason=msg)
        elif level >= logging.ERROR:
            _logger.error("http_server", reason=msg)
        else:
            _logger.debug("http_server", reason=msg)
