"""Atlassian Document Format: its nodes, which of them may stand where, and the cut to Jira's limit. Pure.

Source: the ADF JSON schema (developer.atlassian.com/cloud/jira/platform/apis/document/structure).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

Node = dict[str, Any]

# Jira refuses a description or comment whose text has more characters (jira.text.field.character.limit).
JIRA_TEXT_LIMIT = 32_767
# Jira counts its own rendering, in which links, table bars and list marks take room too: stay clear of the limit.
TEXT_LIMIT = JIRA_TEXT_LIMIT - 2_000
REST_IS_ATTACHED = "The mail is longer than Jira allows. The rest is in the attached .eml file."
LONGEST_LINK = 2_000
_IN_QUOTE = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"})
_IN_CELL = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock", "blockquote", "heading", "rule"})
_ALLOWED = {"blockquote": _IN_QUOTE, "listItem": _IN_QUOTE, "tableCell": _IN_CELL}
_SAFE_LINK = re.compile(r"^(?:https?://[^\s/?#]|mailto:[^\s]|tel:[+\d]|ftp://[^\s/])", re.IGNORECASE)


def text(content: str, marks: Sequence[Node] = ()) -> Node:
    """`content` must not be empty."""
    return {"type": "text", "text": content, "marks": list(marks)} if marks else {"type": "text", "text": content}


def link(href: str) -> Node | None:
    """The mark, or None for what must not be a link (javascript:, data:, file:, relative)."""
    href = re.sub(r"[\x00-\x20\x7f]+", "", href) if len(href) <= LONGEST_LINK else ""
    return {"type": "link", "attrs": {"href": href}} if _SAFE_LINK.match(href) else None


def paragraph(inline: Sequence[Node]) -> Node:
    """A paragraph of inline nodes without breaks at its ends."""
    return {"type": "paragraph", "content": trimmed(inline)}


def trimmed(inline: Sequence[Node]) -> list[Node]:
    """Without breaks and blanks at the ends."""
    nodes = list(inline)
    while nodes and _blank(nodes[0]):
        nodes.pop(0)
    while nodes and _blank(nodes[-1]):
        nodes.pop()
    if nodes and nodes[-1]["type"] == "text" and nodes[-1]["text"][-1].isspace():
        nodes[-1] = {**nodes[-1], "text": nodes[-1]["text"].rstrip()}
    if nodes and nodes[0]["type"] == "text" and nodes[0]["text"][0].isspace():
        nodes[0] = {**nodes[0], "text": nodes[0]["text"].lstrip()}
    return nodes


def _blank(node: Node) -> bool:
    return node["type"] == "hardBreak" or (node["type"] == "text" and not node["text"].strip())


def code_block(content: str) -> Node:
    """Preformatted text."""
    return {"type": "codeBlock", "content": [text(content)]} if content else {"type": "codeBlock"}


def container(kind: str, blocks: Iterable[Node]) -> Node | None:
    """A blockquote, listItem or tableCell of what may stand in it; what may not becomes paragraphs. None if nothing is left."""
    content = [
        fitting for block in blocks for fitting in _fit(block, _ALLOWED["tableCell" if kind == "tableHeader" else kind])
    ]
    if kind == "listItem" and content and content[0]["type"] not in ("paragraph", "codeBlock"):
        content.insert(0, {"type": "paragraph", "content": []})
    return {"type": kind, "content": content} if content else None


def _fit(block: Node, allowed: frozenset[str]) -> list[Node]:
    if block["type"] in allowed:
        return [block]
    if block["type"] == "heading":
        return [{"type": "paragraph", "content": block.get("content", [])}]
    if block["type"] == "rule":
        return []
    if block["type"] == "table":
        cells = [cell for row in block["content"] for cell in row["content"]]
        return [fitting for cell in cells for inner in cell["content"] for fitting in _fit(inner, allowed)]
    return [fitting for inner in block.get("content", ()) for fitting in _fit(inner, allowed)]


def document(blocks: Sequence[Node], limit: int = TEXT_LIMIT, *, more: bool = False) -> Node:
    """The document node, cut at a block boundary to `limit` characters of text, with a sentence that says where the rest is.

    more: there was more than these blocks.
    """
    if not more and sum(map(size, blocks)) <= limit:
        return {"version": 1, "type": "doc", "content": list(blocks)}
    room = limit - len(REST_IS_ATTACHED) - 2
    kept = _first(blocks, room)
    return {"version": 1, "type": "doc", "content": [*kept, paragraph([text(REST_IS_ATTACHED, [{"type": "em"}])])]}


def size(node: Node) -> int:
    """Characters that the node takes in Jira's count, never fewer: text, links, and two for each block and break."""
    total, stack = 0, [node]
    while stack:
        item = stack.pop()
        if item["type"] == "text":
            total += len(item["text"]) + sum(
                len(mark["attrs"]["href"]) + 3 for mark in item.get("marks", ()) if mark["type"] == "link"
            )
        else:
            total += 2
            stack.extend(item.get("content", ()))
    return total


def _first(blocks: Sequence[Node], room: int) -> list[Node]:
    kept: list[Node] = []
    for block in blocks:
        needed = size(block)
        if needed > room:
            part = _part(block, room)
            return [*kept, part] if part is not None else kept
        kept.append(block)
        room -= needed
    return kept


def _part(block: Node, room: int) -> Node | None:
    """The beginning of a block that is too large by itself."""
    room -= 2
    if room < 200:
        return None
    if block["type"] == "text":
        if "marks" in block:
            return None
        cut = block["text"][:room]
        return {**block, "text": cut[: cut.rfind(" ")] if " " in cut else cut}
    content = _first(block.get("content", ()), room)
    return {**block, "content": content} if content else None
