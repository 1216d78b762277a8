"""Interest in frames is what the days come to one by one, to the minor unit; and what must be so of any interest."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.law.accrual import CLAIMS, REDUCTIONS, Terms, accrue
from dunwell.engine.law.debt import Debt
from dunwell.engine.law.regime import DayCount, RateRule, Rounding
from dunwell.engine.law.series import RatesMissing, Series
from tests.engine.daily import Accrual, anniversary, half_up

BASES: Final = (0, 1, 99, 100, 12_345, 1_000_000, 10**9 + 7, 10**12)
FIRSTS: Final = (
    *(date(2024, 2, 29), date(2024, 2, 28), date(2023, 12, 31), date(2024, 1, 1), date(2025, 6, 30), date(2025, 7, 1)),
    *(date(2023, 3, 1), date(2025, 5, 31), date(2026, 1, 30)),
)
SERIES: Final = {
    "steps": Series(
        "steps",
        date(2030, 3, 31),
        (date(2022, 7, 1), date(2023, 1, 1), date(2024, 3, 15), date(2024, 7, 2), date(2026, 12, 31)),
        (-880_000, 0, 2_265_001, 3_500_000, 120_000_000),
    ),
    "begins": Series("begins", date(2025, 9, 15), (date(2024, 1, 2),), (4_250_000,)),
    "empty": Series("empty", date(2025, 9, 15), (), ()),
}


@dataclass(frozen=True)
class Claim:
    """A claim, and how its interest runs."""

    terms: Terms
    first_on: date
    from_on: date
    until_on: date
    base_minor: int
    reductions: tuple[tuple[date, int], ...]


def interest(*claims: Claim) -> list[tuple[int | None, str | None]]:
    """What `accrue` says of claims under the same terms."""
    rows = [(number, each.first_on, each.from_on, each.until_on, each.base_minor) for number, each in enumerate(claims)]
    paid = [(number, *reduction) for number, each in enumerate(claims) for reduction in each.reductions]
    found = accrue(
        pl.DataFrame(rows, schema=CLAIMS, orient="row"),
        pl.DataFrame(paid, schema=REDUCTIONS, orient="row"),
        claims[0].terms,
        SERIES,
    )
    assert found["claim"].to_list() == list(range(len(claims)))
    return found.select("interest_minor", "lacks").rows()


def by_days(claim: Claim) -> int | None:
    accrual = Accrual(*claim.terms, SERIES, claim.first_on)
    return accrual.of(claim.base_minor, claim.reductions, claim.from_on, claim.until_on)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Any rule, day count and rounding."""
    rule: dict[str, Any] = {
        "mode": draw(st.sampled_from(["floating", "fixed_at_start", "constant"])),
        "compounding": draw(st.sampled_from(["none", "none", "yearly"])),
        "source": "made up",
    }
    if rule["mode"] == "constant":
        rule["rate"] = Decimal(draw(st.sampled_from(["0", "5", "8.25", "12.0001"])))
    else:
        rule |= {
            "series": draw(st.sampled_from(["steps", "steps", "steps", "begins", "empty", "gone"])),
            "margin": Decimal(draw(st.sampled_from(["0", "8", "9.2", "-1"]))),
            "snapshot": draw(st.sampled_from(["day", "half_year", "half_year_eve"])),
            "round_up_to": draw(st.sampled_from([None, None, Decimal("0.5")])),
        }
    return Terms(
        RateRule(**rule),
        draw(st.sampled_from(["act/365", "act/act", "30/360", "act/360"])),
        draw(st.sampled_from(["exact", "exact", "daily_rate_2dp"])),
    )


@st.composite
def claims(draw: st.DrawFn, of: Terms) -> Claim:
    """A claim of at most some years, with part payments and some of them taken back."""
    first_on = draw(st.sampled_from(FIRSTS))
    from_on = first_on + timedelta(days=draw(st.sampled_from([0, 0, 0, 1, 30, 181, 366, 800])))
    until_on = from_on + timedelta(days=draw(st.sampled_from([-1, 0, 1, 27, 28, 29, 30, 31, 90, 365, 366, 1200])))
    reductions: list[tuple[date, int]] = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 4]))):
        on = first_on + timedelta(days=draw(st.integers(-2, 1200)))
        amount = draw(st.sampled_from([1, 50, 10_000, 10**9, 10**12]))
        reductions.append((on, amount))
        if draw(st.booleans()):
            reductions.append((on + timedelta(days=draw(st.sampled_from([0, 1, 40]))), -amount))
    return Claim(of, first_on, from_on, until_on, draw(st.sampled_from(BASES)), tuple(reductions))


