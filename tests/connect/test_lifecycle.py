"""An installation's life over HTTP with really signed tokens, and everybody who tries to break in."""

import json
import time
from collections import Counter
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from common.qsh import qsh
from connect.lifecycle import state_after_install
from connect.tables import data_key, event
from connect.tables import tenant as tenants
from tests.connect.conftest import Connect
from tests.connect.jira_side import BASE_URL, KID, PRIVATE, STRANGER, Atlassian, Site, pem
from tests.connect.test_events import UPDATED
from tests.contracts import contract
from tests.wire import Wire

INSTALLED = "/connect/installed"


def test_a_life_from_installation_to_removal(connect: Connect) -> None:
    site = connect.site()
    site.install()
    tenant = connect.tenant(site)
    assert (tenant.state, tenant.secret, tenant.base_url) == ("installed", site.secret, site.base_url)

    site.enable()
    assert connect.tenant(site).state == "enabled"
    assert site.webhook(UPDATED).status_code == 204

    site.secret = "the-second-shared-secret-of-32-octets"
    site.install()
    rotated = connect.tenant(site)
    assert (rotated.id, rotated.secret, rotated.state) == (tenant.id, site.secret, "enabled")

    site.enable("disabled")
    assert connect.tenant(site).state == "disabled"

    site.uninstall()
    removed = connect.tenant(site)
    assert (removed.state, removed.secret) == ("removed", None)
    assert site.webhook(UPDATED).status_code == 401

    site.install()
    again = connect.tenant(site)
    assert (again.id, again.state, again.secret) == (tenant.id, "installed", site.secret)

    told = Counter(topic for topic, id, _ in connect.messages() if id == tenant.id)
    assert told == {"tenant.changed": 5, "jira.event": 1, "tenant.removed": 1}


def test_removal_forgets_secret_key_and_events(connect: Connect) -> None:
    site, other = connect.installed(), connect.installed(client_key="site-2")
    for one in (site, other):
        assert one.webhook(UPDATED).status_code == 204
    site.uninstall()
    with connect.database.read() as tx:
        left = {table.name: tx.execute(select(table)).mappings().all() for table in (tenants, data_key, event)}
    kept = connect.tenant(other).id
    assert [row["tenant"] for row in left["event"]] == [kept]
    assert [row["tenant"] for row in left["data_key"]] == [kept]
    assert connect.tenant(other).secret == other.secret
    site.uninstall()  # Jira may say it twice
    assert len(connect.messages("tenant.removed")) == 1


def test_a_secret_is_not_stored_in_the_clear(connect: Connect) -> None:
    site = connect.installed()
    with connect.database.read() as tx:
        row = tx.execute(select(tenants)).mappings().one()
    assert site.secret.encode() not in bytes(row["shared_secret"])


def test_a_site_may_be_renamed(connect: Connect) -> None:
    site = connect.installed()
    site.base_url = "https://renamed.atlassian.net/"
    site.install()
    assert connect.tenant(site).base_url == "https://renamed.atlassian.net"


def test_the_key_of_installs_is_fetched_once(connect: Connect, wire: Wire) -> None:
    connect.installed()
    connect.installed(client_key="site-2")
    assert [call.path for call in wire.calls] == [f"/install-keys/{KID}"]


def test_uninstalling_what_was_never_installed_is_fine(connect: Connect) -> None:
    connect.site().uninstall()
    assert connect.messages() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "installed"),
        ("removed", "installed"),
        ("installed", "installed"),
        ("enabled", "enabled"),
        ("disabled", "disabled"),
    ],
)
def test_a_repeated_install_switches_nothing(before: str | None, after: str) -> None:
    assert state_after_install(before) == after


def test_atlassians_sample_bodies_are_taken(connect: Connect) -> None:
    for name in ("installed", "installed.connect-on-forge"):
        body = contract(f"samples/connect/{name}.json") | {"key": connect.config.app_key}
        site = connect.site(client_key=body["clientKey"], secret=body["sharedSecret"])
        assert site.post(INSTALLED, site.atlassian_token(INSTALLED), body).status_code == 204
        assert connect.tenant(site).base_url == "https://acme-test.atlassian.net"
    for name in ("enabled", "disabled"):
        path = f"/connect/{name}"
        body = contract(f"samples/connect/{name}.json") | {"key": connect.config.app_key}
        assert site.post(path, site.tenant_token("POST", path), body).status_code == 204
        assert connect.tenant(site).state == name
    path = "/connect/uninstalled"
    body = contract("samples/connect/uninstalled.json") | {"key": connect.config.app_key}
    assert site.post(path, site.atlassian_token(path), body).status_code == 204
    assert connect.tenant(site).state == "removed"


