"""Providers' webhooks: each is verified before the mail in it is read into the ledger, and told 200 once it is there."""

import base64
import datetime
import hashlib
import hmac
import io
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from flask.testing import FlaskClient

from common import web
from common.crypto import Vault
from common.db import Database
from inbound.fetching.entries import raw_aad
from inbound.push import hooks
from inbound.push.hooks import Call, Refused
from inbound.push.pushing import Pushing, header_of
from inbound.store_ledger import sealed_raw
from inbound.tables import data_key, mailbox
from inbound.web import api_hooks
from tests.inbound import rig
from tests.inbound.mailserver import letter
from tests.inbound.office import Office
from tests.inbound.page import Call as ApiCall
from tests.inbound.push.test_push import made, push

TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
SIGNING_KEY = "key-of-mailgun"
RAW = letter("Grüße", text="Schöne Grüße").replace(b"Sch\xc3\xb6ne", b"Sch\xf6ne")  # octets that are no UTF-8


@dataclass
class Amazon:
    """Signs as SNS does, and is visited instead of the Internet."""

    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    valid: float = 1.0
    visited: list[str] = field(default_factory=list)

    def visit(self, address: str) -> bytes:
        self.visited.append(address)
        return self.certificate() if address.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"

    def certificate(self) -> bytes:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - datetime.timedelta(2)).not_valid_after(now + datetime.timedelta(self.valid))
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(self, names: tuple[str, ...], *, version: str = "2", **said: str) -> dict[str, str]:
        message = {"MessageId": "id-1", "TopicArn": TOPIC, "Timestamp": "2026-06-01T10:00:00.000Z", **said}
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()
        hashed = hashes.SHA1() if version == "1" else hashes.SHA256()
        signature = base64.b64encode(self.key.sign(text, padding.PKCS1v15(), hashed)).decode()
        return {**message, "SignatureVersion": version, "Signature": signature, "SigningCertURL": CERTIFICATE_URL}

    def notification(self, raw: bytes, *, dmarc: str = "PASS", version: str = "2", **said: str) -> dict[str, str]:
        receipt = {"dmarcVerdict": {"status": dmarc}, "action": {"type": "SNS", "topicArn": TOPIC}}
        content = base64.b64encode(raw).decode()
        message = json.dumps({"notificationType": "Received", "receipt": receipt, "content": content})
        names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
        return self.signed(names, version=version, Type="Notification", Message=message, **said)

    def confirmation(self, address: str) -> dict[str, str]:
        names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
        said = {"Message": "You have chosen…", "Token": "t" * 40, "SubscribeURL": address}
        return self.signed(names, Type="SubscriptionConfirmation", **said)


@pytest.fixture
def amazon() -> Amazon:
    return Amazon()


@pytest.fixture
def hook(database: Database, amazon: Amazon) -> FlaskClient:
    """The providers' doors alone, with Amazon where they would visit it."""
    app, _ = web.create_app("inbound", {}, api_title="hooks")
    app.register_blueprint(api_hooks.blueprint(Pushing(rig.config(), database), amazon.visit))
    return app.test_client()


def send(hook: FlaskClient, to: dict[str, Any], body: Any, **more: Any) -> Any:
    path = urlsplit(to["url"]).path
    if isinstance(body, dict):
        body = json.dumps(body)
        more = {"content_type": "text/plain; charset=UTF-8", **more}
    return hook.post(path, data=body, **more)


def kept(database: Database) -> bytes:
    """The only mail in the ledger."""
    (row,) = rig.mails(database)
    with database.read() as tx:
        sealed = sealed_raw(tx, row.id)
        assert sealed is not None
        return Vault(rig.config().settings.master_key, data_key).unseal(tx, row.tenant, sealed, raw_aad(row.id))


# --- Amazon SES


@pytest.fixture
def ses(call: ApiCall) -> dict[str, Any]:
    return made(call, via="ses", key=TOPIC)


@pytest.mark.parametrize("version", ["1", "2"])
def test_ses_brings_a_mail(
    hook: FlaskClient, ses: dict[str, Any], amazon: Amazon, database: Database, version: str
) -> None:
    answer = send(hook, ses, amazon.notification(RAW, version=version, Subject="Amazon SES Email Receipt Notification"))
    assert answer.status_code == 200, answer.json
    (row,) = rig.mails(database)
    assert kept(database) == RAW and answer.json == {"mail": row.id}
    assert row.record["vouched"] == {"by": "Amazon SES", "dmarc": "pass"}
    assert send(hook, ses, amazon.notification(RAW)).json == {"mail": row.id}
    assert len(rig.mails(database)) == 1 and amazon.visited == [CERTIFICATE_URL]


