"""Forge's calls over HTTP with really signed invocation tokens: an installation's life, and who tries to break in."""

import json
import threading
import time
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from common.credentials import Credentials, digest
from connect.forge_manifest import ISSUE_PANEL, PROJECT_PAGE, manifest
from connect.invocation import PAGES
from connect.tables import event as events
from connect.tables import forge as forge_table
from connect.tables import tenant as tenants
from tests.connect.conftest import Connect
from tests.connect.forge_side import APP, CLOUD, KID, OTHER, Cloud, kept, long_ago, tenant_of
from tests.connect.forge_side import ForgeSite as Site
from tests.connect.jira_side import PRIVATE, STRANGER, pem
from tests.connect.test_forge_events import COMMENTED, UPDATED
from tests.connect.test_tokens import hs256
from tests.connect.test_vending import ask
from tests.contracts import contract
from tests.wire import Wire

PATHS = ["/forge/events", "/forge/installed", "/forge/upgraded", "/forge/tick", "/forge/uninstalling"]


@pytest.fixture
def site(forge_site: Site) -> Site:
    return forge_site


def vended(connect: Connect, tenant: str, refused: str | None = None) -> tuple[int, Any]:
    answer = ask(connect, {"tenant": tenant} | ({"refused": refused} if refused else {}))
    body = answer.json or {}
    return answer.status_code, Credentials.from_json(body) if answer.status_code == 200 else body["detail"]


# --- a life


def test_a_life_from_installation_to_reinstallation(forge: Connect, site: Site) -> None:
    site.install()
    tenant = kept(forge).tenant
    assert tenant_of(forge).state == "enabled"
    status, credentials = vended(forge, tenant)
    assert (status, credentials.scheme, credentials.secret) == (200, "forge", site.token)
    assert (credentials.base_url, credentials.site_url) == (f"{site.wire_url}/ex/jira/{CLOUD}", site.site_url)
    assert (credentials.app_key, credentials.client_key, credentials.email) == (None, None, None)
    keys = credentials.thread_keys

    site.event(UPDATED)
    assert [body["issue_key"] for _, _, body in forge.messages("jira.event")] == ["TEST-1"]

    site.version = "4.0.0"
    upgraded = contract("samples/forge/upgraded-app.json")
    assert site.post("/forge/upgraded", upgraded).status_code == 204
    assert (kept(forge).app_version, kept(forge).scopes) == ("4.0.0", ("read:jira-work",))

    # The token grows old: Jira refuses it, nobody gets it any more, the next tick brings another.
    old = site.token
    assert vended(forge, tenant, digest(old)) == (409, vended(forge, tenant)[1])
    assert "within five minutes" in vended(forge, tenant)[1]
    assert site.post("/forge/tick", token=site.new_token()).status_code == 204
    assert vended(forge, tenant, digest(old))[1].secret == site.token

    assert site.post("/forge/uninstalling").status_code == 204
    assert tenant_of(forge).state == "removed"
    assert vended(forge, tenant)[0] == 404
    with forge.database.read() as tx:
        assert tx.execute(select(events)).all() == []
        assert tx.execute(select(forge_table.c.system_token)).scalars().all() == [None]

    again = Site(site.client, site.cloud, site.wire_url, installation=OTHER)
    again.install()
    assert kept(forge, OTHER).tenant == tenant
    status, credentials = vended(forge, tenant)
    assert (status, credentials.secret, credentials.thread_keys) == (200, again.token, keys)
    told = [(topic, body) for topic, id, body in forge.messages() if id == tenant and topic.startswith("tenant.")]
    assert [topic for topic, _ in told] == ["tenant.changed", "tenant.removed", "tenant.changed"]


def test_what_comes_late_from_a_removed_installation_brings_nothing_back(forge: Connect, site: Site) -> None:
    site.install()
    assert site.post("/forge/uninstalling").status_code == 204
    for path in ("/forge/tick", "/forge/events", "/forge/upgraded", "/forge/uninstalling"):
        assert site.post(path, UPDATED).status_code == 204
    assert tenant_of(forge).state == "removed"
    assert forge.messages("jira.event") == []
    assert site.session(site.page_fit()).status_code == 401
    # An uninstallation that did not take place after all: ticks go on, and the site is served again.
    long_ago(forge, 901)
    assert site.post("/forge/tick").status_code == 204
    assert tenant_of(forge).state == "enabled"
    assert kept(forge).token == site.token


