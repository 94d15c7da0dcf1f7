"""A manifest that Forge would refuse, or that leads nowhere, is refused with every reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.forge import event_scopes, scopes
from sandbox.forge.manifest import BadManifest
from sandbox.forge.read_manifest import read
from sandbox.jira import api_comments, api_issues, api_people, api_projects, api_search
from sandbox.jira.api import Api
from sandbox.jira.site import Site
from tests.contracts import contract_path
from tests.sandbox.forge_app import APP, ForgeApp

ROOT = Path(__file__).resolve().parents[2]


def whole() -> dict[str, Any]:
    app = ForgeApp("http://sandbox.test")
    app.url = "https://mail.example.com/base/"
    return app.manifest()


def test_a_whole_manifest_is_read() -> None:
    manifest = read(yaml.safe_dump(whole()), event_scopes.known())
    assert manifest.app_ari == APP
    assert {page.kind: page.key for page in manifest.pages} == {
        "jira:adminPage": "admin", "jira:projectSettingsPage": "project", "jira:issuePanel": "panel",
    }  # fmt: skip
    assert manifest.remotes == {"backend": "https://mail.example.com/base"}, "the default region, without the slash"
    assert manifest.schedules[0].minutes == 5
    assert manifest.triggers[0].endpoint.route == "/forge/events" and not manifest.triggers[0].ignore_self
    assert manifest.impersonating == frozenset() and not manifest.inline_styles


def test_scopes_may_say_what_allows_impersonation() -> None:
    given = whole()
    names = given["permissions"]["scopes"]
    given["permissions"]["scopes"] = {name: {"allowImpersonation": name == "write:jira-work"} for name in names}
    manifest = read(yaml.safe_dump(given), event_scopes.known())
    assert manifest.scopes == frozenset(names) and manifest.impersonating == frozenset({"write:jira-work"})


def _event(given: dict[str, Any]) -> None:
    given["modules"]["trigger"][0]["events"].append("avi:jira:exploded:issue")


def _event_scope(given: dict[str, Any]) -> None:
    given["permissions"]["scopes"].remove("read:jira-work")


def _route(given: dict[str, Any]) -> None:
    del given["modules"]["endpoint"][1]["route"]


def _egress(given: dict[str, Any]) -> None:
    given["permissions"]["external"]["fetch"]["backend"] = []


def _token_scope(given: dict[str, Any]) -> None:
    given["permissions"]["scopes"].remove("read:app-system-token")


def _user_token(given: dict[str, Any]) -> None:
    given["modules"]["endpoint"][1]["auth"]["appUserToken"] = {"enabled": True}


def _interval(given: dict[str, Any]) -> None:
    given["modules"]["scheduledTrigger"][0]["interval"] = "minute"


def _filter(given: dict[str, Any]) -> None:
    given["modules"]["trigger"][0]["filter"] = {"expression": "true"}


def _function(given: dict[str, Any]) -> None:
    given["modules"]["preUninstall"][0] = {"key": "before", "function": "tidy"}


def _resource(given: dict[str, Any]) -> None:
    given["resources"] = []


def _twice(given: dict[str, Any]) -> None:
    given["modules"]["jira:issuePanel"][0]["key"] = "admin"


def _region(given: dict[str, Any]) -> None:
    given["remotes"][0]["baseUrl"] = {"EU": "https://eu.example.com"}


def _app(given: dict[str, Any]) -> None:
    given["app"]["id"] = "mailbridge"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_event, "there is no event avi:jira:exploded:issue"),
        (_event_scope, "trigger on-events: avi:jira:created:issue needs read:jira-work"),
        (_route, "endpoint events has no route.path"),
        (_egress, "permissions.external.fetch.backend does not name it"),
        (_token_scope, "endpoint events: its token needs the scope read:app-system-token"),
        (_user_token, "endpoint events wants appUserToken"),
        (_interval, "scheduledTrigger often: interval is none of fiveMinute"),
        (_filter, "the sandbox does not know filter.expression"),
        (_function, "preUninstall before: names a function"),
        (_resource, "there is no resource page"),
        (_twice, "the module key admin is given twice"),
        (_region, "baseUrl is no address"),
        (_app, "app.id is no ari:cloud:ecosystem::app/"),
    ],
)
def test_what_would_not_work_is_refused(spoil: Callable[[dict[str, Any]], None], sentence: str) -> None:
    given = whole()
    spoil(given)
    with pytest.raises(BadManifest) as refused:
        read(yaml.safe_dump(given), event_scopes.known())
    assert any(sentence in problem for problem in refused.value.problems), refused.value.problems


@pytest.mark.parametrize("text", ["[", "- a", "", "app: 5\nmodules: 7\npermissions: x\nremotes: [1]"])
def test_what_is_no_manifest_at_all_is_refused_in_sentences(text: str) -> None:
    with pytest.raises(BadManifest) as refused:
        read(text, event_scopes.known())
    assert refused.value.problems


def test_the_manifests_beside_the_repository_are_read() -> None:
    for name in ("sample", "sample-connect-on-forge"):
        text = contract_path(f"forge/{name}/manifest.yml").read_text(encoding="utf-8")
        assert read(text, event_scopes.known()).pages or name == "sample-connect-on-forge"


def test_the_table_of_scopes_is_what_the_openapi_file_says() -> None:
    contract_path("jira-platform-v3.openapi.json")
    api = Api(Site("http://x", lambda _event: None))
    for module in (api_issues, api_comments, api_people, api_projects, api_search):
        module.add_routes(api)
    wrong = {}
    for operation, _handler in api._operations:
        path = "/rest/api/3" + "/".join("10000" if part.startswith("<") else part for part in operation.path.split("/"))
        stated = scopes.ways(operation.method, path, operation.path)
        if scopes.by_table(operation.method, operation.path) not in stated:
            wrong[f"{operation.method} {operation.path}"] = stated
    assert wrong == {}
