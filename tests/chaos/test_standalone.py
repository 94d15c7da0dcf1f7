"""kill -9 at a random moment, with a hundred mails on their way, again and again: each mail is there exactly once.

CHAOS_ROUNDS (default 4) and CHAOS_SEED (default 7) set the run; the auditor compares what was sent with what
the stand-in Jira holds and shares no code with the services.
"""

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import story
from sandbox.app import Sandbox
from sandbox.client import SandboxClient
from sandbox.stage import MAILBOX, Stage
from tests.running import Standalone, sandbox_settings, wait_for

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "4"))
SEED = int(os.environ.get("CHAOS_SEED", "7"))
MAILS = 100
MARK = re.compile(r"mark-\d+-\d+")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Standalone]]:
    """One sandbox with infinite index lag, one Mailbridge that is killed and started again over the same database."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as world:
        process = Standalone(folder, sandbox_settings(world, settle=1.0))
        process.start()
        stage = Stage(SandboxClient(world.url), process.url, world.imap_port, world.smtp_port, patience=120)
        for step in (story.install, story.connect_mailbox, story.connect_sender):
            step(stage)
        stage.sandbox.index_lag("infinite")
        yield stage, process
        process.stop()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_killed_mailbridge_loses_nothing_and_doubles_nothing(scene: tuple[Stage, Standalone], number: int) -> None:
    stage, process = scene
    chance = random.Random(SEED * 1000 + number)
    moment = chance.uniform(0.2, 5.0)
    print(f"\nround {number} of seed {SEED}: kill -9 after {moment:.2f} s", end=" ")
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(send_all, stage, number, chance)
        time.sleep(moment)  # the random moment is the experiment, not a wait for something
        process.kill()
        process.start()
        sending.result()
    wanted = {f"mark-{number}-{mail}" for mail in range(MAILS)}
    began = time.monotonic()
    wait_for(lambda: wanted <= set(marks(stage)), 400, lambda: report(stage, wanted, process))
    wait_for(lambda: quiet(stage), 240, lambda: report(stage, wanted, process))
    print(f"drained in {time.monotonic() - began:.1f} s", end=" ")
    counted = marks(stage)
    assert {mark: counted[mark] for mark in wanted if counted[mark] != 1} == {}, report(stage, wanted, process)
    strange = stage.sandbox.violations()
    assert strange == [], strange


def send_all(stage: Stage, number: int, chance: random.Random) -> None:
    """A hundred mails, a third of them answers to an earlier one of the round; each carries its own mark."""
    sandbox = SandboxClient(stage.sandbox.url)  # a connection of this thread's own
    for mail in range(MAILS):
        answered = chance.randrange(mail) if mail and chance.random() < 0.33 else None
        headers = [
            f"From: Writer {mail % 7} <writer{mail % 7}@customer.example>",
            f"To: {MAILBOX}",
            f"Subject: Mail {mail} of round {number}",
            f"Message-ID: <{number}.{mail}@customer.example>",
            *([] if answered is None else [f"In-Reply-To: <{number}.{answered}@customer.example>"]),
        ]
        sandbox.raw_mail("\r\n".join([*headers, "", f"This is mark-{number}-{mail}.", ""]).encode())
    sandbox.close()


def marks(stage: Stage) -> Counter[str]:
    """How often each mark stands in Jira: in a description or in a comment."""
    texts = [
        text for issue in stage.sandbox.issues() for text in (issue["text"], *(c["text"] for c in issue["comments"]))
    ]
    return Counter(mark for text in texts for mark in MARK.findall(text))


def quiet(stage: Stage) -> bool:
    """Nothing is under way in the ledger any more."""
    return not any(
        stage.api().get("/api/inbound/mails", state=state, limit=1)["mails"] for state in ("received", "delivering")
    )


def report(stage: Stage, wanted: set[str], process: Standalone) -> str:
    """What is missing or doubled, and the ledger's word on what is not handled."""
    counted = marks(stage)
    wrong = {mark: counted[mark] for mark in sorted(wanted) if counted[mark] != 1}
    rows = {
        state: stage.api().get("/api/inbound/mails", state=state, limit=5)["mails"]
        for state in ("received", "delivering", "held", "failed", "ignored")
    }
    return f"wrong: {wrong}; ledger: {rows}\n{process.tail()}"
