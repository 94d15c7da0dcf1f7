"""HTTP against a real socket server that breaks off at chosen points: what may have arrived, and what surely has not."""

import contextlib
import datetime
import gc
import gzip
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from common import trace
from common.errors import Permanent, Temporary
from common.http import Http
from common.nets import Nets

LOOPBACK = Nets(("127.0.0.0/8",))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
ANY = ("GET", *WRITES)


class Connection:
    """One accepted connection, as the script of a test sees it."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw

    def request(self) -> bytes:
        """Everything of one request: head and body."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += self._more()
        return head + b"\r\n\r\n" + body

    def answer(self, data: bytes = OK) -> None:
        self.raw.sendall(data)

    def reset(self) -> None:
        """Close with RST."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()

    def _more(self) -> bytes:
        data = self.raw.recv(65_536)
        if not data:
            raise EOFError
        return data


Script = Callable[[Connection], None]


class ScriptedServer:
    """Plays one script for each connection, the last one for all further ones."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/path"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for raw in self._open:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)  # wakes a script that waits for more
        self._thread.join(30)
        for raw in self._open:
            raw.close()

    def _run(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(30)
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            with contextlib.suppress(OSError, EOFError):
                if self._tls:
                    raw = self._tls.wrap_socket(raw, server_side=True)
                self._open.append(raw)
                script(Connection(raw))
            # kept open until the end unless the script closed it: silence is a behaviour too


@contextlib.contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(*scripts, tls=tls)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http(LOOPBACK, 20.0)
    yield client
    client.close()


def answers(connection: Connection) -> None:
    """Answers every request of the connection."""
    while True:
        connection.request()
        connection.answer()


def test_an_answer_has_status_headers_and_body(http: Http) -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.answer(b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nX-Y: a\r\nContent-Length: 3\r\n\r\nabc")

    with serving(script) as server:
        answer = http.send("GET", server.url)
    assert (answer.status, answer.headers["retry-after"], answer.headers["x-y"], answer.body) == (429, "7", "a", b"abc")


def test_the_request_arrives_as_given_and_names_its_trace(http: Http) -> None:
    seen: list[bytes] = []

    def script(connection: Connection) -> None:
        seen.append(connection.request())
        connection.answer()

    parent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    tokens = trace.request_id.set("request-1"), trace.traceparent.set(parent)
    try:
        with serving(script) as server:
            http.send("POST", server.url + "?q=a%2Bb", {"X-Own": "1", "Content-Type": "application/json"}, b'{"a":1}')
    finally:
        trace.request_id.reset(tokens[0])
        trace.traceparent.reset(tokens[1])
    head, _, body = seen[0].decode().partition("\r\n\r\n")
    assert head.startswith("POST /path?q=a%2Bb HTTP/1.1\r\n")
    lines = head.lower().split("\r\n")
    for line in (
        "x-own: 1",
        "content-type: application/json",
        "content-length: 7",
        "x-request-id: request-1",
        f"traceparent: {parent}",
        "user-agent: mailbridge",
    ):
        assert line in lines
    assert body == '{"a":1}'


def test_connections_are_kept_and_used_again(http: Http) -> None:
    with serving(answers) as server:
        for _ in range(5):
            http.send("POST", server.url, body=b"x")
        assert server.connections == 1


@pytest.mark.parametrize("location", [b"http://169.254.169.254/", b"http://[::1", b"\xff\xfe", b"x" * 5000])
def test_a_redirect_is_an_answer(http: Http, location: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.answer(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 2\r\n\r\nok")

    with serving(script) as server:
        answer = http.send("POST", server.url, body=b"x")
        assert (answer.status, answer.body) == (302, b"ok")
        assert server.connections == 1


def test_a_cookie_is_not_kept(http: Http) -> None:
    seen: list[bytes] = []

    def script(connection: Connection) -> None:
        for _ in range(2):
            seen.append(connection.request())
            connection.answer(b"HTTP/1.1 200 OK\r\nSet-Cookie: tenant=one; Path=/\r\nContent-Length: 0\r\n\r\n")

    with serving(script) as server:
        http.send("GET", server.url)
        http.send("GET", server.url)
    assert len(seen) == 2
    assert b"tenant=one" not in seen[1]


def test_the_environments_proxy_is_not_asked(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(answers) as server:
        assert http.send("GET", server.url).status == 200


def test_a_compressed_answer_is_unpacked_within_the_limit() -> None:
    packed = gzip.compress(b"a" * 10_000)

    def script(connection: Connection) -> None:
        connection.request()
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        connection.answer(head.encode() + packed)

    with serving(script, script) as server:
        assert Http(LOOPBACK, 5.0).send("GET", server.url).body == b"a" * 10_000
        with pytest.raises(Permanent, match="9999 octets"):
            Http(LOOPBACK, 5.0, limit=9_999).send("GET", server.url)


def test_an_answer_too_large_after_a_write_says_it_may_be_done() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.answer(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)

    with serving(script) as server, pytest.raises(Temporary) as caught:
        Http(LOOPBACK, 5.0, limit=99).send("POST", server.url, body=b"x")
    assert caught.value.maybe_done


# --- surely not arrived -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ANY)
def test_a_refused_connection_did_nothing(http: Http, method: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Temporary, match="refused") as caught:
        http.send(method, f"http://127.0.0.1:{port}/", body=b"x")
    assert not caught.value.maybe_done


def test_an_unknown_host_did_nothing(http: Http) -> None:
    with pytest.raises(Temporary, match=r"no-such-host\.invalid") as caught:
        http.send("POST", "http://no-such-host.invalid/", body=b"x")
    assert not caught.value.maybe_done


def test_a_connection_that_times_out_did_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        crowd = [socket.socket() for _ in range(4)]
        for member in crowd:
            member.setblocking(False)
            member.connect_ex(full.getsockname())
        with pytest.raises(Temporary, match="timed out") as caught:
            Http(LOOPBACK, 0.2).send("POST", f"http://127.0.0.1:{full.getsockname()[1]}/", body=b"x")
        assert not caught.value.maybe_done
        for member in crowd:
            member.close()


def test_a_forbidden_address_is_permanent() -> None:
    with serving(answers) as server:
        with pytest.raises(Permanent, match="reserved network"):
            Http(Nets()).send("POST", server.url, body=b"x")
        assert server.connections == 0


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("ftp://127.0.0.1/", {}),
        ("http:///x", {}),
        ("/relative", {}),
        ("", {}),
        ("http://127.0.0.1:99999/", {}),
        ("http://127.0.0.1/", {"X-A": "a\r\nX-B: b"}),
        ("http://[::1/", {}),
    ],
)
def test_a_request_that_cannot_be_made_is_permanent(http: Http, url: str, headers: dict[str, str]) -> None:
    with pytest.raises(Permanent):
        http.send("POST", url, headers, b"x")


def reset_at_once(connection: Connection) -> None:
    connection.reset()


def reset_after_hello(connection: Connection) -> None:
    connection.raw.recv(10)
    connection.reset()


def talk_plainly(connection: Connection) -> None:
    connection.raw.recv(10_000)
    connection.answer(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.raw.close()


def say_nothing(connection: Connection) -> None:
    connection.raw.recv(10_000)


# CPython leaves the socket of some failed handshakes to the garbage collector, which pytest reports.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("script", [reset_at_once, reset_after_hello, talk_plainly, say_nothing])
def test_a_failed_tls_handshake_did_nothing(script: Script) -> None:
    with serving(script) as server, pytest.raises(Temporary) as caught:
        Http(LOOPBACK, 0.5).send("POST", server.url.replace("http:", "https:"), body=b"x")
    assert not caught.value.maybe_done
    gc.collect()


def test_a_large_file_may_take_longer_than_one_wait() -> None:
    size = 16_000_000

    def reads_slowly(connection: Connection) -> None:
        connection.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        pause, left = threading.Event(), size
        while left > 0:
            left -= len(connection.raw.recv(32_768))
            if left > size // 2:  # the rest, which the kernel may hold back, quickly
                pause.wait(0.01)
        connection.answer()

    with serving(reads_slowly) as server:
        started = time.monotonic()
        assert Http(LOOPBACK, 2.0).send("POST", server.url, body=b"x" * size).status == 200
        assert time.monotonic() - started > 2.0


# --- perhaps arrived ----------------------------------------------------------------------------------------------


def half_the_head(connection: Connection) -> None:
    connection.raw.recv(20)
    connection.reset()


def the_whole_request(connection: Connection) -> None:
    connection.request()
    connection.reset()


def closes_politely(connection: Connection) -> None:
    connection.request()
    connection.raw.close()


def half_the_answers_head(connection: Connection) -> None:
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\nContent-Le")
    connection.reset()


def half_the_answers_body(connection: Connection) -> None:
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    connection.raw.close()


def half_a_chunk(connection: Connection) -> None:
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc")
    connection.reset()


def a_broken_gzip(connection: Connection) -> None:
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc")


def no_http_at_all(connection: Connection) -> None:
    connection.request()
    connection.answer(b"220 mail.example.com ESMTP\r\n")
    connection.raw.close()


def two_lengths(connection: Connection) -> None:
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok")


def endless_headers(connection: Connection) -> None:
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000)
    connection.raw.close()


BREAKS = [
    half_the_head, the_whole_request, closes_politely, half_the_answers_head, half_the_answers_body,
    half_a_chunk, a_broken_gzip, no_http_at_all, endless_headers, two_lengths,
]  # fmt: skip


@pytest.mark.parametrize("script", BREAKS)
@pytest.mark.parametrize("body", [b"x", b"x" * 3_000_000], ids=["small", "large"])
def test_a_write_that_broke_off_may_be_done_and_is_not_repeated(http: Http, script: Script, body: bytes) -> None:
    with serving(script) as server:
        with pytest.raises(Temporary) as caught:
            http.send("POST", server.url, body=body)
        assert caught.value.maybe_done
        assert server.connections == 1


@pytest.mark.parametrize("method", ANY)
def test_a_connection_reset_at_once_is_temporary_and_not_tried_again(http: Http, method: str) -> None:
    # Whether anything left before the reset arrived is a race, and maybe_done says how it went.
    with serving(reset_at_once) as server:
        with pytest.raises(Temporary):
            http.send(method, server.url, body=b"x")
        assert server.connections == 1


def test_a_write_without_an_answer_in_time_may_be_done() -> None:
    with serving(say_nothing) as server:
        with pytest.raises(Temporary, match="in time") as caught:
            Http(LOOPBACK, 0.2).send("POST", server.url, body=b"x")
        assert caught.value.maybe_done
        assert server.connections == 1


def test_an_answer_that_drips_is_given_up() -> None:
    def drip(connection: Connection) -> None:
        connection.request()
        connection.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        pause = threading.Event()
        for _ in range(100):
            connection.answer(b"x")
            pause.wait(0.05)

    with serving(drip) as server, pytest.raises(Temporary, match="slowly") as caught:
        Http(LOOPBACK, 1.0).send("POST", server.url, body=b"x")
    assert caught.value.maybe_done


# --- kept-alive connections ---------------------------------------------------------------------------------------


def answers_once_then_closes(connection: Connection) -> None:
    connection.request()
    connection.answer()
    connection.raw.close()


def answers_once_then_resets_the_second(connection: Connection) -> None:
    connection.request()
    connection.answer()
    connection.raw.recv(1)
    connection.reset()


@pytest.mark.parametrize("method", ANY)
def test_a_connection_closed_while_idle_is_noticed_before_sending(http: Http, method: str) -> None:
    with serving(answers_once_then_closes, answers) as server:
        http.send("GET", server.url)
        server._open[0].close()
        assert http.send(method, server.url, body=b"x").status == 200
        assert server.connections == 2


def test_a_connection_that_rested_too_long_is_not_used_again() -> None:
    def send_twice(idle: float) -> int:
        with serving(answers, answers) as server:
            client = Http(LOOPBACK, 5.0, idle=idle)
            client.send("POST", server.url, body=b"x")
            server._open[0].settimeout(0.2)  # the server gives up when nothing more comes
            client.send("POST", server.url, body=b"x")
            client.close()
            return server.connections

    assert (send_twice(15.0), send_twice(0.0)) == (1, 2)


@pytest.mark.parametrize("method", WRITES)
def test_a_write_on_a_kept_connection_that_dies_may_be_done(http: Http, method: str) -> None:
    with serving(answers_once_then_resets_the_second, answers) as server:
        http.send("GET", server.url)
        with pytest.raises(Temporary) as caught:
            http.send(method, server.url, body=b"x")
        assert caught.value.maybe_done
        assert server.connections == 1


def test_a_read_on_a_kept_connection_that_dies_is_sent_once_more(http: Http) -> None:
    with serving(answers_once_then_resets_the_second, answers) as server:
        http.send("GET", server.url)
        assert http.send("GET", server.url).status == 200
        assert server.connections == 2


def test_a_read_on_a_new_connection_that_dies_is_not_repeated(http: Http) -> None:
    with serving(the_whole_request) as server:
        with pytest.raises(Temporary):
            http.send("GET", server.url)
        assert server.connections == 1


# --- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_tls_with_a_trusted_certificate_works_and_is_kept(certificate: Path, tls: ssl.SSLContext) -> None:
    client = Http(LOOPBACK, 5.0, ca_file=str(certificate))
    with serving(answers, tls=tls) as server:
        assert [client.send("POST", server.url, body=b"x").status for _ in range(3)] == [200] * 3
        assert server.connections == 1
        client.close()


def test_an_untrusted_certificate_stops_before_the_request(tls: ssl.SSLContext) -> None:
    with serving(answers, tls=tls) as server, pytest.raises(Temporary, match="certificate") as caught:
        Http(LOOPBACK, 5.0).send("POST", server.url, body=b"x")
    assert not caught.value.maybe_done


def test_a_certificate_for_another_name_stops_before_the_request(certificate: Path, tls: ssl.SSLContext) -> None:
    client = Http(LOOPBACK, 5.0, ca_file=str(certificate))
    with serving(answers, tls=tls) as server, pytest.raises(Temporary) as caught:
        client.send("POST", server.url.replace("127.0.0.1", "localhost"), body=b"x")
    assert not caught.value.maybe_done


def test_a_write_under_tls_that_broke_off_may_be_done(certificate: Path, tls: ssl.SSLContext) -> None:
    with serving(the_whole_request, tls=tls) as server, pytest.raises(Temporary) as caught:
        Http(LOOPBACK, 5.0, ca_file=str(certificate)).send("POST", server.url, body=b"x")
    assert caught.value.maybe_done


def test_many_threads_share_the_pool() -> None:
    client = Http(LOOPBACK, 20.0)
    statuses: list[int] = []
    with serving(
        lambda connection: threading.Thread(target=_quietly, args=(connection,), daemon=True).start()
    ) as server:
        threads = [
            threading.Thread(target=lambda: statuses.append(client.send("POST", server.url, body=b"x").status))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    client.close()
    assert statuses == [200] * 20


def _quietly(connection: Connection) -> None:
    with contextlib.suppress(OSError, EOFError):
        answers(connection)
