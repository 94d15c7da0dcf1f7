"""The visible text of an HTML tree, laid out as a person would type it. Pure; linear."""

import re
from functools import lru_cache

from inbound.reading.html import Element, tree

BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3"}
    | {"h4", "h5", "h6", "header", "hgroup", "hr", "li", "main", "nav", "ol"}
    | {"p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul"}
    | {"caption"}
)
PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre", "blockquote"})
_HIDDEN = re.compile(
    r"display\s*:\s*none|mso-hide\s*:\s*all|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em)?\s*(?:;|!|$)|"
    r"max-height\s*:\s*0(?:px)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_BLANK = re.compile(r"[ \t\r\n\f]+")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f]")


def hidden(element: Element) -> bool:
    """True for what a mail program does not show: preheaders, tracking rows."""
    style = element.get("style")
    return bool(style and _HIDDEN.search(style)) or "hidden" in element.attributes


@lru_cache(maxsize=2)
def visible_text(html: str) -> str:
    """The text of an HTML body. The last two are remembered: several readers ask for the same mail's."""
    return text_of(tree(html))


def text_of(root: Element, *, mark_quotes: bool = False, numbered: bool = True) -> str:
    """The text: a blank line between paragraphs, a line for each block, list items with their mark, cells side by side.

    mark_quotes: put "> " before the lines of a blockquote, except where it only indents.
    numbered: give the items of ordered lists their numbers.
    """
    out: list[str] = []
    # (what, is it the end of it, inside pre, list mark)
    stack: list[tuple[Element | str, bool, bool]] = [(root, False, False)]
    numbers: list[int | None] = []
    while stack:
        item, ending, pre = stack.pop()
        if isinstance(item, str):
            out.append(item.replace("\u00a0", " ") if pre else _BLANK.sub(" ", item))
            continue
        tag = item.tag
        if ending:
            if tag in ("ul", "ol") and numbers:
                numbers.pop()
            if mark_quotes and quotes(item):
                out.append("\x02\x04")
            out.append("\x02" if tag in PARAGRAPHS else "\x01")
            continue
        if hidden(item):
            continue
        if tag == "br":
            out.append("\n")
        elif tag == "hr":
            out.append("\x01")
        elif tag == "li":
            mark = "- "
            if numbered and numbers and (number := numbers[-1]) is not None:
                mark, numbers[-1] = f"{number}. ", number + 1
            out.append("\x01" + mark)
        elif tag in ("td", "th"):
            out.append(" ")
        elif tag in BLOCKS:
            out.append("\x02" if tag in PARAGRAPHS else "\x01")
            if mark_quotes and quotes(item):
                out.append("\x03\x02")
            if tag in ("ul", "ol"):
                numbers.append(_start(item) if tag == "ol" else None)
        if tag in BLOCKS:
            stack.append((item, True, pre))
        stack.extend((child, False, pre or tag in ("pre", "textarea")) for child in reversed(item.children))
    text = _lay_out("".join(out))
    return _quote_marks(text) if mark_quotes and "\x03" in text else text


def quotes(element: Element) -> bool:
    """A blockquote that quotes; mail programs also indent with it, and then say that it has no border."""
    if element.tag != "blockquote":
        return False
    style = element.get("style").replace(" ", "").lower()
    return "border-left" in style or not ("border:none" in style or "margin-left" in style or "margin:0" in style)


def _quote_marks(text: str) -> str:
    lines, depth = [], 0
    for line in text.split("\n"):
        opened, closed = line.count("\x03"), line.count("\x04")
        bare = line.replace("\x03", "").replace("\x04", "")
        depth += opened
        if bare.strip() or not (opened or closed):
            lines.append("> " * min(depth, 20) + bare if depth else bare)
        depth = max(0, depth - closed)
    return "\n".join(lines).strip("\n ")


def _start(element: Element) -> int:
    start = element.get("start")
    return int(start) if start.isdigit() and len(start) < 6 else 1


def _lay_out(marked: str) -> str:
    """\\x01 asks for a new line, \\x02 for a blank line before what follows; several asks are one."""
    text = _INVISIBLE.sub("", marked).replace("\u00a0", " ")
    text = re.sub(
        r"[ \t\n]*((?:[\x01\x02][ \t]*)+)",
        lambda m: ("\n" * m[0].split("\x01")[0].split("\x02")[0].count("\n")) + m[1],
        text,
    )
    text = re.sub(r"\n?[\x01\x02 \t]*\x02[\x01\x02 \t]*", "\n\n", text)
    text = re.sub(r"\n?[ \t]*\x01[\x01 \t]*", "\n", text)
    text = re.sub(r"[ \t]+\n", "\n", text)
    text = re.sub(r"\n[ \t]+(?=\S)", "\n", text) if "  " not in text else text
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")
