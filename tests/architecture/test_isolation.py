"""Each service imports in an environment that holds `common`, itself and its own requirements, as its image does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import NAMES, SERVICES

UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
IMPORT_ALL = """
import importlib, pkgutil, sys
for package in sys.argv[1:]:
    top = importlib.import_module(package)
    for found in pkgutil.walk_packages(top.__path__, package + "."):
        if ".migrations" not in found.name and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""
UNREACHABLE = ("error sending request", "dns error", "failed to fetch", "network", "connection", "timed out", "offline")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", NAMES)
def test_a_service_imports_with_only_its_own_requirements(service: str, tmp_path: Path) -> None:
    requirements = SERVICES / service / "requirements.txt"
    if UV is None:
        pytest.skip("uv is not installed: the environment of the image cannot be built")
    if not requirements.exists():
        pytest.skip(f"services/{service}/requirements.txt is not there yet")
    python = tmp_path / "venv" / "bin" / "python"
    _run([UV, "venv", "--python", sys.executable, str(tmp_path / "venv")])
    install = [UV, "pip", "install", "--python", str(python), "--requirements", str(requirements)]
    if _run([*install, "--offline"]).returncode:
        online = _run(install)
        if online.returncode and any(word in online.stderr.lower() for word in UNREACHABLE):
            pytest.skip("the packages are neither in uv's cache nor to be had from an index")
        assert online.returncode == 0, online.stderr
    image = tmp_path / "image"
    for folder in ("common", service):
        shutil.copytree(SERVICES / folder, image / folder, ignore=shutil.ignore_patterns("__pycache__"))
    imported = subprocess.run(
        [str(python), "-I", "-c", f"import sys; sys.path.insert(0, {str(image)!r})\n{IMPORT_ALL}", "common", service],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert imported.returncode == 0, imported.stderr


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True)
