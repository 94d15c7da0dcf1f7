"""What lies in an IMAP folder and since when, at the cost of a few small commands. Each function is about the folder that is
selected over an IMAPClient, and raises as the library does."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from inbound.sources import Count, Overview

_OLDEST = 500
_AT_A_TIME = 500
_ASKED = 2_000


def overview(client: Any) -> Overview:
    """By three commands."""
    numbers = sorted(client.search())
    # The lowest number need not be the oldest message, but of what nobody moved into the folder later it is.
    first = client.fetch(numbers[:_OLDEST], ["INTERNALDATE"]) if numbers else {}
    dates = [when.timestamp() for item in first.values() if isinstance(when := item.get(b"INTERNALDATE"), datetime)]
    return Overview(len(numbers), len(client.search("UNSEEN")), min(dates, default=None))


def since(client: Any, instant: float) -> list[int]:
    """The messages that arrived at this instant or later, and those that do not tell."""
    sure, near = _by_day(client, instant)
    return sorted([*sure, *_not_before(client, near, instant)])


def counted(client: Any, instant: float) -> Count:
    """How many `since` finds, by six commands at most: of the days around the instant two thousand are asked when they came."""
    sure, near = _by_day(client, instant)
    asked = near[-_ASKED:]
    late = len(_not_before(client, asked, instant))
    if len(asked) == len(near):
        return Count(len(sure) + late)
    # Numbers grow as mail arrives: where an early one is among those asked, the others are early too.
    return Count(len(sure) + (late if late < len(asked) else len(near)), exact=False)


def _by_day(client: Any, instant: float) -> tuple[list[int], list[int]]:
    """SINCE knows days only, and those of the zone that stands in each message's time: what is certainly after the instant, and
    what came within the days around it."""
    day = datetime.fromtimestamp(instant, UTC).date()
    found = sorted(client.search(["SINCE", _shifted(day, -1)]))
    sure = set(client.search(["SINCE", _shifted(day, 2)])) if found else set()
    return sorted(sure.intersection(found)), [number for number in found if number not in sure]


def _shifted(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return day


def _not_before(client: Any, numbers: list[int], instant: float) -> list[int]:
    late: list[int] = []
    for start in range(0, len(numbers), _AT_A_TIME):
        some = numbers[start : start + _AT_A_TIME]
        answer = client.fetch(some, ["INTERNALDATE"])
        for number in some:
            when = answer.get(number, {}).get(b"INTERNALDATE")
            if not isinstance(when, datetime) or when.timestamp() >= instant:
                late.append(number)
    return late
