"""What notices charge and by what law, for their letters: workings, flat sums, warnings, and what must be said."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeAlias, get_args

import polars as pl
from django.conf import settings

from dunwell.engine.book import Book
from dunwell.engine.law.flat import flat_sum
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DebtorClass, Flat, LetterRule
from dunwell.engine.law.series import AllSeries, RatesMissing
from dunwell.engine.law.working import Working, flat_day, work_out
from dunwell.engine.policy.model import Fee, Policy, Stage
from dunwell.engine.steps.fee_bounds import fee_bound
from dunwell.flows import policies
from dunwell.flows.law.claims import claim_of, due_day, fees_count, has_flat, open_charges
from dunwell.flows.law.paper import interest_of
from dunwell.flows.law.series import known_series
from dunwell.letters.notice import Charged, Interest
from dunwell.records import archive, frames
from dunwell.records.models import Charge, Entity, Item, Run, RunEdit

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Background:
    """What charges are worked out from again: a book, the policies, and what of each item bears interest.

    `bases` holds it by item where nothing is posted yet; else it is what is open and not disputed, or what the archives
    of `digests` say.
    """

    book: Book
    policies: Mapping[str, Policy]
    series: AllSeries
    bases: Mapping[int, int] | None = None
    digests: tuple[str, ...] = ()


def charges_on_record(notice_ids: Sequence[int]) -> list[Row]:
    """What notices charge by what is on record, as the plan has it."""
    names = ("notice_id", "item_id", "charge", "amount_minor", "until_on")
    return list(Charge.objects.filter(notice_id__in=list(notice_ids), reversed_on=None).order_by("pk").values(*names))


def background_of(entity: Entity, notices: Sequence[Row]) -> Background | None:
    """Read what the charges of notices on record rest on; None where none of their policies has a law."""
    runs = Run.objects.in_bulk({notice["run_id"] for notice in notices})
    known: dict[str, Policy] = {}
    for run in runs.values():
        known |= {each.policy: each for each in policies.parsed(policies.versions_with(run.policy_digests, entity))}
    concerned = [notice for notice in notices if notice["policy"] in known and known[notice["policy"]].law]
    if not concerned:
        return None
    book = frames.account_book({notice["payer_id"] for notice in concerned})
    edited = RunEdit.objects.filter(run__in=runs).order_by("-pk").values_list("archive_digest", flat=True)
    digests = dict.fromkeys(filter(None, (*edited, *(run.archive_digest for run in runs.values()))))
    return Background(book, known, known_series(), None, tuple(digests))


def charged(
    notices: Sequence[Row], lines: Mapping[int, Sequence[Row]], charges: Sequence[Row], background: Background | None
) -> dict[int, Charged]:
    """Tell what each notice charges, by its `notice_id`; `lines` are rows with the `item`."""
    of_notice: dict[int, list[Row]] = defaultdict(list)
    for charge in charges:
        of_notice[charge["notice_id"]].append(charge)
    found = {}
    for notice in notices:
        number = notice["notice_id"]
        policy = background.policies.get(notice["policy"]) if background else None
        if background and policy and policy.law:
            found[number] = _Notice(notice, lines[number], of_notice[number], background, policy, policy.law).charged()
        else:
            found[number] = _plain(notice, of_notice[number], lines[number])
    return found


def _plain(notice: Row, charges: Sequence[Row], lines: Sequence[Row]) -> Charged:
    """Charges without a law; a fee is all that is not known to be something else."""
    numbers = {line["item_id"]: line["item"].number for line in lines}
    interest = tuple(
        Interest(number=numbers[each["item_id"]], until_on=each["until_on"], amount_minor=each["amount_minor"])
        for each in charges
        if each["charge"] == "interest" and each["item_id"] in numbers
    )
    flat = _total(charges, "compensation")
    fee_minor = notice["fee_minor"] - flat - sum(each.amount_minor for each in interest)
    return Charged(fee_minor=fee_minor, interest=interest, compensation_minor=flat)


def _total(charges: Sequence[Row], kind: str) -> int:
    return sum(each["amount_minor"] for each in charges if each["charge"] == kind)


class _Coming(NamedTuple):
    """The costs that a letter warns of, and within how many days they can be avoided; days alone: sums unknown."""

    flat_minor: int = 0
    fee_minor: int = 0
    days: int = 0


class _Owed(NamedTuple):
    """By what the flat sum of an item goes: its principal on the first day of interest, and the fees charged on it."""

    principal_minor: int
    due_on: date
    first_on: date
    fees_minor: int


@dataclass(frozen=True)
class _Notice:
    """One notice under a law."""

    notice: Row
    lines: Sequence[Row]
    charges: Sequence[Row]
    background: Background
    policy: Policy
    law: Law

    def charged(self) -> Charged:
        """All that its letter says of charges."""
        plain = _plain(self.notice, self.charges, self.lines)
        items = {line["item_id"]: line["item"] for line in self.lines}
        rows = [each for each in self.charges if each["charge"] == "interest" and each["item_id"] in items]
        of_items = [items[each["item_id"]] for each in rows]
        interest = tuple(map(self._worked_out, of_items, plain.interest))
        debtor_class = self._class(self.notice["payer_id"])
        coming = self._to_come(debtor_class)
        told = replace(
            plain,
            interest=interest,
            costs_to_come_minor=coming.flat_minor + coming.fee_minor,
            costs_days=coming.days,
            rule=self._rule(debtor_class, is_before_costs=coming != _Coming()),
        )
        return replace(told, legal_basis="; ".join(dict.fromkeys(self._sources(told, coming, debtor_class))))

    def _class(self, account_id: int) -> DebtorClass | None:
        rows = self.background.book.accounts.filter(pl.col("account_id") == account_id)["debtor_class"]
        own = rows[0] if len(rows) else None
        return next((each for each in get_args(DebtorClass) if each == own), self.law.default_class)

    def _worked_out(self, item: Item, interest: Interest) -> Interest:
        """The same interest with its periods, where they still come to what is charged."""
        for base_minor in self._bases(item):
            with suppress(RatesMissing, ValueError):
                working = self._working(item, base_minor, interest.until_on)
                if working.interest_minor == interest.amount_minor:
                    return interest_of(
                        working, self.law, item.number, until_on=interest.until_on, amount_minor=interest.amount_minor
                    )
        return interest

    def _working(self, item: Item, base_minor: int, until_on: date) -> Working:
        claim = claim_of(
            self.background.book,
            item.pk,
            base_minor=base_minor,
            due_on=self._due(item),
            until_on=until_on,
            debtor_class=self._class(item.account_id),
            notice_id=self._number,
        )
        return work_out(self.law, claim, self.background.series)

    def _bases(self, item: Item) -> Iterator[int]:
        """What of an item may have borne interest: as it is now, then as its run has found it."""
        if self.background.bases is not None:
            yield self.background.bases.get(item.pk, 0)
            return
        yield item.open_minor - item.disputed_minor
        for row in self._decisions(item):
            yield row["open_minor"] - row["disputed_minor"] - row["credited_minor"]

    def _left_by_credits(self, item: Item) -> int:
        """What of an item is not disputed now, nor was covered by credits when its run was decided."""
        if self.background.bases is not None:
            return self.background.bases.get(item.pk, 0)
        credited = next((row["credited_minor"] for row in self._decisions(item)), 0)
        return max(item.open_minor - item.disputed_minor - credited, 0)

    def _decisions(self, item: Item) -> Iterator[Row]:
        """The archived decisions on an item, as far as they are there."""
        for digest in self.background.digests:
            with suppress(archive.ArchiveError):
                row = archive.decision(settings.CONFIG.archive_dir, digest, item.pk, item.account_id)
                if row:
                    yield row

    def _due(self, item: Item) -> date:
        assert item.due_on is not None  # noqa: S101  # what is dunned has one
        return due_day(item.due_on, self.policy, self.notice.get("calendar"))

    def _to_come(self, debtor_class: DebtorClass | None) -> _Coming:
        """The costs of the next stage that the law wants warned of."""
        owing, fee = self._before_flat(debtor_class), self._coming_fee(debtor_class)
        if debtor_class is None or not self._is_late or not (owing or (fee and self._before_first(fee))):
            return _Coming()
        flat, letter = self.law.flat(debtor_class), self._letter_rule(debtor_class)
        is_wanted = letter is not None and "costs_warning" in letter.says
        if not is_wanted and (flat is None or flat.after_notice_days is None):
            return _Coming()
        days = (owing and flat and flat.after_notice_days) or (letter.deadline_days if letter else None) or 0
        owed = [self._owed(item, debtor_class) for item in owing]
        groups = [owed] if flat and flat.together else [[each] for each in owed]
        try:
            flat_minor = sum(self._flat(flat, claims) for claims in groups if flat and claims)
            fee_minor = self._fee_to_come(fee, debtor_class) if fee else 0
        except RatesMissing:
            return _Coming(days=days)
        return _Coming(flat_minor, fee_minor, days) if owing or fee_minor else _Coming()

    def _letter_rule(self, debtor_class: DebtorClass | None) -> LetterRule | None:
        return self.law.regime.letters.get(debtor_class) if self.law.regime and debtor_class else None

    def _before_flat(self, debtor_class: DebtorClass | None) -> list[Item]:
        """The dunned items that are to have their flat sum with the next stage; not those that have it with this."""
        following = self._next_stage()
        if not following or not following.compensation or not debtor_class or not self.law.flat(debtor_class):
            return []
        charged = {each["item_id"] for each in self.charges if each["charge"] == "compensation"}
        book, number = self.background.book, self._number
        return [item for item in self._dunned if item.pk not in charged and not has_flat(book, item.pk, by=number)]

    def _coming_fee(self, debtor_class: DebtorClass | None) -> Fee | None:
        """The fee of the next stage, where the law wants it warned of and allows one."""
        letter, following = self._letter_rule(debtor_class), self._next_stage()
        bounds = self.law.fees(debtor_class) if debtor_class else None
        is_allowed = bounds is None or bounds.count_max != 0
        return following.fee if following and letter and letter.fees and is_allowed else None

    def _before_first(self, fee: Fee) -> bool:
        """Whether an item that the fee would stand on has had none, through this notice."""
        return any(self._fees_count(item) == 0 for item in self._bearing(fee))

    def _bearing(self, fee: Fee) -> list[Item]:
        """The items that a fee stands on: each dunned one, or the leading one."""
        in_order = sorted(self._dunned, key=lambda item: (self._due(item), -item.open_minor, item.pk))
        return in_order if fee.per_item else in_order[:1]

    def _fees_count(self, item: Item) -> int:
        own = [each for each in self.charges if each["charge"] == "fee" and each["item_id"] == item.pk]
        return max(fees_count(self.background.book, item.pk, by=self._number), len(own))

    def _fee_to_come(self, fee: Fee, debtor_class: DebtorClass) -> int:
        """The fees of the next stage by what is owed now, as high as the law allows. Errors: RatesMissing."""
        bounds, found = self.law.fees(debtor_class), []
        for item in self._bearing(fee):
            base = {"original": item.amount_minor, "open": item.open_minor}.get(fee.of, self._claimed(item))
            asked, count = fee.minor(base, item.currency), self._fees_count(item)
            on, series = self.notice["as_of"], self.background.series
            most = fee_bound(bounds, item.currency, on, count, series) if bounds else None
            found.append(asked if most is None else min(asked, most))
        return sum(found)

    def _claimed(self, item: Item) -> int:
        """What is open of an item and of the charges on it."""
        raised = open_charges(self.background.book, item.pk)
        own = sum(each["amount_minor"] for each in self.charges if each["item_id"] == item.pk)
        return item.open_minor + raised + (0 if self._number else own)  # of a proposal they are not in the book yet

    @property
    def _number(self) -> int | None:
        """The notice's number on record; None of a proposal, which comes after all."""
        return None if self.background.bases is not None else int(self.notice["notice_id"])

    @property
    def _dunned(self) -> list[Item]:
        return [line["item"] for line in self.lines if line["role"] == "dunned"]

    def _flat(self, flat: Flat, owed: Sequence[_Owed]) -> int:
        """The flat sum of claims, as one: at the rates of the last of their days."""
        last = max(owed, key=lambda each: each.first_on)
        return flat_sum(
            flat, sum(each.principal_minor for each in owed), self.notice["currency"],
            first_on=last.first_on, due_on=max(each.due_on for each in owed), series=self.background.series,
            fees_minor=sum(each.fees_minor for each in owed),
        ).minor  # fmt: skip

    def _owed(self, item: Item, debtor_class: DebtorClass | None) -> _Owed:
        """By what the flat sum of an item goes."""
        rule = self.law.rate_rule(debtor_class) if debtor_class else None
        due_on = self._due(item)
        first_on = flat_day(rule, due_on, item.interest_from_on)
        claim = claim_of(
            self.background.book,
            item.pk,
            base_minor=self._left_by_credits(item),
            due_on=due_on,
            until_on=self.notice["as_of"],
            debtor_class=debtor_class,
            notice_id=self._number,
        )
        principal = claim.principal_minor - sum(amount for on, amount in claim.reductions if on < first_on)
        fees = claim.fees_minor + _total([each for each in self.charges if each["item_id"] == item.pk], "fee")
        return _Owed(max(principal, 0), due_on, first_on, fees)

    def _next_stage(self) -> Stage | None:
        place = self.policy.position(self.notice["stage"])
        return self.policy.stages[place] if 0 < place < len(self.policy.stages) else None

    def _rule(self, debtor_class: DebtorClass | None, *, is_before_costs: bool) -> LetterRule | None:
        """What the law wants this letter to say: past due, and, where it says so, before costs alone."""
        rule = self._letter_rule(debtor_class)
        if rule is None or not self._is_late or self.notice["closing"] == "closes":
            return None
        return rule if rule.when == "always" or is_before_costs or self._before_flat(debtor_class) else None

    @property
    def _is_late(self) -> bool:
        """Whether anything dunned is past due: before that nobody can be warned of what being late costs."""
        return any(item.due_on and item.due_on < self.notice["as_of"] for item in self._dunned)

    def _sources(self, charged: Charged, coming: _Coming, debtor_class: DebtorClass | None) -> Iterator[str]:
        """On what the charges rest."""
        if debtor_class is None and self.law.agreed_percent is None:
            return
        rule = self.law.rate_rule(debtor_class or "business")
        if charged.interest and rule:
            yield rule.source
        flat = self.law.flat(debtor_class) if debtor_class else None
        if (charged.compensation_minor or coming.flat_minor) and flat:
            yield flat.source
        fees = self.law.fees(debtor_class) if debtor_class else None
        if (charged.fee_minor or coming.fee_minor) and fees:
            yield fees.source
