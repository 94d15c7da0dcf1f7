"""One node of Jira's rich text (Atlassian Document Format): its kind, its words, where it leads. Pure; takes any JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

Node = Mapping[str, Any]

_CARDS = ("inlineCard", "blockCard", "embedCard")


def words(node: Node) -> str:
    """The words of a node without children; a media node is named, not shown."""
    kind = kind_of(node)
    if kind == "text":
        return _string(node.get("text"))
    if kind == "mention":
        return "@" + attribute(node, "text").lstrip("@") if attribute(node, "text") else "@someone"
    if kind == "emoji":
        return attribute(node, "text") or attribute(node, "shortName")
    if kind == "date":
        return _day(attribute(node, "timestamp"))
    if kind == "status":
        return f"[{attribute(node, 'text')}]"
    if kind in _CARDS:
        return attribute(node, "url")
    if kind in ("media", "mediaInline"):
        name = attribute(node, "alt") or attribute(node, "__fileName")
        return f"[attachment: {name}]" if name else "[attachment]"
    return _string(node.get("text")) or attribute(node, "text")


def link(node: Node) -> str:
    """Where the node leads, or "": only to the web and to mail addresses."""
    marks = (attribute(mark, "href") for mark in marks_of(node) if kind_of(mark) == "link")
    href = attribute(node, "url") if kind_of(node) in _CARDS else next(marks, "")
    try:
        scheme = urlsplit(href.strip()).scheme.lower()
    except ValueError:
        return ""
    return href.strip() if scheme in ("http", "https", "mailto") else ""


def is_inline(node: Node) -> bool:
    """True for what stands within a line."""
    return kind_of(node) in ("text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "mediaInline")


def _day(timestamp: str) -> str:
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def kind_of(node: Node) -> str:
    """The node's type, or ""."""
    return _string(node.get("type"))


def attributes(node: Node) -> Node:
    """The node's attrs, or nothing."""
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, Mapping) else {}


def attribute(node: Node, name: str) -> str:
    """One of its attrs as text, or ""."""
    return _string(attributes(node).get(name))


def marks_of(node: Node) -> list[Node]:
    """Its marks, those that are none left out."""
    marks = node.get("marks")
    return [mark for mark in marks if isinstance(mark, Mapping)] if isinstance(marks, list) else []


def children_of(node: object) -> list[Node]:
    """Its content, what is no node left out."""
    content = node.get("content") if isinstance(node, Mapping) else None
    return [child for child in content if isinstance(child, Mapping)] if isinstance(content, list) else []


def _string(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # Characters that no mail text has: a NUL would break programs further on.
    return "".join(letter for letter in value if letter >= " " or letter in "\n\t")
