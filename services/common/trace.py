"""Which request this thread is working for, so that calls it makes can carry the same ids (W3C Trace Context), and spans.

Spans are made only where OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) is set: then OpenTelemetry is loaded at the first
one and sends them there by OTLP over HTTP, configured by its own OTEL_ variables. Elsewhere `span` costs a comparison.

Between processes a trace travels in the header `traceparent` and, through outbox and bus, in the field `traceparent` of a
message's body. A field of the body and not a header of AMQP: the outbox keeps bodies only, both buses carry them, and
receivers ignore fields that they do not know.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from common import log

FIELD = "traceparent"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_HOST = re.compile(r"https?://(?:[^/?#@]*@)?([^/?#@]+)", re.IGNORECASE)
_SECONDS = 3  # for one batch, so that a collector that is away does not hold up the end of a process
_NOTHING: AbstractContextManager[None] = nullcontext()

_on = any(os.environ.get(name) for name in _ENDPOINTS)
_process = "mailbridge"


def headers() -> dict[str, str]:
    """The headers that a call made now should carry: X-Request-Id and traceparent, as far as they are known."""
    known = {"X-Request-Id": request_id.get(), "traceparent": traceparent.get()}
    return {name: value for name, value in known.items() if value is not None}


def parent_of(text: object) -> str | None:
    """`text` if it is a traceparent, else None."""
    return text if isinstance(text, str) and _PARENT.fullmatch(text) else None


def named(process: str) -> None:
    """From now on this process is called so in traces, unless OTEL_SERVICE_NAME says otherwise; the first span fixes it."""
    global _process
    _process = f"mailbridge-{process.replace('.', '-')}"


def span(
    name: str, kind: str = "internal", *, parent: object = None, facts: Mapping[str, Any] | None = None
) -> AbstractContextManager[None]:
    """A stretch of work from here to the end of the `with` block; calls and messages made inside belong to it.

    kind: internal, server, client, producer or consumer. parent: the traceparent it continues; without one the span at work
    in this thread, else it begins a trace. facts: its attributes; no addresses, no texts of mails.
    """
    return _span(name, kind, parent_of(parent), facts) if _on else _NOTHING


def call(method: str, url: str) -> AbstractContextManager[None]:
    """The span of an HTTP request that is about to be made; of the address it tells the host only."""
    host = _HOST.match(url) if _on else None
    return span(f"{method} {host[1]}", "client", facts={"server.address": host[1]}) if host else _NOTHING


def note(**facts: Any) -> None:
    """Add facts to the span at work; `error` marks it as failed and says why."""
    if _on:
        _tracing().note(facts)


def carried(topic: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a message that is about to be put into an outbox, with the trace that its handling will continue."""
    if not _on:
        return dict(body)
    with span(f"put {topic}", "producer"):
        return {**body, FIELD: traceparent.get()}


@contextmanager
def _span(name: str, kind: str, parent: str | None, facts: Mapping[str, Any] | None) -> Iterator[None]:
    with _tracing().start(name, kind, parent, facts) as (trace_id, own):
        token = traceparent.set(own)
        try:
            with log.bind(trace=trace_id):
                yield
        except Exception as error:
            note(error=str(error) or type(error).__name__)
            raise
        finally:
            traceparent.reset(token)


@lru_cache(maxsize=1)
def _tracing() -> "_Tracing":
    return _Tracing()


class _Tracing:
    """OpenTelemetry, loaded when the first span begins: after a web server has forked its workers."""

    def __init__(self) -> None:
        from opentelemetry import trace as api
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        own = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": _process}
        provider = TracerProvider(resource=Resource.create(own))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_SECONDS)))
        self._api = api
        self._tracer = provider.get_tracer("mailbridge")
        self._context = TraceContextTextMapPropagator()

    @contextmanager
    def start(
        self, name: str, kind: str, parent: str | None, facts: Mapping[str, Any] | None
    ) -> Iterator[tuple[str, str]]:
        """The span's trace id and traceparent. Exceptions are not recorded: their texts may hold addresses."""
        context = self._context.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context,
            self._api.SpanKind[kind.upper()],
            facts,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            own = span.get_span_context()
            trace_id = f"{own.trace_id:032x}"
            yield trace_id, f"00-{trace_id}-{own.span_id:016x}-{int(own.trace_flags):02x}"

    def note(self, facts: Mapping[str, Any]) -> None:
        """See the function."""
        span = self._api.get_current_span()
        for name, value in facts.items():
            if name == "error":
                span.set_status(self._api.StatusCode.ERROR, log.redact(str(value)))
            else:
                span.set_attribute(name, value)
