"""Forge's calls about events and about the app itself: verified, stored once, answered at once.

Forge waits five seconds, and repeats what was not answered by 2xx four times, a minute apart. 401 is for a bad invocation
token only. A body that cannot be read gets 400: its four repeats cost nothing, and Forge shows the failure to the app's
owner at Atlassian; the event itself is found by polling. The system token that came with it is kept all the same.

An event may be replayed while its invocation token lives: it is the same event then, by its content.
"""

from typing import Any

from flask import Blueprint, request

from common import log, metrics
from common.problems import Problem
from connect.events import BadEvent
from connect.forge_events import read_forge
from connect.forge_gate import ForgeGate
from connect.signed import json_of
from connect.store import Store
from connect.store_forge import ForgeStore

_DONE = ("", 204)
_MOST_SCOPES = 200
_log = log.get(__name__)


def blueprint(gate: ForgeGate, store: Store, forge: ForgeStore) -> Blueprint:
    """The five addresses that the manifest's endpoints name."""
    pages = Blueprint("forge", __name__, url_prefix="/forge")

    @pages.post("/events")
    def event() -> tuple[str, int]:
        heard = gate.heard(request)
        if heard.gone:
            return _DONE
        body = json_of(request)
        try:
            event = read_forge(body)
        except BadEvent as error:
            raise Problem(400, detail=str(error)) from None
        if event is None:
            return _DONE
        new = store.keep_event(heard.tenant, event)
        if new:
            metrics.EVENTS.labels(event.kind).inc()
        _log.info("forge_event", tenant=heard.tenant, kind=event.kind, issue=event.issue_key, new=new, **_retry(body))
        return _DONE

    @pages.post("/installed")
    @pages.post("/tick")
    def told() -> tuple[str, int]:
        gate.heard(request)
        return _DONE

    @pages.post("/upgraded")
    def upgraded() -> tuple[str, int]:
        heard = gate.heard(request)
        scopes = read_scopes(json_of(request))
        if scopes is not None and not heard.gone:
            forge.set_scopes(heard.tenant, scopes)
            _log.info("forge_upgraded", tenant=heard.tenant, scopes=scopes)
        return _DONE

    @pages.post("/uninstalling")
    def uninstalling() -> tuple[str, int]:
        call, _ = gate.call(request)
        id = forge.tenant_of(call.installation_id)
        tenant = None if id is None else store.tenant(id)
        if tenant is None:
            return _DONE
        # A site that has Connect's app too stays, and is called by Connect again.
        if tenant.secret is not None:
            forge.leave(tenant.id)
        else:
            store.remove(tenant.id)
        _log.info("forge_uninstalling", tenant=tenant.id, stays=tenant.secret is not None)
        return _DONE

    return pages


def read_scopes(body: Any) -> list[str] | None:
    """The scopes in the body of an upgrade, None if it names none; raises Problem(400)."""
    permissions = body.get("permissions") if isinstance(body, dict) else None
    if permissions is None:
        return None
    scopes = permissions.get("scopes") if isinstance(permissions, dict) else None
    if not isinstance(scopes, list) or len(scopes) > _MOST_SCOPES or not all(_is_name(scope) for scope in scopes):
        raise Problem(400, errors={"permissions.scopes": ["Give a list of names of scopes."]})
    return scopes


def _is_name(scope: Any) -> bool:
    return isinstance(scope, str) and 0 < len(scope) <= 100


def _retry(body: Any) -> dict[str, Any]:
    again = body.get("retryContext") if isinstance(body, dict) else None
    return {"retry": again.get("retryCount"), "reason": again.get("retryReason")} if isinstance(again, dict) else {}
