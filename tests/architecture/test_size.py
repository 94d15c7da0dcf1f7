"""A file that grows past 350 lines holds more than one idea."""

from tests.architecture.source import read_all

MOST = 350


def test_no_file_of_services_is_longer_than_350_lines() -> None:
    sizes = {source.place: source.text.count("\n") for source in read_all()}
    assert {place: size for place, size in sizes.items() if size > MOST} == {}
