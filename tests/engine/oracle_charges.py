"""What the law charges, in plain Python: docs/semantics.md, "What the law charges", rule by rule, in fractions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from dunwell.engine.book import Book
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import Flat
from dunwell.engine.law.series import Series, series_of
from dunwell.engine.money import AMOUNT_MINOR_MAX, exponent
from dunwell.engine.policy.model import Stage
from tests.engine.daily import DAY, Accrual, half_up
from tests.engine.oracle_fees import base_minor, fee_minor
from tests.engine.oracle_rows import Data, Row


class Charged(NamedTuple):
    """A charge of a notice, as the plan has it."""

    item_id: int
    amount_minor: int
    stage: str
    waivable: bool = False
    charge: str = "fee"
    until_on: date | None = None
    first: bool = False


class Lacks(Exception):
    """What the law asks and nobody says: a series, or the class of the debtor (no name)."""

    def __init__(self, series: str | None = None) -> None:
        super().__init__(series)
        self.series = series


class Beyond(Exception):
    """A charge is larger than any amount may be."""


@dataclass
class Past:
    """All that the book knows beside the items."""

    series: Mapping[str, Series]
    charges: Sequence[Data]
    paid: Sequence[tuple[int, date, int]] = field(default_factory=list)

    @classmethod
    def of(cls, book: Book) -> "Past":
        applied = [row for row in book.allocations.to_dicts() if not row["pending"]]
        paid = [(row["item_id"], row["on"], row["amount_minor"]) for row in applied + book.elsewhere.to_dicts()]
        return cls(series_of(book), [row for row in book.charges.to_dicts() if row["reversed_on"] is None], paid)

    def at(self, name: str, on: date) -> Fraction:
        """What a series says of a day."""
        series = self.series.get(name)
        known = [] if series is None else [v for d, v in zip(series.days, series.values, strict=True) if d <= on]
        if series is None or not known or on > series.complete_until_on:
            raise Lacks(name)
        return Fraction(known[-1], 1_000_000)

    def per_euro(self, currency: str, on: date) -> Fraction:
        return Fraction(1) if currency == "EUR" else self.at(f"ecb-eur-{currency.lower()}", on)

    def exchange(self, source: str, target: str, on: date) -> Fraction:
        """Units of one currency for 1 of another, by the ECB."""
        return Fraction(1) if source == target else self.per_euro(source, on) ** -1 * self.per_euro(target, on)


class Claim:
    """An item, what the law of its policy says of it, and what the book knows of its past."""

    def __init__(self, row: Row, past: Past) -> None:
        assert row.current_policy.law is not None
        self.row, self.past, self.law = row, past, row.current_policy.law
        self.debtor_class = row.account["debtor_class"] or self.law.default_class
        self.charges = [each for each in past.charges if each["item_id"] == row.item_id]
        self.paid = [(on, amount) for item_id, on, amount in past.paid if item_id == row.item_id]
        rest = row.item["open_minor"] - row.item["disputed_minor"] - row.credited
        self.base = max(rest, 0)

    def of_kind(self, charge: str) -> list[Data]:
        return [each for each in self.charges if each["charge"] == charge]

    @property
    def first_on(self) -> date:
        day = self.row.due_on + DAY
        given = self.row.item["interest_from_on"]
        return max(day, given) if given else day

    def interest(self) -> tuple[int, str | None]:
        """What is charged, and why nothing is."""
        if self.law.agreed_percent is None and self.law.regime and self.debtor_class is None:
            raise Lacks
        rule = self.law.rate_rule(self.debtor_class or "business")
        if rule is None:
            return 0, "no_interest"
        if rule.starts == "given" and self.row.item["interest_from_on"] is None:
            return 0, "interest_day_missing"
        charged = [each["until_on"] + DAY for each in self.of_kind("interest") if each["until_on"]]
        accrual = Accrual(rule, self.law.day_count, self.law.rounding, self.past.series, self.first_on)
        amount = accrual.of(self.base, self.paid, max([self.first_on, *charged]), self.row.as_of)
        if amount is None:
            raise Lacks(rule.series)
        if amount > AMOUNT_MINOR_MAX:
            raise Beyond
        return amount, None

    def compensation(self) -> tuple[int, str | None]:
        """The flat sum before fees are taken off it, and why there is none."""
        regime = self.law.regime
        if regime is None or (regime.flat and self.debtor_class is None):
            raise Lacks
        flat = regime.flat.get(self.debtor_class) if self.debtor_class else None
        if self.of_kind("compensation"):
            return 0, None
        if flat is None:
            return 0, "no_compensation"
        if flat.after_notice_days is not None and not self.was_warned(flat.after_notice_days):
            return 0, "costs_not_warned"
        if self.first_on > self.row.as_of:
            return 0, "compensation_too_early"
        return self.flat_sum(flat), None

    def was_warned(self, days: int) -> bool:
        told_on, deadline_on = self.row.item["last_notice_on"], self.row.item["last_deadline_on"]
        if told_on is None or deadline_on is None or told_on <= self.row.due_on:
            return False
        return bool((deadline_on - told_on).days >= days and deadline_on < self.row.as_of)

    @property
    def owed(self) -> int:
        """The principal on the first day of interest."""
        return int(max(self.base + sum(amount for day, amount in self.paid if day >= self.first_on), 0))

    def exchange_on(self, flat: Flat) -> date:
        return self.row.due_on.replace(day=1) - DAY if flat.exchange_on == "month_before_due" else self.first_on

    def flat_sum(self, flat: Flat, owed: int | None = None, on: date | None = None) -> int:
        """Of this claim, or of as much as it and others owe, at the rates of a day of theirs."""
        minor = 10 ** exponent(self.row.item["currency"])
        owed, on = self.owed if owed is None else owed, on or self.exchange_on(flat)
        principal = Fraction(owed, minor) * self.rate(
            flat, self.row.item["currency"], flat.steps_in or flat.currency, on
        )
        amount, shares = Fraction(0), Fraction(0)
        if flat.amount_series:
            amount = self.past.at(flat.amount_series, on)
        for step in flat.steps:
            if principal < step.bound or (step.above is not None and principal == step.above):
                continue
            amount = Fraction(step.amount) if step.amount is not None else amount
            ends = [Fraction(other.bound) for other in flat.steps if other.bound > step.bound]
            shares += (min([principal, *ends]) - Fraction(step.bound)) * Fraction(step.percent or 0) / 100
        total = max(amount + shares, Fraction(flat.at_least or 0))
        total = total if flat.at_most is None else min(total, Fraction(flat.at_most))
        rate = self.rate(flat, flat.currency, self.row.item["currency"], on)
        return half_up(total * rate * minor) if owed else 0

    def rate(self, flat: Flat, source: str, target: str, on: date) -> Fraction:
        """The exchange rate of a flat sum: its own series where it names one, between its two currencies."""
        if flat.exchange is None or source == target or flat.steps_in not in {source, target}:
            return self.past.exchange(source, target, on)
        if source == flat.steps_in:
            return self.past.at(flat.exchange, on) ** -1 * self.past.exchange(flat.currency, target, on)
        return self.past.exchange(source, flat.currency, on) * self.past.at(flat.exchange, on)

    def fee_code(self) -> str | None:
        """Why the law allows no fee."""
        fees = self.law.fees(self.debtor_class) if self.debtor_class else None
        flat = self.law.flat(self.debtor_class) if self.debtor_class else None
        is_in_flat = bool(flat and flat.less_fees and self.of_kind("compensation"))
        if fees is None:
            return "fee_in_flat" if is_in_flat else None
        before = self.of_kind("fee")
        last = max((each["sent_on"] or each["posted_on"] for each in before), default=None)
        as_of, told_on = self.row.as_of, self.row.item["last_notice_on"]
        earliest_on = self.row.due_on + timedelta(days=fees.earliest_days or 1)
        codes = {
            "fee_forbidden": fees.count_max == 0,
            "fee_count": fees.count_max is not None and len(before) >= fees.count_max,
            "fee_spacing": bool(last and as_of < last + timedelta(days=fees.spacing_days or 0) and fees.spacing_days),
            "fee_in_flat": is_in_flat,
            "fee_too_early": as_of < earliest_on,
            "fee_first_notice": fees.first_notice_free and (told_on is None or told_on <= self.row.due_on),
            "fee_not_warned": bool(
                fees.after_notice_days is not None and not before and not self.was_warned(fees.after_notice_days)
            ),
        }
        return next((code for code, holds in codes.items() if holds), None)

    def fee_bound(self) -> int | None:
        """The most that the law allows where it allows a fee; null: as much as is asked."""
        if self.law.regime and self.law.regime.fees and self.debtor_class is None:
            raise Lacks
        fees = self.law.fees(self.debtor_class) if self.debtor_class else None
        if fees is None or self.fee_code() or fees.currency is None:
            return None
        on, currency = self.row.as_of, self.row.item["currency"]
        if fees.at_most_series:
            most = self.past.at(fees.at_most_series, on) * Fraction(fees.share)
        elif fees.at_most:
            number = len(self.of_kind("fee"))
            most = Fraction((*fees.at_most, *[fees.at_most[-1]] * number)[number])
        else:
            return None
        return half_up(most * self.past.exchange(fees.currency, currency, on) * 10 ** exponent(currency))


def refuse_by_law(row: Row, stage: Stage, past: Past) -> None:
    """An item of which the law asks what nobody says cannot be dunned with this stage."""
    if row.current_policy.law is None:
        return
    claim, series, lacks_class, is_beyond = Claim(row, past), list[str](), False, False
    asked: list[tuple[Any, bool]] = [
        (claim.fee_bound, stage.fee is not None),
        (claim.interest, stage.interest),
        (claim.compensation, stage.compensation),
    ]
    for ask, is_asked in asked:
        try:
            if is_asked:
                ask()
        except Lacks as lacks:
            lacks_class = lacks_class or lacks.series is None
            series.append(f"series:{lacks.series}")
        except Beyond:
            is_beyond = True
    if lacks_class:
        row.problem_is("debtor_class_missing")
    elif is_beyond:
        row.problem_is("amount_beyond_bound")
    elif series:
        row.problem_is("rates_missing")
        row.by_law = ",".join(dict.fromkeys(series))


def charges_of(lines: Sequence[Row], stage: Stage, rows: Sequence[Row], past: Past) -> list[Charged]:
    """What a notice of this stage charges on its lines, the leading one first."""
    fees = fees_of(lines, stage, rows, past)
    shares = shares_of([Claim(row, past) for row in lines if row.current_policy.law]) if stage.compensation else {}
    charged = []
    for row in lines:
        law = row.current_policy.law
        waivable = row.current_policy.charges_when_paid == "waive"
        amounts: dict[str, int] = {"fee": fees.get(row.item_id, 0)}
        if law is not None:
            amounts |= by_law(row, stage, Claim(row, past), amounts["fee"], shares.get(row.item_id))
        charged += [
            Charged(
                row.item_id,
                amount,
                stage.stage,
                waivable,
                charge,
                row.as_of if charge == "interest" else None,
                law is not None and comes_first(law, charge),
            )
            for charge, amount in amounts.items()
            if amount > 0
        ]
    return charged


def shares_of(claims: Sequence[Claim]) -> dict[int, int]:
    """What each claim of a notice has of the flat sums that the law gives for several together, by the item."""
    shares: dict[int, int] = {}
    laws = {
        id(claim.law.flat(claim.debtor_class)): claim.law.flat(claim.debtor_class)
        for claim in claims
        if claim.debtor_class
    }
    for flat in laws.values():
        if flat is None or not flat.together:
            continue
        mine = [each for each in claims if each.debtor_class and each.law.flat(each.debtor_class) is flat]
        mine = sorted((each for each in mine if each.compensation()[0]), key=lambda each: each.row.item_id)
        if len(mine) < 2:
            continue
        whole = sum(each.owed for each in mine)
        total = mine[0].flat_sum(flat, whole, max(each.exchange_on(flat) for each in mine))
        exact = {each.row.item_id: Fraction(total * each.owed, whole) for each in mine}
        found = {item_id: int(share) for item_id, share in exact.items()}
        for item_id in sorted(exact, key=lambda item_id: found[item_id] - exact[item_id])[
            : total - sum(found.values())
        ]:
            found[item_id] += 1
        largest = max(found, key=lambda item_id: found[item_id])
        for item_id in [item_id for item_id, share in found.items() if not share]:
            if found[largest] > 1:
                found[largest], found[item_id] = found[largest] - 1, 1
        shares |= found
    return shares


def by_law(row: Row, stage: Stage, claim: Claim, fee: int, share: int | None) -> dict[str, int]:
    """Interest and flat sum of a line, or its share in that of several; what is left out is said on the row."""
    amounts = {}
    if stage.interest:
        amounts["interest"], code = claim.interest()
        say(row, code)
    if stage.compensation:
        amount, code = claim.compensation() if share is None else (share, "costs_together")
        say(row, code)
        flat = claim.law.flat(claim.debtor_class) if claim.debtor_class else None
        if flat and flat.less_fees:
            amount -= fee + sum(each["amount_minor"] for each in claim.of_kind("fee"))
        amounts["compensation"] = amount
    return amounts


def fees_of(lines: Sequence[Row], stage: Stage, rows: Sequence[Row], past: Past) -> dict[int, int]:
    """The fees of the notice's stage, by the item they are raised on: as many and as high as the law allows."""
    fee = stage.fee
    found: dict[int, int] = {}
    codes = {row.item_id: Claim(row, past).fee_code() if row.current_policy.law else None for row in lines}
    forbidding = [item_id for item_id, code in codes.items() if code in {"fee_forbidden", "fee_count", "fee_spacing"}]
    for row in lines if fee else ():
        assert fee
        amount = fee_minor(fee, base_minor(row, fee, rows), row.item["currency"]) or 0
        is_settled = bool(found or (forbidding and row.item_id not in forbidding))
        if not amount or (is_settled and not fee.per_item):
            continue
        if row.current_policy.law:
            claim = Claim(row, past)
            if code := claim.fee_code():
                say(row, code)
                continue
            bound = claim.fee_bound()
            if bound is not None and bound < amount:
                amount = bound
                say(row, "fee_capped")
        found[row.item_id] = amount
    return found


def say(row: Row, code: str | None) -> None:
    if code:
        row.by_law = f"{row.by_law},{code}" if row.by_law else code


def comes_first(law: Law, charge: str) -> bool:
    part = "interest" if charge == "interest" else "costs"
    before = law.order[: law.order.index("principal")] if law.order else ()
    return part in before
