"""Calendar invitations and the answers to them (RFC 5545, RFC 5546): what, when, where, who, and who accepts. Pure; never raises.

Only what a person wants to read is taken: no recurrence is expanded and no time zone is computed. A text of any length
takes linear time, because everything behind the limits is left in the attached file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from inbound.reading.parsed import Address, Attendee, Invitation

MAX_OCTETS = 256 * 1024
MAX_LINES = 5_000
MAX_ATTENDEES = 200
MAX_VALUE = 2_000  # characters of a text that is kept
_ESCAPED = re.compile(r"\\([nN,;\\:\"])")
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?$")
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)


_METHODS = {
    "REQUEST": "Invitation",
    "PUBLISH": "Calendar entry",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time proposed for an invitation",
}
_MOST_SHOWN = 20


class _Line(NamedTuple):
    name: str
    parameters: dict[str, str]
    value: str


@dataclass
class _Event:
    """The first event, filled line by line."""

    fields: dict[str, _Line]
    attendees: list[Attendee]


def read_invitation(text: str, method: str) -> Invitation | None:
    """The first event of a calendar text; `method` is what the MIME type says, the text's own METHOD goes before it.

    None if no event stands in it.
    """
    own_method, event = "", None
    within: list[str] = []
    for line in _lines(text[:MAX_OCTETS]):
        if line.name == "BEGIN":
            within.append(line.value.strip().upper())
            if within[-1] in ("VEVENT", "VTODO"):
                event = _Event({}, [])
        elif line.name == "END":
            if event is not None and line.value.strip().upper() in ("VEVENT", "VTODO"):
                break
            del within[-1:]
        elif line.name == "METHOD" and event is None:
            own_method = line.value.strip()
        elif event is not None and within[-1:] in (
            ["VEVENT"],
            ["VTODO"],
        ):  # an alarm inside has fields of the same names
            _take(event, line)
    return _invitation((own_method or method).upper()[:40], event) if event is not None and event.fields else None


def in_words(invitation: Invitation) -> list[str]:
    """What it says, in lines: what it is first, then "What: …", "When: …" and so on, at last the people one by one."""
    what = "Called off" if invitation.cancelled else _METHODS.get(invitation.method, "Calendar entry")
    when = " to ".join(filter(None, (invitation.start, invitation.end)))
    lines = [what, f"What: {invitation.summary or '(not said)'}", f"When: {when or '(not said)'}"]
    lines += [f"Where: {invitation.location}"] if invitation.location else []
    lines += [f"Organizer: {_person(invitation.organizer)}"] if invitation.organizer else []
    lines += [f"{_person(one.who)}: {one.status}" for one in invitation.attendees[:_MOST_SHOWN]]
    more = len(invitation.attendees) - _MOST_SHOWN
    return [*lines, *([f"… {more} more people"] if more > 0 else [])]


def _person(person: Address) -> str:
    return f"{person.name} <{person.address}>" if person.name and person.address else person.address or person.name


def _invitation(method: str, event: _Event) -> Invitation:
    organizer = event.fields.get("ORGANIZER")
    return Invitation(
        method=method,
        uid=_text(event, "UID"),
        summary=_text(event, "SUMMARY"),
        location=_text(event, "LOCATION"),
        start=_when(event.fields.get("DTSTART")),
        end=_when(event.fields.get("DTEND") or event.fields.get("DUE")),
        organizer=_who(organizer) if organizer else None,
        attendees=tuple(event.attendees),
        cancelled=method == "CANCEL" or _text(event, "STATUS").upper() == "CANCELLED",
    )


def _take(event: _Event, line: _Line) -> None:
    if line.name != "ATTENDEE":
        event.fields.setdefault(line.name, line)
    elif len(event.attendees) < MAX_ATTENDEES:
        status = line.parameters.get("PARTSTAT", "NEEDS-ACTION").lower()[:40]
        event.attendees.append(Attendee(_who(line), status))


def _lines(text: str) -> Iterator[_Line]:
    """The content lines, unfolded (RFC 5545 §3.1). What is no content line is passed over."""
    folded = re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    for written in folded.split("\n", MAX_LINES)[:MAX_LINES]:
        head, found, value = _apart(written)
        if found:
            name, *parameters = head
            yield _Line(name.strip().upper(), dict(map(_parameter, parameters)), value)


def _apart(line: str) -> tuple[list[str], bool, str]:
    """The name and the parameters, whether a value follows, and the value. Quotes protect ":" and ";"."""
    pieces, start, quoted = [], 0, False
    for match in re.finditer(r'[":;]', line[: MAX_VALUE * 2]):
        mark = match[0]
        if mark == '"':
            quoted = not quoted
        elif not quoted:
            pieces.append(line[start : match.start()])
            start = match.end()
            if mark == ":":
                return pieces, True, line[start:]
    return pieces, False, ""


def _parameter(written: str) -> tuple[str, str]:
    name, _, value = written.partition("=")
    return name.strip().upper(), value.strip().strip('"')[:MAX_VALUE]


def _text(event: _Event, name: str) -> str:
    line = event.fields.get(name)
    if line is None:
        return ""
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], line.value[:MAX_VALUE]).strip()


def _who(line: _Line) -> Address:
    address = _MAILTO.sub("", line.value.strip(), count=1)
    # Some programs put a directory name in the value and the address into a parameter.
    if "@" not in address:
        address = _MAILTO.sub("", line.parameters.get("EMAIL", ""), count=1)
    return Address(line.parameters.get("CN", "")[:200], address.strip()[:320] if "@" in address else "")


def _when(line: _Line | None) -> str:
    """As "2026-03-02 09:15 Europe/Berlin"; the zone as it is written, "UTC" for Z, none for a day or a floating time."""
    if line is None:
        return ""
    written = line.value.strip()[:100]
    match = _DATE.match(written)
    if match is None:
        return written
    day = f"{match[1]}-{match[2]}-{match[3]}"
    if match[4] is None:
        return day
    zone = "UTC" if match[7] else line.parameters.get("TZID", "")[:100]
    return f"{day} {match[4]}:{match[5]} {zone}".rstrip()
