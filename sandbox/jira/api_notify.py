"""REST: `POST /issue/{}/notify`, a mail from Jira itself to people who may see the issue."""

from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import Any

from sandbox.jira import adf
from sandbox.jira.api import Answer, Api, Caller, json_body
from sandbox.jira.errors import bad_request
from sandbox.jira.model import Issue
from sandbox.jira.site import Site

SENDER = "jira@sandbox.test"  # Jira's own address; not one of the monitored mailboxes


def add_routes(api: Api) -> None:
    """The one endpoint."""
    api.route("POST", "/issue/<issue>/notify", "WRITE")(notify)


def notify(site: Site, caller: Caller, issue: str) -> Answer:
    """204 once the mail is queued. Who may not see the issue gets none, and Jira does not say so; the caller itself cannot
    be the recipient."""
    found = site.visible_issue(issue, caller.account)
    body = json_body()
    wanted = _recipients(site, found, body.get("to") or {})
    if not wanted:
        raise bad_request("No recipients were defined for notification.")
    if wanted == {caller.account}:
        raise bad_request("The recipient is the same as the calling user.")
    text, html = str(body.get("textBody") or ""), str(body.get("htmlBody") or "")
    subject = str(body.get("subject") or f"({found.key}) {found.summary}")
    project = site.project(found.project)
    for account in sorted(wanted - {caller.account}):
        person = site.users[account]
        if person.email and site.may(account, "BROWSE_PROJECTS", project):
            letter = _letter(person.email, subject, text or adf.plain(found.description), html)
            site.post(SENDER, [person.email], letter)
    return None, 204


def _recipients(site: Site, issue: Issue, to: Any) -> set[str]:
    if not isinstance(to, dict):
        raise bad_request("to must be an object.")
    found: set[str] = set()
    for user in to.get("users") or []:
        found.add(site.user(str(user.get("accountId") or "")).account_id)
    for group in [*(to.get("groups") or []), *({"groupId": one} for one in to.get("groupIds") or [])]:
        known = site.group(str(group.get("groupId") or group.get("name")))
        if known is None:
            raise bad_request(f"The group {group} does not exist.")
        found |= known.members
    for name in ("reporter", "assignee"):
        if to.get(name):
            person = getattr(issue, name)
            if person is None:
                raise bad_request(f"The issue has no {name}.")
            found.add(person)
    return found | (issue.watchers if to.get("watchers") else set())


def _letter(reader: str, subject: str, text: str, html: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = f"Jira <{SENDER}>", reader, " ".join(subject.split())
    letter["Date"], letter["Message-ID"] = format_datetime(localtime()), make_msgid(domain="sandbox.test")
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    if html:
        letter.add_alternative(html, subtype="html")
    return letter.as_bytes()
