"""What people give to attach a Jira site, brought to the form that calls need: its address, an e-mail address, a token. Pure."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]")


class BadAddress(ValueError):
    """It is no address of a site; `str()` says why, `remedy` what to give."""

    def __init__(
        self, reason: str, remedy: str = "Give the address of the site, such as https://example.atlassian.net."
    ) -> None:
        super().__init__(reason)
        self.remedy = remedy


def site_address(text: str, *, allow_plain: bool) -> str:
    """`https://host[:port]` of any address within a Jira Cloud site, which has nothing in front of its paths.

    Raises BadAddress; also for http, unless allow_plain.
    """
    given = text.strip()
    if given and "://" not in given:
        given = f"https://{given}"
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress(f"{text!r} is not an address.") from None
    name = f"[{host}]" if ":" in host else host
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(name) or port == 0:
        raise BadAddress(f"{text!r} is not an address.")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("The address has a name or a password in it.", "Give the account in fields of its own.")
    if parts.scheme == "http" and not allow_plain:
        raise BadAddress("The API token would cross the network in the clear.", f"Use https: https://{parts.netloc}.")
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in (None, usual) else "")


def is_email(text: str) -> bool:
    """True for what may be an account's e-mail address: no spaces, no colon (it ends the name in Basic, RFC 7617)."""
    return re.fullmatch(r"[^\s:@]{1,64}@[^\s:@]{1,255}", text) is not None


def is_token(text: str) -> bool:
    """True for what may be an API token: printable ASCII without spaces."""
    return re.fullmatch(r"[!-~]{1,1000}", text) is not None
