"""What each kind of step is in Jira: how it is carried out, and how it is found out whether it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.jira import Jira
from inbound.handling import contents, lookup
from inbound.handling.lookup import Found, Missing, Unclear
from inbound.reading.parsed import ParsedMail
from inbound.store_steps import Step


@dataclass(frozen=True, slots=True)
class About:
    """The mail that the steps are about; issue: the id of its issue, once it has one."""

    mail_id: str
    mail: ParsedMail
    raw: bytes
    issue: str | None

    def file(self, detail: Mapping[str, Any]) -> bytes:
        """The content of the attachment that a step names; the whole mail where it names none."""
        index = detail["index"]
        return self.raw if index is None else self.mail.attachments[index].content

    @property
    def place(self) -> str:
        """The issue that files go to: steps about it come after the one that makes or names it."""
        assert self.issue is not None
        return self.issue


def carry_out(jira: Jira, step: Step, about: About) -> Mapping[str, Any]:
    """Do it; what Jira named the new thing. Raises Temporary or Permanent when Jira does."""
    detail = step.detail
    if step.kind == "issue":
        made = jira.create_issue(_fields(detail, about.mail), {contents.PROPERTY: detail["property"]})
        return {"issue": str(made["id"]), "issue_key": str(made["key"])}
    if step.kind == "comment":
        # In the sender's own name the comment needs nobody to say who wrote it.
        person = detail.get("person")
        body = contents.comment(about.mail, "" if person else detail["lead"])
        made = jira.add_comment(detail["issue"], body, {contents.PROPERTY: detail["property"]}, person=person)
        return {"comment": str(made["id"])}
    if step.kind == "property":
        jira.set_property(detail["issue"], contents.PROPERTY, detail["value"])
        return {}
    data = about.file(detail)
    made = jira.attach(about.place, detail["filename"], detail["content_type"], data)
    return {"attachment": str(made["id"]), "size": len(data)}


def look_up(jira: Jira, step: Step, about: About, since: float) -> Found | Missing | Unclear:
    """Whether a step that was intended at `since` was carried out. Raises Temporary or Permanent when Jira does."""
    detail = step.detail
    if step.kind == "issue":
        return lookup.issue(jira, about.mail_id, detail["project"]["key"], detail.get("high") or 0)
    if step.kind == "comment":
        return lookup.comment(jira, about.mail_id, detail["issue"], since)
    return lookup.attachment(jira, about.place, detail["filename"], len(about.file(detail)), since)


def _fields(detail: Mapping[str, Any], mail: ParsedMail) -> dict[str, Any]:
    first_line = "" if detail["silent"] and detail["reporter"] else detail["lead"]
    fields: dict[str, Any] = {
        "project": {"id": detail["project"]["id"]},
        "issuetype": {"id": detail["issue_type"]},
        "summary": detail["summary"],
        "description": contents.description(mail, first_line),
    }
    if detail["reporter"]:
        fields["reporter"] = {"id": detail["reporter"]}
    return fields
