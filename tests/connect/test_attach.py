"""The check before a site is attached, against a Jira at the wire: what is wrong is named with its remedy."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from common.env import Env, Settings
from common.http import Http
from common.nets import Nets
from connect.attach import Check, Finding, Problem
from tests.connect.token_side import ADA, EMAIL, TOKEN, Cloud
from tests.wire import Reply, Wire

SETTINGS = Settings.read(Env({"MAILBRIDGE_MASTER_KEY": "A" * 43 + "=", "MAILBRIDGE_ALLOW_PLAIN": "true"}))
NEAR = Nets(["127.0.0.0/8"])


@pytest.fixture(scope="module")
def server() -> Iterator[Wire]:
    with Wire(lambda _: Reply(500)) as running:
        yield running


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def wire(server: Wire, cloud: Cloud) -> Wire:
    return server.reset(cloud)


def look(url: str, token: str = TOKEN, *, nets: Nets = NEAR, plain: bool = True) -> Finding:
    settings = replace(SETTINGS, allow_plain=plain, jira_timeout=5.0)
    return Check(Http(nets, 5.0), settings).look(url, EMAIL, token)


def problem(url: str, token: str = TOKEN, **how: object) -> Problem:
    found = look(url, token, **how).problem  # type: ignore[arg-type]
    assert found is not None
    assert found.title and found.detail and found.remedy
    return found


def test_a_good_account_is_found_with_its_rights(wire: Wire) -> None:
    finding = look(wire.url + "/jira/your-work")
    assert finding.problem is None
    assert finding.site == wire.url
    assert finding.account == {"account_id": ADA, "name": "Ada"}
    assert all(right.ok for right in finding.rights)
    assert {call.method for call in wire.calls} == {"GET"}  # nothing is written
    assert len(wire.calls) == 4 + 2


def test_a_right_that_one_project_lacks_is_found(wire: Wire, cloud: Cloud) -> None:
    cloud.denied = {("OPS", "ADD_COMMENTS"), (None, "ADMINISTER")}
    lacking = [(right.right, right.where) for right in look(wire.url).rights if not right.ok]
    assert lacking == [("ADD_COMMENTS", "project OPS"), ("ADMINISTER", "global")]


def test_an_account_that_sees_no_project_is_not_asked_about_projects(wire: Wire, cloud: Cloud) -> None:
    cloud.denied = {(None, "BROWSE_PROJECTS")}
    finding = look(wire.url)
    assert finding.problem is None
    assert [right.right for right in finding.rights if not right.ok] == ["BROWSE_PROJECTS"]
    assert len(wire.calls) == 3


def test_a_token_that_jira_refuses_is_the_tokens_problem(wire: Wire, cloud: Cloud) -> None:
    found = problem(wire.url, "wrong")
    assert found.field == "api_token" and "401" in found.detail and "id.atlassian.com" in found.remedy
    cloud.replies["/serverInfo"] = Reply(200, cloud.info)  # where anybody may ask for it
    assert problem(wire.url, "wrong").field == "api_token"


def test_an_account_without_jira_is_told_so(wire: Wire, cloud: Cloud) -> None:
    cloud.replies["/myself"] = Reply(403, {"errorMessages": ["No access."]})
    found = problem(wire.url)
    assert found.field == "email" and "admin.atlassian.com" in found.remedy


def test_a_data_center_is_refused_with_a_sentence(wire: Wire, cloud: Cloud) -> None:
    cloud.info = {"baseUrl": "https://jira.example.org", "deploymentType": "Server", "version": "9.12.1"}
    found = problem(wire.url)
    assert found.field == "url"
    assert (found.detail, found.remedy) == (
        "This is a Jira Server 9.12.1, not a Jira Cloud site.",
        "Mailbridge works with Jira Cloud only.",
    )


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>Log in to continue</html>", (("Content-Type", "text/html"),)),
        Reply(302, b"", (("Location", "https://sso.example.org/login"),)),
        Reply(404, b"<html>nothing</html>"),
        Reply(200, {"hello": "world"}),
        Reply(200, ["x"]),
        Reply(500),
        Reply(403, b"<html>blocked</html>"),
    ],
)
def test_what_is_not_a_jira_is_told_by_its_address(wire: Wire, cloud: Cloud, answer: Reply) -> None:
    cloud.replies["/serverInfo"] = answer
    found = problem(wire.url)
    assert found.field == "url" and found.title == "No Jira Cloud answers at this address"


def test_a_login_page_behind_the_servers_data_is_no_jira_either(wire: Wire, cloud: Cloud) -> None:
    for answer in (Reply(200, b"<html>Log in</html>"), Reply(200, {})):
        cloud.replies["/myself"] = answer
        assert problem(wire.url).field == "url"


def test_jira_may_not_say_what_the_account_may(wire: Wire, cloud: Cloud) -> None:
    cloud.replies["/mypermissions"] = Reply(429, b"", (("Retry-After", "5"),))
    finding = look(wire.url)
    assert finding.account is not None and finding.problem is not None and finding.problem.field is None


def test_a_private_address_is_refused_before_anything_is_sent(wire: Wire) -> None:
    found = problem(wire.url, nets=Nets())
    assert found.field == "url" and "private" in found.detail and "MAILBRIDGE_ALLOW_NETWORKS" in found.remedy
    assert wire.calls == []


def test_the_token_is_not_sent_in_the_clear(wire: Wire) -> None:
    assert problem(wire.url, plain=False).field == "url"
    assert wire.calls == []


def test_a_host_that_is_not_there_is_told(wire: Wire) -> None:
    assert problem("http://127.0.0.1:1").field == "url"
    assert problem("http://").field == "url"
