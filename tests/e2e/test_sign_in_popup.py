"""The popup of a sign-in in a real browser: asked, sent on, consented, back. What the browser sends by itself is the point."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from common import sessions
from common.serve import Server
from inbound.app import create_app
from sandbox.servers.ports import free_port
from tests.e2e.test_page import browser  # noqa: F401 - a fixture
from tests.inbound import rig
from tests.inbound.signing import USER, Cloud, cloud

pytestmark = pytest.mark.browser
PRIVATE = sessions.private_key(b"s" * 32)


@pytest.fixture
def providers() -> Iterator[Cloud]:
    with cloud() as running:
        yield running


@pytest.fixture
def app(tmp_path: Path, providers: Cloud) -> Iterator[tuple[str, Any]]:
    """Mailbridge's inbound over HTTP: its address, and its application."""

    def keys(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"keys": [sessions.public_jwk(PRIVATE)]}).encode()]

    connect, port = Server(keys), free_port()
    connect.start()
    base = f"http://127.0.0.1:{port}"
    config = providers.config(BASE_URL=base, CONNECT_URL=f"http://127.0.0.1:{connect.port}")
    with rig.database(tmp_path / "db") as database:
        made = create_app(config, database=database)
        server = Server(made, port=port)
        server.start()
        yield base, made
        server.stop(1.0)
    connect.stop(1.0)


@pytest.mark.parametrize("answer", ["Accept", "Refuse"])
def test_a_person_is_asked_goes_on_and_comes_back(browser: Browser, app: tuple[str, Any], answer: str) -> None:  # noqa: F811
    """As inside Jira: the page that began it could set no cookie in this browser."""
    _, made = app
    session = sessions.issue(PRIVATE, sessions.Session(rig.TENANT, "alice", True, time.time() + 600))
    headers = {"Authorization": f"Bearer {session}"}
    begun = made.test_client().post("/api/inbound/sign-in", json={"provider": "microsoft"}, headers=headers).json
    context = browser.new_context()
    try:
        popup = context.new_page()
        popup.goto(begun["url"])
        expect(popup.get_by_text("Go on only if you opened this window yourself")).to_be_visible()
        popup.get_by_role("button").click()
        popup.get_by_label("Account").fill(USER)
        popup.get_by_role("button", name=answer).click()
        expect(popup.get_by_text("You are signed in" if answer == "Accept" else "consent was refused")).to_be_visible()
    finally:
        context.close()
    told = made.test_client().get(f"/api/inbound/sign-in/{begun['state']}", headers=headers).json
    assert told["done"] is True and (told["account"] == USER) == (answer == "Accept")
