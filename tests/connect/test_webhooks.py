"""Events come in over HTTP: verified, stored once, passed on once."""

import json
import time
from typing import Any

import pytest
from sqlalchemy import select

from common import metrics
from connect.tables import event
from tests.connect.conftest import Connect
from tests.connect.jira_side import Site
from tests.connect.test_events import COMMENTED, UPDATED
from tests.contracts import contract

PATH = "/connect/webhooks"
MARKS = {"X-Atlassian-Webhook-Identifier": "a1b2", "X-Atlassian-Webhook-Flow": "Primary"}


def stored(connect: Connect) -> list[Any]:
    with connect.database.read() as tx:
        return list(tx.execute(select(event).order_by(event.c.id)).mappings())


def test_an_event_is_stored_and_passed_on(connect: Connect) -> None:
    site = connect.installed()
    assert site.webhook(UPDATED, **MARKS).status_code == 204
    [row] = stored(connect)
    [(topic, tenant, body)] = connect.messages("jira.event")
    assert (topic, tenant, row["tenant"]) == ("jira.event", connect.tenant(site).id, connect.tenant(site).id)
    assert body == row["body"]
    assert (body["kind"], body["issue_id"], body["changelog_id"]) == ("issue_updated", "10100", "10401")
    assert body["fields"][0] == {"field": "status", "from": "1", "to": "2"}
    assert row["kind"] == "issue_updated"
    assert abs(row["received_at"] - time.time()) < 60


def test_a_repeated_event_is_an_ordinary_result(connect: Connect) -> None:
    site = connect.installed()
    before = counted("issue_updated")
    for mark in ("1", "2", "3"):  # Jira's retries, and a second webhook with an identifier of its own
        headers = {**MARKS, "X-Atlassian-Webhook-Retry": mark, "X-Atlassian-Webhook-Identifier": mark}
        assert site.webhook(UPDATED, **headers).status_code == 204
    assert len(stored(connect)) == len(connect.messages("jira.event")) == 1
    assert counted("issue_updated") == before + 1


def counted(kind: str) -> float:
    return metrics.REGISTRY.get_sample_value("mailbridge_events_total", {"kind": kind}) or 0.0


def test_the_same_event_of_two_sites_is_two_events(connect: Connect) -> None:
    one, other = (
        connect.installed(),
        connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets"),
    )
    assert one.webhook(UPDATED).status_code == other.webhook(UPDATED).status_code == 204
    assert {row["tenant"] for row in stored(connect)} == {connect.tenant(one).id, connect.tenant(other).id}
    assert len(connect.messages("jira.event")) == 2


def test_a_comment_without_its_issue_is_taken(connect: Connect) -> None:
    site = connect.installed()
    assert site.webhook({name: part for name, part in COMMENTED.items() if name != "issue"}).status_code == 204
    assert connect.messages("jira.event")[0][2]["issue_id"] is None
    assert site.webhook(COMMENTED).status_code == 204  # the same comment, this time with its issue
    assert len(stored(connect)) == 1


def test_other_kinds_are_answered_and_left(connect: Connect) -> None:
    site = connect.installed()
    assert site.webhook({"webhookEvent": "attachment_created", "timestamp": 1}).status_code == 204
    assert stored(connect) == []


def test_atlassians_samples_become_events(connect: Connect) -> None:
    site = connect.installed()
    for name in ("issue_created", "issue_updated.status+assignee", "comment_created.jsm_internal", "comment_deleted"):
        assert site.webhook(contract(f"samples/webhooks/{name}.json")).status_code == 204
    kinds = [body["kind"] for _, _, body in connect.messages("jira.event")]
    assert sorted(kinds) == ["comment_created", "comment_deleted", "issue_created", "issue_updated"]


def test_the_query_is_part_of_what_is_signed(connect: Connect) -> None:
    site = connect.installed()
    query = "user_id=bob&issue.key=TEST-1&x=a+b"
    token = site.tenant_token("POST", PATH, query)
    assert site.post(f"{PATH}?{query}", token, UPDATED).status_code == 204
    assert site.post(f"{PATH}?{query}&y=1", token, UPDATED).status_code == 401
    assert site.post(f"{PATH}?{query}&jwt={token}", None, UPDATED).status_code == 204


def refused(connect: Connect, site: Site) -> dict[str, str | None]:
    stranger = connect.site(client_key="unknown")
    thief = connect.site(secret="a-guessed-secret-of-32-octets-and-more")
    return {
        "no token": None,
        "a context token": site.context_token(),
        "another path": site.tenant_token("POST", "/connect/enabled"),
        "another method": site.tenant_token("PUT", PATH),
        "another query": site.tenant_token("POST", PATH, "a=1"),
        "expired": site.tenant_token("POST", PATH, exp=int(time.time()) - 60),
        "Atlassian's install signature": site.atlassian_token(PATH),
        "an unknown site": stranger.tenant_token("POST", PATH),
        "a guessed secret": thief.tenant_token("POST", PATH),
        "another site's name": site.tenant_token("POST", PATH, iss="site-2"),
    }


def test_nobody_else_sends_events(connect: Connect) -> None:
    site = connect.installed()
    connect.installed(client_key="site-2", secret="another-shared-secret-of-32-octets")
    for name, token in refused(connect, site).items():
        answer = site.post(PATH, token, UPDATED)
        assert answer.status_code == 401, name
        assert "site" not in answer.text and "qsh" not in answer.text  # nothing to learn from
    assert stored(connect) == []


def test_a_body_in_the_megabytes_is_taken_from_jira_and_not_from_strangers(connect: Connect) -> None:
    site = connect.installed()
    large = {**UPDATED, "issue": {**UPDATED["issue"], "fields": {"description": "x" * 3_000_000}}}
    assert site.webhook(large).status_code == 204
    assert site.post(PATH, None, large).status_code == 401
    assert site.post("/connect/enabled", site.tenant_token("POST", "/connect/enabled"), large).status_code == 413
    headers = {"Authorization": f"JWT {site.tenant_token('POST', PATH)}"}
    size = {"CONTENT_LENGTH": str(27 * 2**20)}
    assert site.client.post(PATH, headers=headers, environ_overrides=size).status_code == 413


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (json.dumps({**UPDATED, "issue": None}).encode(), "issue.id"),
        (json.dumps({**COMMENTED, "comment": {"id": None}}).encode(), "comment.id"),
        (b'{"webhookEvent": "jira:issue_updated", "timestamp": NaN, "issue": {"id": "1"}}', "timestamp"),
    ],
)
def test_a_bad_body_is_refused_by_the_name_of_its_field(connect: Connect, data: bytes, named: str) -> None:
    site = connect.installed()
    headers = {"Authorization": f"JWT {site.tenant_token('POST', PATH)}"}
    answer = site.client.post(PATH, data=data, headers=headers)
    assert answer.status_code == 400
    assert named in answer.text