# --- attacks


def attacks() -> list[tuple[str, Any]]:
    """Tokens for `installed` that have to be refused, made by who knows everything but Atlassian's private key."""
    now = int(time.time())
    good = {"iss": "site-1", "aud": [BASE_URL], "iat": now, "exp": now + 86_400, "qsh": qsh("POST", INSTALLED, "")}

    def hs256(site: Site) -> str:
        return jwt.encode(good, site.secret, "HS256", headers={"kid": KID})

    def confused(site: Site) -> str:
        from tests.connect.test_tokens import hs256 as sign

        return sign({"alg": "HS256", "kid": KID}, good, pem(PRIVATE))

    return [
        ("no token", lambda _: None),
        ("not a token", lambda _: "x.y.z"),
        ("alg none", lambda _: jwt.encode(good, "", "none", headers={"kid": KID})),
        ("HS256 with the tenant's secret", hs256),
        ("HS256 with the public key", confused),
        ("another key under Atlassian's kid", lambda _: jwt.encode(good, STRANGER, "RS256", headers={"kid": KID})),
        ("another key under its own kid", lambda _: jwt.encode(good, STRANGER, "RS256", headers={"kid": "unknown"})),
        ("a kid that climbs", lambda _: jwt.encode(good, PRIVATE, "RS256", headers={"kid": f"x/../{KID}"})),
        ("a kid that is a URL", lambda _: jwt.encode(good, PRIVATE, "RS256", headers={"kid": "http://evil.example/k"})),
        ("no kid", lambda _: jwt.encode(good, PRIVATE, "RS256")),
        ("another issuer", lambda site: site.atlassian_token(INSTALLED, iss="site-2")),
        ("another audience", lambda site: site.atlassian_token(INSTALLED, aud=["https://other.example.com"])),
        ("expired", lambda site: site.atlassian_token(INSTALLED, iat=now - 400, exp=now - 200)),
        # Made when the tests are collected, which may be long before this one is run.
        ("not yet", lambda site: site.atlassian_token(INSTALLED, iat=now + 86_400, exp=now + 86_600)),
        ("another path", lambda site: site.atlassian_token("/connect/uninstalled")),
        ("a context qsh", lambda site: site.atlassian_token(INSTALLED, qsh="context-qsh")),
        ("a webhook's token", lambda site: site.tenant_token("POST", INSTALLED)),
    ]


@pytest.mark.parametrize(("name", "make"), attacks(), ids=[name for name, _ in attacks()])
def test_nobody_but_atlassian_installs_or_replaces_a_secret(connect: Connect, name: str, make: Any) -> None:
    site = connect.site()
    assert site.post(INSTALLED, make(site), site.body("installed")).status_code == 401
    assert connect.store.by_client_key("site-1") is None
    site.install()
    before = connect.tenant(site)
    stolen = site.body("installed", sharedSecret="the-attackers-secret-of-32-octets-xx", baseUrl="https://evil.example")
    answer = site.post(INSTALLED, make(site), stolen)
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert connect.tenant(site) == before


def test_one_site_cannot_speak_for_another(connect: Connect) -> None:
    victim, attacker = (
        connect.installed(),
        connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets"),
    )
    before = connect.tenant(victim)
    # Atlassian's true signature for site-2 with the body of site-1.
    for path, event_ in ((INSTALLED, "installed"), ("/connect/uninstalled", "uninstalled")):
        assert attacker.post(path, attacker.atlassian_token(path), victim.body(event_)).status_code == 401
    path = "/connect/disabled"
    assert attacker.post(path, attacker.tenant_token("POST", path), victim.body("disabled")).status_code == 401
    assert (
        attacker.post(path, attacker.tenant_token("POST", path, iss="site-1"), victim.body("disabled")).status_code
        == 401
    )
    assert connect.tenant(victim) == before