def test_a_reinstalled_site_hears_no_more_of_the_old_installation(forge: Connect, site: Site) -> None:
    site.install()
    new = Site(site.client, site.cloud, site.wire_url, installation=OTHER)
    new.install()
    now = int(time.time())
    late = site.fit(iat=now - 8, exp=now + 17)
    assert site.post("/forge/events", UPDATED, fit=late).status_code == 204
    assert kept(forge, OTHER).token == new.token
    assert forge.messages("jira.event") == []


def test_another_environment_of_one_site_is_another_tenant(forge: Connect, site: Site) -> None:
    site.install()
    staging = Site(site.client, site.cloud, site.wire_url, installation=OTHER)
    app = staging.claims()["app"] | {"environment": {"type": "STAGING"}}
    assert site.post("/forge/installed", fit=staging.fit(app=app), token=staging.token).status_code == 204
    assert kept(forge).tenant != kept(forge, OTHER).tenant
    assert kept(forge).token == site.token


def test_a_site_may_be_renamed(forge: Connect, site: Site) -> None:
    site.install()
    site.site_url = "https://renamed.atlassian.net"
    site.event(UPDATED)
    tenant = forge.store.tenant(kept(forge).tenant)
    assert tenant is not None and tenant.base_url == "https://renamed.atlassian.net"
    assert len(forge.messages("tenant.changed")) == 2


def test_jira_says_the_sites_address_where_forge_does_not(forge: Connect, site: Site, cloud: Cloud) -> None:
    site.site_url, cloud.site = None, "https://told-by-jira.atlassian.net"
    site.install()
    tenant = forge.store.tenant(kept(forge).tenant)
    assert tenant is not None and tenant.base_url == cloud.site
    site.event(UPDATED)
    assert forge.store.tenant(tenant.id) == tenant


def test_a_first_call_waits_while_jira_does_not_say_where_it_is(forge: Connect, site: Site, cloud: Cloud) -> None:
    site.site_url, cloud.site, cloud.api_down = None, "https://told-by-jira.atlassian.net", True
    assert site.post("/forge/installed").status_code == 503
    cloud.api_down = False
    site.install()
    assert tenant_of(forge).state == "enabled"


# --- system tokens


def test_the_newest_system_token_stays_though_calls_overtake_each_other(forge: Connect, site: Site) -> None:
    site.install()
    now, newest = int(time.time()), site.token
    older = site.fit(iat=now - 9, exp=now + 16)
    assert site.post("/forge/tick", fit=older, token="an-older-token").status_code == 204
    assert kept(forge).token == newest
    assert site.post("/forge/tick", token=None).status_code == 204
    assert kept(forge).token == newest
    assert site.post("/forge/tick", fit=site.fit(iat=now + 3, exp=now + 28), token=site.new_token()).status_code == 204
    assert kept(forge).token == site.token != newest


def test_a_refused_token_is_tried_once_more_when_forge_brings_it_again(forge: Connect, site: Site) -> None:
    site.install()
    tenant = kept(forge).tenant
    assert vended(forge, tenant, digest(site.token))[0] == 409
    long_ago(forge, 300)
    assert site.post("/forge/tick").status_code == 204
    assert vended(forge, tenant)[0] == 200


def test_only_the_token_that_stands_here_can_be_refused(forge: Connect, site: Site) -> None:
    site.install()
    tenant = kept(forge).tenant
    assert vended(forge, tenant, digest("another"))[0] == 200
    assert vended(forge, tenant, "not a digest")[0] == 200
    assert ask(forge, {"tenant": tenant, "refused": 7}).status_code == 200


def test_an_old_token_is_tried_on_a_little_at_a_time(forge: Connect, site: Site) -> None:
    site.install()
    tenant = kept(forge).tenant
    assert 3200 < vended(forge, tenant)[1].expires_at - time.time() <= 3300
    long_ago(forge, 7200)
    status, credentials = vended(forge, tenant)
    assert status == 200
    assert 100 < credentials.expires_at - time.time() <= 120


def test_a_site_without_a_token_is_asked_to_wait(forge: Connect, site: Site) -> None:
    assert site.post("/forge/installed", token=None).status_code == 204
    status, detail = vended(forge, kept(forge).tenant)
    assert status == 409 and "every five minutes" in detail


def test_a_system_token_is_not_stored_in_the_clear(forge: Connect, site: Site) -> None:
    site.install()
    with forge.database.read() as tx:
        row = tx.execute(select(forge_table)).mappings().one()
    assert site.token.encode() not in bytes(row["system_token"])


