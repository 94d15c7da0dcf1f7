"""Plain text to ADF blocks: paragraphs with their line breaks, quotes, lists, links. Pure; linear."""

import re

from inbound.adf.nodes import Node, container, link, paragraph, text
from inbound.reading import lines as line_kinds

_URL = re.compile(r"https?://[^\s<>\"'\u3000-\u303f]{2,1900}|mailto:[^\s<>\"]{3,300}", re.IGNORECASE)
_BULLET = re.compile(r"^[ \t]{0,6}[-*•·][ \t]+(?=\S)")
_NUMBER = re.compile(r"^[ \t]{0,6}(\d{1,3})[.)][ \t]+(?=\S)")
_MAX_QUOTE_DEPTH = 5


def blocks_of(body: str, depth: int = 0) -> list[Node]:
    """The blocks of a plain body."""
    blocks: list[Node] = []
    run: list[str] = []
    kind = ""
    for line in [*body.split("\n"), None]:
        now = "" if line is None else _kind(line, kind)
        if now != kind or now == "":
            blocks += _block(kind, run, depth)
            run = []
        kind = now
        if line is not None and now:
            run.append(line)
    return blocks


def _kind(line: str, before: str) -> str:
    if not line.strip():
        return ""
    if line_kinds.quoted(line):
        return "quote"
    if _BULLET.match(line):
        return "bullet"
    if _NUMBER.match(line):
        return "number"
    if before in ("bullet", "number") and line[:2] in ("  ", "\t"):
        return before
    return "text"


def _block(kind: str, run: list[str], depth: int) -> list[Node]:
    if not run:
        return []
    if kind == "quote":
        inner = "\n".join(_once_unquoted(line) for line in run)
        content = blocks_of(inner, depth + 1) if depth < _MAX_QUOTE_DEPTH else [_paragraph(inner.split("\n"))]
        quote = container("blockquote", content)
        return [quote] if quote is not None else []
    if kind in ("bullet", "number"):
        return _list(kind, run)
    return [_paragraph(run)]


def _once_unquoted(line: str) -> str:
    stripped = line.lstrip(" \t\u00a0")
    for mark in ("&gt;", ">", "|", "│"):
        if stripped.startswith(mark):
            return stripped[len(mark) :].removeprefix(" ")
    return stripped.partition(">")[2].removeprefix(" ")


def _list(kind: str, run: list[str]) -> list[Node]:
    mark = _BULLET if kind == "bullet" else _NUMBER
    items: list[list[str]] = []
    for line in run:
        if mark.match(line):
            items.append([mark.sub("", line, count=1)])
        else:
            items[-1].append(line.strip())
    # A single "- Anna" or "3. March" is a line of text, not a list.
    if len(items) < 2:
        return [_paragraph(run)]
    nodes = [item for lines in items if (item := container("listItem", [_paragraph(lines)])) is not None]
    if kind == "bullet":
        return [{"type": "bulletList", "content": nodes}]
    first = _NUMBER.match(run[0])
    return [{"type": "orderedList", "attrs": {"order": int(first[1]) if first else 1}, "content": nodes}]


def _paragraph(lines: list[str]) -> Node:
    inline: list[Node] = []
    for number, line in enumerate(lines):
        if number:
            inline.append({"type": "hardBreak"})
        inline += linked(line)
    return paragraph(inline)


def linked(line: str) -> list[Node]:
    """The text with its addresses of pages as links."""
    nodes: list[Node] = []
    position = 0
    for match in _URL.finditer(line):
        written = match[0].rstrip(".,;:!?)]}>*")
        mark = link(written)
        if mark is None:
            continue
        if match.start() > position:
            nodes.append(text(line[position : match.start()]))
        nodes.append(text(written, [mark]))
        position = match.start() + len(written)
    if position < len(line):
        nodes.append(text(line[position:]))
    return nodes
