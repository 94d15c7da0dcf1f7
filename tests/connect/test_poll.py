"""The thread that asks what changed: how often, by how many calls, and what it makes of the answers."""

import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from common import metrics
from common.http import Http
from common.jira import JiraSites
from common.nets import Nets
from connect.look import OVERLAP, Looker
from connect.poll import REPAIR, Poll
from connect.store_polled import PolledStore
from connect.tables import polled
from connect.vending import OwnCredentials
from tests.connect import token_side
from tests.connect.conftest import Connect
from tests.connect.jira_side import Atlassian
from tests.connect.test_events import UPDATED
from tests.connect.token_side import Cloud, Hosted, kinds
from tests.wire import Reply, Wire

EVERY = 60.0


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def hosted(connect: Connect, wire: Wire, cloud: Cloud, atlassian: Atlassian) -> Hosted:
    return token_side.hosted(connect, wire, cloud, atlassian)


@pytest.fixture
def poll(hosted: Hosted) -> Poll:
    """Enrolled a minute ago, and due."""
    made = a_poll(hosted)
    made.once()
    back(hosted, 60.0)
    return made


def a_poll(hosted: Hosted) -> Poll:
    connect = hosted.connect
    settings = connect.config.settings
    jira = JiraSites(Http(Nets(settings.allow_networks), 20.0), OwnCredentials(connect.config, connect.store), settings)
    polls = PolledStore(connect.database)
    return Poll(polls, hosted.sites, jira, Looker(connect.store, polls), EVERY)


def row(hosted: Hosted) -> Any:
    with hosted.connect.database.read() as tx:
        return tx.execute(select(polled).where(polled.c.tenant == hosted.tenant)).one()


def back(hosted: Hosted, seconds: float) -> None:
    """Time passes."""
    values = {"since": polled.c.since - seconds, "until": polled.c.until - seconds, "due_at": 0.0}
    with hosted.connect.database.write() as tx:
        tx.execute(update(polled).values(**values))


def due(hosted: Hosted) -> None:
    with hosted.connect.database.write() as tx:
        tx.execute(update(polled).values(due_at=0.0))


def asked(wire: Wire) -> list[str]:
    paths = [call.path.removeprefix("/rest/api/3") for call in wire.calls]
    wire.calls.clear()
    return paths


