"""Each kind of mailbox as an admin connects it, by clicking, and through the real process into the stand-in Jira: POP3 at a real
Dovecot, a Google service account by XOAUTH2, an app registration at Microsoft by Graph, and each provider's webhook.

One Mailbridge serves all of them. Amazon is stood in for where its certificate would be fetched: by a second web process over the
same database. Fails on any page error, console error or warning.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from imapclient import IMAPClient
from playwright.sync_api import FrameLocator, Page, expect

from common.db import open_database
from common.env import Env
from common.ids import new_id
from common.serve import Server
from inbound.app import create_app
from inbound.config import Config
from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.oauth.provider import sign_in_settings
from sandbox.servers import dovecot as dovecot_server
from sandbox.servers.dovecot import Dovecot
from tests.e2e.test_mailboxes import choose_project
from tests.e2e.test_page import browser  # noqa: F401 - a fixture
from tests.e2e.test_story import PATIENT, choose, picture
from tests.e2e.test_story import page as strict_page  # noqa: F401 - a fixture
from tests.inbound.push.test_provider_hooks import SIGNING_KEY, TOPIC, Amazon, mailgun_form, multipart, signed_by
from tests.running import Standalone, sandbox_settings, wait_for

pytestmark = pytest.mark.browser
PATIENCE = 120.0


@dataclass
class World:
    """Mailbridge installed in the stand-in Jira."""

    sandbox: Sandbox
    process: Standalone
    jira: SandboxClient

    def becomes_an_issue(self, subject: str) -> None:
        """Waits until there is exactly one issue of this summary."""
        wait_for(lambda: self._named(subject) > 0, PATIENCE, self.process.tail)
        assert self._named(subject) == 1

    def control(self, path: str, body: dict[str, str]) -> None:
        requests.post(f"{self.sandbox.url}/control{path}", json=body, timeout=60).raise_for_status()

    def _named(self, subject: str) -> int:
        return [issue["fields"]["summary"] for issue in self.jira.issues()].count(subject)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as sandbox:
        settings = {
            **sandbox_settings(sandbox),
            **PATIENT,
            **sign_in_settings(sandbox.url),
            "MAILBRIDGE_POLL_SECONDS": "1",
        }
        process = Standalone(tmp_path_factory.mktemp("every-source"), settings)
        process.start()
        try:
            jira = SandboxClient(sandbox.url)
            jira.install(process.url)
            yield World(sandbox, process, jira)
            jira.close()
        finally:
            process.stop()


@pytest.fixture
def page(strict_page: Page, world: World) -> Iterator[Page]:  # noqa: F811 - the fixture imported above
    strict_page.goto(world.sandbox.url + "/host")
    yield strict_page
    strict_page.goto("about:blank")


@pytest.fixture
def form(page: Page) -> FrameLocator:
    """The form for a new mailbox."""
    mailbridge = page.frame_locator("iframe")
    mailbridge.get_by_role("button", name="Connect a mailbox", exact=True).click()
    return mailbridge


@pytest.mark.dovecot
def test_a_pop3_mailbox_is_connected_and_its_mail_deleted_once_it_is_handled(
    world: World, page: Page, form: FrameLocator, dovecot: Dovecot
) -> None:
    address = "pop@every.test"
    deliver(dovecot, address, "By POP3, before")
    form.get_by_role("textbox", name="Address", exact=True).fill(address)
    choose(form, "Kind of mailbox", "POP3")
    expect(form.get_by_text("POP3 providers may delete mail on their own")).to_be_visible()
    at_server(form, dovecot.pop3_port)
    form.get_by_label("Password").fill("wrong")
    form.get_by_role("button", name="Test connection", exact=True).click()
    expect(form.get_by_text("The login was refused").first).to_be_visible()
    form.get_by_label("Password").fill(dovecot_server.PASSWORD)
    choose(form, "When mail is handled", "Delete it")
    works(form, "POP3 does not tell which of them were read")
    choose(form, "Mail that is already there", "Process all 1")
    picture(page, "pop3")
    connected(form, address)
    world.becomes_an_issue("By POP3, before")
    wait_for(lambda: left_at(dovecot, address) == 0, PATIENCE, world.process.tail)
    deliver(dovecot, address, "By POP3, after")
    world.becomes_an_issue("By POP3, after")
    wait_for(lambda: left_at(dovecot, address) == 0, PATIENCE, world.process.tail)


@pytest.mark.dovecot
def test_a_service_account_of_google_reads_a_mailbox(
    world: World, page: Page, form: FrameLocator, dovecot: Dovecot
) -> None:
    address, account = "workspace@every.test", "reader@project.iam.gserviceaccount.example"
    key = rsa.generate_private_key(65537, 2048)
    world.control("/oauth/service-accounts", {"email": account, "public_key": public(key)})
    form.get_by_role("textbox", name="Address", exact=True).fill(address)
    at_server(form, dovecot.imap_port)
    choose(form, "Log in with", "Service account of your own (Google Workspace)")
    field = form.get_by_label("Key file of the service account")
    field.fill("not a key file")
    form.get_by_role("button", name="Test connection", exact=True).click()
    expect(form.get_by_text("Paste the whole key file")).to_be_visible()
    field.fill(key_file(account, rsa.generate_private_key(65537, 2048)))
    form.get_by_role("button", name="Test connection", exact=True).click()
    expect(form.get_by_text("No token for the service account")).to_be_visible()
    expect(form.get_by_text("Check that this key is still one of").first).to_be_visible()
    picture(page, "service-account-refused")
    field.fill(key_file(account, key))
    works(form, "The server tells of new mail at once (IDLE)")
    connected(form, address)
    deliver(dovecot, address, "Workspace")
    world.becomes_an_issue("Workspace")


def test_an_app_registration_of_microsoft_reads_a_mailbox(world: World, page: Page, form: FrameLocator) -> None:
    address = "shared@contoso.example"
    world.control("/oauth/apps", {"directory": "contoso", "client_id": "an-app", "client_secret": "app-secret"})
    graph_mail(world, address, "By Graph, before")
    form.get_by_role("textbox", name="Address", exact=True).fill(address)
    choose(form, "Kind of mailbox", "Microsoft 365 (Exchange Online)")
    choose(form, "Log in with", "App registration of your own (Microsoft Entra)")
    expect(form.get_by_text("Mail.ReadWrite of Microsoft Graph")).to_be_visible()
    form.get_by_label("Directory (tenant) id").fill("contoso")
    form.get_by_label("Application (client) id").fill("an-app")
    secret = form.get_by_role("textbox", name="Client secret", exact=True)
    secret.fill("wrong")
    form.get_by_role("button", name="Test connection", exact=True).click()
    expect(form.get_by_text("The client secret is not valid, or has expired").first).to_be_visible()
    picture(page, "app-refused")
    secret.fill("app-secret")
    works(form, "1 message")
    choose(form, "Mail that is already there", "Process all 1")
    connected(form, address)
    world.becomes_an_issue("By Graph, before")
    graph_mail(world, address, "By Graph, after")
    world.becomes_an_issue("By Graph, after")


Bring = Callable[[World, str, bytes], requests.Response]


def by_ses(world: World, url: str, raw: bytes) -> requests.Response:
    amazon = Amazon()
    other = amazon.notification(raw, TopicArn=TOPIC + "-of-somebody-else")
    assert requests.post(url, json.dumps(other), timeout=60).status_code == 401
    settings = Env(world.process.settings)
    database = open_database(settings.text("MAILBRIDGE_DATABASE_URL", ""), "inbound")
    server = Server(create_app(Config.read(settings), database=database, visit=amazon.visit))
    server.start()
    try:
        beside = f"http://127.0.0.1:{server.port}{urlsplit(url).path}"
        confirmation = amazon.confirmation("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t")
        requests.post(beside, json.dumps(confirmation), timeout=60).raise_for_status()
        assert amazon.visited[-1].endswith("Token=t")
        forged = {**amazon.notification(raw), "Signature": Amazon().notification(raw)["Signature"]}
        assert requests.post(beside, json.dumps(forged), timeout=60).status_code == 401
        return requests.post(beside, json.dumps(amazon.notification(raw)), timeout=60)
    finally:
        server.stop()
        database.close()


def by_mailgun(_: World, url: str, raw: bytes) -> requests.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    forged = urlencode(mailgun_form(raw, key="another"))
    assert requests.post(url, forged, headers=headers, timeout=60).status_code == 401
    return requests.post(url, urlencode(mailgun_form(raw)), headers=headers, timeout=60)


SENDGRID = ec.generate_private_key(ec.SECP256R1())


def by_sendgrid(_: World, url: str, raw: bytes) -> requests.Response:
    body, kind = multipart({"email": raw, "envelope": "{}"})
    assert requests.post(url, body, headers={"Content-Type": kind}, timeout=60).status_code == 401
    return requests.post(url, body, headers={"Content-Type": kind, **signed_by(SENDGRID, body)}, timeout=60)


def by_postmark(_: World, url: str, raw: bytes) -> requests.Response:
    assert requests.post(url + "x", json={"RawEmail": raw.decode()}, timeout=60).status_code == 401
    return requests.post(url, json={"From": "ann@customer.test", "RawEmail": raw.decode()}, timeout=60)


def sendgrid_key() -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(SENDGRID.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


@pytest.mark.parametrize(
    ("service", "key_label", "key", "bring"),
    [
        ("Amazon SES", "ARN of the SNS topic", TOPIC, by_ses),
        ("Mailgun", "HTTP webhook signing key", SIGNING_KEY, by_mailgun),
        ("SendGrid", "Public key of the security policy", sendgrid_key(), by_sendgrid),
        ("Postmark", None, "", by_postmark),
    ],
    ids=["ses", "mailgun", "sendgrid", "postmark"],
)
def test_a_mail_service_brings_mail_with_the_token_of_the_page(
    world: World, page: Page, form: FrameLocator, service: str, key_label: str | None, key: str, bring: Bring
) -> None:
    name = service.replace(" ", "-").lower()
    choose(form, "Kind of mailbox", "Pushed mail (your server or a mail service)")
    form.get_by_role("textbox", name="Address", exact=True).fill(f"{name}@every.test")
    choose_project(form)
    form.get_by_role("button", name="Connect mailbox", exact=True).click()
    choose(form, "Who brings the mail", service)
    if key_label is not None:
        form.get_by_label(key_label).fill(key)
    form.get_by_role("button", name="Make a token", exact=True).click()
    address = form.get_by_label("Where to bring the mail", exact=True)
    expect(address).to_be_visible()
    url = address.input_value()
    token = urlsplit(url).path.split("/")[6]
    expect(form.get_by_text("The address is shown this once")).to_be_visible()
    expect(form.get_by_text("What to do with it")).to_be_visible()
    picture(page, f"push-{name}")
    form.get_by_role("button", name="I have kept it", exact=True).click()
    answer = bring(world, url, letter(f"By {service}", f"{name}@every.test"))
    assert (answer.status_code, bool(answer.json()["mail"])) == (200, True), answer.text
    world.becomes_an_issue(f"By {service}")
    assert len(token) > 30 and token not in world.process.log.read_text()
    expect(form.get_by_role("button", name=f"New push token for {name}@every.test")).to_be_visible()


def at_server(form: FrameLocator, port: int) -> None:
    form.get_by_role("textbox", name="Server").fill("127.0.0.1")
    choose(form, "Security", "None (not encrypted)")
    form.get_by_role("textbox", name="Port").fill(str(port))


def works(form: FrameLocator, finding: str) -> None:
    form.get_by_role("button", name="Test connection", exact=True).click()
    expect(form.get_by_text("The connection works")).to_be_visible()
    expect(form.get_by_text(finding).first).to_be_visible()
    expect(form.get_by_text("What is there already")).to_be_visible()


def connected(form: FrameLocator, address: str) -> None:
    choose_project(form)
    form.get_by_role("button", name="Connect mailbox", exact=True).click()
    expect(form.get_by_role("heading", name=address, exact=True)).to_be_visible()
    expect(form.get_by_role("button", name=f"Compare {address} with the ledger")).to_be_visible()


def letter(subject: str, to: str) -> bytes:
    who = f"From: Ann Customer <ann@customer.test>\r\nTo: {to}\r\n"
    return f"{who}Subject: {subject}\r\nMessage-ID: <{new_id()}@customer.test>\r\n\r\nHello.\r\n".encode()


def deliver(dovecot: Dovecot, address: str, subject: str) -> None:
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=60) as client:
        client.login(address, dovecot_server.PASSWORD)
        client.append("INBOX", letter(subject, address))


def left_at(dovecot: Dovecot, address: str) -> int:
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=60) as client:
        client.login(address, dovecot_server.PASSWORD)
        return int(client.select_folder("INBOX", readonly=True)[b"EXISTS"])


def graph_mail(world: World, address: str, subject: str) -> None:
    requests.post(
        f"{world.sandbox.url}/control/graph/{address}/mail", letter(subject, address), timeout=60
    ).raise_for_status()


def public(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def key_file(account: str, key: rsa.RSAPrivateKey) -> str:
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, form, lock).decode()
    content: dict[str, Any] = {"type": "service_account", "client_email": account, "private_key": private}
    return json.dumps(content, indent=2)
