"""Which passwords may be set, how they are kept, and how long a guesser waits."""

import pytest

from connect.guessing import keys_of, wait
from connect.passwords import complaints, hashed, is_right

GOOD = "four words make one"


@pytest.mark.parametrize(
    "password", [GOOD, "zwölf Zeichen", "密码密码很长很长的密码啊", "x" * 7 + "abcde", "p@55 w0rd and more"]
)
def test_a_long_password_may_be_set(password: str) -> None:
    assert complaints(password, ()) == []


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 12"),
        ("elevenchars", "11 characters"),
        ("a" * 40, "same few"),
        ("abababababab", "same few"),
        ("x1y2z" * 101, "longer than 500"),
        ("https://mail.example.com", "everybody knows"),
        ("MAIL.example.com", "everybody knows"),
        ("https://mail.example.com/", "everybody knows"),
    ],
)
def test_a_password_that_is_no_good_is_told_why(password: str, why: str) -> None:
    found = complaints(password, ("https://mail.example.com", "mail.example.com"))
    assert any(why in sentence for sentence in found)
    assert all(sentence.endswith(".") for sentence in found)


def test_only_the_password_itself_is_right() -> None:
    kept = hashed(GOOD)
    assert GOOD not in kept and kept.startswith("scrypt:")
    assert is_right(kept, GOOD)
    for wrong in ("", GOOD + " ", GOOD.upper(), kept):
        assert not is_right(kept, wrong)


def test_the_same_password_is_kept_differently_each_time() -> None:
    assert hashed(GOOD) != hashed(GOOD)


def test_letters_count_however_the_keyboard_makes_them() -> None:
    assert is_right(hashed("zw\u00f6lf Zeichen lang"), "zwo\u0308lf Zeichen lang")


def test_where_nobody_has_a_password_no_password_is_right() -> None:
    for password in ("", GOOD, "0" * 128):
        assert not is_right(None, password)


def test_five_guesses_are_free_and_each_further_one_doubles_the_pause() -> None:
    pauses = [wait("address", guesses, 1000.0, 1000.0) for guesses in range(12)]
    assert pauses == [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320]
    assert wait("address", 10_000, 1000.0, 1000.0) == 600
    assert wait("name", 10_000, 1000.0, 1000.0) == 60
    assert wait("name", 10_000, 1000.0, 1060.0) == 0


def test_guesses_are_counted_by_name_and_by_address() -> None:
    assert keys_of("admin", "192.0.2.7") == {"name admin": "name", "address 192.0.2.7": "address"}
    assert keys_of("admin", "2001:db8::1") == keys_of("admin", "2001:db8::2:3")
    assert keys_of("admin", "2001:db8::1") != keys_of("admin", "2001:db8:0:1::1")
    assert set(keys_of("admin", "")) == {"name admin", "address unknown"}
