"""`python -m tests.bench [PART …]`: measure, write var/bench/*.json, and with all parts docs/performance.md.

Parts: inbound, outbound, latency, fetch, noticed, parallel, memory, idle, parse; without any all of them, which takes about seven
minutes.
"""

import json
import platform
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.servers.private import NotAvailable
from scripts.fleet import ROOT
from tests.bench import fetching, machine, parsing, pipelines, report, waits
from tests.bench.world import World, world

PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "var" / "bench"

PARTS: dict[str, Callable[[World, dict[str, Any]], None]] = {
    "inbound": lambda here, results: results["pipelines"].extend(
        [pipelines.inbound(here, 400, "small"), pipelines.inbound(here, 120, "page")]
    ),
    "outbound": lambda here, results: results["pipelines"].append(pipelines.outbound(here, 200)),
    "latency": lambda here, results: results.update(latency=waits.latency(here, 30)),
    "fetch": lambda here, results: results.update(
        fetching=[fetching.fetched(here, 1000, "small"), fetching.fetched(here, 200, "page")]
    ),
    "noticed": lambda here, results: results.update(noticed=fetching.noticed(here, 30)),
    "parallel": lambda here, results: results.update(parallel=pipelines.parallel(here, 800)),
    "memory": lambda here, results: results.update(memory=waits.memory(here, 8, 25_000_000)),
    "idle": lambda here, results: results.update(idle=fetching.idle(here, 500)),
}


def main(arguments: list[str]) -> int:
    """Measure these parts; the exit code."""
    unknown = [name for name in arguments if name not in (*PARTS, "parse")]
    if unknown:
        print(f"bench: there is no part {unknown[0]!r}; give some of {', '.join(PARTS)}, parse.", file=sys.stderr)
        return 2
    wanted = arguments or [*PARTS, "parse"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that every server is stopped then too
    before = machine.speed()
    results: dict[str, Any] = {"at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "pipelines": [], "missing": []}
    if "parse" in wanted:
        _say("reading mails")
        results["parsing"] = parsing.parsing()
    _measure([name for name in PARTS if name in wanted], results)
    results["machine"] = {
        "processor": machine.processor(),
        "python": platform.python_version(),
        "cores": len(machine.os.sched_getaffinity(0)),
        "speed_before": asdict(before),
        "speed_after": asdict(machine.speed()),
    }
    print("\n" + report.page(results))
    _write(results, whole=not arguments)
    return 0


def _measure(parts: list[str], results: dict[str, Any]) -> None:
    if not parts:
        return
    try:
        with world(_say) as here:
            for name in parts:
                _say(f"measuring {name}")
                PARTS[name](here, results)
    except NotAvailable as error:
        results["missing"].append(f"{', '.join(parts)}: {error}")


def _write(results: dict[str, Any], *, whole: bool) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    path: Path = RESULTS / time.strftime("%Y%m%d-%H%M%S.json", time.gmtime())
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    _say(f"wrote {path.relative_to(ROOT)}")
    if whole and not results["missing"]:
        PAGE.write_text(report.page(results), encoding="utf-8")
        _say(f"wrote {PAGE.relative_to(ROOT)}")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
