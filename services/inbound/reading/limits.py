"""What is kept from a MIME parser: too many parts, too deep a nesting, large bodies. Pure, linear in the mail's size.

A large body is *lifted*: a short marker stands in its place while the parser looks for the structure, so the parser's time
and memory do not grow with attachments (a 25 MB mail is searched by bytes.find and never copied as text).
"""

import re
from dataclasses import dataclass

MAX_RAW_OCTETS = 64 * 1024 * 1024
MAX_PARTS = 500
MAX_MULTIPARTS = 60
LIFT_FROM = 2_048
_BOUNDARY = re.compile(rb"boundary\*?0?\*?[ \t]*=[ \t]*(?:\"([^\"\r\n]{1,200})\"|([^\s\";]{1,200}))", re.IGNORECASE)
_BLANK = re.compile(rb"^[ \t]*\r?\n", re.MULTILINE)
_MESSAGE = re.compile(rb"^content-type[ \t]*:[ \t]*(?:\r?\n[ \t]+)?message/", re.IGNORECASE | re.MULTILINE)
_LONGEST_DELIMITER = 300


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`octets`: the body with large parts replaced by markers; `lifted`: marker to what stood there."""

    octets: bytes
    lifted: dict[bytes, bytes]
    defects: tuple[str, ...] = ()

    def restore(self, octets: bytes) -> bytes:
        """A part's body as it was, given what the parser handed back for it."""
        return self.lifted.get(octets.strip(), octets) if len(octets) < 200 else octets


@dataclass(frozen=True, slots=True)
class _Delimiter:
    start: int
    boundary: bytes


def lift(header: bytes, body: bytes) -> Skeleton:
    """The body for a structure parser, within MAX_PARTS and MAX_MULTIPARTS; what lies behind a limit is cut off and said so.

    Large parts are lifted, and every carried message whatever its size, so that it stays as it was, octet by octet.
    """
    defects: list[str] = []
    boundaries = {match[1] or match[2] for match in _BOUNDARY.finditer(header)}
    if boundaries:
        declared = _declared(body)
        if len(declared) > MAX_MULTIPARTS:
            body = body[: declared[MAX_MULTIPARTS].start()]
            declared = declared[:MAX_MULTIPARTS]
            defects.append(f"more than {MAX_MULTIPARTS} multiparts: what follows was not read")
        boundaries |= {match[1] or match[2] for match in declared}
    delimiters = _delimiters(body, boundaries)
    if len(delimiters) > MAX_PARTS:
        body = body[: delimiters[MAX_PARTS].start]
        delimiters = delimiters[:MAX_PARTS]
        defects.append(f"more than {MAX_PARTS} parts: what follows was not read")
    if len(body) <= LIFT_FROM and not _carries(header, body):
        return Skeleton(body, {}, tuple(defects))
    octets, lifted = _lifted(header, body, delimiters)
    return Skeleton(octets, lifted, tuple(defects))


def _carries(header: bytes, body: bytes) -> bool:
    return b"essage/" in body or b"ESSAGE/" in body or _MESSAGE.search(header) is not None


def _lifted(header: bytes, body: bytes, delimiters: list[_Delimiter]) -> tuple[bytes, dict[bytes, bytes]]:
    prefix = b"mailbridge-lifted"
    while prefix in body:
        prefix += b"x"
    pieces: list[bytes] = []
    lifted: dict[bytes, bytes] = {}
    seen: set[bytes] = set()
    start, number = 0, 0
    while number <= len(delimiters):
        if number:
            seen.add(delimiters[number - 1].boundary)
        content, carried = _content(body, start, _edge(body, delimiters, number), header if number == 0 else None)
        if carried:
            # The parts of a carried message are its own: it ends where its siblings begin.
            while number < len(delimiters) and delimiters[number].boundary not in seen:
                number += 1
        edge = _edge(body, delimiters, number)
        if carried or edge - content > LIFT_FROM:
            # The line end before a delimiter belongs to the delimiter (RFC 2046, 5.1.1).
            end = edge if edge == len(body) else edge - (2 if body[edge - 2 : edge] == b"\r\n" else 1)
            end = max(content, end)
            marker = prefix + b"-%d" % len(lifted) + b"."
            lifted[marker] = body[content:end]
            pieces += [body[start:content], marker, body[end:edge]]
        else:
            pieces.append(body[start:edge])
        start, number = edge, number + 1
    return b"".join(pieces), lifted


def _edge(body: bytes, delimiters: list[_Delimiter], number: int) -> int:
    return delimiters[number].start if number < len(delimiters) else len(body)


def _content(body: bytes, start: int, edge: int, header: bytes | None) -> tuple[int, bool]:
    """Where the part's content begins, and whether it is a message. `header`: of the mail, for what precedes its first part."""
    if header is not None:
        return start, _MESSAGE.search(header) is not None
    blank = _BLANK.search(body, start, edge)
    if blank is None:
        return edge, False
    return blank.end(), _MESSAGE.search(body, start, blank.end()) is not None


def _declared(body: bytes) -> list[re.Match[bytes]]:
    """The boundary parameters in the body, in order."""
    found: list[re.Match[bytes]] = []
    for word in (b"oundary", b"OUNDARY"):
        at = body.find(word)
        while at >= 0 and len(found) <= 2 * MAX_MULTIPARTS:
            match = _BOUNDARY.match(body, at - 1) if at else None
            if match:
                found.append(match)
            at = body.find(word, at + 7)
    return sorted(found, key=lambda match: match.start())


def _delimiters(body: bytes, boundaries: set[bytes]) -> list[_Delimiter]:
    """The lines that open or close a part of a declared boundary."""
    found: list[_Delimiter] = []
    if not boundaries:
        return found
    longest_first = tuple(sorted(boundaries, key=len, reverse=True))
    at = 0 if body.startswith(b"--") else body.find(b"\n--") + 1
    while at > 0 or body.startswith(b"--"):
        end = body.find(b"\n", at, at + _LONGEST_DELIMITER)
        line = body[at + 2 : at + _LONGEST_DELIMITER if end < 0 else end].rstrip()
        boundary = line if line in boundaries else line.removesuffix(b"--")
        if boundary not in boundaries:
            boundary = next((known for known in longest_first if line.startswith(known)), b"")
        if boundary:
            found.append(_Delimiter(at, boundary))
            if len(found) > MAX_PARTS:
                break
        following = body.find(b"\n--", at + 2)
        if following < 0:
            break
        at = following + 1
    return found
