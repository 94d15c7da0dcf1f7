"""What a mail server sends back when it could not deliver."""

import time
from email.utils import format_datetime, localtime, make_msgid

from sandbox.mail.letters import BadLetter
from sandbox.mail.shown import addresses, read


def delivery_report(
    original: bytes, recipient: str, *, status: str = "5.1.1", reporter: str = "mx.customer.example"
) -> bytes:
    """A bounce of `original` as RFC 3464 has it: multipart/report with delivery-status and the original's headers."""
    to = (addresses(original, "From") or ["postmaster@sandbox.test"])[0]
    now = format_datetime(localtime())
    boundary = f"report-{time.time_ns()}"
    head = original.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0].decode("utf-8", "replace")
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{reporter}>",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {now}",
        f"Message-ID: {make_msgid(domain=reporter)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        "This is a MIME-encapsulated message.",
        "",
        f"--{boundary}",
        "Content-Description: Notification",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is the mail system at host {reporter}.",
        "",
        "Your message could not be delivered to one or more recipients.",
        "",
        f"<{recipient}>: host {reporter} said: 550 {status} <{recipient}>: user unknown",
        "",
        f"--{boundary}",
        "Content-Description: Delivery report",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {reporter}",
        f"Arrival-Date: {now}",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Original-Recipient: rfc822;{recipient}",
        "Action: failed",
        f"Status: {status}",
        f"Remote-MTA: dns; {reporter}",
        f"Diagnostic-Code: smtp; 550 {status} <{recipient}>: user unknown",
        "",
        f"--{boundary}",
        "Content-Description: Undelivered Message Headers",
        "Content-Type: text/rfc822-headers",
        "",
        head,
        "",
        f"--{boundary}--",
        "",
    ]
    if not read(original)["message_id"]:
        raise BadLetter("original", "the mail that bounces has no Message-ID")
    return "\r\n".join("\n".join(lines).split("\n")).encode("utf-8", "surrogateescape")
