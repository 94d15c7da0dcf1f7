"""imaplib's connection with limits: a server has only so long and so much for each answer, whatever it says of itself.

The library's own time limit is for each packet: a server that drips an octet a second holds it for ever, one that announces an
endless literal takes all memory, and the answer to a search in a large folder is too long for it.
"""

import imaplib
import time
from typing import Any

ROOM = 64 * 1024 * 1024
"""Octets that an answer may have beside the one large message that may be in it."""

_LINE = 32 * 1024 * 1024
_LINES_COST = 100  # octets of memory that a line costs beside its own
_PIECE = 65_536
_SLOWEST = 10_000  # octets in a second that a server has to send on the whole


class Patient(imaplib.IMAP4):
    """Raises TimeoutError when an answer takes longer than `patience` seconds, with more for a long one (10 kB/s), and abort
    when it is larger than `room` octets. Time in which nobody reads, as in IDLE, does not count."""

    patience: float = 60.0
    room: int = ROOM
    _waited: float = 0.0
    _had: int = 0
    file: Any

    def send(self, data: Any) -> None:
        self._waited, self._had = 0.0, 0
        super().send(data)

    def read(self, size: int) -> bytes:
        if self._had + size > self.room:
            raise self.abort(f"the server announces {size} octets, more than can be taken at a time")
        pieces, left = [], size
        while left:
            began = time.monotonic()
            piece = self.file.read1(min(left, _PIECE))
            self._spent(began, len(piece))
            if not piece:
                raise self.abort("socket error: EOF in a literal")
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    def readline(self) -> bytes:
        line, had = [], 0
        while True:
            began = time.monotonic()
            ahead = self.file.peek(1)  # what is in the buffer, or else one packet
            end = ahead.find(b"\n") + 1
            piece = self.file.read1(end or len(ahead)) if ahead else b""
            self._spent(began, len(piece) + _LINES_COST * bool(end))
            line.append(piece)
            had += len(piece)
            if end or not piece:
                return b"".join(line)
            if had > _LINE:
                raise self.abort(f"a line of more than {_LINE} octets")

    def _spent(self, began: float, octets: int) -> None:
        self._waited += time.monotonic() - began
        self._had += octets
        if self._had > self.room:
            raise self.abort("the server's answer is larger than what can be taken at a time")
        if self._waited > self.patience + self._had / _SLOWEST:
            raise TimeoutError("the server is too slow")
