"""What is kept from an HTML parser: too much of it, tags with thousands of attributes, tags nested by the thousand. Pure; linear.

Measured with lexbor: one tag of 100,000 attributes takes 40 s, 200,000 open <div> take 257 s; both are quadratic.
The patterns follow the tokenizer of the HTML standard (13.2.5), so that the parser sees the same tags as we do.
"""

import re
from collections import Counter

MAX_CHARACTERS = 1_000_000
MAX_ATTRIBUTES = 200
MAX_OPEN_TAGS = 400
_LONG_TAG = 1_000
_RAW_TEXT = re.compile(
    r"<!--.*?(?:--!?>|\Z)|<[!?][^>]*(?:>|\Z)|"
    r"<(script|style|xmp|iframe|noembed|noframes|title|textarea|plaintext)(?=[\s/>])[^>]*(?:>|\Z).*?(?:</\1(?=[\s/>])[^>]*(?:>|\Z)|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_VALUE = r"(?:\"[^\"]*+\"|'[^']*+'|[^\s>]*+)"
_ATTRIBUTE = rf"[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+{_VALUE})?+"
_OPEN_TAG = re.compile(rf"<([a-zA-Z][^\s/>]*+)((?:{_ATTRIBUTE})*+)[\s/]*+(?:>|\Z)")
_ONE_ATTRIBUTE = re.compile(_ATTRIBUTE)
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,20})[^>]*>?")
# Never open, or closed by their own next of kin.
_NOT_NESTING = frozenset(
    {
        "br",
        "hr",
        "img",
        "input",
        "wbr",
        "col",
        "area",
        "source",
        "track",
        "param",
        "meta",
        "link",
        "base",
        "embed",
        "frame",
    }
    | {"p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "optgroup", "colgroup"}
)


def guarded(html: str) -> str:
    """The HTML without comments, scripts and styles, within the limits. Its text is kept up to MAX_CHARACTERS."""
    html = _RAW_TEXT.sub(" ", html.replace("\x00", ""))
    if len(html) > MAX_CHARACTERS:
        html = html[:MAX_CHARACTERS].rpartition("<")[0] or html[:MAX_CHARACTERS]
    html = _OPEN_TAG.sub(_with_few_attributes, html)
    return _flattened(html) if html.count("<") > MAX_OPEN_TAGS else html


def _with_few_attributes(tag: re.Match[str]) -> str:
    if tag.end() - tag.start() < _LONG_TAG:
        return tag[0]
    for number, _ in enumerate(_ONE_ATTRIBUTE.finditer(tag[2])):
        if number >= MAX_ATTRIBUTES:
            return f"<{tag[1]}>"
    return tag[0]


def _flattened(html: str) -> str:
    """Without the tags that open deeper than MAX_OPEN_TAGS. A closing tag counts only if such a tag is open."""
    open_tags: Counter[str] = Counter()
    depth = 0

    def keep(tag: re.Match[str]) -> str:
        nonlocal depth
        name = tag[2].lower()
        if name in _NOT_NESTING:
            return tag[0]
        if tag[1]:
            if open_tags[name] > 0:
                open_tags[name] -= 1
                depth -= 1
            return tag[0]
        if depth >= MAX_OPEN_TAGS:
            return " "
        open_tags[name] += 1
        depth += 1
        return tag[0]

    return _ANY_TAG.sub(keep, html)
