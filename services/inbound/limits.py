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
_MULTIPART = re.compile(
    rb"^content-type[ \t]*:[ \t]*(?:\r?\n[ \t]+)?(?:multipart|message/rfc822)", re.IGNORECASE | re.MULTILINE
)
_BLANK = re.compile(rb"^[ \t]*\r?\n", re.MULTILINE)
_MESSAGE = re.compile(rb"^content-type[ \t]*:[ \t]*(?:\r?\n[ \t]+)?message/", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`octets`: the body with large parts replaced by markers; `lifted`: marker to what stood there."""

    octets: bytes
    lifted: dict[bytes, bytes]
    defects: tuple[str, ...] = ()

    def restore(self, octets: bytes) -> bytes:
        """A part's body as it was, given what the parser handed back for it."""
        stripped = octets.strip()
        if stripped in self.lifted:
            return self.lifted[stripped]
        for marker, original in self.lifted.items() if self._prefix and self._prefix in octets else ():
            octets = octets.replace(marker, original)
        return octets

    @property
    def _prefix(self) -> bytes:
        return next(iter(self.lifted), b"").rpartition(b"-")[0]


def lift(header: bytes, body: bytes) -> Skeleton:
    """The body for a structure parser, within MAX_PARTS and MAX_MULTIPARTS; what lies behind a limit is cut off and said so."""
    defects: list[str] = []
    boundaries = {match[1] or match[2] for match in _BOUNDARY.finditer(header)}
    if boundaries:
        boundaries |= {match[1] or match[2] for match in _BOUNDARY.finditer(body)}
    deep = [match.start() for match in _MULTIPART.finditer(body)] if boundaries else []
    if len(deep) > MAX_MULTIPARTS:
        body = body[: deep[MAX_MULTIPARTS]]
        defects.append(f"more than {MAX_MULTIPARTS} nested or sibling multiparts: what follows was not read")
    delimiters = _delimiters(body, boundaries)
    if len(delimiters) > MAX_PARTS:
        body = body[: delimiters[MAX_PARTS]]
        delimiters = delimiters[:MAX_PARTS]
        defects.append(f"more than {MAX_PARTS} parts: what follows was not read")
    if len(body) <= LIFT_FROM:
        return Skeleton(body, {}, tuple(defects))
    prefix = b"mailbridge-lifted"
    while prefix in body:
        prefix += b"x"
    pieces: list[bytes] = []
    lifted: dict[bytes, bytes] = {}
    edges = [*delimiters, len(body)]
    start = 0
    for number, edge in enumerate(edges):
        content = _content_start(body, start, edge, is_part=number > 0, header=header)
        if edge - content > LIFT_FROM:
            # The line end before a delimiter belongs to the delimiter (RFC 2046, 5.1.1).
            end = edge
            if edge < len(body):
                end -= 2 if body[edge - 2 : edge] == b"\r\n" else 1
            marker = prefix + b"-%d" % number + b"."
            lifted[marker] = body[content:end]
            pieces += [body[start:content], marker, body[end:edge]]
        else:
            pieces.append(body[start:edge])
        start = edge
    return Skeleton(b"".join(pieces), lifted, tuple(defects))


def _delimiters(body: bytes, boundaries: set[bytes]) -> list[int]:
    """Where a line that opens or closes a declared boundary starts."""
    if not boundaries:
        return []
    found, at = [], 0 if body.startswith(b"--") else body.find(b"\n--") + 1
    if at == 0 and not body.startswith(b"--"):
        return []
    longest = max(map(len, boundaries))
    while True:
        end = body.find(b"\n", at, at + longest + 300)
        line = body[at + 2 : at + longest + 300 if end < 0 else end].rstrip()
        if (
            line in boundaries
            or line.removesuffix(b"--") in boundaries
            or (len(boundaries) < 50 and line.startswith(tuple(boundaries)))
        ):
            found.append(at)
            if len(found) > MAX_PARTS:
                return found
        following = body.find(b"\n--", at + 2)
        if following < 0:
            return found
        at = following + 1


def _content_start(body: bytes, start: int, edge: int, *, is_part: bool, header: bytes) -> int:
    """Where the part's own content begins: after its header, and after the header of a message that it carries."""
    at = start
    headers_to_skip = 1 if is_part else 0
    head = header
    while True:
        if not headers_to_skip:
            if not _MESSAGE.search(head):
                return at
            headers_to_skip = 1
        blank = _BLANK.search(body, at, edge)
        if blank is None:
            return edge
        head = body[at : blank.end()]
        at = blank.end()
        headers_to_skip -= 1
