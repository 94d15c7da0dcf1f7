"""A process that opens the bus reaches for the broker at once, and what it says of that has to be a line like any other."""

import ast

from tests.architecture.source import SERVICES


def test_whatever_opens_the_bus_has_said_before_how_its_lines_are_written() -> None:
    found = {}
    for path in sorted(SERVICES.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name == "main":
                calls = {
                    ast.unparse(node.func): node.lineno for node in ast.walk(function) if isinstance(node, ast.Call)
                }
                if "open_bus" in calls:
                    found[str(path.relative_to(SERVICES))] = calls.get("log.configure", 10**6) < calls["open_bus"]
    assert found == dict.fromkeys(
        ("connect/worker.py", "inbound/fetcher.py", "inbound/worker.py", "outbound/worker.py"), True
    )
