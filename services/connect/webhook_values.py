"""What an administrator pastes into Jira's form for a webhook: `python -m connect.webhook_values`.

For the one site that is attached by an API token. The page shows the same; the secret is shown to whoever can run this.
"""

import os

from common.db import open_database
from common.env import Env, read_or_exit, refuse
from connect.config import Config
from connect.hooks import to_paste
from connect.store_site import Hook, SiteStore


def main() -> None:
    """Print the values; exit 2 with a sentence while no site is attached by an API token."""
    config = read_or_exit(lambda: Config.read(Env(os.environ)))
    database = read_or_exit(lambda: open_database(config.settings.database_url, "connect"))
    sites = SiteStore(database, config.settings.master_key)
    site = sites.site(sites.own_tenant())
    if site is None:
        refuse(
            "No Jira site is attached by an API token yet: set MAILBRIDGE_JIRA_URL and its two companions, or use the page."
        )
    print(form(site.hook, config.settings.base_url))


def form(hook: Hook, base_url: str) -> str:
    """The lines of Jira's form, in its order."""
    values = to_paste(hook, base_url)
    return "\n".join(
        (
            f"URL      {values['url']}",
            f"Secret   {values['secret']}",
            f"Events   {', '.join(values['events'])}",
            f"JQL      {values['jql'] or '(leave it empty: every issue counts)'}",
        )
    )


if __name__ == "__main__":
    main()
