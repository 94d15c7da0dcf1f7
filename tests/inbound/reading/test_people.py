"""The people of a header: plain ones read by ourselves exactly as the library reads them, the rest left to it."""

import mailparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbound.reading.parsed import Address
from inbound.reading.people import clean_name, plain_addresses

WORDS = st.lists(st.text("abcXYZ019'-!&", min_size=1, max_size=6), min_size=1, max_size=3).map(" ".join)
QUOTED = st.text("ab ,;:()[]'.X", max_size=12)
SPECS = st.tuples(
    st.from_regex(r"[a-z0-9+_'-]{1,8}(\.[a-z]{1,4})?", fullmatch=True), st.sampled_from(["x.test", "a-b.example.org"])
)


@st.composite
def mailboxes(draw: st.DrawFn) -> str:
    spec = "@".join(draw(SPECS))
    shape = draw(st.integers(0, 3))
    return [spec, f"<{spec}>", f"{draw(WORDS)} <{spec}>", f'"{draw(QUOTED)}" <{spec}>'][shape]


@given(st.lists(mailboxes(), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_is_plain_is_read_as_the_library_reads_it(written: list[str]) -> None:
    value = ", ".join(written)
    mail = mailparser.parse_from_bytes(f"To: {value}\r\n\r\nx".encode())
    library = tuple(Address(clean_name(name), address) for name, address in mail.to)
    assert plain_addresses(value) == library


@pytest.mark.parametrize(
    "value",
    [
        "",
        "undisclosed-recipients:;",
        "Ada (of Kiel) <ada@x.test>",
        '"a \\" b" <ada@x.test>',
        "=?utf-8?q?Ada?= <ada@x.test>",
        "Ada <ada@x.test>; Bob <bob@x.test>",
        "Jürgen <j@x.test>",
        "Ada <@relay.test:ada@x.test>",
        "ada@x.test bob@x.test",
        "Ada <ada@x.test>,",
        "Ada, <ada@x.test>",
        '"ada@x.test" <eve@y.test>',
    ],
)
def test_what_is_not_plain_is_left_to_the_library(value: str) -> None:
    assert plain_addresses(value) == ()
