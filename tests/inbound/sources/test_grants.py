"""Access tokens for mailboxes: rotation, revocation, two processes at once, a process that dies, apps and service accounts."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select, update

from common.db import Database
from common.errors import Temporary
from inbound import store_grants
from inbound.config import Config
from inbound.sources import Unusable
from inbound.sources.grant_secrets import SignedIn, read
from inbound.sources.grants import RECONNECT, Grants
from inbound.sources.opening import grants_for
from inbound.tables import outbox, renewal
from sandbox.oauth.provider import CLIENT, SECRET
from tests.inbound import rig
from tests.inbound.signing import USER, Cloud, add_signed_in, cloud, reconnect, secret_of, settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def _cloud() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


@pytest.fixture
def providers(_cloud: Cloud) -> Cloud:
    _cloud.provider.reset()
    return _cloud


@pytest.fixture
def config(providers: Cloud) -> Config:
    return providers.config()


def refresh_of(database: Database, config: Config, id: str) -> str:
    """The refresh token that is stored."""
    found = read("oauth", secret_of(database, config, id))
    assert isinstance(found, SignedIn)
    return found.refresh


def fresh(grants: Grants, id: str) -> str:
    """A token that was not had before."""
    grants.forget(id, grants.token(id))
    return grants.token(id)


def test_a_token_is_had_once_and_used_until_it_is_old(database: Database, config: Config, providers: Cloud) -> None:
    id = add_signed_in(database, config, providers.granted())
    grants = grants_for(config, database)
    assert grants.token(id) == grants.token(id)
    assert len(providers.provider.asked) == 1
    assert providers.provider.whose(grants.token(id))["email"] == USER


def test_the_newest_refresh_token_is_stored_every_time(database: Database, config: Config, providers: Cloud) -> None:
    """Rivals die silently at 90 days because they keep the first one."""
    providers.provider.settings.rotation = "strict"
    first = providers.granted()
    id = add_signed_in(database, config, first)
    grants = grants_for(config, database)
    seen = {first}
    for _ in range(4):
        fresh(grants, id)
        seen.add(refresh_of(database, config, id))
    assert len(seen) >= 5
    assert settings(database, id).grant_state == "good"
    assert grants_for(config, database).token(id)  # another process goes on from what is stored


def test_a_renewal_does_not_begin_the_mailbox_anew(database: Database, config: Config, providers: Cloud) -> None:
    id = add_signed_in(database, config, providers.granted())
    before = settings(database, id).changed_at
    grants_for(config, database).token(id)
    assert settings(database, id).changed_at == before


def test_google_keeps_its_refresh_token(database: Database, config: Config, providers: Cloud) -> None:
    refresh = providers.granted("google")
    id = add_signed_in(database, config, refresh, provider="google")
    grants_for(config, database).token(id)
    assert refresh_of(database, config, id) == refresh


def test_processes_at_once_never_use_one_refresh_token_twice(
    database_url: str, config: Config, providers: Cloud
) -> None:
    """With a provider that ends everything when a token comes twice, eight processes still go on."""
    with rig.opened(database_url) as database:
        _never_twice(database, config, providers)


def _never_twice(database: Database, config: Config, providers: Cloud) -> None:
    providers.provider.settings.rotation = "strict"
    id = add_signed_in(database, config, providers.granted())
    processes = [grants_for(config, database) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda process: process.token(id), processes))
    assert len(tokens) == 8
    used = [asked["refresh_token"] for asked in providers.provider.asked]
    assert len(used) == len(set(used)) == 8
    assert settings(database, id).grant_state == "good"


def test_threads_of_one_process_share_what_one_of_them_had(
    database: Database, config: Config, providers: Cloud
) -> None:
    id = add_signed_in(database, config, providers.granted())
    grants = grants_for(config, database)
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: grants.token(id), range(6)))) == 1
    assert len(providers.provider.asked) == 1


_ASKS = """
import sys
from pathlib import Path
from common.db import open_database
from inbound.sources.opening import grants_for
from inbound.tables import renewal
from tests.inbound import rig
config = rig.config(MICROSOFT_LOGIN_URL=sys.argv[2], MICROSOFT_CLIENT_ID=sys.argv[3], MICROSOFT_CLIENT_SECRET=sys.argv[4])
grants_for(config, open_database(sys.argv[1], "inbound")).token(sys.argv[5])
"""


def test_killing_between_refresh_and_store_loses_no_mailbox(
    database: Database, tmp_path: Path, config: Config, providers: Cloud
) -> None:
    """The provider has made a new token, and the process that was to store it is gone."""
    refresh = providers.granted()
    id = add_signed_in(database, config, refresh)
    providers.provider.settings.slow = 8.0
    arguments = [f"sqlite:///{tmp_path / 'db'}", config.oauth.microsoft_login_url, CLIENT, SECRET, id]
    process = subprocess.Popen([sys.executable, "-c", _ASKS, *arguments], cwd=ROOT, env={"PYTHONPATH": "services:."})
    try:
        rig.wait_for(lambda: providers.provider.grants[0].good[1:])
    finally:
        process.kill()
        process.wait(10)
    providers.provider.settings.slow = 0.0
    assert refresh_of(database, config, id) == refresh
    with database.write() as tx:  # the minute that a renewal may take passes
        assert tx.execute(update(renewal).values(until=0.0)).rowcount == 1
    assert grants_for(config, database).token(id)
    assert refresh_of(database, config, id) not in (refresh, "")
    assert settings(database, id).grant_state == "good"


def test_a_revoked_grant_turns_the_mailbox_to_reconnect_and_the_provider_is_left_alone(
    database: Database, config: Config, providers: Cloud
) -> None:
    id = add_signed_in(database, config, providers.granted())
    providers.provider.revoke(USER)
    grants = grants_for(config, database)
    for _ in range(3):
        with pytest.raises(Unusable, match=RECONNECT) as caught:
            grants.token(id)
        assert caught.value.field == "secret" and "Sign in again" in caught.value.remedy
    assert settings(database, id).grant_state == "reconnect"
    assert len(providers.provider.asked) == 1


def told(database: Database) -> list[dict[str, Any]]:
    """What outbound is told of."""
    with database.read() as tx:
        return list(tx.execute(select(outbox.c.body).where(outbox.c.topic == "admin.notice")).scalars())


def test_an_admin_is_told_of_a_revoked_grant_once(database: Database, config: Config, providers: Cloud) -> None:
    id = add_signed_in(database, config, providers.granted(), connected_by="alice")
    providers.provider.revoke(USER)

    def ask(grants: Grants) -> None:
        with pytest.raises(Unusable, match=RECONNECT):
            grants.token(id)

    processes = [grants_for(config, database) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, processes))
    ask(grants_for(config, database))
    (body,) = told(database)
    assert (body["kind"], body["mailbox"], body["account_id"]) == ("reconnect", id, "alice")
    assert "invalid_grant" in body["reason"] and "Sign in again" in body["remedy"] and USER in body["own"]
    reconnect(database, config, id, providers.granted())
    assert grants_for(config, database).token(id)
    providers.provider.revoke(USER)
    ask(grants_for(config, database))
    assert len(told(database)) == 2


def test_a_sign_in_while_a_renewal_is_refused_stands(database: Database, config: Config, providers: Cloud) -> None:
    """The refusal was of the old grant: the new one must not be taken for refused."""
    id = add_signed_in(database, config, providers.granted())
    old = settings(database, id).secret
    with database.write() as tx:
        store_grants.reconnect(tx, id, b"another")
    with database.write() as tx:
        assert not store_grants.set_gone(tx, id, old)
    assert settings(database, id).grant_state == "good"


def test_trouble_at_the_provider_is_temporary_and_costs_nothing(
    database: Database, config: Config, providers: Cloud
) -> None:
    id = add_signed_in(database, config, providers.granted())
    providers.provider.settings.fail = 2
    grants = grants_for(config, database)
    for _ in range(2):
        with pytest.raises(Temporary, match="503"):
            grants.token(id)
    assert grants.token(id)
    assert settings(database, id).grant_state == "good"


def test_a_provider_that_cannot_be_reached_is_temporary(database: Database, providers: Cloud) -> None:
    config = providers.config(MICROSOFT_LOGIN_URL="http://127.0.0.1:9")
    id = add_signed_in(database, config, providers.granted())
    with pytest.raises(Temporary, match="refused"):
        grants_for(config, database).token(id)


def test_a_provider_inside_the_network_is_refused(database: Database, providers: Cloud) -> None:
    config = providers.config(ALLOW_NETWORKS="")
    id = add_signed_in(database, config, providers.granted())
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        grants_for(config, database).token(id)
    assert providers.provider.asked == []


def test_a_wrong_client_secret_is_the_operators_to_mend(database: Database, providers: Cloud) -> None:
    config = providers.config(MICROSOFT_CLIENT_SECRET="wrong")
    id = add_signed_in(database, config, providers.granted())
    with pytest.raises(Unusable, match="invalid_client") as caught:
        grants_for(config, database).token(id)
    assert "operator" in caught.value.remedy
    assert settings(database, id).grant_state != "reconnect"  # signing in again would not help


def test_an_app_of_the_customers_own_gets_a_token(database: Database, config: Config, providers: Cloud) -> None:
    providers.provider.apps[("contoso.example", "an-app")] = "app-secret"
    secret = {"tenant": "contoso.example", "client_id": "an-app", "client_secret": "app-secret"}
    id = add_app(database, config, secret)
    grants = grants_for(config, database)
    claims = providers.provider.whose(grants.token(id))
    assert (claims["app"], claims["scope"]) == ("an-app", "https://graph.microsoft.com/.default")
    assert len(providers.provider.asked) == 1
    assert "app-secret" not in str(settings(database, id).secret)


def test_an_app_secret_that_has_expired_is_told_in_words(database: Database, config: Config, providers: Cloud) -> None:
    secret = {"tenant": "contoso.example", "client_id": "another-app", "client_secret": "expired"}
    with pytest.raises(Unusable, match="has expired") as caught:
        grants_for(config, database).token(add_app(database, config, secret))
    assert "secret may have expired" in caught.value.remedy


@pytest.mark.parametrize(
    "secret",
    [
        {"tenant": "contoso.example", "client_id": "an-app"},
        {"tenant": "../common", "client_id": "an-app", "client_secret": "s"},
        {"tenant": "a/b", "client_id": "an-app", "client_secret": "s"},
        {"tenant": "", "client_id": "an-app", "client_secret": "s"},
        [],
    ],
)
def test_an_app_that_is_not_one_is_told_in_words(
    database: Database, config: Config, providers: Cloud, secret: Any
) -> None:
    with pytest.raises(Unusable) as caught:
        grants_for(config, database).token(add_app(database, config, secret))
    assert caught.value.field == "secret" and "tenant" in caught.value.remedy
    assert providers.provider.asked == []


def test_a_service_account_signs_for_the_mailbox(database: Database, config: Config, providers: Cloud) -> None:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    robot = "robot@project.iam.gserviceaccount.test"
    providers.provider.service_accounts[robot] = public.decode()
    secret = json.dumps({"client_email": robot, "private_key": private, "token_uri": "http://evil.test/"})
    id = rig.add_mailbox(database, config, None, auth="service_account", provider="google", secret=secret)
    claims = providers.provider.whose(grants_for(config, database).token(id))
    assert (claims["email"], claims["scope"]) == (USER, "https://mail.google.com/")


def test_a_service_account_with_a_broken_key_is_told_in_words(
    database: Database, config: Config, providers: Cloud
) -> None:
    secret = json.dumps({"client_email": "robot@project.test", "private_key": "-----BEGIN PRIVATE KEY-----\nAAAA"})
    id = rig.add_mailbox(database, config, None, auth="service_account", provider="google", secret=secret)
    with pytest.raises(Unusable, match="cannot be read") as caught:
        grants_for(config, database).token(id)
    assert "key file" in caught.value.remedy


def test_a_renewal_that_another_process_does_is_waited_for(
    database: Database, config: Config, providers: Cloud
) -> None:
    id = add_signed_in(database, config, providers.granted())
    with database.write() as tx:
        assert store_grants.begin_renewal(tx, id, "another", 30.0)
    tokens: list[str] = []
    waiting = threading.Thread(target=lambda: tokens.append(grants_for(config, database).token(id)))
    waiting.start()
    with database.write() as tx:
        store_grants.end_renewal(tx, id, "another")
    waiting.join(60)
    assert len(tokens) == 1


def add_app(database: Database, config: Config, secret: Any) -> str:
    """A mailbox read by an app."""
    fields = {"auth": "client_credentials", "provider": "microsoft", "kind": "graph", "secret": json.dumps(secret)}
    return rig.add_mailbox(database, config, None, **fields)
