"""A site that Connect serves moves to Forge, or has both at once, and stays the tenant that it was."""

from typing import Any

import pytest

from common.credentials import digest
from tests.connect.conftest import Connect
from tests.connect.forge_side import INSTALLATION, OTHER, Cloud, ForgeSite, kept, tenant_of
from tests.connect.jira_side import Site
from tests.connect.test_events import COMMENTED as WEBHOOK_COMMENTED
from tests.connect.test_events import UPDATED as WEBHOOK_UPDATED
from tests.connect.test_forge import vended
from tests.connect.test_forge_events import COMMENTED, UPDATED
from tests.wire import Call, Reply, Wire

INSTALLED, UNINSTALLED = "/connect/installed", "/connect/uninstalled"


def install(site: Site, installation: str | None) -> None:
    """Tell of Connect's installation, which names Forge's where the app is Connect on Forge."""
    body = site.body("installed", installationId=installation)
    assert site.post(INSTALLED, site.atlassian_token(INSTALLED), body).status_code == 204


def same_site(forge: Connect, forge_site: ForgeSite) -> Site:
    """The site that Connect serves, of which Forge is going to tell."""
    site = forge.installed()
    forge_site.site_url = site.base_url
    return site


# --- a move


def test_a_site_that_moves_stays_the_same_tenant(forge: Connect, forge_site: ForgeSite) -> None:
    site = same_site(forge, forge_site)
    before = forge.tenant(site)
    forge.store.set_account(before.id, "the-connect-app")
    keys = vended(forge, before.id)[1].thread_keys
    forge_site.install()
    after = tenant_of(forge)
    assert (after.id, after.scheme, after.state, after.base_url) == (before.id, "forge", "enabled", site.base_url)
    assert after.account_id is None  # Forge's app acts as another user
    credentials = vended(forge, before.id)[1]
    assert (credentials.scheme, credentials.secret, credentials.thread_keys) == ("forge", forge_site.token, keys)
    assert forge.messages("tenant.removed") == []


def test_an_event_told_both_ways_is_one(forge: Connect, forge_site: ForgeSite) -> None:
    site = same_site(forge, forge_site)
    forge_site.install()
    forge_site.event(UPDATED)
    assert site.webhook(WEBHOOK_UPDATED).status_code == 204
    assert site.webhook(WEBHOOK_COMMENTED).status_code == 204
    forge_site.event(COMMENTED)
    assert [body["kind"] for _, _, body in forge.messages("jira.event")] == ["issue_updated", "comment_created"]


def test_after_a_move_connect_can_go(forge: Connect, forge_site: ForgeSite) -> None:
    site = same_site(forge, forge_site)
    forge_site.install()
    site.enable("disabled")
    assert tenant_of(forge).state == "enabled"
    site.uninstall()
    tenant = tenant_of(forge)
    assert (tenant.scheme, tenant.state, tenant.secret) == ("forge", "enabled", None)
    assert vended(forge, tenant.id)[1].secret == forge_site.token
    assert site.webhook(WEBHOOK_UPDATED).status_code == 401
    assert forge.messages("tenant.removed") == []


def test_where_forge_goes_and_connect_stays_connect_serves(forge: Connect, forge_site: ForgeSite) -> None:
    site = same_site(forge, forge_site)
    forge_site.install()
    id = kept(forge).tenant
    assert forge_site.post("/forge/uninstalling").status_code == 204
    tenant = forge.tenant(site)
    assert (tenant.id, tenant.scheme, tenant.state, tenant.secret) == (id, "connect", "enabled", site.secret)
    assert vended(forge, id)[1].secret == site.secret


def test_who_only_names_the_site_gets_nothing_of_it(
    forge: Connect, forge_site: ForgeSite, cloud: Cloud, wire: Wire
) -> None:
    """Jira at the site does not take the Connect secret any more: that is not the app which we knew."""
    site = same_site(forge, forge_site)
    before = forge.tenant(site)

    def answer(call: Call) -> Reply:
        return Reply(401) if call.headers.get("authorization", "").startswith("JWT") else cloud(call)

    wire.answer = answer
    forge_site.install()
    assert kept(forge).tenant != before.id
    assert forge.tenant(site) == before


def test_an_unanswered_question_is_asked_again_and_no_second_tenant_made(
    forge: Connect, forge_site: ForgeSite, cloud: Cloud
) -> None:
    site = same_site(forge, forge_site)
    cloud.atlassian.jira_down = True
    for _ in range(2):
        assert forge_site.post("/forge/installed").status_code == 503
    cloud.atlassian.jira_down = False
    forge_site.install()
    assert kept(forge).tenant == forge.tenant(site).id


