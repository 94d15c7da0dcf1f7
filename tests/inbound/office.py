"""The inbound worker's desk in front of the sandbox's Jira: post a mail into the ledger, let it be handled, look at both sides."""

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, select

from common.credentials import Credentials
from common.crypto import Vault
from common.db import Database
from common.http import Http
from common.ids import new_id
from common.jira import JiraSites
from common.messages import Message
from common.nets import Nets
from common.outbox import Outbox
from common.thread_tokens import ThreadKey
from inbound import store_ledger
from inbound.config import Config
from inbound.fetching.entries import ledger_entry, raw_aad
from inbound.handling.desk import Desk
from inbound.sources import Message as Fetched
from inbound.store_steps import Step, of_mail
from inbound.tables import data_key, mail, outbox, source
from sandbox.app import Sandbox
from sandbox.faults import Fault
from sandbox.jira.model import Issue
from tests.inbound import rig

SUP = {"id": "10001", "key": "SUP", "name": "Support"}
EMAIL_REQUEST = {"id": "10010", "name": "Email request"}
ROOT = "/rest/api/3"
KEY = ThreadKey(1, b"k" * 32)


class Source:
    """Credentials as connect would vend them."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.person_of: Callable[[str], Credentials | None] = lambda _: None

    def get(self, tenant: str) -> Credentials:
        return self.credentials

    def forget(self, tenant: str, used: Credentials | None = None) -> None:
        pass

    def person(self, tenant: str, account_id: str) -> Credentials | None:
        return self.person_of(account_id)

    def forget_person(self, tenant: str, account_id: str) -> None:
        pass


class Office:
    """`post` a raw mail, `work` until nothing is due."""

    def __init__(self, sandbox: Sandbox, database: Database, **settings: str) -> None:
        self.sandbox = sandbox
        self.database = database
        self.config: Config = rig.config(**{"JIRA_SETTLE": "0", "JIRA_TIMEOUT": "20", **settings})
        app = sandbox.parts.installer.register()
        self.account_id = app.account_id
        self.source = Source(
            Credentials(
                tenant=rig.TENANT,
                scheme="connect",
                base_url=sandbox.url,
                site_url=sandbox.url,
                app_key=app.app_key,
                client_key=app.client_key,
                secret=app.shared_secret,
                email=None,
                account_id=app.account_id,
                lookup=None,
                person_tokens=False,
                thread_keys=(KEY,),
                expires_at=time.time() + 3600,
            )
        )
        http = Http(Nets(("127.0.0.0/8",)), self.config.settings.jira_timeout)
        self.outbox = Outbox(database, outbox)
        self.vault = Vault(self.config.settings.master_key, data_key)
        sites = JiraSites(http, self.source, self.config.settings)
        self.jira = sites.site(rig.TENANT)
        self.desk = Desk(self.config, database, self.outbox, self.vault, self.source, sites)
        self.mailbox_id = rig.add_mailbox(database, self.config, None, project=SUP, issue_type=EMAIL_REQUEST)
        self._source_id = new_id()
        self._numbers = itertools.count(1)
        with database.write() as tx:
            values = {
                "identity": self._source_id,
                "place": "test",
                "baseline": 0,
                "high": 0,
                "backlog": [],
                "created_at": 1.0,
            }
            tx.execute(source.insert().values(id=self._source_id, mailbox_id=self.mailbox_id, **values))
        sandbox.parts.calls.clear()

    def post(self, raw: bytes, problem: str = "", *, limit: int = 0, via: str = "") -> str:
        """The mail is in the ledger; returns its id. limit: octets, where it has more; via: the door by which it was pushed."""
        with self.database.write() as tx:
            row = rig.mailbox_row(tx, self.mailbox_id)
            fetched = Fetched(str(next(self._numbers)), len(raw), raw, problem, limit=limit)
            entry = ledger_entry(row, self._source_id, fetched, None, None)
            entry["record"] |= {"via": via} if via else {}
            sealed = self.vault.seal(tx, rig.TENANT, raw, raw_aad(entry["id"]))
            store_ledger.record(tx, [entry], {entry["id"]: sealed})
            self.outbox.put(tx, "mail.received", rig.TENANT, {"mail": entry["id"]})
        return str(entry["id"])

    def work(self, rounds: int = 10, patience: float = 0.0) -> None:
        """Handle what is due, as if postponed mails' time had come, until nothing is left or `rounds` are over."""
        for _ in range(rounds):
            messages = self.waiting()
            if not messages:
                return
            for message in messages:
                self.desk.handle(message)
            time.sleep(patience)

    def waiting(self) -> list[Message]:
        """The messages of `mail.received`, due or not, as if they went out now."""
        with self.database.write() as tx:
            tx.execute(outbox.update().where(outbox.c.topic == "mail.received").values(sent_until=9e9))
            rows = select(outbox.c.id, outbox.c.topic, outbox.c.tenant, outbox.c.body).order_by(outbox.c.created_at)
            return [Message(*row) for row in tx.execute(rows.where(outbox.c.topic == "mail.received"))]

    def told(self, topic: str) -> list[dict[str, Any]]:
        """The bodies of what was told to outbound."""
        with self.database.read() as tx:
            return list(
                tx.execute(select(outbox.c.body).where(outbox.c.topic == topic).order_by(outbox.c.created_at)).scalars()
            )

    def mail(self, id: str) -> Row[Any]:
        with self.database.read() as tx:
            return tx.execute(select(mail).where(mail.c.id == id)).one()

    def steps(self, id: str) -> list[Step]:
        with self.database.read() as tx:
            return of_mail(tx, id)

    def handled(self, raw: bytes) -> Row[Any]:
        """Post one mail, work, and return its row."""
        id = self.post(raw)
        self.work()
        return self.mail(id)

    def issues(self) -> list[Issue]:
        with self.sandbox.parts.site.lock:
            return list(self.sandbox.parts.site.issues.values())

    def fault(self, kind: str, match: str, count: int = 1, seconds: float = 1.0) -> None:
        """The next `count` calls that match fail in this way."""
        self.sandbox.parts.faults.add(Fault(kind, 1.0, seconds, match, count))

    def calls(self) -> list[str]:
        """ "METHOD path" of each call to Jira so far, without the root of the REST API."""
        return [f"{one.method} {one.path.removeprefix(ROOT)}" for one in self.sandbox.parts.calls.all()]

    def trust_no_account(self) -> None:
        """As an older installation, whose account connect does not know."""
        self.source.credentials = replace(self.source.credentials, account_id=None)
