"""What a mail and a comment cost in calls to Jira in each way of being attached; docs/operations.md tells the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import story
from sandbox.app import Sandbox
from sandbox.story import Stage
from tests.flows.ways import NAMES, Place, a_place
from tests.running import wait_for

ZOE = "zoe@customer.example"
BOB = "bob@acme.example"


def costs(place: Place, scene: Stage, act: Callable[[], object], done: Callable[[], object]) -> list[str]:
    """The calls that Jira got from `act` until all that follows from it was over."""
    place.settle()
    before = len(scene.sandbox.calls())
    act()
    wait_for(done, 120, place.process.tail)
    place.settle()
    calls = scene.sandbox.calls()[before:]
    return [f"{call['method']} {_form(call['path'])}" for call in calls if not _polled(call)]


def _polled(call: dict[str, object]) -> bool:
    return "updated >=" in str(call["body"])


def _form(path: str) -> str:
    return "/".join(
        "{}" if part.isdigit() or "-" in part else part for part in path.removeprefix("/rest/api/3").split("/")
    )


NEW_ISSUE = ["GET /user/search", "POST /issue"]
TOLD = ["GET /issue/{}", "GET /issue/{}/watchers"]  # of an issue that somebody made or changed
COMMENT_TOLD = [*TOLD, "POST /comment/list"]
RIGHTS = ["POST /permissions/check"]  # of a reader with an account, once in five minutes for each issue
REPLY = {
    "connect": ["GET /issue/{}", "POST /issue/{}/comment"],
    "forge": ["GET /issue/{}", "GET /user/search", "POST /issue/{}/comment"],  # whose name it could be written in
    "token": ["GET /issue/{}", "POST /issue/{}/comment"],
}
# By API token the account itself, a person, is the reporter where no other is found: may it see its issue?
OWN_REPORTER: dict[str, list[str]] = {"connect": [], "forge": [], "token": RIGHTS}


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_and_a_comment_cost_what_the_operators_are_told(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    with a_place(sandbox, tmp_path) as place:
        scene = place.attached(name)
        for step in (story.mail_becomes_an_issue, story.comment_becomes_mail, story.reply_becomes_a_comment):
            step(scene)  # what is asked once for each site, or once in five minutes, is known after that
        hub, subject = scene.sandbox, "A plain mail"

        def mail() -> None:
            hub.mail(from_=f"Zoe <{ZOE}>", to=story.MAILBOX, subject=subject, text="Please help.\n")

        def issue() -> str:
            return next((one["key"] for one in hub.issues() if one["fields"]["summary"] == subject), "")

        def letter(reader: str, text: str) -> list[dict[str, object]]:
            return [one for one in hub.inbox(reader) if text in one["text"]]

        def commented(text: str) -> bool:
            return any(text in comment["text"] for comment in hub.issue(key)["comments"])

        made = costs(place, scene, mail, issue)
        assert made == [*NEW_ISSUE, *TOLD, *OWN_REPORTER[name]]
        key = issue()
        agent = scene.agent

        told = costs(place, scene, lambda: hub.comment(key, agent, "First."), lambda: letter(ZOE, "First."))
        assert told == COMMENT_TOLD

        answer = story.reply(letter(ZOE, "First.")[0], ZOE, "Second.\n")
        replied = costs(place, scene, lambda: hub.mail(**answer), lambda: commented("Second."))
        assert replied == [*REPLY[name], *COMMENT_TOLD]

        hub.watch(key, hub.users()["Bob Builder"]["accountId"])
        for text, more in (
            ("Third.", ["POST /permissions/check"]),
            ("Fourth.", []),
        ):  # rights are known for five minutes
            both = costs(
                place,
                scene,
                lambda text=text: hub.comment(key, agent, text),  # type: ignore[misc]
                lambda text=text: letter(ZOE, text) and letter(BOB, text),  # type: ignore[misc]
            )
            assert both == [*COMMENT_TOLD, *more]
