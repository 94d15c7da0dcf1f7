"""`python -m inbound.explain mail.eml …`: what Mailbridge reads in a mail and what it would do with it, for people.

    explain FILE …         a page for each mail
    explain --jsonl        reads file names on standard input, answers one JSON line each

A file that cannot be read is an `error` in its line and the exit status stays 0; a missing file on the command line is one
sentence and exit status 2. No database, no web, no network.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from inbound.explain_page import page
from inbound.handling.screen import abuse_report, automatic
from inbound.reading.bounce import read_bounce
from inbound.reading.forward import read_forward
from inbound.reading.parse import parse
from inbound.reading.parsed import Address, ParsedMail
from inbound.reading.reply import read_reply

USAGE = "usage: python -m inbound.explain FILE … | python -m inbound.explain --jsonl < list-of-files"


def main(arguments: list[str], source: TextIO, out: TextIO, complaints: TextIO) -> int:
    """The exit status."""
    if arguments == ["--jsonl"]:
        for line in source:
            if name := line.rstrip("\r\n"):
                out.write(json.dumps(row(name)) + "\n")
                out.flush()
        return 0
    if not arguments or arguments[0] in ("-h", "--help") or any(name.startswith("--") for name in arguments):
        print(
            __doc__.strip() if arguments[:1] in (["-h"], ["--help"]) else USAGE,
            file=out if arguments[:1] in (["-h"], ["--help"]) else complaints,
        )
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    for name in arguments:
        try:
            raw = Path(name).read_bytes()
        except OSError as error:
            print(
                f"{name}: cannot be read ({error.strerror or error}). Name a file that holds one mail.", file=complaints
            )
            return 2
        out.write(page(name, raw))
    return 0


def row(name: str) -> dict[str, Any]:
    """One mail as the line that measuring scripts read."""
    started = time.perf_counter()
    try:
        fields = reading(parse(Path(name).read_bytes()))
    except OSError as error:
        return {
            "file": name,
            "error": f"cannot be read: {error.strerror or error}",
            "seconds": round(time.perf_counter() - started, 6),
        }
    return {"file": name, "error": None, "seconds": round(time.perf_counter() - started, 6), **fields}


def reading(mail: ParsedMail) -> dict[str, Any]:
    """Everything read in the mail, as plain values."""
    bounce, forwarded = read_bounce(mail), read_forward(mail)
    return {
        "subject": mail.subject,
        "from": _person(mail.sender) if mail.sender else None,
        "to": [_person(person) for person in mail.to],
        "message_id": mail.message_id,
        "text": mail.text,
        "html": mail.html,
        "reply": read_reply(mail).text,
        "attachments": [
            {
                "filename": a.filename,
                "content_type": a.content_type,
                "size": a.size,
                "sha256": a.sha256,
                "inline": a.inline,
            }
            for a in mail.attachments
        ],
        "automatic": automatic(mail),
        "bounce": None
        if bounce is None
        else {"recipients": [{"address": r.address, "permanent": r.permanent} for r in bounce.recipients]},
        "report": "abuse" if abuse_report(mail) else None,
        "forwarded": None
        if forwarded is None
        else {"from": forwarded.claimed, "subject": forwarded.subject, "text": forwarded.text},
        "invitation": asdict(mail.invitation) if mail.invitation is not None else None,
        "defects": list(mail.defects),
    }


def _person(person: Address) -> dict[str, str]:
    return {"name": person.name, "address": person.address}


if __name__ == "__main__":
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        sys.exit(main(sys.argv[1:], sys.stdin, sys.stdout, sys.stderr))
    except BrokenPipeError:
        sys.exit(0)
