"""A working as letters say it, and as a page of its own."""

from collections.abc import Sequence
from datetime import date

from dunwell.engine.law.debt import Period
from dunwell.engine.law.law import Law
from dunwell.engine.law.working import Claim, Working
from dunwell.letters import notice as letters
from dunwell.letters.working import WorkingPage, typeset_working

MILLIONTHS = 1_000_000


def interest_of(working: Working, law: Law, number: str, *, until_on: date, amount_minor: int) -> letters.Interest:
    """Return a working as a letter has it, of an amount that is charged."""
    rule = working.rule
    return letters.Interest(
        number=number,
        until_on=until_on,
        amount_minor=amount_minor,
        periods=tuple(map(_period, working.periods)),
        day_count=working.day_count,
        is_compounding=bool(rule and rule.compounding == "yearly"),
        is_rounded_daily=law.rounding == "daily_rate_2dp",
        source=rule.source if rule else "",
    )


def print_working(
    working: Working,
    law: Law,
    claim: Claim,
    *,
    flat_minor: int,
    charges: Sequence[letters.ChargeLine] = (),
    number: str = "",
    language: str = "en",
) -> bytes:
    """Set a working on a page of its own: PDF/A-2a and PDF/UA-1, dated by its last day; its total is all that is owed.

    `charges`: what was charged before, and is open. Errors: ValueError.
    """
    amount = working.interest_minor
    paid_minor = sum(amount for on, amount in claim.reductions if on <= claim.until_on)
    page = WorkingPage(
        interest=interest_of(working, law, number, until_on=claim.until_on, amount_minor=amount),
        currency=claim.currency,
        amount_minor=claim.principal_minor - paid_minor,
        due_on=claim.due_on,
        charges=tuple(charges),
        compensation_minor=flat_minor,
        legal_basis="; ".join(working.sources),
        language=language,
    )
    return typeset_working(page)


def _period(period: Period) -> letters.Period:
    reference = period.reference_percent
    return letters.Period(
        from_on=period.from_on,
        until_on=period.until_on,
        days=period.days,
        principal_minor=period.bearing_minor,
        reference_millionths=None if reference is None else int(reference * MILLIONTHS),
        rate_millionths=int(period.rate_percent * MILLIONTHS),
        interest=period.interest_minor,
    )
