"""Metrics: named, explained, rendered; also over several processes."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from common import metrics

SERVICES = Path(__file__).resolve().parents[2] / "services"


def families(text: bytes) -> dict[str, float]:
    return {
        sample.name + "".join(f"{{{key}={value}}}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_every_metric_has_our_prefix_and_a_meaning() -> None:
    ours = [f for f in text_string_to_metric_families(metrics.render().decode()) if f.name.startswith("mailbridge_")]
    assert len(ours) >= 14
    assert all(family.documentation.endswith(".") for family in ours)


def test_a_count_is_rendered() -> None:
    name = "mailbridge_mail_handled_total{outcome=test}"
    before = families(metrics.render()).get(name, 0)
    metrics.MAIL_HANDLED.labels("test").inc()
    assert families(metrics.render())[name] == before + 1


def test_the_process_tells_about_itself() -> None:
    assert families(metrics.render())["process_open_fds"] > 0


def test_several_processes_count_together(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(SERVICES)}
    work = (
        "from common import metrics; metrics.MAIL_RECEIVED.inc(2); metrics.LEDGER_STATE.labels('held').set(7);"
        "print(metrics.render().decode())"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", work], env=environment, capture_output=True, check=True).stdout
        for _ in range(2)
    ]
    last = families(outputs[-1])
    assert last["mailbridge_mail_received_total"] == 4
    assert last["mailbridge_ledger_state{state=held}"] == 7
