"""`make run`: start the sandbox and Mailbridge (standalone), play the story once, stay up until Ctrl-C.

Usage: python -m scripts.run [--demo 0|1] [--attach connect|forge|token]
With JIRA_URL, JIRA_EMAIL and JIRA_API_TOKEN in the environment: against that Jira instead, see scripts/real.py.
Everything it writes is under var/: keys (kept), logs, and the sandbox's data (made anew at each start, because the stand-in
Jira and its mailboxes live in memory and begin empty).
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from sandbox.oauth.provider import sign_in_settings
from sandbox.ways import NAMES, forge_settings
from scripts import real
from scripts.processes import LOGS, VAR, Failed, answers, child, died, keys, setup_link, wait, wanted_port, with_path


def main() -> int:
    """Run until Ctrl-C; the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--demo", choices=("0", "1"), default="1", help="0: without the story")
    arguments.add_argument("--attach", choices=NAMES, default="connect", help="how Mailbridge is attached to Jira")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    try:
        with ExitStack() as stack:
            if any(os.environ.get(name) for name in real.SETTINGS):
                return real.up(stack)
            return up(stack, options.attach, story=options.demo == "1")
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except Failed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


def up(stack: ExitStack, attach: str, *, story: bool) -> int:
    """Start both processes, attach one to the other, the story if asked for, and wait."""
    data = VAR / "sandbox"
    shutil.rmtree(data, ignore_errors=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True)
    ports = {
        name: wanted_port(wanted) for name, wanted in {"app": 8080, "jira": 8090, "imap": 8143, "smtp": 8025}.items()
    }
    jira, app = f"http://127.0.0.1:{ports['jira']}", f"http://127.0.0.1:{ports['app']}"
    print("Starting:")
    ready = data / "ready.json"
    sandbox_command = ["sandbox", "--port", ports["jira"], "--imap-port", ports["imap"], "--smtp-port", ports["smtp"]]
    sandbox = stack.enter_context(child("sandbox", [*sandbox_command, "--ready-file", ready], os.environ))
    wait("the stand-in Jira and the mail servers", sandbox, ready.exists)
    mailbridge = stack.enter_context(child("standalone", ["standalone"], settings(data, app, jira, ports["app"])))
    wait("Mailbridge (connect, inbound, outbound in one process)", mailbridge, lambda: answers(app + "/readyz"))
    link = setup_link(LOGS / "standalone.log") if attach == "token" else None
    page = tell(attach, jira, app, link, story=story)
    print(f"""
Open:
  {jira}/        everything at a glance: issues, inboxes, write a mail, comment as an agent
  {page}
  {app}/metrics  what an operator watches
The mailbox is support@sandbox.test (password sandbox) at 127.0.0.1, IMAP {ports["imap"]}, SMTP {ports["smtp"]}, no TLS.
Logs: var/log/standalone.log and var/log/sandbox.log. Stop with Ctrl-C.""")
    while True:
        for process in (sandbox, mailbridge):
            if process.poll() is not None:
                raise Failed(died(process))
        time.sleep(0.5)


def tell(attach: str, jira: str, app: str, link: str | None, *, story: bool) -> str:
    """Attaches Mailbridge and tells the story if asked for, as it goes; where Mailbridge's page is. Raises Failed.

    link: where the password of Mailbridge's own page is set, for the way by API token.
    """
    print("\nThe story:" if story else "\nAttaching:", flush=True)
    password = secrets.token_urlsafe(12)
    login = ["--setup-link", link, "--password", password] if link else []
    command = ["sandbox.story", "--sandbox", jira, "--app", app, "--attach", attach, *login]
    told = subprocess.run(
        [sys.executable, "-m", *command, *([] if story else ["--attach-only"])],
        env=with_path(os.environ),
        check=False,
    )
    if told.returncode:
        raise Failed(f"That did not come true; the logs are in {LOGS}.")
    inside = "Mailbridge's page inside Jira (connect a mailbox, see what came in and why)"
    return {
        "connect": f"{jira}/host    {inside}",
        "forge": f"{jira}/forge/host    {inside}",
        "token": f"{app}/    Mailbridge's own page (password {password})",
    }[attach]


def settings(data: Path, app: str, jira: str, port: int) -> Mapping[str, str]:
    """The environment of the standalone process: the sandbox is its whole world."""
    return {
        **os.environ,
        "MAILBRIDGE_DATABASE_URL": f"sqlite:///{data / 'data'}",
        "MAILBRIDGE_PORT": str(port),
        "MAILBRIDGE_BASE_URL": app,
        "MAILBRIDGE_CONNECT_KEYS_URL": jira + "/install-keys",
        "MAILBRIDGE_CONNECT_ALL_JS": jira + "/connect/all.js",
        **sign_in_settings(jira),
        **forge_settings(jira),
        "MAILBRIDGE_LOGIN": "on",
        "MAILBRIDGE_JIRA_POLL_SECONDS": "10",
        "MAILBRIDGE_ALLOW_PLAIN": "true",
        "MAILBRIDGE_ALLOW_NETWORKS": "127.0.0.0/8",
        **keys(VAR / "keys"),
    }


if __name__ == "__main__":
    raise SystemExit(main())
