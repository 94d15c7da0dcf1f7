"""When the end of a secret is warned of."""

from typing import Any

import pytest

from common import metrics
from common.db import Database
from inbound.mailboxes.expiring import DAY, Due, Expiring, due
from tests.inbound import rig
from tests.inbound.signing import settings

NOW = 1_000_000_000.0


@pytest.mark.parametrize(
    ("state", "days", "told", "expected"),
    [
        ("good", 31, None, Due("good", None)),
        (None, 400, None, Due(None, None)),
        ("good", 30.5, None, Due("good", None)),
        ("good", 29.9, None, Due("expiring", 29)),  # thirty days ahead, once
        ("expiring", 29, None, Due("expiring", None)),
        ("expiring", 8, 29, Due("expiring", None)),
        ("expiring", 6.9, 29, Due("expiring", 6)),  # and again in the last week
        ("expiring", 6.5, 6, Due("expiring", None)),
        ("expiring", 5.9, 6, Due("expiring", 5)),  # each day
        ("expiring", 6.9, None, Due("expiring", 6)),  # by a process that has told nothing yet
        ("expiring", -3, 1, Due("expiring", 0)),
        ("expiring", -4, 0, Due("expiring", None)),
        ("expiring", 200, 5, Due("good", None)),  # there is a new secret
        ("reconnect", 3, None, Due("reconnect", None)),
    ],
)
def test_what_is_said_of_a_secret(state: str | None, days: float, told: int | None, expected: Due) -> None:
    assert due(state, NOW + days * DAY, NOW, told) == expected


def test_a_mailbox_shows_that_its_secret_ends_soon(database: Database) -> None:
    config, now = rig.config(), database.now()
    fields: dict[str, Any] = {"auth": "client_credentials", "provider": "microsoft", "grant_state": "good"}
    soon = rig.add_mailbox(database, config, None, **fields, secret_expires_at=now + 5.5 * DAY)
    later = rig.add_mailbox(database, config, None, **fields, folder="Other", secret_expires_at=now + 90 * DAY)
    never = rig.add_mailbox(database, config, None, folder="Third")
    Expiring(database).look()
    assert [settings(database, id).grant_state for id in (soon, later, never)] == ["expiring", "good", None]
    text = metrics.render().decode()
    assert 'mailbridge_mailbox_grant{state="expiring"} 1.0' in text and 'state="good"} 1.0' in text
