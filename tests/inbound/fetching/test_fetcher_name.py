"""A fetcher's name says whether it can still be running."""

import os
import subprocess
import sys

from common.ids import new_id
from inbound.fetching.fetcher_name import is_gone, name, new_name, started

MINE = name("pod-1", 1, 5000, new_id())


def test_a_name_is_an_id_and_never_the_same() -> None:
    assert len(new_name()) == 16 and new_name() != new_name()
    assert len(name("here", 4_194_304, 2**40, new_id())) == 16


def test_who_is_started_again_in_the_same_place_knows_that_its_predecessor_is_gone() -> None:
    assert is_gone(name("pod-1", 1, 4000, new_id()), MINE, {1: 5000}.get)
    assert not is_gone(MINE, MINE, {1: 5000}.get)
    assert not is_gone(name("pod-1", 1, 5000, new_id()), MINE, {1: 5000}.get), "another fetcher of this process"


def test_of_another_place_nothing_is_known() -> None:
    assert not is_gone(name("pod-2", 1, 4000, new_id()), MINE, {1: 5000}.get)


def test_a_neighbour_is_gone_when_its_process_is() -> None:
    neighbour = name("pod-1", 4_194_303, 6000, new_id())
    assert is_gone(neighbour, MINE, {1: 5000}.get)
    assert is_gone(neighbour, MINE, {1: 5000, 4_194_303: 7000}.get), "its id went to another process"
    assert not is_gone(neighbour, MINE, {1: 5000, 4_194_303: 6000}.get)


def test_processes_of_this_machine_find_each_other() -> None:
    code = "from inbound.fetching.fetcher_name import new_name; print(new_name(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": "services"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        other = process.stdout.readline().strip()
        assert started(process.pid) and not is_gone(other, new_name(), started)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is dead, whether or not its parent has looked
        assert is_gone(other, new_name(), started)
