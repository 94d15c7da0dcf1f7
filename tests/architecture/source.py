"""What the architecture tests read: the import statements of `services/` and the rules on the architecture page."""

import ast
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
PAGE = ROOT / "docs" / "architecture.md"
NAMES = ("connect", "inbound", "outbound")
OURS = {*NAMES, "common", "standalone", "sandbox", "tests", "scripts"}


@dataclass(frozen=True)
class Source:
    """One file of `services/`: `place` is its path below that folder."""

    place: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The dotted name it is imported by."""
        return self.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def owner(self) -> str:
        """The first part: common, a service, or standalone."""
        return self.module.partition(".")[0]

    def imports(self) -> set[str]:
        """Every dotted name it imports, at the top or inside functions; of `from a import b` both `a` and `a.b`."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                package = self.module.split(".")[: -node.level] if node.level else []
                base = ".".join([*package, *([node.module] if node.module else [])])
                names.add(base)
                names.update(f"{base}.{alias.name}" for alias in node.names)
        return names

    def libraries(self) -> set[str]:
        """The first parts of what it imports."""
        return {name.partition(".")[0] for name in self.imports()}


def read_all() -> list[Source]:
    """Every Python file below `services/`."""
    paths = sorted(path for path in SERVICES.rglob("*.py") if "node_modules" not in path.parts)
    texts = [(path.relative_to(SERVICES).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    return [Source(place, text, ast.parse(text, place)) for place, text in texts]


def library_places(page: str) -> dict[str, list[str]]:
    """The table "One library, one module": for each import name the patterns of the files that may import it."""
    places: dict[str, list[str]] = {}
    for row in _table(page, "library"):
        libraries = re.sub(r"\(.*?\)", "", row[0]).split(",")
        rooted, _, each = row[1].partition("each service's")
        patterns = re.findall("`([^`]+)`", rooted)
        patterns += [f"{name}/{pattern}" for pattern in re.findall("`([^`]+)`", each) for name in NAMES]
        for library in libraries:
            places[library.strip()] = patterns
    return places


def may_import(place: str, patterns: list[str]) -> bool:
    """True if a file stands where a pattern says; `folder/` takes everything below it."""
    return any(fnmatch(place, pattern + "*" if pattern.endswith("/") else pattern) for pattern in patterns)


def pure_modules(page: str) -> list[str]:
    """The dotted names of the sentence "Pure modules do no I/O": `common/{messages,ids(new_id apart),…}`, `inbound/reading/{parse,…}`."""
    sentence = page[page.index("Pure modules do no I/O") :]
    sentence = sentence[: sentence.index("\n- ")]
    groups = re.findall(r"`([\w/]+)/\{([^}]*)\}`", sentence)
    rooms = [(room.replace("/", "."), re.sub(r"\(.*?\)", "", names).split(",")) for room, names in groups]
    return [f"{room}.{name.strip()}" for room, names in rooms for name in names]


def rooms(page: str) -> dict[str, set[str]]:
    """The table of inbound's rooms: for each the rooms it may import; `top` stands for the modules outside of all rooms."""
    return {
        row[0].strip("`/"): {name.strip(" `") for name in row[2].split(",") if name.strip()}
        for row in _table(page, "room")
    }


def settings_table(readme: str) -> set[str]:
    """The MAILBRIDGE_ names in the first column of the README's tables."""
    return set(re.findall(r"^\|[^|]*`(MAILBRIDGE_[A-Z_]+)`", readme, re.MULTILINE))


def settings_read(source: Source) -> set[str]:
    """The names of settings that stand in the code as whole string constants."""
    constants = {node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)}
    return {value for value in constants if isinstance(value, str) and re.fullmatch("MAILBRIDGE_[A-Z_]+", value)}


def _table(page: str, first_heading: str) -> list[list[str]]:
    lines = page[page.index(f"| {first_heading} |") :].splitlines()
    rows = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
