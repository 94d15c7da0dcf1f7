"""Jira's webhooks: verified, stored once, answered at once; the work begins with the message `jira.event`."""

from flask import Blueprint, request

from common import log, metrics
from common.problems import Problem
from connect.descriptor import WEBHOOKS
from connect.events import BadEvent, read_webhook
from connect.signed import json_of, tenant_call
from connect.store import Store

# Jira itself drops bodies above 25 MB (Atlassian, "Webhooks").
_LIMIT = 26 * 2**20
_DONE = ("", 204)
_log = log.get(__name__)


def blueprint(store: Store) -> Blueprint:
    """The address that the descriptor's webhooks name."""
    pages = Blueprint("webhooks", __name__)

    @pages.post(WEBHOOKS)
    def webhook() -> tuple[str, int]:
        tenant, _ = tenant_call(request, store)
        request.max_content_length = _LIMIT  # only now: a stranger's body is never read
        try:
            event = read_webhook(json_of(request))
        except BadEvent as error:
            raise Problem(400, detail=str(error)) from None
        if event is None:
            return _DONE
        new = store.keep_event(tenant.id, event)
        if new:
            metrics.EVENTS.labels(event.kind).inc()
        # Jira's own identifier is the same over its retries, but another for a second webhook about the same event:
        # it is noted for whoever has to ask Atlassian; what decides is the fingerprint.
        _log.info("webhook", tenant=tenant.id, kind=event.kind, issue=event.issue_key, new=new, **_marks())
        return _DONE

    return pages


def _marks() -> dict[str, str]:
    names = {"identifier": "X-Atlassian-Webhook-Identifier", "retry": "X-Atlassian-Webhook-Retry"}
    return {mark: request.headers[name][:100] for mark, name in names.items() if name in request.headers}
