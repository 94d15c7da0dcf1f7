"""`python -m inbound.migrate`: bring this service's tables up to date."""

import os

from common.migrations import main_upgrade

if __name__ == "__main__":
    main_upgrade("inbound", dict(os.environ))
