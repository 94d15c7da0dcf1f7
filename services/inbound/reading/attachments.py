"""Attachments out of leaves: safe names, names for the nameless, uuencoded files, winmail.dat opened. Pure."""

import mimetypes
import re

from inbound.reading.decode import decode_words
from inbound.reading.parsed import Attachment
from inbound.reading.parts import Leaf
from inbound.reading.tnef import Opened

MAX_NAME = 200
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "message/rfc822": ".eml",
    "message/delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "application/pdf": ".pdf",
    "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/octet-stream": ".bin",
}


# The table that Python ships; mimetypes' functions would read the machine's own files.
_BY_TYPE = {content_type: extension for extension, content_type in reversed(mimetypes.types_map.items())}


def unwrapped(opened: Opened, number: int) -> list[Attachment]:
    """The files that a winmail.dat held. `number` counts the nameless."""
    files = []
    for position, (written, content) in enumerate(opened.files, number):
        name = safe_name(written) or f"part-{position}.bin"
        extension = name[name.rfind(".") :].lower() if "." in name else ""
        files.append(Attachment(name, mimetypes.types_map.get(extension, "application/octet-stream"), content))
    return files


def attachment(leaf: Leaf, number: int) -> Attachment:
    """The leaf as a file. `number` counts the nameless."""
    inline = (
        bool(leaf.content_id and leaf.disposition != "attachment" and leaf.content_type.startswith("image/"))
        or leaf.disposition == "inline"
    )
    name = safe_name(leaf.filename) or _given_name(leaf, number)
    return Attachment(name, leaf.content_type, leaf.octets, inline, leaf.content_id)


def safe_name(name: str) -> str:
    """A file name without folder, control or direction-changing characters, at most MAX_NAME long; "" if nothing is left."""
    name = _FORBIDDEN.sub("", re.sub(r"[\t\r\n]+", " ", name)).strip()
    if re.match(r"[A-Za-z]:\\|\\\\|\.{0,2}/|.*\\.*\\", name) or "/" in name:
        name = re.split(r"[\\/]", name)[-1]
    name = name.strip().lstrip("\\")
    if name in (".", ".."):
        return ""
    if len(name) > MAX_NAME:
        stem, dot, extension = name.rpartition(".")
        name = (
            stem[: MAX_NAME - 1 - len(extension)] + dot + extension if dot and len(extension) < 16 else name[:MAX_NAME]
        )
    return name


def _given_name(leaf: Leaf, number: int) -> str:
    if leaf.content_type == "message/rfc822":
        head = leaf.octets[:20_000].split(b"\n\n")[0]
        subject = re.search(rb"^subject:[ \t]*(.*(?:\r?\n[ \t].*)*)", head, re.IGNORECASE | re.MULTILINE)
        text = decode_words(re.sub(r"\r?\n[ \t]+", " ", subject[1].decode("utf-8", "replace"))) if subject else ""
        return (safe_name(re.sub(r"[\\/:*?\"<>|]+", "_", text))[:120].strip() or "message") + ".eml"
    extension = _EXTENSIONS.get(leaf.content_type) or _BY_TYPE.get(leaf.content_type) or ".bin"
    stem = {
        "text/calendar": "invite",
        "application/pgp-signature": "signature",
        "application/pkcs7-signature": "smime",
    }.get(leaf.content_type)
    return (stem or f"part-{number}") + extension
