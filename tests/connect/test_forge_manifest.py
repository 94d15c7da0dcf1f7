"""The Forge manifest is accepted by Atlassian's own tool, asks for little, and is what stands in frontend/manifest.yml."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from connect.descriptor import descriptor
from connect.forge_manifest import (
    EVENTS,
    PLACEHOLDER_APP,
    PLACEHOLDER_URL,
    ROUTES,
    SCOPES,
    BadArgument,
    main,
    manifest,
    manifest_text,
    regions_of,
)
from tests.contracts import contract

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
BASE = "https://mail.example.com/bridge"
WHOLE = manifest(BASE, PLACEHOLDER_APP, {})
MODULES = WHOLE["modules"]


def test_the_manifest_of_the_repository_is_what_the_tool_writes() -> None:
    assert (FRONTEND / "manifest.yml").read_text(encoding="utf-8") == manifest_text(PLACEHOLDER_URL)


@pytest.mark.parametrize(
    "text",
    [
        manifest_text(PLACEHOLDER_URL),
        manifest_text(BASE, PLACEHOLDER_APP, {"EU": "https://eu.example.com", "US": "https://us.example.com"}),
        manifest_text(BASE, post_as_people=True),
    ],
    ids=["as it stands", "with regions", "posting as people"],
)
def test_atlassians_own_tool_accepts_it(tmp_path: Path, text: str) -> None:
    answer = checked(tmp_path, text)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("sane", "broken", "said"),
    [
        ("avi:jira:created:issue", "avi:jira:created:isue", "there is no event avi:jira:created:isue"),
        ("  - read:jira-work\n", "", "avi:jira:created:issue needs the scope read:jira-work"),
        ("interval: fiveMinute", "interval: tenMinutes", "interval"),
        ("endpoint: tick\n", "endpoint: nowhere\n", "nowhere"),
        ("path: dist", "path: dst", "dst"),
    ],
)
def test_the_check_finds_what_is_wrong(tmp_path: Path, sane: str, broken: str, said: str) -> None:
    text = manifest_text(PLACEHOLDER_URL)
    assert sane in text
    answer = checked(tmp_path, text.replace(sane, broken, 1))
    assert answer.returncode == 1
    assert said in answer.stderr


def checked(folder: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """What the page's `npm run manifest` says of a manifest with a built page beside it."""
    node = shutil.which("node", path=f"{ROOT}/.venv/bin:{os.environ.get('PATH', '')}")
    if node is None or not (FRONTEND / "node_modules" / "@forge" / "manifest").is_dir():
        lacking = "Node.js and the page's packages are needed: run `make setup`"
        pytest.fail(lacking) if os.environ.get("CI") else pytest.skip(lacking)
    (folder / "dist").mkdir()
    (folder / "dist" / "index.html").write_text("<!doctype html>")
    (folder / "manifest.yml").write_text(text, encoding="utf-8")
    command = [node, str(FRONTEND / "scripts" / "manifest.mjs"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_endpoint_is_used_and_every_use_has_its_endpoint() -> None:
    endpoints = {entry["key"] for entry in MODULES["endpoint"]}
    used = {entry["endpoint"] for kind in ("trigger", "scheduledTrigger", "preUninstall") for entry in MODULES[kind]}
    pages = [*MODULES["jira:adminPage"], *MODULES["jira:projectSettingsPage"], *MODULES["jira:issuePanel"]]
    assert endpoints == used | {page["resolver"]["endpoint"] for page in pages}
    assert {entry["key"]: entry["route"]["path"] for entry in MODULES["endpoint"] if "route" in entry} == ROUTES


def test_each_lifecycle_event_has_a_path_of_its_own() -> None:
    by_event = {event: trigger["endpoint"] for trigger in MODULES["trigger"] for event in trigger["events"]}
    assert by_event["avi:forge:installed:app"] == "installed"
    assert by_event["avi:forge:upgraded:app"] == "upgraded"
    assert {by_event[event] for event in EVENTS} == {"events"}


def test_what_the_app_writes_itself_is_told_too() -> None:
    assert all("filter" not in trigger for trigger in MODULES["trigger"])


def test_the_property_is_indexed_as_under_connect() -> None:
    [forge] = MODULES["jira:entityProperty"]
    [connect] = descriptor(BASE, "key")["modules"]["jiraEntityProperties"][0]["keyConfigurations"]
    assert forge["propertyKey"] == connect["propertyKey"]
    assert {entry["path"]: entry["searchAlias"] for entry in forge["values"]} == {
        part["objectName"]: part["alias"] for part in connect["extractions"]
    }


def test_every_scope_has_its_reason_in_the_docs_and_no_other_is_named_there() -> None:
    text = (ROOT / "docs" / "forge.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z:-]+)` \| (.+?) \|$", text, re.M))
    assert rows == SCOPES
    assert WHOLE["permissions"]["scopes"] == list(SCOPES)


def test_a_region_has_its_own_address() -> None:
    [remote] = manifest(BASE, PLACEHOLDER_APP, {"EU": "https://eu.example.com/"})["remotes"]
    assert remote["baseUrl"] == {"default": BASE, "EU": "https://eu.example.com"}


def test_impersonation_is_asked_for_only_when_it_is_wanted() -> None:
    scopes = manifest(BASE, PLACEHOLDER_APP, {}, post_as_people=True)["permissions"]["scopes"]
    assert list(scopes) == list(SCOPES)
    assert [scope for scope, how in scopes.items() if how] == ["read:jira-work", "write:jira-work"]


def test_the_file_holds_what_was_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "manifest.yml"
    app = "ari:cloud:ecosystem::app/11111111-2222-4333-8444-555555555555"
    arguments = [
        "--base-url",
        f"{BASE}/",
        "--app-id",
        app,
        "--region",
        "EU=https://eu.example.com",
        "--out",
        str(target),
    ]
    assert main(arguments) == 0
    written: dict[str, Any] = yaml.safe_load(target.read_text(encoding="utf-8"))
    assert written == manifest(BASE, app, {"EU": "https://eu.example.com"})
    assert written["modules"]["connectToForgeMigration"][0]["willMigrateToForgeBeforeEOS"] == "YES"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--base-url"),
        (["--base-url", "http://mail.example.com"], "--base-url"),
        (["--base-url", "https://"], "--base-url"),
        (["--base-url", "https://a.example:x"], "--base-url"),
        (["--base-url", "https://me:pw@mail.example.com"], "--base-url"),
        (["--base-url", "https://mail.example.com/?a=b"], "--base-url"),
        (["--base-url", BASE, "--app-id", "mailbridge"], "--app-id"),
        (["--base-url", BASE, "--region", "EU"], "--region"),
        (["--base-url", BASE, "--region", "MARS=https://mars.example.com"], "--region"),
        (["--base-url", BASE, "--region", "EU=http://eu.example.com"], "--region EU"),
        (["--base-url", BASE, "--region", "EU=https://a.b", "--region", "EU=https://c.d"], "--region EU"),
        (["--base-url", BASE, "--colour", "red"], "--colour"),
        (["--base-url", BASE, "--out", "/nowhere/at/all/manifest.yml"], "--out"),
    ],
)
def test_a_bad_argument_is_answered_with_one_sentence(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err
    assert said.err.count("\n") == 1


def test_a_region_is_named_once_and_by_its_name() -> None:
    assert regions_of(["EU=https://a.b", "US=https://c.d"]) == {"EU": "https://a.b", "US": "https://c.d"}
    with pytest.raises(BadArgument, match="EU, US"):
        regions_of(["=https://a.b"])


def test_every_call_to_jira_is_covered_by_a_scope() -> None:
    paths = contract("jira-platform-v3.openapi.json")["paths"]
    by_shape = {re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/rest/api/3")): found for path, found in paths.items()}
    asked = {call for file in (ROOT / "services" / "common").glob("jira*.py") for call in calls_in(file.read_text())}
    assert {("POST", "/issue"), ("GET", "/user/email"), ("POST", "/issue/{}/notify")} <= asked
    uncovered = [
        f"{method} {path}"
        for method, path in sorted(asked)
        if not any(
            set(way["scopes"]) <= SCOPES.keys() for way in by_shape[path][method.lower()]["x-atlassian-oauth2-scopes"]
        )
    ]
    assert uncovered == []


def calls_in(source: str) -> set[tuple[str, str]]:
    """Method and path of each `ask(…, "GET", "/issue/{}", …)` in the client's source."""
    return set(re.findall(r'"(GET|POST|PUT|DELETE)",\s*"(/[^"]*)"', source))