@pytest.mark.parametrize("token", ["two words", "x" * 16_385, "ümlaut", "tab\there"])
def test_a_system_token_that_is_none_is_left_out(forge: Connect, site: Site, token: str) -> None:
    headers = {"Authorization": f"Bearer {site.fit()}", "X-Forge-Oauth-System": token.encode().decode("latin-1")}
    assert site.client.post("/forge/installed", headers=headers).status_code == 204
    assert kept(forge).token is None


def test_calls_that_tell_nothing_new_write_nothing(forge: Connect, site: Site) -> None:
    site.install()
    before = kept(forge)
    for _ in range(3):
        site.event(UPDATED)
    assert kept(forge) == before
    long_ago(forge, 61)
    assert site.post("/forge/tick").status_code == 204
    assert kept(forge).heard_at > before.heard_at - 1


def test_two_first_calls_at_once_make_one_tenant(forge: Connect, site: Site) -> None:
    together = threading.Barrier(4)
    said: list[int] = []

    def call() -> None:
        client = forge.app.test_client()
        fit = site.fit()
        together.wait(10)
        said.append(client.post("/forge/tick", headers={"Authorization": f"Bearer {fit}"}).status_code)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said == [204] * 4
    with forge.database.read() as tx:
        assert len(tx.execute(select(tenants.c.id)).all()) == 1


# --- events


def test_an_event_is_taken_once_however_often_it_comes(forge: Connect, site: Site) -> None:
    retried = {"retryContext": {"retryCount": 1, "retryReason": "TIMEOUT_ERROR", "retryData": None}}
    fit = site.fit()
    for body in (UPDATED, UPDATED | retried, UPDATED | {"eventType": "avi:jira:assigned:issue"}):
        assert site.post("/forge/events", body, fit=fit).status_code == 204
    assert len(forge.messages("jira.event")) == 1
    site.event(COMMENTED)
    assert [body["kind"] for _, _, body in forge.messages("jira.event")] == ["issue_updated", "comment_created"]


def test_an_event_of_a_known_site_asks_nobody(forge: Connect, site: Site, cloud: Cloud, wire: Wire) -> None:
    """Forge waits five seconds: what is slow or down elsewhere must not count."""
    site.install()
    cloud.api_down = cloud.keys_down = cloud.atlassian.jira_down = True
    before = len(wire.calls)
    site.event(UPDATED)
    assert wire.calls[before:] == []
    assert len(forge.messages("jira.event")) == 1


@pytest.mark.parametrize("name", ["created-issue", "updated-issue", "commented-issue", "deleted-comment", "retry"])
def test_atlassians_sample_events_are_taken(forge: Connect, site: Site, name: str) -> None:
    site.event(contract(f"samples/forge/{name}.json"))
    assert len(forge.messages("jira.event")) == 1


def test_what_cannot_be_read_is_said_and_its_token_kept(forge: Connect, site: Site) -> None:
    for body in ([], {"eventType": 7}, UPDATED | {"issue": None}):
        answer = site.post("/forge/events", body)
        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
    headers = {"Authorization": f"Bearer {site.fit()}"}
    assert site.client.post("/forge/events", data=b"[" * 100_000, headers=headers).status_code == 400
    assert site.post("/forge/events", {"eventType": "avi:jira:created:attachment"}).status_code == 204
    assert kept(forge).token == site.token
    assert forge.messages("jira.event") == []


@pytest.mark.parametrize(
    "permissions", [7, {"scopes": "all"}, {"scopes": [7]}, {"scopes": ["x"] * 201}, {"scopes": [""]}]
)
def test_scopes_that_are_none_are_refused(site: Site, permissions: Any) -> None:
    assert site.post("/forge/upgraded", {"permissions": permissions}).status_code == 400


def test_scopes_are_those_of_the_version(forge: Connect, site: Site) -> None:
    site.install()
    other = Site(site.client, site.cloud, site.wire_url, installation=OTHER, cloud_id="another-cloud", version="3.9.1")
    assert kept(forge).scopes is None
    body = {"permissions": {"scopes": ["write:jira-work", "read:jira-work"]}}
    assert other.post("/forge/upgraded", body).status_code == 204
    assert kept(forge).scopes == ("read:jira-work", "write:jira-work")  # of the same major version
    site.version = "4.0.0"
    site.event(UPDATED)
    assert kept(forge).scopes is None


