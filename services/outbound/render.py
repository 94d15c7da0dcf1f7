"""What a recipient reads: the window's items as text and as HTML, by Liquid templates compiled once. Pure.

The content of a window is made once for all its recipients (`content`) and kept until it has been sent; `Renderer`
makes one person's mail of the items they may read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from liquid import Environment, Markup, StrictUndefined

from outbound import adf_render, admin_templates, letter_templates, sender_templates
from outbound.audience import CUSTOMER_FIELDS
from outbound.facts import Issue, Item

MARKER = "##- Please type your reply above this line -##"
"""inbound cuts a reply here."""

_LABELS = {
    "status": "Status",
    "assignee": "Assignee",
    "resolution": "Resolution",
    "priority": "Priority",
    "duedate": "Due date",
    "summary": "Summary",
}
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One person's mail, before it becomes MIME."""

    author: str
    text: str
    html: str


def content(items: Sequence[Item], issue: Issue, base_url: str, names: Mapping[str, str]) -> dict[str, Any]:
    """All that the letters of a window are made of, as JSON. `names`: display names by account id."""
    return {
        "issue": {"id": issue.id, "key": issue.key, "summary": issue.summary, "url": f"{base_url}/browse/{issue.key}"},
        "items": [_item(item, issue, names) for item in items],
        "root": issue.mailed.root if issue.mailed else None,
        "mailbox": issue.mailed.mailbox if issue.mailed else None,
    }


class Renderer:
    """The compiled templates; may be shared by any number of threads."""

    def __init__(self) -> None:
        plain = Environment(undefined=StrictUndefined)
        escaping = Environment(undefined=StrictUndefined, autoescape=True)
        self._text = plain.from_string(letter_templates.TEXT)
        self._html = escaping.from_string(letter_templates.HTML)
        self._notice_text = plain.from_string(admin_templates.TEXT)
        self._notice_html = escaping.from_string(admin_templates.HTML)
        self._refusal_text = plain.from_string(sender_templates.TEXT)
        self._refusal_html = escaping.from_string(sender_templates.HTML)

    def notice(self, values: Mapping[str, str]) -> Letter:
        """A letter to an admin about a mailbox; values as `admin_templates` names them."""
        return Letter("", self._notice_text.render(**values), self._notice_html.render(**values))

    def refusal(self, values: Mapping[str, str]) -> Letter:
        """A letter to a sender whose mail was not taken; values as `sender_templates` names them."""
        return Letter("", self._refusal_text.render(**values), self._refusal_html.render(**values))

    def letter(
        self,
        content: Mapping[str, Any],
        chosen: Sequence[int],
        reasons: Sequence[str],
        *,
        linked: bool,
        answerable: bool,
        by_jira: bool = False,
    ) -> Letter:
        """The letter of the `chosen` items (indexes) of a window's content.

        linked: the reader has an account: they get a link and all fields; others get what customers are told.
        by_jira: Jira sends it, because nobody tells us their address.
        """
        told = [content["items"][index] for index in chosen]
        items = [_shown(item, content["issue"]["key"], all_fields=linked) for item in told]
        values = {
            "marker": MARKER,
            "issue": content["issue"],
            "reasons": list(reasons),
            "linked": linked,
            "answerable": answerable,
            "by_jira": by_jira,
        }
        # Only what adf_render made is safe as it is; the text template escapes nothing.
        marked = [{**item, "html": Markup(item["html"])} for item in items]
        authors = {item["author"] for item in told}
        return Letter(
            author=authors.pop() if len(authors) == 1 else "",
            text=self._text.render(**values, items=items),
            html=self._html.render(**values, items=marked),
        )


def _item(item: Item, issue: Issue, names: Mapping[str, str]) -> dict[str, Any]:
    document = item.comment.body if item.comment else issue.description if item.kind == "issue_created" else None
    text, html = adf_render.to_text(document), adf_render.to_html(document)
    if len(html) > _LONGEST or len(text) > _LONGEST:
        text = text[:_LONGEST] + " …"
        html = ""
    return {
        "kind": item.kind,
        "at": item.at,
        "author": item.author or names.get(item.actor or "", ""),
        "text": text,
        "html": html,
        "changes": [{"field": one.field, "value": issue.values.get(one.field, "")} for one in item.changes],
    }


def _shown(item: Mapping[str, Any], key: str, *, all_fields: bool) -> dict[str, Any]:
    author = item["author"] or "Someone"
    changes = [one for one in item["changes"] if all_fields or one["field"] in CUSTOMER_FIELDS]
    headline = {
        "issue_created": f"{author} created {key}:",
        "comment_created": f"{author} commented on {key}:",
        "issue_updated": f"{author} changed {key}:",
    }[item["kind"]]
    return {
        "kind": item["kind"],
        "headline": headline,
        "text": item["text"],
        "html": item["html"] or _as_html(item["text"]),
        "changes": [
            {"label": _LABELS.get(one["field"], one["field"]), "value": one["value"] or "none"} for one in changes
        ],
    }


def _as_html(text: str) -> str:
    return str(Markup("<pre style='white-space:pre-wrap'>{}</pre>").format(text)) if text else ""
