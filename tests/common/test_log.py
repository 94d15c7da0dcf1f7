"""Log lines: JSON, bound values, and no e-mail address anywhere."""

import io
import json
import logging
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from common import log


class Lines(io.StringIO):
    """What was logged, one dict a line."""

    def read_all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = Lines()
    log.configure("info", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


REDACTED = {
    "anna@example.org": "a…@example.org",
    "Anna Bee <anna.bee+x@mail.example.org>": "Anna Bee <a…@mail.example.org>",
    "to=[anna@example.org,bob@example.com]": "to=[a…@example.org,b…@example.com]",
    "MAIL FROM:<anna@example.org> SIZE=1": "MAIL FROM:<a…@example.org> SIZE=1",
    "'anna@example.org'": "'a…@example.org'",
    '"anna bee"@example.org': "…@example.org",
    "jörg@exämple.org": "j…@exämple.org",
    "root@localhost": "r…@localhost",
    "x@[127.0.0.1]": "x…@[127.0.0.1]",
    "postgresql://user:pa@ss@db/mail": "postgresql://…@db/mail",
    "amqp://guest:guest@broker:5672/": "amqp://…@broker:5672/",
    "/rest/api/3/user/search?query=anna.bee%40example.org&max=1": "/rest/api/3/user/search?query=a…%40example.org&max=1",
    "mailto:anna@example.org?subject=x": "mailto:a…@example.org?subject=x",
    "no address @ all": "no address @ all",
    "at @example": "at @example",
    "a…@example.org": "a…@example.org",
    "": "",
}


@pytest.mark.parametrize("text", REDACTED)
def test_addresses_are_cut_to_first_letter_and_domain(text: str) -> None:
    assert log.redact(text) == REDACTED[text]


def test_redacting_a_hostile_text_takes_no_time() -> None:
    text = "a" * 500_000 + "@" + "<" * 500_000 + '"' * 100_000 + "%40" + "." * 500_000
    started = time.thread_time()  # of this thread alone, whatever else the machine does
    log.redact(text)
    assert time.thread_time() - started < 2


def test_a_line_is_json_with_time_level_logger_and_event(lines: Lines) -> None:
    log.get("inbound.handling.deliver").info("mail_handled", outcome="issue", size=3)
    (line,) = lines.read_all()
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "inbound.handling.deliver",
        "event": "mail_handled",
        "outcome": "issue",
        "size": 3,
    }


def test_a_logger_taken_before_configure_works_after_it(lines: Lines) -> None:
    logger = log.get("early")
    log.configure("info", lines)
    logger.info("hello")
    assert lines.read_all()[0]["event"] == "hello"


def test_bound_values_are_on_every_line_of_the_block_and_gone_after_it(lines: Lines) -> None:
    logger = log.get("x")
    with log.bind(mail="m1", tenant="t1"):
        with log.bind(mail="m2", issue="I-1"):
            logger.info("inner")
        logger.info("outer")
    logger.info("after")
    inner, outer, after = lines.read_all()
    assert (inner["mail"], inner["tenant"], inner["issue"]) == ("m2", "t1", "I-1")
    assert (outer["mail"], "issue" in outer) == ("m1", False)
    assert "mail" not in after and "tenant" not in after


def test_what_one_thread_binds_is_not_seen_by_another(lines: Lines) -> None:
    with log.bind(mail="m1"):
        thread = threading.Thread(target=lambda: log.get("x").info("elsewhere"))
        thread.start()
        thread.join()
    assert "mail" not in lines.read_all()[0]


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    log.get("x").debug("quiet")
    logging.getLogger("some.library").debug("quiet")
    assert lines.read_all() == []


def test_no_address_is_left_in_values_nested_values_keys_or_exceptions(lines: Lines) -> None:
    class Odd:
        def __repr__(self) -> str:
            return "<Odd anna@example.org>"

    try:
        raise ValueError("cannot deliver to anna@example.org")
    except ValueError:
        log.get("x").exception(
            "broke anna@example.org",
            to=["anna@example.org"],
            map={"anna@example.org": {"x": ("anna@example.org",)}},
            odd=Odd(),
            octets=b"anna@example.org",
        )
    text = lines.getvalue()
    assert "anna" not in text
    assert "cannot deliver to a…@example.org" in text
    assert "Traceback" in lines.read_all()[0]["exception"]


def test_bound_values_are_redacted_too(lines: Lines) -> None:
    with log.bind(sender="anna@example.org"):
        log.get("x").info("hello")
    assert lines.read_all()[0]["sender"] == "a…@example.org"


def test_libraries_log_the_same_way(lines: Lines) -> None:
    with log.bind(mail="m1"):
        logging.getLogger("some.library").warning("sent to %s", "anna@example.org", extra={"size": 3})
    (line,) = lines.read_all()
    assert (line["event"], line["logger"], line["mail"], line["size"]) == (
        "sent to a…@example.org",
        "some.library",
        "m1",
        3,
    )


def test_what_pika_says_of_a_broker_that_is_away_is_told_by_us_once(lines: Lines) -> None:
    logging.getLogger("pika.adapters").error("TCP Connection attempt failed")
    assert lines.read_all() == []
    log.configure("debug", lines)
    logging.getLogger("pika.adapters").error("TCP Connection attempt failed")
    (line,) = lines.read_all()
    assert line["logger"] == "pika.adapters"


def test_warnings_of_libraries_are_lines(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old anna@example.org", stacklevel=1)
    assert lines.read_all()[0]["logger"] == "py.warnings"
    assert "anna" not in lines.getvalue()


def test_configuring_twice_writes_each_line_once(lines: Lines) -> None:
    log.configure("info", lines)
    log.get("x").info("once")
    assert len(lines.read_all()) == 1


def test_gunicorns_own_handler_gives_way(lines: Lines) -> None:
    gunicorn = logging.getLogger("gunicorn.error")
    own = io.StringIO()
    gunicorn.addHandler(logging.StreamHandler(own))
    gunicorn.propagate = False
    log.configure("info", lines)
    gunicorn.warning("worker timed out")
    assert own.getvalue() == ""
    assert lines.read_all()[0]["event"] == "worker timed out"
