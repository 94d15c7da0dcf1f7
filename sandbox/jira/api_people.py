"""REST: users (as far as their profiles allow), their e-mail addresses, groups and roles."""

from typing import Any

from flask import request

from sandbox.jira import beans
from sandbox.jira.api import Answer, Api, Caller, number, page
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.model import Project, User
from sandbox.jira.site import Site


def add_routes(api: Api) -> None:
    """Every endpoint about people."""
    api.route("GET", "/myself")(myself)
    api.route("GET", "/user")(user)
    api.route("GET", "/user/search")(search)
    api.route("GET", "/user/assignable/search")(assignable)
    api.route("GET", "/user/email", "ACCESS_EMAIL_ADDRESSES")(email)
    api.route("GET", "/user/email/bulk", "ACCESS_EMAIL_ADDRESSES")(emails)
    api.route("GET", "/user/groups")(groups)
    api.route("GET", "/group/member", "ADMIN")(members)
    api.route("GET", "/project/<project>/role")(roles)
    api.route("GET", "/project/<project>/role/<role>")(role_members)


def myself(site: Site, caller: Caller) -> Answer:
    """The app's own account."""
    return _expanded(site, caller.account), 200


def user(site: Site, caller: Caller) -> Answer:
    """By accountId."""
    _browses_people(site, caller)
    return _expanded(site, site.user(_account_id()).account_id), 200


def _expanded(site: Site, account: str) -> dict[str, Any]:
    """The user; with expand=applicationRoles also how many applications are theirs: one, for people of the company."""
    bean = beans.user(site, account)
    if "applicationRoles" in request.args.get("expand", "").split(","):
        person = site.users[account]
        bean["applicationRoles"] = {"size": int(person.active and person.kind == "atlassian"), "items": []}
    return bean


def search(site: Site, caller: Caller) -> Answer:
    """Matches the start of a word of the name, or of a shown e-mail address; a hidden address is never matched."""
    query, account = request.args.get("query"), request.args.get("accountId")
    if (query is None) == (account is None):
        raise bad_request("Provide exactly one of the query parameters query and accountId.")
    picker = "USER_PICKER" in site.global_rights(
        caller.account
    )  # without the right nobody is found, says Atlassian's file
    found = [
        person
        for person in site.users.values()
        if picker
        and person.active
        and (person.account_id == account or (query is not None and _matches(person, query)))
    ]
    start, most = number("startAt", 0, 1000), number("maxResults", 50, 1000)
    return [beans.user(site, person.account_id) for person in found[start : start + most]], 200


def assignable(site: Site, caller: Caller) -> Answer:
    """Who can be assigned in a project or to an issue; a project that the caller may not browse is not found."""
    query, account = request.args.get("query"), request.args.get("accountId")
    if query is not None and account is not None:
        raise bad_request("Provide either query or accountId, not both.")
    project = _assigning_project(site, caller)
    found = [
        person
        for person in site.users.values()
        if site.may(person.account_id, "ASSIGNABLE_USER", project)
        and (account is None or person.account_id == account)
        and (query is None or _matches(person, query))
    ]
    start, most = number("startAt", 0, 1000), number("maxResults", 50, 1000)
    return [beans.user(site, person.account_id) for person in found[start : start + most]], 200


def email(site: Site, caller: Caller) -> Answer:
    """The address whatever the profile says, for apps that Atlassian has approved (a list of the sandbox)."""
    _approved(site, caller)
    person = site.users.get(_account_id())
    if person is None or not person.email:
        raise JiraError(404, "A user with the given account ID does not exist or has no email address.")
    return {"accountId": person.account_id, "email": person.email}, 200


def emails(site: Site, caller: Caller) -> Answer:
    """The same for several accounts; whom nobody knows is left out. (Atlassian's file gives one object as the answer's
    form, its own client libraries a list: a list it is.)"""
    _approved(site, caller)
    asked = request.args.getlist("accountId")
    if not asked:
        raise bad_request("The query parameter accountId is required.")
    people = [site.users[one] for one in asked if one in site.users and site.users[one].email]
    return [{"accountId": person.account_id, "email": person.email} for person in people], 200


