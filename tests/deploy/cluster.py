"""A cluster without Kubernetes: each container's very command with its very environment, as child processes of this machine.

What is read from the manifests: command, environment (ConfigMap, Secret files at their mount paths), ports, probes, which pods a
Service leads to, the Ingress's path table, users and grace periods. What stands in for the rest: every container port becomes a
free port here, a Service's name in a setting becomes the address of the pod it selects, the Ingress is scripts/proxy.py,
RabbitMQ and PostgreSQL are the ones at the URLs in the filled-in Secrets. NetworkPolicies are not enforced here.
"""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.servers.ports import free_port
from scripts.proxy import Proxy
from tests.deploy.image import read_image
from tests.deploy.manifests import Object, labels_of_pod, named, of_kind, ours, pod, title
from tests.deploy.room import Room

GROUP_READS = 0o440
CROWDED = 20.0  # seconds that a machine with other things to do may add to an end in order


@dataclass
class Running:
    """One container of ours: its process, where its ports are, what it prints."""

    name: str
    container: Object
    grace: float
    process: "subprocess.Popen[bytes]"
    ports: Mapping[int, int]
    log: Path

    def probe(self, kind: str) -> int:
        """The HTTP status of the container's probe of that kind, at the path and port of the manifest; 0 without an answer."""
        get = self.container[kind]["httpGet"]
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port(get['port'])}{get['path']}", timeout=30
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def port(self, name: str | int) -> int:
        """Where the container's port of that name or number is on this machine."""
        numbers = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        return self.ports[numbers[name] if isinstance(name, str) else name]

    def tail(self) -> str:
        """Its last words."""
        return f"{self.name}:\n" + "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def memory(self) -> int:
        """Octets that it and its children keep in memory, shared pages counted once for each."""
        found = 0
        for place in Path("/proc").glob("[0-9]*"):
            try:
                session = int((place / "stat").read_text().rpartition(")")[2].split()[3])
                if session == self.process.pid:
                    found += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:
                continue  # it has just ended
        return found

    def terminate(self) -> None:
        """What the kubelet sends first."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Its exit code; killed, as the kubelet does, when its grace period is over and the machine no excuse."""
        try:
            return self.process.wait(self.grace + CROWDED)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.wait()

    def kill(self) -> None:
        """The end, with its children."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Cluster:
    """objects: rendered manifests. secrets: by name, key → text. settings: what this site adds to the ConfigMap."""

    def __init__(
        self,
        objects: tuple[Object, ...],
        secrets: Mapping[str, Mapping[str, str]],
        settings: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._objects = objects
        self._secrets = secrets
        self._folder = folder
        self._ports = {
            title(one): {port["containerPort"]: free_port() for port in pod(one)["containers"][0].get("ports", [])}
            for one in ours(objects)
        }
        self.ingress = Proxy(self._path_table())
        self.url = f"http://127.0.0.1:{self.ingress.port}"
        self._settings = {"MAILBRIDGE_BASE_URL": self.url, **settings}
        self.running: dict[str, Running] = {}

    def start(self, workload: Object) -> Running:
        """Start the one container of the workload."""
        (container,) = pod(workload)["containers"]
        name = workload["metadata"]["name"]
        ports = self._ports[title(workload)]
        image = read_image(container["image"].split(":")[0].rpartition("/")[2])
        folder = self._folder / name
        folder.mkdir()
        files = folder / "files"
        image.lay_out(files)
        user = pod(workload)["securityContext"]
        room = Room(
            folder,
            files,
            self._mounts(workload, container, folder),
            [mount["mountPath"] for mount in container["volumeMounts"] if self._is_empty(workload, mount["name"])],
            user["runAsUser"],
            user["runAsGroup"],
            image.workdir,
        )
        log = folder / "log"
        command = [_at_port(word, ports) for word in container.get("command") or image.command]
        environment = {**image.environment, **self._environment(container, ports)}
        process = room.start(command, environment, log)
        grace = float(pod(workload).get("terminationGracePeriodSeconds", 30))
        self.running[name] = Running(name, container, grace, process, ports, log)
        return self.running[name]

    def stop(self) -> dict[str, int]:
        """SIGTERM to all at once; exit codes by name."""
        for one in self.running.values():
            one.terminate()
        codes = {name: one.wait() for name, one in self.running.items()}
        self.ingress.stop()
        return codes

    def _path_table(self) -> list[tuple[str, int]]:
        rows = [
            (path["pathType"] != "Exact", -len(path["path"]), path["path"], path["backend"]["service"])
            for one in of_kind(self._objects, "Ingress")
            for rule in one["spec"]["rules"]
            for path in rule["http"]["paths"]
        ]
        return [
            (path, self._behind(back["name"], back["port"]["name"])) for _, _, path, back in sorted(rows, key=_first)
        ]

    def _behind(self, service: str, port: str | int) -> int:
        """Where a pod that the Service leads to listens; a Service of nobody leads to a port that nobody has."""
        spec = named(self._objects, "Service", service)["spec"]
        if "selector" not in spec:
            return free_port()
        (target,) = (one["targetPort"] for one in spec["ports"] if port in (one["name"], one["port"]))
        found = [one for one in ours(self._objects) if spec["selector"].items() <= labels_of_pod(one).items()]
        assert len(found) == 1, f"Service {service} leads to {[title(one) for one in found]}"
        numbers = {one["name"]: one["containerPort"] for one in pod(found[0])["containers"][0]["ports"]}
        return self._ports[title(found[0])][numbers[target]]

    def _environment(self, container: Object, ports: Mapping[int, int]) -> dict[str, str]:
        values: dict[str, str] = {}
        for source in container.get("envFrom", []):
            wanted = source["configMapRef"]["name"]
            maps = [one for one in of_kind(self._objects, "ConfigMap") if one["metadata"]["name"] == wanted]
            values |= maps[0]["data"] | self._settings
        values |= {one["name"]: one["value"] for one in container.get("env", [])}
        if "MAILBRIDGE_HEALTH_PORT" in values:
            number = int(values["MAILBRIDGE_HEALTH_PORT"])
            values["MAILBRIDGE_HEALTH_PORT"] = str(ports.get(number, number))
        if "MAILBRIDGE_CONNECT_URL" in values:
            url = urlsplit(values["MAILBRIDGE_CONNECT_URL"])
            assert url.scheme == "http" and url.hostname
            values["MAILBRIDGE_CONNECT_URL"] = f"http://127.0.0.1:{self._behind(url.hostname, url.port or 80)}"
        return values

    def _mounts(self, workload: Object, container: Object, folder: Path) -> dict[str, Path]:
        volumes = {one["name"]: one for one in pod(workload)["volumes"]}
        found: dict[str, Path] = {}
        for mount in container["volumeMounts"]:
            secret = volumes[mount["name"]].get("secret")
            if secret is None:
                continue
            place = folder / mount["name"]
            place.mkdir()
            for item in secret["items"]:
                file = place / item["path"]
                file.write_text(self._secrets[secret["secretName"]][item["key"]], encoding="utf-8")
                if os.geteuid() == 0:
                    os.chown(file, 0, pod(workload)["securityContext"]["fsGroup"])
                file.chmod(secret["defaultMode"])
            found[mount["mountPath"]] = place
        return found

    def _is_empty(self, workload: Object, name: str) -> bool:
        return any(one["name"] == name and "emptyDir" in one for one in pod(workload)["volumes"])


def wait_until_ready(running: Mapping[str, Running], seconds: float) -> None:
    """Until every readiness probe passes; AssertionError with the last words of the first that does not."""
    end = time.monotonic() + seconds
    for one in running.values():
        while one.probe("readinessProbe") != 200:
            assert one.process.poll() is None and time.monotonic() < end, one.tail()
            time.sleep(0.1)


def _at_port(word: str, ports: Mapping[int, int]) -> str:
    """`--bind=0.0.0.0:8080` with the port that stands for 8080 here, and on loopback."""
    found = re.fullmatch(r"--bind=0\.0\.0\.0:(\d+)", word)
    return f"--bind=127.0.0.1:{ports.get(int(found[1]), int(found[1]))}" if found else word


def _first(row: tuple[bool, int, str, Any]) -> tuple[bool, int, str]:
    return row[:3]
