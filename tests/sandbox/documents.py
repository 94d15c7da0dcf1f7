"""Small ADF documents."""

from typing import Any


def doc(*texts: str) -> dict[str, Any]:
    """A paragraph for each text."""
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in texts],
    }
