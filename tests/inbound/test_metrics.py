"""What inbound tells its operator about mail on its way."""

from common import metrics
from common.db import Database
from inbound.fetcher import Fetcher
from tests.inbound.mailserver import MailServer, letter
from tests.inbound.rig import add_mailbox, config, mails, wait_for

CONFIG = config(POLL_SECONDS="1", IMAP_TIMEOUT="30")


def gauge(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


def test_the_fetcher_shows_the_ledger_and_remembers_when_a_mail_arrived(
    database: Database, mail_server: MailServer
) -> None:
    mail_server.deliver(letter("there before"))
    add_mailbox(database, CONFIG, mail_server)
    fetcher = Fetcher(CONFIG, database)
    fetcher.start()
    try:
        wait_for(lambda: len(mails(database)) == 1)
        mail_server.deliver(letter("new"))
        wait_for(lambda: len(mails(database)) == 2)
        wait_for(lambda: all(row.marked for row in mails(database)))
        fetcher._show()
    finally:
        fetcher.stop(30)
    assert gauge("mailbridge_ledger_state", state="received") == 2
    assert (gauge("mailbridge_ledger_oldest_seconds", state="received") or 0) > 0
    assert gauge("mailbridge_mailbox_state", state="connected") == 1
    assert gauge("mailbridge_unaccounted") == 0
    for row in mails(database):
        arrived = row.record.get("arrived_at")
        # INTERNALDATE has whole seconds: a mail of the same second as the mailbox's row may count as there before.
        assert arrived is None or abs(arrived - row.received_at) < 600
