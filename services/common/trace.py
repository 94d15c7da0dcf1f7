"""Which request this thread is working for, so that calls it makes can carry the same ids (W3C Trace Context)."""

from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def headers() -> dict[str, str]:
    """The headers that a call made now should carry: X-Request-Id and traceparent, as far as they are known."""
    known = {"X-Request-Id": request_id.get(), "traceparent": traceparent.get()}
    return {name: value for name, value in known.items() if value is not None}
