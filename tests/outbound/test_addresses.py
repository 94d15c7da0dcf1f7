"""By which way each account is reached: visible, e-mail API, profile, look-up user, and what is remembered of the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from common import migrations
from common.db import open_database
from common.errors import Temporary
from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from common.vendor import Vendor
from outbound import store_people
from outbound.addresses import Addresses
from outbound.asking import KEPT, Asking
from outbound.facts import Account
from outbound.reach import PROBED, UNSURE, Reach, may_try
from outbound.tables import email_api
from tests.outbound.conftest import TENANT, settings
from tests.outbound.jira_fake import FakeJira

LOOKUP = {"lookup": {"email": "finder@company.test", "secret": "t"}}
WANDA = Account("wanda", "Wanda")  # as the issue shows her: without an address
NOW = 1_790_000_000.0


class Desk:
    """Addresses over a fake Jira, with a clock of the test's."""

    def __init__(self, url: str) -> None:
        self.jira = FakeJira()
        self.now = 0.0
        self.database = open_database(url, "outbound")
        migrations.upgrade(self.database, "outbound")
        self.renew()

    def renew(self) -> None:
        """As a new process: nothing in memory."""
        vendor = Vendor(Http(Nets.everything()), self.jira.url, "outbound-worker", b"r" * 32)
        sites = JiraSites(Http(Nets.everything()), vendor, settings(self.jira.url))
        self.asking = Asking(4, lambda: self.now)
        self.addresses = Addresses(sites, vendor, self.database, self.asking)

    def of(self, *accounts: Account | str) -> dict[str, Reach]:
        known = {one.id: one for one in accounts if isinstance(one, Account)}
        ids = [one.id if isinstance(one, Account) else one for one in accounts]
        return self.addresses.of(TENANT, ids, known)

    def state(self) -> str:
        with self.database.read() as tx:
            return store_people.email_api_of(tx, TENANT)[0]

    def age(self, seconds: float) -> None:
        with self.database.write() as tx:
            tx.execute(update(email_api).values(checked_at=email_api.c.checked_at - seconds))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(f"sqlite:///{tmp_path}")
    yield desk
    desk.asking.close()
    desk.database.close()
    desk.jira.close()


def test_an_address_that_jira_shows_is_not_asked_for(desk: Desk) -> None:
    assert desk.of(Account("bob", "Bob", address="bob@x.test")) == {"bob": Reach("bob@x.test", "profile")}
    assert desk.jira.paths() == []


def test_where_the_app_is_approved_the_email_api_tells_hidden_ones_once_in_five_minutes(desk: Desk) -> None:
    desk.jira.emails["wanda"] = "wanda@x.test"
    for _ in range(3):
        assert desk.of(WANDA) == {"wanda": Reach("wanda@x.test", "email-api")}
    assert desk.jira.paths() == ["GET /user/email"]
    assert desk.state() == "works"
    desk.now = KEPT + 1
    desk.of(WANDA)
    assert len(desk.jira.paths()) == 2


def test_where_it_is_refused_nobody_asks_again_for_a_day_and_then_finds_out(desk: Desk) -> None:
    assert desk.of(WANDA, "zoe", "max") == {"wanda": Reach(None), "zoe": Reach(None), "max": Reach(None)}
    assert desk.jira.paths().count("GET /user/email") == 1
    assert desk.state() == "refused"
    desk.renew()
    desk.of(WANDA)
    assert desk.jira.paths().count("GET /user/email") == 1
    desk.jira.emails["wanda"] = "wanda@x.test"
    desk.age(PROBED + 1)
    desk.renew()
    assert desk.of(WANDA) == {"wanda": Reach("wanda@x.test", "email-api")}
    assert desk.state() == "works"


def test_an_approval_that_ended_is_found_out_at_once(desk: Desk) -> None:
    desk.jira.emails["wanda"] = "wanda@x.test"
    desk.of(WANDA)
    desk.jira.emails.clear()
    assert desk.of("zoe") == {"zoe": Reach(None)}
    assert desk.state() == "refused"


def test_with_an_api_token_the_email_api_is_never_tried(desk: Desk) -> None:
    desk.jira.credentials = {"scheme": "token", "email": "admin@x.test", "account_id": "admin"}
    desk.jira.emails["wanda"] = "wanda@x.test"
    assert desk.of(WANDA) == {"wanda": Reach(None)}
    assert "GET /user/email" not in desk.jira.paths()
    assert desk.of(Account("admin", "Admin")) == {"admin": Reach("admin@x.test", "own")}


def test_somebody_whom_the_issue_did_not_show_is_read_by_their_profile(desk: Desk) -> None:
    desk.jira.shown["zoe"] = "zoe@x.test"
    assert desk.of("zoe") == {"zoe": Reach("zoe@x.test", "profile")}
    desk.jira.answers["/rest/api/3/user"] = 404
    assert desk.of("max") == {"max": Reach(None)}


def test_else_the_look_up_user_is_asked(desk: Desk) -> None:
    desk.jira.seen["wanda"] = "wanda@x.test"
    assert desk.of(WANDA) == {"wanda": Reach(None)}
    desk.jira.credentials = LOOKUP
    desk.renew()
    assert desk.of(WANDA, "zoe") == {"wanda": Reach("wanda@x.test", "lookup"), "zoe": Reach(None)}


def test_a_rate_limit_of_the_email_api_is_waited_for(desk: Desk) -> None:
    desk.jira.answers["/user/email"], desk.jira.retry_after = 429, "9"
    with pytest.raises(Temporary) as caught:
        desk.of(WANDA)
    assert caught.value.retry_after == 9.0
    assert desk.state() == "unknown"


def test_an_api_that_is_not_enabled_stops_nothing(desk: Desk) -> None:
    desk.jira.answers["/user/email"] = 503
    assert desk.of(WANDA) == {"wanda": Reach(None)}
    assert desk.state() == "unknown"
    desk.renew()
    desk.of(WANDA)
    assert desk.jira.paths().count("GET /user/email") == 1
    desk.age(UNSURE + 1)
    desk.renew()
    desk.of(WANDA)
    assert desk.jira.paths().count("GET /user/email") == 2
    desk.age(UNSURE + 1)
    desk.renew()
    desk.jira.answers["/user/email"] = 401
    desk.of(WANDA)
    assert desk.state() == "refused"


def test_a_profile_that_cannot_be_read_now_is_a_fault_not_an_answer(desk: Desk) -> None:
    desk.jira.answers["/rest/api/3/user"] = 500
    with pytest.raises(Temporary):
        desk.of("zoe")


@pytest.mark.parametrize(
    ("scheme", "state", "ago", "tried"),
    [
        ("connect", "unknown", None, True),
        ("forge", "works", 1e9, True),
        ("forge", "works", 1, True),
        ("forge", "refused", PROBED - 1, False),
        ("forge", "refused", PROBED + 1, True),
        ("connect", "unknown", UNSURE - 1, False),
        ("connect", "unknown", UNSURE + 1, True),
        ("token", "works", 1, False),
        ("token", "unknown", None, False),
    ],
)
def test_when_the_email_api_may_be_tried(scheme: str, state: str, ago: float | None, tried: bool) -> None:
    assert may_try(scheme, state, None if ago is None else NOW - ago, NOW) is tried  # type: ignore[arg-type]
