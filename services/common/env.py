"""The environment, read once: typed getters that refuse bad values with a sentence.

Every setting NAME may also be given as NAME_FILE, the path of a file that holds the value (a mounted secret).
"""

import base64
import binascii
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


class BadSetting(Exception):
    """A setting is missing or malformed; `str()` names it and the remedy."""


class Env:
    """Getters over a mapping of environment variables; each raises BadSetting on a value it cannot take."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str:
        """The value of NAME or of the file NAME_FILE points to; without either the default, else BadSetting."""
        value = self._values.get(name)
        path = self._values.get(name + "_FILE")
        if value is not None and path is not None:
            raise BadSetting(f"{name} and {name}_FILE are both set: keep one of them.")
        if path is not None:
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise BadSetting(f"{name}_FILE names {path}, which cannot be read: {error}.") from error
        if value is None or value == "":
            if default is None:
                raise BadSetting(f"{name} is not set: set it, or {name}_FILE to the path of a file that holds it.")
            return default
        return value

    def optional(self, name: str) -> str | None:
        """The value, or None when it is not set."""
        return self.text(name, "") or None

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        """A whole number between least and most."""
        text = self.text(name, str(default))
        try:
            number = int(text)
        except ValueError:
            raise BadSetting(f"{name} is {text!r}: give a whole number.") from None
        if not least <= number <= most:
            raise BadSetting(f"{name} is {number}: give a number from {least} to {most}.")
        return number

    def seconds(self, name: str, default: float, *, least: float = 0.0, most: float = 86_400.0) -> float:
        """A number of seconds, fractions allowed."""
        text = self.text(name, str(default))
        try:
            number = float(text)
        except ValueError:
            raise BadSetting(f"{name} is {text!r}: give a number of seconds.") from None
        if not least <= number <= most:
            raise BadSetting(f"{name} is {text}: give seconds from {least:g} to {most:g}.")
        return number

    def flag(self, name: str, default: bool) -> bool:
        """true/false, yes/no, on/off, 1/0."""
        text = self.text(name, str(default)).lower()
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0"):
            return False
        raise BadSetting(f"{name} is {text!r}: give true or false.")

    def key(self, name: str) -> bytes:
        """A 32-byte key in base64."""
        return decode_key(name, self.text(name))

    def role_key(self, own: str) -> bytes | None:
        """A worker's key for connect: MAILBRIDGE_ROLE_KEY, else `own`, by which connect knows it; None without either.

        Standalone runs all workers in one process, where connect's names tell their keys apart.
        """
        for name in ("MAILBRIDGE_ROLE_KEY", own):
            key = self.optional(name)
            if key:
                return decode_key(name, key)
        return None

    def url(self, name: str, default: str | None = None) -> str:
        """An http(s) URL, without its trailing slash."""
        text = self.text(name, default)
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadSetting(f"{name} is {text!r}: give an address such as https://mail.example.com.")
        return text.rstrip("/")

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        """A comma-separated list; empty items are dropped."""
        return tuple(word.strip() for word in self.text(name, default).split(",") if word.strip())


@dataclass(frozen=True, slots=True)
class Settings:
    """What every process of every service reads; the README has the table, held by a test."""

    database_url: str
    broker_url: str | None
    master_key: bytes
    base_url: str
    connect_url: str
    health_port: int
    log_level: str
    allow_networks: tuple[str, ...]
    allow_plain: bool
    jira_timeout: float
    jira_parallel: int
    jira_settle: float

    @classmethod
    def read(cls, env: Env) -> "Settings":
        """Read the shared settings; raises BadSetting."""
        base_url = env.url("MAILBRIDGE_BASE_URL", "http://127.0.0.1:8080")
        return cls(
            database_url=env.text("MAILBRIDGE_DATABASE_URL", "sqlite:///var/data"),
            broker_url=env.optional("MAILBRIDGE_BROKER_URL"),
            master_key=env.key("MAILBRIDGE_MASTER_KEY"),
            base_url=base_url,
            connect_url=env.url("MAILBRIDGE_CONNECT_URL", base_url),
            health_port=env.integer("MAILBRIDGE_HEALTH_PORT", 9090, most=65_535),
            log_level=_level(env),
            allow_networks=env.words("MAILBRIDGE_ALLOW_NETWORKS"),
            allow_plain=env.flag("MAILBRIDGE_ALLOW_PLAIN", False),
            jira_timeout=env.seconds("MAILBRIDGE_JIRA_TIMEOUT", 30.0, least=1.0, most=300.0),
            jira_parallel=env.integer("MAILBRIDGE_JIRA_PARALLEL", 8, least=1, most=64),
            jira_settle=env.seconds("MAILBRIDGE_JIRA_SETTLE", 120.0),
        )


def decode_key(name: str, text: str) -> bytes:
    """32 bytes from base64 (standard or URL-safe alphabet); raises BadSetting naming the setting."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise BadSetting(f"{name} is not a key: give 32 random bytes in base64 (openssl rand -base64 32).")
    return key


def read_or_exit(read: Callable[[], T]) -> T:
    """For `main`: what `read` returns, or one sentence on standard error and exit code 2."""
    try:
        return read()
    except BadSetting as error:
        refuse(str(error))


def refuse(sentence: str) -> NoReturn:
    """Say why on standard error and leave with exit code 2."""
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def _level(env: Env) -> str:
    level = env.text("MAILBRIDGE_LOG_LEVEL", "info").lower()
    if level not in ("debug", "info", "warning", "error"):
        raise BadSetting(f"MAILBRIDGE_LOG_LEVEL is {level!r}: give debug, info, warning or error.")
    return level
