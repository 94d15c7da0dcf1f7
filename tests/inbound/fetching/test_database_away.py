"""A database that goes away under the fetcher: no mailbox is in trouble for it, and mail comes in soon after it is back."""

from collections import Counter

import pytest
from structlog.testing import capture_logs

from inbound.fetcher import Fetcher
from inbound.tables import mailbox
from sandbox.servers.postgres import Postgres
from tests.inbound.mailserver import MailServer, letter
from tests.inbound.rig import add_mailbox, config, mails, opened, wait_for

CONFIG = config(POLL_SECONDS="1", IMAP_TIMEOUT="30")


@pytest.mark.postgres
def test_a_database_that_is_away_is_not_the_mailboxs_trouble(
    postgres: Postgres, postgres_url: str, mail_server: MailServer
) -> None:
    with opened(postgres_url) as database:
        add_mailbox(database, CONFIG, mail_server)
        fetcher = Fetcher(CONFIG, database)
        with capture_logs() as lines:

            def told() -> Counter[str]:
                return Counter(line["event"] for line in lines)

            fetcher.start()
            try:
                wait_for(lambda: told()["mailbox_connected"] == 1)
                postgres.stop()
                try:
                    wait_for(lambda: told()["mailbox_waits_for_the_database"] == 1)
                    mail_server.deliver(letter("while it was away"))
                finally:
                    postgres.start()
                wait_for(lambda: told()["mailbox_connected"] == 2)
                wait_for(lambda: told()["batch_recorded"] == 1)
            finally:
                fetcher.stop(30)
        assert [row.state for row in mails(database)] == ["received"]
        assert told()["mailbox_trouble"] == 0
        with database.read() as tx:
            states = tx.execute(mailbox.select()).all()
        assert [(row.state, row.last_error) for row in states] == [("connected", None)]
