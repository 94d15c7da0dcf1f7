"""Who may import what: services, libraries and pure modules, held against docs/architecture.md."""

import ast

import pytest

from tests.architecture.source import (
    NAMES,
    OURS,
    PAGE,
    Source,
    library_places,
    may_import,
    pure_modules,
    read_all,
    rooms,
)

SOURCES = read_all()
BY_MODULE = {source.module: source for source in SOURCES}
TEXT = PAGE.read_text(encoding="utf-8")
LIBRARIES = library_places(TEXT)
PURE = pure_modules(TEXT)
ROOMS = rooms(TEXT)

# What reaches outside the process, keeps something, or asks for the time or for chance.
IMPURE = {
    "asyncio", "cheroot", "concurrent", "ctypes", "fcntl", "flask", "flask_smorest", "ftplib", "glob", "http",
    "imapclient", "imaplib", "io", "mmap", "multiprocessing", "os", "pathlib", "pika", "poplib",
    "prometheus_client", "psycopg", "random", "requests", "sched", "secrets", "select", "selectors", "shelve",
    "shutil", "signal", "smtplib", "socket", "socketserver", "sqlalchemy", "sqlite3", "ssl", "structlog", "subprocess",
    "sys", "tempfile", "threading", "time", "urllib3", "uuid", "werkzeug",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "localtime", "gmtime"}


def test_the_page_names_libraries_and_pure_modules() -> None:
    assert len(LIBRARIES) >= 14
    assert may_import("common/http.py", LIBRARIES["requests"])
    assert may_import("inbound/migrations/env.py", LIBRARIES["alembic"])
    assert may_import("inbound/api_mails.py", LIBRARIES["marshmallow"])
    assert not may_import("inbound/handling/deliver.py", LIBRARIES["requests"])
    assert {"common.ids", "inbound.reading.parse", "outbound.audience"} <= set(PURE)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_imported_only_where_the_page_says(library: str) -> None:
    places = [source.place for source in SOURCES if library in source.libraries()]
    assert [place for place in places if not may_import(place, LIBRARIES[library])] == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_page_names_no_library_that_nobody_uses(library: str) -> None:
    # SQLAlchemy loads psycopg by the name in a URL: a mention in a place that may import it counts.
    mentions = [source.place for source in SOURCES if library in source.text]
    used = [place for place in mentions if may_import(place, LIBRARIES[library])]
    assert used, f"take {library} off docs/architecture.md"


@pytest.mark.parametrize("owner", ["common", *NAMES])
def test_a_service_imports_only_common_and_itself(owner: str) -> None:
    strangers = OURS - {"common", owner}
    found = {source.place: source.libraries() & strangers for source in SOURCES if source.owner == owner}
    assert {place: names for place, names in found.items() if names} == {}


def test_nothing_in_services_imports_the_sandbox_or_the_tests() -> None:
    forbidden = {"sandbox", "tests", "scripts"}
    assert [source.place for source in SOURCES if source.libraries() & forbidden] == []


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_reaches_nothing_outside(module: str) -> None:
    assert module in BY_MODULE, f"docs/architecture.md names the pure module {module}, which does not exist"
    allowed = {"time", "secrets"} if module == "common.ids" else set()
    for reached, way in _reached(module).items():
        found = BY_MODULE[reached].libraries() & IMPURE
        found -= allowed if reached == module else {"time", "secrets"} if reached == "common.ids" else set()
        assert not found, f"{' → '.join(way)} imports {sorted(found)}"


@pytest.mark.parametrize("module", [name for name in PURE if name != "common.ids"])
def test_a_pure_module_takes_no_new_id_opens_no_file_and_asks_no_clock(module: str) -> None:
    source = BY_MODULE[module]
    assert "common.ids.new_id" not in source.imports()
    calls = [node.func for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    assert not [call.id for call in calls if isinstance(call, ast.Name) and call.id in ("open", "input", "print")]
    asked = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]
    assert not [ast.unparse(call) for call in asked if ast.unparse(call.value) in ("datetime", "date", "time")]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_inbound_leans_only_on_what_the_page_says(room: str) -> None:
    found = {
        source.place: _rooms_of(source.imports()) for source in SOURCES if source.place.startswith(f"inbound/{room}/")
    }
    assert found, f"docs/architecture.md names the room {room}, which does not exist"
    assert {place: names - {room} - ROOMS[room] for place, names in found.items() if names - {room} - ROOMS[room]} == {}


def test_every_room_of_inbound_stands_on_the_page() -> None:
    places = [source.place.split("/") for source in SOURCES if source.place.startswith("inbound/")]
    assert {parts[1] for parts in places if len(parts) > 2} - {"migrations"} == set(ROOMS)


def test_only_the_command_lines_print() -> None:
    """Standard output belongs to `explain`, `migrate` and the refusals at the start; the rest goes through the log."""
    command_lines = {
        "common/env.py", "common/migrations.py", "connect/forge_manifest.py", "connect/setup_link.py",
        "connect/webhook_values.py", "inbound/explain.py", "standalone.py",
    }  # fmt: skip
    assert {source.place for source in SOURCES if _prints(source)} - command_lines == set()


def _rooms_of(imports: set[str]) -> set[str]:
    modules = {name.split(".")[1] for name in imports if name.startswith("inbound.")}
    return {name if name in ROOMS else "top" for name in modules}


def _reached(module: str) -> dict[str, list[str]]:
    """The modules of ours that importing `module` imports too, each with the way that leads there."""
    ways = {module: [module]}
    waiting = [module]
    while waiting:
        here = waiting.pop()
        for name in BY_MODULE[here].imports():
            if name in BY_MODULE and name not in ways:
                ways[name] = [*ways[here], name]
                waiting.append(name)
    return ways


def _prints(source: Source) -> bool:
    calls = [node.func for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    return any(isinstance(call, ast.Name) and call.id == "print" for call in calls)
