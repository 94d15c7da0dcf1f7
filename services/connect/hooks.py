"""The webhook that an administrator of Jira adds by hand: the values to paste, and what Jira then sends.

Jira signs the body with the webhook's secret: `X-Hub-Signature: sha256=<hex HMAC>` (Atlassian, "Webhooks", admin
webhooks with a secret). The name at the end of the address is as hard to guess as the secret, so that a stranger's body
is not even read.
"""

import hashlib
import hmac
import re
from typing import Any

from flask import Blueprint, request

from common import log
from common.problems import Problem
from connect.descriptor import EVENTS
from connect.signed import json_of
from connect.store import Store
from connect.store_site import Hook, SiteStore
from connect.webhooks import DONE, LIMIT, take

_log = log.get(__name__)


def blueprint(store: Store, sites: SiteStore) -> Blueprint:
    """`POST /connect/hooks/{name}`."""
    pages = Blueprint("hooks", __name__)

    @pages.post("/connect/hooks/<name>")
    def heard(name: str) -> tuple[str, int]:
        hook = sites.hook(name)
        if hook is None:
            raise Problem(404)
        request.max_content_length = LIMIT
        if not signed(request.headers.get("X-Hub-Signature", ""), hook.secret, request.get_data()):
            _log.warning("hook_refused", tenant=hook.tenant)
            detail = "The signature is missing or not made with this webhook's secret: paste the secret into Jira anew."
            raise Problem(401, detail=detail)
        take(store, hook.tenant, json_of(request))
        sites.heard(hook)
        return DONE

    return pages


def signed(header: str, secret: str, body: bytes) -> bool:
    """True if the header is the HMAC of these very octets; compared in constant time."""
    given = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", header.strip())
    if given is None:
        return False
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, given[1].lower())


def to_paste(hook: Hook, base_url: str) -> dict[str, Any]:
    """What goes into Jira's form (Jira settings, System, WebHooks); no JQL: every issue counts."""
    return {
        "url": f"{base_url}/connect/hooks/{hook.name}",
        "secret": hook.secret,
        "events": list(EVENTS),
        "jql": "",
        "heard_at": hook.heard_at,
    }
