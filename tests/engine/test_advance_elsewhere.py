"""Money that Dunwell does not see: less is open of what it paid, and promises count it."""

import polars as pl

from dunwell.engine.events import Delivered, PaidElsewhere, Recounted
from tests.engine.town import D, Town, policy, promise


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


def test_days_of_their_own_count_as_one_event_after_the_other_does() -> None:
    days = {"item_id": [2, 1], "less_minor": [50_00, 100_00], "on": [D[8], D[3]]}
    once = Town().invoice(1, 100_00).invoice(2, 50_00).let(promise(1, 120_00, by=D[5]))
    once.let(PaidElsewhere(on=D[9], items=pl.DataFrame(days)))
    twice = Town().invoice(1, 100_00).invoice(2, 50_00).let(promise(1, 120_00, by=D[5]))
    twice.let(elsewhere(3, i1=100_00)).let(elsewhere(8, i2=50_00))
    assert kept(once) == kept(twice) == {1: 100_00}  # the second came too late for it
    assert sorted(once.book.elsewhere.rows()) == sorted(twice.book.elsewhere.rows())


def test_less_than_nothing_opens_an_item_again() -> None:
    town = Town().invoice(1, 100_00).let(elsewhere(3, i1=100_00)).let(elsewhere(5, i1=-30_00))
    assert town.open(1) == [30_00]
    assert town.book.elsewhere["amount_minor"].to_list() == [100_00, -30_00]


def waiving(less: int) -> Town:
    """A town whose invoice 1, of 100.00, bears the fee 100, of 5.00, which its policy waives; less of it is open."""
    town = Town().invoice(1, 100_00)
    town.post(D[9], 1, policy("charges_when_paid: waive").model_copy(update={"escalate": "jump"}))
    town.let(Delivered(on=D[9], notice_ids=[1]))
    return town.let(elsewhere(12, i1=less))


def fee(town: Town) -> tuple[int, int]:
    """What is open of the fee, and what was waived."""
    item = town.item(100)
    return item["open_minor"], item["waived_minor"]


def test_a_fee_is_waived_when_its_item_is_paid_elsewhere() -> None:
    assert fee(waiving(99_99)) == (5_00, 0)
    assert fee(waiving(100_00)) == (0, 5_00)


def test_a_waived_fee_follows_what_the_source_says_of_its_item() -> None:
    town = waiving(100_00)
    again = pl.DataFrame([{"item_id": 1, "open_minor": 30_00}])
    town.book = town.book.merged({"items": again})
    assert fee(town.let(Recounted(on=D[13], item_ids=[1]))) == (5_00, 0)
    town.book = town.book.merged({"items": again.with_columns(open_minor=pl.lit(0, dtype=pl.Int64))})
    assert fee(town.let(Recounted(on=D[14], item_ids=[1]))) == (0, 5_00)
