"""Which leaves are the mail's text and HTML, and which are files. Pure."""

import re
from dataclasses import dataclass, field

from inbound.reading.attachments import attachment, safe_name, unwrapped
from inbound.reading.charsets import decode_text
from inbound.reading.decode import uu_files
from inbound.reading.htmlguard import MAX_CHARACTERS
from inbound.reading.invitation import MAX_OCTETS, read_invitation
from inbound.reading.parsed import Attachment, DeliveryReport, Invitation
from inbound.reading.parts import Leaf
from inbound.reading.tnef import open_tnef

REPORT_TYPES = {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/disposition-notification",
    "message/feedback-report",
}
SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
RETURNED_CAP = 64 * 1024
_DECLARED_IN_HTML = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)


@dataclass
class Bodies:
    """What the leaves amount to; filled leaf by leaf."""

    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    status: list[str] = field(default_factory=list)
    feedback: str = ""
    returned: str = ""
    invitation: Invitation | None = None
    defects: list[str] = field(default_factory=list)
    taken: set[tuple[int, str]] = field(default_factory=set)

    def add(self, leaf: Leaf, report: str) -> None:
        """Sort one leaf in. `report` is the mail's report-type, or ""."""
        if leaf.defect:
            self.defects.append(leaf.defect)
        if leaf.content_type in REPORT_TYPES:
            text = self._text(leaf)
            if leaf.content_type == "message/feedback-report":
                self.feedback = self.feedback or text
            else:
                self.status.append(text)
                self._attach(leaf)
        elif (
            report
            and leaf.content_type
            in ("message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers")
            and not self.returned
        ):
            self.returned = leaf.octets[:RETURNED_CAP].decode("utf-8", "replace").replace("\r\n", "\n")
            if leaf.content_type in ("message/rfc822", "message/global"):
                self._attach(leaf)
        elif leaf.content_type in SIGNATURES and not leaf.filename and leaf.within[-1:] == ("signed",):
            pass  # a detached signature: the mail itself is what it signs
        elif self._is_body(leaf):
            self._body(leaf)
        else:
            self._attach(leaf)

    def report(self, kind: str) -> DeliveryReport:
        """The report parts, if any."""
        return DeliveryReport(kind, tuple(self.status), self.feedback, self.returned)

    def _is_body(self, leaf: Leaf) -> bool:
        if leaf.content_type not in ("text/plain", "text/html"):
            return False
        if leaf.disposition == "attachment":
            return False
        if leaf.filename and not (leaf.disposition == "inline" and not self.texts and not self.htmls):
            # A named text is a file, unless it is the whole mail.
            return not leaf.within
        return True

    def _body(self, leaf: Leaf) -> None:
        if leaf.content_type == "text/html":
            text = self._text(leaf, _meta_charset(leaf.octets))
            if len(text) > MAX_CHARACTERS:
                self.defects.append(
                    f"the HTML is longer than {MAX_CHARACTERS} characters: its end is only in the mail itself"
                )
            if text.strip() and self._first_of_alternative(leaf):
                self.htmls.append(text)
            return
        rest, files = uu_files(leaf.octets) if b"begin" in leaf.octets else (leaf.octets, [])
        for name, content in files:
            self.attachments.append(Attachment(safe_name(name) or "file.bin", "application/octet-stream", content))
        text, complaint = decode_text(rest, leaf.charset)
        if complaint:
            self.defects.append(complaint)
        text = unflowed(tidy(text), leaf.parameters)
        if (text.strip() or not self.texts) and self._first_of_alternative(leaf):
            self.texts.append(text)

    def _first_of_alternative(self, leaf: Leaf) -> bool:
        if leaf.alternative < 0 or leaf.within[-1:] != ("alternative",):
            return True
        key = (leaf.alternative, leaf.content_type)
        fresh = key not in self.taken
        self.taken.add(key)
        return fresh

    def _text(self, leaf: Leaf, charset: str = "") -> str:
        text, complaint = decode_text(leaf.octets, leaf.charset or charset)
        if complaint:
            self.defects.append(complaint)
        return tidy(text)

    def _invite(self, leaf: Leaf) -> None:
        octets = leaf.octets[:MAX_OCTETS]
        text, _ = decode_text(octets, leaf.charset or "utf-8")  # calendar texts are UTF-8 unless they say otherwise
        self.invitation = read_invitation(text, leaf.parameters.get("method", ""))

    def _attach(self, leaf: Leaf) -> None:
        if self.invitation is None and (
            leaf.content_type in ("text/calendar", "application/ics") or leaf.filename.lower().endswith(".ics")
        ):
            self._invite(leaf)
        number = len(self.attachments) + 1
        opened = open_tnef(leaf.octets) if _claims_tnef(leaf) else None
        if opened is None:
            self.attachments.append(attachment(leaf, number))
            return
        self.attachments += unwrapped(opened, number)
        if not self.htmls and opened.html.strip():
            self.htmls.append(tidy(opened.html))
        if not any(text.strip() for text in self.texts) and opened.text.strip():
            self.texts.append(tidy(opened.text))


def _claims_tnef(leaf: Leaf) -> bool:
    return (
        leaf.content_type in ("application/ms-tnef", "application/vnd.ms-tnef")
        or leaf.filename.lower() == "winmail.dat"
    )


def tidy(text: str) -> str:
    """\\n line ends, no NUL, no byte order mark."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").removeprefix("\ufeff")


def unflowed(text: str, parameters: dict[str, str]) -> str:
    """format=flowed (RFC 3676) joined to its paragraphs; other text unchanged."""
    if parameters.get("format", "").lower() != "flowed":
        return text
    drop = parameters.get("delsp", "").lower() == "yes"
    out: list[str] = []
    flowing, depth_before = False, 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content[1:] if content[:1] == " " else content
        if flowing and depth == depth_before:
            out[-1] += content
        else:
            out.append(">" * depth + (" " if depth and content else "") + content)
        flowing = content.endswith(" ") and content != "-- "
        if flowing and drop:
            out[-1] = out[-1][:-1]
        depth_before = depth
    return "\n".join(out)


def _meta_charset(octets: bytes) -> str:
    match = _DECLARED_IN_HTML.search(octets[:4_000])
    return match[1].decode("ascii") if match else ""
