"""Installing an app: signed as Jira signs it, with Jira's bodies; and what an app may get wrong."""

import json

import pytest
import requests

from sandbox import contract
from sandbox.app import Sandbox
from tests.sandbox.connect_app import ConnectApp, JiraCaller
from tests.sandbox.forge_app import Forge, ForgeApp


def install(sandbox: Sandbox, url: str) -> requests.Response:
    return requests.post(f"{sandbox.url}/control/install", json={"base_url": url}, timeout=60)


def test_an_app_is_installed_and_enabled_and_may_then_ask(sandbox: Sandbox, app: ConnectApp) -> None:
    answer = install(sandbox, app.url)
    assert answer.status_code == 201, answer.text
    assert [one.path for one in app.received] == ["/connect/installed", "/connect/enabled"]
    assert app.refused == []
    caller = JiraCaller(sandbox.url, sandbox.parts.site.installations["test.app"])
    assert caller("GET", "/myself").json()["displayName"] == "Mail gateway"
    caller.close()


@pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")
def test_the_lifecycle_bodies_have_the_fields_of_the_samples(sandbox: Sandbox, app: ConnectApp) -> None:
    install(sandbox, app.url)
    requests.post(f"{sandbox.url}/control/uninstall", timeout=60)
    assert [one.body["eventType"] for one in app.received] == ["installed", "enabled", "disabled", "uninstalled"]
    for one in app.received:
        sample = json.loads((contract.FOLDER / "samples" / "connect" / f"{one.body['eventType']}.json").read_text())
        assert one.body.keys() == sample.keys()


def test_a_second_install_keeps_the_client_key_and_gives_a_new_secret(sandbox: Sandbox, app: ConnectApp) -> None:
    install(sandbox, app.url)
    first = app.client_key, app.secret
    install(sandbox, app.url)
    assert app.client_key == first[0]
    assert app.secret != first[1]
    assert app.refused == []


def test_an_app_that_refuses_the_install_is_not_installed(sandbox: Sandbox, app: ConnectApp) -> None:
    app.answer = lambda _request: 500
    answer = install(sandbox, app.url)
    assert (answer.status_code, list(answer.json()["errors"])) == (502, ["base_url"])
    assert "answered 500" in answer.json()["error"]
    assert sandbox.parts.site.installations == {}


@pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")
def test_a_descriptor_that_is_not_valid_is_refused(sandbox: Sandbox, app: ConnectApp) -> None:
    app.descriptor_changes = {"modules": {"webhooks": [{"event": "comment_created", "ur1": "/x"}]}}
    answer = install(sandbox, app.url)
    assert answer.status_code == 502
    assert "not valid" in answer.json()["error"]


def test_nobody_at_the_address_is_said(sandbox: Sandbox) -> None:
    assert install(sandbox, "http://127.0.0.1:9").status_code == 502
    assert install(sandbox, "here").status_code == 400


def test_after_the_uninstall_the_app_may_not_ask(sandbox: Sandbox, app: ConnectApp) -> None:
    install(sandbox, app.url)
    caller = JiraCaller(sandbox.url, sandbox.parts.site.installations["test.app"])
    requests.post(f"{sandbox.url}/control/uninstall", timeout=60)
    assert app.received[-1].path == "/connect/uninstalled"
    assert caller("GET", "/myself").status_code == 401
    caller.close()


def test_after_a_rename_the_app_is_told_by_installed_with_its_old_secret(sandbox: Sandbox, app: ConnectApp) -> None:
    install(sandbox, app.url)
    secret, new = app.secret, sandbox.url.replace("127.0.0.1", "localhost")
    answer = requests.post(f"{sandbox.url}/control/rename", json={"base_url": new}, timeout=60)
    assert answer.json()["failed"] == []
    told = app.received[-1]
    assert (told.path, told.body["baseUrl"], told.body["sharedSecret"]) == ("/connect/installed", new, secret)
    assert "installationId" not in told.body


def test_an_app_that_is_also_a_forge_app_is_told_of_its_installation_there(
    sandbox: Sandbox, app: ConnectApp, remote: ForgeApp, forge: Forge
) -> None:
    body = {"base_url": app.url, "on_forge": True}
    assert requests.post(f"{sandbox.url}/control/install", json=body, timeout=60).status_code == 404
    there = forge.install(remote)["installation"]
    assert requests.post(f"{sandbox.url}/control/install", json=body, timeout=60).status_code == 201
    assert app.received[0].body["installationId"] == there
    install(sandbox, app.url)
    assert "installationId" not in app.received[-1].body
