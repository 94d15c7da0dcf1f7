"""Whether a new Forge installation is a site that Connect serves already: then its tenant stays, and with it all it has.

Two things prove it: Atlassian's word that the installation is at this site, and that Jira at this site still takes the
secret which the tenant's Connect app has. (Connect on Forge proves it otherwise: `ForgeStore.announce`.)
"""

import json
import time
from dataclasses import replace

from common import jira_auth
from common.errors import Permanent, Temporary
from common.http import Http
from connect.addresses import is_site
from connect.config import Config
from connect.invocation import Invocation
from connect.store import Store
from connect.vending import Signer, credentials

_TIMEOUT = 2.0  # Forge waits five seconds for an answer, and comes again after a minute
_MYSELF = "/rest/api/3/myself"
_SERVER = "/rest/api/3/serverInfo"


class Moves:
    """Asks the Jira at a site. Raises Temporary while it does not say."""

    def __init__(self, config: Config, http: Http, store: Store) -> None:
        self._config = config
        self._http = http
        self._store = store

    def with_site(self, call: Invocation, system_token: str | None) -> Invocation:
        """The call with the site's address, which Jira says where the invocation token does not; None if neither does."""
        if call.site_url is not None or system_token is None:
            return call
        headers = {"Authorization": f"Bearer {system_token}", "Accept": "application/json"}
        answer = self._http.send("GET", call.api_base_url + _SERVER, headers, timeout=_TIMEOUT)
        if answer.status == 429 or answer.status >= 500:
            raise Temporary(f"Jira answered {answer.status} when asked for its address.")
        try:
            url = json.loads(answer.body)["baseUrl"] if answer.status == 200 else None
        except (ValueError, KeyError, TypeError, RecursionError):
            url = None
        plain = self._config.settings.allow_plain
        if not isinstance(url, str) or len(url) > 500 or not is_site(url, allow_plain=plain):
            return call
        return replace(call, site_url=url.rstrip("/"))

    def tenant_of(self, call: Invocation) -> str | None:
        """The id of the Connect tenant that this site is; None if it is none."""
        if call.site_url is None:
            return None
        for tenant in self._store.connect_tenants_at(call.site_url):
            if tenant.secret is None:
                continue
            now = time.time()
            vended = credentials(tenant, Signer(tenant.base_url, tenant.secret), self._config.settings.master_key, now)
            headers = {"Authorization": jira_auth.authorization(vended, "GET", _MYSELF, "", now)}
            try:
                answer = self._http.send("GET", tenant.base_url + _MYSELF, headers, timeout=_TIMEOUT)
            except Permanent:
                continue  # an address that must not be called
            if answer.status == 200:
                return tenant.id
            if answer.status == 429 or answer.status >= 500:
                raise Temporary(f"Jira answered {answer.status} when asked whether Connect still serves it.")
        return None
