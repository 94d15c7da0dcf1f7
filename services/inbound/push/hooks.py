"""Providers' webhooks with mail in them: is the call theirs, and which mail is in it.

Each `read_…` verifies first and then returns a Brought, or raises Refused. The address of each hook ends in the mailbox's push
token, so that a stranger does not even get here; what a provider signs is verified besides.

    Amazon SES   an SNS notification with the mail's content. "Verifying the signatures of Amazon SNS messages" and "HTTP/HTTPS
                 subscription confirmation JSON format" (SNS Developer Guide), "Contents of notifications for Amazon SES email
                 receiving" (SES Developer Guide)
    Mailgun      a route's forward() to an address that ends in `mime`. "Receiving Messages via HTTP through a forward() action",
                 "Securing Webhooks" (Mailgun user manual)
    SendGrid     Inbound Parse with "POST the raw, full MIME message". "Securing your Inbound Parse Webhooks" (Twilio docs)
    Postmark     the inbound webhook with the raw content included. "Inbound webhook" (Postmark developer docs): nothing is signed

Only SES' call vouches for the sender: SNS signs the whole message, with the DMARC verdict in it. Mailgun's signature covers a
time and a token, not the mail; SendGrid's covers the mail, but tells no DMARC verdict.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from inbound.push import signatures

MAILGUN_WINDOW = 9 * 3600.0
"""Seconds that Mailgun's timestamp may be away from now. It repeats a call for eight hours and does not say whether it signs it
anew; a call that is sent again by somebody else is known by its token (`name`) and brings nothing."""

_AMAZON = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_MOST_FIELDS = 1000
_DMARC = {"PASS": "pass", "FAIL": "fail"}


class Refused(Exception):
    """The call is not the provider's (status 401), or there is no mail in it (422)."""

    def __init__(self, sentence: str, status: int = 401) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: header names in lower case."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    now: float


@dataclass(frozen=True, slots=True)
class Brought:
    """raw: the mail, b"" if the call brings none. name: what the provider calls it, or ""; vouched: what its signature says of
    the sender ({"by", "dmarc"}) or {}. confirm: an address to be visited, with which a subscription is confirmed."""

    raw: bytes = field(default=b"", repr=False)
    name: str = ""
    vouched: Mapping[str, str] = field(default_factory=dict)
    confirm: str = ""


def read_ses(call: Call, topic: str, certificate: Callable[[str], bytes]) -> Brought:
    """topic: the ARN of the only topic that may speak; certificate: fetches the PEM at an address of Amazon's."""
    said = _json(call.body)
    kind = said.get("Type")
    if not topic or said.get("TopicArn") != topic:
        raise Refused("This is not the SNS topic that the mailbox expects: give its ARN when you make the push token.")
    names = _NOTIFICATION if kind == "Notification" else _CONFIRMATION
    signed = "".join(f"{name}\n{said[name]}\n" for name in names if said.get(name) is not None).encode()
    address, version = str(said.get("SigningCertURL", "")), str(said.get("SignatureVersion", ""))
    if not is_amazons(address) or version not in ("1", "2"):
        raise Refused("The certificate of this SNS message is not at an address of Amazon's.")
    pem = certificate(address)
    if not signatures.by_certificate(pem, str(said.get("Signature", "")), signed, sha1=version == "1", now=call.now):
        raise Refused("The signature of this SNS message is not Amazon's.")
    if kind == "SubscriptionConfirmation":
        confirm = str(said.get("SubscribeURL", ""))
        if not is_amazons(confirm):
            raise Refused("The subscription is not to be confirmed at an address of Amazon's.")
        return Brought(confirm=confirm)
    if kind != "Notification":
        return Brought()
    told = _json(str(said.get("Message", "")).encode())
    content = told.get("content")
    if told.get("notificationType") != "Received":
        return Brought()
    if not isinstance(content, str):
        raise Refused("The notification has no content: use SES' SNS action, which sends the mail itself.", 422)
    receipt = told.get("receipt")
    verdict = receipt.get("dmarcVerdict") if isinstance(receipt, dict) else None
    status = str(verdict.get("status", "")) if isinstance(verdict, dict) else ""
    vouched = {"by": "Amazon SES", "dmarc": _DMARC.get(status.upper(), "none")}
    return Brought(_mail_of(content), str(said.get("MessageId", "")), vouched)


