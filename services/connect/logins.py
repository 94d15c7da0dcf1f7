"""Who is logged in to the page's own login, and how people log in with a password and out."""

import secrets
from collections.abc import Callable

from flask import Request
from werkzeug.wrappers import Response

from common import log
from common.problems import Problem
from connect import guessing, origin
from connect.config import Config
from connect.cookies import Cookies
from connect.oidc import is_allowed
from connect.passwords import complaints, hashed, is_right
from connect.store_login import LoggedIn, LoginStore
from connect.visitors import Visitor

_USED = (
    "This link was used, replaced by a newer one, or is older than a day: python -m connect.setup_link makes another."
)
_log = log.get(__name__)


class Logins:
    """Everybody who logs in administers the one tenant that this Mailbridge is for; own_tenant: its id."""

    def __init__(self, config: Config, store: LoginStore, own_tenant: Callable[[], str]) -> None:
        self._base_url = config.settings.base_url
        self._allowed = config.oidc.allowed if config.oidc else ()
        self._known = _known(config)
        self._store = store
        self.own_tenant = own_tenant
        self.cookies = Cookies(self._base_url)

    def who(self, request: Request) -> LoggedIn | None:
        """Who is logged in, as long as the settings still let them in."""
        secret = self.cookies.login(request)
        found = self._store.find(secret) if secret else None
        if found is not None and found.provider and not is_allowed(found.name, self._allowed):
            return None
        return found

    def visitor(self, request: Request) -> Visitor | None:
        """Who is logged in, None where nobody is; raises Problem(403) for a request that our page did not make."""
        who = self.who(request)
        if who is None:
            return None
        self.must_be_ours(request)
        return Visitor(self.own_tenant(), f"login:{who.account}")

    def must_be_ours(self, request: Request) -> None:
        """Raises Problem(403) unless our own page made the request."""
        given = request.headers
        marks = given.get(origin.PAGE_HEADER), given.get("Origin"), given.get("Sec-Fetch-Site")
        complaint = origin.complaint(self._base_url, *marks)
        if complaint:
            raise Problem(403, detail=complaint)

    def has_password(self) -> bool:
        """True once somebody can log in by password."""
        return self._store.password() is not None

    def by_password(self, request: Request, password: str) -> Response:
        """Log in; raises Problem 403 when the password is wrong, 429 when too many were."""
        keys = guessing.keys_of("admin", request.remote_addr or "")
        if pause := self._store.guess(keys):
            wait = str(max(1, round(pause)))
            raise Problem(429, detail=f"Too many wrong passwords: wait {wait} s.", headers={"Retry-After": wait})
        account, kept = self._store.password() or ("", None)
        if not is_right(kept, password):
            _log.warning("login_refused", how="password")
            raise Problem(403, detail="The password is wrong.", errors={"password": ["This is not the password."]})
        self._store.forgive(keys)
        return self.begin(request, account, Response(status=204), how="password")

    def by_setup(self, request: Request, secret: str, password: str) -> Response:
        """Set the password by a set-up link, and log in; raises Problem 403 for a bad link, 422 for a bad password."""
        if not self._store.is_offered(secret):
            raise _used_link()
        if sentences := complaints(password, self._known):
            raise Problem(422, errors={"password": sentences})
        account = self._store.set_password(secret, self.own_tenant(), hashed(password))
        if account is None:  # another request used it meanwhile
            raise _used_link()
        return self.begin(request, account, Response(status=204), how="setup")

    def begin(self, request: Request, account: str, answer: Response, *, how: str) -> Response:
        """Log in with this answer. The browser's secret is always a new one: what it came with counts no more."""
        secret = secrets.token_urlsafe(32)
        self._store.begin(secret, account, instead_of=self.cookies.login(request))
        self.cookies.keep_login(answer, secret)
        _log.info("logged_in", account=account, how=how)
        return answer

    def end(self, request: Request) -> Response:
        """Log out, here and in the browser."""
        if secret := self.cookies.login(request):
            self._store.end(secret)
        answer = Response(status=204)
        self.cookies.drop_login(answer)
        return answer


def _known(config: Config) -> tuple[str, ...]:
    """What a stranger would try as the password: our addresses, and those of the site and its account."""
    site = config.jira_site
    urls = [config.settings.base_url, *([site.url] if site else [])]
    hosts = [url.partition("://")[2] for url in urls]
    names = [host.partition(":")[0] for host in hosts]
    return (*urls, *hosts, *names, *([site.email] if site else []), "mailbridge")


def _used_link() -> Problem:
    return Problem(403, detail=_USED, errors={"setup": [_USED]})
