"""Mail providers that people have mailboxes at: their servers, how one logs in there, and what to know about it. Pure.

Names, ports and login ways are facts of Mozilla's ISPDB (github.com/thunderbird/autoconfig, as of 12 March 2026); which
preset a server belongs to and the sentences are ours. An `authserv_id` stands only where it is known for certain: Microsoft
365 and Outlook.com write a header without one; Gmail writes mx.google.com, as mails do that came there. Others write the name
of whichever machine took the mail, or are not known: there an administrator reads it in a mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inbound.reading.identity import NO_AUTHSERV_ID
from inbound.sources.preset_table import TABLE

REFUSED_DOMAIN = "atlassian.net"
REFUSED = (
    "This is one of Jira's own mailboxes (atlassian.net): Atlassian lets no other program read it. Use a mailbox of your own, "
    "such as support@your-company.example, and let the Atlassian address forward to it, or give people the new address."
)
_STANDARD = {"imap": (993, 143), "pop3": (995, 110), "smtp": (465, 587)}


@dataclass(frozen=True, slots=True)
class Server:
    """security: "tls" or "starttls"."""

    host: str
    port: int
    security: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider. username: "address" or "local" (the part before the @), which the incoming server wants.

    auth: ways to log in, best first ("oauth", "password", "app_password": one made for programs). provider: whose sign-in
    that is (microsoft, google), or None. remedy: what to do when the login is refused.
    """

    id: str
    name: str
    domains: tuple[str, ...]
    imap: Server | None
    pop3: Server | None
    smtp: Server | None
    username: str
    auth: tuple[str, ...]
    provider: str | None
    authserv_id: str | None
    remedy: str


def suggested(address: str) -> Preset | None:
    """The provider of an address, by its domain or one above it; None if it is none of ours."""
    labels = address.rpartition("@")[2].strip().lower().rstrip(".").split(".")
    domains = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((_BY_DOMAIN[domain] for domain in domains if domain in _BY_DOMAIN), None)


def of_host(host: str) -> Preset | None:
    """The provider whose incoming server this is, if it is one's alone or the first one's."""
    return _BY_HOST.get(host.strip().lower().rstrip("."))


def refused(*names: str) -> str | None:
    """Why a mailbox with these hosts and addresses cannot be read, or None."""
    for name in names:
        domain = name.rpartition("@")[2].strip().lower().rstrip(".")
        if domain == REFUSED_DOMAIN or domain.endswith("." + REFUSED_DOMAIN):
            return REFUSED
    return None


def _server(kind: str, text: str) -> Server | None:
    """From "imap.example.com" (TLS at its usual port), "host:587" (STARTTLS at the other usual port) or ""."""
    host, _, port = text.partition(":")
    tls, starttls = _STANDARD[kind]
    number = int(port or tls)
    return Server(host, number, "starttls" if number == starttls else "tls") if host else None


_CHECK = "Check the user name and the password."
_SWITCH = (
    "Check the user name and the password, and whether programs may log in: some accounts need that switched on first."
)
_APP = "{name} wants an app password here, not the one you sign in with: make one in the account's security settings."
_GOOGLE = "Sign in with Google, or use an app password: Google does not take the account's own. IMAP has to be on."
_MICROSOFT = (
    "Microsoft takes no passwords here any more: sign in with Microsoft, or use an app registration of your own."
)
_AUTHSERV_IDS = {"microsoft": NO_AUTHSERV_ID, "google": "mx.google.com"}
# By the table's word: ways to log in, and the remedy.
_WAYS = {
    "microsoft": (("oauth",), _MICROSOFT),
    "google": (("oauth", "app_password"), _GOOGLE),
    "app_password": (("app_password",), _APP),
    "switch": (("password",), _SWITCH),
    "": (("password",), _CHECK),
}


def _preset(first: str, second: str) -> Preset:
    id, name, words = (part.strip() for part in first.split("|"))
    servers, domains = (part.split() for part in second.split("|"))
    imap, pop3, smtp = (_server(kind, text.strip("-")) for kind, text in zip(_STANDARD, servers, strict=True))
    way = next((word for word in words.split() if word in _WAYS), "")
    auth, remedy = _WAYS[way]
    return Preset(
        id=id,
        name=name,
        domains=tuple(domains),
        imap=imap,
        pop3=pop3,
        smtp=smtp,
        username="local" if "local" in words.split() else "address",
        auth=auth,
        provider=way if way in ("microsoft", "google") else None,
        authserv_id=_AUTHSERV_IDS.get(way),
        remedy=remedy.format(name=name),
    )


_LINES = TABLE.strip().splitlines()
PRESETS = tuple(_preset(first, second) for first, second in zip(_LINES[::2], _LINES[1::2], strict=True))


def _first(pairs: Iterable[tuple[str, Preset]]) -> dict[str, Preset]:
    found: dict[str, Preset] = {}
    for name, preset in pairs:
        found.setdefault(name, preset)
    return found


BY_ID = {preset.id: preset for preset in PRESETS}
_BY_DOMAIN = _first((domain, preset) for preset in PRESETS for domain in preset.domains)
_BY_HOST = _first((server.host, preset) for preset in PRESETS for server in (preset.imap, preset.pop3) if server)
