"""The third-party notices name what the images and the page carry."""

from scripts.notices import ROOT, TARGET, notices, page_packages, python_packages


def test_the_notices_are_up_to_date() -> None:
    fresh = notices(python_packages(ROOT), page_packages(ROOT))
    assert TARGET.read_text(encoding="utf-8") == fresh, "run python -m scripts.notices"


def test_no_package_has_a_licence_that_we_do_not_take() -> None:
    for name, version, licence in [*python_packages(ROOT), *page_packages(ROOT)]:
        words = licence.upper().replace("LGPL", "")
        assert "GPL" not in words, f"{name} {version}: {licence}"
