"""What a stopping worker can give back is what its threads are at, no more and no less."""

import threading

import pytest

from common.in_hand import InHand


def test_what_each_thread_is_at_is_in_hand_until_its_block_ends() -> None:
    hand: InHand[str] = InHand()
    begun, end = threading.Barrier(3), threading.Event()

    def work(name: str) -> None:
        with hand.held(name):
            begun.wait(10)
            end.wait(10)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    begun.wait(10)
    assert sorted(hand.left()) == ["a", "b"]
    end.set()
    for thread in threads:
        thread.join(10)
    assert hand.left() == []


def test_what_broke_is_not_in_hand_any_more() -> None:
    hand: InHand[str] = InHand()
    with pytest.raises(ZeroDivisionError), hand.held("a"):
        _ = 1 / 0
    assert hand.left() == []
