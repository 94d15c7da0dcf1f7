"""Where the optional folder of machine-readable contracts is: `../shared/contracts`, beside the repository."""

import json
from pathlib import Path
from typing import Any

import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "shared" / "contracts"


def contract(name: str) -> Any:
    """The JSON file of that name; skips the test when the folder is not there."""
    return json.loads(contract_path(name).read_text(encoding="utf-8"))


def contract_path(name: str) -> Path:
    """The path of a file in the folder; skips the test when it is not there."""
    path = CONTRACTS / name
    if not path.exists():
        pytest.skip(f"../shared/contracts/{name} is not here")
    return path
