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
    ("state", "days", "logged", "told", "expected"),
    [
        ("good", 31, None, None, Due("good", None)),
        (None, 400, None, None, Due(None, None)),
        ("good", 30.5, None, None, Due("good", None)),
        ("good", 29.9, None, None, Due("expiring", 29, 30)),  # thirty days ahead, once
        ("expiring", 29, None, 30, Due("expiring", None, 30)),
        ("expiring", 29, None, None, Due("expiring", None, 30)),  # it was logged by a version that wrote no mail
        ("expiring", 8, 29, 30, Due("expiring", None, 30)),
        ("expiring", 6.9, 29, 30, Due("expiring", 6, 7)),  # and again in the last week
        ("expiring", 6.5, 6, 7, Due("expiring", None, 7)),
        ("expiring", 5.9, 6, 7, Due("expiring", 5, 7)),  # in the log each day
        ("expiring", 6.9, None, 7, Due("expiring", 6, 7)),  # and by a process that has logged nothing yet
        ("good", 3, None, None, Due("expiring", 3, 7)),  # connected in its last week: told once
        ("expiring", -3, 1, 7, Due("expiring", 0, 7)),
        ("expiring", -4, 0, 7, Due("expiring", None, 7)),
        ("expiring", 200, 5, 7, Due("good", None)),  # there is a new secret
        ("reconnect", 3, None, 30, Due("reconnect", None, 30)),
    ],
)
def test_what_is_said_of_a_secret(
    state: str | None, days: float, logged: int | None, told: int | None, expected: Due
) -> None:
    assert due(state, NOW + days * DAY, NOW, logged, told) == expected


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
