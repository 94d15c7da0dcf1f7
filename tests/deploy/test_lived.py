"""The manifests, lived: every container's command and environment on real RabbitMQ and PostgreSQL, and the story through them.

What stands in for Kubernetes says tests/deploy/cluster.py.
"""

import base64
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.app import Sandbox
from sandbox.servers.postgres import Postgres
from sandbox.servers.private import NotAvailable, program
from sandbox.story import STEPS, play
from tests.deploy.cluster import Cluster, wait_until_ready
from tests.deploy.manifests import HOW, K8S, of_kind, ours, render, secrets_template
from tests.deploy.room import Room, can_seal
from tests.flows.conftest import stage
from tests.running import sandbox_settings

SERVICES = ("connect", "inbound", "outbound")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A fresh stand-in Jira with mail servers."""
    with Sandbox(port=0, imap_port=0, smtp_port=0, retry_seconds=0.2) as world:
        yield world


@pytest.fixture
def filled_in() -> dict[str, dict[str, str]]:
    """The Secrets' template with keys and passwords of its own; addresses as they stand."""
    found = {one["metadata"]["name"]: dict(one["stringData"]) for one in secrets_template()}
    passwords = {service: secrets.token_hex(8) for service in SERVICES}
    role_keys = {service: _key() for service in ("inbound", "outbound")}
    for service in SERVICES:
        own = found[f"mailbridge-{service}"]
        own["master-key"] = _key()
        own["database-url"] = own["database-url"].replace("CHANGE-ME", passwords[service])
        found["postgres"][f"{service}-password"] = passwords[service]
    for service, key in role_keys.items():
        found["mailbridge-connect"][f"role-key-{service}"] = found[f"mailbridge-{service}"]["role-key"] = key
    return found


@pytest.fixture
def databases(postgres: Postgres, filled_in: dict[str, dict[str, str]], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The database URL of each service, after the overlay's own script has made databases and users."""
    keys = tmp_path / "postgres-keys"
    keys.mkdir()
    for name, text in filled_in["postgres"].items():
        (keys / name).write_text(text, encoding="utf-8")
    server = urlsplit(postgres.url("postgres"))
    environment = {
        "PATH": f"{Path(psql()).parent}:/usr/bin:/bin",
        "PGHOST": str(server.hostname),
        "PGPORT": str(server.port),
        "POSTGRES_USER": str(server.username),
        "KEYS": str(keys),
    }
    script = K8S / "overlays" / "single-node" / "databases.sh"
    done = subprocess.run(["/bin/sh", str(script)], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    try:
        yield {
            service: filled_in[f"mailbridge-{service}"]["database-url"].replace(
                "@postgres/", f"@{server.hostname}:{server.port}/"
            )
            for service in SERVICES
        }
    finally:
        for service in SERVICES:
            postgres.drop_database(service)
            statement = f'DROP ROLE IF EXISTS "{service}"'
            subprocess.run([psql(), "-X", "-q", "-d", postgres.url("postgres"), "-c", statement], check=True)


@pytest.fixture
def cluster(
    sandbox: Sandbox,
    databases: Mapping[str, str],
    rabbitmq_url: str,
    filled_in: dict[str, dict[str, str]],
    tmp_path: Path,
) -> Iterator[Cluster]:
    """The overlay single-node with this site's Secrets, and the sandbox for the world."""
    for service, url in databases.items():
        filled_in[f"mailbridge-{service}"]["database-url"] = url
    filled_in["mailbridge-broker"]["broker-url"] = rabbitmq_url
    world = {name: value for name, value in sandbox_settings(sandbox).items() if name.startswith("MAILBRIDGE_")}
    made = Cluster(render("single-node"), filled_in, world, tmp_path)
    try:
        yield made
    finally:
        for one in made.running.values():
            one.kill()
        made.ingress.stop()


@pytest.mark.rabbitmq
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_the_story_plays_through_the_containers_of_the_manifests(cluster: Cluster, sandbox: Sandbox) -> None:
    print(f"manifests {HOW}; rooms {'sealed' if can_seal() else 'open: no right to mount here'}")
    everything = ours(render("single-node"))
    deployments = {one["metadata"]["name"]: one for one in everything if one["kind"] == "Deployment"}
    assert len(deployments) == 7

    first = cluster.start(deployments["connect-web"])
    _wait_alive(cluster)
    assert first.probe("readinessProbe") == 503, "ready without its tables"

    for job in of_kind(tuple(everything), "Job"):
        done = cluster.start(job)
        assert done.process.wait(240) == 0, done.tail()
        del cluster.running[done.name]
    for name in deployments.keys() - {"connect-web"}:
        cluster.start(deployments[name])
    wait_until_ready(cluster.running, 240)
    for one in cluster.running.values():
        assert (one.probe("startupProbe"), one.probe("livenessProbe")) == (200, 200), one.tail()

    cluster.ingress.start()
    lines: list[str] = []
    play(stage(sandbox, cluster.url), lines.append)
    assert len(lines) == len(STEPS) + 1
    asked = {name: _octets(one.container["resources"]["requests"]["memory"]) for name, one in cluster.running.items()}
    used = {name: one.memory() for name, one in cluster.running.items()}
    print({name: f"{size >> 20} MiB of {asked[name] >> 20}" for name, size in used.items()})
    assert {name: size for name, size in used.items() if not 0 < size < asked[name]} == {}
    assert {name: code for name, code in cluster.stop().items() if code != 0} == {}


@pytest.mark.postgres
def test_a_service_cannot_connect_to_another_services_database(databases: Mapping[str, str]) -> None:
    assert _connects(databases["inbound"]) == ""
    strangers = databases["inbound"].rpartition("/")[0] + "/outbound"
    assert "permission denied" in _connects(strangers)


def test_a_sealed_room_can_be_written_at_tmp_only_and_has_no_rights(tmp_path: Path) -> None:
    if not can_seal():
        pytest.skip("rooms are open here: sealing them needs root and the right to mount")
    files = tmp_path / "files"
    (files / "app").mkdir(parents=True)
    room = Room(tmp_path, files)
    script = (
        "id -u; id -g; grep CapBnd /proc/self/status; grep NoNewPrivs /proc/self/status; "
        "for place in / /app /etc /opt/venv /usr /tmp; do touch $place/x 2>/dev/null && echo wrote $place; done; true"
    )
    log = tmp_path / "log"
    assert room.start(["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, log).wait(120) == 0, log.read_text()
    assert log.read_text().split() == [
        "10001", "10001", "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "wrote", "/tmp",
    ]  # fmt: skip


def psql() -> str:
    """The client that belongs to the server."""
    try:
        return program("/usr/lib/postgresql/*/bin/psql", "psql", package="postgresql-client")
    except NotAvailable as error:
        pytest.skip(str(error))


def _connects(url: str) -> str:
    done = subprocess.run([psql(), "-X", "-d", url, "-c", "SELECT 1"], capture_output=True, text=True)
    return done.stderr


def _octets(amount: str) -> int:
    assert amount.endswith("Mi"), amount
    return int(amount.removesuffix("Mi")) << 20


def _wait_alive(cluster: Cluster) -> None:
    end = time.monotonic() + 240
    for one in cluster.running.values():
        while one.probe("livenessProbe") != 200:
            assert one.process.poll() is None and time.monotonic() < end, one.tail()
            time.sleep(0.05)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
