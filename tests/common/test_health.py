"""Health: alive always, ready when every check holds, and why not otherwise."""

import json

from common import health
from common.errors import Permanent, Temporary


def well() -> None:
    pass


def slow_database() -> None:
    raise Temporary("The database does not answer.")


def wrong_password() -> None:
    raise Permanent("The broker refused anna@example.org.")


def broken_check() -> None:
    raise ZeroDivisionError("secret detail")


def ask(path: str, checks: dict[str, health.Check]) -> tuple[int, dict[str, object]]:
    status, kind, body = health.answer(path, checks)
    assert kind == "application/json"
    return status, json.loads(body)


def test_a_process_is_alive_even_when_it_is_not_ready() -> None:
    assert ask("/healthz", {"database": slow_database})[0] == 200


def test_a_process_is_ready_when_every_check_holds() -> None:
    assert ask("/readyz", {"b": well, "a": well}) == (200, {"status": "ready", "checks": ["a", "b"], "failed": {}})


def test_a_process_without_checks_is_ready() -> None:
    assert ask("/readyz", {})[0] == 200


def test_readiness_names_every_failed_check_and_why() -> None:
    status, body = ask("/readyz", {"x": well, "database": slow_database, "broker": wrong_password, "odd": broken_check})
    assert status == 503
    assert body["failed"] == {
        "database": "The database does not answer.",
        "broker": "The broker refused a…@example.org.",
        "odd": "ZeroDivisionError",
    }


def test_metrics_are_prometheus_text() -> None:
    status, kind, body = health.answer("/metrics", {})
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert b"mailbridge_mail_received_total" in body


def test_any_other_path_is_not_found() -> None:
    assert ask("/", {})[0] == 404