# --- who may not call


def attacks() -> list[tuple[str, Any]]:
    """Invocation tokens by who knows everything but Atlassian's private key, or has a genuine token for something else."""

    def at(seconds: int) -> int:
        """So many seconds from now: when the test runs, not when it was collected."""
        return int(time.time()) + seconds

    def confused(site: Site) -> str:
        return hs256({"alg": "HS256", "kid": KID}, site.claims(), pem(PRIVATE))

    return [
        ("not a token", lambda _: "x.y.z"),
        ("empty", lambda _: ""),
        ("alg none", lambda site: jwt.encode(site.claims(), "", "none", headers={"kid": KID})),
        ("HS256 with the public key", confused),
        ("another algorithm of RSA", lambda site: site.fit(alg="RS512")),
        ("another key under Atlassian's kid", lambda site: site.fit(key=STRANGER)),
        ("another key under its own kid", lambda site: site.fit(key=STRANGER, kid="mine")),
        ("no kid", lambda site: site.fit(kid=None)),
        ("a kid that is an address", lambda site: site.fit(kid="http://evil.example/jwks.json")),
        ("a kid that climbs", lambda site: site.fit(kid=f"../{KID}")),
        ("another app", lambda site: site.fit(aud="ari:cloud:ecosystem::app/other")),
        ("several apps", lambda site: site.fit(aud=[APP, "ari:cloud:ecosystem::app/other"])),
        ("another issuer", lambda site: site.fit(iss="forge")),
        ("no issuer", lambda site: site.fit(iss=None)),
        ("expired", lambda site: site.fit(iat=at(-60), nbf=at(-60), exp=at(-35))),
        ("not yet", lambda site: site.fit(nbf=at(60))),
        ("issued in future", lambda site: site.fit(iat=at(60), exp=at(85))),
        ("without an end", lambda site: site.fit(exp=None)),
        ("of a day's life", lambda site: site.fit(exp=at(86_400))),
    ]


@pytest.mark.parametrize(("name", "make"), attacks(), ids=[name for name, _ in attacks()])
def test_nobody_but_forge_calls(forge: Connect, site: Site, name: str, make: Any) -> None:
    for path in PATHS:
        answer = site.post(path, UPDATED, fit=make(site))
        assert answer.status_code == 401, path
        assert answer.content_type == "application/problem+json"
    assert site.session(make(site)).status_code == 401
    with forge.database.read() as tx:
        assert tx.execute(select(tenants)).all() == []


def test_an_embedded_key_is_not_looked_at(site: Site) -> None:
    header = {"kid": KID, "jku": "http://evil.example/jwks.json", "jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}
    token = jwt.encode(site.claims(), STRANGER, "RS256", headers=header)
    assert site.post("/forge/tick", fit=token).status_code == 401


def test_without_a_token_nobody_calls(site: Site) -> None:
    for path in PATHS:
        for headers in ({}, {"Authorization": f"JWT {site.fit()}"}, {"Authorization": "Bearer "}):
            assert site.client.post(path, json={}, headers=headers).status_code == 401


def test_while_the_keys_cannot_be_had_forge_is_asked_to_come_again(site: Site, cloud: Cloud) -> None:
    cloud.keys_down = True
    for path in PATHS:
        assert site.post(path, UPDATED).status_code == 503
    assert site.session(site.page_fit()).status_code == 503


@pytest.mark.parametrize(
    "api",
    [
        "https://api.atlassian.com.evil.example/ex/confluence/x",
        "https://evil.example/ex/jira/",
        "https://user@evil.example/ex/jira/x",
        "https://api.atlassian.com/ex/jira/../../admin",
        "https://api.atlassian.com/ex/jira/x?y=1",
        "ftp://api.atlassian.com/ex/jira/x",
        "",
        7,
        None,
    ],
)
def test_an_api_elsewhere_is_not_taken(forge: Connect, site: Site, api: Any) -> None:
    app = site.claims()["app"] | {"apiBaseUrl": api}
    answer = site.post("/forge/tick", fit=site.fit(app=app, context=None))
    assert answer.status_code == 400
    assert "apiBaseUrl" in json.loads(answer.data)["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"app": []},
        {"app": None},
        {"context": []},
        {"context": {"cloudId": "another"}},
        {"context": {"extension": 7}},
    ],
)
def test_claims_that_make_no_sense_are_refused(site: Site, changes: dict[str, Any]) -> None:
    assert site.post("/forge/tick", fit=site.fit(**changes)).status_code == 400


