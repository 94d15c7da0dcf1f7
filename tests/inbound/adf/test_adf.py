"""Documents that Jira accepts: valid under its schema where that is at hand, and by our own rules always."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft4Validator

from inbound import adf
from inbound.adf.nodes import JIRA_TEXT_LIMIT, REST_IS_ATTACHED, size
from inbound.reading.htmltext import visible_text
from inbound.reading.parse import parse
from tests.inbound.samples import MAILS, SHARED, raw

SCHEMA = SHARED / "contracts" / "adf-full.schema.json"
INSIDE = {
    "doc": {"paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule", "table"},
    "blockquote": {"paragraph", "bulletList", "orderedList", "codeBlock"},
    "listItem": {"paragraph", "bulletList", "orderedList", "codeBlock"},
    "bulletList": {"listItem"},
    "orderedList": {"listItem"},
    "table": {"tableRow"},
    "tableRow": {"tableCell", "tableHeader"},
    "tableCell": {"paragraph", "bulletList", "orderedList", "codeBlock", "blockquote", "heading", "rule"},
    "tableHeader": {"paragraph", "bulletList", "orderedList", "codeBlock", "blockquote", "heading", "rule"},
    "paragraph": {"text", "hardBreak"},
    "heading": {"text", "hardBreak"},
    "codeBlock": {"text"},
}
PAGES = [
    "",
    "<p></p>",
    "<h1>Title</h1><p>a <b>bold</b> <i>it</i> <code>x</code> <a href='https://e.x/?a=1'>link</a></p>",
    "<ul><li>a<ul><li>b</li></ul></li>loose<li><h2>c</h2></li><li></li></ul>",
    "<table border=1><tr><th>a</th><th>b</th></tr><tr><td>1</td></tr><tr><td><table><tr><td>x<td>y<tr><td>1<td>2</table></td><td></td></tr></table>",
    "<blockquote><h1>a</h1><table><tr><td>1<td>2<tr><td>3<td>4</table><blockquote>deep</blockquote><hr></blockquote>",
    "<pre>code\n  more</pre><hr><p><br>x<br><br></p>",
    "<a href='javascript:alert(1)'>a</a><a href='data:text/html,x'>b</a><a href='/rel'>c</a>",
    "<b><p>block in inline</p></b><sub>1</sub><sup>2</sup><u><s>3</s></u>",
    "<div>" * 300 + "deep" + "</div>" * 300,
]


def check(node: dict[str, Any]) -> None:
    for child in node.get("content", ()):
        assert child["type"] in INSIDE[node["type"]], (node["type"], child["type"])
        if child["type"] == "text":
            assert child["text"]
            kinds = [mark["type"] for mark in child.get("marks", ())]
            assert len(kinds) == len(set(kinds)) and ("code" not in kinds or set(kinds) <= {"code", "link"})
        else:
            check(child)
    if node["type"] in (
        "blockquote",
        "listItem",
        "bulletList",
        "orderedList",
        "table",
        "tableRow",
        "tableCell",
        "tableHeader",
    ):
        assert node["content"], node["type"]


def words(node: dict[str, Any]) -> str:
    if node["type"] == "text":
        return str(node["text"])
    return "".join(words(child) for child in node.get("content", ())) + " "


def valid(document: dict[str, Any]) -> None:
    check(document)
    assert (document["version"], document["type"]) == (1, "doc")
    # jsonschema takes minutes for a document of Jira's full size; the own check above holds for those too.
    if SCHEMA.exists() and size(document) < 5_000:
        Draft4Validator(json.loads(SCHEMA.read_text())).validate(document)


@pytest.mark.parametrize("html", PAGES)
def test_every_page_becomes_a_valid_document(html: str) -> None:
    valid(adf.from_html(html))


@pytest.mark.parametrize("name", sorted(path.stem for path in MAILS.glob("*.eml")))
def test_each_of_our_mails_becomes_a_valid_document(name: str) -> None:
    mail = parse(raw(name))
    valid(adf.from_text(mail.text))
    valid(adf.from_html(mail.html))


def test_every_html_body_of_the_corpora_becomes_a_valid_document_that_keeps_its_words() -> None:
    pages = _html_bodies()
    if not pages:
        pytest.skip("../shared/corpora is not here")
    validator = Draft4Validator(json.loads(SCHEMA.read_text())) if SCHEMA.exists() else None
    for name, html in pages:
        document = adf.from_html(html)
        check(document)
        if validator is not None and size(document) < 1_500:
            validator.validate(document)
        # What the document has besides are the names of pictures.
        lost = Counter(re.findall(r"\w+", visible_text(html))) - Counter(re.findall(r"\w+", words(document)))
        assert not lost, name


def _html_bodies() -> list[tuple[str, str]]:
    paths = [path for path in sorted((SHARED / "corpora").rglob("*")) if path.suffix in (".eml", ".txt", ".html")]
    bodies = (
        (path, path.read_text("utf-8", "replace") if path.suffix == ".html" else parse(path.read_bytes()).html)
        for path in paths
    )
    return [(str(path.relative_to(SHARED)), html) for path, html in bodies if html.strip()]


def test_structure_and_emphasis_survive() -> None:
    content = adf.from_html(PAGES[2])["content"]
    assert [block["type"] for block in content] == ["heading", "paragraph"]
    marks = {mark["type"] for node in content[1]["content"] for mark in node.get("marks", ())}
    assert marks == {"strong", "em", "code", "link"}


def test_no_unsafe_link_gets_through_and_its_words_stay() -> None:
    document = adf.from_html(PAGES[7])
    assert "javascript" not in json.dumps(document) and "link" not in json.dumps(document)
    assert words(document).split() == ["abc"]


def test_inline_images_leave_their_name_and_pixels_leave_nothing() -> None:
    document = adf.from_html(
        '<p>See <img src="cid:scan@x" alt="scan.png"> <img src="https://t.x/p.gif" width="1" height="1" alt="p"></p>'
    )
    assert words(document).split() == ["See", "[scan.png]"]


def test_layout_tables_are_laid_out_and_data_tables_stay() -> None:
    assert [
        b["type"]
        for b in adf.from_html("<table><tr><td><table><tr><td>a</td></tr></table></td></tr></table>")["content"]
    ] == ["paragraph"]
    assert [b["type"] for b in adf.from_html("<table><tr><td>a<td>1<tr><td>b<td>2</table>")["content"]] == ["table"]


def test_text_keeps_lines_quotes_lists_and_links() -> None:
    document = adf.from_text("Hello\nAda\n\n> quoted\n>> deeper\n\n- one\n- two\n\nSee https://e.x/a.")
    valid(document)
    assert [b["type"] for b in document["content"]] == ["paragraph", "blockquote", "bulletList", "paragraph"]
    assert document["content"][0]["content"][1] == {"type": "hardBreak"}
    assert document["content"][3]["content"][1]["marks"] == [{"type": "link", "attrs": {"href": "https://e.x/a"}}]


@pytest.mark.parametrize(
    "document",
    [
        adf.from_text("word " * 20_000),
        adf.from_text("line\n\n" * 20_000),
        adf.from_html("<p>word</p>" * 20_000),
        adf.from_html("<table border=1>" + "<tr><td>a<td>b" * 900 + "</table>" + "<p>x</p>" * 9000),
        adf.from_text("\n" * 400_000 + "end"),
    ],
)
def test_what_is_too_long_for_jira_is_cut_and_says_where_the_rest_is(document: dict[str, Any]) -> None:
    valid(document)
    assert words(document).rstrip().endswith(REST_IS_ATTACHED)
    assert size(document) <= JIRA_TEXT_LIMIT
