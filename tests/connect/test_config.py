"""Settings of connect: defaults let a clone run, secrets have none, a bad value is refused by name."""

from pathlib import Path

import pytest

from common.env import BadSetting, Env
from connect.app import create_app
from connect.config import Config, JiraSite

KEYS = {name: letter * 43 + "=" for name, letter in (("A", "A"), ("B", "E"), ("C", "I"))}
NEEDED = {
    "MAILBRIDGE_MASTER_KEY": KEYS["A"],
    "MAILBRIDGE_ROLE_KEY_INBOUND": KEYS["B"],
    "MAILBRIDGE_ROLE_KEY_OUTBOUND": KEYS["C"],
}


def test_the_defaults_are_those_of_production() -> None:
    config = Config.read(Env(NEEDED))
    assert config.app_key == "mailbridge-for-jira"
    assert config.keys_url == "https://connect-install-keys.atlassian.com"
    assert config.all_js == "https://connect-cdn.atl-paas.net/all.js"
    assert config.page_dir.parts[-2:] == ("frontend", "dist")
    assert set(config.role_keys) == {"inbound-worker", "outbound-worker"}


def test_keys_are_not_shown() -> None:
    assert "role_keys" not in repr(Config.read(Env(NEEDED)))


@pytest.mark.parametrize("name", NEEDED)
def test_a_secret_has_no_default(name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Config.read(Env({key: value for key, value in NEEDED.items() if key != name}))


SITE = {
    "MAILBRIDGE_JIRA_URL": "https://acme.atlassian.net/jira/your-work",
    "MAILBRIDGE_JIRA_EMAIL": "bridge@acme.example",
    "MAILBRIDGE_JIRA_API_TOKEN": "ATATT3x=_-",
}


def test_a_site_to_attach_is_named_by_three_settings() -> None:
    assert Config.read(Env(NEEDED)).jira_site is None
    config = Config.read(Env({**NEEDED, **SITE}))
    assert config.jira_site == JiraSite("https://acme.atlassian.net", "bridge@acme.example", "ATATT3x=_-")
    assert "ATATT3x" not in repr(config)


def test_a_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ATATT3x\n")
    values = {name: value for name, value in SITE.items() if name != "MAILBRIDGE_JIRA_API_TOKEN"}
    site = Config.read(Env({**NEEDED, **values, "MAILBRIDGE_JIRA_API_TOKEN_FILE": str(tmp_path / "token")})).jira_site
    assert site is not None and site.token == "ATATT3x"


@pytest.mark.parametrize("name", SITE)
def test_a_site_is_named_wholly_or_not_at_all(name: str) -> None:
    with pytest.raises(BadSetting, match=f"{name} not set"):
        Config.read(Env({**NEEDED, **{key: value for key, value in SITE.items() if key != name}}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILBRIDGE_JIRA_URL", "ftp://acme"),
        ("MAILBRIDGE_JIRA_URL", "http://acme.atlassian.net"),
        ("MAILBRIDGE_JIRA_EMAIL", "bridge"),
        ("MAILBRIDGE_JIRA_API_TOKEN", "two words"),
        ("MAILBRIDGE_JIRA_POLL_SECONDS", "9"),
        ("MAILBRIDGE_JIRA_POLL_SECONDS", "often"),
    ],
)
def test_a_bad_site_is_refused_by_name_and_without_its_token(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name) as refused:
        Config.read(Env({**NEEDED, **SITE, name: value}))
    assert "two words" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILBRIDGE_CONNECT_KEYS_URL", "connect-install-keys"),
        ("MAILBRIDGE_CONNECT_ALL_JS", "all.js"),
        ("MAILBRIDGE_ROLE_KEY_INBOUND", "short"),
        ("MAILBRIDGE_ROLE_KEY_INBOUND", KEYS["C"]),
        ("MAILBRIDGE_APP_KEY", "with blanks"),
        ("MAILBRIDGE_APP_KEY", "x" * 65),
    ],
)
def test_a_bad_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        Config.read(Env({**NEEDED, name: value}))


def test_the_web_process_refuses_to_start_on_a_bad_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**NEEDED, "MAILBRIDGE_MASTER_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        create_app()
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("MAILBRIDGE_MASTER_KEY is not a key")
