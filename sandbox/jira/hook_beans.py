"""Issues and comments as webhooks have them: REST v2, whose texts are wiki markup."""

from sandbox.jira import adf, beans
from sandbox.jira.beans import Json
from sandbox.jira.instants import jira_time
from sandbox.jira.model import Comment, Issue
from sandbox.jira.site import Site


def issue(site: Site, found: Issue) -> Json:
    """The issue of an issue webhook."""
    return {
        "id": found.id,
        "self": beans.link(site, 2, found.id),
        "key": found.key,
        "fields": beans.issue_fields(site, found, "", 2),
    }


def short_issue(site: Site, found: Issue) -> Json:
    """The short issue of a comment webhook."""
    fields = beans.issue_fields(site, found, "", 2)
    names = ("summary", "issuetype", "project", "assignee", "priority", "status")
    return {
        "id": found.id,
        "self": beans.link(site, 2, found.id),
        "key": found.key,
        "fields": {name: fields[name] for name in names},
    }


def comment(site: Site, found: Issue, entry: Comment) -> Json:
    """The comment of a comment webhook: text as wiki markup."""
    bean: Json = {
        "self": beans.link(site, 2, f"issue/{found.id}/comment/{entry.id}"),
        "id": entry.id,
        "author": beans.user_or_none(site, entry.author, 2),
        "body": adf.wiki(entry.body),
        "updateAuthor": beans.user_or_none(site, entry.update_author, 2),
        "created": jira_time(entry.created),
        "updated": jira_time(entry.updated),
        "jsdPublic": not entry.internal,
    }
    if entry.visibility:
        bean["visibility"] = dict(entry.visibility)
    return bean
