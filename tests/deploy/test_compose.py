"""docker-compose.yml starts the seven processes as the manifests do, each with settings that its own reader accepts."""

import importlib
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.env import Env
from sandbox.servers.ports import free_port
from tests.architecture.source import ROOT, settings_table
from tests.deploy.image import read_image
from tests.deploy.manifests import containers, named, of_kind, render
from tests.deploy.room import Room
from tests.running import wait_for

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DEPLOYMENTS = {one["metadata"]["name"]: one for one in of_kind(render("single-node"), "Deployment")}
OURS = [name for name, one in SERVICES.items() if one["image"].startswith("mailbridge/") and name != "keys"]


def test_every_process_of_the_manifests_is_there_and_all_else_that_the_trial_needs() -> None:
    jobs = {"migrate-connect", "migrate-inbound", "migrate-outbound"}
    assert set(SERVICES) == DEPLOYMENTS.keys() | jobs | {"nginx", "keys", "rabbitmq", "postgres", "sandbox", "story"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_process_is_started_as_in_the_manifests_but_for_its_port(name: str) -> None:
    command = [re.sub(r"^--bind=127\.0\.0\.1:\d+$", "--bind=0.0.0.0:8080", word) for word in SERVICES[name]["command"]]
    assert command == containers(DEPLOYMENTS[name])[0]["command"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_process_is_as_shut_in_as_in_the_manifests(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"] and one["tmpfs"] == ["/tmp"]
    assert one["security_opt"] == ["no-new-privileges:true"] and "user" not in one and "privileged" not in one
    assert int(one["stop_grace_period"].rstrip("s")) >= 30


def test_all_meet_on_one_loopback_and_each_port_there_is_taken_once() -> None:
    ports = ["8080", "18090", "8090", "8143", "8025"]  # nginx and the sandbox
    for name in DEPLOYMENTS:
        assert SERVICES[name]["network_mode"] == "service:nginx"
        binds = [word.rpartition(":")[2] for word in SERVICES[name]["command"] if word.startswith("--bind=")]
        ports += binds or [str(SERVICES[name]["environment"]["MAILBRIDGE_HEALTH_PORT"])]
        assert f":{ports[-1]}/readyz'" in SERVICES[name]["healthcheck"]["test"][-1]
    assert len(ports) == len(set(ports)) == 12


def test_only_the_hosts_own_loopback_leads_in() -> None:
    published = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:8080:8080", "127.0.0.1:8090:18090"]


def test_nginx_sends_the_paths_to_where_the_web_processes_listen() -> None:
    environment = SERVICES["nginx"]["environment"]
    for service in ("connect", "inbound", "outbound"):
        assert f"--bind={environment[f'MAILBRIDGE_{service.upper()}']}" in SERVICES[f"{service}-web"]["command"]
    template = (ROOT / "deploy/nginx/mailbridge.conf.template").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", template)) == {name for name in environment if name.startswith("MAILBRIDGE_")}
    assert (
        SERVICES["connect-web"]["environment"]["MAILBRIDGE_CONNECT_URL"]
        == f"http://{environment['MAILBRIDGE_CONNECT']}"
    )


def test_every_file_that_is_mounted_from_the_repository_is_there() -> None:
    volumes = [volume for one in SERVICES.values() for volume in one.get("volumes", []) if volume.startswith("./")]
    assert len(volumes) == 3
    assert [volume for volume in volumes if not (ROOT / volume.split(":")[0]).is_file()] == []


def test_every_setting_is_one_that_the_readme_knows() -> None:
    known = settings_table((ROOT / "README.md").read_text(encoding="utf-8"))
    for name in OURS:
        given = {key.removesuffix("_FILE") for key in SERVICES[name].get("environment", {})}
        assert given - known == set(), name


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the service `keys` writes, by its very program; a second start changes nothing."""
    folder = tmp_path_factory.mktemp("keys")
    program, flag, text = SERVICES["keys"]["command"]
    assert (program, flag) == ("python", "-c")
    starts = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", text.replace("/etc/mailbridge/keys", str(folder))], check=True)
        starts.append({file.name: file.read_text() for file in folder.iterdir()})
    assert starts[0] == starts[1] and len(starts[0]) == 10
    return folder


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_process_accepts_its_settings(name: str, keys: Path) -> None:
    environment = {
        key: str(value).replace("/etc/mailbridge/keys", str(keys))
        for key, value in SERVICES[name]["environment"].items()
    }
    service = name.partition("-")[0]
    config = importlib.import_module(f"{service}.config").Config.read(
        Env({**read_image(service).environment, **environment})
    )
    assert config.settings.database_url.endswith(f"@postgres/{service}")
    assert config.settings.broker_url == "amqp://mailbridge:sandbox@rabbitmq:5672/"


def test_postgres_makes_the_databases_with_the_script_of_the_manifests_and_the_passwords_of_keys(keys: Path) -> None:
    passwords = {file.name for file in keys.iterdir() if file.name.endswith("-password")}
    assert passwords == {f"{name}-password" for name in ("postgres", "connect", "inbound", "outbound")}
    wanted = named(render("single-node"), "ConfigMap", "postgres")["data"]["databases.sh"]
    script = next(volume for volume in SERVICES["postgres"]["volumes"] if "databases.sh" in volume).split(":")[0]
    assert (ROOT / script).read_text(encoding="utf-8") == wanted


def test_the_sandbox_starts_in_its_container(tmp_path: Path) -> None:
    image = read_image("sandbox")
    assert tuple(SERVICES["sandbox"]["command"]) == image.command
    image.lay_out(tmp_path / "files")
    user, group = map(int, image.user.split(":"))
    room = Room(tmp_path, tmp_path / "files", writable=SERVICES["sandbox"]["tmpfs"], user=user, group=group)
    port, imap, smtp = (str(free_port()) for _ in range(3))
    log = tmp_path / "log"
    command = [*image.command, "--port", port, "--imap-port", imap, "--smtp-port", smtp]
    process = room.start(command, image.environment, log)
    try:
        wait_for(lambda: _answers(f"http://127.0.0.1:{port}/") or process.poll() is not None, 120, log.read_text)
        assert process.poll() is None, log.read_text()
        # What the page inside Jira needs is in the image too.
        assert _answers(f"http://127.0.0.1:{port}/connect/all.js")
    finally:
        process.terminate()
        assert process.wait(90) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_both_describe_the_same_servers() -> None:
    for name in ("rabbitmq", "postgres"):
        assert SERVICES[name]["image"] == containers(named(render("single-node"), "StatefulSet", name))[0]["image"]


def test_up_plays_the_story_once_when_all_seven_are_ready() -> None:
    story = SERVICES["story"]
    assert "profiles" not in story and story["restart"] == "no"
    assert story["command"] == ["python", "-m", "sandbox.story"]  # its defaults are the addresses here
    waits = {name for name, row in story["depends_on"].items() if row == {"condition": "service_healthy"}}
    assert waits == DEPLOYMENTS.keys() | {"sandbox"}


def test_a_process_waits_for_its_tables_and_for_the_stores() -> None:
    for name in DEPLOYMENTS:
        waits = {other: row["condition"] for other, row in SERVICES[name]["depends_on"].items()}
        assert waits == {
            "nginx": "service_started", "keys": "service_completed_successfully", "postgres": "service_healthy",
            "rabbitmq": "service_healthy", f"migrate-{name.partition('-')[0]}": "service_completed_successfully",
        }  # fmt: skip
