"""One call to the app's remote, as Forge makes it: invocation token, bearers, tracing headers, a limit for the whole answer."""

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import requests

_MOST = 10 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What the remote said. `json`: its body, None when that is empty."""

    status: int
    headers: dict[str, str]
    json: Any


class NoAnswer(Exception):
    """The call failed as Forge counts it; `reason` as a retry names it, `status` what the remote said, if anything."""

    def __init__(self, reason: str, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.status = status


def call(
    method: str, url: str, headers: dict[str, str], body: bytes | None, limit: float, *, json_wanted: bool = False
) -> Answer:
    """Raises NoAnswer for no answer within `limit` seconds, a redirection, or (`json_wanted`) a body that is not JSON."""
    traced = {
        "x-b3-traceid": secrets.token_hex(16),
        "x-b3-spanid": secrets.token_hex(8),
        **({"content-type": "application/json"} if body is not None else {}),
        **headers,
    }
    end = time.monotonic() + limit
    try:
        with requests.request(
            method, url, headers=traced, data=body, timeout=limit, allow_redirects=False, stream=True
        ) as answer:
            raw = _read(answer, end)
    except requests.Timeout:
        raise NoAnswer("TIMEOUT_ERROR", f"{url} did not answer within {limit:g} s") from None
    except requests.RequestException as error:
        raise NoAnswer("INVALID_REMOTE_INVOCATION_ERROR", f"{url} cannot be called: {error}") from None
    if 300 <= answer.status_code < 400:
        sentence = f"{url} answered {answer.status_code}, and Forge follows no redirection"
        raise NoAnswer("INVALID_REMOTE_INVOCATION_ERROR", sentence, answer.status_code)
    return Answer(answer.status_code, dict(answer.headers), _json(url, answer.status_code, raw, json_wanted))


def _read(answer: requests.Response, end: float) -> bytes:
    raw = b""
    for part in answer.iter_content(65_536):
        raw += part
        if time.monotonic() > end:
            raise requests.Timeout
        if len(raw) > _MOST:
            raise requests.RequestException("the answer is larger than 10 MB")
    if time.monotonic() > end:
        raise requests.Timeout
    return raw


def _json(url: str, status: int, raw: bytes, wanted: bool) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        if not wanted:
            return raw[:500].decode("utf-8", "replace")
        sentence = f"{url} answered something that is not JSON: {raw[:200]!r}"
        raise NoAnswer("INVALID_REMOTE_INVOCATION_ERROR", sentence, status) from None
