"""Comments and attachments over REST."""

import requests

from sandbox.app import Sandbox
from tests.sandbox.connect_app import JiraCaller
from tests.sandbox.documents import doc


def add(jira: JiraCaller, key: str, text: str, **more: object) -> requests.Response:
    return jira("POST", f"/issue/{key}/comment", json={"body": doc(text), **more})


def test_a_comment_is_added_with_property_and_visibility(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    role = {"type": "role", "value": "Administrators", "identifier": "Administrators"}
    answer = add(jira, key, "hello", visibility=role, properties=[{"key": "mailbridge", "value": {"mail": "m"}}])
    assert answer.status_code == 201
    made = answer.json()
    assert (made["body"], made["visibility"], made["jsdPublic"]) == (doc("hello"), role, True)
    assert jira("GET", f"/comment/{made['id']}/properties/mailbridge").json()["value"] == {"mail": "m"}
    assert "properties" not in jira("GET", f"/issue/{key}/comment/{made['id']}").json()
    expanded = jira("GET", f"/issue/{key}/comment/{made['id']}?expand=properties").json()
    assert expanded["properties"] == [{"key": "mailbridge", "value": {"mail": "m"}}]


def test_an_internal_comment_is_told_by_jsd_public(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    answer = add(jira, key, "psst", properties=[{"key": "sd.public.comment", "value": {"internal": True}}])
    assert answer.json()["jsdPublic"] is False


def test_a_bad_comment_is_refused(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    assert add(jira, key, "x" * 32_768).json()["errors"].keys() == {"comment"}
    assert jira("POST", f"/issue/{key}/comment", json={"body": "text"}).status_code == 400
    assert jira("POST", f"/issue/{key}/comment", json={}).status_code == 400
    nobody = {"type": "role", "value": "Nobody", "identifier": "Nobody"}
    assert add(jira, key, "x", visibility=nobody).json()["errors"] == {
        "commentLevel": "The role 'Nobody' does not exist."
    }
    assert add(jira, "SUP-99", "x").status_code == 404


def test_the_newest_comments_come_first_when_asked(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    for text in ("one", "two", "three"):
        add(jira, key, text)
    page = jira("GET", f"/issue/{key}/comment?orderBy=-created&maxResults=2").json()
    assert [entry["body"] for entry in page["comments"]] == [doc("three"), doc("two")]
    assert (page["startAt"], page["maxResults"], page["total"]) == (0, 2, 3)
    assert jira("GET", f"/issue/{key}/comment?orderBy=updated").status_code == 400


def test_comments_are_listed_by_id_with_their_properties(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    made = add(jira, key, "one", properties=[{"key": "mailbridge", "value": {"mail": "m"}}]).json()
    page = jira("POST", "/comment/list?expand=properties", json={"ids": [int(made["id"]), 999]}).json()
    assert [(entry["id"], entry["properties"][0]["value"]) for entry in page["values"]] == [(made["id"], {"mail": "m"})]
    assert jira("POST", "/comment/list", json={"ids": []}).status_code == 400


def test_a_comment_is_edited_and_deleted(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    made = add(jira, key, "one").json()
    path = f"/issue/{key}/comment/{made['id']}"
    edited = jira("PUT", path, json={"body": doc("two")}).json()
    assert edited["body"] == doc("two")
    assert edited["updated"] > made["updated"]
    assert jira("DELETE", path).status_code == 204
    assert jira("GET", path).status_code == 404


def test_files_are_attached_and_read_back(jira: JiraCaller, sandbox: Sandbox) -> None:
    key = jira.create()["key"]
    answer = jira(
        "POST",
        f"/issue/{key}/attachments",
        files={"file": ("flämes.png", b"\x89PNG", "image/png")},
        headers={"X-Atlassian-Token": "no-check"},
    )
    assert answer.status_code == 200
    [file] = answer.json()
    assert (file["filename"], file["size"], file["mimeType"]) == ("flämes.png", 4, "image/png")
    assert jira("GET", f"/attachment/content/{file['id']}").content == b"\x89PNG"
    [shown] = jira("GET", f"/issue/{key}?fields=attachment").json()["fields"]["attachment"]
    assert shown["id"] == file["id"]


def test_an_attachment_without_the_header_is_taken_for_a_forged_form(jira: JiraCaller) -> None:
    key = jira.create()["key"]
    answer = jira("POST", f"/issue/{key}/attachments", files={"file": ("a.txt", b"x")})
    assert (answer.status_code, answer.text) == (403, "XSRF check failed")
