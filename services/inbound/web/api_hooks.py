"""`POST /api/inbound/hooks/{ses|mailgun|sendgrid|postmark}/{mailbox}/{push token}`: mail as a provider's webhook brings it.

The token is checked before the body is read, the provider's signature before the mail in it is. Each answers 200 once the mail
is in the ledger (Mailgun takes anything else for a failure) and is repeated by the provider until then.
"""

import time
from collections.abc import Callable

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from common import log
from common.errors import Temporary
from common.http import Http
from common.problems import Problem
from common.web import takes_any_body
from inbound.push import hooks
from inbound.push.hooks import Brought, Call, Refused
from inbound.push.pushing import Entrance, Pushing

_MEGABYTE = 1 << 20
_MOST_CERTIFICATES = 16
_log = log.get(__name__)

Visit = Callable[[str], bytes]


def blueprint(pushing: Pushing, visit: Visit) -> Blueprint:
    """The doors for providers. visit: fetches what is at an address of Amazon's; Temporary where it cannot."""
    pages = Blueprint("hooks", __name__)
    certificates: dict[str, bytes] = {}

    def certificate(address: str) -> bytes:
        if address not in certificates:
            if len(certificates) >= _MOST_CERTIFICATES:
                certificates.clear()
            certificates[address] = visit(address)
        return certificates[address]

    def read(door: Entrance, call: Call) -> Brought:
        if door.via == "ses":
            return hooks.read_ses(call, door.key, certificate)
        if door.via == "mailgun":
            return hooks.read_mailgun(call, door.key)
        return hooks.read_sendgrid(call, door.key) if door.via == "sendgrid" else hooks.read_postmark(call)

    @pages.post("/api/inbound/hooks/<provider>/<mailbox>/<token>")
    @takes_any_body
    def take(provider: str, mailbox: str, token: str) -> ResponseReturnValue:
        door = pushing.entrance(mailbox, token, provider)
        # Everything of the mail comes twice in some of them; SNS carries 256 KB. What a mailbox takes less than the operator
        # allows is read all the same: of a mail that is too large for it the header is recorded.
        request.max_content_length = _MEGABYTE if provider == "ses" else 3 * pushing.most + _MEGABYTE
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            brought = read(door, Call(headers, request.get_data(cache=False), time.time()))
        except Refused as refused:
            _log.warning("hook_refused", tenant=door.row.tenant, mailbox=door.row.id, reason=str(refused))
            raise Problem(refused.status, detail=str(refused)) from None
        if brought.confirm:
            visit(brought.confirm)
            _log.info("subscription_confirmed", tenant=door.row.tenant, mailbox=door.row.id)
        if not brought.raw:
            return jsonify(mail=None), 200
        taken = pushing.take(door, brought.raw, name=brought.name, vouched=brought.vouched)
        return jsonify(mail=taken.mail), 200

    # Mailgun sends the mail as it is only to an address that ends so; one that does not is told so by `read`.
    @pages.post("/api/inbound/hooks/mailgun/<mailbox>/<token>/mime")
    @takes_any_body
    def take_mime(mailbox: str, token: str) -> ResponseReturnValue:
        return take("mailgun", mailbox, token)

    return pages


def visitor(http: Http) -> Visit:
    """Fetches over `http`, whose Nets keep it out of private networks."""

    def visit(address: str) -> bytes:
        answer = http.send("GET", address)
        if answer.status != 200:
            raise Temporary(f"Amazon answered {answer.status} when asked for what its message names.")
        return answer.body

    return visit
