"""Large pieces of work wait for each other; small ones pass, and none waits for ever."""

import threading

from common.budget import Budget


def begun(budget: Budget, octets: int, end: threading.Event) -> threading.Event:
    """Set once a thread of its own has so many octets in hand, which it keeps until `end`."""
    at_work = threading.Event()

    def work() -> None:
        with budget.taken(octets):
            at_work.set()
            end.wait(60)

    threading.Thread(target=work, daemon=True).start()
    return at_work


def test_what_does_not_fit_waits_and_what_fits_passes() -> None:
    budget, first, rest = Budget(100), threading.Event(), threading.Event()
    assert begun(budget, 50, first).wait(30)
    assert begun(budget, 40, rest).wait(30)
    large = begun(budget, 30, rest)
    assert begun(budget, 10, rest).wait(30)
    assert not large.wait(0.05)
    first.set()
    assert large.wait(30)
    rest.set()


def test_what_is_larger_than_all_there_is_counts_half() -> None:
    budget, end = Budget(100), threading.Event()
    assert begun(budget, 10**9, end).wait(30)
    assert begun(budget, 49, end).wait(30)
    third = begun(budget, 10**9, end)
    assert not third.wait(0.05)
    end.set()
    assert third.wait(30)


def test_what_breaks_gives_its_octets_back() -> None:
    budget = Budget(100)
    for _ in range(3):
        try:
            with budget.taken(50):
                raise ValueError
        except ValueError:
            pass
    end = threading.Event()
    assert begun(budget, 50, end).wait(30) and begun(budget, 50, end).wait(30)
    end.set()
