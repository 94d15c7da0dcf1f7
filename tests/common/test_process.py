"""The frame of a worker, run as a real process: signals, deaths, health port and exit codes."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.http import Answer, Http
from common.nets import Nets

SERVICES = Path(__file__).resolve().parents[2] / "services"
HTTP = Http(Nets.everything(), 20.0)
PROGRAM = """
import threading, time, sys
from common import process
from common.env import Env, Settings
from common.errors import Temporary

class Part:
    def __init__(self, name): self.name, self.ending = name, threading.Event()
    def start(self):
        print("start", self.name, flush=True)
        threading.Thread(target=self.work, daemon=True).start()
    def work(self): self.ending.wait()
    def stop(self, grace):
        print("stop", self.name, 0 < grace <= 25, flush=True)
        self.ending.set()

class Refuses(Part):
    def start(self): raise Temporary("The broker cannot be reached.")

class Dies(Part):
    def work(self):
        time.sleep(0.2)
        raise ValueError("no reason, anna@example.org")

class Fades(Part):
    born = time.monotonic()
    def alive(self): return time.monotonic() - self.born < 0.2

class BreaksAtTheEnd(Part):
    def stop(self, grace): raise RuntimeError("cannot stop")

def unwell(): raise Temporary("The broker is away.")

settings = Settings.read(Env({"MAILBRIDGE_MASTER_KEY": sys.argv[1], "MAILBRIDGE_HEALTH_PORT": "0"}))
parts = [eval(text) for text in sys.argv[2:]]
checks = {"broker": unwell} if "unwell" in sys.argv[2:] else {}
process.run("test", [part for part in parts if isinstance(part, Part)], settings, checks, health_host="127.0.0.1")
"""


class Running:
    """A process under `process.run`."""

    def __init__(self, *parts: str) -> None:
        key = base64.b64encode(b"k" * 32).decode()
        self.child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, key, *parts],
            env={**os.environ, "PYTHONPATH": str(SERVICES)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        """The next log line of that event."""
        assert self.child.stderr
        for text in self.child.stderr:
            self.lines.append(json.loads(text))
            if self.lines[-1]["event"] == event:
                return self.lines[-1]
        raise AssertionError(f"no {event} in {self.lines}")

    def health(self, path: str) -> Answer:
        port = next(line["health_port"] for line in self.lines if line["event"] == "process_started")
        return HTTP.send("GET", f"http://127.0.0.1:{port}{path}")

    def end(self) -> tuple[int, list[str]]:
        """The exit code and what the parts printed."""
        out, err = self.child.communicate(timeout=60)
        self.lines += [json.loads(text) for text in err.splitlines()]
        return self.child.returncode, out.splitlines()


@pytest.fixture
def running() -> Iterator[list[Running]]:
    every: list[Running] = []
    yield every
    for one in every:
        if one.child.poll() is None:
            one.child.kill()
            one.child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_parts_in_reverse_and_exits_with_zero(running: list[Running], number: int) -> None:
    one = Running("Part('a')", "Part('b')")
    running.append(one)
    one.wait_for("process_started")
    started = time.monotonic()
    one.child.send_signal(number)
    assert one.end() == (0, ["start a", "start b", "stop b True", "stop a True"])
    assert time.monotonic() - started < 20


def test_health_is_served_while_it_runs(running: list[Running]) -> None:
    one = Running("Part('a')", "unwell")
    running.append(one)
    one.wait_for("process_started")
    assert one.health("/healthz").status == 200
    ready = one.health("/readyz")
    assert ready.status == 503
    assert json.loads(ready.body)["failed"] == {"broker": "The broker is away."}
    assert b"mailbridge_outbox_depth" in one.health("/metrics").body
    one.child.terminate()
    assert one.end()[0] == 0


@pytest.mark.parametrize("part", ["Dies('b')", "Fades('b')"])
def test_a_part_that_dies_takes_the_process_down(running: list[Running], part: str) -> None:
    one = Running("Part('a')", part)
    running.append(one)
    assert one.end() == (1, ["start a", "start b", "stop b True", "stop a True"])
    died = [line for line in one.lines if line["event"] == "part_died"]
    assert len(died) == 1
    assert "anna" not in json.dumps(one.lines)


def test_a_part_that_cannot_start_stops_those_before_it(running: list[Running]) -> None:
    one = Running("Part('a')", "Refuses('b')", "Part('c')")
    running.append(one)
    assert one.end() == (1, ["start a", "stop a True"])
    (line,) = [line for line in one.lines if line["event"] == "part_did_not_start"]
    assert (line["part"], line["reason"]) == ("Refuses", "The broker cannot be reached.")


def test_a_part_that_breaks_while_stopping_does_not_keep_the_others_from_it(running: list[Running]) -> None:
    one = Running("Part('a')", "BreaksAtTheEnd('b')")
    running.append(one)
    one.wait_for("process_started")
    one.child.terminate()
    assert one.end() == (1, ["start a", "start b", "stop a True"])
