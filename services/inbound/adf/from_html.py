"""An HTML tree to ADF blocks: headings, lists, tables, code, quotes, links, emphasis; images as a named placeholder. Pure."""

import re
from dataclasses import replace

from inbound.adf.data_tables import is_data, rows_of
from inbound.adf.flow import Flow, Style
from inbound.adf.nodes import Node, code_block, container, link, paragraph
from inbound.reading.html import Element
from inbound.reading.htmltext import BLOCKS, hidden

_STRONG, _EM, _UNDERLINE, _STRIKE, _CODE = ({"type": kind} for kind in ("strong", "em", "underline", "strike", "code"))
_MARKS: dict[str, Node] = {
    **dict.fromkeys(("b", "strong"), _STRONG),
    **dict.fromkeys(("i", "em", "cite", "dfn"), _EM),
    **dict.fromkeys(("u", "ins"), _UNDERLINE),
    **dict.fromkeys(("s", "strike", "del"), _STRIKE),
    **dict.fromkeys(("code", "tt", "kbd", "samp"), _CODE),
    "sub": {"type": "subsup", "attrs": {"type": "sub"}},
    "sup": {"type": "subsup", "attrs": {"type": "sup"}},
}
_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_ITALIC = re.compile(r"font-style\s*:\s*italic", re.IGNORECASE)


def blocks_of(root: Element) -> list[Node]:
    """The blocks of the tree."""
    flow = Flow()
    _children(root, flow, Style())
    flow.close()
    return flow.blocks


def _children(element: Element, flow: Flow, style: Style) -> None:
    for child in element.children:
        if isinstance(child, str):
            flow.add_text(child, style)
        elif not hidden(child):
            _element(child, flow, style)


def _element(element: Element, flow: Flow, style: Style) -> None:
    tag = element.tag
    if tag == "br":
        flow.inline.append({"type": "hardBreak"})
    elif tag == "img":
        _image(element, flow, style)
    elif tag == "hr":
        flow.close()
        flow.blocks.append({"type": "rule"})
    elif tag in ("ul", "ol", "menu", "dir"):
        _list(element, flow, style)
    elif tag == "table":
        _table(element, flow, style)
    elif tag == "blockquote":
        flow.close()
        quote = container("blockquote", _blocks(element, style))
        if quote is not None:
            flow.blocks.append(quote)
    elif tag == "pre":
        _preformatted(element, flow, style)
    elif tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
        _heading(element, flow, style)
    elif tag in BLOCKS:
        flow.close()
        _children(element, flow, style)
        flow.close()
    else:
        _children(element, flow, _inline_style(element, style))


def _inline_style(element: Element, style: Style) -> Style:
    if element.tag == "a":
        mark = link(element.get("href"))
        return style.plus(mark) if mark is not None else style
    if mark := _MARKS.get(element.tag):
        style = style.plus(mark)
    css = element.get("style")
    if css:
        if _BOLD.search(css):
            style = style.plus(_STRONG)
        if _ITALIC.search(css):
            style = style.plus(_EM)
    return style


def _blocks(element: Element, style: Style) -> list[Node]:
    inner = Flow()
    _children(element, inner, style)
    inner.close()
    return inner.blocks


def _image(element: Element, flow: Flow, style: Style) -> None:
    """A placeholder with the image's name; tracking pixels leave nothing."""
    if any(element.get(side).rstrip("px") in ("0", "1", "2") for side in ("width", "height")):
        return
    source = element.get("src")
    name = re.sub(r"\s+", " ", element.get("alt")).strip()[:200]
    if source.lower().startswith("cid:"):
        name = name or source[4:].partition("@")[0][:200]
        flow.add_text(f"[{name}]" if name else "[image]", style.plus(_EM))
    elif name:
        flow.add_text(name, style.plus(_EM))


def _heading(element: Element, flow: Flow, style: Style) -> None:
    flow.close()
    for block in _blocks(element, style):
        if block["type"] == "paragraph":
            flow.blocks.append(
                {"type": "heading", "attrs": {"level": int(element.tag[1])}, "content": block["content"]}
            )
        else:
            flow.blocks.append(block)


def _preformatted(element: Element, flow: Flow, style: Style) -> None:
    flow.close()
    inner = Flow()
    _children(element, inner, replace(style, pre=True))
    if inner.blocks:  # other blocks inside: keep them as they are
        inner.close()
        flow.blocks += inner.blocks
        return
    content = "".join("\n" if node["type"] == "hardBreak" else node["text"] for node in inner.inline).strip("\n")
    if content.strip():
        flow.blocks.append(code_block(content))


def _list(element: Element, flow: Flow, style: Style) -> None:
    flow.close()
    sources: list[Element] = []
    loose = Element("li")
    for child in [*element.children, Element("li")]:
        if isinstance(child, Element) and child.tag == "li":
            # What stands in a list beside its items (Outlook nests lists so) becomes an item of its own.
            sources += [loose, child]
            loose = Element("li")
        else:
            loose.children.append(child)
    found = (container("listItem", _blocks(source, style)) for source in sources if not hidden(source))
    items = [item for item in found if item is not None]
    if not items:
        return
    if element.tag == "ol":
        start = element.get("start")
        attributes = {"order": int(start)} if start.isdigit() and len(start) < 7 else {"order": 1}
        flow.blocks.append({"type": "orderedList", "attrs": attributes, "content": items})
    else:
        flow.blocks.append({"type": "bulletList", "content": items})


def _table(element: Element, flow: Flow, style: Style) -> None:
    flow.close()
    rows = rows_of(element)
    if not is_data(element, rows):
        _children(element, flow, style)
        flow.close()
        return
    for caption in (child for child in element.children if isinstance(child, Element) and child.tag == "caption"):
        flow.blocks += _blocks(caption, style)
    width = max(len(row) for row in rows)
    nodes = []
    for row in rows:
        cells = [
            container("tableHeader" if cell.tag == "th" else "tableCell", _blocks(cell, style))
            or {"type": "tableHeader" if cell.tag == "th" else "tableCell", "content": [paragraph(())]}
            for cell in row
        ]
        cells += [{"type": "tableCell", "content": [paragraph(())]} for _ in range(width - len(row))]
        nodes.append({"type": "tableRow", "content": cells})
    flow.blocks.append({"type": "table", "content": nodes})
