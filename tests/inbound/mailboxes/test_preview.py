"""What connecting a mailbox is said to do, and from which message on it is read."""

from inbound.fetching.first_look import SHOWN, start
from inbound.mailboxes.preview import Meanwhile, choices, counted, told, would
from inbound.sources import Count, Overview, Place

JUNE = 1_717_372_800.0  # 3 June 2024


def test_what_is_there_is_told_with_what_each_choice_does() -> None:
    told = would(Overview(2_031, 12, JUNE), "imap", "delete", None)
    assert told[0] == "2,031 messages, the oldest of 3 June 2024."
    assert "2,031 mails to handle" in told[1] and "12 that nobody has read" in told[-2]
    assert "deleted" in told[-1] and "held or failed stays" in told[-1]
    assert choices("imap") == ["all", "since", "new", "unread"]


def test_pop3_offers_nothing_that_it_does_not_know() -> None:
    assert choices("pop3") == ["all", "since", "new"]
    assert any("does not tell" in sentence for sentence in would(Overview(3, None, None), "pop3", "read", None))


def test_a_day_is_told_with_how_many_it_is_about() -> None:
    assert counted(JUNE, Count(412)) == {
        "count": 412,
        "exact": True,
        "would": "412 messages arrived on 3 June 2024 or later.",
    }
    assert counted(JUNE, Count(1_200, exact=False))["would"].startswith("about 1,200 messages")
    assert counted(JUNE, Count(0))["would"] == "None of them arrived on 3 June 2024 or later."


def test_what_came_since_a_folder_was_last_read_is_never_left_out_by_a_choice() -> None:
    found = Overview(2_031, 12, JUNE)
    said = would(found, "imap", "read", None, Meanwhile(Count(31)))
    assert said[1] == "This folder was read before: 31 messages came since then and are taken, whatever is chosen."
    assert not any("what is there now stays" in sentence for sentence in said)
    assert would(found, "imap", "read", None, Meanwhile(Count(0))) == would(found, "imap", "read", None)
    unknown = told(Meanwhile(None))
    assert (unknown["count"], unknown["exact"]) == (None, False) and unknown["would"] in would(
        found, "graph", "read", None, Meanwhile(None)
    )
    assert "recognised" in told(Meanwhile(Count(7), renumbered=True))["would"]


def test_an_empty_folder_leaves_nothing_to_choose() -> None:
    assert would(Overview(0, 0, None), "imap", "move", "Done") == [
        "The folder is empty: nothing is there to choose about.",
        "A mail goes to the folder Done once it is handled; one that is held or failed stays.",
    ]


def test_what_came_between_opening_and_listing_is_new() -> None:
    place = Place("1", True, 3, True, True, last="7")
    begun = start(place, ("3", "7", "8"), {"3", "8"})
    assert (begun.baseline, begun.backlog, begun.alone) == (7, ("3",), ("7",))


def test_an_unordered_source_leaves_alone_what_nobody_wants() -> None:
    place = Place("", False, 3, True, False)
    begun = start(place, ("x", "9", "a"), {"9"})
    assert (begun.baseline, begun.backlog, begun.alone) == (0, ("9",), ("x", "a"))


def test_only_the_newest_of_those_left_alone_are_shown() -> None:
    begun = start(Place("", False, 0, True, False), tuple(str(n) for n in range(SHOWN + 5)), ())
    assert begun.shown[0] == "5" and len(begun.shown) == SHOWN
