"""Quoted mail taken out of an HTML tree by the structure that mail programs give it. Pure; linear."""

import re

from inbound.reading import lines as line_kinds
from inbound.reading.html import Element
from inbound.reading.htmltext import hidden, text_of

_LAYOUT = re.compile(r"[\W_]+")
_QUOTE_CLASSES = frozenset(
    {
        "gmail_quote",
        "gmail_quote_container",
        "gmail_attr",
        "yahoo_quoted",
        "protonmail_quote",
        "tutanota_quote",
        "moz-cite-prefix",
        "zmail_extra",
        "OutlookMessageHeader",
    }
)
_QUOTE_IDS = re.compile(
    r"^(?:x_)?(?:divRplyFwdMsg|appendonsend|reply-intro|isForwardContent|ms-outlook-mobile-body-separator-line|orighead|"
    r"OLK_SRC_BODY_SECTION|mail-editor-reference-message-container|yahoo_quoted_.*|replySplit|zwchr|mailbridge-quote)$"
)
# Where everything that follows belongs to the quoted mail as well.
_FROM_HERE_IDS = re.compile(
    r"^(?:x_)?(?:divRplyFwdMsg|appendonsend|replySplit|zwchr|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container)$"
)
_OUTLOOK_BORDER = re.compile(
    r"border(?:-top)?:\s*(?:none;\s*border-top:\s*)?solid\s+#?(?:[A-F0-9]{6}|[a-z]+)\s+1(?:\.0)?p[tx]", re.IGNORECASE
)
_SIGNATURE_CLASSES = frozenset(
    {"gmail_signature", "moz-signature", "protonmail_signature_block", "gmail_signature_prefix"}
)


def without_quotes(root: Element) -> str:
    """Remove the quoted mail from the tree; the text of what was removed. A tree that is nothing but a quote stays as it is."""
    cut: list[Element] = []
    kept = _prune(root, cut)
    removed = "\n".join(filter(None, (text_of(element) for element in cut)))
    if not kept and removed:
        return ""
    return removed


def keep_beginning(root: Element, letters: int) -> None:
    """Cut the tree behind so many letters and digits of its visible text."""
    left = letters
    stack: list[tuple[Element, int]] = [(root, 0)]
    while stack:
        parent, at = stack.pop()
        while at < len(parent.children):
            child = parent.children[at]
            if left <= 0:
                # Everything from here on, in this element and in those around it.
                for ancestor, position in [(parent, at), *stack]:
                    ancestor.children = ancestor.children[:position]
                return
            at += 1
            if isinstance(child, str):
                left -= len(letters_of(child))
            elif not hidden(child):
                stack += [(parent, at), (child, 0)]
                break


def letters_of(text: str) -> str:
    """The letters and digits of a text: what stays the same however it is laid out."""
    return _LAYOUT.sub("", text)


def _prune(root: Element, cut: list[Element]) -> bool:
    taken: list[tuple[Element, list[Element | str]]] = []
    done = False
    stack: list[tuple[Element, int]] = [(root, 0)]
    while stack and not done:
        parent, at = stack.pop()
        children = parent.children
        while at < len(children):
            child = children[at]
            if isinstance(child, str):
                at += 1
                continue
            verdict = _verdict(child)
            if verdict == "here":
                taken.append((parent, list(children)))
                cut.append(child)
                children.pop(at)
                continue
            if verdict == "on":
                # This element and everything that follows it, up to the root.
                for ancestor, position in reversed([*stack, (parent, at)]):
                    taken.append((ancestor, list(ancestor.children)))
                    cut.extend(item for item in ancestor.children[position:] if isinstance(item, Element))
                    ancestor.children = ancestor.children[:position]
                done = True
                break
            stack.append((parent, at + 1))
            stack.append((child, 0))
            break
    if cut and not text_of(root).strip():
        for element, children in reversed(taken):
            element.children = children
        return False
    return True


def _verdict(element: Element) -> str:
    """ "here": this element is quoted; "on": it and all that follows; "": it is the author's."""
    identity, classes = element.get("id"), element.get("class").split()
    if identity and _FROM_HERE_IDS.match(identity):
        return "on"
    if identity and _QUOTE_IDS.match(identity):
        return "here"
    if any(name in _QUOTE_CLASSES or name.removeprefix("x_") in _QUOTE_CLASSES for name in classes):
        return "" if _forwards(element) else "here"
    if any(name in _SIGNATURE_CLASSES for name in classes):
        return "here"
    if element.tag == "blockquote" and (element.get("type") == "cite" or "cite" in element.attributes):
        return "" if _forwards(element) else "here"
    if element.tag == "div" and _OUTLOOK_BORDER.search(element.get("style")) and _has_header(element):
        return "on"
    if element.tag == "hr" and (
        element.get("id") in ("stopSpelling", "zwchr") or "display:inline-block" in element.get("style")
    ):
        return "on"
    return ""


def _forwards(element: Element) -> bool:
    head = text_of(element)[:400].strip().split("\n")
    return any(line_kinds.forwarded_separator(line) for line in head[:3])


def _has_header(element: Element) -> bool:
    lines = [line for line in text_of(element)[:2_000].split("\n") if line.strip()]
    return any(line_kinds.header_block(lines, at) for at in range(min(3, len(lines))))
