"""The bell of a process."""

import threading
import time

from common.bell import Bell


def test_a_ring_between_looking_and_waiting_is_not_missed() -> None:
    bell = Bell()
    heard = bell.rings
    bell.ring()
    begun = time.monotonic()
    assert bell.wait(heard, 10) == 1
    assert time.monotonic() - begun < 5


def test_it_wakes_everyone_who_waits() -> None:
    bell, woken = Bell(), list[int]()
    threads = [threading.Thread(target=lambda: woken.append(bell.wait(0, 20))) for _ in range(5)]
    for thread in threads:
        thread.start()
    bell.ring()
    for thread in threads:
        thread.join(10)
    assert woken == [1] * 5


def test_nobody_waits_longer_than_asked() -> None:
    bell = Bell()
    assert bell.wait(0, 0.01) == 0
