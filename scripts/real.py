"""`make run JIRA_URL=… JIRA_EMAIL=… JIRA_API_TOKEN=…`: Mailbridge in one process, attached to a real Jira by an API token.

No stand-in and no story. Its data is kept in var/data, its keys in var/keys. BASE_URL says where Jira and people reach it;
without one it is this machine's own address, and Mailbridge asks Jira for what happened instead of being told.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from scripts.processes import LOGS, VAR, Failed, answers, child, died, keys, wait, wanted_port, with_path

SETTINGS = ("JIRA_URL", "JIRA_EMAIL", "JIRA_API_TOKEN", "JIRA_API_TOKEN_FILE")


def up(stack: ExitStack) -> int:
    """Start it, say what to do next, and wait. Raises Failed when a setting is missing."""
    LOGS.mkdir(parents=True, exist_ok=True)
    port = wanted_port(8080)
    environment = settings(os.environ, VAR, port)
    print("Starting:")
    here, log = f"http://127.0.0.1:{port}", LOGS / "standalone.log"
    process = stack.enter_context(child("standalone", ["standalone"], environment))
    wait("Mailbridge (connect, inbound, outbound in one process)", process, lambda: answers(here + "/readyz"))
    print(after(environment, values(environment), first_words(log)), flush=True)
    while process.poll() is None:
        time.sleep(0.5)
    raise Failed(died(process))


def settings(given: Mapping[str, str], var: Path, port: int) -> dict[str, str]:
    """The environment of the standalone process; raises Failed naming what is missing."""
    known = {name: given[name] for name in SETTINGS if given.get(name)}
    missing = [name for name in ("JIRA_URL", "JIRA_EMAIL") if name not in known]
    if "JIRA_API_TOKEN" not in known and "JIRA_API_TOKEN_FILE" not in known:
        missing.append("JIRA_API_TOKEN")
    if missing:
        raise Failed(
            f"{' and '.join(missing)} not given: make run JIRA_URL=… JIRA_EMAIL=… JIRA_API_TOKEN=… needs all three."
        )
    return {
        "MAILBRIDGE_DATABASE_URL": f"sqlite:///{var / 'data'}",
        **{name: value for name, value in given.items() if name not in SETTINGS},
        "MAILBRIDGE_PORT": str(port),
        "MAILBRIDGE_BASE_URL": given.get("BASE_URL") or f"http://127.0.0.1:{port}",
        **{f"MAILBRIDGE_{name}": value for name, value in known.items()},
        **keys(var / "keys"),
    }


def values(environment: Mapping[str, str], *, seconds: float = 20.0) -> str | None:
    """What to paste into Jira's form for a webhook; None while the site is not attached."""
    end = time.monotonic() + seconds
    command = [sys.executable, "-m", "connect.webhook_values"]
    while True:
        said = subprocess.run(command, env=with_path(environment), capture_output=True, text=True, check=False)
        if said.returncode == 0 or time.monotonic() > end:
            return said.stdout.rstrip() if said.returncode == 0 else None
        time.sleep(0.5)


def first_words(log: Path) -> str | None:
    """The line with the set-up link, where Mailbridge printed one."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line for line in lines if "#setup=" in line), None)


def after(environment: Mapping[str, str], webhook: str | None, link: str | None) -> str:
    """What to do next, in order."""
    base_url, site = environment["MAILBRIDGE_BASE_URL"], environment["MAILBRIDGE_JIRA_URL"].rstrip("/")
    login = link or f"Log in with your password at: {base_url}/"
    told = (
        f"""2. So that Jira tells what happens at once, create a webhook at {site}
   (Jira settings, System, WebHooks), and paste:

     {webhook.replace(chr(10), chr(10) + "     ")}

   Until its first event has come, Mailbridge asks Jira every minute.{_reach(base_url)}"""
        if webhook
        else "2. The site is not attached yet: the tab Jira of the page says why."
    )
    return f"""
1. {login}
   The page shows what the account may do in Jira, and what is missing.

{told}

3. On the page, connect a mailbox and set the outgoing server.

Data: {environment["MAILBRIDGE_DATABASE_URL"]}   Keys: var/keys (keep both)
Log: var/log/standalone.log
Stop with Ctrl-C."""


def _reach(base_url: str) -> str:
    if base_url.startswith("https://"):
        return ""
    return f"""
   Jira Cloud cannot reach {base_url}. With a public https address for this port (a reverse proxy, a tunnel),
   start again with BASE_URL=https://…; without one it goes on asking every minute, which misses deletions only."""
