"""What travels on the bus comes out as it went in, and nothing else is taken for a message."""

import pytest

from common.messages import TOPICS, Message, internal


def test_a_message_comes_out_as_it_went_in() -> None:
    message = Message("a" * 16, "mail.received", "t" * 16, {"mail": "m", "größe": 3, "none": None})
    assert Message.decode(message.encode()) == message


def test_fields_of_a_newer_sender_are_ignored() -> None:
    data = b'{"id":"1","topic":"jira.event","tenant":"t","body":{"new":1},"later":true}'
    assert Message.decode(data).body == {"new": 1}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"id":1,"topic":"jira.event","tenant":"t","body":{}}',
        b'{"id":"1","topic":"jira.event","tenant":"t","body":[]}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_no_message(data: bytes) -> None:
    with pytest.raises(ValueError):
        Message.decode(data)


def test_a_topic_is_internal_when_its_sender_alone_receives_it() -> None:
    assert internal("mail.received") and internal("window.due") and internal("delivery.due")
    assert not internal("jira.event") and not internal("mail.handled") and not internal("tenant.removed")
    assert all(topic.receivers for topic in TOPICS.values())
