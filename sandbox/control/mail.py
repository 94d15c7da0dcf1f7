"""Control: letters, inboxes, mailboxes, and how the mail servers misbehave."""

import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control.asked import BadControl, body_object, only, pattern, text, whole
from sandbox.mail import bounces, letters, shown
from sandbox.mail.foreign import NotOurs
from sandbox.mail.smtp import STAGES, Refusal
from sandbox.parts import Parts


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""

    @routes.post("/mail")
    def mail() -> tuple[Response, int]:
        raw, sender, recipients = _letter(parts.mailbox)
        if not any(parts.imap.owner(address) for address in recipients):
            recipients.append(
                parts.mailbox
            )  # as a blind copy: what is posted here reaches a mailbox, whatever it names
        into = parts.post.deliver(sender, recipients, raw)
        message_id = shown.read(raw)["message_id"]
        return jsonify(message_id=message_id, delivered_to=recipients, mailboxes=into), 201

    @routes.post("/bounce")
    def bounce() -> tuple[Response, int]:
        body = body_object()
        letter = parts.post.letter(whole(body, "letter"))
        if letter is None:
            raise BadControl("letter", "there is no letter with this id; GET /control/inboxes shows them", 404)
        report = bounces.delivery_report(letter.raw, letter.recipient, status=str(body.get("status", "5.1.1")))
        # a report goes to the envelope's sender, and that is where Mailbridge must have put its mailbox
        into = parts.post.deliver("", [letter.sender], report)
        return jsonify(message_id=shown.read(report)["message_id"], delivered_to=[letter.sender], mailboxes=into), 201

    @routes.get("/inboxes")
    def inboxes() -> Response:
        return jsonify({address: [one.as_json() for one in found] for address, found in parts.post.inboxes().items()})

    @routes.get("/inboxes/<address>")
    def inbox(address: str) -> Response:
        return jsonify([one.as_json() for one in parts.post.inbox(address)])

    @routes.get("/letters/<int:number>/raw")
    def raw_letter(number: int) -> Response | tuple[Response, int]:
        letter = parts.post.letter(number)
        if letter is None:
            return jsonify(error=f"There is no letter {number}."), 404
        return Response(letter.raw, content_type="text/plain; charset=utf-8")

    @routes.get("/mailboxes")
    def mailboxes() -> Response:
        return jsonify(
            {
                user: {
                    folder: [_stored(one) for one in parts.imap.messages(user, folder)]
                    for folder in parts.imap.folders(user)
                }
                for user in parts.imap.mailboxes()
            }
        )

    @routes.post("/mailboxes")
    def add_mailbox() -> tuple[Response, int]:
        body = body_object()
        address, password = text(body, "address"), text(body, "password")
        if not re.fullmatch(r"[^@\s+]+@[^@\s]+", address):
            raise BadControl("address", "give an address such as help@sandbox.test, without a sub-address")
        parts.imap.add_mailbox(address, password)
        return jsonify(address=address), 201

    @routes.post("/imap/drop")
    def drop() -> tuple[str, int]:
        try:
            parts.imap.drop_connections()
        except NotOurs as error:
            raise BadControl("imap", str(error)) from error
        return "", 204

    @routes.post("/smtp/refusals")
    def refuse_mail() -> tuple[Response, int]:
        body = body_object()
        only(body, "match", "reply", "count", "stage")
        reply = body.get("reply", "550 5.1.1 user unknown")
        if not isinstance(reply, str) or not re.match(r"[45]\d\d ", reply):
            raise BadControl("reply", "give an SMTP answer such as '550 5.1.1 user unknown'")
        stage = body.get("stage", "rcpt")
        if stage not in STAGES:
            raise BadControl("stage", f"give one of {', '.join(STAGES)}")
        refusal = Refusal(pattern(body, "match"), reply, whole(body, "count") if "count" in body else None, stage)
        parts.smtp.refuse(refusal)
        return jsonify(asdict(refusal)), 201

    @routes.delete("/smtp/refusals")
    def accept_mail() -> tuple[str, int]:
        parts.smtp.accept_all()
        return "", 204


def _letter(mailbox: str) -> tuple[bytes, str, list[str]]:
    """The raw letter of a request, its envelope sender and recipients."""
    if request.mimetype == "message/rfc822":
        raw = request.get_data(cache=False)
        if not raw.strip():
            raise BadControl("body", "give a message")
        if b"\r\n" not in raw:  # a file as it lies on a disk; no mail server would hand it on like that
            raw = raw.replace(b"\n", b"\r\n")
        sender = request.args.get("from") or (shown.addresses(raw, "From") or [""])[0]
        return raw, sender, request.args.getlist("to") or shown.addresses(raw, "To", "Cc")
    form = body_object()
    form.setdefault("to", mailbox)
    try:
        raw = letters.compose(form)
    except letters.BadLetter as error:
        raise BadControl(error.field, str(error)) from None
    return raw, shown.addresses(raw, "From")[0], shown.addresses(raw, "To", "Cc")


def _stored(message: Any) -> dict[str, Any]:
    read = shown.read(message.raw)
    names = ("from", "to", "subject", "message_id", "date")
    return {"uid": message.uid, "flags": list(message.flags), **{name: read[name] for name in names}}
