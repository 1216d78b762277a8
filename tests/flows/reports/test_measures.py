"""Measures of a real book: payments, credit notes, notices and promises on record."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dunwell.flows.book.sample import load_sample
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.errors import Invalid
from dunwell.flows.people.contacts import note_contact
from dunwell.flows.people.disputes import dispute
from dunwell.flows.people.promises import promise
from dunwell.flows.reports.ageing import ageing_of, ageing_report
from dunwell.flows.reports.known import known_from
from dunwell.flows.reports.measures import MEASURES, measure
from dunwell.flows.reports.overview import overview
from dunwell.flows.reports.period import days_asked, days_before
from dunwell.flows.reports.report import Report
from dunwell.insight.trade import Days
from dunwell.records import audit
from dunwell.records.models import Entity, Item
from tests.flows.town import Town, day, noon

NOW = noon("2026-04-10")
MARCH = Days(day("2026-03-01"), day("2026-03-31"))


def of(town: Town, name: str, days: Days | None = MARCH, **more: Any) -> Report:
    return measure(name, [town.entity], days, at=NOW, **more)


def only(report: Report) -> dict[str, Any]:
    (row,) = report.rows
    return row


def sold(town: Town, number: str, amount: str, issued: str, due: str | None, **more: Any) -> Item:
    return town.item(number, "MEYER", amount, due, issued_on=day(issued), **more)


def paid(town: Town, number: str, amount: str, on: str) -> int:
    return pay(town.entity, "MEYER", amount=amount, currency="EUR", items=[number], on=day(on), by="anna", at=noon(on))


def test_dso_and_cei_of_a_month(town: Town) -> None:
    sold(town, "A-0", "1.00 EUR", "2025-12-31", "2025-12-31", open_minor=0, closed_on=day("2025-12-31"))
    sold(town, "A-1", "600.00 EUR", "2026-01-10", "2026-02-09")
    sold(town, "A-2", "300.00 EUR", "2026-03-05", "2026-04-04")
    sold(town, "A-3", "31.00 EUR", "2026-03-06", "2026-03-20", kind="charge")
    paid(town, "A-1", "450.00", "2026-03-15")
    paid(town, "A-2", "100.00", "2026-04-01")  # after the month
    found = only(of(town, "dso"))
    assert (found["entity"], found["receivables_minor"], found["charges_minor"], found["sales_minor"]) == (
        "ACME", 45000, 3100, 30000,
    )  # fmt: skip
    assert found["dso_days"] == Decimal("46.50")
    assert found["best_possible_dso_days"] == Decimal("31.00")
    assert found["average_days_delinquent"] == Decimal("15.50")
    # March's 300.00 and 31 days, February without sales and 28, and 150 of January's 600.
    assert found["countback_dso_days"] == Decimal("31.00") + 28 + Decimal("7.75")
    assert only(of(town, "cei"))["cei_percent"] == Decimal("75.00")
    assert only(of(town, "turnover"))["turnover_times"] == Decimal("0.57")
    assert only(of(town, "lateness"))["days_late"] == Decimal("34.00")


def test_a_credit_note_is_no_money_and_lowers_the_sales_of_its_month(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-10", "2026-03-01")
    credit = sold(town, "C-1", "40.00 EUR", "2026-03-10", None, kind="credit")
    sold(town, "A-2", "50.00 EUR", "2026-03-12", "2026-04-12")
    found = only(of(town, "dso"))
    assert (found["receivables_minor"], found["unapplied_minor"], found["sales_minor"]) == (15000, -4000, 1000)
    assert (found["dso_days"], found["net_dso_days"]) == (Decimal("465.00"), Decimal("341.00"))
    invoice = town.get("A-1")
    invoice.allocations_in.create(source_item=credit, amount_minor=4000, on=day("2026-03-20"))
    Item.objects.filter(pk=invoice.pk).update(open_minor=6000)
    Item.objects.filter(pk=credit.pk).update(open_minor=0, closed_on=day("2026-03-20"))
    assert only(of(town, "dso"))["receivables_minor"] == 11000
    assert of(town, "lateness").rows == []  # nothing was paid


def test_success_counts_money_within_the_days_and_leaves_out_what_is_not_over(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    town.run("2026-03-04")
    paid(town, "A-1", "30.00", "2026-03-18")
    paid(town, "A-1", "20.00", "2026-03-19")  # a day late
    found = only(of(town, "success"))
    assert (found["noticed_minor"], found["collected_minor"], found["success_percent"]) == (
        10000,
        3000,
        Decimal("30.00"),
    )
    assert only(of(town, "success", by="stage"))["stage"] == "reminder"
    waits = of(town, "success", within_days=37)
    assert (only(waits)["notices_count"], only(waits)["waiting_count"], only(waits)["success_percent"]) == (0, 1, None)
    assert "1 are left out: their time is not over yet" in waits.notes
    assert only(of(town, "success", within_days=36))["notices_count"] == 1


def test_money_that_was_taken_back_was_not_collected(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    town.run("2026-03-04")
    payment = paid(town, "A-1", "30.00", "2026-03-10")
    take_back(town.entity, payment, reason="R", on=day("2026-03-25"), by="anna", at=noon("2026-03-25"))
    assert only(of(town, "success"))["collected_minor"] == 0
    assert of(town, "lateness").rows == []


def test_answers_and_promises(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    town.item("B-1", "HUBER", "50.00 EUR", "2026-02-28", issued_on=day("2026-02-01"))
    town.run("2026-03-04")
    at = noon("2026-03-06")
    promise(town.entity, "MEYER", amount="60.00", currency="EUR", by_on=day("2026-03-20"), items=["A-1"],
            on=day("2026-03-06"), by="anna", at=at)  # fmt: skip
    note_contact(town.entity, "MEYER", channel="phone", note="", on=day("2026-03-07"), by="anna", at=noon("2026-03-07"))
    paid(town, "A-1", "25.00", "2026-03-19")
    answers = only(of(town, "responses", by="channel"))
    assert (answers["channel"], answers["notices_count"], answers["answered_count"]) == ("email", 2, 1)
    assert answers["response_percent"] == Decimal("50.00")
    kept = only(of(town, "promises"))
    assert (kept["promises_count"], kept["kept_count"], kept["partly_kept_count"], kept["paid_minor"]) == (
        1,
        0,
        1,
        2500,
    )
    assert kept["paid_percent"] == Decimal("41.67")


def test_roll_rates_go_from_month_end_to_month_end(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-01-01", "2026-02-20")
    paid(town, "A-1", "60.00", "2026-03-10")
    rows = [row for row in of(town, "roll").rows if row["from_bucket"] == "days_1_30"]
    told = {row["to_bucket"]: (row["amount_minor"], row["percent"]) for row in rows}
    assert told == {"days_31_60": (4000, Decimal("40.00")), "paid": (6000, Decimal("60.00"))}
    with pytest.raises(Invalid, match="these days hold no whole month"):
        of(town, "roll", Days(day("2026-03-02"), day("2026-03-30")))


def test_the_own_group_is_left_out_and_said(town: Town) -> None:
    town.account("SISTER", intercompany=True)
    town.item("S-1", "SISTER", "900.00 EUR", "2026-03-31", issued_on=day("2026-03-01"))
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    sold(town, "A-2", "5.00 EUR", "2026-03-02", None)
    found = of(town, "dso")
    assert (only(found)["receivables_minor"], only(found)["sales_minor"]) == (10500, 500)
    assert "ACME: left out: 1 of the accounts, of the own group" in found.notes
    assert any("without a due date: 1 of the invoices" in note for note in found.notes)


def test_only_what_was_there_in_these_days_is_said_to_lack_a_date(town: Town) -> None:
    sold(town, "A-0", "1.00 EUR", "2025-12-31", None, open_minor=0, closed_on=day("2025-12-31"))
    sold(town, "A-1", "2.00 EUR", "2026-01-05", None, open_minor=0, closed_on=day("2026-02-28"))
    sold(town, "A-2", "5.00 EUR", "2026-03-02", None, open_minor=0, closed_on=day("2026-03-20"))
    sold(town, "A-3", "7.00 EUR", "2026-04-02", None)
    for name in ("dso", "lateness"):
        assert any("without a due date: 1 of the invoices" in note for note in of(town, name).notes)
    page = overview([town.entity], MARCH, at=NOW)
    assert any("without a due date: 1 of the invoices" in note for note in page.notes)


def test_nothing_to_divide_by_is_said_with_its_reason(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    found = of(town, "dso")
    assert only(found)["dso_days"] is None
    assert any(
        note.endswith("of ACME EUR: nothing was sold in these days, or less than was credited") for note in found.notes
    )
    assert "DSO days" in found.notes[0]


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_an_entity_without_anything_is_refused_alone_and_named_among_others(town: Town, name: str) -> None:
    empty = Town(town.folder, "EMPTY", policy=None)
    with pytest.raises(Invalid, match="nothing is known of EMPTY: import a book first"):
        of(empty, name)
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    both = measure(name, [town.entity, empty.entity], MARCH, at=NOW)
    assert "nothing is known of EMPTY: import a book first" in both.notes


def imported(town: Town, on: str) -> None:
    """The first import is on record."""
    audit.record("anna", "items.imported", town.entity, at=noon(on), entity_id=town.entity.pk, rows=1)


def test_before_the_first_import_nothing_is_known(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2025-11-01", "2025-11-30")
    imported(town, "2026-02-28")
    assert only(of(town, "dso"))["receivables_minor"] == 10000
    with pytest.raises(
        Invalid, match=r"nothing is known of ACME at the end of 2026-02-27: .* the end of 2026-02-28 on"
    ):
        of(town, "dso", Days(day("2026-02-28"), MARCH.to_on))
    with pytest.raises(Invalid, match="nothing is known of ACME at the end of 2026-02-27"):
        ageing_of(town.entity, as_of=day("2026-02-27"), today=day("2026-04-10"))
    assert ageing_of(town.entity, as_of=day("2026-02-28"), today=day("2026-04-10"))[0]["total_minor"] == 10000
    usual = of(town, "dso", None)  # of the last three months, what is known
    assert (usual.from_on, usual.to_on) == (day("2026-03-01"), day("2026-03-31"))


def test_an_import_of_what_is_settled_tells_of_the_past(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2025-11-01", "2025-11-30", open_minor=0, closed_on=day("2026-01-10"))
    imported(town, "2026-04-01")
    assert of(town, "dso", Days(day("2026-01-11"), day("2026-01-31"))).rows == []
    with pytest.raises(Invalid, match="at the end of 2026-01-09"):
        of(town, "dso", Days(day("2026-01-10"), day("2026-01-31")))


def test_money_booked_for_a_day_before_the_import_tells_nothing_of_what_was_settled_then(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-01-01", "2026-01-31")
    imported(town, "2026-03-31")
    paid(town, "A-1", "100.00", "2026-01-15")
    with pytest.raises(Invalid, match=r"at the end of 2026-02-28: .* the end of 2026-03-31 on"):
        of(town, "dso")


@pytest.mark.parametrize(
    ("slip", "issued"), [("2025-06-10", "2025-06-01"), ("2026-01-10", "2026-01-20"), ("2025-06-10", None)]
)
def test_a_slip_in_one_day_of_settling_tells_nothing_of_the_past(town: Town, slip: str, issued: str | None) -> None:
    sold(town, "A-0", "1.00 EUR", "2026-02-01", "2026-02-20", open_minor=0, closed_on=day("2026-03-10"))
    town.item("A-1", "MEYER", "1.00 EUR", "2026-02-20", issued_on=issued and day(issued), open_minor=0,
              closed_on=day(slip))  # fmt: skip
    imported(town, "2026-03-31")
    assert known_from(town.entity) == day("2026-03-10")


def test_what_was_settled_within_a_quarter_of_each_other_is_all_known(town: Town) -> None:
    for number, closed in (("A-1", "2025-06-30"), ("A-2", "2025-09-30"), ("A-3", "2025-12-31"), ("A-4", "2025-03-29")):
        sold(town, number, "1.00 EUR", "2025-01-01", "2025-01-31", open_minor=0, closed_on=day(closed))
    sold(town, "A-5", "1.00 EUR", "2026-03-01", "2026-03-31")
    imported(town, "2026-03-31")
    assert known_from(town.entity) == day("2025-06-30")  # 93 days after the one before


def test_a_sample_tells_of_its_own_past(db: str) -> None:
    load_sample(seed=7, as_of=day("2026-04-07"), by="anna", at=NOW, accounts=20, items=120)
    entity = Entity.objects.get(code="NORD")
    known = known_from(entity)
    assert known is not None
    assert known < day("2026-04-01")  # it was loaded on the 10th


def test_a_book_of_today_has_no_measures_yet(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-03-01", "2026-03-31")
    imported(town, "2026-04-10")
    with pytest.raises(Invalid, match=r"measures are of whole days that are over, and the first is 2026-04-11"):
        of(town, "dso", None)
    imported_before = measure("dso", [town.entity], None, at=noon("2026-04-12"))
    assert (imported_before.from_on, imported_before.to_on) == (day("2026-04-11"), day("2026-04-11"))


def test_ageing_on_a_day_of_the_past_is_what_was_open_then(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-01-01", "2026-01-31")
    sold(town, "A-2", "70.00 EUR", "2026-03-25", "2026-04-24")
    dispute(town.entity, "A-1", reason="price", amount="10.00", on=day("2026-03-05"), by="anna", at=noon("2026-03-05"))
    paid(town, "A-1", "100.00", "2026-03-20")
    (then,) = ageing_of(town.entity, as_of=day("2026-03-10"), today=day("2026-04-10"))
    assert (then["days_31_60_minor"], then["disputed_minor"], then["total_minor"]) == (10000, 1000, 10000)
    (now,) = ageing_of(town.entity, as_of=day("2026-04-10"), today=day("2026-04-10"))
    assert (now["not_due_minor"], now["total_minor"]) == (7000, 7000)
    later = ageing_report([town.entity], as_of=day("2026-04-25"), at=NOW)
    assert later.rows[0]["days_1_30_minor"] == 7000
    assert "is yet to come" in later.notes[0]


def test_the_history_of_today_is_the_book(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-01-01", "2026-01-31")
    sold(town, "A-2", "70.00 EUR", "2026-03-25", "2026-04-24")
    paid(town, "A-1", "120.00", "2026-03-20")
    dispute(town.entity, "A-2", reason="price", amount=None, on=day("2026-04-01"), by="anna", at=noon("2026-04-01"))
    today = day("2026-04-10")
    by_book = ageing_of(town.entity, as_of=today, today=today)
    assert ageing_of(town.entity, as_of=today, today=day("2026-04-11")) == by_book
    assert by_book[0]["unapplied_minor"] == -2000


def test_the_overview_holds_every_measure_beside_the_days_before(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-01-05", "2026-02-04")
    sold(town, "A-2", "200.00 EUR", "2026-02-05", "2026-03-07")
    sold(town, "A-3", "310.00 EUR", "2026-03-05", "2026-04-04")
    page = overview([town.entity], MARCH, at=NOW)
    told = {row["figure"]: (row["value"], row["before"]) for row in page.rows}
    assert told["receivables_minor"] == (61000, 30000)
    assert told["dso_days"] == (Decimal("61.00"), Decimal("42.00"))
    assert told["overdue_percent"] == (Decimal("49.18"), Decimal("33.33"))
    assert told["success_percent"] == (None, None)
    first = overview([town.entity], Days(day("2026-01-06"), day("2026-01-31")), at=NOW)
    assert {row["before"] for row in first.rows} == {None}
    assert "there is nothing to compare with: nothing is known of ACME at the end of 2025-12-10" in first.notes[0]


def test_other_days_than_asked_are_said(town: Town, home: Path) -> None:
    sold(town, "A-1", "100.00 EUR", "2025-11-01", "2025-11-30")
    other = Town(home, "LATER", policy=None)
    other.item("B-1", "HUBER", "5.00 EUR", "2026-04-01", issued_on=day("2026-03-15"))
    both = measure("dso", [town.entity, other.entity], None, at=NOW)
    assert (both.from_on, both.to_on) == (day("2026-01-01"), day("2026-03-31"))
    assert "LATER: its days are 2026-03-16 to 2026-03-31" in both.notes


def asked(town: Town, **given: Any) -> Days | None:
    return days_asked([town.entity], NOW, **given)


def test_which_days_are_asked_for(town: Town) -> None:
    assert asked(town) is None
    assert asked(town, month="2026-03") == MARCH
    assert asked(town, month="2026-04") == Days(day("2026-04-01"), day("2026-04-09"))
    assert asked(town, days=9) == Days(day("2026-04-01"), day("2026-04-09"))
    assert asked(town, from_on=day("2026-04-01")) == Days(day("2026-04-01"), day("2026-04-09"))
    assert days_before(MARCH) == Days(day("2026-02-01"), day("2026-02-28"))
    assert days_before(Days(day("2026-03-10"), day("2026-03-19"))) == Days(day("2026-02-28"), day("2026-03-09"))
    assert days_before(Days(day("2026-01-01"), day("2026-03-31"))) == Days(day("2025-10-01"), day("2025-12-31"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"from_on": date(2026, 3, 2), "to_on": date(2026, 3, 1)}, "before they begin"),
        ({"from_on": date(2026, 3, 2), "to_on": date(2026, 4, 10)}, "2026-04-10 is not over yet"),
        ({"from_on": date(2026, 5, 1)}, "is not over yet"),
        ({"to_on": date(2026, 3, 1)}, "say --from as well"),
        ({"month": "2026-05"}, "is not over yet"),
        ({"month": "2026-13"}, "'2026-13' is not a month"),
        ({"month": "0000-01"}, "'0000-01' is not a month"),
        ({"month": "1000-01"}, "is not between"),
        ({"days": 0}, "--days: 0 is not between"),
        ({"days": -5}, "--days: -5 is not between"),
        ({"days": 10**6}, "--days: 1000000 is not between"),
        ({"days": 9, "month": "2026-03"}, "one of them"),
        ({"from_on": date(1, 1, 1), "to_on": date(2026, 3, 1)}, "--from: 0001-01-01 is not between"),
    ],
)
def test_days_that_cannot_be(town: Town, given: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        asked(town, **given)


def test_windows_and_names_that_cannot_be(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    for within in (-1, 367, 10**6):
        with pytest.raises(Invalid, match=f"--within: {within} is not between 0 and 366 days"):
            of(town, "success", within_days=within)
    with pytest.raises(Invalid, match="--by: 'stage' tells no days sales outstanding apart: segment, country do"):
        of(town, "dso", by="stage")


def test_a_book_with_a_currency_that_is_none_is_refused_in_words(town: Town) -> None:
    sold(town, "A-1", "100.00 EUR", "2026-02-01", "2026-02-28")
    Item.objects.update(currency="XXX")
    for ask in (
        lambda: of(town, "dso"),
        lambda: ageing_of(town.entity, as_of=day("2026-04-10"), today=day("2026-04-10")),
    ):
        with pytest.raises(Invalid, match="the book of ACME cannot be read: "):
            ask()
