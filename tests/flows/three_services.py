"""The three web applications in this process over SQLite, with everything switched on that has addresses of its own.

inbound and outbound have connect's session keys over HTTP, as in production; behind connect stands a Jira at the wire.
"""

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

import standalone
from common import migrations, sessions
from common.crypto import derive
from common.db import Database
from common.env import Env
from common.serve import Server
from connect import app as connect_app
from inbound import app as inbound_app
from outbound import app as outbound_app
from tests.wire import Wire

MASTER_KEY = b"m" * 32
BASE_URL = "https://mail.example.com"
APP_ID = "ari:cloud:ecosystem::app/11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Services:
    """apps and databases by name (connect, inbound, outbound)."""

    config: standalone.Config
    apps: Mapping[str, Flask]
    databases: Mapping[str, Database]

    def token(self, tenant: str, **changes: Any) -> str:
        """A page session that connect would have signed; of somebody who administers Jira, unless changed."""
        fields = {"account": "somebody", "admin": True, "expires_at": time.time() + sessions.LIFETIME, **changes}
        private = sessions.private_key(derive(MASTER_KEY, "page session"))
        return sessions.issue(private, sessions.Session(tenant, **fields))

    def call(self, service: str, method: str, path: str, token: str | None = None, **sent: Any) -> TestResponse:
        """One request, by a browser without cookies; the answer is read to its end."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        client = self.apps[service].test_client(use_cookies=False)
        return client.open(path, method=method, headers=headers, base_url=BASE_URL, buffered=True, **sent)


@contextmanager
def services(folder: Path, wire: Wire) -> Iterator[Services]:
    """The services over empty databases in `folder`; every address outside is at the wire."""
    with ExitStack() as stack:
        apps: dict[str, Flask] = {}
        server = Server(lambda environ, start: apps["connect"](environ, start), "127.0.0.1", 0)
        server.start()
        stack.callback(server.stop, 1.0)
        config = standalone.Config.read(Env(_environment(folder, wire.url, f"http://127.0.0.1:{server.port}")))
        databases = standalone.open_databases(config.settings.database_url)
        for name, database in databases.items():
            stack.callback(database.close)
            migrations.upgrade(database, name)
        apps["connect"] = connect_app.create_app(config.connect, database=databases["connect"])
        apps["inbound"] = inbound_app.create_app(config.inbound, database=databases["inbound"])
        apps["outbound"] = outbound_app.create_app(config.outbound, database=databases["outbound"])
        yield Services(config, apps, databases)


def _environment(folder: Path, outside: str, connect_url: str) -> dict[str, str]:
    page = folder / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Mailbridge</title>")
    (page / "assets" / "page.js").write_text("export {}")
    (page / "icon.svg").write_text("<svg/>")
    values = {
        "MASTER_KEY": _key(MASTER_KEY),
        "ROLE_KEY": _key(b"i" * 32),
        "ROLE_KEY_INBOUND": _key(b"i" * 32),
        "ROLE_KEY_OUTBOUND": _key(b"o" * 32),
        "DATABASE_URL": f"sqlite:///{folder}/data",
        "BASE_URL": BASE_URL,
        "CONNECT_URL": connect_url,
        "CONNECT_KEYS_URL": f"{outside}/install-keys",
        "FORGE_APP_ID": APP_ID,
        "FORGE_JWKS_URL": f"{outside}/forge/jwks.json",
        "FORGE_GRAPHQL_URL": f"{outside}/graphql",
        "OIDC_ISSUER": outside,
        "OIDC_CLIENT_ID": "mailbridge",
        "OIDC_CLIENT_SECRET": "a-client-secret",
        "OIDC_ALLOWED": "@example.com",
        "MICROSOFT_CLIENT_ID": "mailbridge",
        "MICROSOFT_CLIENT_SECRET": "a-client-secret",
        "ALLOW_PLAIN": "true",
        "ALLOW_NETWORKS": "127.0.0.0/8",
        "PAGE_DIR": str(page),
        "JIRA_TIMEOUT": "2",
        "IMAP_TIMEOUT": "2",
        "SMTP_TIMEOUT": "2",
    }
    return {f"MAILBRIDGE_{name}": value for name, value in values.items()}


def _key(data: bytes) -> str:
    return base64.b64encode(data).decode()
