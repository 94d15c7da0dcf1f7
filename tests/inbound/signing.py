"""The stand-in sign-in service and the stand-in Graph for a test: over HTTP, on a free port."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from sqlalchemy import Row

from common.crypto import Vault
from common.db import Database
from inbound import store_grants, store_sources
from inbound.config import Config
from inbound.sources.grant_secrets import SignedIn
from inbound.sources.opening import secret_aad
from inbound.tables import data_key
from sandbox.graph import pages as graph_pages
from sandbox.graph.mailboxes import GraphMailboxes
from sandbox.http_server import HttpServer
from sandbox.oauth import pages as oauth_pages
from sandbox.oauth.provider import CLIENT, Grant, OauthProvider, sign_in_settings
from tests.inbound import rig

USER = "support@sandbox.test"
SCOPES = {
    "imap": "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    "pop3": "https://outlook.office.com/POP.AccessAsUser.All offline_access",
    "graph": "https://graph.microsoft.com/Mail.ReadWrite offline_access",
}


@dataclass
class Cloud:
    """The providers at `url`, and what they have."""

    url: str
    provider: OauthProvider
    graph: GraphMailboxes

    def config(self, **environment: str) -> Config:
        """Mailbridge set up with them."""
        values = {name.removeprefix("MAILBRIDGE_"): value for name, value in sign_in_settings(self.url).items()}
        return rig.config(**{**values, **environment})

    def granted(self, provider: str = "microsoft", kind: str = "imap", account: str = USER) -> str:
        """Somebody has signed in: the refresh token that they granted."""
        scope = SCOPES[kind] if provider == "microsoft" else "https://mail.google.com/"
        grant = Grant(provider, CLIENT, account, scope)
        self.provider.grants.append(grant)
        return self.provider.new_refresh(grant)

    def answer(self, address: str, account: str = USER) -> dict[str, str]:
        """What a browser comes back with from `address` after the person said yes."""
        url = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = "microsoft" if "microsoft" in url.path else "google"
        return {"state": asked["state"], "code": self.provider.code(name, asked, account)}

    def come_back(self, address: str, account: str = USER) -> str:
        """The same as a path of ours with its query."""
        return "/api/inbound/sign-in/callback?" + urlencode(self.answer(address, account))


@contextmanager
def cloud() -> Iterator[Cloud]:
    """Both stand-ins, on loopback."""
    server, provider, graph = HttpServer("127.0.0.1", 0), OauthProvider(), GraphMailboxes()
    app = Flask("cloud")
    app.register_blueprint(oauth_pages.blueprint(provider))
    app.register_blueprint(graph_pages.blueprint(graph, provider))
    server.serve_with(app.wsgi_app)
    server.start()
    try:
        yield Cloud(f"http://127.0.0.1:{server.port}", provider, graph)
    finally:
        server.stop()


def add_signed_in(database: Database, config: Config, refresh: str, **changes: Any) -> str:
    """A mailbox of auth oauth with this refresh token; its id."""
    secret = SignedIn(refresh, changes.pop("account", USER)).text()
    fields = {"auth": "oauth", "provider": "microsoft", "username": USER, "address": USER, "secret": secret}
    return rig.add_mailbox(database, config, None, **{**fields, **changes})


def settings(database: Database, id: str) -> Row[Any]:
    """All columns of a mailbox."""
    with database.read() as tx:
        return store_sources.settings(tx, id)


def secret_of(database: Database, config: Config, id: str) -> str:
    """What is sealed as the mailbox's secret."""
    vault = Vault(config.settings.master_key, data_key)
    with database.read() as tx:
        row = store_sources.settings(tx, id)
        return vault.unseal(tx, row.tenant, row.secret, secret_aad(id)).decode()


def reconnect(database: Database, config: Config, id: str, refresh: str, account: str = USER) -> None:
    """As the sign-in does when the person is back; test_oauth walks the whole way."""
    with database.write() as tx:
        vault = Vault(config.settings.master_key, data_key)
        sealed = vault.seal(tx, rig.TENANT, SignedIn(refresh, account).text().encode(), secret_aad(id))
        store_grants.reconnect(tx, id, sealed)
