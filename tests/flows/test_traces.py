"""One trace tells a whole journey, over HTTP, the outbox and RabbitMQ; a collector of our own receives it by OTLP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sandbox import story
from sandbox.app import Sandbox
from scripts.fleet import fleet
from tests.flows.conftest import stage
from tests.running import sandbox_settings, wait_for


@dataclass(frozen=True)
class Span:
    process: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes


@dataclass
class Collector:
    """What came in so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def way_to(self, process: str, name: str) -> list[tuple[str, str]]:
        """From the beginning of the trace to the span of that name; [] while a link is missing."""
        by_id = {span.id: span for span in self.spans}
        for span in self.spans:
            if (span.process, span.name) == (process, name):
                way = [span]
                while way[0].parent in by_id:
                    way.insert(0, by_id[way[0].parent])
                if not way[0].parent:
                    return [(one.process, one.name) for one in way]
        return []

    def take(self, data: bytes) -> None:
        for group in ExportTraceServiceRequest.FromString(data).resource_spans:
            process = next(one.value.string_value for one in group.resource.attributes if one.key == "service.name")
            for scope in group.scope_spans:
                self.spans += [Span(process, s.name, s.trace_id, s.span_id, s.parent_span_id) for s in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.rabbitmq
@pytest.mark.postgres
def test_a_trace_spans_web_outbox_worker_and_jira(
    sandbox: Sandbox, postgres_url: str, rabbitmq_url: str, tmp_path: Path
) -> None:
    with collecting() as collector:
        environment = {
            **sandbox_settings(sandbox),
            "MAILBRIDGE_DATABASE_URL": postgres_url,
            "MAILBRIDGE_BROKER_URL": rabbitmq_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        with fleet(environment, tmp_path / "logs") as seven:
            scene = stage(sandbox, seven.url)
            for step in (story.install, story.connect_mailbox, story.connect_sender, story.mail_becomes_an_issue):
                step(scene)
            story.comment_becomes_mail(scene)

            def come(process: str, name: str, way: list[tuple[str, str]]) -> None:
                """Each process tells of its spans when it comes to it."""
                wait_for(
                    lambda: collector.way_to(process, name) == way, 120, lambda: str(collector.way_to(process, name))
                )

            event = [
                ("mailbridge-connect-app", "POST /connect/webhooks"),
                ("mailbridge-connect-app", "put jira.event"),
                ("mailbridge-outbound-worker", "handle jira.event"),
                ("mailbridge-outbound-worker", "put window.due"),
                ("mailbridge-outbound-worker", "handle window.due"),
            ]
            delivery = [
                ("mailbridge-outbound-worker", "put delivery.due"),
                ("mailbridge-outbound-worker", "handle delivery.due"),
                ("mailbridge-outbound-worker", "SMTP: send a mail"),
            ]
            worker, asked = "mailbridge-outbound-worker", "Jira GET /issue/{}"
            come(worker, "SMTP: send a mail", event + delivery)
            come(worker, asked, [*event, (worker, asked)])
            mail = [
                ("mailbridge-inbound-fetcher", "put mail.received"),
                ("mailbridge-inbound-worker", "handle mail.received"),
                ("mailbridge-inbound-worker", "Jira POST /issue"),
            ]
            come("mailbridge-inbound-worker", "Jira POST /issue", mail)
