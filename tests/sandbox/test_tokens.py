"""Who may ask Jira: the JWT of an installed app, whole and fitting the request."""

import json
import time
from typing import Any

import pytest

from sandbox import contract
from sandbox.app import Sandbox
from sandbox.jira import tokens
from tests.sandbox.connect_app import JiraCaller

needs_contracts = pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")


@needs_contracts
def test_the_canonical_request_is_atlassians() -> None:
    vectors = json.loads((contract.FOLDER / "jwt-vectors.json").read_text())
    assert vectors["canonical"]
    for vector in vectors["canonical"]:
        assert tokens.canonical(vector["method"], vector["url"], vector["contextPath"]) == vector["canonical"], vector[
            "name"
        ]
    for vector in vectors["interop"]:
        assert tokens.qsh(vector["method"], vector["signedUrl"], vector["addonBaseUrl"] or "") == vector["qsh"], vector[
            "name"
        ]


def test_a_signed_call_is_answered(jira: JiraCaller) -> None:
    answer = jira("GET", "/myself")
    assert answer.status_code == 200
    assert answer.json()["accountType"] == "app"


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"iss": "somebody.else"}, "No app"),
        ({"aud": ["another-client-key"]}, "audience"),
        ({"exp": -5}, "expired"),  # seconds from now, whenever the test gets its turn
        ({"iat": 600}, "future"),
        ({"qsh": "0" * 64}, "qsh"),
        ({"qsh": "context-qsh"}, "qsh"),
        ({"qsh": None}, "qsh"),
    ],
)
def test_a_wrong_token_is_refused_with_the_reason(jira: JiraCaller, claims: dict[str, Any], word: str) -> None:
    now = int(time.time())
    answer = jira("GET", "/myself", claims={n: now + v if isinstance(v, int) else v for n, v in claims.items()})
    assert answer.status_code == 401
    assert word in answer.json()["errorMessages"][0]


def test_a_token_of_another_request_is_refused(jira: JiraCaller) -> None:
    other = jira.token("GET", "/user/search?query=alice")
    assert jira("GET", "/user/search?query=bob", headers={"Authorization": f"JWT {other}"}).status_code == 401


def test_no_token_and_a_wrong_secret_are_refused(sandbox: Sandbox, jira: JiraCaller) -> None:
    assert jira("GET", "/myself", headers={"Authorization": ""}).status_code == 401
    jira.app.shared_secret, right = "x" * 64, jira.app.shared_secret
    forged = jira.token("GET", "/myself")
    jira.app.shared_secret = right
    assert jira("GET", "/myself", headers={"Authorization": f"JWT {forged}"}).status_code == 401


def test_an_app_without_the_scope_is_refused(sandbox: Sandbox) -> None:
    caller = JiraCaller(sandbox.url, sandbox.parts.installer.register("reader", scopes=frozenset({"READ"})))
    refused = caller("POST", "/issue", json={"fields": {}})
    caller.close()
    assert refused.status_code == 403
    assert "WRITE" in refused.json()["errorMessages"][0]
