"""The bare loop: the steps that nothing which does this job can leave out, with nothing around them, in one process.

inbound: FETCH by 50, compat32 parse, insert and commit by 50, publish with 50 confirms in flight, consume and acknowledge,
one signed POST on a kept connection, update and commit. outbound: take in a webhook over HTTP (verify, decode, insert, commit,
publish with confirm), consume, one signed GET on a kept connection, fill a template and build the message, hand it to the mail
server on a kept connection, update and commit. Started as `python -m tests.bench.bare WAY` with its settings on standard input.
"""

import base64
import email
import email.header
import http.client
import imaplib
import json
import queue
import re
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import Message
from email.mime.text import MIMEText
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from typing import TYPE_CHECKING, Any

import jwt
import pika
import psycopg

from sandbox.servers.dovecot import PASSWORD
from scripts.fleet import ROOT

if TYPE_CHECKING:
    from tests.bench.pipelines import Run
    from tests.bench.world import World

BATCH = 50
SECRET = "a secret of thirty-two octets ....."
_COLUMNS = "id text primary key, tenant text, source text, number bigint, subject text, sender text, state text, issue text, raw bytea, unique (source, number)"
_LETTER = Template("$name commented on $key:\n\n$text\n\nAnswer this mail to comment.\n")


def run(way: str, world: "World", items: list[bytes]) -> "Run":
    """Run the loop in a process of its own; processor time is that process's alone."""
    from tests.bench.pipelines import Run

    user = f"bare-{time.monotonic_ns()}"
    if way == "inbound":
        world.put(items, user)
    answers = _Answers()
    settings = {
        "imap": world.dovecot.imap_port, "user": user, "database": world.database_url, "broker": world.broker_url,
        "http": answers.port, "smtp": world.smtp_port, "count": len(items), "item": base64.b64encode(items[0]).decode(),
    }  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.bare", way],
            input=json.dumps(settings), capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
    finally:
        answers.close()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Run(len(items), told["wall"], told["cpu"])