def ago(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def test_a_quiet_site_costs_one_search_a_round(hosted: Hosted, poll: Poll, wire: Wire) -> None:
    wire.calls.clear()
    poll.once()
    [call] = wire.calls
    assert (
        call.json
        == {
            "jql": 'updated >= "-1m" ORDER BY updated ASC',
            "fields": ["created", "updated", "creator"],
            "maxResults": 100,
        }
        or call.json["jql"] == 'updated >= "-2m" ORDER BY updated ASC'
    )
    wire.calls.clear()
    poll.once()
    assert wire.calls == []  # not due
    assert 0 < row(hosted).due_at - time.time() <= EVERY
    assert abs(row(hosted).polled_at - time.time()) < 60


def test_what_happened_becomes_events_by_three_calls(hosted: Hosted, poll: Poll, cloud: Cloud, wire: Wire) -> None:
    cloud.issue("1", ago(3000))
    cloud.changed("1", "501", ago(30))
    cloud.commented("1", "901", ago(20))
    cloud.issue("2", ago(10))
    wire.calls.clear()
    poll.once()
    assert asked(wire) == ["/search/jql", "/changelog/bulkfetch", "/issue/1/comment"]
    assert sorted(kinds(hosted.events())) == ["comment_created", "issue_created", "issue_updated"]
    due(hosted)
    poll.once()
    assert asked(wire) == ["/search/jql"]  # found again by the overlap, and known
    assert len(hosted.events()) == 3


def test_what_the_account_itself_does_by_hand_is_told_too(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    cloud.issue("1", ago(3000))
    cloud.commented("1", "901", ago(20), who=token_side.ADA)
    poll.once()
    [event] = hosted.events()
    assert (event["kind"], event["actor"]) == ("comment_created", token_side.ADA)


def test_a_site_begins_with_what_happens_from_now_on(hosted: Hosted, cloud: Cloud) -> None:
    cloud.issue("1", ago(90))
    cloud.commented("1", "901", ago(60))
    cloud.issue("2", ago(40))
    poller = a_poll(hosted)
    poller.once()
    due(hosted)
    poller.once()
    assert hosted.events() == []


def test_another_worker_reads_again_and_tells_nothing_twice(
    hosted: Hosted, poll: Poll, cloud: Cloud, wire: Wire
) -> None:
    cloud.issue("1", ago(3000))
    cloud.changed("1", "501", ago(30))
    poll.once()
    due(hosted)
    a_poll(hosted).once()
    assert len(hosted.events()) == 1


def test_a_later_change_of_a_known_issue_is_found(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    cloud.issue("1", ago(3000))
    cloud.changed("1", "501", ago(30))
    poll.once()
    cloud.changed("1", "502", ago(29.7))  # within the same second
    due(hosted)
    poll.once()
    assert [event["changelog_id"] for event in hosted.events()] == ["501", "502"]


def test_what_the_index_shows_late_is_found_within_the_overlap(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    back(hosted, 3600.0)
    poll.once()  # everything up to now is known
    cloud.issue("1", ago(OVERLAP - 30))
    due(hosted)
    poll.once()
    assert kinds(hosted.events()) == ["issue_created"]
    cloud.issue("2", ago(OVERLAP + 90))
    due(hosted)
    poll.once()
    assert len(hosted.events()) == 1


def test_a_webhook_that_tells_everything_costs_a_search_in_ten_minutes(
    hosted: Hosted, poll: Poll, cloud: Cloud, wire: Wire
) -> None:
    told = {**UPDATED, "timestamp": ago(100), "issue": {"id": "1", "key": "TEST-1"}}
    assert hosted.event(told).status_code == 204
    back(hosted, 600.0)
    cloud.issue("1", ago(3000))
    cloud.changed("1", "10401", ago(100))
    cloud.issue("3", ago(20))  # its webhook may still be under way
    wire.calls.clear()
    poll.once()
    assert asked(wire) == ["/search/jql"]
    assert len(hosted.events()) == 1
    assert 0.9 * REPAIR < row(hosted).due_at - time.time() <= REPAIR


def test_what_the_webhook_did_not_tell_is_repaired(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    before = repaired("issue_updated")
    hosted.event({"webhookEvent": "attachment_created", "timestamp": 1})
    back(hosted, 600.0)
    cloud.issue("2", ago(3000))
    cloud.changed("2", "501", ago(90))
    poll.once()
    assert [(event["issue_id"], event["changelog_id"]) for event in hosted.events()] == [("2", "501")]
    assert repaired("issue_updated") == before + 1


def test_something_missing_makes_every_changed_issue_suspect(
    connect: Connect, wire: Wire, cloud: Cloud, atlassian: Atlassian
) -> None:
    """An issue whose last update was told may hide an earlier one that was not."""
    site = connect.installed()
    tenant = connect.tenant(site).id
    cloud.tokens = None
    wire.answer = lambda call: cloud(replace(call, path=call.path.removeprefix("/jira")))
    poller = a_poll(Hosted(connect, wire.url))
    poller.once()
    with connect.database.write() as tx:
        tx.execute(update(polled).values(since=polled.c.since - 900, until=polled.c.until - 600, due_at=0.0))
    cloud.issue("1", ago(3000))
    cloud.commented("1", "901", ago(200))  # not told
    cloud.changed("1", "501", ago(100))
    told = {**UPDATED, "timestamp": ago(100), "issue": {"id": "1"}, "changelog": {"id": "501", "items": []}}
    assert site.webhook(told).status_code == 204
    poller.once()
    assert kinds(events_of(connect, tenant)) == ["issue_updated"]
    with connect.database.write() as tx:
        tx.execute(update(polled).values(due_at=0.0))
    cloud.issue("2", ago(90))  # not told either: something is amiss
    wire.calls.clear()
    poller.once()
    assert sorted(kinds(events_of(connect, tenant))) == ["comment_created", "issue_created", "issue_updated"]
    assert asked(wire).count("/jira/rest/api/3/search/jql") == 2
    with connect.database.write() as tx:
        tx.execute(update(polled).values(due_at=0.0))
    poller.once()
    assert asked(wire) == ["/jira/rest/api/3/search/jql"]  # and again in peace


def events_of(connect: Connect, tenant: str) -> list[dict[str, Any]]:
    return [body for _, whose, body in connect.messages("jira.event") if whose == tenant]


def test_an_issue_that_is_gone_costs_only_itself(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    for id in ("1", "2"):
        cloud.issue(id, ago(3000))
        cloud.commented(id, f"90{id}", ago(30))
    cloud.replies["/changelog/bulkfetch"] = Reply(400, {"errorMessages": ["Issue 1 does not exist."]})
    cloud.replies["/issue/1/comment"] = Reply(404, {"errorMessages": ["gone"]})
    poll.once()
    assert [event["comment_id"] for event in hosted.events()] == ["902"]


def repaired(kind: str) -> float:
    return metrics.REGISTRY.get_sample_value("mailbridge_events_repaired_total", {"kind": kind}) or 0.0


def test_a_webhook_that_misses_something_gives_way_to_polling(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    hosted.event({"webhookEvent": "attachment_created", "timestamp": 1})
    back(hosted, 600.0)
    assert hosted.call("GET").json["events"]["way"] == "webhook"
    cloud.issue("1", ago(90))
    poll.once()
    assert kinds(hosted.events()) == ["issue_created"]
    shown = hosted.call("GET").json["events"]
    assert (shown["way"], shown["every"]) == ("polling", EVERY)
    hosted.event({"webhookEvent": "attachment_created", "timestamp": 1})
    assert hosted.call("GET").json["events"]["way"] == "webhook"


def test_a_connect_app_is_repaired_every_ten_minutes(hosted: Hosted, connect: Connect) -> None:
    site = connect.installed()
    tenant = connect.tenant(site).id
    poller = a_poll(hosted)
    poller.once()
    with connect.database.read() as tx:
        due_at = tx.execute(select(polled.c.due_at).where(polled.c.tenant == tenant)).scalar_one()
    assert 0.9 * REPAIR < due_at - time.time() <= REPAIR


def test_a_limit_is_waited_out_and_shown(hosted: Hosted, poll: Poll, cloud: Cloud, wire: Wire) -> None:
    until = row(hosted).until
    cloud.replies["/search/jql"] = Reply(429, b"", (("Retry-After", "1847"),))
    poll.once()
    assert 1800 < row(hosted).due_at - time.time() <= 1847
    assert row(hosted).until == until
    assert "429" in hosted.call("GET").json["events"]["problem"]
    del cloud.replies["/search/jql"]
    cloud.issue("1", ago(50))
    due(hosted)
    poll.once()
    assert kinds(hosted.events()) == ["issue_created"]
    assert hosted.call("GET").json["events"]["problem"] is None


def test_an_expired_token_waits_for_a_new_one(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    cloud.tokens = {"newer"}
    cloud.issue("1", ago(50))
    poll.once()
    assert hosted.events() == []
    assert "401" in hosted.call("GET").json["events"]["problem"]
    assert hosted.sites.unchecked(troubled=60.0, well=3600.0) == [
        hosted.tenant
    ]  # the page will say why, within a minute
    hosted.attach("newer")
    due(hosted)
    poll.once()
    assert kinds(hosted.events()) == ["issue_created"]


def test_what_fails_half_way_is_read_again(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    for id in ("1", "2", "3"):
        cloud.issue(id, ago(3000))
        cloud.commented(id, f"90{id}", ago(30))
    cloud.replies["/issue/2/comment"] = Reply(503)
    cloud.replies["/issue/3/comment"] = Reply(404, {"errorMessages": ["gone"]})
    poll.once()
    assert [event["comment_id"] for event in hosted.events()] == ["901"]
    del cloud.replies["/issue/2/comment"]
    due(hosted)
    poll.once()
    assert [event["comment_id"] for event in hosted.events()] == ["901", "902"]


def test_a_flood_is_read_in_turns(hosted: Hosted, poll: Poll, cloud: Cloud, wire: Wire) -> None:
    for number in range(120):
        cloud.issue(str(number), ago(3000))
        cloud.commented(str(number), f"9{number}", ago(50) + number)
    wire.calls.clear()
    poll.once()
    assert asked(wire).count("/search/jql") == 3
    assert len(hosted.events()) == 120
    assert row(hosted).polled_at is not None


def test_who_stops_leaves_the_rest_to_the_next(hosted: Hosted, poll: Poll, cloud: Cloud) -> None:
    for id in ("1", "2"):
        cloud.issue(id, ago(3000))
        cloud.commented(id, f"90{id}", ago(30))
    polls = PolledStore(hosted.connect.database)
    settings = hosted.connect.config.settings
    source = OwnCredentials(hosted.connect.config, hosted.connect.store)
    site = JiraSites(Http(Nets(settings.allow_networks), 20.0), source, settings).site(hosted.tenant)
    turn = polls.claim(600.0)
    assert turn is not None
    answers = iter([False, True])
    looked = Looker(hosted.connect.store, polls).look(turn, site, lambda: next(answers))
    assert looked.left and len(hosted.events()) == 1
    due(hosted)
    poll.once()
    assert [event["comment_id"] for event in hosted.events()] == ["901", "902"]


def test_a_pause_of_weeks_is_not_made_up_for(hosted: Hosted, poll: Poll, cloud: Cloud, wire: Wire) -> None:
    back(hosted, 30 * 86_400.0)
    cloud.issue("1", ago(8 * 86_400))
    cloud.issue("2", ago(6 * 86_400))
    wire.calls.clear()
    poll.once()
    assert wire.calls[0].json["jql"].startswith('updated >= "-10080m"')
    assert [event["issue_id"] for event in hosted.events()] == ["2"]


def test_a_site_that_was_detached_or_disabled_is_not_asked(hosted: Hosted, poll: Poll, wire: Wire) -> None:
    hosted.connect.store.set_state(hosted.tenant, "disabled")
    wire.calls.clear()
    poll.once()
    assert wire.calls == []
    hosted.connect.store.set_state(hosted.tenant, "enabled")
    poll.once()
    assert abs(row(hosted).since - time.time()) < 30  # what happened meanwhile is nobody's business


def test_two_workers_do_not_take_the_same_turn(hosted: Hosted, poll: Poll) -> None:
    store = PolledStore(hosted.connect.database)
    turn = store.claim(600.0)
    assert turn is not None and turn.tenant == hosted.tenant
    assert store.claim(600.0) is None
    store.finish(replace(turn, lease=turn.lease - 1), until=0.0, due_in=0.0, complete=True, problem=None)
    assert row(hosted).until == turn.until  # not this one's lease
    store.finish(turn, until=turn.now, due_in=0.0, complete=True, problem=None)
    assert row(hosted).until == turn.now


def test_it_runs_until_it_is_stopped(hosted: Hosted, cloud: Cloud) -> None:
    poller = a_poll(hosted).rounds()
    poller.start()
    try:
        deadline = time.monotonic() + 60
        while hosted.call("GET").json["events"]["polled_at"] is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert poller.alive()
    finally:
        poller.stop(30.0)
    assert not poller.alive()