def test_a_page_that_comes_first_moves_the_site_too(forge: Connect, forge_site: ForgeSite) -> None:
    site = same_site(forge, forge_site)
    assert forge_site.session(forge_site.page_fit()).status_code in (409, 503)  # no token yet
    assert kept(forge).tenant == forge.tenant(site).id


@pytest.mark.parametrize("other", ["https://another.atlassian.net", None])
def test_another_site_is_another_tenant(forge: Connect, forge_site: ForgeSite, cloud: Cloud, other: str | None) -> None:
    site = same_site(forge, forge_site)
    forge_site.site_url, cloud.site = other, "https://told-by-jira.atlassian.net"
    forge_site.install()
    assert kept(forge).tenant != forge.tenant(site).id


# --- Connect on Forge


def test_connect_on_forge_tells_whose_an_installation_is(forge: Connect, forge_site: ForgeSite) -> None:
    site = forge.installed()
    before = forge.tenant(site)
    install(site, INSTALLATION)
    assert forge.tenant(site).scheme == "connect"  # until Forge itself has brought a token
    forge_site.site_url = "https://its-new-name.atlassian.net"
    forge_site.install()
    assert (kept(forge).tenant, tenant_of(forge).scheme) == (before.id, "forge")


def test_forge_first_and_connect_second_are_one_tenant(forge: Connect, forge_site: ForgeSite) -> None:
    forge_site.install()
    first = tenant_of(forge)
    site = forge.site()
    install(site, INSTALLATION)
    tenant = forge.tenant(site)
    assert (tenant.id, tenant.scheme, tenant.state, tenant.secret) == (first.id, "forge", "enabled", site.secret)
    assert vended(forge, tenant.id)[1].secret == forge_site.token
    assert site.webhook(WEBHOOK_UPDATED).status_code == 204


def test_an_old_connect_tenant_takes_over_what_forge_had_begun(forge: Connect, forge_site: ForgeSite) -> None:
    """Forge told of it before anybody knew that it is the site which Connect serves."""
    site = forge.installed()
    forge_site.install()
    double = kept(forge).tenant
    before = forge.tenant(site)
    assert double != before.id
    install(site, INSTALLATION)
    assert (kept(forge).tenant, tenant_of(forge).scheme) == (before.id, "forge")
    assert vended(forge, before.id)[1].secret == forge_site.token
    removed = forge.store.tenant(double)
    assert removed is not None and removed.state == "removed"
    assert [id for _, id, _ in forge.messages("tenant.removed")] == [double]
    install(site, INSTALLATION)  # once more, as at each upgrade
    assert kept(forge).tenant == before.id
    assert len(forge.messages("tenant.removed")) == 1


def test_one_site_cannot_take_anothers_installation(forge: Connect, forge_site: ForgeSite) -> None:
    """A client key that is known has its tenant; an installation that has its Connect half is not given to a second one."""
    forge_site.install()
    install(forge.site(), INSTALLATION)
    first = tenant_of(forge)
    second = forge.site(client_key="site-2", secret="another-shared-secret-of-32-octets")
    install(second, OTHER)
    assert forge.tenant(second).id != first.id
    assert tenant_of(forge) == first


@pytest.mark.parametrize("id", ["", 7, "x" * 256])
def test_an_installation_id_that_is_none_is_refused(forge: Connect, id: Any) -> None:
    site = forge.site()
    answer = site.post(INSTALLED, site.atlassian_token(INSTALLED), site.body("installed", installationId=id))
    assert answer.status_code == 422
    assert list((answer.json or {})["errors"]) == ["installationId"]


# --- Connect alone


def test_a_rotated_secret_a_new_name_and_a_reinstallation_keep_the_tenant(forge: Connect) -> None:
    site = forge.installed()
    id, old = forge.tenant(site).id, site.secret
    site.secret, site.base_url = "the-second-shared-secret-of-32-octets", "https://renamed.atlassian.net"
    install(site, None)
    credentials = vended(forge, id, digest(old))[1]
    assert (credentials.secret, credentials.base_url) == (site.secret, site.base_url)
    site.uninstall()
    assert vended(forge, id)[0] == 404
    site.secret = "the-third-shared-secret-of-32-octets!"
    site.install()
    site.enable()
    assert (forge.tenant(site).id, forge.tenant(site).scheme) == (id, "connect")
    assert vended(forge, id)[1].secret == site.secret


def test_a_site_that_left_forge_for_good_may_come_back_by_connect(forge: Connect, forge_site: ForgeSite) -> None:
    site = same_site(forge, forge_site)
    forge_site.install()
    site.uninstall()
    assert forge_site.post("/forge/uninstalling").status_code == 204
    id = forge.tenant(site).id
    assert forge.tenant(site).state == "removed"
    site.install()
    tenant = forge.tenant(site)
    assert (tenant.id, tenant.scheme, tenant.secret) == (id, "connect", site.secret)
