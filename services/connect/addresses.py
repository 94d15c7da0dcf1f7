"""Which addresses of Jira sites and of Atlassian's API are taken from those who tell them. Pure.

Strict, for we send secrets there, and the site's origin goes into a Content-Security-Policy.
"""

import re
from urllib.parse import urlsplit

_HOST = r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?"
_SITE = re.compile(rf"https?://{_HOST}(/[A-Za-z0-9._~/-]*)?")
_CLOUD_ID = r"[A-Za-z0-9-]{1,64}"
_API = re.compile(rf"https://api\.atlassian\.com/ex/jira/({_CLOUD_ID})")
_PLAIN_API = re.compile(rf"https?://{_HOST}/ex/jira/({_CLOUD_ID})")


def is_site(url: str, *, allow_plain: bool = True) -> bool:
    """True for the address of a site, such as https://example.atlassian.net; http only with `allow_plain`."""
    try:
        parts = urlsplit(url)
        good = _SITE.fullmatch(url) is not None and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return good and (allow_plain or parts.scheme == "https")


def cloud_id_of(api_base_url: str, *, allow_plain: bool) -> str | None:
    """The site's cloud id in `https://api.atlassian.com/ex/jira/{cloudId}`, None for any other address.

    allow_plain: take another host too, by http or https (the sandbox).
    """
    match = _API.fullmatch(api_base_url)
    if match is None and allow_plain and is_site(api_base_url):
        match = _PLAIN_API.fullmatch(api_base_url)
    return None if match is None else match.group(match.lastindex or 0)
