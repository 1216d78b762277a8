"""The figures kept of each day, and the trend that they tell."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dunwell.engine.history import History
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Invalid
from dunwell.flows.people.promises import promise
from dunwell.flows.reports import known, snapshots
from dunwell.flows.reports.snapshots import measure_last_days, put_off, snapshot, unmeasured
from dunwell.flows.reports.trend import trend
from dunwell.insight.daily import FIGURES
from dunwell.insight.trade import Days
from dunwell.records.models import Account, Entity, Item, Snapshot
from tests.flows.town import Town, day, noon


def due(at: datetime) -> list[str]:
    return [entity.code for entity in unmeasured(at)]


def kept(town: Town) -> list[str]:
    days = Snapshot.objects.filter(entity=town.entity).order_by("on").values_list("on", flat=True)
    return [on.isoformat() for on in days]


def on_record(town: Town, on: str, currency: str = "EUR") -> Snapshot:
    return Snapshot.objects.get(entity=town.entity, on=day(on), currency=currency)


def test_a_day_that_is_over_is_kept_once(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-04-05", issued_on=day("2026-04-01"))
    assert due(noon("2026-04-03")) == ["ACME"]
    measure_last_days(town.entity.pk, noon("2026-04-03"))
    assert kept(town) == ["2026-04-01", "2026-04-02"]
    assert due(noon("2026-04-03")) == []
    assert due(noon("2026-04-04")) == ["ACME"]
    before = list(Snapshot.objects.values_list(*FIGURES))
    measure_last_days(town.entity.pk, noon("2026-04-03"))  # two workers at once
    assert list(Snapshot.objects.values_list(*FIGURES)) == before
    town.entity.refresh_from_db()
    assert town.entity.measured_on == day("2026-04-03")


def test_the_day_is_over_where_the_entity_is(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-04-05", issued_on=day("2026-04-01"))
    Entity.objects.update(time_zone="Asia/Tokyo")
    measure_last_days(town.entity.pk, noon("2026-04-03").replace(hour=16))  # one in the night there
    assert kept(town)[-1] == "2026-04-03"


def test_the_figures_are_those_of_the_day(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-03-01"))
    town.item("A-2", "MEYER", "70.00 EUR", "2026-05-01", issued_on=day("2026-04-02"))
    town.item("C-1", "MEYER", "5.00 EUR", None, kind="credit", issued_on=day("2026-04-02"))
    town.item("F-1", "MEYER", "3.00 EUR", "2026-03-25", kind="charge", issued_on=day("2026-03-20"))
    town.run("2026-04-02")
    pay(town.entity, "MEYER", amount="30.00", currency="EUR", items=["A-1"], on=day("2026-04-02"), by="anna",
        at=noon("2026-04-02"))  # fmt: skip
    promise(town.entity, "MEYER", amount="20.00", currency="EUR", by_on=day("2026-04-09"), items=["A-1"],
            on=day("2026-04-02"), by="anna", at=noon("2026-04-02"))  # fmt: skip
    measure_last_days(town.entity.pk, noon("2026-04-04"))
    found = on_record(town, "2026-04-02")
    assert (found.not_due_minor, found.days_1_30_minor, found.charges_minor, found.unapplied_minor) == (
        7000, 7300, 300, -500,
    )  # fmt: skip
    assert (found.invoiced_minor, found.credited_minor, found.received_minor) == (7000, 500, 3000)
    assert (found.notices_count, found.promises_count, found.promised_minor, found.open_count) == (1, 1, 2000, 3)
    day_after = on_record(town, "2026-04-03")
    assert (day_after.invoiced_minor, day_after.received_minor, day_after.notices_count) == (0, 0, 0)
    assert (day_after.days_1_30_minor, day_after.promises_count) == (7300, 1)


def test_what_is_booked_late_still_comes_into_its_day_for_a_week(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-04-05", issued_on=day("2026-04-01"))
    measure_last_days(town.entity.pk, noon("2026-04-10"))
    assert kept(town)[0] == "2026-04-03"
    town.item("A-2", "MEYER", "50.00 EUR", "2026-05-05", issued_on=day("2026-04-04"))
    measure_last_days(town.entity.pk, noon("2026-04-11"))
    assert on_record(town, "2026-04-03").not_due_minor == 10000
    assert (on_record(town, "2026-04-04").not_due_minor, on_record(town, "2026-04-04").invoiced_minor) == (15000, 5000)


def test_every_entity_with_a_book_and_without_a_schedule_too(town: Town, home: Path) -> None:
    Town(home, "EMPTY", policy=None)
    other = Town(home, "OTHER", policy=None)
    other.item("B-1", "HUBER", "5.00 EUR", "2026-04-01", issued_on=day("2026-03-01"), open_minor=0,
               closed_on=day("2026-03-02"))  # fmt: skip
    town.item("A-1", "MEYER", "100.00 EUR", "2026-04-05")
    assert due(noon("2026-04-03")) == ["ACME", "OTHER"]
    put_off(town.entity.pk, noon("2026-04-03"))
    assert due(noon("2026-04-03")) == ["OTHER"]
    Entity.objects.update(measured_on=day("2027-01-01"))  # by a clock that was wrong
    assert due(noon("2026-04-03")) == ["ACME", "OTHER"]


def test_the_day_on_which_all_is_paid_is_kept_and_the_days_after_are_zeros(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-04-01"))
    pay(town.entity, "MEYER", amount="100.00", currency="EUR", items=["A-1"], on=day("2026-04-02"), by="anna",
        at=noon("2026-04-02"))  # fmt: skip
    assert due(noon("2026-04-03")) == ["ACME"]
    measure_last_days(town.entity.pk, noon("2026-04-03"))
    assert (on_record(town, "2026-04-02").received_minor, on_record(town, "2026-04-02").open_count) == (10000, 0)
    measure_last_days(town.entity.pk, noon("2026-04-20"))
    assert kept(town)[-1] == "2026-04-19"
    assert on_record(town, "2026-04-19").days_1_30_minor == 0


def test_days_on_which_no_worker_ran_are_kept_later(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-01-01"))
    measure_last_days(town.entity.pk, noon("2026-03-03"))
    assert kept(town) == [f"2026-02-{on}" for on in range(24, 29)] + ["2026-03-01", "2026-03-02"]
    measure_last_days(town.entity.pk, noon("2026-03-31"))
    assert (kept(town)[0], len(kept(town)), kept(town)[-1]) == ("2026-02-24", 35, "2026-03-30")


def test_a_currency_in_which_nothing_is_owed_is_kept_as_zeros(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-01-01"))
    town.item("A-2", "MEYER", "5.00 USD", "2026-02-05", issued_on=day("2026-01-05"), open_minor=0,
              closed_on=day("2026-02-05"))  # fmt: skip
    measure_last_days(town.entity.pk, noon("2026-03-10"))
    idle = on_record(town, "2026-03-09", "USD")
    assert [getattr(idle, name) for name in FIGURES] == [0] * len(FIGURES)


def test_figures_that_are_no_longer_so_do_not_stay(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-01-01"))
    snapshot([town.entity], day("2026-03-01"), at=noon("2026-03-10"))
    Account.objects.update(intercompany=True)  # as it should have been said from the beginning
    snapshot([town.entity], day("2026-03-01"), at=noon("2026-03-10"))
    assert kept(town) == []


def test_a_day_that_is_not_over_somewhere_is_kept_where_it_is(town: Town, home: Path) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-20", issued_on=day("2026-01-01"))
    west = Town(home, "WEST", policy=None)
    west.item("B-1", "HUBER", "5.00 EUR", "2026-04-01", issued_on=day("2026-03-01"))
    Entity.objects.filter(code="WEST").update(time_zone="Pacific/Honolulu")
    west.entity.refresh_from_db()
    found = snapshot([town.entity, west.entity], day("2026-03-10"), at=noon("2026-03-11").replace(hour=5))
    assert [row["entity"] for row in found.rows] == ["ACME"]
    assert found.notes == ["WEST: 2026-03-10 is not over yet: today is 2026-03-10"]


def test_several_days_of_the_past_are_kept_at_once(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    found = snapshot([town.entity], Days(day("2026-02-01"), day("2026-02-28")), at=noon("2026-04-03"))
    assert (len(found.rows), found.from_on, found.to_on) == (28, day("2026-02-01"), day("2026-02-28"))
    assert (kept(town)[0], kept(town)[-1], len(kept(town))) == ("2026-02-01", "2026-02-28", 28)
    with pytest.raises(Invalid, match="days are more than"):
        snapshot([town.entity], Days(day("1990-01-01"), day("2026-02-28")), at=noon("2026-04-03"))


def test_who_is_slower_does_not_overwrite_what_is_newer(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    read = known.history_on

    def slowly(entity: Entity, on: date) -> History:
        found = read(entity, on)
        if not Snapshot.objects.exists():  # meanwhile something is booked, and another measures
            Item.objects.update(open_minor=4000)
            monkeypatch.setattr(snapshots, "history_on", read)
            snapshot([entity], on, at=noon("2026-04-03"))
        return found

    monkeypatch.setattr(snapshots, "history_on", slowly)
    snapshot([town.entity], day("2026-02-15"), at=noon("2026-04-03"))
    assert on_record(town, "2026-02-15").days_1_30_minor == 4000


def test_a_day_that_nothing_is_known_of_is_kept_by_nobody(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-04-05")  # without a day of issue
    measure_last_days(town.entity.pk, noon("2026-04-03"))
    assert (kept(town), due(noon("2026-04-03"))) == ([], [])
    with pytest.raises(Invalid, match="nothing is known of ACME"):
        snapshot([town.entity], day("2026-04-01"), at=noon("2026-04-03"))


def test_people_keep_a_day_of_the_past_from_the_history(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-01-31", issued_on=day("2026-01-01"))
    found = snapshot([town.entity], day("2026-02-15"), at=noon("2026-04-03"))
    assert found.rows[0]["days_1_30_minor"] == 10000
    assert on_record(town, "2026-02-15").days_1_30_minor == 10000
    Item.objects.update(open_minor=4000)
    again = snapshot([town.entity], day("2026-02-15"), at=noon("2026-04-03"))
    assert (again.rows[0]["days_1_30_minor"], Snapshot.objects.count()) == (4000, 1)
    assert snapshot([town.entity], None, at=noon("2026-04-03")).to_on == day("2026-04-02")
    for on, why in (
        ("2026-04-03", "is not over yet"),
        ("0999-01-01", "is not between"),
        ("2025-12-31", "nothing is known"),
    ):
        with pytest.raises(Invalid, match=why):
            snapshot([town.entity], day(on), at=noon("2026-04-03"))


def all_days(town: Town, first: str, last: str) -> None:
    snapshot([town.entity], Days(day(first), day(last)), at=noon("2026-05-01"))


def test_the_trend_is_told_by_what_was_kept_and_nothing_is_made_up(town: Town) -> None:
    town.item("A-1", "MEYER", "280.00 EUR", "2026-02-20", issued_on=day("2026-02-01"))
    town.item("A-2", "MEYER", "610.00 EUR", "2026-04-20", issued_on=day("2026-03-25"))
    town.item("F-1", "MEYER", "10.00 EUR", "2026-03-20", kind="charge", issued_on=day("2026-03-20"))
    all_days(town, "2026-02-01", "2026-04-30")
    found = trend([town.entity], months=3, at=noon("2026-05-01"))
    told = {row["month_end_on"].isoformat(): row for row in found.rows}
    april = told["2026-04-30"]
    assert (april["receivables_minor"], april["sales_minor"]) == (89000, 89000)
    assert (april["dso_days"], april["overdue_percent"]) == (Decimal("89.00"), Decimal("100.00"))
    march = told["2026-03-31"]  # its three months begin on a day that nobody kept
    assert (march["dso_days"], march["sales_minor"], march["missing_count"]) == (None, None, 31)
    assert (march["overdue_percent"], march["not_due_minor"]) == (Decimal("32.22"), 61000)
    assert "62 of 151 days were not kept, from 2025-12-01 to 2026-01-31" in found.notes[0]
    assert (april["open_count"], april["received_minor"], april["notices_count"]) == (3, 0, 0)
    assert (march["received_minor"], told["2026-02-28"]["promised_minor"]) == (0, 0)
    Snapshot.objects.filter(on=day("2026-04-30")).delete()
    gap = trend([town.entity], months=1, at=noon("2026-05-01")).rows[0]
    assert (gap["receivables_minor"], gap["dso_days"], gap["overdue_percent"]) == (None, None, None)
    assert (gap["missing_count"], gap["received_minor"], gap["open_count"]) == (1, None, None)


def test_days_that_one_currency_lacks_are_said_of_it(town: Town) -> None:
    town.item("A-1", "MEYER", "280.00 EUR", "2026-02-20", issued_on=day("2026-01-01"))
    town.item("A-2", "MEYER", "5.00 USD", "2026-02-20", issued_on=day("2026-01-01"))
    all_days(town, "2026-02-01", "2026-04-30")
    Snapshot.objects.filter(currency="USD", on__lt=day("2026-03-01")).delete()
    (note,) = trend([town.entity], months=1, at=noon("2026-05-01")).notes
    assert note.startswith("ACME USD: 28 of 89 days were not kept, from 2026-02-01 to 2026-02-28")


def test_a_trend_of_nothing_and_of_absurd_months(town: Town) -> None:
    with pytest.raises(Invalid, match="there is no trend yet\nACME: no day of these months was kept"):
        trend([town.entity], months=12, at=noon("2026-05-01"))
    for months in (0, -1, 10**6):
        with pytest.raises(Invalid, match=f"--months: {months} is not between 1 and 1200"):
            trend([town.entity], months=months, at=noon("2026-05-01"))
