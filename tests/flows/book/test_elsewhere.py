"""What an import says is paid is kept by its day, of every account: interest is owed on what was open until then."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from django.db.models import Model

from dunwell.flows.book import elsewhere
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.errors import Invalid
from dunwell.flows.people.promises import promise
from dunwell.records import bulk
from dunwell.records.history import history
from dunwell.records.models import Charge, PaidElsewhere
from tests.flows.book.test_vanished import AMOUNT, CREDITS, FOUR, OPEN, bring
from tests.flows.people.test_events import BERT
from tests.flows.runs.test_charged import AGREED
from tests.flows.test_journal import on
from tests.flows.town import Town, day

BOTH = "account,number,amount,open,due"
TOLD = "amount: {column: amount}\nopen: {column: open}"


def ledger(town: Town) -> list[tuple[str, int, date]]:
    """Which item was paid elsewhere, how much, and on which day."""
    rows = PaidElsewhere.objects.filter(item__entity=town.entity).order_by("on", "item__number")
    return [(row.item.number, row.amount_minor, row.on) for row in rows.select_related("item")]


@pytest.mark.parametrize("promises", [False, True])
def test_what_the_source_says_is_paid_and_no_longer_paid_is_kept_by_its_day(town: Town, promises: bool) -> None:
    bring(town, "MEYER,A-1,100.00", "SMITH,B-1,90.00")
    if promises:
        promise(town.entity, "MEYER", amount="50.00", items=["A-1"], by_on=date(2026, 5, 10), **BERT)
    bring(town, "MEYER,A-1,70.00", "SMITH,B-1,90.00", on="2026-04-10")
    bring(town, "MEYER,A-1,80.00", "SMITH,B-1,40.00", on="2026-04-12")
    bring(town, "MEYER,A-1,80.00", "SMITH,B-1,40.00", on="2026-04-14")
    assert ledger(town) == [
        ("A-1", 3000, day("2026-04-10")), ("A-1", -1000, day("2026-04-12")), ("B-1", 5000, day("2026-04-12")),
    ]  # fmt: skip
    assert town.open("A-1") == 8000


@pytest.mark.parametrize("promises", [False, True])
def test_what_vanished_was_paid_and_what_is_back_was_not(town: Town, promises: bool) -> None:
    bring(town, *FOUR, column=AMOUNT)
    if promises:
        promise(town.entity, "MEYER", amount="50.00", items=["A-2"], by_on=date(2026, 5, 10), **BERT)
    bring(town, FOUR[0], *FOUR[2:], column=AMOUNT, on="2026-04-10")
    bring(town, *FOUR, column=AMOUNT, on="2026-04-12")
    assert ledger(town) == [("A-2", 6000, day("2026-04-10")), ("A-2", -6000, day("2026-04-12"))]


def test_a_payment_that_dunwell_knows_is_not_kept_a_second_time(town: Town) -> None:
    bring(town, "MEYER,A-1,100.00", "SMITH,B-1,90.00")
    pay(town.entity, "MEYER", amount="30.00", items=["A-1"], **BERT)
    bring(town, "MEYER,A-1,70.00", "SMITH,B-1,90.00", on="2026-04-10")
    assert ledger(town) == []


@pytest.fixture
def charged(town: Town) -> Town:
    """A-1 of 10,000.00, told by its source, on which 65.00 were charged that go before it."""
    town.apply(AGREED.replace("policy: german", "policy: standard"))
    town.account("MEYER")
    bring(town, "MEYER,A-1,10000.00", on="2026-04-01")
    town.run("2026-04-10")
    return town


@pytest.mark.parametrize("how", ["keep", "settle", "flag"])
def test_what_a_payment_put_on_charges_first_is_paid_of_the_item_to_its_source(charged: Town, how: str) -> None:
    payment = pay(charged.entity, "MEYER", amount="5000.00", items=["A-1"], **on("2026-04-11"))
    for _twice in range(2):
        report = bring(charged, "MEYER,A-1,10000.00", on="2026-04-12", how=how)  # the source does not know of it yet
        assert (report.items.changed, charged.open("A-1")) == (0, 506500)
    for _twice in range(2):
        report = bring(charged, "MEYER,A-1,5000.00", on="2026-04-13", how=how)
        assert (report.items.changed, report.warnings, charged.open("A-1"), ledger(charged)) == (0, (), 506500, [])
    (total,) = (each for each in report.totals if each.kind == "invoice")
    assert (total.file_minor, total.book_minor, total.book_items) == (500000, 500000, 1)
    bring(charged, "MEYER,A-1,4900.00", on="2026-04-14", how=how)
    assert (charged.open("A-1"), ledger(charged)) == (496500, [("A-1", 10000, day("2026-04-14"))])
    take_back(charged.entity, payment, reason="bounced", **on("2026-04-15"))
    assert charged.open("A-1") == 990000
    bring(charged, "MEYER,A-1,9900.00", on="2026-04-16", how=how)
    assert charged.open("A-1") == 990000
    assert bring(charged, "MEYER,A-1,9900.00", on="2026-04-17", how=how).items.changed == 0


@pytest.mark.parametrize("column", [OPEN, AMOUNT])
def test_what_a_payment_left_of_an_item_for_its_charges_is_no_payment_when_it_is_named_no_longer(
    charged: Town, column: str
) -> None:
    payment = pay(charged.entity, "MEYER", amount="10000.00", items=["A-1"], **on("2026-04-11"))
    for _twice in range(2):
        report = bring(charged, "MEYER,A-2,7.00", column=column, on="2026-04-12")
        assert (report.vanished and report.vanished.items, charged.open("A-1"), ledger(charged)) == (0, 6500, [])
    report = bring(charged, "MEYER,A-2,7.00", column=column, on="2026-04-12", how="flag")
    assert report.vanished is not None
    assert report.vanished.items == 0
    take_back(charged.entity, payment, reason="bounced", **on("2026-04-13"))
    assert charged.open("A-1") == 1000000


def test_of_an_item_that_vanished_what_went_to_its_charges_stays_open(charged: Town) -> None:
    pay(charged.entity, "MEYER", amount="5000.00", items=["A-1"], **on("2026-04-11"))
    bring(charged, "MEYER,A-2,7.00", on="2026-04-12", force=True)
    assert (charged.open("A-1"), ledger(charged)) == (6500, [("A-1", 500000, day("2026-04-12"))])
    bring(charged, "MEYER,A-1,5000.00", "MEYER,A-2,7.00", on="2026-04-13")
    assert charged.open("A-1") == 506500


def test_what_a_payment_for_a_charge_paid_is_not_paid_of_its_item(charged: Town) -> None:
    charge = Charge.objects.get(charge="interest").charge_item
    assert charge is not None
    pay(charged.entity, "MEYER", amount="20.00", items=[charge.number], **on("2026-04-11"))
    bring(charged, "MEYER,A-1,9000.00", on="2026-04-12")
    assert charged.open("A-1") == 900000


def test_an_amount_that_is_corrected_is_no_payment(town: Town) -> None:
    bring(town, "MEYER,A-1,100.00,100.00", header=BOTH, column=TOLD, how="keep")
    bring(town, "MEYER,A-1,90.00,70.00", header=BOTH, column=TOLD, how="keep", on="2026-04-10")
    assert ledger(town) == [("A-1", 2000, day("2026-04-10"))]


def test_credits_bear_no_interest(town: Town) -> None:
    bring(town, "MEYER,C-1,100.00", more=CREDITS, how="keep")
    bring(town, "MEYER,C-1,40.00", more=CREDITS, how="keep", on="2026-04-10")
    assert ledger(town) == []


def test_what_was_settled_on_a_day_was_paid_on_it(town: Town) -> None:
    header = "account,number,amount,settled,due"
    more = "settled: {column: settled}\n"
    bring(town, "MEYER,A-1,100.00,", header=header, column=AMOUNT, how="keep", more=more)
    bring(town, "MEYER,A-1,100.00,2026-04-06", header=header, column=AMOUNT, how="keep", more=more, on="2026-04-10")
    assert ledger(town) == [("A-1", 10000, day("2026-04-06"))]


SETTLED: dict[str, Any] = {"header": "account,number,amount,open,settled,due", "column": TOLD, "how": "keep",
           "more": "settled: {column: settled}\n"}  # fmt: skip


@pytest.mark.parametrize(
    ("again", "by_day"),
    [
        ("100.00,100.00,", [(10000, "2026-02-10"), (-10000, "2026-04-10")]),
        ("120.00,20.00,", [(10000, "2026-02-10")]),  # nothing of what was paid is paid no longer
        ("120.00,0.00,2026-02-10", [(10000, "2026-02-10"), (2000, "2026-02-10")]),
    ],
)
def test_what_came_settled_keeps_its_day_once_more_is_said_of_it(
    town: Town, again: str, by_day: list[tuple[int, str]]
) -> None:
    bring(town, "MEYER,A-1,100.00,0.00,2026-02-10", **SETTLED)
    assert ledger(town) == []
    bring(town, f"MEYER,A-1,{again}", **SETTLED, on="2026-04-10")
    assert sorted(ledger(town)) == sorted(("A-1", minor, day(on)) for minor, on in by_day)


def test_an_item_that_came_settled_and_is_open_again_was_open_before_it_was_settled(town: Town) -> None:
    bring(town, "MEYER,A-1,100.00,0.00,2026-02-10", **SETTLED)
    bring(town, "MEYER,A-1,100.00,100.00,", **SETTLED, on="2026-04-10")
    bring(town, "MEYER,A-1,100.00,100.00,", **SETTLED, on="2026-04-11")
    told = history(town.entity.pk, since=day("2026-02-01"))
    assert [told.open_on(day(on)).height for on in ("2026-02-09", "2026-02-10", "2026-04-09", "2026-04-10")] == [
        1, 0, 0, 1,
    ]  # fmt: skip


def test_all_of_a_file_is_kept_at_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(town, *FOUR)
    sizes: list[int] = []

    def insert(model: type[Model], rows: pl.DataFrame) -> None:
        sizes.append(rows.height)
        bulk.insert(model, rows)

    monkeypatch.setattr(elsewhere, "bulk", SimpleNamespace(insert=insert, save=bulk.save))
    bring(town, *(f"{row.rsplit(',', 1)[0]},50.00" for row in FOUR), on="2026-04-10")
    assert (sizes, len(ledger(town))) == ([4], 4)


def test_from_which_day_interest_is_owed_comes_with_the_item(town: Town) -> None:
    header, more = "account,number,amount,from,due", "interest_from: {column: from}\n"

    def told(*days: str, on: str) -> list[date | None]:
        rows = [f"MEYER,A-{number},100.00,{each}" for number, each in enumerate(days, 1)]
        bring(town, *rows, header=header, column=AMOUNT, how="keep", more=more, on=on)
        return [town.get(f"A-{number}").interest_from_on for number in (1, 2)]

    assert told("2026-05-01", "", on="2026-04-03") == [day("2026-05-01"), None]
    assert told("", "2026-06-01", on="2026-04-10") == [day("2026-05-01"), day("2026-06-01")]
    assert told("2026-04-20", "2026-06-01", on="2026-04-11") == [day("2026-04-20"), day("2026-06-01")]
    with pytest.raises(Invalid, match="'soon' is not written as YYYY-MM-DD"):
        told("soon", "", on="2026-04-12")
