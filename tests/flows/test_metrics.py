"""What an operator sees after the story's beginning, without looking into any database."""

import re
import urllib.request

from sandbox import story
from sandbox.app import Sandbox
from tests.flows.conftest import stage
from tests.running import Standalone, wait_for


def scraped(url: str) -> dict[str, float]:
    with urllib.request.urlopen(url + "/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_a_mail_and_an_event_leave_their_lags_and_jiras_answers(sandbox: Sandbox, standalone: Standalone) -> None:
    scene = stage(sandbox, standalone.url)
    for step in (story.install, story.connect_mailbox, story.connect_sender, story.mail_becomes_an_issue):
        step(scene)
    story.comment_becomes_mail(scene)
    seen = wait_for(lambda: _complete(scraped(standalone.url)), 120, lambda: str(scraped(standalone.url)))
    assert 0 <= seen["mailbridge_mail_lag_seconds_sum"] < 300
    assert 0 < seen["mailbridge_event_lag_seconds_sum"] < 300
    assert seen['mailbridge_events_total{kind="comment_created"}'] == 1
    assert seen["mailbridge_unaccounted"] == 0
    answers = [
        name for name in seen if re.fullmatch(r'mailbridge_jira_answers_total\{answer="2xx",tenant="\w+"\}', name)
    ]
    assert len(answers) == 1 and seen[answers[0]] >= 3
    assert seen['mailbridge_outbox_depth{topic="mail.received"}'] >= 0


def _complete(seen: dict[str, float]) -> dict[str, float] | None:
    counts = ("mailbridge_mail_lag_seconds_count", "mailbridge_event_lag_seconds_count")
    return seen if all(seen.get(name) for name in counts) else None
