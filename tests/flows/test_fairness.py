"""A noisy tenant: 5,000 of its mails wait at a Jira that answers in 200 ms, and nine others' mails start as if it were not there."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from common.crypto import Vault
from common.db import open_database
from common.env import decode_key
from common.outbox import Outbox
from inbound import store_ledger
from inbound.fetching.entries import ledger_entry, raw_aad
from inbound.sources import Message
from inbound.tables import data_key, outbox
from sandbox import story
from sandbox.app import Sandbox
from sandbox.client import SandboxClient, wait_for
from sandbox.story import MAILBOX, Stage
from scripts.fleet import Fleet, fleet
from tests.running import sandbox_settings

FLOOD = 5000
QUIET = 9
pytestmark = [pytest.mark.rabbitmq, pytest.mark.postgres, pytest.mark.timeout(600)]


@dataclass
class Town:
    """One Mailbridge and ten Jiras; the first is the noisy one's."""

    sandboxes: list[Sandbox]
    stages: list[Stage]
    crew: Fleet
    database_url: str

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """The rows of a statement."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement.encode(), values).fetchall()


@pytest.fixture
def town(rabbitmq_url: str, postgres_url: str, tmp_path: Path) -> Iterator[Town]:
    """Ten tenants, each with a mailbox of its own."""
    with ExitStack() as stack:
        sandboxes = [
            stack.enter_context(Sandbox(port=0, imap_port=0, smtp_port=0, strict=False)) for _ in range(1 + QUIET)
        ]
        for one in sandboxes[1:]:  # Atlassian has one place for the keys that sign installs
            one.parts.installer._keys = sandboxes[0].parts.installer._keys
        settings = sandbox_settings(sandboxes[0]) | {
            "MAILBRIDGE_DATABASE_URL": postgres_url, "MAILBRIDGE_BROKER_URL": rabbitmq_url, "MAILBRIDGE_JIRA_TIMEOUT": "30",
        }  # fmt: skip
        crew = stack.enter_context(fleet(settings, tmp_path / "logs"))
        stages = [
            Stage(SandboxClient(one.url), crew.url, one.imap_port, one.smtp_port, patience=120) for one in sandboxes
        ]
        for stage in stages:
            story.install(stage)
            story.connect_mailbox(stage)
        crew.end("outbound.worker")  # it would ask the same Jiras, and what is measured is inbound's first call
        yield Town(sandboxes, stages, crew, postgres_url)


def test_a_noisy_tenant_delays_nobody_elses_mail_by_a_second(town: Town) -> None:
    starts(town, "warm up")
    alone = starts(town, "alone")
    noisy = town.sandboxes[0]
    town.stages[0].sandbox.fault("slow", seconds=0.2, match="/rest/api/3/")
    flood(town)
    wait_for("the flood to be under way", lambda: len(noisy.parts.calls.all(0)) > 40, 120)
    among = calmest(town, "among five thousand", alone)
    assert waiting(town) > FLOOD / 2, "the flood was over too soon to have been in the way"
    told("beside a slow Jira", alone, among)
    assert max(among) - statistics.median(alone) < allowed(alone), (alone, among)

    town.stages[0].sandbox.clear_faults()
    town.stages[0].sandbox.fault("429", seconds=60, match="/rest/api/3/")
    before = len(noisy.parts.calls.all(0))
    wait_for("Jira to ask for patience", lambda: len(noisy.parts.calls.all(0)) > before + 20, 120)
    held = calmest(town, "beside Retry-After", alone)
    told("beside Retry-After of a minute", alone, held)
    assert max(held) - statistics.median(alone) < allowed(alone), (alone, held)


def allowed(alone: list[float]) -> float:
    """A second; on a machine that is busy with other things, four times the worst that it shows with nobody in the way."""
    return max(1.0, 4 * max(alone))


def calmest(town: Town, subject: str, alone: list[float]) -> list[float]:
    """The best of three rounds at most: a machine may be busy for a moment, but who is noisy is in the way in each of them."""
    rounds: list[list[float]] = []
    while len(rounds) < 3 and not any(max(one) - statistics.median(alone) < allowed(alone) for one in rounds):
        rounds.append(starts(town, f"{subject} ({len(rounds) + 1})"))
    return min(rounds, key=max)


def told(where: str, alone: list[float], among: list[float]) -> None:
    """The figures, for who reads the output."""
    print(
        f"\nstart {where}: median {statistics.median(among):.3f} s, worst {max(among):.3f} s; "
        f"alone: median {statistics.median(alone):.3f} s, worst {max(alone):.3f} s"
    )


def starts(town: Town, subject: str) -> list[float]:
    """One mail for each of the nine, one after the other; for each the seconds from the ledger to its first call to Jira."""
    seen = [len(one.parts.calls.all(0)) for one in town.sandboxes]
    for stage in town.stages[1:]:
        stage.sandbox.mail(from_="carol@customer.example", to=MAILBOX, subject=subject, text="Hello\n")
        time.sleep(0.25)  # spread over the flood
    found = []
    for sandbox, stage, before in zip(town.sandboxes[1:], town.stages[1:], seen[1:], strict=True):
        calls = wait_for("a quiet tenant's mail to be begun", lambda s=sandbox, b=before: s.parts.calls.all(0)[b:], 120)  # type: ignore[misc]
        row = wait_for(
            "a quiet tenant's mail to be handled",
            lambda s=stage: town.sql(  # type: ignore[misc]
                "SELECT received_at FROM inbound.mail WHERE mailbox_id = %s AND subject = %s AND state = 'handled'",
                s.mailbox["id"], subject,
            ),
            120,
        )  # fmt: skip
        found.append(calls[0].at - float(str(row[0][0])))
    return found


def flood(town: Town) -> None:
    """5,000 mails of the first tenant come into the ledger at once, as a fetcher puts them there."""
    database = open_database(town.database_url, "inbound")
    vault = Vault(decode_key("the master key", town.crew._settings["MAILBRIDGE_MASTER_KEY"]), data_key)
    id = town.stages[0].mailbox["id"]
    with database.write() as tx:
        mailbox = tx.exec_driver_sql("SELECT * FROM inbound.mailbox WHERE id = %s", (id,)).one()
        source = tx.exec_driver_sql("SELECT id FROM inbound.source WHERE mailbox_id = %s", (id,)).scalar_one()
        rows = []
        sealed = {}
        for number in range(FLOOD):
            head = f"From: writer@loud.example\r\nTo: {MAILBOX}\r\nSubject: Flood {number}\r\n"
            raw = f"{head}Message-ID: <{number}@loud.example>\r\n\r\nHello\r\n".encode()
            row = ledger_entry(mailbox, source, Message(str(1_000_000 + number), len(raw), raw), None, None)
            rows.append({**row, "marked": True})
            sealed[row["id"]] = vault.seal(tx, mailbox.tenant, raw, raw_aad(row["id"]))
        store_ledger.record(tx, rows, sealed)
        Outbox(database, outbox).put_all(tx, "mail.received", mailbox.tenant, [{"mail": one["id"]} for one in rows])
    database.close()


def waiting(town: Town) -> int:
    """How many of the flood are still to be handled."""
    [(count,)] = town.sql(
        "SELECT count(*) FROM inbound.mail WHERE mailbox_id = %s AND state IN ('received', 'delivering')",
        town.stages[0].mailbox["id"],
    )
    return int(str(count))