def test_a_mail_that_ses_sends_as_text_is_read_too(hook: FlaskClient, ses: dict[str, Any], database: Database) -> None:
    assert hooks._mail_of(letter("Plain").decode()) == letter("Plain")
    assert hooks._mail_of(base64.encodebytes(RAW).decode()) == RAW


@pytest.mark.parametrize("forged", ["Message", "MessageId", "Timestamp", "Signature", "Subject"])
def test_a_message_that_amazon_did_not_sign_is_refused(
    hook: FlaskClient, ses: dict[str, Any], amazon: Amazon, database: Database, forged: str
) -> None:
    message = amazon.notification(RAW)
    message[forged] = amazon.notification(letter("Other"))["Message"] if forged == "Message" else "bm90IGl0"
    assert send(hook, ses, message).status_code == 401 and rig.mails(database) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.test/a.pem",
        "https://evil.test/sns.eu-west-1.amazonaws.com.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.test/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://bucket.s3.amazonaws.com/a.pem",
        "https://[::1/a.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(
    hook: FlaskClient, ses: dict[str, Any], amazon: Amazon, address: str
) -> None:
    assert send(hook, ses, {**amazon.notification(RAW), "SigningCertURL": address}).status_code == 401
    assert amazon.visited == []


def test_a_certificate_that_has_ended_is_not_enough(hook: FlaskClient, ses: dict[str, Any], amazon: Amazon) -> None:
    amazon.valid = -1.0
    assert send(hook, ses, amazon.notification(RAW)).status_code == 401


def test_another_topic_is_refused_though_amazon_signed_it(
    hook: FlaskClient, ses: dict[str, Any], amazon: Amazon, database: Database
) -> None:
    assert send(hook, ses, amazon.notification(RAW, TopicArn=TOPIC + "-of-somebody-else")).status_code == 401
    assert rig.mails(database) == [] and amazon.visited == []


def test_a_subscription_is_confirmed_at_amazon_only(hook: FlaskClient, ses: dict[str, Any], amazon: Amazon) -> None:
    address = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    assert send(hook, ses, amazon.confirmation(address)).status_code == 200
    assert amazon.visited == [CERTIFICATE_URL, address]
    assert send(hook, ses, amazon.confirmation("https://evil.test/?Action=ConfirmSubscription")).status_code == 401
    assert amazon.visited == [CERTIFICATE_URL, address]


@pytest.mark.parametrize(("verdict", "trust"), [("PASS", "proven"), ("FAIL", "failed"), ("GRAY", "unproven")])
def test_the_verdict_of_ses_decides_and_not_a_header_of_the_mail(
    office: Office, hook: FlaskClient, call: ApiCall, amazon: Amazon, verdict: str, trust: str
) -> None:
    raw = letter("Printer", Authentication_Results="mx.sandbox.test; dmarc=pass header.from=customer.test")
    id = send(hook, made(call, via="ses", key=TOPIC), amazon.notification(raw, dmarc=verdict)).json["mail"]
    office.work()
    assert office.mail(id).record["facts"]["identity"]["trust"] == trust


def test_a_notification_without_the_mail_says_what_to_change(
    hook: FlaskClient, ses: dict[str, Any], amazon: Amazon
) -> None:
    names = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
    bare = amazon.signed(names, Type="Notification", Message='{"notificationType": "Received"}')
    answer = send(hook, ses, bare)
    assert answer.status_code == 422 and "SNS action" in answer.json["detail"]
    other = amazon.signed(
        names, Type="Notification", Message='{"notificationType": "AMAZON_SNS_SUBSCRIPTION_SUCCEEDED"}'
    )
    assert send(hook, ses, other).json == {"mail": None}


# --- Mailgun


@pytest.fixture
def mailgun(call: ApiCall) -> dict[str, Any]:
    return made(call, via="mailgun", key=SIGNING_KEY)


