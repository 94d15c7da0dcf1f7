"""The whole story, over both buses: what `make run` plays is a test."""

from sandbox.app import Sandbox
from sandbox.story import STEPS, play
from tests.flows.conftest import stage


def test_the_story_comes_true(sandbox: Sandbox, mailbridge_url: str) -> None:
    lines: list[str] = []
    play(stage(sandbox, mailbridge_url), lines.append)  # raises StoryFailed naming the step that did not come true
    assert len(lines) == len(STEPS) + 1
