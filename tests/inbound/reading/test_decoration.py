"""Which pictures are decoration, by what was seen before; and how large a picture is."""

import struct

import pytest

from inbound.reading.decoration import Habits, Picture, Place, Sighting, decorations
from inbound.reading.picture_size import picture_size

ADA, GRACE = "ada@example.org", "grace@example.org"
LOGO = Picture("aa", "signature")


def reasons(picture: Picture, *seen: Sighting, habits: Habits = Habits()) -> list[str]:  # noqa: B008  (frozen)
    return [found.reason for found in decorations([picture], ADA, seen, habits)]


@pytest.mark.parametrize(("mails", "found"), [(0, False), (2, False), (3, True), (9, True)])
def test_a_logo_of_three_earlier_mails_of_its_sender_is_decoration(mails: int, found: bool) -> None:
    assert bool(reasons(LOGO, Sighting("aa", ADA, mails))) == found


def test_the_reason_says_what_was_seen() -> None:
    assert reasons(LOGO, Sighting("aa", "Ada@Example.org", 4)) == [
        "The same picture came outside the text with 4 earlier mails of ada@example.org."
    ]


def test_a_logo_in_the_signatures_of_two_colleagues_is_decoration() -> None:
    seen = (Sighting("aa", GRACE, 1), Sighting("aa", "mary@example.org", 1))
    assert reasons(LOGO, *seen) == ["The same picture came in the signatures of 2 people of example.org."]
    assert reasons(Picture("aa", "unplaced"), *seen) == []
    assert reasons(LOGO, seen[0], Sighting("aa", "mary@example.net", 1)) == []


def test_a_picture_among_the_authors_words_stays_however_often_it_came() -> None:
    assert reasons(Picture("aa", "words"), Sighting("aa", ADA, 50)) == []


@pytest.mark.parametrize(("bits", "found"), [(0b111111, True), (0b1111111, False)])
def test_a_picture_encoded_anew_is_known_by_its_likeness(bits: int, found: bool) -> None:
    picture = Picture("bb", "signature", perceptual=bits)
    assert bool(reasons(picture, Sighting("aa", ADA, 3, perceptual=0))) == found


def test_pictures_of_another_shape_are_not_alike() -> None:
    picture = Picture("bb", "signature", perceptual=5, size=(200, 100))
    assert reasons(picture, Sighting("aa", ADA, 3, perceptual=5, size=(100, 50)))
    assert not reasons(picture, Sighting("aa", ADA, 3, perceptual=5, size=(100, 100)))


def test_what_an_admin_keeps_is_shown() -> None:
    assert reasons(LOGO, Sighting("aa", ADA, 9), Sighting("aa", GRACE, 1, kept=True)) == []


@pytest.mark.parametrize("place", ["words", "signature", "unplaced"])
def test_a_counting_pixel_is_decoration_at_first_sight(place: Place) -> None:
    assert reasons(Picture("cc", place, size=(1, 1))) == [
        "The picture is 1 by 1 pixels: it counts readers and shows nothing."
    ]
    assert reasons(Picture("cc", place, size=(400, 1))) == []


def test_mails_without_a_sender_are_not_all_of_one_sender() -> None:
    assert decorations([LOGO], "", [Sighting("aa", "", 9)], Habits()) == ()


def test_the_habits_are_given() -> None:
    assert reasons(LOGO, Sighting("aa", ADA, 1), habits=Habits(mails_of_one_sender=1))


def test_only_the_pictures_that_are_decoration_are_named() -> None:
    pictures = [Picture("zz", "signature"), LOGO, Picture("aa", "words")]
    assert [found.index for found in decorations(pictures, ADA, [Sighting("aa", ADA, 3)], Habits())] == [1]


PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 120, 40)
GIF = b"GIF89a" + struct.pack("<HH", 120, 40)
JPEG = b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"xx" + b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, 40, 120)


@pytest.mark.parametrize("octets", [PNG, GIF, JPEG])
def test_the_size_stands_in_the_head_of_a_picture(octets: bytes) -> None:
    assert picture_size(octets) == (120, 40)
    assert all(picture_size(octets[:length]) in (None, (120, 40)) for length in range(len(octets)))


@pytest.mark.parametrize(
    "octets",
    [b"", b"text", b"\xff\xd8", b"\xff\xd8" + b"\xff\x01" * 100_000, b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xe0\x00"],
)
def test_what_is_no_picture_has_no_size(octets: bytes) -> None:
    assert picture_size(octets) is None
