"""The README's table of settings is complete, and holds nothing that no code reads."""

from pathlib import Path

import pytest

from tests.architecture.source import ROOT, read_all, settings_read, settings_table

README = ROOT / "README.md"


@pytest.fixture(scope="module")
def table() -> set[str]:
    names = settings_table(README.read_text(encoding="utf-8")) if Path(README).exists() else set()
    if not names:
        pytest.skip("README.md has no table of MAILBRIDGE_ settings yet")
    return names


def test_every_setting_that_is_read_stands_in_the_readme(table: set[str]) -> None:
    read = {name: source.place for source in read_all() for name in settings_read(source)}
    assert {name: place for name, place in read.items() if name not in table} == {}


def test_every_setting_in_the_readme_is_read(table: set[str]) -> None:
    read = {name for source in read_all() for name in settings_read(source)}
    assert table - read == set()
