"""What inbound tells an admin of a mailbox, and who is to hear it. Pure.

Words are in `admin_templates`; the letters themselves in `admin_letters`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from outbound import audience, suppress

Kind = Literal["reconnect", "expiring", "trouble"]
KINDS = ("reconnect", "expiring", "trouble")

TOLD = "Your address stands under “Outgoing mail” on Mailbridge's page, as one to be told when a mailbox needs an administrator."
PERSON = "You connected this mailbox, or signed in for it last."
CALLER = "Mailbridge calls Jira with your account."
OWN = "This is an address of Mailbridge's own: the mail would come back."
NOBODY = "Nobody can be told: name somebody under “Who is told when a mailbox needs an administrator”."

_LOGIN = "login:"  # who uses the page by its own login: connect's name for them, not an account of Jira


@dataclass(frozen=True, slots=True)
class AdminNotice:
    """A mailbox that needs somebody. account: of who connected it, None where Jira knows none; own: our mailboxes' addresses."""

    kind: Kind
    mailbox: str
    name: str
    address: str
    account: str | None
    reason: str
    remedy: str
    days: int | None
    at: float
    own: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """To be sealed."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be told, and the sentence that says why they are."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """own: addresses of our mailboxes, in lower case; suppressed: reasons by mark; mark: of an address."""

    own: frozenset[str]
    suppressed: Mapping[str, str]
    mark: Callable[[str], str]

    def of(self, address: str) -> str:
        """Why we do not write there, or ""."""
        if audience.is_own(address, self.own):
            return OWN
        return suppress.why_not(address, self.suppressed, self.mark(address))


def read(body: Mapping[str, Any]) -> AdminNotice:
    """A notice from a message or from what was sealed; raises ValueError for what is none."""
    kind, account, days, own = (
        body.get("kind"),
        body.get("account_id", body.get("account")),
        body.get("days"),
        body.get("own"),
    )
    if kind not in KINDS:
        raise ValueError(f"no notice for an admin: kind {kind!r}")
    known = isinstance(account, str) and account and not account.startswith(_LOGIN)
    at = body.get("at")
    return AdminNotice(
        kind=kind,
        mailbox=_text(body, "mailbox")[:16],
        name=_text(body, "name") or "without a name",
        address=_text(body, "address"),
        account=account if known else None,
        reason=_text(body, "reason"),
        remedy=_text(body, "remedy"),
        days=days if isinstance(days, int) and not isinstance(days, bool) else None,
        at=float(at) if isinstance(at, int | float) else 0.0,
        own=tuple(one.lower() for one in own if isinstance(one, str)) if isinstance(own, list | tuple) else (),
    )


def first(candidates: Sequence[Candidate], refusals: Refusals) -> Candidate | str:
    """The first that may be written to; else why there is none."""
    why = [refusals.of(one.address) for one in candidates]
    found = next((one for one, no in zip(candidates, why, strict=True) if not no), None)
    return found or (f"{why[0]} {NOBODY}" if why else NOBODY)


def subject(notice: AdminNotice) -> str:
    """One line that says what to do about which mailbox."""
    if notice.kind == "reconnect":
        return f"Sign in again for the mailbox {notice.name}"
    if notice.kind == "expiring":
        return f"The mailbox {notice.name} can be read {_still(notice.days)}: renew its secret"
    return f"The mailbox {notice.name} cannot be read"


def headline(notice: AdminNotice) -> str:
    """What is the matter, in a sentence."""
    told = notice.address and notice.address.lower() not in notice.name.lower()
    which = f"the mailbox {notice.name}" + (f" ({notice.address})" if told else "")
    if notice.kind == "reconnect":
        return f"Mailbridge cannot read {which} any more: its sign-in is not good any more."
    if notice.kind == "expiring":
        return f"Mailbridge can read {which} {_still(notice.days)}: then the secret ends with which it logs in."
    return f"Mailbridge has not been able to read {which} for an hour."


def advice(notice: AdminNotice) -> str:
    """What to do about it."""
    if notice.remedy or notice.kind != "trouble":
        return notice.remedy
    return "Mailbridge goes on trying. Test the connection in the settings of the mailbox, on Mailbridge's page."


def comfort(notice: AdminNotice) -> str:
    """What becomes of the mail meanwhile."""
    if notice.kind == "expiring":
        return "Nothing is lost if that happens: mail that comes meanwhile stays in the mailbox and is read afterwards."
    return "Nothing is lost: mail that comes meanwhile stays in the mailbox and is read as soon as that is possible."


def link(scheme: str, site_url: str, app_key: str | None, base_url: str) -> str:
    """Where Mailbridge's page is, or "" where that cannot be told: of Forge's page only Jira knows the address.

    A Connect page's address is the app's key and the module's (developer.atlassian.com, modules/admin-page).
    """
    if scheme == "token":
        return f"{base_url.rstrip('/')}/"
    if scheme == "connect" and app_key:
        return f"{site_url.rstrip('/')}/plugins/servlet/ac/{app_key}/mailbridge-admin"
    return ""


def _still(days: int | None) -> str:
    if days is None:
        return "for some days only"
    if days < 1:
        return "for less than a day only"
    return f"for {days} more day{'' if days == 1 else 's'}"


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return " ".join(value.split())[:1000] if isinstance(value, str) else ""
