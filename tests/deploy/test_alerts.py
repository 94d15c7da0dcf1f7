"""Each alert fires when what it is about has lasted long enough, and is quiet while all is well: by Prometheus' own promtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.manifests import K8S

RULES = K8S / "components" / "monitoring" / "rules.yaml"
PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")

Series = dict[str, str]

#: Series (in promtool's notation, a value a minute) under which an alert fires at this minute, and with what labels.
FIRING: dict[str, tuple[Series, str, dict[str, str]]] = {
    "MailbridgeMailLate": (
        {
            'mailbridge_mail_lag_seconds_bucket{le="300"}': "0+1x30",
            'mailbridge_mail_lag_seconds_bucket{le="600"}': "0+10x30",
            'mailbridge_mail_lag_seconds_bucket{le="+Inf"}': "0+10x30",
        },
        "25m",
        {},
    ),
    "MailbridgeMailStuck": (
        {'mailbridge_ledger_oldest_seconds{state="received"}': "3500+60x30"},
        "10m",
        {"state": "received"},
    ),
    "MailbridgeMailUnaccounted": ({"mailbridge_unaccounted": "1+0x30"}, "16m", {}),
    "MailbridgeMailboxTrouble": ({'mailbridge_mailbox_state{state="trouble"}': "2+0x30"}, "16m", {}),
    "MailbridgeMailboxSignIn": ({'mailbridge_mailbox_grant{state="reconnect"}': "2+0x30"}, "6m", {}),
    "MailbridgeSenderTrouble": ({'mailbridge_sender_state{state="trouble"}': "1+0x30"}, "16m", {}),
    "MailbridgeEventLate": (
        {
            'mailbridge_event_lag_seconds_bucket{le="300"}': "0+1x30",
            'mailbridge_event_lag_seconds_bucket{le="600"}': "0+10x30",
            'mailbridge_event_lag_seconds_bucket{le="+Inf"}': "0+10x30",
        },
        "25m",
        {},
    ),
    "MailbridgeOutboxStands": (
        {'mailbridge_outbox_oldest_seconds{topic="mail.received"}': "0+60x30"},
        "3m",
        {"topic": "mail.received"},
    ),
    "MailbridgeNoConsumer": (
        {'mailbridge_queue_consumers{queue="inbound.mail.received"}': "0+0x30"},
        "3m",
        {"queue": "inbound.mail.received"},
    ),
    "MailbridgeDeadLetters": ({'mailbridge_queue_messages{queue="mailbridge.dead"}': "0 1+0x30"}, "1m", {}),
    "MailbridgeBug": (
        {'mailbridge_handler_faults_total{topic="mail.received",kind="bug"}': "0x5 1+0x30"},
        "8m",
        {"topic": "mail.received"},
    ),
    "MailbridgeDown": (
        {'up{job="mailbridge/inbound-worker",instance="10.0.0.7:9100"}': "1x5 0+0x30"},
        "9m",
        {"job": "mailbridge/inbound-worker", "instance": "10.0.0.7:9100"},
    ),
}

#: The same system while all is well, or not yet for long enough.
QUIET: Series = {
    'mailbridge_mail_lag_seconds_bucket{le="300"}': "0+100x30",
    'mailbridge_mail_lag_seconds_bucket{le="600"}': "0+101x30",
    'mailbridge_mail_lag_seconds_bucket{le="+Inf"}': "0+101x30",
    'mailbridge_ledger_oldest_seconds{state="received"}': "3600+0x30",
    "mailbridge_unaccounted": "5+0x13 0+0x17",
    'mailbridge_mailbox_state{state="trouble"}': "1+0x13 0+0x17",
    'mailbridge_mailbox_state{state="connected"}': "9+0x30",
    'mailbridge_sender_state{state="trouble"}': "1+0x13 0+0x17",
    'mailbridge_event_lag_seconds_bucket{le="300"}': "0+100x30",
    'mailbridge_event_lag_seconds_bucket{le="+Inf"}': "0+100x30",
    'mailbridge_outbox_oldest_seconds{topic="mail.received"}': "120+0x30",
    'mailbridge_queue_consumers{queue="inbound.mail.received"}': "1 0 1+0x28",
    'mailbridge_queue_consumers{queue="mailbridge.dead"}': "0+0x30",
    'mailbridge_queue_messages{queue="mailbridge.dead"}': "0+0x30",
    'mailbridge_queue_messages{queue="inbound.mail.received"}': "5000+0x30",
    'mailbridge_handler_faults_total{topic="mail.received",kind="temporary"}': "0+10x30",
    'mailbridge_handler_faults_total{topic="mail.received",kind="bug"}': "7+0x30",
    'up{job="mailbridge/inbound-worker",instance="10.0.0.7:9100"}': "1 0 1+0x28",
    'up{job="somebody-else",instance="10.0.0.8:9100"}': "0+0x30",
}


def rules() -> dict[str, Any]:
    """The groups of the PrometheusRule, as Prometheus itself reads them."""
    return {"groups": yaml.safe_load(RULES.read_text(encoding="utf-8"))["spec"]["groups"]}


def bare() -> dict[str, Any]:
    """The same without the sentences, which promtool would compare word by word; `check rules` reads those."""
    found = rules()
    for group in found["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]
    return found


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in rules()["groups"] for rule in group["rules"]}


def promtool(folder: Path, *command: str, **files: Any) -> subprocess.CompletedProcess[str]:
    for name, content in ({"rules": rules()} | files).items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *command], cwd=folder, capture_output=True, text=True, check=False)


def of_series(series: Series) -> list[Series]:
    return [{"series": name, "values": values} for name, values in series.items()]


def expectation(name: str, at: str, labels: dict[str, str] | None) -> dict[str, Any]:
    expected = {"eval_time": at, "alertname": name}
    if labels is None:
        return expected
    own = alerts()[name]["labels"]
    return {**expected, "exp_alerts": [{"exp_labels": {**own, **labels}}]}


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    done = promtool(tmp_path, "check", "rules", "rules.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


def test_every_alert_has_series_that_it_is_tried_with() -> None:
    assert set(FIRING) == set(alerts())


@pytest.mark.parametrize("name", sorted(FIRING))
def test_an_alert_fires_and_alone(tmp_path: Path, name: str) -> None:
    series, at, labels = FIRING[name]
    others = [expectation(other, at, None) for other in FIRING if other != name]
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": of_series(series),
                "alert_rule_test": [expectation(name, at, labels), *others],
            }
        ],
    }
    done = promtool(tmp_path, "test", "rules", "tests.yaml", tests=tests, rules=bare())
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_fires_while_all_is_well_or_has_not_lasted(tmp_path: Path) -> None:
    quiet = [expectation(name, f"{minute}m", None) for name in FIRING for minute in range(0, 30, 2)]
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": of_series(QUIET), "alert_rule_test": quiet}],
    }
    done = promtool(tmp_path, "test", "rules", "tests.yaml", tests=tests)
    assert done.returncode == 0, done.stdout + done.stderr