def read_mailgun(call: Call, key: str, window: float = MAILGUN_WINDOW) -> Brought:
    """key: the HTTP webhook signing key of the Mailgun account."""
    form = read_form(call)
    timestamp, token = (form.get(name, b"").decode("ascii", "replace") for name in ("timestamp", "token"))
    expected = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    given = form.get("signature", b"").decode("ascii", "replace")
    if not key or not token or not hmac.compare_digest(expected.encode(), given.lower().encode()):
        raise Refused("The signature is not made with the webhook signing key that was given with the push token.")
    if not timestamp.isdigit() or len(timestamp) > 12 or abs(call.now - int(timestamp)) > window:
        raise Refused("The signature is too old, or one of the two clocks is wrong.")
    if "body-mime" not in form:
        raise Refused("There is no body-mime in this call: the address of the route has to end in /mime.", 422)
    return Brought(form["body-mime"], token)


def read_sendgrid(call: Call, key: str) -> Brought:
    """key: the public key of the security policy, or "" where none was given: then the token in the address is all there is."""
    if key:
        timestamp = call.headers.get("x-twilio-email-event-webhook-timestamp", "")
        signature = call.headers.get("x-twilio-email-event-webhook-signature", "")
        signed = timestamp.encode("utf-8", "replace") + call.body
        if not timestamp or not signatures.by_public_key(key, signature, signed):
            raise Refused("The signature is not made with the key that was given with the push token.")
    form = read_form(call)
    if "email" not in form:
        raise Refused('There is no field email in this call: switch on "POST the raw, full MIME message".', 422)
    return Brought(form["email"])


def read_postmark(call: Call) -> Brought:
    """Postmark signs nothing: the token in the address is all there is."""
    raw = _json(call.body).get("RawEmail")
    if not isinstance(raw, str) or not raw:
        raise Refused('There is no RawEmail in this call: switch on "Include raw email content in JSON payload".', 422)
    return Brought(raw.encode("utf-8", "surrogatepass"))


def is_amazons(address: str) -> bool:
    """True for an https address at an SNS endpoint of Amazon's, at the usual port."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and parts.netloc == parts.hostname and bool(_AMAZON.fullmatch(parts.netloc))
    except ValueError:
        return False


def read_form(call: Call) -> dict[str, bytes]:
    """The fields of a form, in their very octets, the first of each name; files are left out."""
    kind, options = parse_options_header(call.headers.get("content-type", ""))
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(call.body)
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise Refused("This call is no form.", 422)
    return _parts(call.body, options["boundary"].encode("utf-8", "replace"))


def _urlencoded(body: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for pair in body.split(b"&", _MOST_FIELDS):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        found.setdefault(unquote_to_bytes(name).decode("utf-8", "replace"), unquote_to_bytes(value))
    return found


def _parts(body: bytes, boundary: bytes) -> dict[str, bytes]:
    decoder = MultipartDecoder(boundary, max_parts=_MOST_FIELDS)
    found: dict[str, list[bytes]] = {}
    current: list[bytes] | None = None
    try:
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, Field):
                current = None if event.name in found else found.setdefault(event.name, [])
            elif isinstance(event, File):
                current = None
            elif isinstance(event, Data) and current is not None:
                current.append(event.data)
    except (ValueError, RuntimeError) as error:
        raise Refused("This form cannot be read.", 422) from error
    return {name: b"".join(parts) for name, parts in found.items()}


def _mail_of(content: str) -> bytes:
    """SES sends the mail as text, or in base64 where its action says so. A mail's first line has a colon, base64 has none."""
    packed = "".join(content.split())
    if ":" not in packed[:200]:
        try:
            return base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError):
            pass
    return content.encode("utf-8", "surrogatepass")


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Refused("This call is no JSON object.", 422)
    return said
