"""What a mail becomes in Jira's words: fields, ADF documents, the property `mailbridge`, files with names of their own. Pure."""

import re
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from inbound import adf
from inbound.adf.nodes import REST_IS_ATTACHED
from inbound.reading.identity import Identity
from inbound.reading.invitation import in_words
from inbound.reading.parsed import Address, Attachment, ParsedMail
from inbound.reading.reply import shown_reply

PROPERTY = "mailbridge"
NO_TEXT = "(The mail has no text of its own.)"
WHOLE_MAIL = "mail.eml"
LONGEST_NAME = 200

_MOST_PEOPLE = 100
Json = dict[str, Any]


def lead(sender: Address | None, identity: Identity) -> str:
    """The first line of what we write for somebody: who wrote, and whether that is proven."""
    if sender is None:
        return "Somebody wrote by email; the mail names no sender."
    who = f"{sender.name} <{sender.address}>" if sender.name else sender.address
    proof = "" if identity.trust == "proven" else " (not proven to be them)"
    return f"{who} wrote by email{proof}:"


def description(mail: ParsedMail, first_line: str) -> Json:
    """The whole mail as a document, for a new issue; without a first line if that is ""."""
    return _with_lead(_once("whole", mail, lambda: _document(mail, mail.html, mail.text)), first_line)


def comment(mail: ParsedMail, first_line: str) -> Json:
    """What the author newly wrote as a document, for a comment; the whole mail if that is nothing but quoted words."""

    def new_words() -> Json:
        reply = shown_reply(mail)
        return _document(mail, reply.html or "", reply.text)

    return _with_lead(_once("reply", mail, new_words), first_line)


def is_cut(document: Mapping[str, Any]) -> bool:
    """Whether the mail was too long for Jira, so that the document promises the rest as a file."""
    return any(REST_IS_ATTACHED in str(node) for node in document.get("content", [])[-2:])


def person(address: Address) -> Json:
    """A person as the property has them; the address in lower case."""
    return {"name": address.name[:200], "address": address.address.lower()[:320]}


def others(mail: ParsedMail, own: frozenset[str]) -> list[Json]:
    """Whom else the mail went to: To and Cc without our mailboxes and the sender, each once, 100 at most."""
    skipped = set(own) | ({mail.sender.address.lower()} if mail.sender else set())
    found: dict[str, Json] = {}
    for address in (*mail.to, *mail.cc):
        low = address.address.lower()
        if "@" in low and low not in skipped and _without_tag(low) not in own:
            found.setdefault(low, person(address))
    return list(found.values())[:_MOST_PEOPLE]


def issue_property(
    mail_id: str, mail: ParsedMail, own: frozenset[str], mailbox: str, account: str | None = None
) -> Json:
    """The property of an issue that we create. account: the sender's own, where Jira knows their address."""
    sender = _sender(mail, account)
    root = mail.message_id[:1000]
    return {"mail": mail_id, "from": sender, "cc": others(mail, own), "root": root, "mailbox": mailbox}


def comment_property(mail_id: str, mail: ParsedMail, own: frozenset[str], account: str | None = None) -> Json:
    """The property of a comment that we add. account: the sender's own, where Jira knows their address."""
    return {"mail": mail_id, "from": _sender(mail, account), "cc": others(mail, own)}


def _sender(mail: ParsedMail, account: str | None) -> Json | None:
    if mail.sender is None:
        return None
    return {**person(mail.sender), **({"account": account} if account else {})}


def merged_people(known: Mapping[str, Any], mail: ParsedMail, own: frozenset[str]) -> Json | None:
    """The issue's property with the people whom this mail adds; None if it adds nobody."""
    cc = [one for one in known.get("cc") or [] if isinstance(one, Mapping)]
    there = {str(one.get("address", "")).lower() for one in (*cc, known.get("from") or {})}
    arrived = [*([person(mail.sender)] if mail.sender else []), *others(mail, own)]
    new = [one for one in arrived if one["address"] not in there]
    if not new or len(cc) >= _MOST_PEOPLE:
        return None
    return {**known, "cc": [*cc, *new][:_MOST_PEOPLE]}


def files(mail: ParsedMail, there: Iterable[tuple[str, int]]) -> list[tuple[int, str]]:
    """(index of the attachment, its name in the issue) for each file to attach.

    there: (name, size) of the issue's attachments. Empty files are left out, and so are inline pictures that the issue
    has already: a signature's logo comes with every mail.
    """
    known = list(there)
    taken = {name.lower() for name, _ in known}
    chosen = []
    for index, attachment in enumerate(mail.attachments):
        if attachment.size == 0 or (attachment.inline and _known_picture(attachment, known)):
            continue
        name = unique_name(attachment.filename, taken)
        taken.add(name.lower())
        chosen.append((index, name))
    return chosen


def unique_name(name: str, taken: Collection[str]) -> str:
    """`name`, with a number before its ending if the lower-case names in `taken` have it already."""
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 10:
        stem, dot, ending = name, "", ""
    stem = stem[: LONGEST_NAME - len(ending) - 8]
    candidate, number = f"{stem}{dot}{ending}", 1
    while candidate.lower() in taken:
        number += 1
        candidate = f"{stem} ({number}){dot}{ending}"
    return candidate


def _document(mail: ParsedMail, html: str, text: str) -> Json:
    for document in (adf.from_html(html) if html.strip() else None, adf.from_text(text) if text.strip() else None):
        if document is not None and _says_something(document):
            return document
    return adf.from_text(NO_TEXT if mail.invitation is None else "\n".join(in_words(mail.invitation)))


def _says_something(node: Mapping[str, Any]) -> bool:
    if node.get("type") == "text":
        return bool(str(node.get("text", "")).strip())
    if node.get("type") in ("mention", "emoji", "inlineCard", "media"):
        return True
    return any(_says_something(child) for child in _children(node))


def _children(node: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return node.get("content") or ()


class _Last(threading.local):
    """The document made last in this thread: asked for when it is planned (is it cut?) and again when it is sent."""

    what: str = ""
    mail: Callable[[], ParsedMail | None] = staticmethod(lambda: None)
    document: Json = {}


_last = _Last()


def _once(what: str, mail: ParsedMail, make: Callable[[], Json]) -> Json:
    """What `make` makes of this mail; of the mail itself nothing is kept, for it may be large."""
    if _last.what != what or _last.mail() is not mail:
        _last.document = make()
        _last.what, _last.mail = what, weakref.ref(mail)
    return _last.document


def _with_lead(document: Json, first_line: str) -> Json:
    if not first_line:
        return document
    line = {"type": "paragraph", "content": [{"type": "text", "text": first_line, "marks": [{"type": "em"}]}]}
    return {**document, "content": [line, *document.get("content", [])]}


def _known_picture(attachment: Attachment, there: Iterable[tuple[str, int]]) -> bool:
    stem = attachment.filename.rpartition(".")[0] or attachment.filename
    return any(size == attachment.size and name.startswith(stem) for name, size in there)


def _without_tag(address: str) -> str:
    return re.sub(r"\+[^@]*@", "@", address)
