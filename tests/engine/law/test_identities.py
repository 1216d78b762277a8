"""What must be so of any interest, exact, and that the clear way and the fast way agree to the minor unit."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.law.debt import Debt, days_counted
from dunwell.engine.law.law import Law, law_of, regime
from dunwell.engine.law.rates import anniversary
from dunwell.engine.law.regime import DayCount, RateRule
from dunwell.engine.law.series import RatesMissing
from dunwell.engine.law.shipped import all_shipped
from dunwell.engine.law.working import Claim, work_out
from dunwell.engine.money import fraction_half_up
from tests.engine import test_accrual as frames

DAY: Final = timedelta(days=1)
KEPT: Final = Fraction(1, 10**6)  # what keeping compounded interest to millionths may move, each year


@st.composite
def debts(draw: st.DrawFn) -> tuple[Debt, date]:
    """Any debt, and a last day of its interest."""
    terms = draw(frames.terms())
    drawn = draw(frames.claims(terms))
    whole = drawn.base_minor + sum(amount for _on, amount in drawn.reductions)
    debt = Debt(whole, drawn.first_on, terms.rule, frames.SERIES, drawn.reductions, terms.day_count, terms.rounding)
    return debt, drawn.until_on


def accrued(debt: Debt, until_on: date) -> Fraction | None:
    """All interest to a day, none of which was charged before; None where a rate is missing."""
    try:
        return debt.charge(debt.first_on, until_on)[1]
    except RatesMissing:
        return None


@given(st.data())
def test_the_clear_way_and_the_frames_agree(data: st.DataObject) -> None:
    terms = data.draw(frames.terms())
    drawn = data.draw(frames.claims(terms))
    whole = drawn.base_minor + sum(amount for _on, amount in drawn.reductions)
    debt = Debt(whole, drawn.first_on, terms.rule, frames.SERIES, drawn.reductions, terms.day_count, terms.rounding)
    ((in_frames, _lacks),) = frames.interest(drawn)
    if drawn.until_on < drawn.from_on:
        return
    try:
        mine = fraction_half_up(debt.charge(drawn.from_on, drawn.until_on)[1])
    except RatesMissing:
        mine = None
    assert mine == in_frames


@given(debts(), st.integers(0, 900))
def test_splitting_a_period_changes_nothing(drawn: tuple[Debt, date], days: int) -> None:
    debt, until_on = drawn
    whole = accrued(debt, until_on)
    if whole is None or until_on < debt.first_on:
        return
    cut = debt.first_on + DAY * days
    parts = [(debt.first_on, min(cut - DAY, until_on)), (max(cut, debt.first_on), until_on)]
    charges = [debt.charge(start, end) for start, end in parts if start <= end]
    shown = [each for periods, _exact in charges for each in periods]
    assert sum(each.days for each in shown) == days_counted(debt.day_count, debt.first_on, until_on)
    of_parts = sum((exact for _periods, exact in charges), Fraction(0))
    as_shown = Fraction(sum((each.interest_minor for each in shown), Decimal(0)))
    assert abs(as_shown - of_parts) <= KEPT * (len(shown) + 10)
    if debt.rule.compounding == "none" or until_on < anniversary(debt.first_on, 1):
        assert of_parts == whole
    else:  # what was charged with the first part bears no interest in the second
        assert of_parts <= whole + KEPT * 10


@given(debts(), st.integers(0, 400))
def test_more_days_never_cost_less(drawn: tuple[Debt, date], days: int) -> None:
    debt, until_on = drawn
    sooner, later = accrued(debt, until_on), accrued(debt, until_on + DAY * days)
    if sooner is not None and later is not None:
        assert later >= sooner - KEPT


@given(debts(), st.integers(-5, 1200), st.integers(0, 10**12))
def test_a_payment_never_raises_what_is_owed(drawn: tuple[Debt, date], days: int, amount_minor: int) -> None:
    debt, until_on = drawn
    paid = replace(debt, reductions=(*debt.reductions, (debt.first_on + DAY * days, amount_minor)))
    without, found = accrued(debt, until_on), accrued(paid, until_on)
    if without is not None and found is not None:
        assert found <= without + KEPT * 10


@given(debts(), st.integers(-5, 1200), st.integers(1, 10**12))
def test_a_payment_taken_back_on_its_day_never_was(drawn: tuple[Debt, date], days: int, amount_minor: int) -> None:
    debt, until_on = drawn
    on = debt.first_on + DAY * days
    both = replace(debt, reductions=(*debt.reductions, (on, amount_minor), (on, -amount_minor)))
    assert accrued(both, until_on) == accrued(debt, until_on)


@given(debts())
def test_the_day_counts_agree_where_no_leap_year_is(drawn: tuple[Debt, date]) -> None:
    debt, _until_on = drawn
    ordinary = replace(debt, first_on=date(2025, debt.first_on.month, min(debt.first_on.day, 28)), day_count="act/act")
    until_on = date(2027, 12, 31)
    assert accrued(ordinary, until_on) == accrued(replace(ordinary, day_count="act/365"), until_on)


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(0, 2000), st.integers(0, 2000))
@pytest.mark.parametrize("day_count", ["act/365", "act/act", "30/360", "act/360"])
def test_the_days_of_the_parts_are_those_of_the_whole(day_count: DayCount, first: date, one: int, other: int) -> None:
    cut, last = first + DAY * one, first + DAY * (one + other)
    parts = days_counted(day_count, first, cut) + days_counted(day_count, cut + DAY, last)
    assert parts == days_counted(day_count, first, last)
    assert days_counted(day_count, first, cut) >= 0


def test_a_year_of_months_of_thirty_days_has_360() -> None:
    assert days_counted("30/360", date(2024, 1, 1), date(2024, 12, 31)) == 360
    assert days_counted("30/360", date(2024, 2, 1), date(2024, 2, 29)) == 29
    assert days_counted("30/360", date(2024, 3, 31), date(2024, 3, 31)) == 0


@pytest.mark.parametrize("yearly", [1, 2, 3, 4, 100])
def test_years_of_interest_that_began_on_29_february(yearly: int) -> None:
    found = anniversary(date(2000, 2, 29), yearly)
    assert found == date(2000 + yearly, *((2, 29) if yearly in {4} else (3, 1)))


def test_simple_interest_of_later_charges_adds_up_to_that_of_one() -> None:
    """Charged bit by bit, the exact sums are what one charge at the end would have been."""
    assert of_parts("DE") == of_whole("DE")


def test_compounded_interest_of_later_charges_is_less_than_that_of_one() -> None:
    """What was charged is a claim of its own, and bears no interest: as without compounding, year by year."""
    simple = regime("NL").interest["business"].model_copy(update={"compounding": "none"})
    law = Law(regime("NL").model_copy(update={"interest": {"business": simple}}))
    assert of_whole(law) == of_parts(law) == of_parts("NL") < of_whole("NL")


WHOLE: Final = Claim("EUR", 1_234_567, date(2021, 1, 31), date(2025, 12, 31), "business")


def of_whole(law: Law | str) -> Fraction:
    return work_out(law_of(law) if isinstance(law, str) else law, WHOLE, all_shipped()).interest_exact_minor


def of_parts(law: Law | str) -> Fraction:
    """The claim charged in parts, none of which goes beyond an anniversary of its first day, 1 February."""
    starts = [date(2021, 2, 1), date(2022, 2, 1), date(2022, 2, 2), date(2023, 2, 1), date(2024, 2, 1)]
    starts += [date(2024, 7, 1), date(2025, 2, 1)]
    ends = [*(start - DAY for start in starts[1:]), WHOLE.until_on]
    found = law_of(law) if isinstance(law, str) else law
    claims = [replace(WHOLE, from_on=start, until_on=end) for start, end in zip(starts, ends, strict=True)]
    return sum((work_out(found, claim, all_shipped()).interest_exact_minor for claim in claims), Fraction(0))


def test_a_year_that_was_charged_bears_no_interest_in_the_next() -> None:
    values = {"mode": "constant", "rate": "10", "compounding": "yearly", "source": "made up"}
    debt = Debt(10_000_00, date(2025, 1, 1), RateRule.model_validate(values), {})
    assert debt.charge(date(2025, 1, 1), date(2025, 12, 31))[1] == 1000_00
    assert debt.charge(date(2026, 1, 1), date(2026, 12, 31))[1] == 1000_00
    assert accrued(debt, date(2026, 12, 31)) == 2100_00
    # Charged from within a year: what has run up since then is added on the anniversary of the first day.
    _periods, exact = debt.charge(date(2025, 10, 20), date(2026, 12, 31))
    assert exact == 200_00 + 1020_00


def test_interest_that_is_added_is_kept_to_millionths() -> None:
    values = {"mode": "constant", "rate": "33.3333", "compounding": "yearly", "source": "made up"}
    debt = Debt(1, date(2025, 1, 1), RateRule.model_validate(values), {})
    assert accrued(debt, date(2025, 12, 31)) == Fraction("0.333333")
    assert accrued(debt, date(2026, 12, 31)) == Fraction("0.333333") * (1 + Fraction("1.333333"))
    third = Debt(1, date(2025, 1, 1), RateRule.model_validate(values | {"rate": "33.33335"}), {})
    assert accrued(third, date(2025, 12, 31)) == Fraction("0.3333335")
    assert accrued(third, date(2026, 1, 1)) == Fraction("0.333334") + Fraction("0.3333335") * Fraction("1.333334") / 365


def test_a_rule_that_rounds_the_interest_of_a_day_charges_whole_units_a_day() -> None:
    rule = RateRule.model_validate({"mode": "constant", "rate": "8.5", "source": "made up"})
    debt = Debt(100_000, date(2025, 1, 1), rule, {}, rounding="daily_rate_2dp")
    assert accrued(debt, date(2025, 2, 19)) == 50 * 23
