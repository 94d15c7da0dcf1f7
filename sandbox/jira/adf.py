"""Atlassian Document Format: is it sound, how long is it, and what does it say as wiki markup or as plain text.

Where Atlassian's JSON schema lies beside the repository it decides; else the structural rules below do.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.contract import adf_schema_problem
from sandbox.jira.model import Adf

LIMIT = 32_767
_BLOCKS = {
    "paragraph", "heading", "bulletList", "orderedList", "listItem", "taskList", "taskItem", "decisionList",
    "decisionItem", "codeBlock", "blockquote", "panel", "rule", "table", "tableRow", "tableHeader", "tableCell",
    "mediaSingle", "mediaGroup", "media", "expand", "nestedExpand", "layoutSection", "layoutColumn", "blockCard",
    "embedCard", "extension", "bodiedExtension", "caption",
}  # fmt: skip
_INLINE = {
    "text", "hardBreak", "mention", "emoji", "date", "status", "inlineCard", "mediaInline", "inlineExtension",
    "placeholder",
}  # fmt: skip
_MARKS = {
    "strong", "em", "code", "link", "strike", "underline", "textColor", "backgroundColor", "subsup", "alignment",
    "indentation", "border", "breakout", "annotation", "fragment", "dataConsumer",
}  # fmt: skip
_MAX_DEPTH = 100


def problem(doc: object) -> str | None:
    """What is wrong with `doc` as a whole document, as a sentence; None when it is sound."""
    if not isinstance(doc, dict) or doc.get("type") != "doc":
        return "not an ADF document: the root must be an object with type doc"
    if doc.get("version") != 1 or not isinstance(doc.get("content"), list):
        return "not an ADF document: version 1 and a list of content are needed"
    found = next(_faults(doc["content"], "doc", 0), None)
    return found or adf_schema_problem(doc)


def characters(doc: Adf) -> int:
    """How many characters of text it holds, what the limit of 32,767 counts."""
    return len(plain(doc))


def from_text(text: str) -> Adf:
    """Paragraphs at blank lines, hard breaks at line ends."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return {"type": "doc", "version": 1, "content": [_paragraph(part.strip("\n")) for part in paragraphs]}


def wiki(doc: Adf | None) -> str | None:
    """The text as wiki markup, which is how the v2 bodies of webhooks carry it."""
    return None if doc is None else _join(doc, _wiki_text)


def plain(doc: Adf | None) -> str:
    """The text without any markup."""
    return "" if doc is None else _join(doc, lambda node: str(node.get("text", "")))


def _paragraph(text: str) -> Adf:
    content: list[Adf] = []
    for line in text.split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def _faults(nodes: list[Any], parent: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        yield f"nested deeper than {_MAX_DEPTH} levels"
        return
    for node in nodes:
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            yield f"a node in {parent} has no type"
            continue
        kind = node["type"]
        if kind not in _BLOCKS and kind not in _INLINE:
            yield f"unknown node type {kind} in {parent}"
        if kind == "text" and (not isinstance(node.get("text"), str) or not node["text"]):
            yield f"a text node in {parent} is empty"
        if parent == "doc" and kind in _INLINE:
            yield f"{kind} cannot stand directly in doc"
        for mark in node.get("marks") or []:
            if not isinstance(mark, dict) or mark.get("type") not in _MARKS:
                yield f"unknown mark on {kind}"
        content = node.get("content", [])
        if not isinstance(content, list):
            yield f"the content of {kind} is not a list"
            continue
        yield from _faults(content, kind, depth + 1)


def _join(doc: Adf, text_of: Callable[[Adf], str]) -> str:
    return "\n\n".join(_block(node, text_of, "") for node in doc.get("content", [])).strip()


def _block(node: Adf, text_of: Callable[[Adf], str], prefix: str) -> str:
    kind = node.get("type")
    children: list[Adf] = node.get("content", [])
    if kind in ("bulletList", "orderedList"):
        bullet = prefix + ("*" if kind == "bulletList" else "#")
        return "\n".join(_item(item, text_of, bullet) for item in children)
    if kind == "tableRow":
        return "|" + "|".join(_children(cell, text_of, " ") for cell in children) + "|"
    if kind == "table":
        return "\n".join(_block(row, text_of, prefix) for row in children)
    if kind == "rule":
        return "----"
    if kind == "codeBlock":
        return "{code}\n" + "".join(_inline(child, text_of) for child in children) + "\n{code}"
    if kind == "blockquote":
        return "{quote}\n" + _children(node, text_of, "\n\n") + "\n{quote}"
    if kind == "heading":
        level = node.get("attrs", {}).get("level", 1)
        return f"h{level}. " + "".join(_inline(child, text_of) for child in children)
    if kind in ("mediaSingle", "mediaGroup"):
        return "\n".join(_inline(child, text_of) for child in children)
    if all(child.get("type") in _INLINE for child in children):
        return "".join(_inline(child, text_of) for child in children)
    return _children(node, text_of, "\n\n")


def _children(node: Adf, text_of: Callable[[Adf], str], between: str) -> str:
    return between.join(_block(child, text_of, "") for child in node.get("content", []))


def _item(item: Adf, text_of: Callable[[Adf], str], bullet: str) -> str:
    lines = []
    for child in item.get("content", []):
        nested = child.get("type") in ("bulletList", "orderedList")
        text = _block(child, text_of, bullet)
        lines.append(text if nested else f"{bullet} {text}")
    return "\n".join(lines)


def _inline(node: Adf, text_of: Callable[[Adf], str]) -> str:
    kind = node.get("type")
    attrs: dict[str, Any] = node.get("attrs") or {}
    if kind == "text":
        return text_of(node)
    if kind == "hardBreak":
        return "\n"
    if kind == "mention":
        return f"[~accountid:{attrs.get('id', '')}]"
    if kind == "emoji":
        return str(attrs.get("text") or attrs.get("shortName", ""))
    if kind == "inlineCard":
        return str(attrs.get("url", ""))
    if kind == "status":
        return str(attrs.get("text", ""))
    if kind == "media":
        return f"!{attrs.get('alt') or attrs.get('id') or attrs.get('url', '')}!"
    return ""


def _wiki_text(node: Adf) -> str:
    text = str(node.get("text", ""))
    for mark in node.get("marks") or []:
        kind = mark.get("type")
        if kind == "link":
            href = mark.get("attrs", {}).get("href", "")
            text = f"[{text}|{href}]"
        elif kind in ("strong", "em", "code", "strike", "underline"):
            left, right = {"code": ("{{", "}}")}.get(
                kind, ({"strong": "*", "em": "_", "strike": "-", "underline": "+"}.get(kind, ""),) * 2
            )
            text = f"{left}{text}{right}"
    return text
