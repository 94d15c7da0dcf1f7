"""The page is served with a policy that lets only Jira frame it; without a build it says so."""

import pytest
from werkzeug.test import TestResponse

from connect.descriptor import descriptor
from connect.page import content_security_policy
from connect.store_site import Account, SiteStore
from tests.connect.conftest import Connect

INDEX = '<!doctype html><script type="module" src="/assets/index-abc123.js"></script>'


@pytest.fixture
def built(connect: Connect) -> Connect:
    folder = connect.config.page_dir
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / ".secret").write_text("no")
    (folder / "assets" / "index-abc123.js").write_text("export {}")
    (folder.parent / "outside.txt").write_text("no")
    return connect


def get(connect: Connect, path: str) -> TestResponse:
    return connect.app.test_client().get(path, buffered=True)  # reads and closes the file


def policy(text: str) -> dict[str, str]:
    return dict(rule.split(" ", 1) for rule in text.split("; "))


def test_the_page_is_served_for_every_door_of_the_descriptor(built: Connect) -> None:
    modules = descriptor(built.config.settings.base_url, built.config.app_key)["modules"]
    for page in (*modules["adminPages"], modules["configurePage"], modules["postInstallPage"]):
        answer = get(built, page["url"] + "&xdm_e=x&jwt=a.b.c")
        assert (answer.status_code, answer.text) == (200, INDEX)
        assert answer.content_type.startswith("text/html")
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "X-Frame-Options" not in answer.headers


def test_only_jira_may_frame_the_page_and_only_known_scripts_run(built: Connect) -> None:
    rules = policy(get(built, "/").headers["Content-Security-Policy"])
    assert rules["script-src"] == "'self' http://127.0.0.1:8090"
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"].split() == [
        "https://*.atlassian.net", "https://*.jira.com", "https://*.jira-dev.com",
    ]  # fmt: skip


def test_sites_outside_atlassians_domains_may_frame_it_once_installed(built: Connect) -> None:
    built.installed()
    built.installed(client_key="site-2").uninstall()
    site = built.site(client_key="site-3")
    site.base_url = "https://acme.atlassian.net"
    site.install()
    rules = policy(get(built, "/").headers["Content-Security-Policy"])
    origin = built.jira_url.removesuffix("/jira")
    assert rules["frame-ancestors"].split()[3:] == [origin]


def test_the_site_of_the_pages_own_login_frames_nothing(built: Connect) -> None:
    """Nobody is logged in inside a frame: the cookie is SameSite=Strict, and there is nothing to click."""
    sites = SiteStore(built.database, built.config.settings.master_key)
    sites.attach(sites.own_tenant(), "https://jira.own.example", Account("a@x.test", "token", None), None)
    rules = policy(get(built, "/").headers["Content-Security-Policy"])
    assert rules["frame-ancestors"].split() == [
        "https://*.atlassian.net", "https://*.jira.com", "https://*.jira-dev.com",
    ]  # fmt: skip


def test_as_a_window_of_its_own_the_page_keeps_to_itself(built: Connect) -> None:
    headers = get(built, "/").headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    rules = policy(headers["Content-Security-Policy"])
    assert (rules["form-action"], rules["base-uri"], rules["connect-src"]) == ("'none'", "'none'", "'self'")
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_the_host_script_of_production_is_named_by_its_origin() -> None:
    rules = policy(content_security_policy("https://connect-cdn.atl-paas.net/all.js", ()))
    assert rules["script-src"] == "'self' https://connect-cdn.atl-paas.net"


def test_assets_may_be_kept_for_ever(built: Connect) -> None:
    answer = get(built, "/assets/index-abc123.js")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "javascript" in answer.content_type
    assert get(built, "/icon.svg").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/assets/nothing.js",
        "/assets/../../outside.txt",
        "/..%2foutside.txt",
        "/.secret",
        "/index.html",
        "/assets/",
    ],
)
def test_nothing_else_is_served(built: Connect, path: str) -> None:
    assert get(built, path).status_code == 404


def test_without_a_build_the_page_says_what_to_do(connect: Connect) -> None:
    answer = get(connect, "/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text and "MAILBRIDGE_PAGE_DIR" in answer.text
    assert get(connect, "/assets/x.js").status_code == 404


def test_the_descriptor_is_served(connect: Connect) -> None:
    answer = get(connect, "/atlassian-connect.json")
    assert answer.content_type == "application/json"
    assert answer.json == descriptor(connect.config.settings.base_url, connect.config.app_key)
