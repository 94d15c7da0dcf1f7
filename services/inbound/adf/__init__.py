"""Text and HTML to an Atlassian Document Format document that Jira accepts: valid, complete, within its limit.

Pure; never raises.
"""

from inbound.adf.from_html import blocks_of as blocks_of_html
from inbound.adf.from_text import blocks_of as blocks_of_text
from inbound.adf.nodes import JIRA_TEXT_LIMIT, Node, document
from inbound.reading.html import tree

# Far more than Jira takes, blank lines included; what lies behind cannot get in.
_ENOUGH = 8 * JIRA_TEXT_LIMIT


def from_text(text: str) -> Node:
    """A doc node of plain text. Of a text too long for Jira the beginning, and a sentence that the rest is attached."""
    begin = text[:_ENOUGH].replace("\r\n", "\n").replace("\x00", "")
    return document(blocks_of_text(begin), more=len(text) > _ENOUGH)


def from_html(html: str) -> Node:
    """A doc node of an HTML body, cut like `from_text`. Scripts, styles, hidden text and unsafe links do not get in."""
    return document(blocks_of_html(tree(html)))
