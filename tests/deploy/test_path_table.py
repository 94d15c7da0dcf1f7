"""One path table: the Ingress's and nginx's send every path where standalone's does, and shut off what is the operator's."""

import shutil
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest

from common.health import PATHS as HEALTH_PATHS
from common.serve import Server
from sandbox.servers.ports import free_port
from sandbox.servers.private import account, hand_over
from scripts.fleet import PATHS as FLEET_PATHS
from standalone import PATHS
from tests.deploy.manifests import OVERLAYS, ROOT, Object, of_kind, render

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
ADDRESSES = (
    "/", "/index.html", "/assets/index-abc.js", "/atlassian-connect.json", "/connect/installed", "/connect/webhooks", "/forge/x",
    "/api/connect/session", "/api/connect/keys", "/api/inbound/mailboxes", "/api/inbound/mails/1/retry", "/api/inbound/openapi.json",
    "/api/outbound/sender", "/api/outbound/deliveries", "/u/token", "/user", "/api", "/healthzz", "/metrics/x",
)  # fmt: skip
MEGABYTE = 1024 * 1024


def by_standalone(path: str) -> str:
    """Who answers the path in one process."""
    return next(service for prefix, service in PATHS if path.startswith(prefix))


def by_ingress(objects: tuple[Object, ...], path: str) -> tuple[str, str]:
    """Service and body limit, by Kubernetes' rules: Exact before Prefix, the longest first, prefixes by whole elements."""
    rows = [
        (entry["pathType"] == "Exact", len(entry["path"]), entry, one)
        for one in of_kind(objects, "Ingress")
        for entry in one["spec"]["rules"][0]["http"]["paths"]
        if _matches(entry, path)
    ]
    _, _, entry, one = max(rows, key=lambda row: row[:2])
    limit = one["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    return entry["backend"]["service"]["name"], limit


def _matches(entry: Object, path: str) -> bool:
    wanted = entry["path"].rstrip("/")
    return path == entry["path"] if entry["pathType"] == "Exact" else path == wanted or path.startswith(wanted + "/")


def test_the_fleets_table_is_standalones() -> None:
    assert FLEET_PATHS == PATHS


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("path", ADDRESSES)
def test_the_ingress_sends_a_path_where_standalone_does(overlay: str, path: str) -> None:
    assert by_ingress(render(overlay), path)[0] == by_standalone(path)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("path", HEALTH_PATHS)
def test_the_ingress_leads_nobody_to_health_and_metrics(overlay: str, path: str) -> None:
    assert by_ingress(render(overlay), path)[0] == "closed"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_pushed_mail_may_be_large(overlay: str) -> None:
    limits = {path: by_ingress(render(overlay), path)[1] for path in ADDRESSES}
    assert {path for path, limit in limits.items() if limit == "45m"} == {
        path for path in ADDRESSES if by_standalone(path) == "inbound"
    }
    assert set(limits.values()) == {"1m", "45m"}


class Answering:
    """A web process that says who it is and how much it was sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.server = Server(self.app, threads=2)
        self.server.start()

    def app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Reads the body and answers."""
        size = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        start_response("200 OK", [("Content-Type", "text/plain")])
        host, scheme = environ["HTTP_HOST"], environ["HTTP_X_FORWARDED_PROTO"]
        return [f"{self.name} {size} {host} {scheme} {environ['PATH_INFO']}".encode()]


@pytest.fixture(scope="module")
def nginx() -> Iterator[str]:
    """A real nginx with the filled-in templates before three answering processes; its address."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install --no-install-recommends nginx-light")
    folder = Path(tempfile.mkdtemp(prefix="mailbridge-test-"))  # pytest's own folders are closed to nginx's account
    behind = {name: Answering(name) for name in ("connect", "inbound", "outbound")}
    port = free_port()
    values = {f"MAILBRIDGE_{name.upper()}": f"127.0.0.1:{one.server.port}" for name, one in behind.items()}
    values |= {"MAILBRIDGE_LISTEN": f"127.0.0.1:{port}", "MAILBRIDGE_FOLDER": str(folder)}
    for name in ("mailbridge.conf", "nginx.conf"):
        template = (ROOT / "deploy" / "nginx" / f"{name}.template").read_text(encoding="utf-8")
        filled = "\n".join(line for line in template.splitlines() if not line.startswith("#"))
        (folder / name).write_text(Template(filled).safe_substitute(values), encoding="utf-8")
        assert "${" not in (folder / name).read_text(encoding="utf-8")
    hand_over(folder)
    command = [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, **account())
    try:
        _wait_for(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
        for one in behind.values():
            one.server.stop(1)
        shutil.rmtree(folder)


@pytest.mark.parametrize("path", ADDRESSES)
def test_nginx_sends_a_path_where_standalone_does(nginx: str, path: str) -> None:
    status, text = _ask(nginx + path)
    assert status == 200
    # The path arrives as it was sent, and the host as the browser knows it: tokens are signed over both.
    assert text.split() == [by_standalone(path), "0", nginx.removeprefix("http://"), "http", path]


@pytest.mark.parametrize("path", HEALTH_PATHS)
def test_nginx_leads_nobody_to_health_and_metrics(nginx: str, path: str) -> None:
    assert _ask(nginx + path)[0] == 404


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/api/inbound/x", 44 * MEGABYTE, 200),
        ("/api/inbound/x", 46 * MEGABYTE, 413),
        ("/connect/webhooks", MEGABYTE, 200),
        ("/connect/webhooks", MEGABYTE + 1, 413),
        ("/api/outbound/x", MEGABYTE + 1, 413),
    ],
)
def test_nginx_takes_bodies_up_to_their_limit(nginx: str, path: str, size: int, status: int) -> None:
    answered, text = _ask(nginx + path, b"x" * size)
    assert answered == status
    assert status != 200 or text.split()[1] == str(size)


def _ask(url: str, body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/octet-stream"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 120
    pause = threading.Event()
    while True:
        try:
            _ask(f"http://127.0.0.1:{port}/healthz")
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")
            pause.wait(0.05)
