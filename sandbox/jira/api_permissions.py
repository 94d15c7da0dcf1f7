"""REST: who may what: the caller itself, and for those who may ask, anybody."""

from typing import Any

from flask import request

from sandbox.jira import seed
from sandbox.jira.api import Answer, Api, Caller, json_body, names
from sandbox.jira.errors import JiraError, bad_request
from sandbox.jira.model import Issue, Project
from sandbox.jira.rights import GLOBAL_PERMISSIONS
from sandbox.jira.site import Site

_MAX_CHECKED = 1000


def add_routes(api: Api) -> None:
    """Both endpoints about permissions."""
    api.route("GET", "/mypermissions")(mine)
    api.route("POST", "/permissions/check")(check_permissions)


def mine(site: Site, caller: Caller) -> Answer:
    """Which of the asked permissions the caller has: globally (a project permission: in any project), or in the project or
    issue that is named."""
    asked = names("permissions")
    unknown = [name for name in asked if name not in GLOBAL_PERMISSIONS | seed.ADMIN_RIGHTS]
    if unknown or not asked:
        raise bad_request(
            f"Unrecognized permission: {unknown[0]}" if unknown else "The permissions parameter is required."
        )
    projects = [_named_project(site, caller)]
    if projects == [None]:
        projects = list(site.projects)
    rights = site.global_rights(caller.account)
    return {"permissions": {
        name: {
            "id": str(number),
            "key": name,
            "name": name.replace("_", " ").capitalize(),
            "type": "GLOBAL" if name in GLOBAL_PERMISSIONS else "PROJECT",
            "description": "",
            "havePermission": name in rights
            if name in GLOBAL_PERMISSIONS
            else any(one is not None and site.may(caller.account, name, one) for one in projects),
        }
        for number, name in enumerate(asked, 1)
    }}, 200  # fmt: skip


def _named_project(site: Site, caller: Caller) -> Project | None:
    """The project of the request, or of its issue; 404 for one that the caller may not browse."""
    issue = request.args.get("issueId") or request.args.get("issueKey")
    if issue:
        return site.project(site.visible_issue(issue, caller.account).project)
    key = request.args.get("projectId") or request.args.get("projectKey")
    if not key:
        return None
    found = site.project(key)
    if not site.may(caller.account, "BROWSE_PROJECTS", found):
        raise JiraError(404, f"No project could be found with key '{key}'.")
    return found


def check_permissions(site: Site, caller: Caller) -> Answer:
    """Which of the asked permissions an account has: for a Connect app any account, without accountId its own."""
    body = json_body()
    account = body.get("accountId") or caller.account
    others = account != caller.account and caller.how != "connect"  # a Connect app may ask about anybody
    if others and "ADMINISTER" not in site.global_rights(caller.account):
        raise JiraError(403, "You do not have permission to check the permissions of other users.")
    if account not in site.users:
        raise bad_request(f"The user with account ID {account} does not exist.")
    asked_global = body.get("globalPermissions") or []
    unknown = [name for name in asked_global if name not in GLOBAL_PERMISSIONS]
    grants = []
    for block in body.get("projectPermissions") or []:
        issues, projects = block.get("issues") or [], block.get("projects") or []
        if len(issues) > _MAX_CHECKED or len(projects) > _MAX_CHECKED:
            raise bad_request(f"At most {_MAX_CHECKED} issues and {_MAX_CHECKED} projects can be checked.")
        unknown += [name for name in block.get("permissions") or [] if name not in seed.ADMIN_RIGHTS]
        grants += [_grant(site, account, name, issues, projects) for name in block.get("permissions") or []]
    if unknown:
        raise bad_request(f"Unrecognized permission: {unknown[0]}")
    rights = site.global_rights(account)
    return {"globalPermissions": [name for name in asked_global if name in rights], "projectPermissions": grants}, 200


def _grant(site: Site, account: str, permission: str, issues: list[int], projects: list[int]) -> dict[str, Any]:
    def granted(project: Project | None) -> bool:
        return project is not None and site.may(account, permission, project)

    def project_of(issue: Issue | None) -> Project | None:
        return None if issue is None else site.project(issue.project)

    by_id = {project.id: project for project in site.projects}
    return {
        "permission": permission,
        "issues": [number for number in issues if granted(project_of(site.issues.get(str(number))))],
        "projects": [number for number in projects if granted(by_id.get(str(number)))],
    }
