"""Money that Dunwell does not see: less is open of what it paid, and promises count it."""

import polars as pl

from dunwell.engine.events import PaidElsewhere
from tests.engine.town import D, Town, promise


def elsewhere(day: int, **less: int) -> PaidElsewhere:
    """Less is open of items: `i1=40_00`."""
    rows = {"item_id": [int(name[1:]) for name in less], "less_minor": list(less.values())}
    return PaidElsewhere(on=D[day], items=pl.DataFrame(rows))


def kept(town: Town) -> dict[int, int]:
    """What counts towards each promise."""
    return dict(town.book.promises.select("promise_id", "paid_minor").sort("promise_id").iter_rows())


def test_less_is_open_and_nothing_is_applied() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00).let(elsewhere(3, i1=40_00, i2=50_00))
    assert town.open(1, 2) == [60_00, 0]
    assert town.book.allocations.is_empty()
    assert town.let(elsewhere(4, i1=99_00)).open(1) == [0]


def test_promises_count_it_once() -> None:
    town = Town().invoice(1, 100_00).invoice(2, 50_00).let(promise(1, 30_00), promise(2, 100_00))
    assert kept(town.let(elsewhere(3, i1=40_00, i2=20_00))) == {1: 30_00, 2: 30_00}


def test_what_comes_too_late_keeps_no_promise() -> None:
    town = Town().invoice(1, 100_00).let(promise(1, 100_00, by=D[5]))
    assert kept(town.let(elsewhere(8, i1=100_00))) == {1: 0}
