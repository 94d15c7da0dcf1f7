"""`python -m inbound.submit --url URL --token-file FILE`: the pipe of Postfix, Exim and procmail. Needs Python alone.

Reads one mail on standard input and brings it to Mailbridge. Its exit says to the mail server what became of it (sysexits.h):

    0   the mail is in Mailbridge's ledger, now or since an earlier try
    75  not now: the mail server keeps the mail and tries again; also for a wrong token or command line, until it is mended
    65  never: too large, or no mail; the mail server tells the sender

One sentence on standard error says why. docs/mailboxes-push.md
"""

import argparse
import http.client
import json
import ssl
import sys
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

DONE, BAD_MAIL, NOT_NOW = 0, 65, 75
_NEVER = (400, 413, 422)
_LONGEST_ANSWER = 65_536


def main() -> None:
    """The command."""
    given = _arguments()
    try:
        token = given.token_file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        _leave(NOT_NOW, f"The token file {given.token_file} cannot be read: {error}.")
    if not token or not token.isprintable():
        _leave(NOT_NOW, f"The token file {given.token_file} holds no push token.")
    raw = _without_envelope(sys.stdin.buffer.read())
    if not raw.strip():
        _leave(BAD_MAIL, "There is no mail on standard input.")
    try:
        status, answer = _post(given.url, token, raw, given.timeout, given.ca_file)
    except (OSError, http.client.HTTPException, ValueError) as error:
        _leave(NOT_NOW, f"Mailbridge at {given.url} cannot be reached: {error or type(error).__name__}.")
    if status in (200, 202):
        _leave(DONE)
    if status in _NEVER:
        _leave(BAD_MAIL, f"Mailbridge does not take this mail: {answer}")
    _leave(NOT_NOW, f"Mailbridge answered {status}: {answer}")


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="inbound.submit", description="Bring one mail from standard input to Mailbridge.")
    parser.add_argument("--url", required=True, help="the address that the mailbox's page shows with the push token")
    parser.add_argument("--token-file", required=True, type=Path, help="the file that holds the push token")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for each wait; 60 unless told")
    parser.add_argument("--ca-file", help="certificates to trust instead of the system's")
    return parser.parse_args()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _leave(NOT_NOW, f"The command line is wrong: {message}.")


def _without_envelope(raw: bytes) -> bytes:
    """The mail without the line `From sender date` that some mail servers put before it (mbox)."""
    return raw.partition(b"\n")[2] if raw.startswith(b"From ") else raw


def _post(url: str, token: str, raw: bytes, timeout: float, ca_file: str | None) -> tuple[int, str]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("--url is no address such as https://mail.example.com/api/inbound/mail/…")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "message/rfc822", "User-Agent": "Mailbridge"}
    try:
        connection.request("POST", parts.path or "/", body=raw, headers=headers)
        response = connection.getresponse()
        return response.status, _sentence(response.read(_LONGEST_ANSWER)) or response.reason
    finally:
        connection.close()


def _sentence(body: bytes) -> str:
    """What a problem says, in one line."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    detail = said.get("detail") if isinstance(said, dict) else None
    return " ".join(detail.split()) if isinstance(detail, str) else ""


def _leave(code: int, sentence: str = "") -> NoReturn:
    if sentence:
        sys.stderr.write(sentence + "\n")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
