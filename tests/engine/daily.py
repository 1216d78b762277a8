"""Interest day by day in fractions: what `engine.law` must come to, without any of its shortcuts."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Final, TypeAlias

from dunwell.engine.law.regime import DayCount, RateRule, Rounding
from dunwell.engine.law.series import Series

DAY: Final = timedelta(days=1)
HUNDRED_YEARS: Final = 36_525
Rates: TypeAlias = Mapping[str, Series]


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def rate_of(rule: RateRule, day: date, rates: Rates) -> Fraction | None:
    """The rate of a day, in percent; None where the series does not say."""
    if rule.mode == "constant":
        return max(Fraction(rule.rate or 0), Fraction(0))
    half = date(day.year, 1 if day.month <= 6 else 7, 1)
    asked = {"day": day, "half_year": half, "half_year_eve": half - DAY}[rule.snapshot]
    series = rates.get(rule.series or "")
    if series is None or asked > series.complete_until_on:
        return None
    values = [value for start, value in zip(series.days, series.values, strict=True) if start <= asked]
    if not values:
        return None
    reference = Fraction(values[-1], 1_000_000)
    if rule.round_up_to:
        step = Fraction(rule.round_up_to)
        reference = -floor(-reference / step) * step
    return max(reference + Fraction(rule.margin), Fraction(0))


def part_of_year(day: date, day_count: DayCount) -> tuple[int, int]:
    """What a day counts for, and of how many."""
    if day_count == "act/act":
        is_leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        return 1, 366 if is_leap else 365
    if day_count == "30/360":
        before = day - DAY
        numbers = [360 * each.year + 30 * each.month + min(each.day, 30) for each in (before, day)]
        return numbers[1] - numbers[0], 360
    return 1, 365 if day_count == "act/365" else 360


def anniversary(first: date, years: int) -> date:
    try:
        return first.replace(year=first.year + years)
    except ValueError:
        return date(first.year + years, 3, 1)


class Accrual:
    """The interest of one claim, day by day."""

    def __init__(self, rule: RateRule, day_count: DayCount, rounding: Rounding, rates: Rates, first_on: date) -> None:
        self.rule, self.day_count, self.rounding, self.rates, self.first_on = rule, day_count, rounding, rates, first_on

    def of(self, base_minor: int, reductions: Sequence[tuple[date, int]], from_on: date, until_on: date) -> int | None:
        """What is charged for the days from one to another, in minor units; None where a rate is missing."""
        if from_on > until_on:
            return 0
        asked = [self.first_on] if self.rule.mode == "fixed_at_start" else [self.first_on, until_on]
        if any(rate_of(self.rule, day, self.rates) is None for day in asked):
            return None
        self.fixed = rate_of(self.rule, self.first_on, self.rates)
        if self.rule.compounding == "none":
            return half_up(self._span(base_minor, reductions, from_on, until_on, Fraction(0)))
        return half_up(self._compounded(base_minor, reductions, from_on, until_on))

    def _compounded(
        self, base_minor: int, reductions: Sequence[tuple[date, int]], from_on: date, until_on: date
    ) -> Fraction:
        """Begin with nothing on the first day charged: interest of the days before is a claim of its own."""
        carried, year = Fraction(0), 0
        while True:
            start, end = anniversary(self.first_on, year), anniversary(self.first_on, year + 1) - DAY
            year += 1
            if end < from_on:
                continue
            interest = self._span(base_minor, reductions, max(start, from_on), min(end, until_on), carried)
            if until_on <= end:
                return carried + interest
            carried += Fraction(half_up(interest * 10**6), 10**6)

    def _span(
        self, base_minor: int, reductions: Sequence[tuple[date, int]], from_on: date, until_on: date, carried: Fraction
    ) -> Fraction:
        """The interest of some days, which bear no interest among themselves."""
        weights: dict[tuple[Fraction, Fraction, int], int] = {}
        day = from_on
        while day <= until_on:
            principal = max(base_minor + sum(amount for on, amount in reductions if on >= day), 0) + carried
            rate = rate_of(self.rule, day, self.rates) if self.rule.mode == "floating" else self.fixed
            assert rate is not None
            count, year = part_of_year(day, self.day_count)
            key = (principal, rate, year)
            weights[key] = weights.get(key, 0) + count
            day += DAY
        total = Fraction(0)
        for (principal, rate, year), count in weights.items():
            of_a_day = principal * rate / 100 / year
            total += (half_up(of_a_day) if self.rounding == "daily_rate_2dp" else of_a_day) * count
        return total
