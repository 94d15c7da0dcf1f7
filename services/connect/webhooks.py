"""Jira's webhooks: verified, stored once, answered at once; the work begins with the message `jira.event`."""

from typing import Any

from flask import Blueprint, request

from common import log, metrics
from common.problems import Problem
from connect.descriptor import WEBHOOKS
from connect.events import BadEvent, read_webhook
from connect.signed import json_of, tenant_call
from connect.store import Store

LIMIT = 26 * 2**20
"""Octets of a body: Jira itself drops those above 25 MB (Atlassian, "Webhooks")."""

DONE = ("", 204)
_log = log.get(__name__)


def blueprint(store: Store) -> Blueprint:
    """The address that the descriptor's webhooks name."""
    pages = Blueprint("webhooks", __name__)

    @pages.post(WEBHOOKS)
    def webhook() -> tuple[str, int]:
        tenant, _ = tenant_call(request, store)
        request.max_content_length = LIMIT  # only now: a stranger's body is never read
        take(store, tenant.id, json_of(request))
        return DONE

    return pages


def take(store: Store, tenant: str, body: Any) -> None:
    """Store the event of the present request, once; raises Problem(400) for a body that is none."""
    try:
        event = read_webhook(body)
    except BadEvent as error:
        raise Problem(400, detail=str(error)) from None
    if event is None:
        return
    new = store.keep_event(tenant, event)
    if new:
        metrics.EVENTS.labels(event.kind).inc()
    # Jira's own identifier is the same over its retries, but another for a second webhook about the same event:
    # it is noted for whoever has to ask Atlassian; what decides is the fingerprint.
    _log.info("webhook", tenant=tenant, kind=event.kind, issue=event.issue_key, new=new, **_marks())


def _marks() -> dict[str, str]:
    names = {"identifier": "X-Atlassian-Webhook-Identifier", "retry": "X-Atlassian-Webhook-Retry"}
    return {mark: request.headers[name][:100] for mark, name in names.items() if name in request.headers}
