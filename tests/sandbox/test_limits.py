"""Rate limits: what a call costs, and what Jira says when a limit is met."""

import time
from typing import Any

import pytest
import requests

from sandbox.app import Sandbox
from sandbox.calls import Call
from sandbox.limits import Bounds, Limits, price
from tests.contracts import contract
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.person import BOB

REST = "/rest/api/3"


def call(method: str, path: str) -> Call:
    return Call(1, method, REST + path, "", None, 0.0)


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "points"),
    [
        ("POST", "/issue", 201, {"id": "1"}, 1),
        ("PUT", "/issue/SUP-1", 204, None, 1),
        ("GET", "/issue/SUP-1", 200, {"id": "1"}, 2),
        ("GET", "/issue/SUP-1", 404, {"errorMessages": []}, 1),
        ("POST", "/search/jql", 200, {"issues": [{}, {}, {}]}, 4),
        ("POST", "/issue/bulkfetch", 200, {"issues": [], "issueErrors": [{}]}, 1),
        ("GET", "/issue/SUP-1/comment", 200, {"comments": [{}, {}]}, 3),
        ("GET", "/user/search", 200, [{}, {}], 5),
        ("GET", "/myself", 200, {"accountId": "a"}, 3),
        ("GET", "/issue/SUP-1/watchers", 200, {"watchers": [{}]}, 3),
    ],
)
def test_a_call_costs_one_and_what_it_reads(method: str, path: str, status: int, body: Any, points: int) -> None:
    assert price(call(method, path), status, body) == points


def test_the_quota_begins_anew_on_the_hour() -> None:
    limits = Limits()
    limits.set(Bounds(points=2), 7200.0)
    asked = call("GET", "/issue/SUP-1")
    assert limits.admit(asked, 7300.0) is None
    limits.charge(asked, 200, {"id": "1"}, 7300.0)
    refused = limits.admit(asked, 10_000.0)
    assert refused is not None and (refused.reason, refused.seconds) == ("tenant", 800.0)
    assert limits.admit(asked, 10_800.0) is None


def test_twenty_writes_to_one_issue_in_two_seconds_are_enough() -> None:
    limits = Limits()
    limits.set(Bounds(per_issue=True), 0.0)
    write = call("POST", "/issue/SUP-1/comment")
    assert [limits.admit(write, 1.0) for _ in range(20)] == [None] * 20
    refused = limits.admit(write, 1.5)
    assert refused is not None and refused.reason == "issue"
    assert limits.admit(call("POST", "/issue/SUP-2/comment"), 1.5) is None
    assert limits.admit(call("GET", "/issue/SUP-1/comment"), 1.5) is None
    for second in (4.0, 7.0, 10.0, 13.0):
        assert [limits.admit(write, second) for _ in range(20)] == [None] * 20
    assert limits.admit(write, 16.0) is not None  # a hundred in thirty seconds
    assert limits.admit(write, 32.0) is None


def test_a_spent_quota_is_told_with_the_documented_headers(sandbox: Sandbox, jira: JiraCaller) -> None:
    sample = contract("samples/http/rate-limit-responses.json")["quota (tenant)"]
    key = jira.create()["key"]
    set_to = requests.post(f"{sandbox.url}/control/limits", json={"points": 10}, timeout=60).json()
    assert (set_to["points"], set_to["used"]) == (10, 0)
    fine = jira("GET", f"/issue/{key}")
    assert (fine.headers["X-RateLimit-Limit"], fine.headers["X-RateLimit-Remaining"]) == ("10", "8")
    assert "X-RateLimit-NearLimit" not in fine.headers
    for _ in range(4):
        last = jira("GET", f"/issue/{key}")
    assert (last.status_code, last.headers["X-RateLimit-NearLimit"]) == (200, "true")
    refused = jira("GET", f"/issue/{key}")
    assert refused.status_code == sample["status"]
    told = {name for name in refused.headers if "rate" in name.lower() or name == "Retry-After"}
    assert told == sample["headers"].keys()
    assert refused.headers["RateLimit-Reason"] == sample["headers"]["RateLimit-Reason"]
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert requests.post(f"{sandbox.url}/control/limits", json={"points": None}, timeout=60).status_code == 200
    assert jira("GET", f"/issue/{key}").status_code == 200


def test_too_many_requests_in_a_second_are_a_burst(sandbox: Sandbox, jira: JiraCaller) -> None:
    requests.post(f"{sandbox.url}/control/limits", json={"burst": 2}, timeout=60)
    now = time.time()
    sandbox.parts.site.clock = lambda: now  # all in one second, however long they take
    answers = [jira("GET", "/serverInfo") for _ in range(6)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused and refused[0].headers["RateLimit-Reason"] == "jira-burst-based"
    assert refused[0].headers["Retry-After"] == "1"


def test_calls_tell_their_price(sandbox: Sandbox, jira: JiraCaller) -> None:
    jira("GET", f"/user?accountId={BOB}")
    last = requests.get(f"{sandbox.url}/control/calls", timeout=60).json()[-1]
    assert (last["points"], last["how"]) == (3, "connect")
    assert requests.get(f"{sandbox.url}/control/limits", timeout=60).json()["used"] == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [({"points": 0}, "points"), ({"burst": "x"}, "burst"), ({"per_issue": 1}, "per_issue"), ({"window": 0}, "window")],
)
def test_a_wrong_limit_is_refused_by_its_field(sandbox: Sandbox, body: dict[str, Any], field: str) -> None:
    answer = requests.post(f"{sandbox.url}/control/limits", json=body, timeout=60)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