def test_without_a_forge_app_there_is_no_forge(connect: Connect, cloud: Cloud, wire: Wire) -> None:
    site = Site(connect.app.test_client(), cloud, wire.url)
    assert {site.post(path).status_code for path in PATHS} == {404}
    assert site.session(site.page_fit()).status_code == 401


# --- pages


def test_a_person_at_a_page_gets_a_session(forge: Connect, site: Site) -> None:
    site.install()
    answer = site.session(site.page_fit("alice"))
    assert answer.status_code == 200, answer.text
    body = answer.json or {}
    assert (body["account"], body["admin"], body["tenant"]) == ("alice", True, kept(forge).tenant)
    assert (body["scheme"], body["site"], body["project"], body["issue"]) == ("forge", site.site_url, None, None)
    assert (site.session(site.page_fit("bob")).json or {})["admin"] is False


def test_a_page_names_its_project_or_issue(site: Site) -> None:
    site.install()
    project = {"type": "jira:projectSettingsPage", "project": {"id": "10000", "key": "TEST"}}
    panel = {"type": "jira:issuePanel", "issue": {"id": 10100, "key": "TEST-1"}, "project": {"id": "10000"}}
    named = []
    for extension in (project, panel):
        body = site.session(site.page_fit("bob", extension)).json or {}
        named.append((body["project"], body["issue"]))
    assert named == [("10000", None), (None, "10100")]


def test_an_invocation_token_is_good_for_one_session(site: Site) -> None:
    site.install()
    fit = site.page_fit()
    assert [site.session(fit).status_code for _ in range(2)] == [200, 401]
    assert site.session(site.page_fit(jti=None)).status_code == 401


def test_a_call_without_a_person_gets_no_session(site: Site) -> None:
    site.install()
    for fit in (site.fit(), site.page_fit(None), site.page_fit(principal="")):
        assert site.session(fit).status_code == 403


def test_two_people_in_one_token_are_refused(site: Site) -> None:
    context = {"cloudId": CLOUD, "accountId": "alice", "extension": {"type": "jira:adminPage"}}
    assert site.session(site.fit(context=context, principal="bob")).status_code == 400


def test_a_page_cannot_speak_as_forge(forge: Connect, site: Site) -> None:
    """A person can make their own page call any path with any body, by Atlassian's own proxy."""
    site.install()
    token = site.token
    module = site.claims()["app"]
    fits = [
        site.page_fit,
        lambda: site.page_fit("bob", {"type": "jira:issuePanel", "issue": {"id": "1"}}),
        lambda: site.fit(app=module | {"module": {"type": "jira:adminPage", "key": "x"}}),
        lambda: site.fit(app=module | {"module": {"type": "core:endpoint", "key": "page"}}),
    ]
    for make in fits:
        for path in PATHS:
            answer = site.post(path, UPDATED, fit=make(), token="a-token-of-their-own")
            assert answer.status_code == 403, path
    assert kept(forge).token == token
    assert tenant_of(forge).state == "enabled"
    assert forge.messages("jira.event") == []


def test_the_pages_of_the_manifest_are_known_as_pages() -> None:
    modules = manifest("https://mail.example.com", APP, {})["modules"]
    pages = [
        page for name, entries in modules.items() if name.startswith("jira:") for page in entries if "resolver" in page
    ]
    assert {page["key"] for page in pages} | {page["resolver"]["endpoint"] for page in pages} == PAGES
    assert {PROJECT_PAGE, ISSUE_PANEL} < PAGES


def test_a_session_brings_no_system_token(forge: Connect, site: Site) -> None:
    """Who sees an invocation token in their own browser could send a token of theirs beside it."""
    headers = {"Authorization": f"Bearer {site.page_fit()}", "X-Forge-Oauth-System": site.new_token()}
    assert site.client.post("/api/connect/session", headers=headers).status_code in (409, 503)
    assert kept(forge).token is None


def test_a_session_of_one_site_says_nothing_about_another(forge: Connect, site: Site) -> None:
    site.install()
    other = Site(site.client, site.cloud, site.wire_url, installation=OTHER, cloud_id="another-cloud")
    assert other.post("/forge/installed").status_code == 204
    body = site.session(site.page_fit()).json or {}
    assert body["tenant"] == kept(forge).tenant != kept(forge, OTHER).tenant
