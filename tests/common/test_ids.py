"""Identifiers are short, ordered by time and unique."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import decode, encode, new_id


def test_an_id_has_16_lower_case_letters_and_digits() -> None:
    assert all(len(one) == 16 and one.isalnum() and one == one.lower() for one in (new_id() for _ in range(100)))


def test_ids_made_at_once_differ() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


@given(st.integers(0, 2**80 - 1))
def test_what_was_encoded_is_decoded(number: int) -> None:
    assert decode(encode(number)) == number
    assert decode(encode(number, 16)) == number


@given(st.integers(0, 2**80 - 1), st.integers(0, 2**80 - 1))
def test_the_order_of_numbers_is_the_order_of_their_ids(one: int, other: int) -> None:
    assert (encode(one, 16) < encode(other, 16)) == (one < other)


def test_other_characters_are_refused() -> None:
    with pytest.raises(ValueError):
        decode("a-b")
