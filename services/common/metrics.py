"""The registry and every metric of Mailbridge, by name and meaning.

Counters count in the process that did the work; gauges that describe the database are set by whoever last looked.
With PROMETHEUS_MULTIPROC_DIR set (several gunicorn workers) `render` adds up the workers' files, as the client library
documents; without it the process answers for itself.
"""

import os

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client import Counter as Counter  # the type, for whoever is given one of ours
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series a metric that no rule of ours reads

_LAG_BUCKETS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
_CALL_BUCKETS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 30)


def _counter(name: str, meaning: str, labels: tuple[str, ...] = ()) -> Counter:
    return Counter(f"mailbridge_{name}", meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, labels: tuple[str, ...] = ()) -> Gauge:
    # Of several workers' looks at one database the newest is the truth.
    return Gauge(f"mailbridge_{name}", meaning, labels, registry=REGISTRY, multiprocess_mode="livemostrecent")


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> Histogram:
    return Histogram(f"mailbridge_{name}", meaning, labels, registry=REGISTRY, buckets=buckets)


MAIL_RECEIVED = _counter("mail_received_total", "Mails taken from mailboxes into the ledger.")
MAIL_HANDLED = _counter("mail_handled_total", "Mails that came to an end, by outcome.", ("outcome",))
MAIL_LAG = _histogram(
    "mail_lag_seconds", "From a mail's arrival in its mailbox to its issue or comment in Jira.", _LAG_BUCKETS
)
LEDGER_STATE = _gauge("ledger_state", "Mails in the ledger, by state.", ("state",))
LEDGER_OLDEST = _gauge(
    "ledger_oldest_seconds",
    "How long the oldest mail that is still received or delivering has been in the ledger.",
    ("state",),
)
UNACCOUNTED = _gauge(
    "unaccounted", "Mails that this fetcher's mailboxes showed at the last look and the ledger does not have."
)
MAILBOX_STATE = _gauge("mailbox_state", "Mailboxes, by state.", ("state",))
MAILBOX_GRANT = _gauge("mailbox_grant", "Mailboxes that log in with a token, by what their grant needs.", ("state",))

JIRA_CALLS = _counter(
    "jira_calls_total",
    "Calls to Jira, by method, path template and HTTP status (0: no answer).",
    ("method", "path", "status"),
)
JIRA_ANSWERS = _counter(
    "jira_answers_total", "Answers of each tenant's Jira: 2xx, 3xx, 4xx, 429, 5xx, or none.", ("tenant", "answer")
)
JIRA_CALL_SECONDS = _histogram(
    "jira_call_seconds", "How long Jira took to answer a call.", _CALL_BUCKETS, ("method", "path")
)

JIRA_NEAR_LIMIT = _counter(
    "jira_near_limit_total", "Answers by which a tenant's Jira said that a rate limit is near.", ("tenant",)
)
JIRA_LIMIT_LEFT = _gauge(
    "jira_limit_left", "What a tenant's Jira last said to be left of its tightest rate limit.", ("tenant",)
)

OUTBOX_DEPTH = _gauge("outbox_depth", "Rows in this service's outbox, by topic.", ("topic",))
OUTBOX_OLDEST = _gauge(
    "outbox_oldest_seconds", "How long the oldest due row of the outbox has waited, by topic.", ("topic",)
)

QUEUE_CONSUMERS = _gauge("queue_consumers", "Processes that consume from the queue, by the broker's word.", ("queue",))
QUEUE_MESSAGES = _gauge("queue_messages", "Messages that wait in the queue, by the broker's word.", ("queue",))
HANDLER_FAULTS = _counter(
    "handler_faults_total", "Messages whose handling was put off, by kind: temporary or bug.", ("topic", "kind")
)

EVENTS = _counter("events_total", "Events of Jira taken in for the first time, by kind.", ("kind",))
EVENTS_REPAIRED = _counter(
    "events_repaired_total",
    "Events that a search found and nothing had told, where webhooks or Forge tell them.",
    ("kind",),
)
EVENT_LAG = _histogram(
    "event_lag_seconds", "From an event's time in Jira to the sending of a mail about it.", _LAG_BUCKETS
)
DELIVERIES = _counter("deliveries_total", "Deliveries that reached a state.", ("state",))
ADMIN_LETTERS = _counter(
    "admin_letters_total", "Letters to whoever has to do something about a mailbox that reached a state.", ("state",)
)
SENDER_LETTERS = _counter(
    "sender_letters_total", "Letters to senders whose mail was too large that reached a state.", ("state",)
)
SENDER_STATE = _gauge("sender_state", "Outgoing servers, by state.", ("state",))

HTTP_REQUESTS = _counter(
    "http_requests_total", "Requests answered, by method, route and status.", ("method", "route", "status")
)
HTTP_SECONDS = _histogram(
    "http_request_seconds", "How long requests took to answer.", _CALL_BUCKETS, ("method", "route")
)

if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    ProcessCollector(registry=REGISTRY)
    PlatformCollector(registry=REGISTRY)


def render() -> bytes:
    """All metrics in Prometheus' text format; the media type is CONTENT_TYPE."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
