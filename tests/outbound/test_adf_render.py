"""Jira's rich text as text and as safe HTML."""

import json
from typing import Any

import pytest

from outbound import adf_render

Node = dict[str, Any]


def doc(*content: Node) -> Node:
    return {"type": "doc", "version": 1, "content": list(content)}


def text(words: str, *marks: str, href: str | None = None) -> Node:
    found: list[Node] = [{"type": mark} for mark in marks]
    found += [{"type": "link", "attrs": {"href": href}}] if href else []
    return {"type": "text", "text": words, "marks": found}


def p(*content: Node) -> Node:
    return {"type": "paragraph", "content": list(content)}


def node(kind: str, *content: Node, **attrs: Any) -> Node:
    return {"type": kind, "attrs": attrs, "content": list(content)}


CASES = [
    ("paragraphs", doc(p(text("One.")), p(text("Two."))), "One.\n\nTwo.", "<p>One.</p><p>Two.</p>"),
    ("emphasis", doc(p(text("a", "strong", "em"))), "a", "<p><em><strong>a</strong></em></p>"),
    ("a break", doc(p(text("a"), node("hardBreak"), text("b"))), "a\nb", "<p>a<br>b</p>"),
    ("a heading", doc(node("heading", text("Top"), level=2)), "Top", "<h2>Top</h2>"),
    ("a heading of no level", doc(node("heading", text("Top"), level=99)), "Top", "<h3>Top</h3>"),
    (
        "a link",
        doc(p(text("here", href="https://a.test/?x=1&y=2"))),
        "here (https://a.test/?x=1&y=2)",
        '<p><a href="https://a.test/?x=1&amp;y=2">here</a></p>',
    ),
    ("a bare link", doc(p(text("https://a.test", href="https://a.test"))), "https://a.test", '<p><a href="https://a.test">https://a.test</a></p>'),
    ("a script link", doc(p(text("here", href="javascript:alert(1)"))), "here", "<p>here</p>"),
    ("a data link", doc(p(text("here", href=" DATA:text/html,x"))), "here", "<p>here</p>"),
    ("a card", doc(p({"type": "inlineCard", "attrs": {"url": "https://a.test/x"}})), "https://a.test/x", '<p><a href="https://a.test/x">https://a.test/x</a></p>'),
    ("markup in text", doc(p(text("<script>&"))), "<script>&", "<p>&lt;script&gt;&amp;</p>"),
    ("a mention", doc(p(node("mention", id="1", text="@Alice"))), "@Alice", "<p>@Alice</p>"),
    ("a nameless mention", doc(p(node("mention", id="1"))), "@someone", "<p>@someone</p>"),
    ("an emoji", doc(p(node("emoji", shortName=":smile:", text="😄"))), "😄", "<p>😄</p>"),
    ("a date", doc(p(node("date", timestamp="1767225600000"))), "2026-01-01", "<p>2026-01-01</p>"),
    ("a date that is none", doc(p(node("date", timestamp="soon"))), "", "<p></p>"),
    ("a file", doc(node("mediaSingle", node("media", alt="fire.png", type="file"))), "[attachment: fire.png]", "<div><div>[attachment: fire.png]</div></div>"),
    ("a quote", doc(node("blockquote", p(text("a")), p(text("b")))), "> a\n>\n> b", None),
    ("code", doc(node("codeBlock", text("if a:\n  b"))), "    if a:\n      b", None),
    ("a rule", doc(p(text("a")), {"type": "rule"}), "a\n\n-----", "<p>a</p><hr>"),
    ("unknown", doc(node("futureThing", p(text("kept")))), "kept", "<div><p>kept</p></div>"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "document", "plain", "html"), CASES, ids=[case[0] for case in CASES])
def test_nodes(name: str, document: Node, plain: str, html: str | None) -> None:
    assert adf_render.to_text(document) == plain
    if html is not None:
        assert adf_render.to_html(document) == html


def test_lists_nest() -> None:
    inner = node("orderedList", node("listItem", p(text("b"))), node("listItem", p(text("c"))), order=3)
    document = doc(node("bulletList", node("listItem", p(text("a")), inner)))
    assert adf_render.to_text(document) == "- a\n  3. b\n  4. c"
    assert (
        adf_render.to_html(document)
        == '<ul><li><p>a</p><ol start="3"><li><p>b</p></li><li><p>c</p></li></ol></li></ul>'
    )


def test_tasks_show_their_state() -> None:
    document = doc(
        node("taskList", node("taskItem", text("a"), state="DONE"), node("taskItem", text("b"), state="TODO"))
    )
    assert adf_render.to_text(document) == "[x] a\n[ ] b"


def test_tables_become_lines() -> None:
    row = node("tableRow", node("tableHeader", p(text("a"))), node("tableCell", p(text("b")), p(text("c"))))
    assert adf_render.to_text(doc(node("table", row, row))) == "a | b c\na | b c"
    assert "<table" in adf_render.to_html(doc(node("table", row)))


def test_deep_and_endless_documents_are_cut() -> None:
    deep = p(text("bottom"))
    for _ in range(5000):
        deep = node("panel", deep)
    assert len(adf_render.to_html(doc(deep))) < 10_000
    assert adf_render.to_text(doc(deep)).endswith("…")
    wide = doc(*[p(text("x")) for _ in range(50_000)])
    assert len(adf_render.to_text(wide)) < 100_000


ODD = [
    None, 1, "text", [], {}, {"content": None}, {"content": "x"}, {"content": [None, 1, "x", []]},
    doc({"type": 5}), doc({"type": "text", "text": 7}), doc({"type": "text", "marks": "x"}), doc({"type": "heading"}),
    doc(node("text")), doc({"type": "paragraph", "attrs": [], "content": {}}), doc(node("orderedList", order="x")),
    doc(p(text("x", href="http://[broken"))), doc({"type": "text", "text": "a\x00b", "marks": [{"type": "subsup", "attrs": {"type": "<b>"}}]}),
]  # fmt: skip


@pytest.mark.parametrize("document", ODD, ids=[json.dumps(one)[:40] for one in ODD])
def test_odd_input_is_survived(document: object) -> None:
    assert "<b>" not in adf_render.to_html(document)
    assert "\x00" not in adf_render.to_text(document)
