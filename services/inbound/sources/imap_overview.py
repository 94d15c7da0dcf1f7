"""What lies in an IMAP folder, at the cost of three small commands."""

from datetime import datetime
from typing import Any

from inbound.sources import Overview

_OLDEST = 500


def overview(client: Any) -> Overview:
    """Of the folder that is selected over an IMAPClient. Raises as the library does."""
    numbers = sorted(client.search())
    # The lowest number need not be the oldest message, but of what nobody moved into the folder later it is.
    first = client.fetch(numbers[:_OLDEST], ["INTERNALDATE"]) if numbers else {}
    dates = [when.timestamp() for item in first.values() if isinstance(when := item.get(b"INTERNALDATE"), datetime)]
    return Overview(len(numbers), len(client.search("UNSEEN")), min(dates, default=None))
