"""No secret comes back: neither in an answer of the API nor in a log, whatever kind of mailbox it opens and whatever goes wrong.

Every kind of secret is given to one Mailbridge that logs all it can (debug), used, refused, tried wrongly and asked for; then
every answer and the whole log are searched for it, as it is and in base64.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.doors import AppClient, ConnectDoor
from sandbox.oauth.provider import SECRET, sign_in_settings
from sandbox.story import MAILBOX
from tests.running import Standalone, sandbox_settings, wait_for

APP_KEY = "mailbridge-for-jira"
# What every access token of the stand-in for Microsoft and Google begins with.
ACCESS_TOKEN = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
TYPED = {
    "imap": "imap-passw0rd-1d9f",
    "pop3": "pop3-passw0rd-77ab",
    "app": "client-s3cret-52e1",
    "mailgun": "key-of-mailgun-9c3d",
    "sender": "smtp-passw0rd-6f20",
}


@dataclass
class Answers:
    """Mailbridge's API, and every answer that it gave."""

    url: str
    session: str
    given: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.session}"}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=60)
        self.given.append(f"{method} {path} {answer.headers}\n{answer.text}")
        return answer.json() if answer.content and "json" in answer.headers["Content-Type"] else None


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[Standalone]:
    more = {"MAILBRIDGE_LOG_LEVEL": "debug", "MAILBRIDGE_POLL_SECONDS": "1"}
    with Standalone(tmp_path, {**sandbox_settings(sandbox), **sign_in_settings(sandbox.url), **more}) as process:
        yield process


def test_no_secret_is_in_an_answer_or_in_the_log(sandbox: Sandbox, process: Standalone) -> None:
    jira = SandboxClient(sandbox.url)
    jira.install(process.url)
    door = ConnectDoor(process.url, jira, APP_KEY, jira.users()["Alice Agent"]["accountId"])
    api = Answers(process.url, AppClient(door).login()["session"])
    key = key_file()
    secrets = {**TYPED, "IMAP, in use": PASSWORD_IN_USE, "service account": key, "operator's client": SECRET}

    sandbox.parts.imap.add_mailbox("used@sandbox.test", PASSWORD_IN_USE)
    made = {
        "imap": connect(api, box(sandbox, "used@sandbox.test", secret=PASSWORD_IN_USE)),
        "imap refused": connect(api, box(sandbox, "other@sandbox.test", secret=TYPED["imap"])),
        "pop3": connect(api, box(sandbox, "pop@sandbox.test", kind="pop3", port=1, secret=TYPED["pop3"])),
        "service account": connect(api, account(box(sandbox, "google@sandbox.test"), key)),
        "app": connect(api, app(box(sandbox, "app@sandbox.test"))),
    }
    secrets |= sign_in(api, sandbox, process)
    made["oauth"] = connect(api, {**graph(box(sandbox, MAILBOX)), "auth": "oauth", "sign_in": secrets.pop("state")})
    for way in ({"via": "pipe"}, {"via": "mailgun", "key": TYPED["mailgun"]}, {"via": "postmark"}):
        pushed = connect(api, {**box(sandbox, f"{way['via']}@sandbox.test"), "kind": "push"})
        token = api.ask("POST", f"/api/inbound/mailboxes/{pushed}/push-token", way)
        api.given.pop()  # the one answer that has it, once
        secrets[f"token for {way['via']}"] = token["token"]
        bring(api, token["url"], token["token"])
    sender = {"host": "127.0.0.1", "port": 1, "security": "none", "username": "u", "secret": TYPED["sender"]}
    more = {"from_name": "S", "from_address": MAILBOX, "window_seconds": 1, "validate_certificate": True}
    api.ask("PUT", "/api/outbound/sender", {**sender, **more})
    api.ask("POST", "/api/outbound/sender/test", {**sender, **more})

    jira.mail(from_="Ann <ann@customer.example>", to="used@sandbox.test", subject="In use", text="Hello.")
    wait_for(lambda: len(jira.issues()) >= 1, 120, process.tail)
    settled = ("connected", "trouble")
    wait_for(lambda: all(states(api)[id] in settled for id in made.values()), 120, process.tail)
    requests.post(f"{sandbox.url}/control/oauth/revoke", json={"account": MAILBOX}, timeout=60).raise_for_status()
    requests.post(f"{sandbox.url}/control/oauth/end-tokens", timeout=60).raise_for_status()
    wait_for(lambda: grant_of(api, made["oauth"]) == "reconnect", 120, process.tail)
    ask_for_everything(api, made)
    secrets |= {f"refresh token {n}": one for n, one in enumerate(sorted(refresh_tokens(sandbox)))}
    secrets |= {name: process.settings[name] for name in process.settings if name.endswith("_KEY")}
    process.stop()

    log = process.log.read_text(errors="replace")
    assert '"level": "debug"' in log and "mailbox_reconnect_needed" in log
    found = [name for name, secret in secrets.items() if any(one in log for one in forms(secret))]
    told = [
        (name, answer[:300])
        for name, secret in secrets.items()
        for answer in api.given
        if any(one in answer for one in forms(secret))
    ]
    assert (found, told) == ([], [])
    assert ACCESS_TOKEN not in log and not any(ACCESS_TOKEN in answer for answer in api.given)
    assert len(secrets) >= 15 and len(api.given) > 60