@given(st.data())
def test_interest_is_what_the_days_come_to_one_by_one(data: st.DataObject) -> None:
    of = data.draw(terms())
    drawn = data.draw(st.lists(claims(of), min_size=1, max_size=4))
    found = interest(*drawn)
    assert [amount for amount, _lacks in found] == [by_days(claim) for claim in drawn]
    assert all((amount is None) == (lacks == of.rule.series and lacks is not None) for amount, lacks in found)


FLOATING: Final = RateRule(mode="floating", series="steps", margin=Decimal(8), source="made up")


@pytest.mark.parametrize("day_count", ["act/365", "act/act", "30/360", "act/360"])
@pytest.mark.parametrize("rounding", ["exact", "daily_rate_2dp"])
@pytest.mark.parametrize("compounding", ["none", "yearly"])
def test_a_hundred_years_of_the_largest_amount(
    day_count: DayCount, rounding: Rounding, compounding: Literal["none", "yearly"]
) -> None:
    rule = RateRule(mode="constant", rate=Decimal("9.8765"), compounding=compounding, source="made up")
    of = Terms(rule, day_count, rounding)
    first_on = date(1926, 2, 28)
    paid = ((date(1950, 6, 30), 10**12), (date(1970, 1, 1), 1))
    claim = Claim(of, first_on, first_on, date(2026, 2, 27), 10**12, paid)
    later = replace(claim, from_on=date(2020, 12, 31))
    assert [amount for amount, _lacks in interest(claim, later)] == [by_days(claim), by_days(later)]


@given(st.data())
def test_a_period_parted_comes_to_the_same(data: st.DataObject) -> None:
    of = data.draw(terms())._replace(rounding="exact")
    whole = data.draw(claims(of))
    parted_on = whole.from_on + timedelta(days=data.draw(st.sampled_from([0, 1, 29, 60, 365])))
    parts = replace(whole, until_on=min(parted_on, whole.until_on)), replace(whole, from_on=parted_on + timedelta(1))
    (all_of_it, _), *each = interest(whole, *parts)
    amounts = [amount for amount, _lacks in each]
    if all_of_it is None or None in amounts:
        return
    difference = sum(amount or 0 for amount in amounts) - all_of_it
    assert difference <= 1  # two roundings in place of one
    if of.rule.compounding == "none" or of_one_year(whole):
        assert difference >= -1  # else what was charged with the first part bears no interest in the second


def of_one_year(claim: Claim) -> bool:
    """Whether no anniversary of the claim's first day is among those that are charged, but for the first of them."""
    years = range(1, claim.until_on.year - claim.first_on.year + 1)
    return not any(claim.from_on < anniversary(claim.first_on, year) <= claim.until_on for year in years)


@given(st.data())
def test_more_days_never_cost_less_and_a_payment_never_more(data: st.DataObject) -> None:
    claim = data.draw(claims(data.draw(terms())))
    longer = replace(claim, until_on=claim.until_on + timedelta(days=data.draw(st.sampled_from([1, 2, 31]))))
    on = claim.first_on + timedelta(days=data.draw(st.integers(0, 500)))
    paid = min(claim.base_minor, 5_000)
    less = replace(claim, base_minor=claim.base_minor - paid, reductions=(*claim.reductions, (on, paid)))
    (amount, _), (of_longer, _), (of_less, _) = interest(claim, longer, less)
    assert of_longer is None or amount is None or of_longer >= amount
    assert (of_less is None) == (amount is None)
    assert amount is None or of_less is None or of_less <= amount


@given(st.data())
def test_the_two_day_counts_agree_in_ordinary_years(data: st.DataObject) -> None:
    of = data.draw(terms())
    claim = data.draw(claims(of))
    start = date(2025, 1, 1) + timedelta(days=data.draw(st.integers(0, 300)))
    within = replace(claim, first_on=start, from_on=start, until_on=start + timedelta(days=400))
    act_365 = interest(replace(within, terms=of._replace(day_count="act/365")))
    assert act_365 == interest(replace(within, terms=of._replace(day_count="act/act")))


@given(st.data())
def test_a_claim_worked_out_in_full_comes_to_the_same(data: st.DataObject) -> None:
    of = data.draw(terms())
    claim = data.draw(claims(of))
    (amount, lacks) = interest(claim)[0]
    came = sum(paid for _on, paid in claim.reductions)
    debt = Debt(claim.base_minor + came, claim.first_on, of.rule, SERIES, claim.reductions, of.day_count, of.rounding)
    if lacks:
        with pytest.raises(RatesMissing, match=lacks):
            debt.charge(claim.from_on, claim.until_on)
    elif claim.from_on <= claim.until_on:
        _periods, exact = debt.charge(claim.from_on, claim.until_on)
        assert amount == half_up(exact)
