"""The look-up user: judged one by one, kept sealed, vended only while its token may work, warned of in time."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from common.http import Http
from common.nets import Nets
from connect.lookup_check import DAY, DailyCheck, LookupJira
from connect.lookup_user import REFUSED, Answer, Seen, expiry, findings, usable
from connect.store_lookup import LookupStore
from connect.vending import OwnCredentials
from tests.connect.conftest import Connect
from tests.connect.jira_side import Site
from tests.wire import Call, Reply, Wire

PATH = "/api/connect/lookup-user"
NOW = 1_790_000_000.0
BASIC = "Basic " + base64.b64encode(b"finder+jira@example.com:finder-token").decode()
BODY = {"email": "finder+jira@example.com", "api_token": "finder-token", "token_expires_at": None}


# --- the judgement


def test_everything_that_works_is_said_and_needs_no_remedy() -> None:
    yes = Answer(True)
    seen = Seen("Finder", yes, yes, yes, yes, yes, yes, yes, "SUP", "Ann", "ann@example.com")
    found = findings(seen)
    assert [one.ok for one in found] == [True] * 7
    assert [one.remedy for one in found] == [""] * 7
    assert [one.what for one in found] == [
        "API token", "Browse users and groups", "Browse projects", "Project administrator", "Application access",
        "Assignable", "Found by address",
    ]  # fmt: skip
    assert "Ann" in found[5].detail and "SUP" in found[5].detail and "ann@example.com" in found[6].detail


def test_each_right_that_is_missing_has_a_remedy_of_its_own() -> None:
    no = Answer(False, "Jira answered 403.")
    found = findings(Seen("Finder", no, no, no, no, no, no, no, "SUP", "Ann", "ann@example.com"))
    assert [one.ok for one in found] == [False] * 7
    assert len({one.remedy for one in found}) == 7 and all(one.remedy for one in found)
    assert all("403" in one.detail for one in found)


def test_what_was_not_asked_says_why() -> None:
    found = findings(Seen(token=Answer(False), browse_users=Answer(None, "Not tried: the token does not work.")))
    assert (found[1].ok, found[1].detail, found[1].remedy) == (None, "Not tried: the token does not work.", "")


@pytest.mark.parametrize(
    ("days", "said"),
    [(None, None), (400, None), (14.01, None), (13.99, "ends on"), (0.5, "ends on"), (0, "ended on"), (-9, "ended on")],
)
def test_a_tokens_end_is_warned_of_fourteen_days_ahead(days: float | None, said: str | None) -> None:
    sentence = expiry(None if days is None else NOW + days * 86_400, NOW)
    assert sentence is None if said is None else said in (sentence or "")


def test_a_token_that_was_refused_or_ended_is_not_used() -> None:
    assert usable(None, None, NOW) and usable(None, NOW + 1, NOW)
    assert not usable(None, NOW, NOW) and not usable("refused", None, NOW)


# --- the page's API, with Jira at the wire


class Finder:
    """Jira as the look-up user meets it; the rest of the wire stays as it is."""

    def __init__(self, rest: Any) -> None:
        self.rest = rest
        self.calls: list[Call] = []
        self.answers: dict[str, Reply] = {
            "/myself": Reply(200, {"accountId": "finder", "displayName": "Finder"}),
            "/mypermissions": Reply(200, {"permissions": {"USER_PICKER": {"havePermission": True}}}),
            "/project/SUP/role": Reply(404),
            "/user": Reply(
                200,
                {
                    "accountId": "ann",
                    "displayName": "Ann",
                    "emailAddress": "ann@example.com",
                    "applicationRoles": {"size": 1, "items": []},
                },
            ),
            "/user/assignable/search": Reply(200, [{"accountId": "ann"}]),
            "/user/search": Reply(200, [{"accountId": "ann"}]),
        }

    def __call__(self, call: Call) -> Reply:
        if call.headers.get("authorization") != BASIC:
            return Reply(401) if call.headers.get("authorization", "").startswith("Basic") else self.rest(call)
        self.calls.append(call)
        return self.answers.get(call.path.removeprefix("/jira/rest/api/3"), Reply(404))


@pytest.fixture
def finder(wire: Wire) -> Finder:
    finder = Finder(wire.answer)
    wire.answer = finder
    return finder


@pytest.fixture
def site(connect: Connect, finder: Finder) -> Site:
    return connect.installed()


def call(site: Site, method: str, path: str = PATH, body: Any = None, account: str = "alice") -> TestResponse:
    headers = {"Authorization": f"Bearer {site.session(account)}"}
    return site.client.open(path, method=method, json=body, headers=headers)


def test_a_look_up_user_is_set_once_jira_knows_its_token_and_the_token_never_leaves(
    connect: Connect, site: Site, finder: Finder
) -> None:
    assert call(site, "GET").json is None
    before = len(connect.messages("tenant.changed"))
    answer = call(site, "PUT", body=BODY)
    assert answer.status_code == 200, answer.text
    shown = answer.json or {}
    assert shown["account"] == {"account_id": "finder", "name": "Finder"}
    assert (shown["email"], shown["problem"], shown["token_expires_at"]) == (BODY["email"], None, None)
    assert shown["checked_at"] == pytest.approx(time.time(), abs=60)
    assert call(site, "GET").json == shown
    assert "finder-token" not in call(site, "GET").text
    assert len(connect.messages("tenant.changed")) == before + 1


def test_the_workers_get_it_with_the_credentials(connect: Connect, site: Site) -> None:
    tenant = connect.tenant(site).id
    source = OwnCredentials(connect.config, connect.store)
    assert source.get(tenant).lookup is None
    call(site, "PUT", body=BODY)
    lookup = source.get(tenant).lookup
    assert lookup is not None
    assert (lookup.email, lookup.secret) == (BODY["email"], BODY["api_token"])
    call(site, "PUT", body={**BODY, "token_expires_at": time.time() - 1})
    assert source.get(tenant).lookup is None
    assert "ended on" in (call(site, "GET").json or {})["problem"]


def test_a_token_that_jira_refuses_is_not_kept(site: Site) -> None:
    answer = call(site, "PUT", body={**BODY, "api_token": "wrong"})
    assert (answer.status_code, (answer.json or {})["errors"]) == (422, {"api_token": [REFUSED]})
    assert call(site, "GET").json is None


def test_the_stored_token_stays_for_the_same_address_only(site: Site, finder: Finder) -> None:
    assert call(site, "PUT", body={**BODY, "api_token": None}).status_code == 422
    call(site, "PUT", body=BODY)
    ends = time.time() + 5 * 86_400
    answer = call(site, "PUT", body={"email": "Finder+Jira@example.com", "token_expires_at": ends})
    assert answer.status_code == 422  # the address as typed is another one to Basic, and Jira refuses it
    answer = call(site, "PUT", body={"email": BODY["email"], "token_expires_at": ends})
    assert "ends on" in (answer.json or {})["problem"]
    other = call(site, "PUT", body={"email": "other@example.com", "token_expires_at": None})
    assert list((other.json or {})["errors"]) == ["api_token"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": None}, "email"),
        ({"api_token": "two\r\nlines"}, "api_token"),
        ({"api_token": ""}, "api_token"),
        ({"token_expires_at": "soon"}, "token_expires_at"),
        ({"token_expires_at": -1}, "token_expires_at"),
        ({"token_expires_at": 1e300}, "token_expires_at"),
    ],
)
def test_a_wrong_field_is_named(site: Site, change: dict[str, Any], field: str) -> None:
    answer = call(site, "PUT", body={**BODY, **change})
    assert (answer.status_code, list((answer.json or {})["errors"])) == (422, [field])


def test_it_can_be_forgotten(connect: Connect, site: Site) -> None:
    call(site, "PUT", body=BODY)
    assert call(site, "DELETE").status_code == 204
    assert call(site, "GET").json is None
    assert call(site, "POST", PATH + "/check", {}).status_code == 404
    assert OwnCredentials(connect.config, connect.store).get(connect.tenant(site).id).lookup is None


def test_only_who_administers_jira_may(site: Site) -> None:
    for method, path, body in (("GET", PATH, None), ("PUT", PATH, BODY), ("DELETE", PATH, None)):
        assert call(site, method, path, body, account="bob").status_code == 403
    assert site.client.get(PATH).status_code == 401


def test_one_tenants_look_up_user_is_not_anothers(connect: Connect, site: Site) -> None:
    other = connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets")
    call(site, "PUT", body=BODY)
    assert call(other, "GET").json is None
    call(other, "DELETE")
    assert call(site, "GET").json is not None
    assert OwnCredentials(connect.config, connect.store).get(connect.tenant(other).id).lookup is None


def test_a_check_judges_an_account_in_a_project_one_by_one(site: Site, finder: Finder) -> None:
    call(site, "PUT", body=BODY)
    finder.calls.clear()
    answer = call(site, "POST", PATH + "/check", {"account_id": "ann", "project": "SUP"})
    assert answer.status_code == 200, answer.text
    found = {one["what"]: one for one in (answer.json or {})["findings"]}
    assert {what: one["ok"] for what, one in found.items()} == {
        "API token": True,
        "Browse users and groups": True,
        "Browse projects": False,
        "Project administrator": False,
        "Application access": True,
        "Assignable": True,
        "Found by address": True,
    }
    assert "Administrators" in found["Project administrator"]["remedy"]
    assert {sent.method for sent in finder.calls} == {"GET"}


def test_without_an_account_or_a_project_it_is_judged_for_itself(site: Site, finder: Finder) -> None:
    call(site, "PUT", body=BODY)
    finder.answers["/user/search"] = Reply(200, [{"accountId": "finder"}])
    answer = call(site, "POST", PATH + "/check", {})
    found = {one["what"]: one["ok"] for one in (answer.json or {})["findings"]}
    assert (found["Project administrator"], found["Assignable"], found["Application access"]) == (None, None, None)
    assert found["Found by address"] is True


def test_a_check_with_a_token_that_ended_says_only_that(connect: Connect, site: Site, finder: Finder) -> None:
    call(site, "PUT", body=BODY)
    finder.answers["/myself"] = Reply(401)
    answer = call(site, "POST", PATH + "/check", {"account_id": "ann", "project": "SUP"})
    found = (answer.json or {})["findings"]
    assert [one["ok"] for one in found] == [False] + [None] * 6
    assert (call(site, "GET").json or {})["problem"] == REFUSED
    assert OwnCredentials(connect.config, connect.store).get(connect.tenant(site).id).lookup is None


def test_a_jira_that_cannot_be_asked_is_no_judgement(site: Site, finder: Finder) -> None:
    call(site, "PUT", body=BODY)
    finder.answers["/user/search"] = Reply(503)
    assert call(site, "POST", PATH + "/check", {}).status_code == 503
    assert (call(site, "GET").json or {})["problem"] is None


# --- every day


@pytest.fixture
def daily(connect: Connect) -> Iterator[DailyCheck]:
    settings = connect.config.settings
    http = Http(Nets(settings.allow_networks), 5.0)
    yield DailyCheck(LookupStore(connect.database, settings.master_key), LookupJira(http, settings), connect.store)
    http.close()


def age(connect: Connect, seconds: float) -> None:
    from sqlalchemy import update

    from connect.tables import lookup_user

    with connect.database.write() as tx:
        tx.execute(update(lookup_user).values(checked_at=lookup_user.c.checked_at - seconds))


def test_a_token_is_tried_once_a_day(connect: Connect, site: Site, finder: Finder, daily: DailyCheck) -> None:
    call(site, "PUT", body=BODY)
    finder.calls.clear()
    daily.once()
    assert finder.calls == []
    age(connect, DAY + 1)
    finder.answers["/myself"] = Reply(401)
    daily.once()
    daily.once()
    assert len(finder.calls) == 1
    assert (call(site, "GET").json or {})["problem"] == REFUSED
    finder.answers["/myself"] = Reply(200, {"accountId": "finder"})
    age(connect, DAY + 1)
    before = len(connect.messages("tenant.changed"))
    daily.once()
    assert (call(site, "GET").json or {})["problem"] is None
    assert len(connect.messages("tenant.changed")) == before + 1


def test_a_jira_that_is_away_changes_nothing(connect: Connect, site: Site, finder: Finder, daily: DailyCheck) -> None:
    call(site, "PUT", body=BODY)
    age(connect, DAY + 1)
    finder.answers["/myself"] = Reply(502)
    daily.once()
    assert (call(site, "GET").json or {})["problem"] is None


def test_with_the_tenant_its_look_up_user_is_forgotten(connect: Connect, site: Site) -> None:
    call(site, "PUT", body=BODY)
    tenant = connect.tenant(site).id
    site.uninstall()
    assert LookupStore(connect.database, connect.config.settings.master_key).get(tenant) is None
