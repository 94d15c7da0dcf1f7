"""ADF: what is sound, and what it says as wiki markup."""

from typing import Any

import pytest

from sandbox.jira import adf
from tests.sandbox.documents import doc


def whole(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(content)}


def text(words: str, *marks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"marks": list(marks)} if marks else {})}


def paragraph(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "paragraph", "content": list(content)}


@pytest.mark.parametrize(
    ("document", "markup"),
    [
        (doc("one", "two"), "one\n\ntwo"),
        (whole(paragraph(text("a"), {"type": "hardBreak"}, text("b", {"type": "strong"}))), "a\n*b*"),
        (whole(paragraph(text("x", {"type": "link", "attrs": {"href": "https://e.x"}}), text("c", {"type": "code"}))), "[x|https://e.x]{{c}}"),
        (whole({"type": "heading", "attrs": {"level": 2}, "content": [text("T")]}), "h2. T"),
        (whole({"type": "codeBlock", "content": [text("x = 1")]}), "{code}\nx = 1\n{code}"),
        (whole({"type": "blockquote", "content": [paragraph(text("q"))]}), "{quote}\nq\n{quote}"),
        (whole({"type": "rule"}), "----"),
        (whole(paragraph({"type": "mention", "attrs": {"id": "712020:a"}})), "[~accountid:712020:a]"),
        (
            whole({"type": "bulletList", "content": [{"type": "listItem", "content": [paragraph(text("a")), {"type": "orderedList", "content": [{"type": "listItem", "content": [paragraph(text("b"))]}]}]}]}),
            "* a\n*# b",
        ),
        (whole({"type": "table", "content": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [paragraph(text("1"))]}, {"type": "tableCell", "content": [paragraph(text("2"))]}]}]}), "|1|2|"),
    ],
)  # fmt: skip
def test_a_sound_document_is_told_as_wiki_markup(document: dict[str, Any], markup: str) -> None:
    assert adf.problem(document) is None
    assert adf.wiki(document) == markup


@pytest.mark.parametrize(
    "document",
    [
        None, "text", {}, {"type": "doc"}, {"type": "doc", "version": 2, "content": []}, whole(text("bare")), whole(paragraph(text(""))),
        whole({"type": "sparkle"}), whole({"content": []}), whole(paragraph(text("x", {"type": "blink"}))), whole({"type": "paragraph", "content": "x"}),
    ],
)  # fmt: skip
def test_an_unsound_document_is_refused(document: Any) -> None:
    assert adf.problem(document)


def test_a_document_without_end_is_refused_in_time() -> None:
    deep: dict[str, Any] = paragraph(text("x"))
    for _ in range(500):
        deep = {"type": "blockquote", "content": [deep]}
    assert adf.problem(whole(deep))


def test_a_persons_text_becomes_paragraphs() -> None:
    assert adf.plain(adf.from_text("one\ntwo\r\n\r\nthree\n")) == "one\ntwo\n\nthree"
    assert adf.problem(adf.from_text("one\n\n\n\ntwo")) is None
