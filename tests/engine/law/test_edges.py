"""Single days and single cents of the law: each of these was once off by one without a test that saw it."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import polars as pl
import pytest

from dunwell.engine.law.accrual import CLAIMS, MINOR_MAX, REDUCTIONS, Terms, accrue
from dunwell.engine.law.debt import Period
from dunwell.engine.law.flat import exchange_rate
from dunwell.engine.law.law import regime
from dunwell.engine.law.regime import RateRule, Rounding
from dunwell.engine.law.series import Series
from dunwell.engine.steps.compensation import lines_of
from tests.engine.law.claims import series

JUMPS: Final = series("jumps", ("2024-01-01", "10"), ("2025-01-01", "20"), until="2025-06-30")
Row = tuple[date, date, date, int]  # first_on, from_on, until_on, base_minor


def interest(
    rule: dict[str, Any],
    *claims: Row,
    paid: tuple[tuple[int, date, int], ...] = (),
    rounding: Rounding = "exact",
    known: dict[str, Series] = JUMPS,
) -> list[int | None]:
    """What `accrue` makes of claims; `paid`: of the claim at a place, from 0."""
    rows = [(number, *claim) for number, claim in enumerate(claims)]
    found = accrue(
        pl.DataFrame(rows, schema=CLAIMS, orient="row"),
        pl.DataFrame(list(paid), schema=REDUCTIONS, orient="row"),
        Terms(RateRule(source="made up", **rule), "act/365", rounding),
        known,
    )
    return found["interest_minor"].to_list()


FLOATING: Final = {"mode": "floating", "series": "jumps", "snapshot": "day", "margin": Decimal(0)}
CONSTANT: Final = {"mode": "constant", "rate": Decimal(10)}


def test_rounded_days_on_both_sides_of_a_change_of_the_rate_are_counted_once() -> None:
    claim = (date(2024, 12, 22), date(2024, 12, 22), date(2025, 1, 10), 36_500)  # 10 days of 10 cents, 10 of 20
    assert interest(FLOATING, claim, rounding="daily_rate_2dp") == [300]


def test_rounded_days_of_a_claim_that_ends_before_the_rate_changes() -> None:
    before = (date(2024, 12, 22), date(2024, 12, 22), date(2024, 12, 31), 36_500)
    after = (date(2025, 1, 1), date(2025, 1, 1), date(2025, 1, 10), 36_500)
    assert interest(FLOATING, before, after, rounding="daily_rate_2dp") == [100, 200]


def test_money_of_the_first_day_lowers_the_principal_from_the_second() -> None:
    claim = (date(2025, 1, 1), date(2025, 1, 1), date(2025, 1, 10), 36_500)
    assert interest(CONSTANT, claim, paid=((0, date(2025, 1, 1), 36_500),)) == [20 + 9 * 10]


def test_a_rate_fixed_at_the_start_asks_for_no_day_after_the_end_of_its_series() -> None:
    claim = (date(2025, 6, 30), date(2025, 6, 30), date(2025, 7, 9), 36_500)
    assert interest(FLOATING | {"mode": "fixed_at_start"}, claim) == [200]
    assert interest(FLOATING, claim) == [None]


@pytest.mark.parametrize(("begins", "amount"), [("2025-01-01", 200), ("2025-01-02", None)])
def test_a_half_year_is_known_of_which_the_first_day_is(begins: str, amount: int | None) -> None:
    known = series("jumps", (begins, "20"))
    claim = (date(2025, 1, 2), date(2025, 1, 2), date(2025, 1, 11), 36_500)
    assert interest(FLOATING | {"snapshot": "half_year"}, claim, known=known) == [amount]


def test_the_last_day_of_a_year_of_interest_alone_bears_interest_in_the_next() -> None:
    """A day of 1,000,000.00 at 100 % comes to 2,739.726; in the next year that bears 2,739.726 more."""
    yearly = {"mode": "constant", "rate": Decimal(100), "compounding": "yearly"}
    claim = (date(2023, 3, 2), date(2024, 3, 1), date(2025, 3, 1), 100_000_000)
    assert interest(yearly, claim) == [100_547_945]


def test_interest_beyond_every_amount_stops_at_the_bound() -> None:
    most = {"mode": "constant", "rate": Decimal(1000), "compounding": "yearly"}
    assert interest(most, (date(1926, 1, 1), date(1926, 1, 1), date(2025, 12, 31), 10**12)) == [MINOR_MAX]


@pytest.mark.parametrize(("added", "bearing"), [("0.499999", 100), ("0.5", 101)])
def test_half_a_minor_unit_that_bears_interest_is_shown_rounded_up(added: str, bearing: int) -> None:
    day = date(2025, 1, 1)
    period = Period(
        from_on=day, until_on=day, days=1, principal_minor=100, added_minor=Decimal(added),
        reference_percent=None, rate_percent=Decimal(8), interest_minor=Decimal(0),
    )  # fmt: skip
    assert period.bearing_minor == bearing


ZLOTY: Final = series("pl-nbp-eur", ("2025-01-02", "4.00")) | series("ecb-eur-usd", ("2025-01-02", "1.25"))


def test_a_conversion_in_two_legs_names_the_series_of_both() -> None:
    flat = regime("PL").flat["business"]
    found = exchange_rate("USD", "PLN", date(2025, 1, 31), ZLOTY, flat)
    assert (found.rate, found.series) == (Fraction(16, 5), ("ecb-eur-usd", "pl-nbp-eur"))


def starts(currency: str, code: str, known: dict[str, Series]) -> list[int]:
    """From which principals on the steps of a flat sum hold."""
    return [line.from_minor for line in lines_of(regime(code).flat["business"], currency, date(2025, 1, 31), known)]


def test_a_step_above_a_sum_begins_a_minor_unit_later_and_one_from_it_there() -> None:
    assert starts("PLN", "PL", ZLOTY) == [0, 5_000_01, 50_000_00]
    assert starts("EUR", "PL", ZLOTY) == [0, 1_250_01, 12_500_00]


def test_a_step_that_begins_within_a_minor_unit_is_reached_by_the_next() -> None:
    thirds = series("pl-nbp-eur", ("2025-01-02", "3"))  # 1,666.66 and 2 thirds of a cent; 16,666.66 and 2 thirds
    assert starts("EUR", "PL", thirds) == [0, 1_666_67, 16_666_67]


def test_a_step_and_a_sum_at_an_absurd_rate_of_exchange_stay_within_what_is_counted() -> None:
    absurd = series("ecb-eur-gbp", ("2025-01-02", "0.000001")) | series("ecb-eur-kwd", ("2025-01-02", "9000000000000"))
    assert starts("KWD", "UK", absurd) == [0, MINOR_MAX, MINOR_MAX]
