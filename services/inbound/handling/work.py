"""One claimed mail in hand: what was said about it so far, and the ways in which a handling can end. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from common.messages import Message
from inbound.store_steps import Step


@dataclass(frozen=True, slots=True)
class End:
    """The mail is final. outcome: "issue", "comment" or "none"; values: further columns of the ledger row;
    tell: (topic, body) of a message to outbound; done: steps whose end is not recorded yet."""

    state: str
    reason: str | None
    outcome: str = "none"
    values: Mapping[str, Any] = field(default_factory=dict)
    tell: tuple[str, Mapping[str, Any]] | None = None
    done: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Postpone:
    """Go on in so many seconds; why, as a sentence."""

    seconds: float
    why: str


@dataclass
class Work:
    """explanation: sentences for an admin, in order; facts: what the decisions were made of, as JSON; read: columns of the
    ledger that the mail itself tells; answered: what its sender is told by us, or ""."""

    message: Message
    row: Row[Any]
    explanation: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    read: dict[str, Any] = field(default_factory=dict)
    answered: str = ""

    def say(self, *sentences: str) -> None:
        """Add what is not said yet."""
        self.explanation += [text for text in sentences if text and text not in self.explanation]

    def record(self) -> dict[str, Any]:
        """What the ledger keeps: an earlier attempt's decision stands, and this one's is added to it."""
        before = self.row.record or {}
        said = [text for text in before.get("explanation", []) if text not in self.explanation]
        facts = {**before.get("facts", {}), **self.facts}
        answered = {"answered": self.answered} if self.answered else {}
        return {**before, **answered, "explanation": [*said, *self.explanation], "facts": facts}
