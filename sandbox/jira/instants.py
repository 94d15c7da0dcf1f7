"""Instants as Jira writes them, and as JQL reads them."""

import re
from datetime import UTC, datetime, timedelta, timezone

_SITE_ZONE = timezone(timedelta(hours=1))  # not UTC on purpose: who drops the offset is found out
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def jira_time(instant: float) -> str:
    """`2026-11-20T10:15:30.000+0100`."""
    local = datetime.fromtimestamp(instant, _SITE_ZONE)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")


def utc_time(instant: float) -> str:
    """`2026-11-20T09:15:30Z`."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def jql_time(text: str, now: float) -> float | None:
    """A JQL date (`2026-11-20`, `2026-11-20 10:15`, `-5m`, `4w 2d`) as an instant; None when it is not one.

    Jira takes no finer date than the minute, and reads it in the time zone of the account that asks."""
    relative = re.fullmatch(r"([+-]?)((?:\d+[mhdw]\s*)+)", text)
    if relative:
        sign, amounts = relative.groups()
        seconds = sum(int(amount) * _UNITS[unit] for amount, unit in re.findall(r"(\d+)([mhdw])", amounts))
        return now + seconds if sign == "+" else now - seconds
    for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=_SITE_ZONE).timestamp()
        except ValueError:
            continue
    return None
