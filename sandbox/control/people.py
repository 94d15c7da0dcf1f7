"""Control: accounts with their groups, roles, API tokens and rights, and the projects there are."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.control.asked import BadControl, account, body_object, flag, only, seconds, text
from sandbox.jira import seed
from sandbox.jira.model import User
from sandbox.jira.rights import GLOBAL_PERMISSIONS, Ruling
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
                new = str(body.get("accountId") or f"712020:cccccccc-0000-4000-8000-{number:012d}")
                old = User(new, text(body, "name"), text(body, "email"))
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

    @routes.post("/people/<account_id>/tokens")
    def add_token(account_id: str) -> tuple[Response, int]:
        body = request.get_json(force=True, silent=True) or {}
        only(body, "expires_in")
        expires_in = seconds(body, "expires_in") if body.get("expires_in") is not None else None
        with site.lock:
            who = account(site, account_id)
            token = site.new_token(who, expires_in)
            return jsonify(email=site.users[who].email, token=token.secret, expires_at=token.expires_at), 201

    @routes.delete("/people/<account_id>/tokens")
    def revoke(account_id: str) -> Response:
        with site.lock:
            return jsonify(revoked=site.revoke_tokens(account(site, account_id)))

    @routes.get("/rights")
    def rights() -> Response:
        with site.lock:
            return jsonify([ruling.as_json() for ruling in site.rulings.all()])

    @routes.post("/rights")
    def rule() -> tuple[Response, int]:
        body = body_object()
        only(body, "accountId", "permission", "granted", "project")
        with site.lock:
            ruling = _ruling(site, body)
            site.rulings.set(ruling)
        return jsonify(ruling.as_json()), 201

    @routes.delete("/rights")
    def clear_rights() -> tuple[str, int]:
        with site.lock:
            site.rulings.clear()
        return "", 204

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


def _ruling(site: Site, body: dict[str, Any]) -> Ruling:
    """Whose right in which project is given or taken."""
    permission, project = text(body, "permission"), body.get("project")
    if permission not in GLOBAL_PERMISSIONS | seed.ADMIN_RIGHTS:
        raise BadControl("permission", f"give one of {', '.join(sorted(GLOBAL_PERMISSIONS | seed.ADMIN_RIGHTS))}")
    if permission in GLOBAL_PERMISSIONS and project is not None:
        raise BadControl("project", f"leave it out: {permission} is a global permission")
    keys = [one.key for one in site.projects]
    if project is not None and project not in keys:
        raise BadControl("project", f"give one of {', '.join(keys)}, or leave it out for all")
    return Ruling(account(site, text(body, "accountId")), permission, flag(body, "granted", False), project)


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
