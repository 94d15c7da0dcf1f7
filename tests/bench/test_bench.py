"""The bench's own arithmetic and its page; the measuring itself is `make bench`."""

import os
import subprocess
import sys
import time
from typing import Any

from tests.bench import letters, machine, parsing, report
from tests.bench.__main__ import main
from tests.bench.pipelines import Run, _result
from tests.bench.waits import spread

MACHINE = {
    "processor": "2 × a processor",
    "python": "3.11.7",
    "cores": 2,
    "speed_before": {"per_second": 3000.0, "load": 0.1},
    "speed_after": {"per_second": 2000.0, "load": 4.5},
}


def results(**more: Any) -> dict[str, Any]:
    return {"at": "2026-11-22 06:00 UTC", "machine": MACHINE, **more}


def test_the_ratio_is_of_processor_time_and_stands_first() -> None:
    row = _result("inbound", Run(100, 2.0, 1.0), [Run(100, 1.0, 0.2), Run(100, 1.0, 0.3)])
    assert row["ratio_cpu"] == 4.0
    assert (row["per_core"], row["bare_per_core"], row["per_second"]) == (100.0, 400.0, 50.0)
    line = next(line for line in report.page(results(pipelines=[row])).splitlines() if line.startswith("| inbound"))
    assert line.startswith("| inbound | **4.0** | 100 | 400 | 10.0 | 2.5 | 50 |")


def test_the_page_says_how_busy_the_machine_was_and_what_was_not_measured() -> None:
    page = report.page(results(missing=["inbound: dovecot is not installed"]))
    assert "load 0.1 before and 4.5 after" in page
    assert "Not measured: inbound: dovecot is not installed" in page


def test_of_few_values_the_99th_percentile_is_the_largest() -> None:
    assert spread([3.0, 1.0, 2.0]) == {"p50": 2.0, "p99": 3.0, "most": 3.0}


def test_processor_time_counts_a_process_and_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 60
        while machine.cpu_seconds(process.pid) < 0.1 or len(machine.tree(process.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert machine.peak_memory(process.pid) > 1_000_000
    finally:
        for pid in reversed(machine.tree(process.pid)):
            os.kill(pid, 9)
        process.wait()


def test_the_mails_have_the_sizes_they_are_named_for_and_ids_of_their_own() -> None:
    assert 5_000 < len(letters.small(1)) < 7_000
    assert 60_000 < len(letters.page(1)) < 80_000
    assert 0.95e6 < len(letters.large(1, 1_000_000)) < 1.1e6
    assert letters.small(1) != letters.small(1)


def test_the_parsers_are_compared_by_each_size() -> None:
    measured = parsing.parsing(seconds=0.001, rounds=1)
    assert [size["size"] for size in measured["sizes"]][:3] == ["5.9 kB", "71 kB", "3 MB"]
    for size in measured["sizes"]:
        assert all(way["per_second"] > 0 for way in size["ways"].values())
    assert "## Reading mails" in report.page(results(parsing=measured))


def test_a_part_that_does_not_exist_is_refused() -> None:
    assert main(["inbuond"]) == 2


def test_the_page_tells_of_fetching_waiting_and_idle_mailboxes() -> None:
    rates = {"per_second": 300.0, "bare_per_second": 900.0, "per_core": 400.0, "bare_per_core": 2000.0}
    seconds = {"p50": 0.25, "p99": 0.5, "most": 0.6}
    page = report.page(
        results(
            fetching=[{"name": "5.7 kB", "ratio_wall": 3.0, "ratio_cpu": 5.0, **rates, "load": 1.0}],
            noticed={
                "samples": 30,
                "ledger_seconds": seconds,
                "bare_seconds": seconds,
                "ratios": {"p50": 1.0, "p99": 1.0},
                "load": 1.0,
            },
            idle={
                "mailboxes": 500,
                "memory": 120e6,
                "rest": 90e6,
                "each": 60e3,
                "threads": 510,
                "core_share": 0.03,
                "connected_seconds": 2.0,
                "database_connections": 29,
                "ledger_seconds": seconds,
                "load": 1.0,
            },
        )
    )
    assert "| 5.7 kB | **3.0** | **5.0** | 300 | 900 | 400 | 2000 | 1.0 |" in page
    assert "| ours ÷ bare | **1.00** | **1.00** |  |" in page
    assert "| 500 | **120** | 90 | **60** | 510 | 3% |" in page
