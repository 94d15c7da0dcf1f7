"""Whether a request that a cookie speaks for was made by our own page. Pure.

A browser sends cookies along with requests that other sites cause. SameSite cookies are the first guard; this is the second:
a header that no form and no foreign script can send without being asked by CORS, and the origin, which a page cannot choose.
Source: OWASP, "Cross-Site Request Forgery Prevention".
"""

from urllib.parse import urlsplit

PAGE_HEADER = "X-Mailbridge-Page"


def complaint(base_url: str, mark: str | None, origin: str | None, fetch_site: str | None) -> str | None:
    """Why the request may not be from the page at `base_url`, or None when it is.

    Takes its headers X-Mailbridge-Page, Origin and, for browsers that send no Origin, Sec-Fetch-Site.
    """
    if mark != "1":
        return f"This address is for Mailbridge's own page: send {PAGE_HEADER}: 1."
    same = fetch_site == "same-origin" if origin is None else origin == origin_of(base_url)
    return None if same else f"This request is not from Mailbridge's own page: open {base_url}."


def origin_of(url: str) -> str:
    """Scheme, host and port as a browser writes them: lower case, without the scheme's own port."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    return f"{parts.scheme.lower()}://{host}" + (f":{port}" if port is not None else "")
