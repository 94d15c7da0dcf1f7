"""Credentials go to the two workers and to nobody else."""

import json
import time
from collections.abc import Iterator

import pytest
from werkzeug.test import TestResponse

from common import thread_tokens
from common.credentials import PATH, Credentials, sign_request
from common.errors import Permanent, Temporary
from common.http import Http
from common.ids import new_id
from common.jira import JiraSites
from common.nets import Nets
from common.serve import Server
from common.vendor import Vendor
from connect.vending import OwnCredentials, thread_key
from tests.connect.conftest import ROLE_KEYS, Connect

INBOUND = "inbound-worker"


def ask(
    connect: Connect,
    body: object,
    *,
    role: str = INBOUND,
    key: bytes = ROLE_KEYS[INBOUND],
    ago: float = 0.0,
    nonce: str | None = None,
) -> TestResponse:
    data = json.dumps(body).encode()
    headers = sign_request(key, role, "POST", PATH, data, time.time() - ago, nonce or new_id())
    return connect.app.test_client().post(PATH, data=data, headers=headers, content_type="application/json")


def test_a_worker_gets_what_it_needs_to_call_a_tenants_jira(connect: Connect) -> None:
    site = connect.installed()
    tenant = connect.tenant(site)
    for role in ROLE_KEYS:
        answer = ask(connect, {"tenant": tenant.id}, role=role, key=ROLE_KEYS[role])
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        got = Credentials.from_json(answer.json or {})
        assert (got.tenant, got.scheme, got.base_url) == (tenant.id, "connect", site.base_url)
        assert (got.app_key, got.client_key, got.secret) == (connect.config.app_key, "site-1", site.secret)
        assert 3500 < got.expires_at - time.time() <= 3600
        assert [key.version for key in got.thread_keys] == [1]


def test_a_thread_key_is_its_tenants_and_outlives_a_removal(connect: Connect) -> None:
    site = connect.installed()
    other = connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets")

    def key(id: str) -> thread_tokens.ThreadKey:
        return Credentials.from_json(ask(connect, {"tenant": id}).json or {}).thread_keys[0]

    first = key(connect.tenant(site).id)
    assert len(first.key) == 32
    assert first != key(connect.tenant(other).id)
    token = thread_tokens.make(first, "10100", new_id(), "ann@example.com")
    site.uninstall()
    site.install()
    assert thread_tokens.check([key(connect.tenant(site).id)], token) is not None
    master = connect.config.settings.master_key
    assert thread_key(master, "t", 1).key != thread_key(master, "t", 2).key != thread_key(b"x" * 32, "t", 2).key


def test_bad_signatures_are_refused(connect: Connect) -> None:
    body = {"tenant": connect.tenant(connect.installed()).id}
    assert ask(connect, body, role="outbound-worker").status_code == 401  # with inbound's key
    assert ask(connect, body, role="fetcher").status_code == 401
    assert ask(connect, body, key=bytes(32)).status_code == 401
    assert ask(connect, body, ago=61).status_code == 401
    assert ask(connect, body, ago=-62).status_code == 401
    client = connect.app.test_client()
    assert client.post(PATH, json=body).status_code == 401
    data = json.dumps(body).encode()
    headers = sign_request(ROLE_KEYS[INBOUND], INBOUND, "POST", PATH, data, time.time(), new_id())
    assert client.post(PATH, data=data + b" ", headers=headers, content_type="application/json").status_code == 401
    assert client.get(PATH, headers=headers).status_code != 200


def test_a_request_counts_once(connect: Connect) -> None:
    body = {"tenant": connect.tenant(connect.installed()).id}
    nonce = new_id()
    assert ask(connect, body, nonce=nonce).status_code == 200
    assert ask(connect, body, nonce=nonce).status_code == 401
    assert ask(connect, body, nonce=nonce, role="outbound-worker", key=ROLE_KEYS["outbound-worker"]).status_code == 401
    assert ask(connect, body).status_code == 200


def test_a_bad_signature_does_not_use_up_a_nonce(connect: Connect) -> None:
    body = {"tenant": connect.tenant(connect.installed()).id}
    nonce = new_id()
    assert ask(connect, body, nonce=nonce, key=bytes(32)).status_code == 401
    assert ask(connect, body, nonce=nonce).status_code == 200


def test_tenants_without_the_app_have_no_credentials(connect: Connect) -> None:
    site = connect.installed()
    id = connect.tenant(site).id
    assert ask(connect, {"tenant": "unknown"}).status_code == 404
    site.enable("disabled")
    assert ask(connect, {"tenant": id}).status_code == 409
    site.enable()
    assert ask(connect, {"tenant": id}).status_code == 200
    site.uninstall()
    assert ask(connect, {"tenant": id}).status_code == 404


@pytest.mark.parametrize("body", [{}, [], None, {"tenant": 7}, {"tenant": ""}])
def test_a_request_that_names_no_tenant_is_refused(connect: Connect, body: object) -> None:
    answer = ask(connect, body)
    assert answer.status_code == 422
    assert list((answer.json or {})["errors"]) == ["tenant"]


def test_connects_own_calls_have_the_same_credentials(connect: Connect) -> None:
    site = connect.installed()
    tenant = connect.tenant(site).id
    source = OwnCredentials(connect.config, connect.store)
    assert source.get(tenant).secret == site.secret
    site.enable("disabled")
    with pytest.raises(Temporary):
        source.get(tenant)
    site.uninstall()
    with pytest.raises(Permanent) as caught:
        source.get(tenant)
    assert caught.value.status == 404


@pytest.fixture
def served(connect: Connect) -> Iterator[str]:
    server = Server(connect.app, "127.0.0.1", 0)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop(1.0)


def test_a_workers_vendor_and_jira_client_work_with_connect_over_http(connect: Connect, served: str) -> None:
    site = connect.installed()
    tenant = connect.tenant(site).id
    http = Http(Nets.everything(), 5.0)
    vendor = Vendor(http, served, INBOUND, ROLE_KEYS[INBOUND])
    jira = JiraSites(http, vendor, connect.config.settings).site(tenant)
    assert jira.myself() == {"accountId": "the-app"}
    with pytest.raises(Permanent) as caught:
        vendor.get("unknown")
    assert caught.value.status == 404
    with pytest.raises(Temporary, match="MAILBRIDGE_ROLE_KEY"):
        Vendor(http, served, INBOUND, bytes(32)).get(tenant)
    http.close()
