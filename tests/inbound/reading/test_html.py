"""HTML to our tree and to text, friendly and hostile."""

import pytest

from inbound.reading.html import Element, tree, write
from inbound.reading.htmlguard import MAX_ATTRIBUTES, MAX_OPEN_TAGS, guarded
from inbound.reading.htmltext import text_of, visible_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>lines</p>", "One\n\nTwo\nlines"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ('<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b"),
        ("<table><tr><td>Name</td><td>Ada</td></tr></table>", "Name Ada"),
        ('<span style="display:none">preheader</span>Visible', "Visible"),
        ("a<script>alert(1)</script><style>p{}</style><!-- no -->b", "a b"),
        ("a&nbsp;&amp;&nbsp;b&zwnj;", "a & b"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("no tags at all", "no tags at all"),
        ("", ""),
    ],
)
def test_the_visible_text_of_small_pages(html: str, text: str) -> None:
    assert visible_text(html) == text


def test_quoting_blocks_are_marked_when_asked() -> None:
    marked = text_of(tree("before<blockquote>one<br>two</blockquote>after"), mark_quotes=True)
    assert [line for line in marked.split("\n") if line.strip(" >")] == ["before", "> one", "> two", "after"]


def test_nothing_that_runs_gets_into_the_tree_or_out_of_it() -> None:
    html = '<p onclick="x()">a<iframe src="http://e.x"></iframe><svg onload="x()"><a href="javascript:x()">b</a></svg><form action="x">c</form></p>'
    written = write(tree(html))
    for bad in ("onclick", "iframe", "svg", "onload", "javascript", "action"):
        assert bad not in written


def test_writing_escapes_what_the_tree_holds() -> None:
    assert write(Element("p", {"title": 'a"b'}, ["1 < 2 & 3"])) == '<p title="a&quot;b">1 &lt; 2 &amp; 3</p>'


def test_a_tag_with_thousands_of_attributes_loses_them() -> None:
    html = "<p " + " ".join(f'a{n}="<"' for n in range(MAX_ATTRIBUTES * 20)) + ">text</p>"
    assert guarded(html) == "<p>text</p>"


def test_tags_nested_by_the_thousand_are_flattened_and_their_text_kept() -> None:
    html = "".join(f"<div>{n}" for n in range(5_000)) + "</div>" * 5_000
    assert guarded(html).count("<div>") == MAX_OPEN_TAGS
    assert visible_text(html).split() == [str(n) for n in range(5_000)]


def test_unclosed_paragraphs_and_rows_are_not_nesting() -> None:
    html = "<p>a" * 2_000 + "<table>" + "<tr><td>b" * 2_000 + "</table>"
    assert guarded(html) == html
