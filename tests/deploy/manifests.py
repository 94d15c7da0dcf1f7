"""The manifests as Python values: rendered by `kubectl kustomize` where kubectl is, else read from the plain files.

Read plain, the files of base, components and overlay stand for themselves and the generators' maps are put together here; patches,
replicas, replacements and image names are not applied. `HOW` says which of the two it was.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "deploy" / "k8s"
OVERLAYS = ("single-node", "production")
KUBECTL = shutil.which("kubectl")
HOW = "rendered by kubectl kustomize" if KUBECTL else "read from the plain files, for there is no kubectl"

Object = dict[str, Any]


@lru_cache
def render(overlay: str) -> tuple[Object, ...]:
    """Every object of an overlay."""
    folder = K8S / "overlays" / overlay
    return tuple(_render(folder) if KUBECTL else _read(folder))


def of_kind(objects: tuple[Object, ...], *kinds: str) -> list[Object]:
    """The objects of these kinds."""
    return [one for one in objects if one["kind"] in kinds]


def named(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """The one object of that kind and name; a generated name's hash is not part of it."""
    found = [one for one in of_kind(objects, kind) if _plain(one["metadata"]["name"]) == name]
    assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
    return found[0]


def workloads(objects: tuple[Object, ...]) -> list[Object]:
    """Whatever makes pods."""
    return of_kind(objects, "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def ours(objects: tuple[Object, ...]) -> list[Object]:
    """The workloads that run our images."""
    return [one for one in workloads(objects) if labels_of_pod(one).get("app.kubernetes.io/name") == "mailbridge"]


def labels_of_pod(workload: Object) -> Mapping[str, str]:
    """The labels of the pods a workload makes."""
    labels: Mapping[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def pod(workload: Object) -> Object:
    """The pod's spec of a workload."""
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def containers(workload: Object) -> list[Object]:
    """All containers of a workload's pods."""
    return [*pod(workload).get("initContainers", []), *pod(workload)["containers"]]


def title(one: Object) -> str:
    """Kind/name, for people and for test ids."""
    return f"{one['kind']}/{one['metadata']['name']}"


def secrets_template() -> tuple[Object, ...]:
    """The Secrets that the operator fills in."""
    return tuple(yaml.safe_load_all((K8S / "secrets.template.yaml").read_text(encoding="utf-8")))


def _render(folder: Path) -> list[Object]:
    assert KUBECTL is not None
    done = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def _read(folder: Path) -> Iterator[Object]:
    maps: dict[str, dict[str, str]] = {}
    own = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    for place in (K8S / "base", *(folder / name for name in own.get("components", [])), folder):
        kustomization = yaml.safe_load((place / "kustomization.yaml").read_text(encoding="utf-8"))
        for generator in kustomization.get("configMapGenerator", []):
            into = maps.setdefault(generator["name"], {})
            for name in generator.get("envs", []):
                lines = (place / name).read_text(encoding="utf-8").splitlines()
                into.update(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
            into.update({name: (place / name).read_text(encoding="utf-8") for name in generator.get("files", [])})
        for name in kustomization["resources"]:
            if name.endswith(".yaml"):
                yield from yaml.safe_load_all((place / name).read_text(encoding="utf-8"))
    for name, data in maps.items():
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _plain(name: str) -> str:
    head, _, tail = name.rpartition("-")
    generated = len(tail) == 10 and tail.isalnum() and any(letter.isdigit() for letter in tail)
    return head if head and generated else name
