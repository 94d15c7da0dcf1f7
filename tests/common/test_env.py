"""Settings are read once, and a bad one stops the start with a sentence that names it and the remedy."""

import base64
from pathlib import Path

import pytest

from common.env import BadSetting, Env, Settings, read_or_exit

KEY = base64.b64encode(bytes(range(32))).decode()


def test_a_setting_is_read_from_its_name_or_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    assert Env({"A": "given"}).text("A") == "given"
    assert Env({"A_FILE": str(tmp_path / "secret")}).text("A") == "from the file"
    assert Env({}).text("A", "default") == "default"
    assert Env({"A": ""}).optional("A") is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ("A is not set", "A_FILE")),
        ({"A": "x", "A_FILE": "/y"}, ("A and A_FILE are both set",)),
        ({"A_FILE": "/no/such/file"}, ("A_FILE names /no/such/file", "cannot be read")),
    ],
)
def test_a_missing_or_doubled_setting_is_refused(values: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(BadSetting) as refused:
        Env(values).text("A")
    assert all(word in str(refused.value) for word in words)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), ("on", True), ("FALSE", False), ("0", False), ("off", False)]
)
def test_a_flag_takes_the_usual_words(text: str, value: bool) -> None:
    assert Env({"A": text}).flag("A", not value) is value


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("MAILBRIDGE_MASTER_KEY", "short", "32 random bytes in base64"),
        ("MAILBRIDGE_BASE_URL", "mail.example.com", "give an address such as"),
        ("MAILBRIDGE_HEALTH_PORT", "many", "give a whole number"),
        ("MAILBRIDGE_HEALTH_PORT", "70000", "from 0 to 65535"),
        ("MAILBRIDGE_ALLOW_PLAIN", "maybe", "give true or false"),
        ("MAILBRIDGE_JIRA_TIMEOUT", "soon", "a number of seconds"),
        ("MAILBRIDGE_JIRA_TIMEOUT", "0.1", "from 1 to 300"),
        ("MAILBRIDGE_JIRA_TIMEOUT", "nan", "from 1 to 300"),
        ("MAILBRIDGE_LOG_LEVEL", "loud", "debug, info, warning or error"),
    ],
)
def test_a_bad_value_is_refused_with_its_name_and_the_remedy(name: str, value: str, hint: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.read(Env({"MAILBRIDGE_MASTER_KEY": KEY, name: value}))
    assert name in str(refused.value) and hint in str(refused.value)


def test_the_defaults_need_a_master_key_only() -> None:
    settings = Settings.read(Env({"MAILBRIDGE_MASTER_KEY": KEY}))
    assert settings.master_key == bytes(range(32))
    assert settings.broker_url is None and settings.connect_url == settings.base_url
    assert not settings.allow_plain and settings.allow_networks == ()


def test_a_list_is_split_at_commas() -> None:
    assert Env({"A": " 10.0.0.0/8 ,, ::1 "}).words("A") == ("10.0.0.0/8", "::1")


def test_a_worker_has_its_key_by_its_own_name_or_by_connects() -> None:
    other = base64.b64encode(bytes(32)).decode()
    own = "MAILBRIDGE_ROLE_KEY_INBOUND"
    assert Env({}).role_key(own) is None
    assert Env({own: KEY}).role_key(own) == bytes(range(32))
    assert Env({own: KEY, "MAILBRIDGE_ROLE_KEY": other}).role_key(own) == bytes(32)
    with pytest.raises(BadSetting, match=own):
        Env({own: "short"}).role_key(own)


def test_main_leaves_with_code_2_and_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        read_or_exit(lambda: Env({}).text("MAILBRIDGE_MASTER_KEY"))
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("MAILBRIDGE_MASTER_KEY is not set")
