"""JQL and the index that comes late."""

import pytest
import requests

from sandbox.app import Sandbox
from sandbox.jira import jql
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc


def keys(jira: JiraCaller, query: str, **more: object) -> list[str]:
    answer = jira("POST", "/search/jql", json={"jql": query, "fields": ["summary"], **more})
    assert answer.status_code == 200, answer.text
    return [issue["key"] for issue in answer.json()["issues"]]


def lag(sandbox: Sandbox, seconds: float | str) -> None:
    assert requests.post(f"{sandbox.url}/control/index", json={"lag": seconds}, timeout=60).status_code == 200


def test_search_by_project_key_property_time_and_order(jira: JiraCaller) -> None:
    first = jira.create(summary="Printer")["key"]
    second = jira.create(summary="Fire", description=doc("the printer burns"))["key"]
    jira("PUT", f"/issue/{second}/properties/mailbridge", json={"mail": "m2", "from": {"address": "a@b.c"}, "n": 5})
    assert keys(jira, "project = SUP ORDER BY created ASC") == [first, second]
    assert keys(jira, "project = SUP ORDER BY key DESC") == [second, first]
    assert keys(jira, f"key in ({first}, SUP-99)") == [first]
    assert keys(jira, 'issue.property[mailbridge].mail = "m2"') == [second]
    assert keys(jira, 'issue.property["mailbridge"].from.address = "a@b.c" AND project = SUP') == [second]
    assert keys(jira, "issue.property[mailbridge].n > 4") == [second]
    assert keys(jira, "project = SUP AND created >= -5m") == [second, first]
    assert keys(jira, 'updated < "2020-01-01 00:00"') == []
    assert keys(jira, "text ~ print ORDER BY key") == [first, second]
    assert keys(jira, "project = SUP AND NOT (summary ~ fire OR assignee is not EMPTY)") == [first]


@pytest.mark.parametrize(
    "query",
    ["", "ORDER BY created", "nonsense", "project =", "flavour = sweet", "project = SUP AND", 'created > "soon"'],
)
def test_a_query_that_is_unbounded_or_wrong_is_refused(jira: JiraCaller, query: str) -> None:
    jira.create()
    answer = jira("POST", "/search/jql", json={"jql": query})
    assert answer.status_code == 400
    assert answer.json()["errorMessages"]


def test_pages_are_turned_by_token(jira: JiraCaller) -> None:
    made = [jira.create()["key"] for _ in range(3)]
    first = jira(
        "POST", "/search/jql", json={"jql": "project = SUP ORDER BY key", "maxResults": 2, "fields": ["summary"]}
    ).json()
    assert ([issue["key"] for issue in first["issues"]], first["isLast"]) == (made[:2], False)
    assert "total" not in first
    rest = jira(
        "GET",
        f"/search/jql?jql=project%20%3D%20SUP%20ORDER%20BY%20key&maxResults=2&fields=summary&nextPageToken={first['nextPageToken']}",
    )
    assert [issue["key"] for issue in rest.json()["issues"]] == made[2:]


def test_without_fields_only_ids_come(jira: JiraCaller) -> None:
    made = jira.create()
    assert jira("POST", "/search/jql", json={"jql": "project = SUP"}).json()["issues"] == [{"id": made["id"]}]


def test_with_an_infinite_lag_nothing_new_is_found_unless_reconciled(jira: JiraCaller, sandbox: Sandbox) -> None:
    old = jira.create()["key"]
    lag(sandbox, "infinite")
    new = jira.create()
    jira("PUT", f"/issue/{old}/properties/mailbridge", json={"mail": "m"})
    assert keys(jira, "project = SUP") == [old]
    assert keys(jira, 'issue.property[mailbridge].mail = "m"') == []
    assert keys(jira, "project = SUP", reconcileIssues=[int(new["id"])]) == [new["key"], old]
    lag(sandbox, 0)
    assert keys(jira, "project = SUP") == [new["key"], old]


def test_a_finite_lag_shows_the_past(jira: JiraCaller, sandbox: Sandbox) -> None:
    now = [1000.0]
    sandbox.parts.site.clock = lambda: now[0]
    caller = {"iat": 990, "exp": 1_000_000}
    lag(sandbox, 30)

    def found() -> list[str]:
        body = {"jql": "project = SUP", "fields": ["summary"]}
        answer = jira("POST", "/search/jql", json=body, claims=caller)
        return [issue["fields"]["summary"] for issue in answer.json()["issues"]]

    body = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "Before"}}
    key = jira("POST", "/issue", json=body, claims=caller).json()["key"]
    now[0] = 1020
    jira("PUT", f"/issue/{key}", json={"fields": {"summary": "After"}}, claims=caller)
    assert found() == []
    now[0] = 1031
    assert found() == ["Before"]
    now[0] = 1050
    assert found() == ["After"]


def test_the_old_search_is_gone(jira: JiraCaller) -> None:
    assert jira("GET", "/search?jql=project=SUP").status_code == 410


def test_a_lag_that_is_no_time_is_refused(sandbox: Sandbox) -> None:
    answer = requests.post(f"{sandbox.url}/control/index", json={"lag": "soon"}, timeout=60)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["lag"])


def test_quotes_and_escapes_are_read() -> None:
    with pytest.raises(jql.JqlError):
        jql.parse('summary ~ "open')
    assert jql.parse(r'summary ~ "a \"quoted\" word"').bounded
