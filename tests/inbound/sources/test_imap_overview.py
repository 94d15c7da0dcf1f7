"""How many messages arrived since an instant, when the server knows days only and each message its own zone."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from inbound.sources import Count
from inbound.sources.imap_overview import counted, since

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


class Folder:
    """Answers as a server does: SEARCH SINCE by the day that stands in the message's own time, FETCH with that time."""

    def __init__(self, *times: datetime | None) -> None:
        self._times = dict(enumerate(times, 1))
        self.commands = 0

    def search(self, criteria: list[Any]) -> list[int]:
        word, day = criteria
        assert word == "SINCE" and type(day) is date
        self.commands += 1
        return [number for number, when in self._times.items() if when is None or when.date() >= day]

    def fetch(self, numbers: list[int], items: list[str]) -> dict[int, dict[bytes, Any]]:
        assert items == ["INTERNALDATE"]
        self.commands += 1
        return {number: {b"INTERNALDATE": self._times[number]} for number in numbers}


@pytest.mark.parametrize("hours", [-12, -11, -1, 0, 1, 13, 14])
@pytest.mark.parametrize("at", [0, 1, 12, 23])
def test_a_message_counts_by_its_instant_whatever_its_zone(hours: int, at: int) -> None:
    zone, instant = timezone(timedelta(hours=hours)), datetime(2026, 6, 3, at, tzinfo=UTC)
    times = [instant + timedelta(hours=step) for step in range(-80, 80)]
    folder = Folder(*(when.astimezone(zone) for when in times))
    wanted = [number for number, when in enumerate(times, 1) if when >= instant]
    assert since(folder, instant.timestamp()) == wanted
    assert counted(folder, instant.timestamp()) == Count(len(wanted))


def test_a_message_that_tells_no_time_is_among_the_newer_ones() -> None:
    assert since(Folder(None, NOON - timedelta(days=9)), NOON.timestamp()) == [1]


def test_a_large_folder_costs_a_few_commands() -> None:
    year = [NOON - timedelta(days=365) + timedelta(minutes=10 * step) for step in range(6 * 24 * 365)]
    folder = Folder(*year)
    assert counted(folder, (NOON - timedelta(days=200)).timestamp()) == Count(200 * 6 * 24)
    assert folder.commands <= 6


def test_a_flood_on_the_day_itself_is_estimated() -> None:
    flood = [NOON - timedelta(hours=6) + timedelta(seconds=step) for step in range(12 * 3600)]
    folder = Folder(*flood)
    late = counted(folder, (NOON + timedelta(hours=5, minutes=45)).timestamp())
    assert late == Count(900, exact=False) and folder.commands <= 6
    early = counted(folder, NOON.timestamp())
    assert not early.exact and early.number >= 6 * 3600
    assert counted(Folder(), NOON.timestamp()) == Count(0)