class _Answers:
    """A Jira that answers anything at once, in this process: its time is nobody's."""

    def __init__(self) -> None:
        issue = json.dumps({"id": "10001", "key": "SUP-1", "fields": {"summary": "x" * 200, "description": "y" * 3000}})

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def do_GET(self) -> None:
                body = issue.encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Loop:
    """Connections to everything."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.count = int(settings["count"])
        self.table = f"bare_{time.monotonic_ns()}"
        self.database = psycopg.connect(settings["database"])
        self.database.execute(f"CREATE TABLE {self.table} ({_COLUMNS})")
        self.database.commit()
        self.jira = http.client.HTTPConnection("127.0.0.1", settings["http"])
        self.broker = pika.BlockingConnection(pika.URLParameters(settings["broker"]))
        self.channel = self.broker.channel()
        self.queue = self.table
        self.channel.queue_declare(self.queue, durable=True, arguments={"x-queue-type": "quorum"})
        self.owed = 0
        # The adapter's own confirms wait for each message; asked for below it, they may be in flight.
        self.channel._impl.confirm_delivery(self._confirmed, lambda _frame: None)

    def _confirmed(self, frame: Any) -> None:
        if frame.method.multiple:
            self.owed = max(0, self._last - int(frame.method.delivery_tag))
        else:
            self.owed -= 1

    _last = 0

    def publish(self, bodies: list[bytes]) -> None:
        for body in bodies:
            self._last += 1
            self.owed += 1
            self.channel.basic_publish("", self.queue, body, pika.BasicProperties(delivery_mode=2))
        self.broker._flush_output(
            lambda: not self.owed
        )  # until all are confirmed; process_data_events would wait longer

    def consume(self) -> Iterator[bytes]:
        self.channel.basic_qos(prefetch_count=10)
        for number, (method, _, body) in enumerate(self.channel.consume(self.queue), 1):
            yield body
            self.channel.basic_ack(method.delivery_tag)
            if number == self.count:
                return

    def call(self, method: str, path: str, body: Any = None) -> Any:
        now = int(time.time())
        token = jwt.encode({"iss": "app", "iat": now, "exp": now + 180, "qsh": "x" * 64}, SECRET, "HS256")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"JWT {token}", "Accept": "application/json", "Content-Type": "application/json"}
        self.jira.request(method, path, data, headers)
        return json.loads(self.jira.getresponse().read())

    def update(self, id: str, issue: str) -> None:
        self.database.execute(f"UPDATE {self.table} SET state = 'done', issue = %s WHERE id = %s", (issue, id))
        self.database.commit()

    def close(self) -> None:
        self.channel.cancel()
        self.channel.queue_delete(self.queue)
        self.database.execute(f"DROP TABLE {self.table}")
        self.database.commit()
        self.broker.close()


def inbound(loop: Loop) -> None:
    """Mailbox to issue."""
    imap = imaplib.IMAP4("127.0.0.1", loop.settings["imap"])
    imap.login(loop.settings["user"], PASSWORD)
    imap.select("INBOX")
    numbers = imap.uid("SEARCH", "ALL")[1][0].split()
    for start in range(0, len(numbers), BATCH):
        part = b",".join(numbers[start : start + BATCH]).decode()
        fetched = [item for item in imap.uid("FETCH", part, "(BODY.PEEK[])")[1] if isinstance(item, tuple)]
        rows = [(f"{start + n}", "t", "s", start + n, "received", raw) for n, (_, raw) in enumerate(fetched)]
        insert = f"INSERT INTO {loop.table} (id, tenant, source, number, state, raw) VALUES (%s, %s, %s, %s, %s, %s)"
        loop.database.cursor().executemany(insert, rows)
        loop.database.commit()
        loop.publish([json.dumps({"mail": row[0]}).encode() for row in rows])
        imap.uid("STORE", part, "+FLAGS.SILENT", r"(\Seen)")
    for body in loop.consume():
        id = json.loads(body)["mail"]
        row = loop.database.execute(f"SELECT raw FROM {loop.table} WHERE id = %s", (id,)).fetchone()
        assert row is not None
        subject, text = _read(email.message_from_bytes(row[0]))
        paragraphs = [
            {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.split("\n\n") if line
        ]
        document = {"version": 1, "type": "doc", "content": paragraphs}
        made = loop.call("POST", "/rest/api/3/issue", {"fields": {"summary": subject, "description": document}})
        loop.update(id, made["key"])
    imap.logout()


def outbound(loop: Loop) -> None:
    """Webhook to mail server."""
    webhook = base64.b64decode(loop.settings["item"])
    taken: queue.Queue[bytes] = queue.Queue()
    server = _webhooks(taken)
    driver = subprocess.Popen(
        [sys.executable, "-c", _DRIVER, str(server.server_port), str(loop.count), SECRET],
        stdin=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert driver.stdin is not None
    driver.stdin.write(webhook)
    driver.stdin.close()
    for number in range(loop.count):
        event = json.loads(taken.get(timeout=60))
        insert = (
            f"INSERT INTO {loop.table} (id, tenant, source, number, subject, state) VALUES (%s, %s, %s, %s, %s, %s)"
        )
        loop.database.execute(insert, (str(number), "t", "s", number, event["webhookEvent"], "received"))
        loop.database.commit()
        loop.publish([json.dumps({"event": str(number), "issue": event["issue"]["id"]}).encode()])
    driver.wait()
    server.shutdown()
    server.server_close()
    smtp = smtplib.SMTP("127.0.0.1", loop.settings["smtp"])
    for body in loop.consume():
        event = json.loads(body)
        issue = loop.call("GET", f"/rest/api/3/issue/{event['issue']}?fields=summary,description,comment")
        text = _LETTER.substitute(name="Alice Agent", key=issue["key"], text=issue["fields"]["description"][:500])
        mail = MIMEText(text, "plain", "utf-8")
        mail["From"], mail["To"] = "Support <support@sandbox.test>", "carol@customer.example"
        mail["Subject"], mail["Message-ID"] = (
            f"[{issue['key']}] {issue['fields']['summary']}",
            f"<{event['event']}@sandbox.test>",
        )
        smtp.sendmail("support@sandbox.test", ["bare@customer.example"], mail.as_bytes().replace(b"\n", b"\r\n"))
        loop.update(event["event"], issue["key"])
    smtp.quit()


def _webhooks(taken: "queue.Queue[bytes]") -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            jwt.decode(self.headers["Authorization"][4:], SECRET, ["HS256"])
            taken.put(body)
            self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


_DRIVER = """
import http.client, sys, time, jwt
port, count, secret = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
body = sys.stdin.buffer.read()
token = jwt.encode({"iss": "jira", "exp": int(time.time()) + 600}, secret, "HS256")
connection = http.client.HTTPConnection("127.0.0.1", port)
for _ in range(count):
    connection.request("POST", "/", body, {"Authorization": "JWT " + token})
    connection.getresponse().read()
"""


def _read(mail: Message) -> tuple[str, str]:
    subject = str(email.header.make_header(email.header.decode_header(mail.get("Subject", ""))))
    [mail.get(name) for name in ("From", "To", "Cc", "Message-ID", "In-Reply-To", "References", "Date")]
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            text = data.decode(part.get_content_charset("utf-8"), "replace")
            return subject, re.sub(r"\r\n?", "\n", text)
    return subject, ""


def main(way: str) -> None:
    """Run one way and print what it took."""
    loop = Loop(json.load(sys.stdin))
    wall, cpu = time.monotonic(), time.process_time()
    {"inbound": inbound, "outbound": outbound}[way](loop)
    print(json.dumps({"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}))
    loop.close()


if __name__ == "__main__":
    main(sys.argv[1])
