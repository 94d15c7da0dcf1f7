"""The stand-in sign-in service and Graph inside the sandbox: control routes, and the consent page as a person sees it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.app import MAILBOX, Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(0, 0, 0) as running:
        yield running


def call(sandbox: Sandbox, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(sandbox.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else text.decode()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_what_people_answer_can_be_set_and_wrong_settings_are_named(sandbox: Sandbox) -> None:
    assert call(sandbox, "PUT", "/control/oauth", {"answer": "refuse", "token_life": 60})[0] == 200
    assert call(sandbox, "GET", "/control/oauth")[1]["answer"] == "refuse"
    for body, field in (({"answer": "maybe"}, "answer"), ({"nonsense": 1}, "nonsense"), ({"fail": "x"}, "fail")):
        status, told = call(sandbox, "PUT", "/control/oauth", body)
        assert status == 400 and field in told["errors"]
    sandbox.parts.oauth.reset()


def test_a_person_sees_what_an_app_asks_for_and_may_refuse(sandbox: Sandbox) -> None:
    asked = {
        "client_id": "mailbridge-sandbox", "response_type": "code", "scope": "openid <b>", "state": "s",
        "redirect_uri": sandbox.url + "/control/ports", "code_challenge": "c", "code_challenge_method": "S256",
    }  # fmt: skip
    address = f"/oauth/microsoft/common/oauth2/v2.0/authorize?{urlencode(asked)}"
    page = call(sandbox, "GET", address)[1]
    assert "openid &lt;b&gt;" in page and "Refuse" in page
    for answer, expected in (("accept", "code"), ("refuse", "error")):
        form = urlencode({"answer": answer, "account": MAILBOX}).encode()
        request = urllib.request.Request(sandbox.url + address, form, method="POST")
        with urllib.request.urlopen(request, timeout=60) as came:
            assert expected in parse_qs(urlsplit(came.url).query)


def test_mail_for_graph_is_put_in_and_seen(sandbox: Sandbox) -> None:
    status, made = call(sandbox, "POST", f"/control/graph/{MAILBOX}/mail", b"Subject: hi\r\n\r\nthere")
    assert status == 201 and made["id"]
    (mail,) = call(sandbox, "GET", f"/control/graph/{MAILBOX}")[1]["Inbox"]
    assert (mail["subject"], mail["isRead"]) == ("hi", False)
    token = sandbox.parts.oauth.access(MAILBOX, "https://graph.microsoft.com/Mail.ReadWrite")["access_token"]
    raw = call(sandbox, "GET", f"/graph/v1.0/me/messages/{mail['id']}/$value", None, Authorization=f"Bearer {token}",
               Prefer='IdType="ImmutableId"')  # fmt: skip
    assert raw == (200, "Subject: hi\r\n\r\nthere")
    assert call(sandbox, "GET", "/graph/v1.0/me/mailFolders")[0] == 401
    sandbox.parts.reset()
    assert call(sandbox, "GET", f"/control/graph/{MAILBOX}")[1]["Inbox"] == []


def test_registrations_and_revocations_are_told_to_it(sandbox: Sandbox) -> None:
    app = {"directory": "contoso.example", "client_id": "a", "client_secret": "s"}
    assert call(sandbox, "POST", "/control/oauth/apps", app)[0] == 204
    assert call(sandbox, "POST", "/control/oauth/apps", {"directory": "x"})[0] == 400
    assert call(sandbox, "POST", "/control/oauth/revoke", {"account": "nobody@x.test"})[1] == {"revoked": 0}
    assert call(sandbox, "POST", "/control/graph/expire-links")[0] == 204
