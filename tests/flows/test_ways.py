"""The whole story in each of the three ways of being attached; by webhook and without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.story import STEPS, play
from tests.flows.ways import NAMES, a_place, stage_of
from tests.running import Standalone


@pytest.fixture
def process(sandbox: Sandbox, tmp_path: Path) -> Iterator[Standalone]:
    """Mailbridge in one process, every door open."""
    with a_place(sandbox, tmp_path) as ready:
        yield ready.process


@pytest.mark.parametrize("name", NAMES)
def test_the_story_comes_true(sandbox: Sandbox, process: Standalone, name: str) -> None:
    lines: list[str] = []
    scene = stage_of(name, sandbox, process)
    play(scene, lines.append)
    assert len(lines) == len(STEPS) + 1
    hows = {call["how"] for call in scene.sandbox.calls()}
    assert hows == {"basic" if name == "token" else name}  # nothing was asked in another way


def test_the_story_comes_true_where_jira_cannot_reach_mailbridge(sandbox: Sandbox, process: Standalone) -> None:
    lines: list[str] = []
    play(stage_of("token", sandbox, process, webhook=False), lines.append)
    assert len(lines) == len(STEPS) + 1
    assert sandbox.parts.webhooks.attempts() == []
