"""Thread tokens: found in whatever mail servers make of them, and never accepted when altered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.thread_tokens import ThreadKey, check, find, make, who

OLD = ThreadKey(1, b"a" * 32)
NEW = ThreadKey(2, b"b" * 32)
DELIVERY = "abcdefghijklmnop"
ANNA = "Anna.Bee@Example.org"
TOKEN = make(NEW, "10042", DELIVERY, ANNA)
OTHER = make(NEW, "10043", DELIVERY, "bob@example.org")


def test_a_token_says_issue_delivery_and_recipient() -> None:
    thread = check([NEW, OLD], TOKEN)
    assert thread is not None
    assert (thread.issue_id, thread.delivery, thread.key) == ("10042", DELIVERY, NEW)
    assert thread.was_sent_to("anna.bee@example.ORG ")
    assert not thread.was_sent_to("bob@example.org")


def test_a_token_of_an_older_key_is_still_valid() -> None:
    thread = check([NEW, OLD], make(OLD, "7", DELIVERY, ANNA))
    assert thread is not None
    assert thread.key == OLD
    assert thread.was_sent_to(ANNA)


def test_the_version_stands_first_in_the_mac() -> None:
    assert TOKEN.split(".")[3][0] == "4"
    assert make(ThreadKey(33, b"b" * 32), "7", DELIVERY, ANNA).split(".")[3][0] == "3"


def test_the_mark_of_a_recipient_has_seven_characters_and_depends_on_the_key() -> None:
    assert len(who(NEW, ANNA)) == 7
    assert who(NEW, ANNA) == who(NEW, ANNA.upper()) != who(OLD, ANNA)


@pytest.mark.parametrize("issue", ["0", "1", "10042", "999999999999", str(32**9 - 1)])
def test_a_token_fits_beside_a_mailbox_name(issue: str) -> None:
    token = make(NEW, issue, DELIVERY, ANNA)
    assert len(token) <= 48
    assert len("a-support-desk1+" + token) <= 64
    thread = check([NEW], token)
    assert thread is not None
    assert thread.issue_id == issue


@pytest.mark.parametrize("issue", ["", "SUP-1", "-1", "1.5", "²", str(32**9), "1" * 40])
def test_an_issue_id_of_another_form_is_refused(issue: str) -> None:
    with pytest.raises(ValueError, match="issue"):
        make(NEW, issue, DELIVERY, ANNA)


@pytest.mark.parametrize("delivery", ["", "short", "ABCDEFGHIJKLMNOP", "abcdefghijklmno1"])
def test_a_delivery_id_of_another_form_is_refused(delivery: str) -> None:
    with pytest.raises(ValueError, match="delivery"):
        make(NEW, "1", delivery, ANNA)


PLACES = {
    "a message id": (f"<{TOKEN}@mail.example.com>", [TOKEN]),
    "a sub-address": (f"support+{TOKEN}@example.com", [TOKEN]),
    "a reply address with a name": (f'"Support (Example)" <support+{TOKEN}@example.com>', [TOKEN]),
    "upper case": (f"<{TOKEN.upper()}@MAIL.EXAMPLE.COM>", [TOKEN]),
    "references": (f"<x.y@z>\r\n <{OTHER}@mail.example.com>\r\n\t<{TOKEN}@mail.example.com>", [OTHER, TOKEN]),
    "references without blanks": (f"<{OTHER}@a.example><{TOKEN}@a.example>", [OTHER, TOKEN]),
    "the same token twice": (f"<{TOKEN}@a> support+{TOKEN.title()}@b", [TOKEN]),
    "a bounce address": (f"bounces=support+{TOKEN}=example.com@relay.example", [TOKEN]),
    "an Outlook id": ("<AM0PR01MB123.eurprd01.prod.outlook.com@x>", []),
    "a token with a longer part in front": (f"<z.{TOKEN}@a>", []),
    "a token with more behind": (f"<{TOKEN}9@a>", []),
    "nothing": ("", []),
    "a long run of letters": ("a" * 100_000 + "." + "a" * 100_000, []),
}


@pytest.mark.parametrize("place", PLACES)
def test_tokens_are_found(place: str) -> None:
    text, tokens = PLACES[place]
    assert list(find(text)) == tokens


def test_the_case_of_a_token_does_not_matter() -> None:
    assert check([NEW], TOKEN.upper()) == check([NEW], TOKEN)


@pytest.mark.parametrize(
    "text", ["", "x", "...", "a.b.c.d", TOKEN + "a", TOKEN[1:], TOKEN[:-1], TOKEN + "\n", " " + TOKEN]
)
def test_what_is_not_a_token_is_not_accepted(text: str) -> None:
    assert check([NEW, OLD], text) is None


def test_a_token_of_another_tenant_is_not_accepted() -> None:
    assert check([ThreadKey(2, b"c" * 32)], TOKEN) is None
    assert check([], TOKEN) is None


def test_the_same_key_under_another_version_is_not_the_same_key() -> None:
    assert check([ThreadKey(3, NEW.key)], TOKEN) is None


@given(place=st.integers(0, len(TOKEN) - 1), letter=st.characters())
def test_no_token_with_another_character_is_accepted(place: int, letter: str) -> None:
    altered = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if altered.isascii() and altered.lower() == TOKEN:
        return
    assert check([NEW, OLD], altered) is None


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567.", min_size=39, max_size=48))
def test_no_made_up_token_is_accepted(text: str) -> None:
    assert check([NEW, OLD], text) is None


@given(st.permutations(TOKEN.split(".")[:3] + OTHER.split(".")[:3] + ["a"]), st.sampled_from([TOKEN, OTHER]))
def test_parts_of_two_tokens_do_not_make_a_third(parts: list[str], source: str) -> None:
    mixed = ".".join([*parts[:3], source.rsplit(".", 1)[1]])
    if mixed not in (TOKEN, OTHER):
        assert check([NEW, OLD], mixed) is None


@given(st.text(max_size=300))
def test_looking_for_tokens_never_fails(text: str) -> None:
    assert all(token == token.lower() for token in find(text))


@pytest.mark.parametrize("address", ["", "jörg@exämple.org", "\udcff@x"])
def test_any_address_has_a_mark(address: str) -> None:
    assert len(who(NEW, address)) == 7
