"""What a Dockerfile's last stage makes: the environment it sets, who runs in it, and which files of ours it holds.

Enough of the language for our Dockerfiles; anything else in a last stage is an error here.
"""

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.manifests import ROOT

#: What .dockerignore keeps out of the folders that we copy.
_KEPT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "Dockerfile", "requirements.in", "vendor")


@dataclass(frozen=True)
class Image:
    """copies: (from within the repository, to in the image), with what other stages made under its place in them."""

    name: str
    environment: Mapping[str, str]
    user: str
    workdir: str
    command: tuple[str, ...]
    copies: tuple[tuple[str, str], ...]
    from_stages: tuple[tuple[str, str, str], ...]

    def lay_out(self, folder: Path) -> None:
        """Put the files of ours into `folder`, as they would stand below the image's root."""
        for source, target in self.copies:
            shutil.copytree(ROOT / source, folder / target.lstrip("/"), ignore=_KEPT_OUT)
        for _stage, source, target in self.from_stages:
            if source.startswith("/src/"):  # built from the repository: the page
                place = ROOT / source.removeprefix("/src/")
                assert place.is_dir(), f"{place} is not built: make setup"
                shutil.copytree(place, folder / target.lstrip("/"))


def dockerfile(service: str) -> Path:
    """Where the Dockerfile of a service (or of the sandbox) is."""
    return ROOT / ("sandbox" if service == "sandbox" else f"services/{service}") / "Dockerfile"


def instructions(path: Path) -> list[tuple[str, str]]:
    """(instruction, arguments) from top to bottom, comments gone and continued lines joined."""
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split(None, 1)[0].upper(), line.split(None, 1)[1].strip()) for line in lines]


def read_image(service: str) -> Image:
    """The last stage of the service's Dockerfile."""
    lines = instructions(dockerfile(service))
    last = max(at for at, (word, _) in enumerate(lines) if word == "FROM")
    environment: dict[str, str] = {}
    copies, from_stages = [], []
    user = workdir = ""
    command: tuple[str, ...] = ()
    for word, rest in lines[last + 1 :]:
        if word == "ENV":
            environment |= dict(part.split("=", 1) for part in shlex.split(rest))
        elif word == "COPY" and rest.startswith("--from="):
            stage, source, target = rest.split()
            from_stages.append((stage.removeprefix("--from="), source, target))
        elif word == "COPY":
            source, target = rest.split()
            copies.append((source, target))
        elif word == "USER":
            user = rest
        elif word == "WORKDIR":
            workdir = rest
        elif word == "CMD":
            command = tuple(json.loads(rest))
        else:
            assert word == "EXPOSE", f"{word} in the last stage of {service}'s Dockerfile"
    return Image(service, environment, user, workdir, command, tuple(copies), tuple(from_stages))
