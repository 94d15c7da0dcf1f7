"""Switchable faults: which of them hits a call, decided by chance, a pattern and a count."""

import random
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

ANSWERS = ("429", "500", "502", "503", "504")
HTTP_KINDS = (*ANSWERS, "timeout", "timeout_after_write", "reset", "reset_after_write", "500_after_write", "slow")
WEBHOOK_KINDS = ("webhook_delay", "webhook_duplicate", "webhook_reorder", "webhook_lost")
KINDS = (*HTTP_KINDS, *WEBHOOK_KINDS)
REASONS = ("tenant", "global", "burst", "issue")
_DEFAULT_SECONDS = {"429": 1.0, "503": 5.0, "slow": 2.0, "webhook_delay": 5.0, "webhook_reorder": 2.0}


class BadFault(Exception):
    """A fault was asked for wrongly: the field and the sentence."""

    def __init__(self, field_name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field_name


@dataclass
class Fault:
    """`rate`: share of matching calls that are hit. `seconds`: Retry-After of a 429 or 503; how long a slow or hanging
    call hangs; how late a webhook comes. `match`: found in "METHOD path" (webhooks: "event KEY"). `count`: how many
    hits at most, None for no end. `reason`: which limit a 429 says was met."""

    kind: str
    rate: float
    seconds: float
    match: str
    count: int | None = None
    reason: str = "burst"
    hits: int = 0
    id: int = field(default=0)

    def as_json(self) -> dict[str, Any]:
        """What the control API shows."""
        return asdict(self)


def read(body: Any) -> Fault:
    """A fault from the control API's JSON; raises BadFault naming the field."""
    if not isinstance(body, dict):
        raise BadFault("body", "give a JSON object with kind, rate, seconds, match")
    unknown = set(body) - {"kind", "rate", "seconds", "match", "count", "reason"}
    if unknown:
        raise BadFault(sorted(unknown)[0], "unknown field; known are kind, rate, seconds, match, count, reason")
    kind = str(body.get("kind", ""))
    if kind not in KINDS:
        raise BadFault("kind", f"give one of {', '.join(KINDS)}")
    rate = _number(body, "rate", 1.0, 1.0)
    seconds = _number(body, "seconds", _DEFAULT_SECONDS.get(kind, 60.0), 86_400.0)
    match = body.get("match", "")
    try:
        re.compile(match)
    except (re.error, TypeError) as error:
        raise BadFault("match", f"give a regular expression found in 'METHOD path': {error}") from None
    count = body.get("count")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise BadFault("count", "give a whole number from 1, or leave it out")
    reason = body.get("reason", "burst")
    if reason not in REASONS:
        raise BadFault("reason", f"give one of {', '.join(REASONS)}")
    return Fault(kind, rate, seconds, match, count, reason)


class Faults:
    """The faults that are switched on."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._lock = threading.Lock()
        self._chance = chance or random.Random()
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, fault: Fault) -> Fault:
        """Switch one on; a rate of 0 switches off what has the same kind and match."""
        with self._lock:
            if fault.rate == 0:
                self._faults = [old for old in self._faults if (old.kind, old.match) != (fault.kind, fault.match)]
                return fault
            self._last_id += 1
            fault.id = self._last_id
            self._faults.append(fault)
            return fault

    def clear(self) -> None:
        """Switch all off."""
        with self._lock:
            self._faults = []

    def all(self) -> list[Fault]:
        """What is on, with hits."""
        with self._lock:
            return list(self._faults)

    def lateness(self, event: str, issue_key: str) -> tuple[float, ...]:
        """How many seconds later than at once to tell an event, once for each copy of it that arrives."""
        fault = self.draw(WEBHOOK_KINDS, f"{event} {issue_key}")
        if fault is None:
            return (0.0,)
        if fault.kind == "webhook_lost":
            return ()
        if fault.kind == "webhook_duplicate":
            return (0.0, 0.0)
        return (fault.seconds,)  # delayed, or overtaken by what follows

    def draw(self, kinds: tuple[str, ...], subject: str) -> Fault | None:
        """The first fault of these kinds that hits `subject`, counted; None when none does."""
        with self._lock:
            for fault in self._faults:
                if fault.kind not in kinds or not re.search(fault.match, subject):
                    continue
                if fault.count is not None and fault.hits >= fault.count:
                    continue
                if self._chance.random() < fault.rate:
                    fault.hits += 1
                    return fault
        return None


def _number(body: dict[str, Any], name: str, default: float, most: float) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadFault(name, f"give a number from 0 to {most:g}")
    return float(value)
