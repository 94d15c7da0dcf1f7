"""The link by which whoever runs Mailbridge sets the password of its own page: `python -m connect.setup_link`.

Standalone prints one at each start while nobody has a password and no OpenID provider is set. By hand this makes one at any
time, for instance when the password is forgotten. A link is good for a day and once; a new one replaces those before it.
"""

import os
import secrets

from common.db import open_database
from common.env import Env, read_or_exit, refuse
from connect.config import Config
from connect.store_login import LoginStore

FRAGMENT = "#setup="


def main() -> None:
    """Print a link; exit 2 where the page's own login is off."""
    # Whoever asks for a link has the login on, unless the settings say otherwise: standalone has it on by itself.
    config = read_or_exit(lambda: Config.read(Env(os.environ), login=True))
    if not config.login:
        refuse("The page's own login is off: set MAILBRIDGE_LOGIN=on.")
    database = read_or_exit(lambda: open_database(config.settings.database_url, "connect"))
    print(sentence(new_link(LoginStore(database), config.settings.base_url)))


def first_link(config: Config, logins: LoginStore) -> str | None:
    """A new link while nobody could log in otherwise, else None."""
    if not config.login or config.oidc is not None or logins.password() is not None:
        return None
    return new_link(logins, config.settings.base_url)


def new_link(logins: LoginStore, base_url: str) -> str:
    """A new link; those before it are good no more. Its secret is a fragment, which browsers keep to themselves."""
    secret = secrets.token_urlsafe(32)
    logins.offer_setup(secret)
    return f"{base_url}/{FRAGMENT}{secret}"


def sentence(link: str) -> str:
    """The one line that is printed."""
    return f"Set the password of Mailbridge's page within a day, at: {link}"


if __name__ == "__main__":
    main()
