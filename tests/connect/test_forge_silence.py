"""An app that was uninstalled without a word is noticed by its silence, and comes back with any call."""

import pytest

from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from connect.silence import EVERY, FORGOTTEN, QUIET, Silence
from connect.store_forge import ForgeStore
from connect.vending import OwnCredentials
from tests.connect.conftest import Connect
from tests.connect.forge_side import Cloud, ForgeSite, kept, long_ago, tenant_of
from tests.connect.test_forge import vended
from tests.connect.test_forge_events import UPDATED


@pytest.fixture
def silence(forge: Connect) -> Silence:
    settings = forge.config.settings
    sites = JiraSites(Http(Nets(settings.allow_networks), 5.0), OwnCredentials(forge.config, forge.store), settings)
    return Silence(forge.store, ForgeStore(forge.database, settings.master_key), sites)


def test_a_site_whose_token_is_refused_after_an_hour_is_silent(
    forge: Connect, forge_site: ForgeSite, silence: Silence, cloud: Cloud
) -> None:
    forge_site.install()
    cloud.alive.clear()
    silence.look()
    assert tenant_of(forge).state == "enabled"  # heard just now
    long_ago(forge, QUIET + 1)
    silence.look()
    tenant = tenant_of(forge)
    assert (tenant.state, kept(forge).refused) == ("silent", True)
    status, detail = vended(forge, tenant.id)
    assert status == 409 and "uninstalled" in detail
    before = len(forge.messages())
    silence.look()
    assert len(forge.messages()) == before  # told once

    forge_site.new_token()
    forge_site.event(UPDATED)
    assert tenant_of(forge).state == "enabled"
    assert vended(forge, tenant.id)[0] == 200
    assert forge.messages("tenant.removed") == []


def test_thirty_days_of_silence_are_a_removal(
    forge: Connect, forge_site: ForgeSite, silence: Silence, cloud: Cloud
) -> None:
    forge_site.install()
    cloud.alive.clear()
    long_ago(forge, FORGOTTEN - 100)
    silence.look()
    assert tenant_of(forge).state == "silent"
    long_ago(forge, 101)
    silence.look()
    silence.look()
    assert tenant_of(forge).state == "removed"
    assert len(forge.messages("tenant.removed")) == 1


@pytest.mark.parametrize("trouble", ["none", "jira is down"])
def test_a_site_that_takes_its_token_or_does_not_answer_is_not_gone(
    forge: Connect, forge_site: ForgeSite, silence: Silence, cloud: Cloud, trouble: str
) -> None:
    forge_site.install()
    cloud.api_down = trouble != "none"
    long_ago(forge, QUIET + 1)
    silence.look()
    assert tenant_of(forge).state == "enabled"


def test_a_site_that_is_not_there_any_more_is_silent(
    forge: Connect, forge_site: ForgeSite, silence: Silence, cloud: Cloud
) -> None:
    forge_site.cloud_id = "gone"  # the wire knows no such site: 404
    cloud.site = "https://gone.atlassian.net"
    forge_site.install()
    long_ago(forge, QUIET + 1)
    silence.look()
    assert tenant_of(forge).state == "silent"


def test_a_site_that_connect_still_serves_is_called_by_connect(
    forge: Connect, forge_site: ForgeSite, silence: Silence, cloud: Cloud
) -> None:
    site = forge.installed()
    forge_site.site_url = site.base_url
    forge_site.install()
    cloud.alive.clear()
    long_ago(forge, QUIET + 1)
    silence.look()
    tenant = forge.tenant(site)
    assert (tenant.scheme, tenant.state) == ("connect", "enabled")
    assert vended(forge, tenant.id)[1].secret == site.secret


def test_connect_and_token_sites_are_not_expected_to_be_heard(forge: Connect, silence: Silence) -> None:
    site = forge.installed()
    silence.look()
    assert forge.tenant(site).state == "enabled"


def test_it_looks_every_ten_minutes_and_not_at_the_start(forge: Connect, forge_site: ForgeSite, cloud: Cloud) -> None:
    clock = [1000.0]
    settings = forge.config.settings
    sites = JiraSites(Http(Nets(settings.allow_networks), 5.0), OwnCredentials(forge.config, forge.store), settings)
    forge_store = ForgeStore(forge.database, settings.master_key)
    silence = Silence(forge.store, forge_store, sites, clock=lambda: clock[0])
    forge_site.install()
    cloud.alive.clear()
    long_ago(forge, QUIET + 1)
    silence.once()
    clock[0] += EVERY - 1
    silence.once()
    assert tenant_of(forge).state == "enabled"
    clock[0] += 1
    silence.once()
    assert tenant_of(forge).state == "silent"
