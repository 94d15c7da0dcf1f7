"""`POST /api/inbound/mail/{mailbox}`: a mail as it is (RFC 822), from a mail server's pipe. docs/mailboxes-push.md

The push token is checked before anything of the body is read.
"""

from typing import IO

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from common.problems import Problem
from common.web import takes_any_body
from inbound.push.pushing import PIPE, Entrance, Pushing, Taken
from inbound.sources.batches import too_large

_CHUNK = 64 * 1024
_MOST_READ = (
    1 << 30
)  # octets of a mail that is too large which are read to their end, so that the caller hears the answer


def blueprint(pushing: Pushing) -> Blueprint:
    """The door for pipes."""
    pages = Blueprint("push", __name__)

    @pages.post("/api/inbound/mail/<mailbox>")
    @takes_any_body
    def take(mailbox: str) -> ResponseReturnValue:
        door = pushing.entrance(mailbox, _bearer(), PIPE)
        request.max_content_length = _MOST_READ
        raw, size = read(request.stream, door.limit)
        taken = pushing.take(door, raw, size=size)
        if taken.too_large:
            raise Problem(413, detail=_too_large(door, size, taken))
        return jsonify(mail=taken.mail), 202 if taken.new else 200

    return pages


def read(stream: IO[bytes], limit: int) -> tuple[bytes, int]:
    """The octets of the body, `limit` at most, and how many there were."""
    kept, size = [], 0
    while chunk := stream.read(_CHUNK):
        if size < limit:
            kept.append(chunk[: limit - size])
        size += len(chunk)
    return b"".join(kept), size


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _too_large(door: Entrance, size: int, taken: Taken) -> str:
    return (
        f"The mail is too large. {too_large(size, door.limit)} Its header is recorded as mail {taken.mail}; tell the "
        "sender that it was not delivered."
    )
