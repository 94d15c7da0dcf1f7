"""The site that the environment names is attached at the start, whatever its token is worth; accounts are looked at daily."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from common.http import Http
from common.nets import Nets
from connect.attach import Check
from connect.config import JiraSite
from connect.own_site import OwnSite
from connect.tables import site_token
from tests.connect.conftest import Connect
from tests.connect.token_side import ADA, EMAIL, TOKEN, Cloud, Hosted
from tests.wire import Wire


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def hosted(connect: Connect, wire: Wire, cloud: Cloud) -> Hosted:
    wire.answer = cloud
    return Hosted(connect, wire.url)


@pytest.fixture
def named(hosted: Hosted) -> JiraSite:
    return JiraSite(hosted.url, EMAIL, TOKEN)


def start(hosted: Hosted, named: JiraSite | None) -> OwnSite:
    """A worker's start, and its first round."""
    settings = hosted.connect.config.settings
    own = OwnSite(named, hosted.sites, Check(Http(Nets(settings.allow_networks), 5.0), settings))
    own.once()
    return own


def later(hosted: Hosted, seconds: float) -> None:
    with hosted.connect.database.write() as tx:
        tx.execute(update(site_token).values(checked_at=site_token.c.checked_at - seconds))


def test_the_named_site_is_attached_and_checked(hosted: Hosted, named: JiraSite) -> None:
    start(hosted, named)
    shown = hosted.call("GET").json
    assert (shown["site"], shown["state"], shown["account"]["account_id"]) == (hosted.url, "enabled", ADA)
    assert shown["rights"]


def test_nothing_is_named_and_nothing_happens(hosted: Hosted, wire: Wire) -> None:
    start(hosted, None)
    assert wire.calls == [] and hosted.call("GET").json["state"] == "new"


def test_another_start_changes_nothing(hosted: Hosted, named: JiraSite, wire: Wire) -> None:
    start(hosted, named)
    webhook = hosted.call("GET").json["webhook"]
    told = len(hosted.connect.messages("tenant.changed"))
    wire.calls.clear()
    start(hosted, named)
    assert wire.calls == [] and len(hosted.connect.messages("tenant.changed")) == told
    assert hosted.call("GET").json["webhook"] == webhook


def test_another_token_replaces_the_first(hosted: Hosted, named: JiraSite, cloud: Cloud) -> None:
    start(hosted, named)
    cloud.tokens = {"newer"}
    start(hosted, replace(named, token="newer"))
    assert hosted.site().account.token == "newer"
    assert hosted.call("GET").json["state"] == "enabled"


def test_a_token_that_does_not_work_is_shown_and_tried_again(
    hosted: Hosted, named: JiraSite, cloud: Cloud, wire: Wire
) -> None:
    cloud.tokens = set()
    own = start(hosted, named)
    shown = hosted.call("GET").json
    assert (shown["state"], shown["problem"]["field"], shown["site"]) == ("trouble", "api_token", hosted.url)
    wire.calls.clear()
    own.once()
    assert wire.calls == []  # once a minute
    cloud.tokens = {TOKEN}
    later(hosted, 61.0)
    own.once()
    assert hosted.call("GET").json["state"] == "enabled"


def test_an_account_is_looked_at_every_day(hosted: Hosted, named: JiraSite, cloud: Cloud, wire: Wire) -> None:
    own = start(hosted, named)
    wire.calls.clear()
    later(hosted, 3600.0)
    own.once()
    assert wire.calls == []
    cloud.denied = {(None, "ADD_COMMENTS")}
    later(hosted, 86_400.0)
    own.once()
    assert [right["right"] for right in hosted.call("GET").json["rights"] if not right["ok"]] == ["ADD_COMMENTS"]
    cloud.tokens = set()
    later(hosted, 86_400.0)
    own.once()
    shown = hosted.call("GET").json
    assert shown["state"] == "trouble"
    tenant = hosted.connect.store.tenant(hosted.tenant)
    assert tenant is not None and tenant.account_id == ADA  # it is still whom we were


def test_another_named_site_is_not_attached_in_the_place_of_the_first(hosted: Hosted, named: JiraSite) -> None:
    start(hosted, named)
    own = start(hosted, replace(named, url="https://other.atlassian.net"))
    shown = hosted.call("GET").json
    assert (shown["site"], shown["state"]) == (hosted.url, "trouble")
    assert "other.atlassian.net" in shown["problem"]["detail"] and shown["problem"]["remedy"]
    later(hosted, 61.0)
    own.once()
    assert hosted.call("GET").json["state"] == "trouble"
    start(hosted, named)
    later(hosted, 61.0)
    start(hosted, named)
    assert hosted.call("GET").json["state"] == "enabled"


def test_a_conflict_ends_when_the_site_is_said_to_be_renamed(hosted: Hosted, named: JiraSite) -> None:
    start(hosted, replace(named, url="http://old.example"))
    own = start(hosted, named)
    assert hosted.call("GET").json["problem"]["title"] == "The setting names another site"
    body = {"url": hosted.url, "email": EMAIL, "api_token": TOKEN, "renamed": True}
    assert hosted.call("PUT", "", body).status_code == 200
    later(hosted, 86_400.0)
    own.once()
    assert hosted.call("GET").json["state"] == "enabled"
