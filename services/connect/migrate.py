"""`python -m connect.migrate`: bring this service's tables up to date."""

import os

from common.migrations import main_upgrade

if __name__ == "__main__":
    main_upgrade("connect", dict(os.environ))
