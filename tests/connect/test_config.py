"""Settings of connect: defaults let a clone run, secrets have none, a bad value is refused by name."""

import pytest

from common.env import BadSetting, Env
from connect.app import create_app
from connect.config import Config

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