def mailgun_form(raw: bytes, *, age: float = 0.0, token: str = "a" * 50, key: str = SIGNING_KEY) -> dict[str, Any]:
    timestamp = str(int(time.time() - age))
    signature = hmac.new(key.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    return {"timestamp": timestamp, "token": token, "signature": signature, "body-mime": raw, "recipient": "a@b.test"}


URLENCODED = {"content_type": "application/x-www-form-urlencoded"}


def test_mailgun_brings_a_mail_in_its_very_octets(
    hook: FlaskClient, mailgun: dict[str, Any], database: Database
) -> None:
    assert mailgun["url"].endswith("/mime")
    answer = send(hook, mailgun, urlencode(mailgun_form(RAW)), **URLENCODED)
    assert answer.status_code == 200, answer.json
    assert kept(database) == RAW


def multipart(fields: dict[str, Any]) -> tuple[bytes, str]:
    boundary = "xYzZY"
    body = io.BytesIO()
    for name, value in fields.items():
        octets = value if isinstance(value, bytes) else value.encode()
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + octets + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return body.getvalue(), f"multipart/form-data; boundary={boundary}"


def test_mailgun_may_send_a_multipart_form(hook: FlaskClient, mailgun: dict[str, Any], database: Database) -> None:
    body, kind = multipart(mailgun_form(RAW))
    assert send(hook, mailgun, body, content_type=kind).status_code == 200 and kept(database) == RAW


def test_a_call_of_mailgun_counts_once_whatever_is_in_it(
    hook: FlaskClient, mailgun: dict[str, Any], database: Database
) -> None:
    first = send(hook, mailgun, urlencode(mailgun_form(RAW)), **URLENCODED)
    replayed = send(hook, mailgun, urlencode(mailgun_form(letter("Something else"))), **URLENCODED)
    assert replayed.json == first.json and len(rig.mails(database)) == 1


@pytest.mark.parametrize(
    "changes", [{"key": "another"}, {"age": hooks.MAILGUN_WINDOW + 60}, {"age": -hooks.MAILGUN_WINDOW - 60}]
)
def test_a_signature_that_is_wrong_or_old_is_refused(
    hook: FlaskClient, mailgun: dict[str, Any], database: Database, changes: dict[str, Any]
) -> None:
    answer = send(hook, mailgun, urlencode(mailgun_form(RAW, **changes)), **URLENCODED)
    assert answer.status_code == 401 and rig.mails(database) == []


@pytest.mark.parametrize("end", ["/mime", ""])
def test_mailgun_without_the_raw_mail_hears_what_to_change(
    hook: FlaskClient, mailgun: dict[str, Any], end: str
) -> None:
    form = mailgun_form(RAW)
    del form["body-mime"]
    to = {"url": mailgun["url"].removesuffix("/mime") + end}
    answer = send(hook, to, urlencode(form), **URLENCODED)
    assert answer.status_code == 422 and "/mime" in answer.json["detail"]


def test_mailgun_vouches_for_nobody(hook: FlaskClient, mailgun: dict[str, Any], database: Database) -> None:
    send(hook, mailgun, urlencode(mailgun_form(RAW)), **URLENCODED)
    assert "vouched" not in rig.mails(database)[0].record


# --- SendGrid


def signed_by(key: ec.EllipticCurvePrivateKey, body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return {
        "X-Twilio-Email-Event-Webhook-Signature": signature,
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def test_sendgrid_brings_a_signed_mail(hook: FlaskClient, call: ApiCall, database: Database) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    to = made(call, via="sendgrid", key=base64.b64encode(public).decode())
    body, kind = multipart({"email": RAW, "envelope": "{}"})
    headers = signed_by(key, body)
    other, _ = multipart({"email": letter("Other"), "envelope": "{}"})
    assert send(hook, to, other, content_type=kind, headers=headers).status_code == 401
    assert send(hook, to, body, content_type=kind).status_code == 401
    stranger = signed_by(ec.generate_private_key(ec.SECP256R1()), body)
    assert send(hook, to, body, content_type=kind, headers=stranger).status_code == 401
    assert rig.mails(database) == []
    assert send(hook, to, body, content_type=kind, headers=headers).status_code == 200
    assert kept(database) == RAW


def test_sendgrid_without_a_policy_is_known_by_the_token_alone(
    hook: FlaskClient, call: ApiCall, database: Database
) -> None:
    to = made(call, via="sendgrid")
    body, kind = multipart({"email": RAW})
    assert send(hook, {"url": to["url"][:-5] + "wrong"}, body, content_type=kind).status_code == 401
    assert send(hook, to, body, content_type=kind).status_code == 200 and kept(database) == RAW


def test_sendgrid_without_the_raw_mail_hears_what_to_change(hook: FlaskClient, call: ApiCall) -> None:
    body, kind = multipart({"text": "Hello"})
    answer = send(hook, made(call, via="sendgrid"), body, content_type=kind)
    assert answer.status_code == 422 and "raw, full MIME" in answer.json["detail"]


# --- Postmark


def test_postmark_brings_a_mail(hook: FlaskClient, call: ApiCall, database: Database) -> None:
    to = made(call, via="postmark")
    raw = letter("Grüße")
    assert send(hook, to, {"From": "ann@customer.test", "RawEmail": raw.decode()}).status_code == 200
    assert kept(database) == raw


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b'{"RawEmail": ""}', b'{"TextBody": "Hello"}', b"[" * 100_000]
)
def test_a_call_without_a_mail_is_refused(hook: FlaskClient, call: ApiCall, database: Database, body: bytes) -> None:
    answer = send(hook, made(call, via="postmark"), body, content_type="application/json")
    assert answer.status_code == 422 and rig.mails(database) == []


# --- all of them


def test_a_token_for_one_way_opens_no_other(hook: FlaskClient, client: FlaskClient, call: ApiCall) -> None:
    to = made(call, via="postmark")
    body, kind = multipart({"email": RAW})
    other = {"url": to["url"].replace("/postmark/", "/sendgrid/")}
    assert send(hook, other, body, content_type=kind).status_code == 401
    assert send(hook, {"url": to["url"].replace("/postmark/", "/nobody/")}, body).status_code == 401
    assert push(client, to, RAW).status_code == 401


@pytest.mark.parametrize("via", ["ses", "mailgun", "sendgrid", "postmark"])
def test_a_mail_that_is_too_large_is_recorded_by_its_header_and_not_sent_again(
    hook: FlaskClient, call: ApiCall, database: Database, amazon: Amazon, via: str
) -> None:
    """Too large for the mailbox, which takes less than the operator allows."""
    key = {"ses": TOPIC, "mailgun": SIGNING_KEY}.get(via, "")
    to = made(call, via=via, key=key)
    with database.write() as tx:
        tx.execute(mailbox.update().values(max_bytes=10_000))
    raw = letter("Huge", text="x" * (100_000 if via == "ses" else 3_000_000))
    form, kind = multipart({"email": raw})
    answers = {
        "ses": lambda: send(hook, to, amazon.notification(raw)),
        "mailgun": lambda: send(hook, to, urlencode(mailgun_form(raw)), **URLENCODED),
        "sendgrid": lambda: send(hook, to, form, content_type=kind),
        "postmark": lambda: send(hook, to, {"RawEmail": raw.decode()}),
    }
    answer = answers[via]()
    assert answer.status_code == 200, answer.data
    (row,) = rig.mails(database)
    assert row.size == len(raw) and "too large" in row.record["problem"] and answer.json == {"mail": row.id}
    assert (row.record["limit"], row.record["via"]) == (10_000, via)
    assert kept(database) == header_of(raw) and b"Subject: Huge" in kept(database)


def test_a_mail_that_is_too_large_for_the_operator_is_recorded_too(
    call: ApiCall, database: Database, amazon: Amazon
) -> None:
    app, _ = web.create_app("inbound", {}, api_title="hooks")
    app.register_blueprint(api_hooks.blueprint(Pushing(rig.config(MAX_MAIL_BYTES="10000"), database), amazon.visit))
    to = made(call, via="postmark")
    raw = letter("Huge", text="x" * 20_000)
    assert send(app.test_client(), to, {"RawEmail": raw.decode()}).status_code == 200
    (row,) = rig.mails(database)
    assert row.size == len(raw) and "too large" in row.record["problem"]


def test_the_token_in_the_address_is_not_in_the_log(
    hook: FlaskClient, call: ApiCall, capsys: pytest.CaptureFixture[str]
) -> None:
    to = made(call, via="postmark")
    send(hook, to, {"RawEmail": RAW.decode("latin-1")})
    said = capsys.readouterr()
    assert to["token"] not in said.out + said.err


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ({"via": "ses"}, "ARN"),
        ({"via": "ses", "key": "my topic"}, "ARN"),
        ({"via": "mailgun"}, "signing key"),
        ({"via": "sendgrid", "key": "bm9uc2Vuc2U="}, "public key"),
        ({"via": "carrier pigeon"}, "Must be one of"),
    ],
)
def test_a_key_that_cannot_verify_anything_is_refused(call: ApiCall, way: dict[str, str], said: str) -> None:
    to = made(call, via="postmark")
    answer = call("POST", f"/mailboxes/{to['id']}/push-token", way)
    assert answer.status_code == 422 and said in str(answer.json["errors"])


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", ""])
def test_what_is_no_form_is_refused_as_such(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        hooks.read_form(Call({"content-type": kind}, b"x=y", 0.0))
    assert refused.value.status == 422


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\nX: y\r\n\r\nz\r\n--b--\r\n", b"--b\r\n" + b"\xff" * 100])
def test_a_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        hooks.read_form(Call({"content-type": "multipart/form-data; boundary=b"}, body, 0.0))
