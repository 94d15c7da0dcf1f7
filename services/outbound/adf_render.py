"""Jira's rich text (Atlassian Document Format) as plain text and as HTML that is safe in a mail. Pure.

Both take any JSON: unknown nodes keep their text, links other than http, https and mailto keep their words only, and
what is nested or long beyond reason is cut. Source: Atlassian's ADF schema.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

Node = Mapping[str, Any]

_DEEPEST = 40
_MOST_NODES = 20_000
_CUT = "…"
_BLOCK_CARDS = ("inlineCard", "blockCard", "embedCard")
_QUOTE = "margin:0 0 0 4px;padding-left:10px;border-left:3px solid #c1c7d0;color:#44546f"
_CELL = "border:1px solid #c1c7d0;padding:4px 8px;text-align:left;vertical-align:top"
_CODE = "background:#f1f2f4;padding:8px;font-family:monospace;white-space:pre-wrap"
_MARKS = {"strong": "strong", "em": "em", "code": "code", "underline": "u", "strike": "s"}


def to_text(document: object) -> str:
    """Plain text with \\n line ends: lists with dashes and numbers, quotes with >, links with their address behind."""
    return _tidy(_Text(_Budget()).blocks(_children(document), 0))


def to_html(document: object) -> str:
    """HTML elements for the inside of a body; everything that was text is escaped, styles are ours only."""
    return _Html(_Budget()).blocks(_children(document), 0)


class _Budget:
    """How many nodes may still be rendered."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def spent(self) -> bool:
        """Take one; True if there was none left."""
        self._left -= 1
        return self._left < 0

    def cut(self) -> str:
        """What stands for all that is left out: a sign the first time, then nothing."""
        return _CUT if self._left >= -1 else ""


class _Text:
    def __init__(self, budget: _Budget) -> None:
        self._budget = budget

    def blocks(self, nodes: Sequence[Node], depth: int) -> str:
        parts: list[str] = []
        line = ""
        for node in nodes:
            if _is_inline(node):
                line += self._inline(node)
                continue
            parts += [line] if line else []
            line = ""
            parts.append(self._block(node, depth))
        parts += [line] if line else []
        return "\n\n".join(part for part in parts if part.strip())

    def _block(self, node: Node, depth: int) -> str:
        if depth > _DEEPEST or self._budget.spent():
            return self._budget.cut()
        kind, children = _kind(node), _children(node)
        if kind in ("bulletList", "orderedList", "taskList", "decisionList"):
            return self._list(node, depth)
        if kind == "codeBlock":
            return _indent(self.blocks(children, depth + 1), "    ", "    ")
        if kind == "blockquote":
            return _indent(self.blocks(children, depth + 1), "> ", "> ")
        if kind == "rule":
            return "-----"
        if kind == "table":
            return "\n".join(self._row(row, depth + 1) for row in children)
        if kind in ("expand", "nestedExpand"):
            return "\n\n".join(part for part in (_attr(node, "title"), self.blocks(children, depth + 1)) if part)
        return self.blocks(children, depth + 1) if children else _leaf(node)

    def _list(self, node: Node, depth: int) -> str:
        lines: list[str] = []
        number = _start(node)
        for item in _children(node):
            if _kind(item) in ("taskList", "decisionList"):
                lines.append(_indent(self._block(item, depth + 1), "  ", "  "))
                continue
            bullet = f"{number}. " if _kind(node) == "orderedList" else _task(item) or "- "
            number += 1
            text = self.blocks(_children(item), depth + 1).replace("\n\n", "\n")
            lines.append(_indent(text, bullet, " " * len(bullet)))
        return "\n".join(lines)

    def _row(self, row: Node, depth: int) -> str:
        cells = (self.blocks(_children(cell), depth + 1) for cell in _children(row))
        return " | ".join(" ".join(cell.split()) for cell in cells)

    def _inline(self, node: Node) -> str:
        if self._budget.spent():
            return ""
        text = "\n" if _kind(node) == "hardBreak" else _leaf(node)
        href = _link(node)
        return f"{text} ({href})" if href and text.strip() not in (href, href.removeprefix("mailto:")) else text


