"""What a tenant has in all three services, put straight into the databases: a name for everything that can be named."""

import secrets
from collections.abc import Mapping

from sqlalchemy import insert

from common.crypto import Vault
from common.ids import new_id
from connect.setup_link import new_link
from connect.store import Installation, Store
from connect.store_login import LoginStore
from connect.store_lookup import LookupStore
from connect.store_site import Account, SiteStore
from inbound import store_sign_in
from inbound import tables as inbound_tables
from outbound import store as outbound_store
from outbound import store_admin_letters, store_deliveries, store_events
from outbound import tables as outbound_tables
from outbound.facts import Recipient
from outbound.sealing import Sealing
from tests.flows.three_services import MASTER_KEY, Services

SUP = {"id": "10000", "key": "TEST", "name": "Support"}
DEV = {"id": "10002", "key": "DEV", "name": "Development"}
OTHER = {"id": "10009", "key": "OTHER", "name": "Other"}


def connect_data(made: Services, outside: str, name: str) -> str:
    """A tenant with Connect and a look-up user."""
    database = made.databases["connect"]
    store = Store(database, MASTER_KEY)
    word, where = ("aardvark", "jira") if name == "a" else ("badger", "jira-b")
    installation = Installation(
        f"client-{name}", f"{outside}/{where}", "mailbridge-for-jira", None, f"{word}-secret-of-32-octets-or-so"
    )
    tenant = store.install(installation, "enabled")
    LookupStore(database, MASTER_KEY).put(
        tenant, f"{word}@x.test", f"{word}-token", None, f"{word}-account", word.title()
    )
    return tenant


def own_site(made: Services, outside: str) -> dict[str, str]:
    """The tenant of the page's own login, its webhook, its set-up link: somebody else's too, as seen from B."""
    database = made.databases["connect"]
    sites = SiteStore(database, MASTER_KEY)
    own = sites.own_tenant()
    sites.attach(own, f"{outside}/jira", Account("aardvark-own@x.test", "aardvark-api-token", None), None)
    new_link(LoginStore(database), "https://mail.example.com")
    site = sites.site(own)
    assert site is not None
    return {"own_tenant": own, "hook": site.hook.name, "lookup_account": "aardvark-account"}


def inbound_data(
    made: Services, tenant: str, project: Mapping[str, str], *, word: str = "Aardvark", issue: str = "10100"
) -> dict[str, str]:
    """A mailbox with a mail that became an issue, and one of another project."""
    database = made.databases["inbound"]
    vault = Vault(MASTER_KEY, inbound_tables.data_key)
    names: dict[str, str] = {}
    with database.write() as tx:
        for prefix, of in (("", project), ("other_", DEV)):
            mailbox, source, mail = new_id(), new_id(), new_id()
            rule = {"project": of, "issue_type": {"id": "10010", "name": "Email"}, "default_reporter": None}
            fields = {
                "name": f"{word} mailbox", "kind": "imap", "host": "127.0.0.1", "port": 1, "security": "none",
                "username": f"{word}@x.test", "folder": f"{prefix}INBOX", "address": f"{word}@x.test", "validate_certificate": True,
                "sub_addresses": False, "backlog": "none", "config_version": 1, "enabled": True, "state": "connected",
                "owner_epoch": 0, "created_at": 1.0, "changed_at": 1.0, "secret": vault.seal(tx, tenant, b"s", "mailbox"), **rule,
            }  # fmt: skip
            tx.execute(insert(inbound_tables.mailbox).values(id=mailbox, tenant=tenant, **fields))
            tx.execute(
                insert(inbound_tables.rule_version).values(mailbox_id=mailbox, version=1, body=rule, published_at=1.0)
            )
            about = {"identity": source, "place": "x", "baseline": 0, "high": 0, "backlog": [], "created_at": 1.0}
            tx.execute(insert(inbound_tables.source).values(id=source, mailbox_id=mailbox, **about))
            told = {
                "remote_id": "1", "size": 1, "received_at": 2.0, "state": "failed", "issue_id": issue, "issue_key": "SUP-1",
                "attempts": 1, "unfinished": 0, "sender": f"{word} <{word}@x.test>", "subject": f"{word} printer",
                "record": {"explanation": [f"{word} wrote."]}, "marked": True, "handled_at": 3.0, "config_version": 1,
            }  # fmt: skip
            row = {"id": mail, "tenant": tenant, "mailbox_id": mailbox, "source_id": source, **told}
            tx.execute(insert(inbound_tables.mail).values(row))
            tx.execute(insert(inbound_tables.mail_raw).values(mail_id=mail, sealed=b"sealed"))
            names |= {f"{prefix}mailbox": mailbox, f"{prefix}mail": mail}
        # A sign-in under way; its state is told to whoever began it and to nobody else.
        names |= {"sign_in": secrets.token_urlsafe(32), "other_sign_in": secrets.token_urlsafe(32)}
        store_sign_in.begin(tx, names["sign_in"], tenant, names["mailbox"], "microsoft", b"sealed")
    return names


def outbound_data(made: Services, tenant: str) -> dict[str, str]:
    """An outgoing server and a letter."""
    database = made.databases["outbound"]
    sealing = Sealing(Vault(MASTER_KEY, outbound_tables.data_key))
    delivery, event = new_id(), new_id()
    with database.write() as tx:
        fields = {
            "host": "aardvark.x.test", "port": 25, "security": "none", "username": "aardvark", "from_name": "Aardvark",
            "from_address": "aardvark@x.test", "window_seconds": 5.0, "validate_certificate": True, "state": "new",
        }  # fmt: skip
        outbound_store.put_sender(tx, tenant, {**fields, "secret": sealing.password(tx, tenant, "aardvark")})
        store_events.add_event(tx, event, tenant, event, "comment_created", {"issue_id": "10100"})
        window = store_events.join(tx, tenant, "10100", [event], 0.0) or new_id()
        recipient = Recipient("address", "Aardvark", "aardvark@x.test", None)
        row = {
            "id": delivery, "tenant": tenant, "window_id": window, "issue_id": "10100", "issue_key": "SUP-1",
            "recipient": sealing.recipient(tx, tenant, delivery, recipient), "recipient_hash": "", "kind": "address",
            "event": "comment_created", "items": [0], "reasons": ["Aardvark."], "reason": "Aardvark.", "state": "sent",
            "message_id": None,
        }  # fmt: skip
        store_deliveries.add(tx, [row])
        outbound_store.set_told(tx, tenant, sealing.told(tx, tenant, ["aardvark@x.test"]))
        letter = new_id()
        notice = {"kind": "trouble", "mailbox": new_id(), "name": "Aardvark mailbox", "reason": "Aardvark.", "at": 1.0}
        told = {
            "id": letter, "tenant": tenant, "notice": new_id(), "number": 0, "kind": "trouble", "reason": "Aardvark.", "state": "sent",
            "content": sealing.notice(tx, tenant, letter, notice),
            "recipient": sealing.recipient(tx, tenant, letter, recipient), "recipient_hash": "", "message_id": None,
        }  # fmt: skip
        store_admin_letters.add(tx, [told])
    return {"delivery": delivery, "admin_letter": letter}
