"""The single node's own servers, lived as far as this machine has them: RabbitMQ with the manifests' configuration files."""

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from common.amqp import AmqpBus
from common.errors import Temporary
from sandbox.servers.private import NotAvailable, answers
from sandbox.servers.rabbitmq import RabbitMQ
from tests.deploy.manifests import containers, named, pod, render, secrets_template
from tests.running import wait_for

MOUNTED_AT = "/etc/rabbitmq/conf.d"  # where the image looks for *.conf


class Configured(RabbitMQ):
    """A RabbitMQ that also reads the files of a folder, as the image does at MOUNTED_AT."""

    def __init__(self, folder: Path, files: Path) -> None:
        super().__init__(folder)
        self._environment["RABBITMQ_CONFIG_FILES"] = str(files)

    def _ready(self) -> bool:
        return answers(self.port)  # there is no user guest to ask as


@pytest.fixture
def password() -> str:
    """What the operator writes where the template says CHANGE-ME."""
    return secrets.token_hex(8)


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory, password: str) -> Iterator[Configured]:
    """RabbitMQ with the projected volume of the StatefulSet."""
    folder = Path(
        tempfile.mkdtemp(prefix="mailbridge-test-")
    )  # pytest's own folders are closed to the server's account
    folder.chmod(0o711)
    files = folder / "conf.d"
    files.mkdir()
    for name, text in projected(password).items():
        (files / name).write_text(text, encoding="utf-8")
    try:
        try:
            server = Configured(folder / "server", files)
        except NotAvailable as error:
            if os.environ.get("MAILBRIDGE_REQUIRE_SERVERS") == "1":
                raise
            pytest.skip(str(error))
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def projected(password: str) -> dict[str, str]:
    """The files of the volume that is mounted at MOUNTED_AT, by name."""
    objects = render("single-node")
    workload = named(objects, "StatefulSet", "rabbitmq")
    (name,) = (one["name"] for one in containers(workload)[0]["volumeMounts"] if one["mountPath"] == MOUNTED_AT)
    (volume,) = (one for one in pod(workload)["volumes"] if one["name"] == name)
    templates = {one["metadata"]["name"]: one["stringData"] for one in secrets_template()}
    found: dict[str, str] = {}
    for source in volume["projected"]["sources"]:
        (kind, reference), *none = source.items()
        assert none == []
        data = templates["rabbitmq"] if kind == "secret" else named(objects, "ConfigMap", "rabbitmq")["data"]
        found |= {item["path"]: data[item["key"]].replace("CHANGE-ME", password) for item in reference["items"]}
    return found


@pytest.mark.rabbitmq
def test_the_broker_of_the_manifests_takes_the_user_of_the_workers_secret(broker: Configured, password: str) -> None:
    (template,) = (one for one in secrets_template() if one["metadata"]["name"] == "mailbridge-broker")
    url = template["stringData"]["broker-url"].replace("CHANGE-ME", password)
    assert urlsplit(url).hostname == named(render("single-node"), "Service", "rabbitmq")["metadata"]["name"]
    bus = AmqpBus(url.replace("@rabbitmq:5672", f"@127.0.0.1:{broker.port}"), "inbound")
    try:
        wait_for(lambda: _well(bus), 120)
    finally:
        bus.close(2)
    status = json.loads(broker.ctl("status", "--formatter", "json"))
    assert status["disk_free_limit"] == 1_000_000_000, "the ConfigMap's file was not read"


def _well(bus: AmqpBus) -> bool:
    try:
        bus.check()
    except Temporary:
        return False
    return True
