"""The interest of one debt, day by day: spans of one rate, one principal and one length of the year, all exact."""

from bisect import bisect_left, bisect_right
from calendar import isleap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import accumulate
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

    Sums in minor units; `added_minor` is interest of earlier years that bears interest. `interest_minor` is kept to
    millionths.
    """

    from_on: date
    until_on: date
    days: int
    principal_minor: int
    added_minor: Decimal
    reference_percent: Decimal | None
    rate_percent: Decimal
    interest_minor: Decimal

    @property
    def bearing_minor(self) -> int:
        """What bears interest, with that of earlier years, as people read it: rounded half-up to the minor unit."""
        return int((self.principal_minor + self.added_minor).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True)
class _Span:
    """Days between two changes of anything, what bears interest in them beside the principal, and their interest.

    `accrued` is all interest at their end that was not charged before.
    """

    from_on: date
    until_on: date
    rate: RatePeriod
    principal_minor: int
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

    def charge(self, from_on: date, until_on: date) -> tuple[list[Period], Fraction]:
        """The periods from a day to another, as they are shown, and their interest, exact.

        What was charged of the days before is a claim of its own, and bears no interest. Errors: RatesMissing.
        """
        spans = list(self._spans(max(from_on, self.first_on), until_on))
        return [self._shown(span) for span in spans], spans[-1].accrued if spans else Fraction(0)

    def _shown(self, span: _Span) -> Period:
        reference = span.rate.reference_millionths
        return Period(
            from_on=span.from_on,
            until_on=span.until_on,
            days=days_counted(self.day_count, span.from_on, span.until_on),
            principal_minor=span.principal_minor,
            added_minor=_kept(span.added),
            reference_percent=None if reference is None else Decimal(reference) / MILLIONTHS,
            rate_percent=Decimal(span.rate.rate_millionths) / MILLIONTHS,
            interest_minor=_kept(span.interest),
        )

    def _spans(self, from_on: date, until_on: date) -> Iterator[_Span]:
        """Cut the days from one to another wherever anything changes."""
        rates = rate_periods(self.rule, self.first_on, until_on, self.series)
        years = set(self._years(until_on)) if self.rule.compounding == "yearly" else set()
        starts = (
            {rate.from_on for rate in rates} | {on + DAY for on, _amount in self.reductions if on < until_on} | years
        )
        if self.day_count == "act/act":
            starts |= {date(year, 1, 1) for year in range(self.first_on.year + 1, until_on.year + 1)}
        inner = sorted(day for day in starts if from_on < day <= until_on)
        cuts = [from_on, *inner] if from_on <= until_on else []
        added, of_year = Fraction(0), Fraction(0)
        rates_from, principal_on = [rate.from_on for rate in rates], self._principals()
        for start, end in zip(cuts, [*(day - DAY for day in cuts[1:]), until_on], strict=False):
            if start in years and start > from_on:
                added, of_year = added + Fraction(fraction_half_up(of_year * KEPT), KEPT), Fraction(0)
            rate, principal_minor = rates[bisect_right(rates_from, start) - 1], principal_on(start)
            interest = self._interest(start, end, rate, principal_minor + added)
            of_year += interest
            yield _Span(start, end, rate, principal_minor, added, interest, added + of_year)

    def _principals(self) -> Callable[[date], int]:
        """The principal by the day, without what interest of earlier years has added to it; never below 0."""
        paid = sorted(self.reductions)
        days = [on for on, _amount in paid]
        sums = [0, *accumulate(amount for _on, amount in paid)]
        return lambda day: max(self.principal_minor - sums[bisect_left(days, day)], 0)

    def _years(self, until_on: date) -> Iterator[date]:
        """The days on which the interest of the year before is added."""
        years = 1
        while (day := anniversary(self.first_on, years)) <= until_on:
            yield day
            years += 1

    def _interest(self, from_on: date, until_on: date, rate: RatePeriod, bearing: Fraction) -> Fraction:
        """The interest of a span on what bears it, exact but where that of one day is rounded."""
        days, year = days_counted(self.day_count, from_on, until_on), _year_days(self.day_count, from_on)
        parts = bearing.denominator * 100 * MILLIONTHS * year
        if self.rounding == "daily_rate_2dp":
            return Fraction(fraction_half_up(Fraction(bearing.numerator * rate.rate_millionths, parts)) * days)
        return Fraction(bearing.numerator * rate.rate_millionths * days, parts)


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
