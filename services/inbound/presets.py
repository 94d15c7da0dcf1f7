"""Mail providers that people have mailboxes at: their servers, how one logs in there, and what to know about it. Pure.

Names, ports and login ways are facts of Mozilla's ISPDB (github.com/thunderbird/autoconfig, as of 12 March 2026); which
preset a server belongs to and the sentences are ours. An `authserv_id` stands only where it is known for certain: Microsoft
365 and Outlook.com write a header without one; for the others an administrator reads it in a mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inbound.identity import NO_AUTHSERV_ID

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
_SIGN_IN = "Microsoft takes no passwords here any more: sign in with Microsoft, or use an app registration of your own."


def _preset(
    id: str,
    name: str,
    domains: str,
    imap: str = "",
    pop3: str = "",
    smtp: str = "",
    *,
    username: str = "address",
    auth: str = "password",
    provider: str | None = None,
    authserv_id: str | None = None,
    remedy: str = _CHECK,
) -> Preset:
    servers = (_server("imap", imap), _server("pop3", pop3), _server("smtp", smtp))
    ways = tuple(auth.split())
    sentence = _APP if "app_password" in ways and remedy is _CHECK else remedy
    return Preset(
        id, name, tuple(domains.split()), *servers, username, ways, provider, authserv_id, sentence.format(name=name)
    )


PRESETS: tuple[Preset, ...] = (
    _preset(
        "microsoft365",
        "Microsoft 365",
        "onmicrosoft.com office365.com",
        "outlook.office365.com",
        "outlook.office365.com",
        "smtp.office365.com:587",
        auth="oauth",
        provider="microsoft",
        authserv_id=NO_AUTHSERV_ID,
        remedy=_SIGN_IN,
    ),
    _preset(
        "outlook",
        "Outlook.com",
        "outlook.com hotmail.com live.com msn.com windowslive.com outlook.de outlook.es outlook.fr",
        "outlook.office365.com",
        "outlook.office365.com",
        "smtp-mail.outlook.com:587",
        auth="oauth",
        provider="microsoft",
        authserv_id=NO_AUTHSERV_ID,
        remedy=_SIGN_IN,
    ),
    _preset(
        "gmail",
        "Gmail and Google Workspace",
        "gmail.com googlemail.com",
        "imap.gmail.com",
        "pop.gmail.com",
        "smtp.gmail.com",
        auth="oauth app_password",
        provider="google",
        remedy="Sign in with Google, or use an app password: Google does not take the account's own. IMAP has to be on.",
    ),
    _preset(
        "yahoo",
        "Yahoo Mail",
        "yahoo.com yahoo.ca yahoo.de yahoo.it yahoo.fr yahoo.es yahoo.se yahoo.co.in yahoo.co.uk",
        "imap.mail.yahoo.com",
        "pop.mail.yahoo.com",
        "smtp.mail.yahoo.com",
        auth="app_password",
    ),
    _preset(
        "aol",
        "AOL Mail",
        "aol.com aim.com netscape.net aol.de aol.fr aol.co.uk",
        "imap.aol.com",
        "pop.aol.com",
        "smtp.aol.com",
        auth="app_password",
    ),
    _preset(
        "icloud",
        "Apple iCloud",
        "icloud.com me.com mac.com",
        "imap.mail.me.com",
        "",
        "smtp.mail.me.com:587",
        username="local",
        auth="app_password",
    ),
    _preset(
        "fastmail",
        "Fastmail",
        "fastmail.com fastmail.fm messagingengine.com",
        "imap.fastmail.com",
        "pop.fastmail.com",
        "smtp.fastmail.com",
        auth="app_password",
    ),
    _preset(
        "zoho", "Zoho Mail", "zoho.com zohomail.com", "imap.zoho.com", "pop.zoho.com", "smtp.zoho.com", remedy=_SWITCH
    ),
    _preset(
        "zoho-eu",
        "Zoho Mail (Europe)",
        "zoho.eu zohomail.eu",
        "imap.zoho.eu",
        "pop.zoho.eu",
        "smtp.zoho.eu",
        remedy=_SWITCH,
    ),
    _preset(
        "zoho-in",
        "Zoho Mail (India)",
        "zoho.in zohomail.in",
        "imap.zoho.in",
        "pop.zoho.in",
        "smtp.zoho.in",
        remedy=_SWITCH,
    ),
    _preset(
        "zoho-au",
        "Zoho Mail (Australia)",
        "zoho.com.au zohomail.com.au",
        "imap.zoho.com.au",
        "pop.zoho.com.au",
        "smtp.zoho.com.au",
        remedy=_SWITCH,
    ),
    _preset(
        "zoho-jp",
        "Zoho Mail (Japan)",
        "zoho.jp zohomail.jp",
        "imap.zoho.jp",
        "pop.zoho.jp",
        "smtp.zoho.jp",
        remedy=_SWITCH,
    ),
    _preset(
        "gmx-net",
        "GMX (Germany, Austria, Switzerland)",
        "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.org gmx.info",
        "imap.gmx.net",
        "pop.gmx.net",
        "mail.gmx.net",
        remedy=_SWITCH,
    ),
    _preset(
        "gmx-com",
        "GMX (international)",
        "gmx.com gmx.us gmx.co.uk gmx.es gmx.fr",
        "imap.gmx.com",
        "pop.gmx.com",
        "mail.gmx.com",
        remedy=_SWITCH,
    ),
    _preset(
        "web-de", "WEB.DE", "web.de", "imap.web.de", "pop3.web.de", "smtp.web.de", username="local", remedy=_SWITCH
    ),
    _preset(
        "mail-com",
        "mail.com",
        "mail.com email.com post.com usa.com consultant.com engineer.com europe.com",
        "imap.mail.com",
        "pop.mail.com",
        "smtp.mail.com",
        remedy=_SWITCH,
    ),
    _preset(
        "yandex",
        "Yandex Mail",
        "yandex.com yandex.ru yandex.kz ya.ru",
        "imap.yandex.com",
        "pop.yandex.com",
        "smtp.yandex.com",
        remedy=_SWITCH,
    ),
    _preset(
        "mail-ru",
        "Mail.ru",
        "mail.ru inbox.ru list.ru bk.ru",
        "imap.mail.ru",
        "pop.mail.ru",
        "smtp.mail.ru",
        remedy=_SWITCH,
    ),
    _preset(
        "posteo",
        "Posteo",
        "posteo.de posteo.at posteo.ch posteo.com posteo.co.uk",
        "posteo.de",
        "posteo.de",
        "posteo.de",
    ),
    _preset(
        "t-online",
        "Telekom (t-online.de)",
        "t-online.de magenta.de",
        "secureimap.t-online.de",
        "securepop.t-online.de",
        "securesmtp.t-online.de",
        remedy=_SWITCH,
    ),
    _preset(
        "ionos",
        "1&1 / IONOS",
        "online.de onlinehome.de kundenserver.de",
        "imap.1und1.de",
        "pop.1und1.de",
        "smtp.1und1.de",
    ),
    _preset("strato", "Strato", "strato.de rzone.de", "imap.strato.de", "pop3.strato.de", "smtp.strato.de"),
    _preset("hetzner", "Hetzner", "your-server.de", "mail.your-server.de", "", "mail.your-server.de"),
    _preset("domainfactory", "domainFACTORY", "ispgateway.de", "sslin.df.eu", "sslin.df.eu", "sslout.df.eu"),
    _preset(
        "vodafone-de",
        "Vodafone (Germany)",
        "vodafonemail.de arcor.de",
        "imap.vodafonemail.de",
        "pop3.vodafonemail.de",
        "smtp.vodafonemail.de",
    ),
    _preset("gandi", "Gandi", "gandi.net", "mail.gandi.net", "mail.gandi.net", "mail.gandi.net"),
    _preset("ovh", "OVH", "ovh.net", "ssl0.ovh.net", "ssl0.ovh.net", "ssl0.ovh.net"),
    _preset("rackspace", "Rackspace Email", "emailsrvr.com", "secure.emailsrvr.com", "", "secure.emailsrvr.com"),
    _preset(
        "godaddy",
        "GoDaddy (Workspace Email)",
        "secureserver.net",
        "imap.secureserver.net",
        "pop.secureserver.net",
        "smtpout.secureserver.net",
    ),
    _preset("one-com", "one.com", "one.com", "imap.one.com", "", "send.one.com"),
    _preset(
        "orange-fr", "Orange (France)", "orange.fr wanadoo.fr", "imap.orange.fr", "pop.orange.fr", "smtp.orange.fr"
    ),
    _preset("free-fr", "Free", "free.fr", "imap.free.fr", "pop.free.fr", "smtp.free.fr", username="local"),
    _preset("sfr", "SFR", "sfr.fr neuf.fr", "imap.sfr.fr", "pop.sfr.fr", "smtp.sfr.fr"),
    _preset(
        "laposte",
        "La Poste",
        "laposte.net",
        "imap.laposte.net",
        "pop.laposte.net",
        "smtp.laposte.net",
        username="local",
    ),
    _preset(
        "libero",
        "Libero Mail",
        "libero.it iol.it inwind.it",
        "imapmail.libero.it",
        "popmail.libero.it",
        "smtp.libero.it",
    ),
    _preset(
        "seznam",
        "Seznam",
        "seznam.cz email.cz post.cz",
        "imap.seznam.cz",
        "pop3.seznam.cz",
        "smtp.seznam.cz",
        remedy=_SWITCH,
    ),
    _preset(
        "onet",
        "Onet Poczta",
        "onet.pl onet.eu op.pl vp.pl",
        "imap.poczta.onet.pl",
        "pop3.poczta.onet.pl",
        "smtp.poczta.onet.pl",
        remedy=_SWITCH,
    ),
    _preset(
        "wp-pl", "Wirtualna Polska", "wp.pl", "imap.wp.pl", "pop3.wp.pl", "smtp.wp.pl", username="local", remedy=_SWITCH
    ),
    _preset(
        "kpn", "KPN", "kpnmail.nl planet.nl hetnet.nl xs4all.nl", "imap.kpnmail.nl", "pop.kpnmail.nl", "smtp.kpnmail.nl"
    ),
    _preset("ziggo", "Ziggo", "ziggo.nl upcmail.nl chello.nl", "imap.ziggo.nl", "pop.ziggo.nl", "smtp.ziggo.nl:587"),
    _preset(
        "proximus", "Proximus", "skynet.be proximus.be", "imap.proximus.be", "pop.proximus.be", "relay.proximus.be:587"
    ),
    _preset(
        "bluewin", "Swisscom Bluewin", "bluewin.ch", "imaps.bluewin.ch", "pop3s.bluewin.ch", "smtpauths.bluewin.ch"
    ),
    _preset(
        "bt",
        "BT Mail",
        "btinternet.com btopenworld.com",
        "mail.btinternet.com",
        "mail.btinternet.com",
        "mail.btinternet.com",
    ),
    _preset("comcast", "Comcast", "comcast.net", "imap.comcast.net", "mail.comcast.net", "smtp.comcast.net"),
    _preset(
        "att",
        "AT&T",
        "att.net bellsouth.net sbcglobal.net",
        "imap.mail.att.net",
        "inbound.att.net",
        "outbound.att.net",
        auth="app_password",
    ),
    _preset("telstra", "Telstra", "bigpond.com telstra.com", "imap.telstra.com", "pop.telstra.com", "smtp.telstra.com"),
    _preset("qq", "QQ Mail", "qq.com", "imap.qq.com", "", "smtp.qq.com", remedy=_SWITCH),
    _preset("163", "NetEase 163", "163.com", "imap.163.com", "", "smtp.163.com", remedy=_SWITCH),
    _preset("naver", "Naver", "naver.com", "imap.naver.com", "pop.naver.com", "smtp.naver.com", remedy=_SWITCH),
    _preset("uol", "UOL", "uol.com.br", "imap.uol.com.br", "pop3.uol.com.br", "smtps.uol.com.br:587", username="local"),
)


def _first(pairs: Iterable[tuple[str, Preset]]) -> dict[str, Preset]:
    found: dict[str, Preset] = {}
    for name, preset in pairs:
        found.setdefault(name, preset)
    return found


BY_ID = {preset.id: preset for preset in PRESETS}
_BY_DOMAIN = _first((domain, preset) for preset in PRESETS for domain in preset.domains)
_BY_HOST = _first((server.host, preset) for preset in PRESETS for server in (preset.imap, preset.pop3) if server)
