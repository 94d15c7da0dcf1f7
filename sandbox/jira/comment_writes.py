"""What changes comments; each tells the event that follows. As in `writes`, the caller holds `site.lock`."""

from typing import Any

from sandbox.jira import given, telling
from sandbox.jira.errors import JiraError
from sandbox.jira.model import Comment, Issue
from sandbox.jira.site import Site


def add_comment(
    site: Site, who: str, issue: Issue, body: Any, visibility: Any, properties: Any, trace: str | None = None
) -> Comment:
    """A comment; raises JiraError for a body that is not ADF or too long, or a visibility nobody has."""
    if not site.may(who, "ADD_COMMENTS", site.project(issue.project)):
        raise JiraError(400, "You do not have the permission to comment on this issue.")
    now = site.clock()
    comment = Comment(
        id=str(next(site.comment_ids)),
        author=who,
        update_author=who,
        body=given.comment_body(body),
        created=now,
        updated=now,
        visibility=given.visibility(site, visibility),
        properties=given.properties(properties),
    )
    issue.comments.append(comment)
    issue.updated = now
    telling.comment_event(site, "comment_created", issue, comment, who, trace)
    return comment


def edit_comment(
    site: Site, who: str, issue: Issue, comment: Comment, changes: dict[str, Any], trace: str | None = None
) -> None:
    """Sets body, visibility or properties, whatever of these `changes` names."""
    rights = ("EDIT_ALL_COMMENTS", "EDIT_OWN_COMMENTS") if comment.author == who else ("EDIT_ALL_COMMENTS",)
    if not any(site.may(who, right, site.project(issue.project)) for right in rights):
        raise JiraError(400, "You do not have the permission to edit this comment.")
    if "body" in changes:
        comment.body = given.comment_body(changes["body"])
    if "visibility" in changes:
        comment.visibility = given.visibility(site, changes["visibility"])
    comment.properties.update(given.properties(changes.get("properties")))
    # two edits within one millisecond must still be two versions of the comment
    comment.updated = max(site.clock(), comment.updated + 0.001)
    comment.update_author = who
    issue.updated = comment.updated
    telling.comment_event(site, "comment_updated", issue, comment, who, trace)


def delete_comment(site: Site, who: str, issue: Issue, comment: Comment, trace: str | None = None) -> None:
    """The comment is gone."""
    rights = ("DELETE_ALL_COMMENTS", "DELETE_OWN_COMMENTS") if comment.author == who else ("DELETE_ALL_COMMENTS",)
    if not any(site.may(who, right, site.project(issue.project)) for right in rights):
        raise JiraError(400, "You do not have the permission to delete this comment.")
    issue.comments.remove(comment)
    issue.updated = site.clock()
    telling.comment_event(site, "comment_deleted", issue, comment, who, trace)
