"""Which pictures of a mail are decoration: logos of signatures that come with every mail, and counting pixels. Pure.

The pure half of a learned suppression: what was seen before comes as values, the answer says why. Storing what was seen,
and taking an answer back, belong to delivery. Losing a picture that somebody means is worse than keeping a logo:

- a picture among the author's words is never decoration, however often it came (people send one screenshot again and again,
  and quoted mails repeat their pictures);
- only earlier mails count as seen, so that nothing is suppressed before it was shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Place = Literal["signature", "words", "unplaced"]
PIXEL = 3  # nobody sees a picture that is not larger than this either way
_ASPECT = 0.1  # by how much two sizes of one logo may differ in shape


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the mail at hand.

    perceptual: 64 bits that change little when a program encodes the picture anew, or None if it was not computed.
    size: (width, height) in pixels, or None if unknown. place: "unplaced" if no text shows it.
    """

    sha256: str
    place: Place
    perceptual: int | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A picture in earlier mails of one sender: in how many, outside the author's words. `kept`: an admin wants it shown."""

    sha256: str
    sender: str
    mails: int
    perceptual: int | None = None
    size: tuple[int, int] | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """From when on a picture is decoration. `likeness`: bits of 64 by which two encodings of one picture may differ."""

    mails_of_one_sender: int = 3
    senders_of_one_domain: int = 2
    likeness: int = 6


@dataclass(frozen=True, slots=True)
class Decoration:
    """`index` into the pictures given; `reason` is a sentence that an admin understands."""

    index: int
    reason: str


def decorations(
    pictures: Sequence[Picture], sender: str, sightings: Iterable[Sighting], habits: Habits
) -> tuple[Decoration, ...]:
    """The pictures of `sender`'s mail that are decoration, in their order."""
    seen = tuple(sightings)
    found = []
    for index, picture in enumerate(pictures):
        if (reason := _reason(picture, sender.lower(), seen, habits)) is not None:
            found.append(Decoration(index, reason))
    return tuple(found)


def _reason(picture: Picture, sender: str, seen: tuple[Sighting, ...], habits: Habits) -> str | None:
    alike = [sighting for sighting in seen if _same(picture, sighting, habits)]
    if any(sighting.kept for sighting in alike):
        return None
    if picture.size is not None and max(picture.size) <= PIXEL:
        return f"The picture is {picture.size[0]} by {picture.size[1]} pixels: it counts readers and shows nothing."
    if picture.place == "words":
        return None
    own = sum(sighting.mails for sighting in alike if sender and sighting.sender.lower() == sender)
    if own >= habits.mails_of_one_sender:
        return f"The same picture came outside the text with {own} earlier mails of {sender}."
    domain = sender.rpartition("@")[2]
    colleagues = {one.sender.lower() for one in alike if domain and one.sender.lower().rpartition("@")[2] == domain}
    # Strangers share a public provider's domain, but not a signature.
    if picture.place == "signature" and len(colleagues) >= habits.senders_of_one_domain:
        return f"The same picture came in the signatures of {len(colleagues)} people of {domain}."
    return None


def _same(picture: Picture, sighting: Sighting, habits: Habits) -> bool:
    if picture.sha256 == sighting.sha256:
        return True
    if picture.perceptual is None or sighting.perceptual is None or not _same_shape(picture.size, sighting.size):
        return False
    return (picture.perceptual ^ sighting.perceptual).bit_count() <= habits.likeness


def _same_shape(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    """Do the sizes have one shape? Programs scale a logo, they do not stretch it."""
    if one is None or other is None:
        return True
    across, down = one[0] * other[1], one[1] * other[0]
    return abs(across - down) <= _ASPECT * max(across, down)
