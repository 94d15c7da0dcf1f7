"""What changes issues, their attachments and properties; each tells the event that follows. Comments: `comment_writes`.

Every function holds nothing itself: the caller holds `site.lock`. `who` is the account that acts, `trace` the
X-Atlassian-Webhook-Trace header of its call.
"""

from typing import Any

from sandbox.jira import changelog, fields, given, telling
from sandbox.jira.errors import JiraError, bad_field, bad_request
from sandbox.jira.model import Attachment, Issue, Project
from sandbox.jira.site import Site

MAX_ATTACHMENT = 25 * 1024 * 1024


def create_issue(site: Site, who: str, wanted: dict[str, Any], properties: Any, trace: str | None = None) -> Issue:
    """A new issue in the workflow's first status; raises JiraError naming the bad fields."""
    target = fields.target(site, wanted)
    if not site.may(who, "CREATE_ISSUES", target.project):
        raise JiraError(400, "You do not have permission to create issues in this project.")
    if "summary" not in wanted:
        raise bad_field("summary", "You must specify a summary of the issue.")
    values = fields.read(site, wanted, target.project)
    _may_name_people(site, who, target.project, {"reporter": who}, values)
    if target.issue_type.subtask and "parent" not in values:
        raise bad_field("parent", "Issue type is a sub-task but parent issue key or id not specified.")
    now = site.clock()
    values.setdefault("reporter", who)
    issue = Issue(
        id=str(next(site.issue_ids)),
        key=site.next_key(target.project),
        project=target.project.id,
        issue_type=target.issue_type.id,
        creator=who,
        created=now,
        updated=now,
        status=next(iter(site.statuses)),
        properties=given.properties(properties),
        **values,
    )
    if issue.reporter:
        issue.watchers.add(issue.reporter)
    site.issues[issue.id], site.ids_by_key[issue.key] = issue, issue.id
    items = [
        changelog.item(site, name, None, getattr(issue, name))
        for name in ("description", "status", "summary")
        if getattr(issue, name)
    ]
    telling.issue_event(site, "jira:issue_created", issue, who, trace, items)
    return issue


def edit_issue(site: Site, who: str, issue: Issue, wanted: dict[str, Any], trace: str | None = None) -> None:
    """Sets fields; a change is told once with all its items, no change is not told."""
    project = site.project(issue.project)
    if not site.may(who, "EDIT_ISSUES", project):
        raise JiraError(400, "You do not have permission to edit issues in this project.")
    values = fields.read(site, wanted, project)
    _may_name_people(site, who, project, {"reporter": issue.reporter, "assignee": issue.assignee}, values)
    if values.get("assignee"):
        issue.watchers.add(values["assignee"])
    custom = values.pop("custom", {})
    items = [
        changelog.item(site, name, getattr(issue, name), value)
        for name, value in values.items()
        if getattr(issue, name) != value
    ]
    for name, value in custom.items():
        before = issue.custom.get(name)
        if before != value:
            items.append(changelog.custom_item(name, before, value))
            issue.custom[name] = value
    for name, value in values.items():
        setattr(issue, name, value)
    if items:
        telling.issue_event(site, "jira:issue_updated", issue, who, trace, items, "issue_updated")


def set_status(site: Site, who: str, issue: Issue, status_id: str, trace: str | None = None) -> None:
    """Moves the issue to another status."""
    if status_id not in site.statuses:
        raise bad_request(f"It is not possible to transition to status {status_id}.")
    if not site.may(who, "TRANSITION_ISSUES", site.project(issue.project)):
        raise JiraError(400, "You do not have permission to transition this issue.")
    if issue.status == status_id:
        return
    before, issue.status = issue.status, status_id
    telling.issue_event(
        site,
        "jira:issue_updated",
        issue,
        who,
        trace,
        [changelog.item(site, "status", before, status_id)],
        "issue_generic",
    )


def delete_issue(site: Site, who: str, issue: Issue, trace: str | None = None) -> None:
    """The issue is gone, with all that belongs to it; only its own event is told."""
    if not site.may(who, "DELETE_ISSUES", site.project(issue.project)):
        raise JiraError(403, "You do not have permission to delete issues in this project.")
    event = telling.deletion(site, issue, who, trace)
    del site.issues[issue.id]
    site.index.remove(issue.id, site.clock())
    site.emit(event)


def attach(
    site: Site, who: str, issue: Issue, files: list[tuple[str, str, bytes]], trace: str | None = None
) -> list[Attachment]:
    """Stores (filename, content type, content) triples; each is told as an event of its own."""
    if not site.may(who, "CREATE_ATTACHMENTS", site.project(issue.project)):
        raise JiraError(403, "You do not have permission to create attachments for this issue.")
    if any(len(content) > MAX_ATTACHMENT for _, _, content in files):
        raise JiraError(413, "The attachment is larger than the site allows.")
    stored = []
    for filename, content_type, content in files:
        now = site.clock()
        attachment = Attachment(str(next(site.attachment_ids)), filename, content_type, content, who, now)
        issue.attachments.append(attachment)
        stored.append(attachment)
        item = changelog.attached(attachment)
        telling.issue_event(site, "jira:issue_updated", issue, who, trace, [item], "issue_updated")
        telling.attachment_event(site, issue, attachment, trace)
    return stored


def set_property(site: Site, who: str, issue: Issue, key: str, value: Any) -> bool:
    """Sets a property of the issue; whether it is new."""
    _may_edit_properties(site, who, issue)
    new = given.set_property(issue.properties, key, value)
    touch(site, issue)
    return new


def delete_property(site: Site, who: str, issue: Issue, key: str) -> None:
    """Removes a property of the issue; raises 404 when it is not there."""
    _may_edit_properties(site, who, issue)
    if issue.properties.pop(key, None) is None:
        raise JiraError(404, f"The property {key} does not exist.")
    touch(site, issue)


def touch(site: Site, issue: Issue) -> None:
    """The index learns of a change that is no event."""
    site.index.put(issue, site.clock())


def _may_name_people(
    site: Site, who: str, project: Project, before: dict[str, str | None], values: dict[str, Any]
) -> None:
    """A field that its right does not reach is not on the screen, Jira says."""
    for name, right in (("reporter", "MODIFY_REPORTER"), ("assignee", "ASSIGN_ISSUES")):
        if name in values and values[name] != before.get(name) and not site.may(who, right, project):
            raise bad_field(name, f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.")


def _may_edit_properties(site: Site, who: str, issue: Issue) -> None:
    if not site.may(who, "EDIT_ISSUES", site.project(issue.project)):
        raise JiraError(403, "You do not have permission to edit this issue.")