class _Html:
    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self._wrap: dict[str, Callable[[Node, str], str]] = {
            "paragraph": lambda _, inner: f"<p>{inner}</p>",
            "heading": lambda node, inner: f"<h{_level(node)}>{inner}</h{_level(node)}>",
            "bulletList": lambda _, inner: f"<ul>{inner}</ul>",
            "taskList": lambda _, inner: f"<ul>{inner}</ul>",
            "decisionList": lambda _, inner: f"<ul>{inner}</ul>",
            "orderedList": lambda node, inner: f'<ol start="{_start(node)}">{inner}</ol>',
            "listItem": lambda _, inner: f"<li>{inner}</li>",
            "decisionItem": lambda _, inner: f"<li>{inner}</li>",
            "taskItem": lambda node, inner: f"<li>{escape(_task(node))}{inner}</li>",
            "blockquote": lambda _, inner: f'<blockquote style="{_QUOTE}">{inner}</blockquote>',
            "panel": lambda _, inner: f'<blockquote style="{_QUOTE}">{inner}</blockquote>',
            "codeBlock": lambda _, inner: f'<pre style="{_CODE}">{inner}</pre>',
            "table": lambda _, inner: f'<table style="border-collapse:collapse">{inner}</table>',
            "tableRow": lambda _, inner: f"<tr>{inner}</tr>",
            "tableHeader": lambda _, inner: f'<th style="{_CELL}">{inner}</th>',
            "tableCell": lambda _, inner: f'<td style="{_CELL}">{inner}</td>',
            "expand": _expand,
            "nestedExpand": _expand,
        }

    def blocks(self, nodes: Sequence[Node], depth: int) -> str:
        return "".join(self._inline(node) if _is_inline(node) else self._block(node, depth) for node in nodes)

    def _block(self, node: Node, depth: int) -> str:
        if depth > _DEEPEST or self._budget.spent():
            return self._budget.cut()
        if _kind(node) == "rule":
            return "<hr>"
        children = _children(node)
        inner = self.blocks(children, depth + 1) if children else escape(_leaf(node))
        wrap = self._wrap.get(_kind(node))
        if wrap is not None:
            return wrap(node, inner)
        return f"<div>{inner}</div>" if inner else ""

    def _inline(self, node: Node) -> str:
        if self._budget.spent():
            return ""
        if _kind(node) == "hardBreak":
            return "<br>"
        text = escape(_leaf(node)).replace("\n", "<br>")
        for mark in _marks(node):
            if tag := _MARKS.get(_kind(mark)):
                text = f"<{tag}>{text}</{tag}>"
            elif _kind(mark) == "subsup" and _attr(mark, "type") in ("sub", "sup"):
                text = f"<{_attr(mark, 'type')}>{text}</{_attr(mark, 'type')}>"
        href = _link(node)
        return f'<a href="{escape(href)}">{text}</a>' if href else text


def _leaf(node: Node) -> str:
    """The words of a node without children; a media node is named, not shown."""
    kind = _kind(node)
    if kind == "text":
        return _string(node.get("text"))
    if kind == "mention":
        return "@" + _attr(node, "text").lstrip("@") if _attr(node, "text") else "@someone"
    if kind == "emoji":
        return _attr(node, "text") or _attr(node, "shortName")
    if kind == "date":
        return _day(_attr(node, "timestamp"))
    if kind == "status":
        return f"[{_attr(node, 'text')}]"
    if kind in _BLOCK_CARDS:
        return _attr(node, "url")
    if kind in ("media", "mediaInline"):
        name = _attr(node, "alt") or _attr(node, "__fileName")
        return f"[attachment: {name}]" if name else "[attachment]"
    return _string(node.get("text")) or _attr(node, "text")


def _link(node: Node) -> str:
    """Where the node leads, or "": only to the web and to mail addresses."""
    marks = (_attr(mark, "href") for mark in _marks(node) if _kind(mark) == "link")
    href = _attr(node, "url") if _kind(node) in _BLOCK_CARDS else next(marks, "")
    try:
        scheme = urlsplit(href.strip()).scheme.lower()
    except ValueError:
        return ""
    return href.strip() if scheme in ("http", "https", "mailto") else ""


def _is_inline(node: Node) -> bool:
    return _kind(node) in ("text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "mediaInline")


def _expand(node: Node, inner: str) -> str:
    title = _attr(node, "title")
    return (f"<p><strong>{escape(title)}</strong></p>" if title else "") + f"<div>{inner}</div>"


def _task(node: Node) -> str:
    if _kind(node) != "taskItem":
        return ""
    return "[x] " if _attr(node, "state") == "DONE" else "[ ] "


def _day(timestamp: str) -> str:
    try:
        return datetime.fromtimestamp(int(timestamp) / 1000, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _level(node: Node) -> int:
    level = _attrs(node).get("level")
    return level if isinstance(level, int) and 1 <= level <= 6 else 3


def _start(node: Node) -> int:
    order = _attrs(node).get("order")
    return order if isinstance(order, int) and 0 <= order < 1_000_000 else 1


def _indent(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join((first if number == 0 else rest) + line for number, line in enumerate(lines))


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))


def _kind(node: Node) -> str:
    return _string(node.get("type"))


def _attrs(node: Node) -> Node:
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, Mapping) else {}


def _attr(node: Node, name: str) -> str:
    return _string(_attrs(node).get(name))


def _marks(node: Node) -> list[Node]:
    marks = node.get("marks")
    return [mark for mark in marks if isinstance(mark, Mapping)] if isinstance(marks, list) else []


def _children(node: object) -> list[Node]:
    content = node.get("content") if isinstance(node, Mapping) else None
    return [child for child in content if isinstance(child, Mapping)] if isinstance(content, list) else []


def _string(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # Characters that no mail text has: a NUL would break programs further on.
    return "".join(letter for letter in value if letter >= " " or letter in "\n\t")
