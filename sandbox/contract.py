"""The optional judge: Atlassian's own schemas, if the folder ../shared/contracts lies beside the repository.

Without the folder nothing is judged and `present()` is false; nothing else changes.
"""

import importlib.util
import json
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, Draft7Validator

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "contracts"
_lock = threading.Lock()


def present() -> bool:
    """Whether the contracts are there."""
    return (FOLDER / "jira_contract.py").is_file()


def load() -> None:
    """Reads the files now rather than at the first call."""
    if present():
        with _lock:
            _jira_contract()


def request_problems(method: str, url: str, body: Any) -> list[str]:
    """What Atlassian's OpenAPI file finds wrong with a request; [] when nothing is, or when the file is absent."""
    if not present():
        return []
    with _lock:  # the resolver behind the checker is not made for several threads
        problems: list[str] = _jira_contract().check_request(method, url, body)
    return problems


def operation(method: str, url: str) -> dict[str, Any] | None:
    """What Atlassian's OpenAPI file says of an operation; None when it says nothing, or when the file is absent."""
    if not present():
        return None
    with _lock:
        found = _jira_contract().match(method, url)
    return None if found is None else dict(found[1])


def response_problems(method: str, url: str, status: int, body: Any) -> list[str]:
    """The same for an answer; Atlassian's own examples fail in one case of seven, so use it with care."""
    if not present():
        return []
    with _lock:
        problems: list[str] = _jira_contract().check_response(method, url, status, body)
    return problems


def adf_schema_problem(doc: Any) -> str | None:
    """The first thing Atlassian's ADF schema finds wrong, or None."""
    if not present():
        return None
    error = next(iter(_validator("adf-full.schema.json", Draft4Validator).iter_errors(doc)), None)
    return None if error is None else f"at {'/'.join(map(str, error.absolute_path)) or 'doc'}: {error.message[:200]}"


def descriptor_problems(descriptor: Any) -> list[str]:
    """What the descriptor schema finds wrong."""
    if not present():
        return []
    errors = _validator("connect-descriptor.schema.json", Draft7Validator).iter_errors(descriptor)
    return [f"{'/'.join(map(str, error.absolute_path)) or 'descriptor'}: {error.message[:200]}" for error in errors]


@cache
def _validator(name: str, kind: Any) -> Any:
    return kind(json.loads((FOLDER / name).read_text(encoding="utf-8")))


@cache
def _jira_contract() -> Any:
    spec = importlib.util.spec_from_file_location("jira_contract", FOLDER / "jira_contract.py")
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{FOLDER}/jira_contract.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():  # jsonschema's RefResolver is deprecated; the file is not ours to change
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
        return module.JiraContract()
