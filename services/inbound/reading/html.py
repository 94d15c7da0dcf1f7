"""HTML to a small tree of our own, bounded before the parser sees it. The only module that knows selectolax. Pure; never raises.

Whatever is hostile ends here: scripts, styles, comments and event handlers never enter the tree, tags deeper than
MAX_DEPTH lose their element but not their text, and nothing grows faster than the input.
"""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from inbound.reading.htmlguard import guarded

MAX_NODES = 40_000
MAX_DEPTH = 90
_DROPPED = frozenset(
    {
        "script",
        "style",
        "head",
        "title",
        "template",
        "noscript",
        "iframe",
        "object",
        "embed",
        "applet",
        "frame",
        "frameset",
    }
    | {"svg", "math", "canvas", "audio", "video", "select", "datalist", "base", "link", "meta"}
)
_KEPT_ATTRIBUTES = frozenset(
    {"id", "class", "style", "href", "src", "alt", "type", "cite", "start", "width", "height", "colspan", "rowspan"}
    | {"dir", "name", "role", "color", "face", "size", "align", "border", "hidden"}
)
_VOID = frozenset({"br", "hr", "img", "input", "wbr", "col", "area", "source", "track", "param"})


@dataclass(slots=True)
class Element:
    """One element: lower-case tag, the attributes that we keep, children in order (text is a str)."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    def get(self, name: str) -> str:
        """An attribute, or ""."""
        return self.attributes.get(name, "")


def tree(html: str) -> Element:
    """The body as a tree with root tag "body". HTML that cannot be parsed within the limits becomes its plain text."""
    html = guarded(html)
    try:
        parser = LexborHTMLParser(html)
        body = parser.body
    except (RecursionError, MemoryError, ValueError, RuntimeError, UnicodeError):
        return Element("body", {}, [re.sub(r"<[^>]*>", " ", html)])
    root = Element("body")
    if body is not None:
        root.attributes = _attributes(body)
        _grow(body, root)
    return root


def _attributes(node: LexborNode) -> dict[str, str]:
    return {name: value or "" for name, value in node.attributes.items() if name in _KEPT_ATTRIBUTES}


def _grow(source: LexborNode, root: Element) -> None:
    budget = MAX_NODES
    # (the next sibling to take, where it goes, depth)
    stack: list[tuple[LexborNode | None, Element, int]] = [(source.first_child, root, 1)]
    while stack:
        node, parent, depth = stack.pop()
        while node is not None:
            tag = node.tag
            if tag == "-text":
                text = node.text_content or ""
                if text:
                    parent.children.append(text)
            elif tag and tag[0] not in "-!_" and tag not in _DROPPED:
                budget -= 1
                if budget < 0:
                    parent.children.append(node.text(separator=" "))
                elif depth >= MAX_DEPTH:
                    parent.children.append(" ")
                    stack += [(node.next, parent, depth), (node.first_child, parent, depth)]
                    break
                else:
                    element = Element(tag, _attributes(node))
                    parent.children.append(element)
                    stack += [(node.next, parent, depth), (node.first_child, element, depth + 1)]
                    break
            node = node.next


def write(element: Element) -> str:
    """The tree as HTML again: only the elements and attributes that the tree holds, all text escaped."""
    out: list[str] = []
    stack: list[Element | str | tuple[str]] = [element]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            out.append(item[0])
        elif isinstance(item, str):
            out.append(item.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        else:
            attributes = "".join(f' {name}="{_quoted(value)}"' for name, value in item.attributes.items())
            out.append(f"<{item.tag}{attributes}>")
            if item.tag not in _VOID:
                stack.append((f"</{item.tag}>",))
                stack.extend(reversed(item.children))
    return "".join(out)


def _quoted(value: str) -> str:
    return value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
