"""What travels on the bus: small frozen messages with ids (claim check), and who sends which topic to whom.

Pure. Unknown fields of a body are ignored by receivers, so that a newer sender can add some.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `id` is unique and stays the same however often it is sent; `body` is small JSON.

    attempts: how often its sender has sent it by now; 0 where that was not told.
    """

    id: str
    topic: str
    tenant: str
    body: Mapping[str, Any]
    attempts: int = field(default=0, compare=False)

    def encode(self) -> bytes:
        """UTF-8 JSON with the keys id, topic, tenant, body, attempts."""
        fields = {"id": self.id, "topic": self.topic, "tenant": self.tenant, "body": dict(self.body)}
        return json.dumps(
            {**fields, "attempts": self.attempts} if self.attempts else fields,
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Message":
        """The message that `encode` wrote; raises ValueError for anything else."""
        try:
            fields = json.loads(data)
            message = cls(fields["id"], fields["topic"], fields["tenant"], fields["body"], fields.get("attempts", 0))
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not a message: {error!r}") from error
        texts = (message.id, message.topic, message.tenant)
        shaped = isinstance(message.body, dict) and isinstance(message.attempts, int)
        if not all(isinstance(text, str) for text in texts) or not shaped:
            raise ValueError("not a message: a field has the wrong type")
        return message


@dataclass(frozen=True, slots=True)
class Topic:
    """Who sends it, and which services receive a copy each.

    calls_off: a topic whose second copy (see `outbox`) would do harm to the same tenant after a message of this one.
    """

    name: str
    sender: str
    receivers: tuple[str, ...]
    calls_off: str = ""


TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("mail.received", "inbound", ("inbound",)),
        Topic("mail.handled", "inbound", ("outbound",)),
        Topic("mail.bounced", "inbound", ("outbound",)),
        # A person asked to be forgotten (its body names the address): inbound forgets in its own time, outbound when it hears.
        Topic("erasure.due", "inbound", ("inbound",)),
        Topic("person.erased", "inbound", ("outbound",)),
        # A mailbox needs its administrator: outbound finds out whom to write to, one letter a recipient.
        Topic("admin.notice", "inbound", ("outbound",)),
        Topic("notice.due", "outbound", ("outbound",)),
        # A sender is told what became of their mail: a refusal, one letter.
        Topic("mail.notice", "inbound", ("outbound",)),
        Topic("jira.event", "connect", ("outbound",)),
        Topic("window.due", "outbound", ("outbound",)),
        Topic("delivery.due", "outbound", ("outbound",)),
        # Who installs the app again at once must not lose his settings to the echo of the removal.
        Topic("tenant.changed", "connect", ("inbound", "outbound"), calls_off="tenant.removed"),
        Topic("tenant.removed", "connect", ("inbound", "outbound")),
    )
}


def internal(topic: str) -> bool:
    """True if the topic's only receiver is its sender: then the handler's own transaction ends the outbox row."""
    return TOPICS[topic].receivers == (TOPICS[topic].sender,)
