"""Logging: one JSON object a line on standard error, our own and the libraries' alike.

Every line has `at` (UTC, RFC 3339), `level`, `logger`, `event` and what `bind` added. E-mail addresses are redacted in
every value, exception texts included: the first letter and the domain stay (`a…@example.org`), so that an operator can
tell providers apart but not read who writes. Passwords inside URLs are taken out altogether.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

Logger = FilteringBoundLogger

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NOISY = ("urllib3", "alembic", "werkzeug")
_TOLD_BY_US = ("pika",)  # seven errors for each try to reach a broker that is away, of which `amqp_link` tells once
_OWN_HANDLERS = ("gunicorn.error",)  # set up before the application is loaded, on a format of its own

_URL_PASSWORD = re.compile(r"://[^\s/]+@")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.){1,64}"@(?=[\w\[])')
_PLAIN = re.compile(
    r"""(?<![^\s@<>"'`(),:;=\[\]{}|\\])([^\s@<>"'`(),:;=\[\]{}|\\…])[^\s@<>"'`(),:;=\[\]{}|\\…]*+@(?=[\w\[])"""
)
_ESCAPED = re.compile(r"(?<![\w.+-])([\w.+-])[\w.+-]*+%40(?=\w)")


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line from here on to `stream` (standard error); level is debug, info, warning or error."""
    number = _LEVELS[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redact_event,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=_redacted_repr),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.WARNING if number <= logging.DEBUG else logging.CRITICAL)
    for name in _OWN_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def get(name: str) -> Logger:
    """A logger; may be taken at import, before `configure`. Use: `log.info("mail_handled", outcome=…)`."""
    return cast(Logger, structlog.stdlib.get_logger(name))


def bind(**values: Any) -> "Bound":
    """Add values (mail, tenant, issue, request …) to every line of this thread: `with log.bind(mail=id):`."""
    return Bound(values)


class Bound:
    """Values bound since construction; leaving the `with` block puts back what stood there before."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._tokens = structlog.contextvars.bind_contextvars(**values)

    def __enter__(self) -> "Bound":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        structlog.contextvars.reset_contextvars(**self._tokens)


def redact(text: str) -> str:
    """`text` with each e-mail address cut to its first letter and domain, and URL passwords taken out."""
    if "@" in text:
        text = _URL_PASSWORD.sub("://…@", text)
        text = _QUOTED.sub("…@", text)
        text = _PLAIN.sub(r"\1…@", text)
    if "%40" in text:
        text = _ESCAPED.sub(r"\1…%40", text)
    return text


def _redact_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _redact_value(value) for key, value in event.items()}


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): _redact_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item) for item in value]
    return value


def _redacted_repr(value: Any) -> str:
    return redact(repr(value))
