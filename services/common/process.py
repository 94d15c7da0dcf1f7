"""The frame of every worker process: start the parts, answer for them, stop them in order when told to.

Exit codes: 0 after SIGTERM or SIGINT, 1 when a part could not start, died, or did not stop in time.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from common import budget, health, log, trace
from common.env import Settings
from common.errors import Fault, Temporary
from common.serve import Server

GRACE = 25.0  # Kubernetes kills after 30
_LOOK = 1.0
_logger = log.get(__name__)


class Part(Protocol):
    """Something that works in threads of its own; it may also offer `alive() -> bool`, looked at every second."""

    def start(self) -> None: ...

    def stop(self, grace: float) -> None: ...


def run(
    name: str,
    parts: Sequence[Part],
    settings: Settings,
    checks: Mapping[str, health.Check],
    *,
    health_host: str = "0.0.0.0",
) -> NoReturn:
    """Run until a signal or a death; leaves with SystemExit. Must be called in the main thread.

    Parts start in the given order and stop in reverse, 25 seconds together. /healthz, /readyz and /metrics are on
    `settings.health_port` meanwhile; readiness fails as soon as stopping begins. An exception that escapes from any
    thread counts as the death of a part.
    """
    log.configure(settings.log_level)
    budget.return_large_blocks()
    trace.named(name)
    ending = _Ending()
    server = Server(health.wsgi_app({"process": ending.check, **checks}), health_host, settings.health_port, threads=2)
    every: list[Any] = [server, *parts]
    started: list[Any] = []
    try:
        for part in every:
            part.start()
            started.append(part)
    except Exception as error:
        _report_start(name, part, error)
        ending.failed = True
    else:
        _logger.info("process_started", process=name, pid=os.getpid(), health_port=server.port)
        ending.wait(name, started)
    _stop(name, started, ending)
    _logger.info("process_ended", process=name, failed=ending.failed)
    raise SystemExit(1 if ending.failed else 0)


class _Ending:
    """Why and whether the process is to end."""

    def __init__(self) -> None:
        self.failed = False
        self._wanted = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        threading.excepthook = self._on_death

    def check(self) -> None:
        if self._wanted.is_set():
            raise Temporary("The process is stopping.")

    def wait(self, name: str, parts: Sequence[Any]) -> None:
        while not self._wanted.wait(_LOOK):
            for part in parts:
                alive: Callable[[], bool] | None = getattr(part, "alive", None)
                if alive is not None and not alive():
                    _logger.error("part_died", process=name, part=type(part).__name__)
                    self.failed = True
                    self._wanted.set()

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._wanted.set()

    def _on_death(self, args: threading.ExceptHookArgs) -> None:
        if issubclass(args.exc_type, SystemExit):
            return  # a thread that leaves on purpose
        thread = args.thread.name if args.thread else "?"
        error = args.exc_value or args.exc_type()
        _logger.error("part_died", thread=thread, exc_info=(args.exc_type, error, args.exc_traceback))
        self.failed = True
        self._wanted.set()


def _stop(name: str, started: Sequence[Any], ending: _Ending) -> None:
    end = time.monotonic() + GRACE
    last_resort = threading.Timer(GRACE + 2.0, _give_up, (name,))
    last_resort.daemon = True
    last_resort.start()
    for part in reversed(started):
        try:
            part.stop(max(0.5, end - time.monotonic()))
        except Exception:
            _logger.exception("part_did_not_stop", process=name, part=type(part).__name__)
            ending.failed = True
    last_resort.cancel()


def _give_up(name: str) -> None:
    _logger.error("process_did_not_stop_in_time", process=name, grace=GRACE)
    os._exit(1)


def _report_start(name: str, part: Any, error: Exception) -> None:
    kind = type(part).__name__
    if isinstance(error, Fault):
        _logger.error("part_did_not_start", process=name, part=kind, reason=str(error))
    else:
        _logger.error("part_did_not_start", process=name, part=kind, exc_info=error)
