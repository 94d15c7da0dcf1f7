"""Jira's rich text (Atlassian Document Format) as plain text and as HTML that is safe in a mail. Pure.

Both take any JSON: unknown nodes keep their text, links other than http, https and mailto keep their words only, and
what is nested or long beyond reason is cut. Source: Atlassian's ADF schema.
"""

from collections.abc import Callable, Sequence
from html import escape

from outbound.adf_node import Node, attribute, attributes, children_of, is_inline, kind_of, link, marks_of, words

_DEEPEST = 40
_MOST_NODES = 20_000
_CUT = "…"
_QUOTE = "margin:0 0 0 4px;padding-left:10px;border-left:3px solid #c1c7d0;color:#44546f"
_CELL = "border:1px solid #c1c7d0;padding:4px 8px;text-align:left;vertical-align:top"
_CODE = "background:#f1f2f4;padding:8px;font-family:monospace;white-space:pre-wrap"
_MARKS = {"strong": "strong", "em": "em", "code": "code", "underline": "u", "strike": "s"}


def to_text(document: object) -> str:
    """Plain text with \\n line ends: lists with dashes and numbers, quotes with >, links with their address behind."""
    return _tidy(_Text(_Budget()).blocks(children_of(document), 0))


def to_html(document: object) -> str:
    """HTML elements for the inside of a body; everything that was text is escaped, styles are ours only."""
    return _Html(_Budget()).blocks(children_of(document), 0)


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
            if is_inline(node):
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
        kind, children = kind_of(node), children_of(node)
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
            return "\n\n".join(part for part in (attribute(node, "title"), self.blocks(children, depth + 1)) if part)
        return self.blocks(children, depth + 1) if children else words(node)

    def _list(self, node: Node, depth: int) -> str:
        lines: list[str] = []
        number = _start(node)
        for item in children_of(node):
            if kind_of(item) in ("taskList", "decisionList"):
                lines.append(_indent(self._block(item, depth + 1), "  ", "  "))
                continue
            bullet = f"{number}. " if kind_of(node) == "orderedList" else _task(item) or "- "
            number += 1
            text = self.blocks(children_of(item), depth + 1).replace("\n\n", "\n")
            lines.append(_indent(text, bullet, " " * len(bullet)))
        return "\n".join(lines)

    def _row(self, row: Node, depth: int) -> str:
        cells = (self.blocks(children_of(cell), depth + 1) for cell in children_of(row))
        return " | ".join(" ".join(cell.split()) for cell in cells)

    def _inline(self, node: Node) -> str:
        if self._budget.spent():
            return ""
        text = "\n" if kind_of(node) == "hardBreak" else words(node)
        href = link(node)
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
        return "".join(self._inline(node) if is_inline(node) else self._block(node, depth) for node in nodes)

    def _block(self, node: Node, depth: int) -> str:
        if depth > _DEEPEST or self._budget.spent():
            return self._budget.cut()
        if kind_of(node) == "rule":
            return "<hr>"
        children = children_of(node)
        inner = self.blocks(children, depth + 1) if children else escape(words(node))
        wrap = self._wrap.get(kind_of(node))
        if wrap is not None:
            return wrap(node, inner)
        return f"<div>{inner}</div>" if inner else ""

    def _inline(self, node: Node) -> str:
        if self._budget.spent():
            return ""
        if kind_of(node) == "hardBreak":
            return "<br>"
        text = escape(words(node)).replace("\n", "<br>")
        for mark in marks_of(node):
            if tag := _MARKS.get(kind_of(mark)):
                text = f"<{tag}>{text}</{tag}>"
            elif kind_of(mark) == "subsup" and attribute(mark, "type") in ("sub", "sup"):
                text = f"<{attribute(mark, 'type')}>{text}</{attribute(mark, 'type')}>"
        href = link(node)
        return f'<a href="{escape(href)}">{text}</a>' if href else text


def _expand(node: Node, inner: str) -> str:
    title = attribute(node, "title")
    return (f"<p><strong>{escape(title)}</strong></p>" if title else "") + f"<div>{inner}</div>"


def _task(node: Node) -> str:
    if kind_of(node) != "taskItem":
        return ""
    return "[x] " if attribute(node, "state") == "DONE" else "[ ] "


def _level(node: Node) -> int:
    level = attributes(node).get("level")
    return level if isinstance(level, int) and 1 <= level <= 6 else 3


def _start(node: Node) -> int:
    order = attributes(node).get("order")
    return order if isinstance(order, int) and 0 <= order < 1_000_000 else 1


def _indent(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join((first if number == 0 else rest) + line for number, line in enumerate(lines))


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))
