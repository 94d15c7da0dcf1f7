"""Claims of a worker: what its threads are at, renewed while it lives, let go in time when it cannot renew."""

import threading
from collections.abc import Sequence

import pytest

from common.claims import CLAIM, LETTING_GO, Claims
from common.errors import Temporary

MOST = 600.0


class Table:
    """A database that renews what is not lost, unless it is away."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.away = False
        self.lost: set[str] = set()
        self.renewed: list[str] = []
        self.claims: Claims[str] = Claims(self.renew, lambda: self.time)

    def renew(self, items: Sequence[str]) -> list[str]:
        if self.away:
            raise Temporary("The database is away.")
        self.renewed += items
        return [item for item in items if item not in self.lost]


@pytest.fixture
def table() -> Table:
    return Table()


def test_what_each_thread_is_at_is_in_hand_until_its_block_ends(table: Table) -> None:
    begun, end = threading.Barrier(3), threading.Event()

    def work(name: str) -> None:
        with table.claims.held(name, table.time, MOST):
            begun.wait(30)
            end.wait(30)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    begun.wait(30)
    assert sorted(table.claims.left()) == ["a", "b"]
    table.claims.renew()
    assert sorted(table.renewed) == ["a", "b"]
    end.set()
    for thread in threads:
        thread.join(30)
    assert table.claims.left() == []


def test_what_broke_is_not_in_hand_any_more(table: Table) -> None:
    with pytest.raises(ZeroDivisionError), table.claims.held("a", table.time, MOST):
        _ = 1 / 0
    assert table.claims.left() == []


def test_a_claim_counts_from_before_its_transaction_and_lasts_for_as_long_as_it_is_renewed(table: Table) -> None:
    with table.claims.held("a", table.time - 10, MOST) as claim:
        table.time += CLAIM - LETTING_GO - 11
        assert claim.sure()
        table.time += 2
        assert not claim.sure()
        table.claims.renew()
        assert claim.sure()


def test_what_takes_longer_than_it_ever_may_is_not_renewed(table: Table) -> None:
    with table.claims.held("a", table.time, MOST) as claim:
        table.time += MOST + 1
        table.claims.renew()
        assert table.renewed == [] and not claim.sure()
        claim.renewed(table.time)  # it said a word meanwhile: its time begins anew
        table.claims.renew()
        assert table.renewed == ["a"]


@pytest.mark.parametrize("trouble", ["away", "lost"])
def test_who_cannot_renew_lets_go_before_the_claim_passes_and_once(table: Table, trouble: str) -> None:
    let_go: list[float] = []
    with (
        table.claims.held("a", table.time, MOST) as claim,
        claim.or_else(lambda: let_go.append(claim.until - table.time)),
    ):
        if trouble == "away":
            table.away = True
            with pytest.raises(Temporary):
                table.claims.renew()
        else:
            table.lost = {"a"}
            table.claims.renew()
        for _ in range(int(CLAIM)):
            table.time += 1
            table.claims.watch()
    assert len(let_go) == 1 and 10 < let_go[0] <= LETTING_GO


def test_what_ended_well_is_not_let_go(table: Table) -> None:
    let_go: list[str] = []
    with table.claims.held("a", table.time, MOST) as claim:
        with claim.or_else(lambda: let_go.append("a")):
            pass
        table.time += MOST
        table.claims.watch()
    assert let_go == []
