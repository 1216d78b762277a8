"""What a claim bears by now: one that somebody describes, or an item of the book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, get_args

import polars as pl

from dunwell.engine.data import regime_names
from dunwell.engine.decide import decide
from dunwell.engine.documents import hint
from dunwell.engine.law.law import Law, law_of
from dunwell.engine.law.regime import DayCount, DebtorClass
from dunwell.engine.law.series import AllSeries, RatesMissing
from dunwell.engine.law.working import Claim, Working, work_out
from dunwell.engine.money import CURRENCIES, MoneyError, decimal_of, format_minor, not_in_use
from dunwell.engine.policy.model import Policy
from dunwell.flows import policies
from dunwell.flows.errors import Invalid
from dunwell.flows.happening import minor_of
from dunwell.flows.law.claims import claim_of, has_flat
from dunwell.flows.law.paper import print_working
from dunwell.flows.law.rated import with_rates
from dunwell.flows.law.series import known_series
from dunwell.flows.plausible import require_day
from dunwell.flows.runs.explain import item_called
from dunwell.letters.notice import ChargeLine
from dunwell.records import frames
from dunwell.records.models import Charge, Entity, Item
from dunwell.sources.problems import shown

RATE_MAX: Final = 100  # percent a year, as in policies
RATE_DECIMALS: Final = 4


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

    `flat_lacks`: why the flat sum cannot be told. `charges`: what was charged on the item before, and is open.
    """

    law: Law
    claim: Claim
    working: Working
    number: str = ""
    has_flat: bool = False
    flat_lacks: str = ""
    charges: tuple[ChargeLine, ...] = ()

    @property
    def flat_minor(self) -> int:
        """The flat sum that can still be charged."""
        return 0 if self.has_flat else self.working.flat_minor

    @property
    def is_late(self) -> bool:
        """Whether the last day that counts is after the day on which it was due."""
        return self.claim.until_on > self.claim.due_on

    @property
    def by_law(self) -> tuple[str, ...]:
        """What the law gives not, of what was asked: of a flat sum only where a regime might give one."""
        asks_flat = self.law.regime is not None and not self.has_flat and not self.flat_lacks
        return tuple(each for each in self.working.by_law if asks_flat or each != "no_compensation")

    def printed(self, language: str) -> bytes:
        """Set it as a PDF. Errors: Invalid where it cannot be set."""
        try:
            return print_working(
                self.working, self.law, self.claim,
                flat_minor=self.flat_minor, charges=self.charges, number=self.number, language=language,
            )  # fmt: skip
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

    Errors: Invalid, with the option or the series.
    """
    law = _law(terms)
    known = currency or (law.regime.currency if law.regime else None)
    if known is None:
        raise Invalid("--currency: say in which currency it is, such as --currency EUR")
    if known not in CURRENCIES:
        raise Invalid(f"--currency: {not_in_use(known)}")
    require_day("--due", due_on)
    require_day("--until", until_on)
    principal_minor = _above_zero("--amount", amount, known)
    reductions = tuple(_paid(each, known) for each in paid)
    if (came := sum(minor for _on, minor in reductions)) > principal_minor:
        raise Invalid(
            f"--paid: {format_minor(came, known)} is more than was owed, {format_minor(principal_minor, known)}"
        )
    claim = Claim(
        currency=known,
        principal_minor=principal_minor,
        due_on=due_on,
        until_on=until_on,
        debtor_class=_class(terms.debtor_class),
        reductions=reductions,
    )
    return _worked(law, claim, series)


def work_item(entity: Entity, number: str, *, until_on: date, terms: Terms) -> Worked:
    """Work out what can still be charged on an item of the book through a day, by its policy or by other terms.

    Errors: NotFound; Invalid for one that has no policy with a law, and where a series does not reach so far.
    """
    require_day("--until", until_on)
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
    found = _worked(law, claim, known_series(), number=item.number, flat_before=has_flat(book, item.pk))
    return replace(found, charges=_open_charges(item))


def _open_charges(item: Item) -> tuple[ChargeLine, ...]:
    """What was charged on an item before, and is open; what of it is disputed is not asked for."""
    found = Item.objects.filter(parent=item, kind="charge", draft=False).order_by("pk")
    kinds = dict(Charge.objects.filter(charge_item__parent=item).values_list("charge_item", "charge"))
    return tuple(
        ChargeLine(number=each.number, amount_minor=open_minor, charge=kinds.get(each.pk, "fee"))
        for each in found
        if (open_minor := each.open_minor - each.disputed_minor) > 0
    )


def _of_policy(name: str | None, rules: Sequence[Policy], number: str) -> Law:
    law = next((policy.law for policy in rules if policy.policy == name), None)
    if law is None:
        which = f"policy {name} has no `interest`" if name else "no policy applies to it"
        raise Invalid(f"{number}: {which}: say by which law with --regime or --rate")
    return law


def _law(terms: Terms) -> Law:
    known: Mapping[str, str] = {name.upper(): name for name in regime_names()}
    name = terms.regime
    if terms.regime is None and terms.rate is None:
        raise Invalid("say by which law with --regime, or the agreed rate with --rate")
    if name is not None and name not in known:  # in capitals, as policies have it
        near = f": do you mean {name.upper()}?" if name.upper() in known else hint(name.upper(), list(known))
        raise Invalid(f"--regime: there is none called {shown(name)}{near}; there are {', '.join(known)}")
    day_count = next((each for each in get_args(DayCount) if each == terms.day_count), None)
    if terms.day_count is not None and day_count is None:
        raise Invalid(f"--day-count: {shown(terms.day_count)} is none of {', '.join(get_args(DayCount))}")
    return law_of(
        known[name] if name else None,
        agreed_percent=_percent(terms.rate),
        day_count=day_count,
        default_class=None,
    )


def _percent(text: str | None) -> Decimal | None:
    """Read a rate within the bounds that policies have."""
    if text is None:
        return None
    try:
        rate = decimal_of(text.strip().removesuffix("%"))
    except MoneyError:
        raise Invalid(f"--rate: {shown(text)} is no number of percent a year, such as 11.27") from None
    if not 0 <= rate <= RATE_MAX or rate != round(rate, RATE_DECIMALS):
        raise Invalid(
            f"--rate: {shown(text)} is not between 0 and {RATE_MAX} percent a year,"
            f" with at most {RATE_DECIMALS} decimals"
        )
    return rate


def _class(name: str | None) -> DebtorClass | None:
    found = next((each for each in get_args(DebtorClass) if each == name), None)
    if name is not None and found is None:
        raise Invalid(f"--class: {shown(name)} is none of {', '.join(get_args(DebtorClass))}")
    return found


def _above_zero(option: str, text: str, currency: str) -> int:
    try:
        minor = minor_of(text, currency)
    except Invalid as error:
        raise Invalid(f"{option}: {error}") from None
    if minor <= 0:
        raise Invalid(f"{option}: {text} is not above 0")
    return minor


def _paid(text: str, currency: str) -> tuple[date, int]:
    day, colon, amount = text.partition(":")
    try:
        on = date.fromisoformat(day)
    except ValueError:
        colon = ""
    if not colon:
        raise Invalid(f"--paid: {shown(text)} is not a day and an amount, such as 2025-08-01:300.00")
    require_day("--paid", on)
    return on, _above_zero("--paid", amount, currency)


def _worked(law: Law, claim: Claim, series: AllSeries, *, number: str = "", flat_before: bool = False) -> Worked:
    """Work a claim out; without the flat sum where it was charged, or what it is converted by is missing."""
    without = replace(law, regime=law.regime.model_copy(update={"flat": {}})) if law.regime else law
    try:
        try:
            return Worked(law, claim, work_out(without if flat_before else law, claim, series), number, flat_before)
        except RatesMissing as error:
            if flat_before:
                raise
            return Worked(law, claim, work_out(without, claim, series), number, flat_lacks=str(error))
    except RatesMissing as error:
        raise Invalid(f"{error}\nor say the rate that holds with --rate PERCENT") from None
    except ValueError as error:
        if "debtor_class" not in str(error):
            raise Invalid(str(error)) from None
        why = str(error).partition(": ")[2]
        raise Invalid(f"--class: {why}, and nobody has said it") from None
