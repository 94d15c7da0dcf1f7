"""How a request to Jira is authorised from vended credentials; one scheme a way of being attached to a Jira.

Pure. `connect`: a token of our own for each request, HS256 with the tenant's secret, bound to method, path and query
by its qsh (Atlassian, "Understanding JWT for Connect apps"). `forge`: the token that an invocation brought, as a bearer
(Atlassian, "Calling product APIs from a remote"). `token`: an account's e-mail address and API token, as Basic.
"""

import base64
from collections.abc import Callable, Mapping

import jwt

from common.credentials import Credentials
from common.errors import Permanent
from common.qsh import qsh

_LIFE = 180


def authorization(credentials: Credentials, method: str, path: str, query: str, now: float) -> str:
    """The value of the header Authorization.

    path is relative to the credentials' base_url and, as query, written exactly as in the URL. Raises Permanent for
    a scheme this version does not know.
    """
    scheme = _SCHEMES.get(credentials.scheme)
    if scheme is None:
        raise Permanent(
            f"This version cannot sign requests by the scheme {credentials.scheme!r}.",
            remedy="Run the same version of every service.",
        )
    return scheme(credentials, method, path, query, now)


def _connect(credentials: Credentials, method: str, path: str, query: str, now: float) -> str:
    claims = {
        "iss": credentials.app_key,
        "aud": [credentials.client_key],
        "iat": int(now),
        "exp": int(now) + _LIFE,
        "qsh": qsh(method, path, query),
    }
    return "JWT " + jwt.encode(claims, credentials.secret, algorithm="HS256")


def _forge(credentials: Credentials, method: str, path: str, query: str, now: float) -> str:
    return f"Bearer {credentials.secret}"


def _token(credentials: Credentials, method: str, path: str, query: str, now: float) -> str:
    return "Basic " + base64.b64encode(f"{credentials.email}:{credentials.secret}".encode()).decode()


_SCHEMES: Mapping[str, Callable[[Credentials, str, str, str, float], str]] = {
    "connect": _connect,
    "forge": _forge,
    "token": _token,
}