def groups(site: Site, caller: Caller) -> Answer:
    """The groups of an account."""
    _browses_people(site, caller)
    person = site.user(_account_id())
    return [
        {"name": group.name, "groupId": group.id, "self": beans.link(site, 3, f"group?groupId={group.id}")}
        for group in site.groups_of(person.account_id)
    ], 200


def members(site: Site, caller: Caller) -> Answer:
    """The active accounts of a group."""
    if not site.global_rights(caller.account) & {"ADMINISTER", "USER_PICKER"}:
        raise JiraError(403, "You do not have permission to browse users and groups.")
    wanted = request.args.get("groupId") or request.args.get("groupname")
    if not wanted:
        raise bad_request("The group name or group ID must be provided.")
    group = site.group(wanted)
    if group is None:
        raise JiraError(404, f"The group named '{wanted}' does not exist.")
    inactive = request.args.get("includeInactiveUsers") == "true"
    people = [beans.user(site, who) for who in sorted(group.members) if inactive or site.users[who].active]
    return page(site, people, number("startAt", 0, 2**31), number("maxResults", 50, 50)), 200


def roles(site: Site, caller: Caller, project: str) -> Answer:
    """Role name → link."""
    found = site.project(project)
    if not any(_administers(site, caller, one) for one in site.projects):
        raise JiraError(404, f"No project could be found with key '{project}'.")
    return {role.name: beans.link(site, 3, f"project/{found.id}/role/{role.id}") for role in site.roles.values()}, 200


def role_members(site: Site, caller: Caller, project: str, role: str) -> Answer:
    """The actors of a role in a project: users and groups."""
    found = site.project(project)
    if not _administers(site, caller, found):
        raise JiraError(404, f"No project could be found with key '{project}'.")
    if not role.isdigit() or int(role) not in site.roles:
        raise JiraError(404, f"Can not retrieve a role actor for a null project role. (role {role})")
    kind = site.roles[int(role)]
    actors: list[dict[str, Any]] = []
    for account in sorted(found.role_users.get(kind.id, ())):
        actors.append(
            {"id": 20000 + len(actors), "displayName": site.users[account].name, "type": "atlassian-user-role-actor",
             "actorUser": {"accountId": account}}
        )  # fmt: skip
    for name in sorted(found.role_groups.get(kind.id, ())):
        group = site.group(name)
        if group:
            actors.append(
                {"id": 20000 + len(actors), "displayName": name, "type": "atlassian-group-role-actor", "name": name,
                 "actorGroup": {"name": name, "displayName": name, "groupId": group.id}}
            )  # fmt: skip
    return {
        "self": beans.link(site, 3, f"project/{found.id}/role/{kind.id}"),
        "name": kind.name,
        "id": kind.id,
        "description": "",
        "actors": actors,
    }, 200


def _assigning_project(site: Site, caller: Caller) -> Project:
    issue = request.args.get("issueKey") or request.args.get("issueId")
    if issue:
        return site.project(site.visible_issue(issue, caller.account).project)
    key = request.args.get("project")
    if not key:
        raise bad_request("Provide one of project, issueKey and issueId.")
    found = site.project(key)
    if not site.may(caller.account, "BROWSE_PROJECTS", found):
        raise JiraError(404, f"No project could be found with key '{key}'.")
    return found


def _browses_people(site: Site, caller: Caller) -> None:
    if "USER_PICKER" not in site.global_rights(caller.account):
        raise JiraError(403, "You do not have permission to browse users and groups.")


def _administers(site: Site, caller: Caller, project: Project) -> bool:
    return "ADMINISTER" in site.global_rights(caller.account) or site.may(
        caller.account, "ADMINISTER_PROJECTS", project
    )


def _approved(site: Site, caller: Caller) -> None:
    if site.email_api_apps is not None and caller.app not in site.email_api_apps:
        raise JiraError(400, "The calling app is not approved to use this API.")


def _account_id() -> str:
    account = request.args.get("accountId")
    if not account:
        raise bad_request("The query parameter accountId is required.")
    return account


def _matches(person: User, query: str) -> bool:
    wanted = query.strip().lower()
    if not wanted:
        return True
    name = person.name.lower()
    if name.startswith(wanted) or any(word.startswith(wanted) for word in name.split()):
        return True
    return person.email_shown and person.email.lower().startswith(wanted)
