"""The page's API: the exchange of a host's token for a page session, and look-ups in the person's Jira."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request
from flask_smorest import Blueprint

from common import problems, sessions
from common.errors import Permanent
from common.jira import Jira, JiraSites
from common.problems import Problem
from common.sessions import PrivateKey
from common.web import check_project_session, current_session
from connect import schemas
from connect.config import Config
from connect.logins import Logins
from connect.rights import JiraRights
from connect.store import Store
from connect.tokens import BadToken
from connect.visitors import Rights, Visitor, session_for

Hosts = Mapping[str, Callable[[str], Visitor]]
"""By the scheme of Authorization (lower case): who looks at the page, by the host's token; raises BadToken."""

_MOST = 50


def open_blueprint(
    config: Config, store: Store, hosts: Hosts, logins: Logins | None, rights: JiraRights, private: PrivateKey
) -> Blueprint:
    """What needs no page session."""
    pages = Blueprint("session", __name__, url_prefix="/api/connect", description="Sessions of the page")

    @pages.get("/page")
    @pages.response(200, schemas.PageInfo)
    def page() -> dict[str, Any]:
        """Where the host script is, without which the page cannot ask for a context token; how people log in here."""
        return {"all_js": config.all_js, "login": None if logins is None else _login(logins, config)}

    @pages.post("/session")
    @pages.response(200, schemas.Exchanged)
    @pages.alt_response(401, description="No token that a host made, and nobody is logged in.")
    @pages.alt_response(403, description="Not from our own page.")
    def exchange() -> dict[str, Any]:
        """A page session for ten minutes, for the token by which a host vouches for who looks at the page.

        Or for the cookie of the page's own login, which needs `X-Mailbridge-Page: 1` and our own origin.
        """
        logged_in = logins.visitor(request) if logins and "Authorization" not in request.headers else None
        visitor = logged_in or _vouched_for(hosts)
        tenant = store.tenant(visitor.tenant)
        if tenant is None or tenant.state == "removed":
            raise BadToken("iss")
        # Who may log in here administers what is here; there may be no Jira to ask yet.
        granted = Rights(admin=True) if logged_in else rights.of(visitor)
        session = session_for(visitor, granted, time.time())
        return {
            "session": sessions.issue(private, session),
            "expires_at": session.expires_at,
            "tenant": session.tenant,
            "account": session.account,
            "admin": session.admin,
            "project": session.project,
            "issue": session.issue,
            "scheme": tenant.scheme,
            "site": tenant.base_url,
        }

    @pages.get("/keys")
    @pages.response(200, schemas.KeySet)
    def keys() -> dict[str, Any]:
        """The public keys of page sessions, as a JSON Web Key Set."""
        return {"keys": [sessions.public_jwk(private)]}

    return pages


def jira_blueprint(sites: JiraSites) -> Blueprint:
    """Look-ups for people who administer their Jira, and about their own project for who administers one."""
    pages = Blueprint("jira", __name__, url_prefix="/api/connect", description="Look-ups in Jira")
    pages.before_request(check_project_session)

    @pages.errorhandler(Permanent)
    def refused(fault: Permanent) -> Response:
        """A session outlives its site by ten minutes at most: then nothing is there, rather than Jira to blame."""
        return problems.render(Problem(404, detail=str(fault)) if fault.status == 404 else problems.from_fault(fault))

    @pages.get("/projects")
    @pages.arguments(schemas.Search, location="query")
    @pages.response(200, schemas.Project(many=True))
    @pages.alt_response(404, description="The site is not attached any more.")
    def projects(search: dict[str, str]) -> list[dict[str, Any]]:
        """Projects in which Mailbridge may create issues, by key."""
        session = current_session(project=True)
        found = sites.site(session.tenant).projects(search["query"], _MOST)
        return found if session.admin else [project for project in found if project["id"] == session.project]

    @pages.get("/projects/<key>/issue-types")
    @pages.response(200, schemas.IssueType(many=True))
    def issue_types(key: str) -> list[dict[str, Any]]:
        """The issue types that can be created in a project."""
        session = current_session(project=True)
        jira = sites.site(session.tenant)
        if not session.admin and not _is_project(jira, key, session.project):
            raise _no_project(key)
        try:
            return jira.issue_types(key)
        except Permanent as fault:
            if fault.status in (400, 404):
                raise _no_project(key) from None
            raise

    @pages.get("/users")
    @pages.arguments(schemas.Search, location="query")
    @pages.response(200, schemas.User(many=True))
    @pages.alt_response(404, description="The site is not attached any more.")
    def users(search: dict[str, str]) -> list[dict[str, Any]]:
        """People (no apps, no portal customers) by name or address; who hides their address is not found by it."""
        found = sites.site(current_session().tenant).find_users(search["query"])
        return [
            {"account_id": user["accountId"], "name": user.get("displayName") or user["accountId"]}
            for user in found
            if user.get("active", True) and user.get("accountType", "atlassian") == "atlassian"
        ]

    return pages


def _login(logins: Logins, config: Config) -> dict[str, Any]:
    return {
        "password": logins.has_password(),
        "oidc": urlsplit(config.oidc.issuer).hostname if config.oidc else None,
        "logged_in": logins.who(request) is not None,
    }


def _vouched_for(hosts: Hosts) -> Visitor:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    host = hosts.get(scheme.lower())
    if host is None or not token.strip():
        raise BadToken("malformed")
    return host(token.strip())


def _is_project(jira: Jira, key: str, id: str | None) -> bool:
    return any(project["key"] == key and project["id"] == id for project in jira.projects(key, _MOST))


def _no_project(key: str) -> Problem:
    return Problem(404, detail=f"There is no project {key} that Mailbridge may use.")
