"""Who sent a request: the page session that it carries, and which sessions a view lets in."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, request

from common import log
from common.problems import Problem
from common.session_keys import SessionKeys
from common.sessions import BadSession, Session

P = ParamSpec("P")
R = TypeVar("R")

KEYS = "mailbridge_session_keys"
"""Under this name an application's extensions hold its SessionKeys, or None."""


def current_session(*, admin: bool = True, project: bool = False, issue: bool = False) -> Session:
    """Who sent this request, by `Authorization: Bearer <page session>` or `X-Mailbridge-Session: <page session>`.

    Who administers Jira may come in always; with `project` also the administrator of one project (`session.project` is
    its id), with `issue` also who looks at one issue (`session.issue`): the caller compares these ids. `admin=False`
    takes everybody with a session.
    Raises Problem: 401 when it is missing, malformed, expired or forged, 403 when the person may not come in,
    503 while connect's keys were never had.
    """
    session: Session | None = g.get("session")
    if session is None:
        session = g.session = _verified_session()
        g.bound.append(log.bind(tenant=session.tenant))
    invited = (project and session.project is not None) or (issue and session.issue is not None)
    if admin and not session.admin and not invited:
        others = " or this project" if project else ""
        raise Problem(403, detail=f"Only people who administer Jira{others} may use this page.")
    return session


def check_session() -> None:
    """`current_session` as a `before_request` function of a blueprint."""
    current_session()


def check_project_session() -> None:
    """`check_session` for what a project's administrator may do too; the views compare `session.project`."""
    current_session(project=True)


def check_issue_session() -> None:
    """`check_session` for what anybody may see who looks at an issue; the views compare `session.issue`."""
    current_session(issue=True)


CHECKS = (check_session, check_project_session, check_issue_session)


def require_session(view: Callable[P, R]) -> Callable[P, R]:
    """A decorator for single views, outermost: nothing of the request is read before the session holds."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        current_session()
        return view(*args, **kwargs)

    return guarded


def _verified_session() -> Session:
    token = _token()
    if not token:
        raise _unauthorized("This address needs a page session: send Authorization: Bearer <session>.")
    keys: SessionKeys | None = current_app.extensions[KEYS]
    if keys is None:
        raise RuntimeError("create_app was given no session_keys")
    try:
        return keys.verify(token, time.time())
    except BadSession as error:
        raise _unauthorized(f"{error} {error.remedy}") from error


def _token() -> str:
    # Forge fills Authorization with a token of its own on the way here, so a header of ours goes first.
    own = request.headers.get("X-Mailbridge-Session", "").strip()
    if own:
        return own
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail=detail, headers={"WWW-Authenticate": "Bearer"})
