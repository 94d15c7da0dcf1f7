"""The whole sandbox as one object: `with Sandbox(port=0, imap_port=0, smtp_port=0) as sandbox: sandbox.url`."""

import socket
import threading
import time
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox import contract, control, pages
from sandbox.calls import Calls
from sandbox.faults import Faults
from sandbox.gate import Gate
from sandbox.jira import api_comments, api_issues, api_people, api_projects, api_search
from sandbox.jira.api import Api, install_errors
from sandbox.jira.install import Installer
from sandbox.jira.model import Event
from sandbox.jira.site import Site
from sandbox.jira.webhooks import Webhooks
from sandbox.mail.imap import ImapServer
from sandbox.mail.post import PostOffice
from sandbox.mail.smtp import SmtpServer
from sandbox.parts import Parts

MAILBOX, PASSWORD = "support@sandbox.test", "sandbox"
_WEBHOOK_TIMEOUT = 20.0


class Sandbox:
    """Jira, IMAP, SMTP and pages on loopback ports (0: any free one). A context manager; `parts` are its insides.

    strict: hold every REST call against Atlassian's OpenAPI file, where that lies beside the repository.
    retry_seconds: the pause before each retry of a webhook.
    smtp_login: (user, password) that SMTP demands, or None.
    """

    def __init__(
        self, port: int = 8090, imap_port: int = 8143, smtp_port: int = 8025, *, host: str = "127.0.0.1", strict: bool = True,
        retry_seconds: float = 1.0, smtp_login: tuple[str, str] | None = None, client_key: str | None = None,
    ) -> None:  # fmt: skip
        self._closing = threading.Event()
        self._listener = _listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        faults, calls = Faults(), Calls()
        site = Site(self.url, self._tell)
        imap = ImapServer(host, imap_port)
        post = PostOffice(imap)
        self.parts = Parts(
            site=site,
            calls=calls,
            faults=faults,
            webhooks=Webhooks(site, faults, retry_seconds, _WEBHOOK_TIMEOUT),
            installer=Installer(site, client_key),
            imap=imap,
            smtp=SmtpServer(post, host, smtp_port, smtp_login),
            post=post,
            mailbox=MAILBOX,
            password=PASSWORD,
        )
        gate = Gate(_flask(self.parts).wsgi_app, calls, faults, self._closing, strict and contract.present())
        self._http: BaseWSGIServer = make_server(
            host, self.port, gate, threaded=True, request_handler=_Handler, fd=self._listener.fileno()
        )
        self._http.daemon_threads = True  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="http", daemon=True)

    @property
    def imap_port(self) -> int:
        """Where IMAP listens."""
        return self.parts.imap.port

    @property
    def smtp_port(self) -> int:
        """Where SMTP listens."""
        return self.parts.smtp.port

    def start(self) -> None:
        """Everything listens when it returns."""
        self.parts.imap.start()
        self.parts.imap.add_mailbox(MAILBOX, PASSWORD)
        self.parts.smtp.start()
        self.parts.webhooks.start()
        self._thread.start()

    def stop(self) -> None:
        """Nothing listens any more; calls that hang are let go."""
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._listener.close()
        self.parts.webhooks.stop()
        self.parts.smtp.stop()
        self.parts.imap.stop()

    def wait_idle(self, seconds: float = 10.0) -> bool:
        """Waits until no webhook is queued or under way; False when the time is over."""
        end = time.monotonic() + seconds
        while not self.parts.webhooks.idle():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _tell(self, event: Event) -> None:
        self.parts.webhooks.tell(event)


class _Handler(WSGIRequestHandler):
    """Keep-alive without the pauses of Nagle's algorithm, and without a line of log for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Calls are noted by the gate."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Faults cut connections on purpose; there is nothing to report."""


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(256)
    return listener


def _flask(parts: Parts) -> Flask:
    app = Flask("sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = control.MAX_MAIL
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = Api(parts.site, parts.calls)
    for module in (api_issues, api_comments, api_people, api_projects, api_search):
        module.add_routes(api)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(control.blueprint(parts))
    app.register_blueprint(pages.blueprint(parts))
    install_errors(app, parts.calls)
    return app
