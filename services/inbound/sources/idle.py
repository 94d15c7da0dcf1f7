"""Listening to an IMAP server that speaks by itself (IDLE, RFC 2177), over imapclient's connection, without missing a word.

The library's own `idle_check` looks at the socket only: a line that came together with an earlier one is already in Python's
buffer, and it sleeps over it. Here the buffer is looked at first.
"""

import imaplib
import ssl
import time
from collections.abc import Callable
from typing import Any

_BLINK = 1.0
_NEWS = (b"EXISTS", b"RECENT")


def told(client: Any) -> bool:
    """Whether the server has announced messages (EXISTS) since this was last asked. imaplib keeps what nobody fetched."""
    return client._imap.untagged_responses.pop("EXISTS", None) is not None


def begin(client: Any) -> None:
    """Begin an IDLE, whatever comes before the "+" that answers it."""
    try:
        client.idle()
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if "Unexpected IDLE response" not in str(error):
            raise
        while client._imap._get_response() is not None:
            pass


def listen(client: Any, seconds: float, stopped: Callable[[], bool]) -> bool:
    """Whether the server has told of messages: at once when it does, else after `seconds`, or soon after `stopped()` turns
    true. Raises imaplib's abort when the server hangs up, or numbers its messages anew (UIDVALIDITY)."""
    until = time.monotonic() + seconds
    news = bool(client._imap.untagged_responses.get("EXISTS"))
    while not news and not stopped() and (left := until - time.monotonic()) > 0:
        lines = _lines(client, min(_BLINK, left))
        if any(b"[UIDVALIDITY " in line.upper() for line in lines):
            raise imaplib.IMAP4.abort("the server has given the messages other numbers")
        news = any(line.split()[-1:] == [word] for line in lines for word in _NEWS)
    return news


def sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    """Wait `seconds`, or until soon after `stopped()` turns true."""
    until = time.monotonic() + seconds
    while not stopped() and (left := until - time.monotonic()) > 0:
        time.sleep(min(_BLINK, left))


def _lines(client: Any, seconds: float) -> list[bytes]:
    """What the server says within `seconds`; [] if it keeps silent."""
    readable = _buffered(client) or bool(client._poll_socket(client.socket(), seconds))
    lines = []
    while _buffered(client):
        lines.append(bytes(client._imap._get_line()))
    if readable and not lines and bool(client._poll_socket(client.socket(), 0)) and not _buffered(client):
        raise imaplib.IMAP4.abort("the server hung up")
    return lines


def _buffered(client: Any) -> bool:
    """Whether a line, or the beginning of one, can be read without waiting."""
    connection = client.socket()
    patience = connection.gettimeout()
    connection.setblocking(False)
    try:
        return bool(client._imap.file.peek(1))
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        connection.settimeout(patience)
