"""Rounds in a thread: they go on whatever one of them raises, and end when told to."""

import threading

import pytest

from common.errors import Permanent, Temporary
from common.rounds import Every, Rounds, Stopping, never

LONG = 3600.0
PATIENCE = 20.0


class Task:
    """Raises what it is given, one a round, and says when as many rounds are over as were wanted."""

    def __init__(self, rounds: int, *errors: Exception) -> None:
        self.begun = 0
        self.enough = threading.Event()
        self._rounds = rounds
        self._errors = list(errors)

    def __call__(self, stopping: Stopping) -> None:
        self.begun += 1
        if self.begun >= self._rounds:
            self.enough.set()
        if self._errors:
            raise self._errors.pop(0)


@pytest.mark.parametrize("error", [Temporary("no database"), Permanent("not found"), ValueError("a bug")], ids=repr)
def test_the_rounds_survive_what_one_of_them_raises(error: Exception) -> None:
    task = Task(3, error)
    rounds = Rounds("test", task, pause=0.0)
    rounds.start()
    try:
        assert task.enough.wait(PATIENCE)
        assert rounds.alive()
    finally:
        rounds.stop(PATIENCE)
    assert not rounds.alive()


def test_stopping_ends_the_pause() -> None:
    task = Task(1)
    rounds = Rounds("test", task, pause=LONG)
    rounds.start()
    assert task.enough.wait(PATIENCE)
    rounds.stop(PATIENCE)
    assert not rounds.alive() and task.begun == 1


def test_a_long_task_hears_that_it_is_to_stop() -> None:
    begun, seen = threading.Event(), list[bool]()

    def task(stopping: Stopping) -> None:
        seen.append(stopping())
        begun.set()
        while not stopping():
            pause.wait(0.005)
        seen.append(stopping())

    pause = threading.Event()
    rounds = Rounds("test", task, pause=LONG)
    rounds.start()
    assert begun.wait(PATIENCE)
    rounds.stop(PATIENCE)
    assert not rounds.alive() and seen == [False, True]


def test_stopping_waits_no_longer_than_its_grace() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def deaf(_: Stopping) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    rounds = Rounds("test", deaf, pause=LONG)
    rounds.start()
    try:
        assert begun.wait(PATIENCE)
        rounds.stop(0.01)
        assert rounds.alive()
    finally:
        go_on.set()
        rounds.stop(PATIENCE)
    assert not rounds.alive()


def test_rounds_that_never_began_are_stopped_without_ado() -> None:
    rounds = Rounds("test", lambda _: None, pause=LONG)
    assert not rounds.alive()
    rounds.stop(1.0)


def test_a_round_on_its_own_is_never_to_stop() -> None:
    assert never() is False


@pytest.mark.parametrize(
    ("at_once", "wanted"),
    [(True, [True, False, False, True, False, True]), (False, [False, False, False, True, False, True])],
)
def test_some_things_are_due_every_so_many_seconds_only(at_once: bool, wanted: list[bool]) -> None:
    assert answers((0.0, 0.0, 3599.0, 3600.0, 7199.0, 7200.0), at_once) == wanted


def test_what_was_late_is_not_made_up_for() -> None:
    assert answers((0.0, 9000.0, 10800.0, 12600.0), at_once=True) == [True, True, False, True]


def answers(instants: tuple[float, ...], at_once: bool) -> list[bool]:
    """What something hourly says at each of these instants; it was made at 0."""
    now = [0.0]
    hourly = Every(3600.0, at_once=at_once, clock=lambda: now[0])
    said = []
    for now[0] in instants:
        said.append(hourly.due())
    return said
