"""The three ways of being attached to the stand-in Jira, as an administrator goes them: each ends with an open page.

`attach` returns the client of Mailbridge's API, in an administrator's page session, and a line that tells what was done.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sandbox.client import ClientError, SandboxClient
from sandbox.doors import AppClient, ConnectDoor, ForgeDoor, LoginDoor

NAMES = ("connect", "forge", "token")
FORGE_APP = "ari:cloud:ecosystem::app/6d61696c-6272-4964-a765-666f726a6972"
_STAND_IN = "https://mailbridge.example"  # Forge's tool takes only https addresses; the stand-in takes ours as it is


class Way(Protocol):
    """One way. `sandbox`: where Jira is; `app_url`: Mailbridge as Jira sees it; `account`: the administrator's."""

    def attach(self, sandbox: SandboxClient, app_url: str, account: str) -> tuple[AppClient, str]: ...


class Connect:
    """Jira installs the Connect app from its descriptor."""

    def attach(self, sandbox: SandboxClient, app_url: str, account: str) -> tuple[AppClient, str]:
        """The page is an iframe of Connect's."""
        installed = sandbox.install(app_url)
        client = AppClient(ConnectDoor(app_url, sandbox, installed["app_key"], account))
        return client, f"Mailbridge is installed as a Connect app   {sandbox.url}/host"


@dataclass
class Forge:
    """An administrator installs the Forge app; `manifest` writes the text of its manifest for an address of Mailbridge."""

    manifest: Callable[[str], str] = field(default_factory=lambda: written_manifest)

    def attach(self, sandbox: SandboxClient, app_url: str, account: str) -> tuple[AppClient, str]:
        """The page is Custom UI, whose calls pass the bridge."""
        installed = sandbox.install_forge(self.manifest(app_url))
        module = next(one["key"] for one in installed["modules"] if one["kind"] == "jira:adminPage")
        client = AppClient(ForgeDoor(sandbox, module, account))
        return client, f"Mailbridge is installed as a Forge app   {sandbox.url}/forge/host"


@dataclass
class Token:
    """Whoever runs Mailbridge logs in to its own page and gives it the API token of an account.

    link: the set-up link that Mailbridge printed; without it the password must be known. attached: the settings
    MAILBRIDGE_JIRA_* did it already. webhook: an administrator pastes the values of Mailbridge's page into Jira's form; without
    one Mailbridge has to ask Jira what happened. expires_in: seconds that the token is good for.
    """

    link: str | None = None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    attached: bool = False
    webhook: bool = True
    expires_in: float | None = None

    def attach(self, sandbox: SandboxClient, app_url: str, account: str) -> tuple[AppClient, str]:
        """The page stands alone at Mailbridge's own address."""
        door = LoginDoor(app_url)
        if self.link is None:
            door.log_in(self.password)
        else:
            door.set_password(self.link, self.password)
            self.link = None
        client = AppClient(door)
        client.login()
        site = client.get("/api/connect/site") if self.attached else self.give_token(client, sandbox, account)
        if self.webhook:
            self.tell(client, sandbox)
        told = "is told by webhook" if self.webhook else "asks Jira what happened"
        who = site["account"]["name"]
        return client, f"Mailbridge acts as {who} and {told}   {app_url}/ (password {self.password})"

    def give_token(self, client: AppClient, sandbox: SandboxClient, account: str) -> Any:
        """A new token of this person, checked and kept; what GET /api/connect/site tells then."""
        more = {} if self.expires_in is None else {"expires_in": self.expires_in}
        made = sandbox.new_token(account, **more)
        wanted = {"url": sandbox.url, "email": made["email"], "api_token": made["token"]}
        found = client.post("/api/connect/site/check", wanted)
        if not found["ok"]:
            raise ClientError(f"Mailbridge does not take the site: {found['problem']}")
        return client.put("/api/connect/site", {**wanted, "token_expires_at": made["expires_at"]})

    def tell(self, client: AppClient, sandbox: SandboxClient) -> str:
        """Makes the webhook that Mailbridge asks for; its id."""
        values = client.get("/api/connect/site")["webhook"]
        wanted = {name: values[name] for name in ("url", "secret", "events", "jql")}
        made: str = sandbox.add_webhook(**wanted)["id"]
        return made


def way(name: str, link: str | None = None, password: str | None = None, *, webhook: bool = True) -> Way:
    """The way of this name, one of NAMES; what else is given is the token's."""
    if name == "token":
        return Token(link, password, webhook=webhook) if password else Token(link, webhook=webhook)
    return Forge() if name == "forge" else Connect()


def written_manifest(app_url: str, *options: str) -> str:
    """What `python -m connect.forge_manifest` writes with these options, for an address that need not be https."""
    command = [sys.executable, "-m", "connect.forge_manifest", "--base-url", _STAND_IN, "--app-id", FORGE_APP, *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "services")}
    written = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if written.returncode:
        raise ClientError(f"connect.forge_manifest: {written.stderr.strip()}")
    return written.stdout.replace(_STAND_IN, app_url.rstrip("/"))


def forge_settings(sandbox_url: str) -> dict[str, str]:
    """The settings by which Mailbridge takes the stand-in for Forge."""
    return {
        "MAILBRIDGE_FORGE_APP_ID": FORGE_APP,
        "MAILBRIDGE_FORGE_JWKS_URL": f"{sandbox_url}/forge/jwks.json",
        "MAILBRIDGE_FORGE_GRAPHQL_URL": f"{sandbox_url}/graphql",
    }
