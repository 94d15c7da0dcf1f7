"""What an account may becomes a list of rights, each with its reason and its remedy; a token's end is told in time."""

import pytest

from connect.site_rights import GLOBAL, PERMISSIONS, PROJECT, Right, ending, rights

ALL = dict.fromkeys(PERMISSIONS, True)
HERE = dict.fromkeys(PROJECT, True)
DAY = 86_400.0


def lacking(held: dict[str, bool], *names: str) -> dict[str, bool]:
    return {name: ok and name not in names for name, ok in held.items()}


def missing(found: list[Right]) -> list[tuple[str, str]]:
    return [(right.right, right.where) for right in found if not right.ok]


def test_an_account_that_may_everything_has_each_right_once() -> None:
    found = rights(ALL, {"OPS": HERE, "TEST": HERE})
    assert [right.right for right in found] == list(PERMISSIONS)
    assert all(right.ok and right.where == "global" and right.remedy == "" and right.why for right in found)


def test_a_right_that_is_nowhere_is_told_once_with_its_remedy() -> None:
    found = rights(lacking(ALL, "ADD_COMMENTS", "USER_PICKER"), {"OPS": lacking(HERE, "ADD_COMMENTS"), "TEST": HERE})
    assert missing(found) == [("ADD_COMMENTS", "global"), ("USER_PICKER", "global")]
    assert all(right.remedy for right in found if not right.ok)


def test_a_right_that_some_projects_lack_is_told_for_each() -> None:
    found = [
        one for one in rights(ALL, {"OPS": lacking(HERE, "EDIT_ISSUES"), "TEST": HERE}) if one.right == "EDIT_ISSUES"
    ]
    assert [(one.where, one.ok) for one in found] == [("project OPS", False), ("project TEST", True)]
    assert "project OPS's" in found[0].remedy


def test_a_right_that_every_project_lacks_is_told_once() -> None:
    bare = lacking(HERE, "MODIFY_REPORTER")
    assert missing(rights(ALL, {"OPS": bare, "TEST": bare})) == [("MODIFY_REPORTER", "global")]


def test_without_any_project_what_holds_anywhere_counts() -> None:
    assert missing(rights(ALL, {})) == []
    assert missing(rights(dict.fromkeys(PERMISSIONS, False), {})) == [(name, "global") for name in PERMISSIONS]


def test_what_jira_did_not_say_is_not_known() -> None:
    assert {right.ok for right in rights({}, {})} == {None}
    assert [right.ok for right in rights({**ALL, **dict.fromkeys(GLOBAL, False)}, {}) if right.right in GLOBAL] == [
        False,
        False,
    ]


def test_a_right_travels_with_what_it_is_for() -> None:
    assert rights({}, {})[0].to_json() == {
        "right": "BROWSE_PROJECTS",
        "for": rights({}, {})[0].why,
        "ok": None,
        "where": "global",
        "remedy": rights({}, {})[0].remedy,
    }


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (None, None),
        (15 * DAY, None),
        (14 * DAY, "in 14 days"),
        (1.2 * DAY, "in 1 day:"),
        (60.0, "in 1 day:"),
        (0.0, "ended on 2027-01-15"),
        (-40 * DAY, "ended on 2026-12-06"),
    ],
)
def test_the_end_of_a_token_is_told_two_weeks_ahead(left: float | None, said: str | None) -> None:
    now = 1_800_000_000.0
    notice = ending(None if left is None else now + left, now)
    assert notice is None if said is None else notice is not None and said in notice
