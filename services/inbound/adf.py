"""Text and HTML to an Atlassian Document Format document that Jira accepts: valid, complete, within its limit.

Pure; never raises.
"""

from inbound.adf_html import blocks_of as blocks_of_html
from inbound.adf_nodes import Node, document
from inbound.adf_text import blocks_of as blocks_of_text
from inbound.html import tree


def from_text(text: str) -> Node:
    """A doc node of plain text. Of a text too long for Jira the beginning, and a sentence that the rest is attached."""
    return document(blocks_of_text(text.replace("\r\n", "\n").replace("\x00", "")))


def from_html(html: str) -> Node:
    """A doc node of an HTML body, cut like `from_text`. Scripts, styles, hidden text and unsafe links do not get in."""
    return document(blocks_of_html(tree(html)))
