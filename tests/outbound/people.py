"""Facts for the tests of decisions: an issue with its people, and small makers for the rest."""

from typing import Any

from outbound.facts import Account, Address, Change, Comment, Event, Issue, Item, Known, Mailed, Restriction

ALICE = Account("alice", "Alice Agent", address="alice@company.test")
BOB = Account("bob", "Bob Builder", address="bob@company.test")
WANDA = Account("wanda", "Wanda Watcher", address="wanda@company.test")
APP = Account("app", "Mailbridge", kind="app")
CARL = Address("Carl Customer", "carl@customer.test")
DORA = Address("Dora", "dora@customer.test")
EVE = Address("Eve", "eve@elsewhere.test")
SUPPORT = "support@company.test"
KNOWN = Known(own=frozenset({SUPPORT}), poster="app")


def adf(text: str) -> dict[str, Any]:
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def mail_issue(**changes: Any) -> Issue:
    """An issue made from a mail of Carl's with Dora in copy: reported by Bob, assigned to Alice, watched by Wanda."""
    values: dict[str, Any] = {
        "id": "10001",
        "key": "HELP-1",
        "summary": "Printer on fire",
        "values": {"status": "Done", "summary": "Printer on fire"},
        "reporter": BOB,
        "assignee": ALICE,
        "watchers": (WANDA,),
        "mailed": Mailed(CARL, (DORA,), root="first@customer.test", mailbox=SUPPORT),
    }
    return Issue(**{**values, **changes})


def comment_item(
    actor: str | None = "alice", *, restriction: Restriction | None = None, mailed: Mailed | None = None, id: str = "7"
) -> Item:
    author = ALICE if actor == "alice" else None
    comment = Comment(id, author, adf("Try water."), restriction or Restriction(), mailed)
    return Item("comment_created", 1.0, actor, "Alice Agent", comment, events=("e1",))


def change_item(*fields: str, actor: str = "alice") -> Item:
    changes = tuple(Change(field, None, None) for field in fields)
    return Item("issue_updated", 1.0, actor, changes=changes, events=("e1",))


def created_item(actor: str = "app") -> Item:
    return Item("issue_created", 1.0, actor, "Carl Customer", events=("e1",))


def event(id: str, kind: str, at: float = 1.0, **values: Any) -> Event:
    return Event(id, kind, at, issue_id="10001", **values)
