"""Write THIRD_PARTY_NOTICES.md: what the service images and the page carry, with versions and licences.

Usage: python -m scripts.notices [--check]   (--check: exit 1 with a sentence when the file is out of date)
Sources: the services' lock files with the installed packages' metadata, and the page's package-lock.json.
"""

import importlib.metadata
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD_PARTY_NOTICES.md"


def main(arguments: list[str]) -> int:
    """Write or check the file; the exit code."""
    if arguments not in ([], ["--check"]):
        print("notices: give nothing or --check.", file=sys.stderr)
        return 2
    text = notices(python_packages(ROOT), page_packages(ROOT))
    if arguments == ["--check"]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            print("THIRD_PARTY_NOTICES.md is out of date: run python -m scripts.notices.", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


def notices(python: list[tuple[str, str, str]], page: list[tuple[str, str, str]]) -> str:
    """The page's text from rows of (name, version, licence)."""
    head = (
        "# Third-party notices\n\nMailbridge is licensed under Apache-2.0. Its service images and its page carry these packages, "
        "unmodified, under their own licences (each package brings its licence text).\n"
    )
    return head + _table("Services (Python)", python) + _table("Page (npm)", page)


def python_packages(root: Path) -> list[tuple[str, str, str]]:
    """Name, version and licence of every package that a service's lock names."""
    pinned = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.M)
    locks = root.glob("services/*/requirements.txt")
    names = dict(row for lock in locks for row in pinned.findall(lock.read_text(encoding="utf-8")))
    return [(name, version, _licence(name)) for name, version in sorted(names.items()) if _installed(name)]


def page_packages(root: Path) -> list[tuple[str, str, str]]:
    """Name, version and licence of the page's packages that are not development tools."""
    lock = root / "frontend" / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"] if lock.exists() else {}
    rows = {
        (path.rsplit("node_modules/", 1)[1], entry["version"], str(entry.get("license", "see package")))
        for path, entry in packages.items()
        if "node_modules/" in path and not entry.get("dev") and not entry.get("optional") and "version" in entry
    }
    return sorted(rows)


def _installed(name: str) -> bool:
    try:
        importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return False  # a package for another platform
    return True


def _licence(name: str) -> str:
    metadata = importlib.metadata.metadata(name)
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [
        line.rsplit(" :: ", 1)[1] for line in metadata.get_all("Classifier", []) if line.startswith("License ::")
    ]
    return ", ".join(classifiers) or (metadata.get("License") or "see package").splitlines()[0]


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [f"| {name} | {version} | {licence} |" for name, version, licence in rows]
    return "\n".join(["", f"## {title}", "", "| package | version | licence |", "|---|---|---|", *lines]) + "\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
