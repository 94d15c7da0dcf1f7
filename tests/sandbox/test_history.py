"""An issue's history over REST, and what changed lately by JQL: what a sweep of events lives on."""

import requests

from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc
from tests.sandbox.person import ALICE, BOB, ERIK, Person


def change(sandbox: Sandbox, key: str, **fields: object) -> None:
    answer = requests.put(f"{sandbox.url}/control/issues/{key}", json={"accountId": BOB, **fields}, timeout=60)
    assert answer.status_code == 200, answer.text


def test_a_history_tells_each_change_once_and_no_creation(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    change(sandbox, key, summary="B", status="Done")
    page = jira("GET", f"/issue/{key}/changelog").json()
    assert [[item["field"] for item in one["items"]] for one in page["values"]] == [["status"], ["summary"]]
    assert {one["author"]["accountId"] for one in page["values"]} == {BOB}
    assert (page["total"], page["isLast"]) == (2, True)


def test_histories_of_many_issues_come_in_one_sequence_by_pages(sandbox: Sandbox, jira: JiraCaller) -> None:
    first, second = jira.create(), jira.create()
    change(sandbox, first["key"], summary="One")
    change(sandbox, second["key"], summary="Two")
    change(sandbox, first["key"], labels=["three"])
    alice = Person(sandbox.url, ALICE)
    body = {"issueIdsOrKeys": [first["key"], second["id"], "SUP-999"], "maxResults": 2}
    page = alice("POST", "/changelog/bulkfetch", json=body).json()
    assert [(one["issueId"], len(one["changeHistories"])) for one in page["issueChangeLogs"]] == [
        (first["id"], 1),
        (second["id"], 1),
    ]
    rest = alice("POST", "/changelog/bulkfetch", json={**body, "nextPageToken": page["nextPageToken"]}).json()
    assert [one["changeHistories"][0]["items"][0]["field"] for one in rest["issueChangeLogs"]] == ["labels"]
    assert "nextPageToken" not in rest
    only = alice("POST", "/changelog/bulkfetch", json={"issueIdsOrKeys": [first["id"]], "fieldIds": ["labels"]}).json()
    assert len(only["issueChangeLogs"][0]["changeHistories"]) == 1


def test_histories_in_bulk_are_not_for_connect_apps_nor_for_who_may_not_browse(
    sandbox: Sandbox, jira: JiraCaller
) -> None:
    key = jira.create()["key"]
    change(sandbox, key, summary="B")
    assert jira("POST", "/changelog/bulkfetch", json={"issueIdsOrKeys": [key]}).status_code == 403
    erik = Person(sandbox.url, ERIK)
    assert erik("POST", "/changelog/bulkfetch", json={"issueIdsOrKeys": [key]}).json() == {"issueChangeLogs": []}
    assert erik("GET", f"/issue/{key}/changelog").status_code == 404


def test_a_search_brings_histories_along_newest_first(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create()["key"]
    change(sandbox, key, summary="B")
    change(sandbox, key, labels=["c"])
    asked = {"jql": f"key = {key}", "fields": ["updated"], "expand": "changelog"}
    [issue] = jira("POST", "/search/jql", json=asked).json()["issues"]
    assert [one["items"][0]["field"] for one in issue["changelog"]["histories"]] == ["labels", "summary"]
    assert issue["changelog"]["total"] == 2
    [issue] = jira("GET", f"/search/jql?jql=key%3D{key}&expand=changelog").json()["issues"]
    assert issue.keys() == {"id", "changelog"}
    assert jira("GET", f"/issue/{key}?expand=changelog").json()["changelog"]["total"] == 2


def test_what_was_updated_lately_is_found_in_order(sandbox: Sandbox, jira: JiraCaller) -> None:
    first, second = jira.create()["key"], jira.create()["key"]
    jira("POST", f"/issue/{first}/comment", json={"body": doc("new")})

    def found(query: str) -> list[str]:
        answer = jira("POST", "/search/jql", json={"jql": query, "fields": ["updated"]})
        assert answer.status_code == 200, answer.text
        return [issue["key"] for issue in answer.json()["issues"]]

    for since in ("-5m", '"-1h 30m"', '"2026-01-01 10:15"', '"2026/01/01"'):
        assert found(f"updated >= {since} ORDER BY updated ASC") == [second, first], since
    assert found("updated >= -5m AND project = SUP ORDER BY updated DESC, key ASC") == [first, second]
    sandbox.parts.site.issue(first).updated -= 3600
    sandbox.parts.site.index.put(sandbox.parts.site.issue(first), sandbox.parts.site.clock())
    assert found("updated >= -5m") == [second]
