"""The mails and the webhook that are measured: the same sizes for everybody, each mail with an id of its own."""

import base64
import json
import random
from email import policy
from email.message import EmailMessage

CUSTOMER = "carol@customer.example"


def small(number: int) -> bytes:
    """A plain text of about 5.9 kB."""
    return _mail(number, _words(random.Random(1), 5_300)).as_bytes(policy=policy.SMTP)


def page(number: int) -> bytes:
    """Text and HTML of about 71 kB together."""
    words = _words(random.Random(2), 20_000)
    mail = _mail(number, words)
    rows = "".join(
        f"<tr><td><b>{line[:40]}</b></td><td style='color:#333'>{line[40:]}</td></tr>" for line in words.split("\n")
    )
    html = f"<html><body><p>Hello,</p><table>{rows}</table>" + "<p>" + words.replace("\n", "</p>\n<p>")
    mail.add_alternative(html[:46_000] + "</p></body></html>", subtype="html")
    return mail.as_bytes(policy=policy.SMTP)


def large(number: int, octets: int) -> bytes:
    """A mail of about so many octets, nearly all of it one attachment."""
    mail = _mail(number, "See the file.\n")
    content = random.Random(number).randbytes(octets * 3 // 4 - 2_000)
    mail.add_attachment(content, maintype="application", subtype="octet-stream", filename="file.bin")
    return mail.as_bytes(policy=policy.SMTP)


def webhook() -> bytes:
    """An event of Jira of about 17 kB, as the bare loop reads one."""
    fields = {f"customfield_{number}": _words(random.Random(number), 120) for number in range(90)}
    issue = {"id": "10001", "key": "SUP-1", "fields": {"summary": "A printer", **fields}}
    comment = {"id": "20001", "body": _words(random.Random(3), 500), "author": {"accountId": "agent"}}
    return json.dumps({"webhookEvent": "comment_created", "timestamp": 1, "issue": issue, "comment": comment}).encode()


def _mail(number: int, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Carol Customer <{CUSTOMER}>"
    mail["To"] = "Support <support@sandbox.test>"
    mail["Subject"] = f"The printer on floor {number} is on fire"
    mail["Message-ID"] = f"<{number}.{base64.b16encode(random.randbytes(6)).decode()}@customer.example>"
    mail["Date"] = "Sun, 22 Nov 2026 05:00:00 +0000"
    mail["Authentication-Results"] = "mx.sandbox.test; dmarc=pass header.from=customer.example"
    mail.set_content(text)
    return mail


def _words(chance: random.Random, octets: int) -> str:
    lines, size = [], 0
    while size < octets:
        line = " ".join(
            "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(10)
        )
        lines.append(line)
        size += len(line) + 2
    return "\n".join(lines) + "\n"
