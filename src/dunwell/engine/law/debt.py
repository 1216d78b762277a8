"""The interest of one debt, day by day: spans of one rate, one principal and one length of the year, all exact."""

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from dunwell.engine.law.rates import MILLIONTHS, RatePeriod, anniversary, rate_periods
from dunwell.engine.law.regime import DayCount, RateRule, Rounding
from dunwell.engine.law.series import AllSeries
from dunwell.engine.money import fraction_half_up

DAY: Final = timedelta(days=1)
KEPT: Final = 10**6  # interest that is added to the principal, and shown, is kept to millionths of a minor unit


@dataclass(frozen=True)
class Period:
    """Days of one principal and one rate, both ends counted.

    Sums in minor units; `added_minor` is interest of earlier years that bears interest. `year_days` is what a year
    counts. `interest_minor` is kept to millionths.
    """

    from_on: date
    until_on: date
    days: int
    principal_minor: int
    added_minor: Decimal
    reference_percent: Decimal | None
    rate_percent: Decimal
    year_days: int
    interest_minor: Decimal


@dataclass(frozen=True)
class _Span:
    """Days between two changes of anything, what bears interest in them beside the principal, and their interest.

    `accrued` is all interest of the debt at their end.
    """

    from_on: date
    until_on: date
    rate: RatePeriod
    added: Fraction
    interest: Fraction
    accrued: Fraction


@dataclass(frozen=True)
class Debt:
    """What bears interest from `first_on`, in minor units, and by which rule.

    `reductions`: what was paid on a day, which lowers the principal from the next; below 0 where it was taken back.
    """

    principal_minor: int
    first_on: date
    rule: RateRule
    series: AllSeries
    reductions: tuple[tuple[date, int], ...] = ()
    day_count: DayCount = "act/365"
    rounding: Rounding = "exact"

    def principal_on(self, day: date) -> int:
        """The principal on a day, without what interest of earlier years has added to it."""
        return max(self.principal_minor - sum(amount for on, amount in self.reductions if on < day), 0)

    def accrued(self, until_on: date) -> Fraction:
        """All interest to a day, which counts: that of earlier years as it was added, that of the last exact.

        Errors: RatesMissing.
        """
        total = Fraction(0)
        for span in self._spans(until_on):
            total = span.accrued
        return total

    def periods(self, from_on: date, until_on: date) -> Iterator[Period]:
        """The periods from a day to another, as they are shown. Errors: RatesMissing."""
        for span in self._spans(until_on, cut_on=from_on):
            if span.until_on < from_on:
                continue
            reference = span.rate.reference_millionths
            yield Period(
                span.from_on,
                span.until_on,
                days_counted(self.day_count, span.from_on, span.until_on),
                self.principal_on(span.from_on),
                _kept(span.added),
                None if reference is None else Decimal(reference) / MILLIONTHS,
                Decimal(span.rate.rate_millionths) / MILLIONTHS,
                _year_days(self.day_count, span.from_on),
                _kept(span.interest),
            )

    def _spans(self, until_on: date, *, cut_on: date | None = None) -> Iterator[_Span]:
        """Cut the days of interest wherever anything changes, and at `cut_on`."""
        rates = rate_periods(self.rule, self.first_on, until_on, self.series)
        years = set(self._years(until_on)) if self.rule.compounding == "yearly" else set()
        starts = (
            {rate.from_on for rate in rates} | {on + DAY for on, _amount in self.reductions if on < until_on} | years
        )
        starts |= {cut_on} if cut_on else set()
        if self.day_count == "act/act":
            starts |= {date(year, 1, 1) for year in range(self.first_on.year + 1, until_on.year + 1)}
        inner = sorted(day for day in starts if self.first_on < day <= until_on)
        cuts = [self.first_on, *inner] if self.first_on <= until_on else []
        added, of_year = Fraction(0), Fraction(0)
        for start, end in zip(cuts, [*(day - DAY for day in cuts[1:]), until_on], strict=False):
            if start in years:
                added, of_year = added + Fraction(fraction_half_up(of_year * KEPT), KEPT), Fraction(0)
            rate = next(each for each in rates if each.from_on <= start <= each.until_on)
            interest = self._interest(start, end, rate, self.principal_on(start) + added)
            of_year += interest
            yield _Span(start, end, rate, added, interest, added + of_year)

    def _years(self, until_on: date) -> Iterator[date]:
        """The days on which the interest of the year before is added."""
        years = 1
        while (day := anniversary(self.first_on, years)) <= until_on:
            yield day
            years += 1

    def _interest(self, from_on: date, until_on: date, rate: RatePeriod, bearing: Fraction) -> Fraction:
        """The interest of a span on what bears it, exact but where that of one day is rounded."""
        of_a_day = bearing * rate.rate_millionths / (100 * MILLIONTHS) / _year_days(self.day_count, from_on)
        if self.rounding == "daily_rate_2dp":
            of_a_day = Fraction(fraction_half_up(of_a_day))
        return of_a_day * days_counted(self.day_count, from_on, until_on)


def days_counted(day_count: DayCount, from_on: date, until_on: date) -> int:
    """How many days of interest a span has, both ends counted; parts of a span count as many as the whole."""
    if day_count == "30/360":
        return _thirty(until_on) - _thirty(from_on - DAY)
    return (until_on - from_on).days + 1


def _thirty(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day, 30)


def _year_days(day_count: DayCount, day: date) -> int:
    if day_count in {"30/360", "act/360"}:
        return 360
    return 366 if day_count == "act/act" and isleap(day.year) else 365


def _kept(value: Fraction) -> Decimal:
    return Decimal(fraction_half_up(value * KEPT)) / KEPT
