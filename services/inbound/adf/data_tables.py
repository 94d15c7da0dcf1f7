"""Which HTML tables hold data, and their cells. Pure."""

from inbound.reading.html import Element
from inbound.reading.htmltext import hidden

_MAX_CELLS = 2_000


def rows_of(table: Element) -> list[list[Element]]:
    """The cells that can be seen, row by row."""
    rows: list[list[Element]] = []
    for child in table.children:
        if isinstance(child, Element):
            if child.tag == "tr":
                cells = [
                    cell
                    for cell in child.children
                    if isinstance(cell, Element) and cell.tag in ("td", "th") and not hidden(cell)
                ]
                if cells and not hidden(child):
                    rows.append(cells)
            elif child.tag in ("tbody", "thead", "tfoot"):
                rows += rows_of(child)
    return rows


def is_data(table: Element, rows: list[list[Element]]) -> bool:
    """Rows and columns of data, and not the layout that mail designers make of tables."""
    if len(rows) < 2 or max(map(len, rows)) < 2 or sum(map(len, rows)) > _MAX_CELLS:
        return False
    if any(_holds_table(cell) for row in rows for cell in row) or table.get("role") == "presentation":
        return False
    if any(cell.tag == "th" for row in rows for cell in row) or table.get("border") not in ("", "0"):
        return True
    return sum(len(row) > 1 for row in rows) * 2 > len(rows)


def _holds_table(element: Element) -> bool:
    stack = list(element.children)
    while stack:
        item = stack.pop()
        if isinstance(item, Element):
            if item.tag == "table":
                return True
            stack.extend(item.children)
    return False
