"""`python -m sandbox`: everything on loopback until SIGINT or SIGTERM."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox.app import MAILBOX, PASSWORD, Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serves; exit code 2 with one sentence when a port is taken."""
    options = _options(arguments)
    login = (MAILBOX, PASSWORD) if options.smtp_auth else None
    ended = threading.Event()  # before anybody can hear that it is ready, and then end it
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        sandbox = Sandbox(
            options.port, options.imap_port, options.smtp_port, strict=not options.lenient,
            retry_seconds=options.webhook_retry, smtp_login=login,
            imap_server=options.imap_server, outgoing_port=options.outgoing_port, forge_page=options.forge_page,
        )  # fmt: skip
        sandbox.start()
    except OSError as error:
        print(f"The sandbox cannot listen: {error}.", file=sys.stderr)
        return 2
    ready = {"url": sandbox.url, "imap_port": sandbox.imap_port, "smtp_port": sandbox.smtp_port, "pid": os.getpid()}
    if options.ready_file:
        _write(options.ready_file, ready)
    print(
        f"Jira and the pages: {sandbox.url}/   the app inside Jira: {sandbox.url}/host\n"
        f"IMAP 127.0.0.1:{sandbox.imap_port}  user {MAILBOX}  password {PASSWORD}   SMTP 127.0.0.1:{sandbox.smtp_port}",
        flush=True,
    )
    ended.wait()
    sandbox.stop()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8090, help="the stand-in Jira and the pages (0: any free port)")
    parser.add_argument("--imap-port", type=int, default=8143)
    parser.add_argument("--smtp-port", type=int, default=8025)
    parser.add_argument("--smtp-auth", action="store_true", help="SMTP asks for the mailbox's user and password")
    parser.add_argument(
        "--imap-server", type=int, metavar="PORT", help="the mailboxes live on a real IMAP server there"
    )
    parser.add_argument("--outgoing-port", type=int, metavar="PORT", help="a real SMTP server there relays to ours")
    parser.add_argument("--ready-file", type=Path, help="gets url, ports and pid as JSON when everything listens")
    parser.add_argument(
        "--webhook-retry", type=float, default=1.0, metavar="SECONDS", help="pause before a webhook's retry"
    )
    parser.add_argument(
        "--forge-page", type=Path, metavar="PATH", help="the built page of the Forge app (frontend/dist)"
    )
    parser.add_argument("--lenient", action="store_true", help="do not hold calls against Atlassian's OpenAPI file")
    return parser.parse_args(arguments)


def _write(path: Path, ready: dict[str, object]) -> None:
    """At once or not at all: who waits for the file never reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps(ready), encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    raise SystemExit(main())
