"""Faults: each kind hits as it says, and a fault after the write leaves the write done."""

import time
from typing import Any

import pytest
import requests

from sandbox.app import Sandbox
from tests.running import wait_for
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc


def fault(sandbox: Sandbox, **body: Any) -> requests.Response:
    return requests.post(f"{sandbox.url}/control/faults", json=body, timeout=60)


def comment(jira: JiraCaller, key: str, timeout: float = 60) -> requests.Response:
    return jira("POST", f"/issue/{key}/comment", json={"body": doc("hello")}, timeout=timeout)


def comments(sandbox: Sandbox, key: str) -> int:
    return len(sandbox.parts.site.issue(key).comments)


@pytest.mark.parametrize(
    ("reason", "headers"),
    [
        (
            "tenant",
            {
                "Retry-After",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "X-RateLimit-NearLimit",
                "RateLimit-Reason",
            },
        ),
        ("global", {"Retry-After", "RateLimit-Policy", "RateLimit", "RateLimit-Reason"}),
        ("burst", {"Retry-After", "RateLimit-Reason"}),
        ("issue", {"Retry-After", "RateLimit-Reason"}),
    ],
)
def test_a_rate_limit_carries_the_documented_headers(
    sandbox: Sandbox, jira: JiraCaller, reason: str, headers: set[str]
) -> None:
    fault(sandbox, kind="429", reason=reason, seconds=7)
    answer = jira("GET", "/myself")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert {name for name in answer.headers if "rate" in name.lower() or name == "Retry-After"} == headers


@pytest.mark.parametrize("kind", ["500", "502", "503", "504"])
def test_a_server_error_does_nothing(sandbox: Sandbox, jira: JiraCaller, kind: str) -> None:
    key = jira.create()["key"]
    fault(sandbox, kind=kind)
    assert comment(jira, key).status_code == int(kind)
    assert comments(sandbox, key) == 0


@pytest.mark.parametrize(
    ("kind", "written"), [("reset", 0), ("reset_after_write", 1), ("timeout", 0), ("timeout_after_write", 1)]
)
def test_a_cut_or_silent_connection_says_nothing_of_the_write(
    sandbox: Sandbox, jira: JiraCaller, kind: str, written: int
) -> None:
    key = jira.create()["key"]
    fault(sandbox, kind=kind, seconds=30, match="POST .*/comment$")
    with pytest.raises(requests.ConnectionError if kind.startswith("reset") else requests.ReadTimeout):
        comment(jira, key, timeout=0.3)
    # Whoever hangs up does not know how far the other side is.
    wait_for(lambda: sandbox.parts.calls.all()[-1].fault == kind and comments(sandbox, key) == written, 60)


def test_a_500_after_the_write_leaves_the_write_done(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    fault(sandbox, kind="500_after_write")
    assert comment(jira, key).status_code == 500
    assert comments(sandbox, key) == 1


def test_a_slow_answer_is_right(sandbox: Sandbox, jira: JiraCaller) -> None:
    fault(sandbox, kind="slow", seconds=0.2)
    begun = time.monotonic()
    assert jira("GET", "/myself").status_code == 200
    assert time.monotonic() - begun >= 0.2


def test_a_fault_hits_only_what_it_matches_and_only_so_often(sandbox: Sandbox, jira: JiraCaller) -> None:
    fault(sandbox, kind="503", match="POST .*/comment$", count=1)
    key = jira.create()["key"]
    assert [comment(jira, key).status_code for _ in range(2)] == [503, 201]
    [shown] = requests.get(f"{sandbox.url}/control/faults", timeout=60).json()
    assert shown["hits"] == 1


def test_a_rate_hits_about_as_often(sandbox: Sandbox, jira: JiraCaller) -> None:
    fault(sandbox, kind="500", rate=0.5)
    hits = sum(jira("GET", "/myself").status_code == 500 for _ in range(100))
    assert 20 < hits < 80


def test_faults_are_switched_off(sandbox: Sandbox, jira: JiraCaller) -> None:
    fault(sandbox, kind="500")
    fault(sandbox, kind="500", rate=0)
    assert jira("GET", "/myself").status_code == 200
    fault(sandbox, kind="500")
    requests.delete(f"{sandbox.url}/control/faults", timeout=60)
    assert jira("GET", "/myself").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "flood"}, "kind"),
        ({"kind": "429", "rate": 2}, "rate"),
        ({"kind": "slow", "seconds": -1}, "seconds"),
        ({"kind": "500", "match": "("}, "match"),
        ({"kind": "500", "count": 0}, "count"),
        ({"kind": "429", "reason": "mood"}, "reason"),
        ({"kind": "429", "speed": 1}, "speed"),
    ],
)
def test_a_wrong_fault_is_refused_by_its_field(sandbox: Sandbox, body: dict[str, Any], field: str) -> None:
    answer = fault(sandbox, **body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_connections_are_kept_open(sandbox: Sandbox, jira: JiraCaller) -> None:
    first, second = jira("GET", "/myself"), jira("GET", "/myself")
    assert "close" not in (first.headers.get("Connection", ""), second.headers.get("Connection", ""))
