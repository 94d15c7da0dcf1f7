"""Every kind of answer, held against Atlassian's OpenAPI file where it lies beside the repository."""

import pytest

from sandbox import contract
from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc

ALICE = "712020:aaaaaaaa-0000-4000-8000-000000000001"

pytestmark = pytest.mark.skipif(not contract.present(), reason="../shared/contracts is not beside this repository")


def test_every_answer_has_the_documented_form(sandbox: Sandbox, jira: JiraCaller) -> None:
    key = jira.create(description=doc("x"), reporter={"accountId": ALICE})["key"]
    upload = {"files": {"file": ("a.png", b"x", "image/png")}, "headers": {"X-Atlassian-Token": "no-check"}}
    check = {
        "globalPermissions": ["ADMINISTER"],
        "projectPermissions": [{"permissions": ["BROWSE_PROJECTS"], "projects": [10001]}],
    }
    visible = {"body": doc("c"), "visibility": {"type": "role", "value": "Administrators"}}
    new = {"fields": {"project": {"key": "SUP"}, "issuetype": {"name": "Task"}, "summary": "A thing"}}
    calls = [
        ("POST", "/issue", {"json": new}),
        ("POST", "/issue", {"json": {"fields": {}}}),
        ("POST", f"/issue/{key}/comment", {"json": visible}),
        ("POST", f"/issue/{key}/attachments", upload),
        ("GET", f"/issue/{key}?properties=*all", {}),
        ("GET", f"/issue/{key}/comment?orderBy=-created&expand=properties", {}),
        ("POST", "/comment/list?expand=properties", {"json": {"ids": [10200]}}),
        ("POST", "/issue/bulkfetch", {"json": {"issueIdsOrKeys": [key, "SUP-99"], "fields": ["*all"]}}),
        ("POST", "/search/jql", {"json": {"jql": "project = SUP", "fields": ["*all"], "maxResults": 1}}),
        ("PUT", f"/issue/{key}", {"json": {"fields": {"summary": "B"}}}),
        ("PUT", f"/issue/{key}/properties/p", {"json": {"a": 1}}),
        ("GET", f"/issue/{key}/properties", {}),
        ("GET", f"/issue/{key}/properties/p", {}),
        ("GET", f"/issue/{key}/watchers", {}),
        ("GET", f"/issue/{key}/transitions", {}),
        ("POST", f"/issue/{key}/transitions", {"json": {"transition": {"id": "110001"}}}),
        ("GET", "/attachment/10300", {}),
        ("GET", "/myself", {}),
        ("GET", f"/user?accountId={ALICE}", {}),
        ("GET", f"/user/email?accountId={ALICE}", {}),
        ("GET", "/user/search?query=alice", {}),
        ("GET", f"/user/groups?accountId={ALICE}", {}),
        ("GET", "/group/member?groupname=support-agents", {}),
        ("POST", "/permissions/check", {"json": check}),
        ("GET", "/project/search?query=S", {}),
        ("GET", "/project/SUP", {}),
        ("GET", "/project/SUP/statuses", {}),
        ("GET", "/project/SUP/role", {}),
        ("GET", "/project/SUP/role/10002", {}),
        ("GET", "/issue/createmeta/SUP/issuetypes", {}),
        ("GET", "/issue/createmeta/SUP/issuetypes/10010", {}),
        ("GET", "/serverInfo", {}),
        ("GET", "/mypermissions?permissions=BROWSE_PROJECTS,ADMINISTER&projectKey=SUP", {}),
        ("GET", f"/user/assignable/search?project=SUP&accountId={ALICE}", {}),
        ("POST", f"/issue/{key}/notify", {"json": {"to": {"users": [{"accountId": ALICE}]}}}),
    ]
    problems = []
    for method, path, options in calls:
        answer = jira(method, path, **options)  # type: ignore[arg-type]
        body = answer.json() if answer.content else None
        problems += [
            f"{method} {path} {answer.status_code}: {problem}"
            for problem in contract.response_problems(method, f"/rest/api/3{path}", answer.status_code, body)
        ]
    assert problems == []
    assert sandbox.parts.calls.violations() == []
