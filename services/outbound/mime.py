"""A letter as the octets that travel: 7-bit MIME, multipart/alternative, with the headers of automatic mail. Pure.

Auto-Submitted: RFC 3834. X-Auto-Response-Suppress names each kind but `All`, which would mute bounces as well;
an answer to a mail says `All`: a bounce of it would tell us nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr

from outbound.render import Letter
from outbound.threads import Threading

_UTF8 = Charset("utf-8")
_UTF8.body_encoding = QP
# Folded where we say so: a Message-ID on a line of its own is lost on some servers.
_UNFOLDED = compat32.clone(max_line_length=None)
_NAME = 100


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom and to whom, as names and addresses."""

    from_name: str
    from_address: str
    to_name: str
    to_address: str


def message(
    envelope: Envelope, subject: str, letter: Letter, threading: Threading, at: float, *, answers: bool = False
) -> bytes:
    """The whole mail with CRLF line ends. Names and subject may hold anything: line breaks are taken out. answers: it is a
    program's answer to a mail."""
    mail = MIMEMultipart("alternative")
    mail["From"] = _person(envelope.from_name, envelope.from_address)
    mail["To"] = _person(envelope.to_name, envelope.to_address)
    mail["Subject"] = Header(_clean(subject), header_name="Subject").encode()
    mail["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    mail["Message-ID"] = threading.message_id
    for name, value in (
        ("In-Reply-To", threading.in_reply_to),
        ("References", threading.references.replace(" ", "\n ")),
        ("Reply-To", threading.reply_to),
    ):
        if value:
            mail[name] = value
    mail["Auto-Submitted"] = "auto-replied" if answers else "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All" if answers else "DR, RN, NRN, OOF, AutoReply"
    mail.attach(_part(letter.text, "plain"))
    mail.attach(_part(letter.html, "html"))
    return mail.as_bytes(policy=_UNFOLDED).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _part(text: str, subtype: str) -> MIMEText:
    # A lone surrogate, as JSON can carry one, has no octets.
    return MIMEText(text.encode("utf-8", "replace").decode(), subtype, _UTF8)  # type: ignore[arg-type]


def _person(name: str, address: str) -> str:
    clean = _clean(name)[:_NAME]
    if clean and not clean.isascii():
        return f"{Header(clean, 'utf-8', header_name='From').encode()} <{address}>"
    return formataddr((clean, address)) if clean else address


def _clean(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.encode("utf-8", "replace").decode().split())
