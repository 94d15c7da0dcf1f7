"""Jira's own shapes of an issue, a comment and a user, read into facts. Pure; what is missing or odd becomes nothing.

Shapes: Atlassian's OpenAPI file of the Jira Cloud platform REST API v3 (IssueBean, Comment, UserDetails, Visibility).
The property `mailbridge` is ours: see docs/architecture.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from outbound.facts import Account, Address, Comment, Issue, Mailed, Restriction

PROPERTY = "mailbridge"
FIELDS = (
    "summary", "status", "resolution", "priority", "duedate", "project", "reporter", "assignee", "creator", "watches",
)  # fmt: skip
_JSM = "sd.public.comment"
_OF_ISSUE = re.compile(r"/issue/(\d{1,20})/comment/")


def issue(raw: Mapping[str, Any], watchers: Sequence[Mapping[str, Any]]) -> Issue:
    """An issue as read with FIELDS and our property, and its watchers."""
    fields = _dict(raw.get("fields"))
    people = {name: account(fields.get(name)) for name in ("reporter", "assignee", "creator")}
    return Issue(
        id=_text(raw.get("id")),
        key=_text(raw.get("key")),
        summary=_text(fields.get("summary")),
        values={
            "summary": _text(fields.get("summary")),
            "status": _name(fields.get("status")),
            "resolution": _name(fields.get("resolution")),
            "priority": _name(fields.get("priority")),
            "duedate": _text(fields.get("duedate")),
            "assignee": people["assignee"].name if people["assignee"] else "",
        },
        project=_text(_dict(fields.get("project")).get("id")),
        reporter=people["reporter"],
        assignee=people["assignee"],
        creator=people["creator"],
        watchers=tuple(one for one in map(account, watchers) if one),
        description=_dict(fields.get("description")) or None,
        mailed=mailed(_dict(raw.get("properties")).get(PROPERTY)),
    )


def watched(raw: Mapping[str, Any]) -> bool:
    """False if Jira says that nobody watches the issue."""
    count = _dict(_dict(raw.get("fields")).get("watches")).get("watchCount")
    return count != 0


def comment(raw: Mapping[str, Any]) -> Comment:
    """A comment as read with its properties."""
    properties = {
        _text(one.get("key")): one.get("value") for one in raw.get("properties") or () if isinstance(one, Mapping)
    }
    internal = raw.get("jsdPublic") is False or _dict(properties.get(_JSM)).get("internal") is True
    return Comment(
        id=_text(raw.get("id")),
        author=account(raw.get("author")),
        body=_dict(raw.get("body")),
        restriction=_restriction(raw.get("visibility"), internal),
        mailed=mailed(properties.get(PROPERTY)),
    )


def issue_of_comment(raw: Mapping[str, Any]) -> str | None:
    """The id of the issue that a comment belongs to, from its own address."""
    found = _OF_ISSUE.search(_text(raw.get("self")))
    return found[1] if found else None


def account(raw: object) -> Account | None:
    """A user; None without an account id."""
    user = _dict(raw)
    if not _text(user.get("accountId")):
        return None
    return Account(
        id=_text(user.get("accountId")),
        name=_text(user.get("displayName")),
        kind=_text(user.get("accountType")) or "atlassian",
        active=user.get("active") is not False,
        address=_text(user.get("emailAddress")) or None,
    )


def mailed(raw: object) -> Mailed | None:
    """Our property's value; None if the object does not carry it."""
    value = _dict(raw)
    if not value:
        return None
    people = value.get("cc")
    return Mailed(
        sender=_address(value.get("from")),
        cc=_once(_address(one) for one in (people if isinstance(people, list) else ())),
        root=_text(value.get("root")) or None,
        mailbox=_text(value.get("mailbox")) or None,
        account=_text(_dict(value.get("from")).get("account")) or None,
    )


def _restriction(visibility: object, internal: bool) -> Restriction:
    shown = _dict(visibility)
    value, identifier = _text(shown.get("value")), _text(shown.get("identifier"))
    if not shown:
        return Restriction("internal") if internal else Restriction()
    if internal:  # both at once: no rule of ours covers it, so nobody
        return Restriction("unknown", value, identifier)
    if shown.get("type") == "role":
        return Restriction("role", value, identifier)
    if shown.get("type") == "group":
        return Restriction("group", value, identifier)
    return Restriction("unknown", value, identifier)


def _address(raw: object) -> Address | None:
    value = _dict(raw)
    address = _text(value.get("address")).strip()
    return Address(_text(value.get("name")), address) if address else None


def _once(people: Iterable[Address | None]) -> tuple[Address, ...]:
    return tuple({one.key: one for one in people if one}.values())


def _name(raw: object) -> str:
    return _text(_dict(raw).get("name"))


def _dict(raw: object) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""
