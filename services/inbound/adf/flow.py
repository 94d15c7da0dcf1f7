"""ADF blocks under construction, and the style of the text that flows into them. Pure."""

import re
from dataclasses import dataclass, field, replace

from inbound.adf.nodes import Node, text, trimmed

_BLANK = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True, slots=True)
class Style:
    """What text has from the elements around it: marks, and whether its blanks count."""

    marks: tuple[Node, ...] = ()
    pre: bool = False

    def plus(self, mark: Node) -> "Style":
        """The same and this mark, unless there is one of its kind."""
        if any(mark["type"] == other["type"] for other in self.marks):
            return self
        return replace(self, marks=(*self.marks, mark))

    def written(self) -> list[Node]:
        """The marks as ADF takes them together."""
        # Code may only be combined with a link.
        if any(mark["type"] == "code" for mark in self.marks):
            return [mark for mark in self.marks if mark["type"] in ("code", "link")]
        return list(self.marks)


@dataclass
class Flow:
    """Blocks under construction: inline nodes gather until a block boundary makes a paragraph of them."""

    blocks: list[Node] = field(default_factory=list)
    inline: list[Node] = field(default_factory=list)

    def close(self) -> None:
        """A block ends here."""
        content = trimmed(self.inline)
        if content:
            self.blocks.append({"type": "paragraph", "content": content})
        self.inline = []

    def add_text(self, content: str, style: Style) -> None:
        """Text as it stands in HTML: blanks that mean nothing are left out."""
        content = content.replace("\u00a0", " ").replace("\u200b", "")
        if not style.pre:
            content = _BLANK.sub(" ", content)
            if not self.inline or self.inline[-1]["type"] == "hardBreak" or self.inline[-1].get("text", "")[-1:] == " ":
                content = content.lstrip(" ")
        for number, line in enumerate(content.split("\n") if style.pre else [content]):
            if number:
                self.inline.append({"type": "hardBreak"})
            if line:
                self._append(line, style.written())

    def _append(self, line: str, marks: list[Node]) -> None:
        last = self.inline[-1] if self.inline else None
        if last is not None and last["type"] == "text" and last.get("marks", []) == marks:
            self.inline[-1] = text(last["text"] + line, marks)
        else:
            self.inline.append(text(line, marks))
