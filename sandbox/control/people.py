"""Control: accounts with their groups and roles, and the projects there are."""

from typing import Any

from flask import Blueprint, Response, jsonify

from sandbox.control.asked import BadControl, body_object, flag, only, text
from sandbox.jira.model import User
from sandbox.jira.site import Site
from sandbox.parts import Parts

_KINDS = ("atlassian", "customer", "app")


def add_routes(routes: Blueprint, parts: Parts) -> None:
    """Registers them."""

    site = parts.site

    @routes.get("/users")
    def users() -> Response:
        with site.lock:
            return jsonify([_user(site, user) for user in site.users.values()])

    @routes.post("/users")
    def add_user() -> tuple[Response, int]:
        body = body_object()
        only(body, "accountId", "name", "email", "email_shown", "active", "kind", "groups", "roles")
        with site.lock:
            old = site.users.get(str(body.get("accountId")))
            if old is None:
                number = len(site.users) + 1
                account = str(body.get("accountId") or f"712020:cccccccc-0000-4000-8000-{number:012d}")
                old = User(account, text(body, "name"), text(body, "email"))
            old.name, old.email = str(body.get("name", old.name)), str(body.get("email", old.email))
            old.email_shown = flag(body, "email_shown", old.email_shown)
            old.active = flag(body, "active", old.active)
            old.kind = str(body.get("kind", old.kind))
            if old.kind not in _KINDS:
                raise BadControl("kind", f"give one of {', '.join(_KINDS)}")
            site.users[old.account_id] = old
            _join_groups(site, old, body.get("groups"))
            _join_roles(site, old, body.get("roles"))
            return jsonify(_user(site, old)), 201

    @routes.get("/projects")
    def projects() -> Response:
        with site.lock:
            return jsonify(
                [
                    {
                        "id": project.id, "key": project.key, "name": project.name, "type": project.type,
                        "issue_types": [{"id": kind, "name": site.issue_types[kind].name} for kind in project.issue_types],
                    }
                    for project in site.projects
                ]
            )  # fmt: skip


def _join_groups(site: Site, user: User, names: Any) -> None:
    if names is None:
        return
    if not isinstance(names, list) or any(site.group(str(name)) is None for name in names):
        raise BadControl("groups", f"give a list of {', '.join(group.name for group in site.groups)}")
    for group in site.groups:
        (group.members.add if group.name in names else group.members.discard)(user.account_id)


def _join_roles(site: Site, user: User, roles: Any) -> None:
    """roles: {project key: [role name…]}."""
    by_name = {role.name: role.id for role in site.roles.values()}
    for key, names in (roles or {}).items():
        if not isinstance(names, list) or any(name not in by_name for name in names):
            raise BadControl("roles", f"give an object of project keys and lists of {', '.join(by_name)}")
        project = site.project(key)
        for name, number in by_name.items():
            actors = project.role_users.setdefault(number, set())
            (actors.add if name in names else actors.discard)(user.account_id)


def _user(site: Site, user: User) -> dict[str, Any]:
    return {
        "accountId": user.account_id,
        "name": user.name,
        "email": user.email,
        "email_shown": user.email_shown,
        "active": user.active,
        "kind": user.kind,
        "groups": [group.name for group in site.groups_of(user.account_id)],
        "roles": {
            project.key: [role.name for role in site.roles_of(user.account_id, project)] for project in site.projects
        },
    }