@pytest.mark.parametrize("event_", ["enabled", "disabled"])
def test_switching_needs_the_newest_secret_and_this_very_request(connect: Connect, event_: str) -> None:
    site = connect.installed()
    path = f"/connect/{event_}"
    good = site.tenant_token("POST", path)
    wrong = [
        None,
        site.context_token(),
        site.tenant_token("POST", "/connect/webhooks"),
        site.tenant_token("GET", path),
        site.tenant_token("POST", path, "user=x"),
        site.atlassian_token(path),
        site.tenant_token("POST", path, exp=int(time.time()) - 100),
        site.tenant_token("POST", path, iss="unknown"),
    ]
    for token in wrong:
        assert site.post(path, token, site.body(event_)).status_code == 401
    site.secret = "the-second-shared-secret-of-32-octets"
    site.install()
    assert site.post(path, good, site.body(event_)).status_code == 401
    assert connect.tenant(site).state == "enabled"


def test_uninstalling_with_the_shared_secret_is_refused(connect: Connect) -> None:
    site = connect.installed()
    path = "/connect/uninstalled"
    assert site.post(path, site.tenant_token("POST", path), site.body("uninstalled")).status_code == 401
    assert connect.tenant(site).state == "enabled"


def test_while_atlassians_keys_cannot_be_had_jira_is_asked_to_come_again(
    connect: Connect, atlassian: Atlassian
) -> None:
    atlassian.keys_down = True
    site = connect.site()
    answer = site.post(INSTALLED, site.atlassian_token(INSTALLED), site.body("installed"))
    assert answer.status_code == 503
    atlassian.keys_down = False
    site.install()


def test_a_key_that_is_no_key_is_not_trusted(connect: Connect, atlassian: Atlassian) -> None:
    site = connect.site()
    for junk in (b"", b"<html></html>", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        atlassian.keys[KID] = junk
        answer = site.post(INSTALLED, site.atlassian_token(INSTALLED), site.body("installed"))
        assert answer.status_code == 503
    assert connect.store.by_client_key("site-1") is None


# --- bodies


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"clientKey": None}, "clientKey"),
        ({"clientKey": ""}, "clientKey"),
        ({"clientKey": 7}, "clientKey"),
        ({"clientKey": "x" * 256}, "clientKey"),
        ({"sharedSecret": None}, "sharedSecret"),
        ({"sharedSecret": "short"}, "sharedSecret"),
        ({"baseUrl": None}, "baseUrl"),
        ({"baseUrl": "ftp://acme.atlassian.net"}, "baseUrl"),
        ({"baseUrl": "https://"}, "baseUrl"),
        ({"baseUrl": "https://user@acme.atlassian.net"}, "baseUrl"),
        ({"baseUrl": "https://acme.atlassian.net/?x=1"}, "baseUrl"),
        ({"baseUrl": "https://[::1"}, "baseUrl"),
        ({"baseUrl": "https://acme.atlassian.net:99999"}, "baseUrl"),
        ({"baseUrl": "https://a\r\nb"}, "baseUrl"),
        ({"baseUrl": "https://a; script-src *"}, "baseUrl"),
        ({"productType": "confluence"}, "productType"),
        ({"key": "another-app"}, "key"),
        ({"key": None}, "key"),
    ],
)
def test_a_bad_body_is_refused_by_the_name_of_its_field(connect: Connect, changes: dict[str, Any], named: str) -> None:
    site = connect.site()
    answer = site.post(INSTALLED, site.atlassian_token(INSTALLED), site.body("installed", **changes))
    assert answer.status_code == 422
    assert list(json.loads(answer.data)["errors"]) == [named]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_a_body_that_is_no_json_is_refused(connect: Connect, body: bytes) -> None:
    site = connect.site()
    headers = {"Authorization": f"JWT {site.atlassian_token(INSTALLED)}"}
    assert site.client.post(INSTALLED, data=body, headers=headers).status_code == 400


@pytest.mark.parametrize("body", [[], 7, "x", None])
def test_a_body_that_is_no_object_is_refused(connect: Connect, body: Any) -> None:
    site = connect.site()
    data = json.dumps(body)
    assert site.client.post(INSTALLED, data=data, content_type="application/json").status_code == 422
