"""The in-process server: any free port, several requests at once, a stop that waits for them."""

import gc
import socket
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from common.errors import Temporary
from common.http import Answer, Http
from common.nets import Nets
from common.serve import Server

HTTP = Http(Nets.everything(), 20.0)


def hello(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


def broken(environ: Any, start_response: Any) -> Iterable[bytes]:
    raise RuntimeError("broken")


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/"


def test_it_serves_on_a_free_port_until_it_is_stopped() -> None:
    server = Server(hello)
    assert not server.alive()
    server.start()
    assert server.port > 0
    assert server.alive()
    assert HTTP.send("GET", url(server)).body == b"hello"
    server.stop()
    assert not server.alive()
    with pytest.raises(Temporary):
        HTTP.send("GET", url(server))


def test_stopping_twice_or_before_the_start_is_harmless() -> None:
    server = Server(hello)
    server.stop()
    server.start()
    server.stop()
    server.stop()


# cheroot leaves the socket that could not be bound to the garbage collector, which pytest reports.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_in_use_is_an_error_at_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        Server(hello, port=taken.getsockname()[1]).start()
    gc.collect()


def test_requests_are_served_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)

    def waits(environ: Any, start_response: Any) -> Iterable[bytes]:
        together.wait()
        return hello(environ, start_response)

    server = Server(waits, threads=3)
    server.start()
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(HTTP.send("GET", url(server)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    server.stop()
    assert [answer.status for answer in answers] == [200] * 3


def test_a_request_under_way_is_finished_before_the_stop() -> None:
    arrived, go = threading.Event(), threading.Event()

    def waits(environ: Any, start_response: Any) -> Iterable[bytes]:
        arrived.set()
        go.wait(20)
        return hello(environ, start_response)

    server = Server(waits)
    server.start()
    answers: list[Answer] = []
    caller = threading.Thread(target=lambda: answers.append(HTTP.send("GET", url(server))))
    caller.start()
    assert arrived.wait(20)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    go.set()
    stopper.join(30)
    caller.join(30)
    assert [answer.body for answer in answers] == [b"hello"]


def test_an_application_that_raises_does_not_end_the_server() -> None:
    server = Server(broken)
    server.start()
    assert HTTP.send("GET", url(server)).status == 500
    assert HTTP.send("GET", url(server)).status == 500
    server.stop()