PASSWORD_IN_USE = "used-passw0rd-3b8e"


def box(sandbox: Sandbox, address: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": address,
        "kind": "imap",
        "host": "127.0.0.1",
        "port": sandbox.imap_port,
        "security": "none",
        "username": address,
        "address": address,
        "backlog": "all",
        "project": {"id": "10001", "key": "SUP", "name": "Support"},
        "issue_type": {"id": "10010", "name": "Email request"},
        **changes,
    }


def graph(body: dict[str, Any]) -> dict[str, Any]:
    return {
        **body,
        "kind": "graph",
        "host": "graph.microsoft.com",
        "port": 443,
        "security": "tls",
        "provider": "microsoft",
    }


def app(body: dict[str, Any]) -> dict[str, Any]:
    secret = {"tenant": "contoso", "client_id": "an-app", "client_secret": TYPED["app"]}
    return {**graph(body), "auth": "client_credentials", "secret": json.dumps(secret)}


def account(body: dict[str, Any], key: str) -> dict[str, Any]:
    file = {"client_email": "reader@project.example", "private_key": key}
    return {**body, "auth": "service_account", "provider": "google", "secret": json.dumps(file)}


def key_file() -> str:
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = rsa.generate_private_key(65537, 2048).private_bytes(serialization.Encoding.PEM, form, lock)
    return private.decode()


def connect(api: Answers, body: dict[str, Any]) -> str:
    """Tries it, in a wrong way too, looks at what is there, and connects it; its id."""
    for path in ("/test", "/preview"):
        api.ask("POST", f"/api/inbound/mailboxes{path}", body)
        api.ask("POST", f"/api/inbound/mailboxes{path}", {**body, "port": "993"})
        api.ask("POST", f"/api/inbound/mailboxes{path}", {**body, "secret": [body.get("secret")]})
        api.ask("POST", f"/api/inbound/mailboxes{path}", {**body, "secret": (body.get("secret") or "x") * 400})
    id: str = api.ask("POST", "/api/inbound/mailboxes", body)["id"]
    return id


def sign_in(api: Answers, sandbox: Sandbox, process: Standalone) -> dict[str, str]:
    """As a person does in the popup; the state, and the code that came back."""
    requests.put(f"{sandbox.url}/control/oauth", json={"answer": "accept", "account": MAILBOX}, timeout=60)
    begun = api.ask("POST", "/api/inbound/sign-in", {"provider": "microsoft", "mailbox": None, "kind": "graph"})
    api.given.pop()  # the state is what the page asks by
    with requests.Session() as person:
        asked = person.get(begun["url"], timeout=60)
        end = person.post(begun["url"], timeout=60, headers={"Origin": process.url})
        assert "Mailbridge is about to ask" in asked.text and "You are signed in" in end.text
        code = parse_qs(urlsplit(end.url).query)["code"][0]
    assert api.ask("GET", f"/api/inbound/sign-in/{begun['state']}")["done"]
    api.given.pop()
    return {"state": begun["state"], "code": code}


def bring(api: Answers, url: str, token: str) -> None:
    raw = f"From: ann@customer.example\r\nTo: x@sandbox.test\r\nSubject: P\r\nMessage-ID: <{token[:5]}@x>\r\n\r\nHello.\r\n"
    for given in (token, token + "x"):
        headers = {"Authorization": f"Bearer {given}", "Content-Type": "message/rfc822"}
        answer = requests.post(url, raw.encode(), headers=headers, timeout=60)
        api.given.append(f"push\n{answer.text}")


def states(api: Answers) -> dict[str, str]:
    return {one["id"]: one["state"] for one in api.ask("GET", "/api/inbound/mailboxes")}


def grant_of(api: Answers, id: str) -> str:
    return str(api.ask("GET", f"/api/inbound/mailboxes/{id}")["grant_state"])


def refresh_tokens(sandbox: Sandbox) -> set[str]:
    return {one for grant in sandbox.parts.oauth.grants for one in (*grant.good, *grant.used)}


def ask_for_everything(api: Answers, made: dict[str, str]) -> None:
    for id in made.values():
        stored = api.ask("GET", f"/api/inbound/mailboxes/{id}")
        kept = {name: value for name, value in stored.items() if name != "id"}
        api.ask("POST", "/api/inbound/mailboxes/test", {**kept, "id": id})
        api.ask("POST", "/api/inbound/mailboxes/preview", {**kept, "id": id})
        api.ask("PUT", f"/api/inbound/mailboxes/{id}", {**kept, "port": 2})
        api.ask("POST", f"/api/inbound/mailboxes/{id}/reconcile")
    for mail in api.ask("GET", "/api/inbound/mails")["mails"]:
        api.ask("GET", f"/api/inbound/mails/{mail['id']}")
    for path in ("/api/outbound/sender", "/api/outbound/deliveries", "/api/connect/site", "/metrics", "/readyz"):
        api.ask("GET", path)
    for path in ("presets", "keeping", "erasures"):
        api.ask("GET", f"/api/inbound/{path}")


def forms(secret: str) -> tuple[str, ...]:
    """As it is, as JSON has it, and in base64 at each of the three places it may begin at."""
    octets = secret.strip().encode()
    inner = (base64.b64encode(b"\0" * n + octets)[4 if n else 0 : -4].decode() for n in range(3))
    return (secret.strip(), json.dumps(secret.strip())[1:-1], *inner)
