"""Tracing that is off does nothing and loads nothing; what comes from outside is checked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import trace

SERVICES = Path(__file__).resolve().parents[2] / "services"
PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

WORK = """
import sys
from common import trace
trace.named("test")
with trace.span("outer", parent="PARENT"):
    body = trace.carried("mail.received", {"mail": "x"})
    print(trace.headers().get("traceparent", ""))
print(body.get("traceparent", ""), trace.headers())
print(any(name.startswith("opentelemetry") for name in sys.modules))
""".replace("PARENT", PARENT)


def told(**environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        env={**inherited, "PYTHONPATH": str(SERVICES), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_without_an_endpoint_nothing_is_loaded_and_bodies_stay_as_they_are() -> None:
    assert told() == ["", " {}", "False"]


def test_with_an_endpoint_calls_and_messages_carry_the_trace_that_came_in() -> None:
    # Nobody listens there: a collector that is away costs spans, nothing else.
    inside, after, loaded = told(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    body, _, headers = after.partition(" ")
    assert inside.startswith("00-" + "a" * 32) and inside != PARENT
    assert body.startswith("00-" + "a" * 32) and body not in (inside, PARENT)
    assert (headers, loaded) == ("{}", "True")


@pytest.mark.parametrize("text", ["", "00-abc", PARENT.upper(), PARENT + "\n", 7, None, {"a": 1}])
def test_what_is_no_traceparent_begins_no_trace(text: object) -> None:
    assert trace.parent_of(text) is None


def test_a_traceparent_is_taken() -> None:
    assert trace.parent_of(PARENT) == PARENT
