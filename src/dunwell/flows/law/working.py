"""What a claim bears by now: one that somebody describes, or an item of the book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import get_args

import polars as pl

from dunwell.engine.data import regime_names
from dunwell.engine.decide import decide
from dunwell.engine.documents import hint
from dunwell.engine.law.law import Law, law_of
from dunwell.engine.law.regime import DayCount, DebtorClass
from dunwell.engine.law.series import AllSeries, RatesMissing
from dunwell.engine.law.working import Claim, Working, work_out
from dunwell.engine.money import MoneyError, to_minor
from dunwell.engine.policy.model import Policy
from dunwell.flows import policies
from dunwell.flows.errors import Invalid
from dunwell.flows.law.claims import claim_of, has_flat
from dunwell.flows.law.paper import print_working
from dunwell.flows.law.rated import with_rates
from dunwell.flows.law.series import known_series
from dunwell.flows.runs.explain import item_called
from dunwell.records import frames
from dunwell.records.models import Entity


@dataclass(frozen=True)
class Terms:
    """By what law a claim is judged: a regime, an agreed rate in percent, or both; empty for what a policy says."""

    regime: str | None = None
    debtor_class: str | None = None
    rate: str | None = None
    day_count: str | None = None


@dataclass(frozen=True)
class Worked:
    """A claim worked out under a law; `number` is that of an item of the book. `has_flat`: it was charged before.

    `flat_lacks`: why the flat sum cannot be told.
    """

    law: Law
    claim: Claim
    working: Working
    number: str = ""
    has_flat: bool = False
    flat_lacks: str = ""

    @property
    def flat_minor(self) -> int:
        """The flat sum that can still be charged."""
        return 0 if self.has_flat else self.working.flat_minor

    def printed(self, language: str) -> bytes:
        """Set it as a PDF. Errors: Invalid where it cannot be set."""
        try:
            return print_working(
                self.working, self.law, self.claim, flat_minor=self.flat_minor, number=self.number, language=language
            )
        except ValueError as error:
            raise Invalid(str(error)) from None


def work_claim(
    terms: Terms,
    *,
    amount: str,
    currency: str | None,
    due_on: date,
    until_on: date,
    paid: Sequence[str] = (),
    series: AllSeries,
) -> Worked:
    """Work out a claim that somebody describes; `paid` holds texts such as `2025-08-01:300.00`.

    Errors: Invalid, with the field or the series.
    """
    law = _law(terms)
    known = currency or (law.regime.currency if law.regime else None)
    if known is None:
        raise Invalid("currency: say in which currency it is, such as --currency EUR")
    claim = _claim(
        currency=known,
        principal_minor=_minor("amount", amount, known),
        due_on=due_on,
        until_on=until_on,
        debtor_class=_class(terms.debtor_class),
        reductions=tuple(_paid(each, known) for each in paid),
    )
    return _worked(law, claim, series)


def work_item(entity: Entity, number: str, *, until_on: date, terms: Terms) -> Worked:
    """Work out what can still be charged on an item of the book through a day, by its policy or by other terms.

    Errors: NotFound; Invalid for one that has no policy with a law, and where a series does not reach so far.
    """
    item = item_called(entity, number)
    if item.due_on is None or item.kind not in {"invoice", "instalment"}:
        raise Invalid(f"{number} bears no interest: it is a {item.kind}, or has no due date")
    rules = policies.parsed(policies.versions_in_force(entity))
    book = with_rates(frames.account_book([item.account_id]), rules)
    decided = decide(book, rules, until_on).decisions.filter(pl.col("item_id") == item.pk).row(0, named=True)
    law = _law(terms) if terms.regime or terms.rate else _of_policy(decided["policy"], rules, number)
    base_minor = item.open_minor - item.disputed_minor - (decided["credited_minor"] or 0)
    due_on = item.due_on
    if decided["days_past_due"] is not None:  # on a closed day it may be due later, as the policy's calendar has it
        due_on = date.fromordinal(until_on.toordinal() - decided["days_past_due"])
    claim = claim_of(
        book,
        item.pk,
        base_minor=base_minor,
        due_on=due_on,
        until_on=until_on,
        debtor_class=_class(terms.debtor_class or item.account.debtor_class),
    )
    return _worked(law, claim, known_series(), number=item.number, flat_before=has_flat(book, item.pk))


def _of_policy(name: str | None, rules: Sequence[Policy], number: str) -> Law:
    law = next((policy.law for policy in rules if policy.policy == name), None)
    if law is None:
        which = f"policy {name} has no `interest`" if name else "no policy applies to it"
        raise Invalid(f"{number}: {which}: say by which law with --regime or --rate")
    return law


def _law(terms: Terms) -> Law:
    known: Mapping[str, str] = {name.upper(): name for name in regime_names()}
    if terms.regime is None and terms.rate is None:
        raise Invalid("regime: say by which law with --regime, or the agreed rate with --rate")
    if terms.regime is not None and terms.regime.upper() not in known:
        near, there = hint(terms.regime.upper(), list(known)), ", ".join(known)
        raise Invalid(f"regime: there is none called {terms.regime}{near}; there are {there}")
    day_count = next((each for each in get_args(DayCount) if each == terms.day_count), None)
    if terms.day_count is not None and day_count is None:
        raise Invalid(f"day-count: {terms.day_count!r} is none of {', '.join(get_args(DayCount))}")
    return law_of(
        known[terms.regime.upper()] if terms.regime else None,
        agreed_percent=_percent(terms.rate),
        day_count=day_count,
        default_class=None,
    )


def _percent(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        rate = Decimal(text.removesuffix("%").strip())
    except ArithmeticError:
        raise Invalid(f"rate: {text!r} is no number of percent a year, such as 11.27") from None
    if not rate.is_finite() or not 0 <= rate <= 1000 or rate != round(rate, 6):
        raise Invalid(f"rate: {text} is not between 0 and 1000 percent a year, with at most six decimals")
    return rate


def _class(name: str | None) -> DebtorClass | None:
    found = next((each for each in get_args(DebtorClass) if each == name), None)
    if name is not None and found is None:
        raise Invalid(f"class: {name!r} is none of {', '.join(get_args(DebtorClass))}")
    return found


def _claim(**fields: object) -> Claim:
    try:
        return Claim(**fields)  # type: ignore[arg-type]  # each by its name
    except ValueError as error:
        raise Invalid(str(error)) from None


def _minor(field: str, text: str, currency: str) -> int:
    try:
        return to_minor(text, currency)
    except MoneyError as error:
        raise Invalid(f"{field}: {error}") from None


def _paid(text: str, currency: str) -> tuple[date, int]:
    day, colon, amount = text.partition(":")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        colon = ""
    if not colon:
        raise Invalid(f"paid: {text!r} is not a day and an amount, such as 2025-08-01:300.00")
    return on, _minor("paid", amount, currency)


def _worked(law: Law, claim: Claim, series: AllSeries, *, number: str = "", flat_before: bool = False) -> Worked:
    """Work a claim out; where only what a flat sum is converted by is missing, without that."""
    try:
        try:
            return Worked(law, claim, work_out(law, claim, series), number, flat_before)
        except RatesMissing as error:
            if law.agreed_percent is None or law.regime is None:
                raise
            without = replace(law, regime=law.regime.model_copy(update={"flat": {}}))
            return Worked(law, claim, work_out(without, claim, series), number, flat_before, str(error))
    except RatesMissing as error:
        raise Invalid(f"{error}\nor say the rate that holds with --rate PERCENT") from None
    except ValueError as error:
        raise Invalid(f"{error}: say it with --class" if "debtor_class" in str(error) else str(error)) from None
