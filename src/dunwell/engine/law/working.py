"""One claim in full: interest period by period and the flat sum, the clear and slow way, exact until the end.

What is charged is computed in frames by `accrual.py`; here is what a person reads, and what that is checked against.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import get_args

from dunwell.engine.law.debt import DAY, Debt, Period
from dunwell.engine.law.flat import FlatSum, flat_sum
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DayCount, DebtorClass, Flat, RateRule
from dunwell.engine.law.series import AllSeries
from dunwell.engine.money import AMOUNT_MINOR_MAX, exponent, fraction_half_up


@dataclass(frozen=True)
class Claim:
    """What is owed, in minor units, since when and until which day, the last that counts.

    `reductions`: what was paid on a day, which lowers the principal from the next; below 0 where it was taken back.
    `from_on`: the first day not charged yet. `interest_from_on`: no interest before it.
    `fees_minor`: what was charged as fees by then, for flat sums that they count towards.
    Errors: ValueError with the field; MoneyError for an unknown currency.
    """

    currency: str
    principal_minor: int
    due_on: date
    until_on: date
    debtor_class: DebtorClass | None = None
    reductions: tuple[tuple[date, int], ...] = ()
    from_on: date | None = None
    interest_from_on: date | None = None
    fees_minor: int = 0

    def __post_init__(self) -> None:
        exponent(self.currency)
        if not 0 <= self.principal_minor <= AMOUNT_MINOR_MAX:
            raise ValueError(f"principal_minor: {self.principal_minor} is not between 0 and {AMOUNT_MINOR_MAX}")
        if any(abs(amount) > AMOUNT_MINOR_MAX for _on, amount in self.reductions):
            raise ValueError(f"reductions: an amount is beyond {AMOUNT_MINOR_MAX}")
        if self.debtor_class is not None and self.debtor_class not in get_args(DebtorClass):
            known = ", ".join(get_args(DebtorClass))
            raise ValueError(f"debtor_class: {self.debtor_class!r} is none of {known}")


@dataclass(frozen=True)
class Working:
    """How much interest a claim bears, and the flat sum on it: what is charged, and why.

    `first_on` is the first day of the debt's interest, None where none has begun. `by_law` says what the law gives not.
    """

    first_on: date | None
    periods: tuple[Period, ...]
    interest_exact_minor: Fraction
    interest_minor: int
    flat: FlatSum | None
    flat_minor: int
    day_count: DayCount
    rule: RateRule | None
    sources: tuple[str, ...]
    by_law: tuple[str, ...]


def work_out(law: Law, claim: Claim, series: AllSeries) -> Working:
    """Work a claim out under a law.

    Errors: RatesMissing for a rate that no series gives; ValueError where the law must know the debtor's class.
    """
    debtor_class = _class_of(law, claim)
    rule, flat = law.rate_rule(debtor_class), law.flat(debtor_class)
    late = claim.until_on > claim.due_on
    first_on = first_day(rule, claim.due_on, claim.interest_from_on) if late else None
    if first_on and first_on > claim.until_on:
        first_on = None
    periods, exact = _interest(law, rule, claim, first_on, series) if rule and first_on else ((), Fraction(0))
    owed = _flat(flat, claim, rule, series) if flat and late else None
    given = rule is not None and not (rule.starts == "given" and claim.interest_from_on is None)
    return Working(
        first_on=first_on,
        periods=periods,
        interest_exact_minor=exact,
        interest_minor=fraction_half_up(exact),
        flat=owed,
        flat_minor=owed.minor if owed else 0,
        day_count=law.day_count,
        rule=rule,
        sources=tuple(part.source for part in (rule, flat) if part),
        by_law=tuple(word for word, there in (("no_interest", given), ("no_compensation", flat)) if not there),
    )


def first_day(rule: RateRule | None, due_on: date, interest_from_on: date | None) -> date | None:
    """The first day of a debt's interest; None where there is no rule, or it waits for a day that the item gives."""
    if rule is None or (rule.starts == "given" and interest_from_on is None):
        return None
    late_on = due_on + DAY
    return max(late_on, interest_from_on or late_on)


def flat_day(rule: RateRule | None, due_on: date, interest_from_on: date | None) -> date:
    """The day by whose principal the flat sum goes: the first of interest, or of delay where no interest runs."""
    return first_day(rule, due_on, interest_from_on) or max(due_on + DAY, interest_from_on or date.min)


def _class_of(law: Law, claim: Claim) -> DebtorClass:
    found = claim.debtor_class or law.default_class
    if found is None and law.regime is not None:
        raise ValueError("debtor_class: the law asks whether the debtor is a business, a consumer or a public body")
    return found or "business"  # a rate that was agreed is the same for all


def _interest(
    law: Law, rule: RateRule, claim: Claim, first_on: date, series: AllSeries
) -> tuple[tuple[Period, ...], Fraction]:
    """The periods not charged yet, and their interest: that to the last day less that before the first."""
    debt = Debt(
        principal_minor=claim.principal_minor,
        first_on=first_on,
        rule=rule,
        series=series,
        reductions=claim.reductions,
        day_count=law.day_count,
        rounding=law.rounding,
    )
    from_on = claim.from_on or first_on
    if from_on > claim.until_on:
        return (), Fraction(0)
    periods, exact = debt.charge(from_on, claim.until_on)
    return tuple(periods), exact


def _flat(flat: Flat, claim: Claim, rule: RateRule | None, series: AllSeries) -> FlatSum | None:
    """The flat sum by the principal on its day; None where that is yet to come."""
    on = flat_day(rule, claim.due_on, claim.interest_from_on)
    if on > claim.until_on:
        return None
    paid_before = sum(amount for paid_on, amount in claim.reductions if paid_on < on)
    return flat_sum(
        flat,
        max(claim.principal_minor - paid_before, 0),
        claim.currency,
        first_on=on,
        due_on=claim.due_on,
        series=series,
        fees_minor=claim.fees_minor,
    )
