"""Why an item stands as it does: from the book as it is, or from the archive of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from django.conf import settings
from django.db.models import Q

from dunwell.engine.book import Book
from dunwell.engine.decide import decide
from dunwell.engine.explain import explain
from dunwell.engine.money import format_minor
from dunwell.engine.plan import Plan, reasons_of
from dunwell.flows import policies
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.law.rated import with_rates
from dunwell.records import archive, frames, lookup
from dunwell.records.models import Entity, Hold, Item, Run, RunEdit


@dataclass(frozen=True)
class Explanation:
    """A decision on one item, as a row and in words; `other_kinds` are those of items that share its number."""

    number: str
    account: str
    as_of: date
    run: int | None
    decision: dict[str, Any]
    sentences: list[str]
    other_kinds: list[str]


def explain_item(
    entity: Entity, number: str, *, as_of: date, run_id: int | None = None, kind: str | None = None
) -> Explanation:
    """Explain an item by its number: as it would be decided on `as_of`, or as a run decided it.

    `kind` chooses between items of one number. Errors: NotFound, Invalid where several items have the number, Conflict
    for an archive that is missing.
    """
    item = item_called(entity, number, kind=kind)
    decision: dict[str, Any] | None
    edits: list[RunEdit] = []
    holds: list[str] = []
    if run_id is None:
        plan = _plan(entity.pk, frames.account_book([item.account_id]), as_of)
        decision = plan.decisions.filter(pl.col("item_id") == item.pk).row(0, named=True)
        holds = _holds(item, decision, as_of)
    else:
        run = Run.objects.filter(pk=run_id, entity=entity).first()
        if run is None:
            raise NotFound(f"there is no run {run_id} of {entity.code}")
        if not run.archive_digest:
            raise Conflict(f"run {run_id} is {run.state}, and was never decided whole")
        as_of = run.as_of
        edits = _edits(run, item)
        digest = edits[-1].archive_digest if edits else run.archive_digest
        try:
            decision = archive.decision(settings.CONFIG.archive_dir, digest, item.pk, item.account_id)
        except archive.ArchiveError as error:
            raise Conflict(str(error)) from None
    if decision is None:
        raise NotFound(f"run {run_id} decided nothing on {number}: it was settled, or not in the book yet")
    told = (_told(edit) for edit in edits if _is_about(edit, item))
    sentences = [*explain(decision), *holds, *told, *_discount(item)]
    others = lookup.numbered(entity.pk, number).exclude(pk=item.pk)
    kinds = list(others.order_by("kind").values_list("kind", flat=True))
    return Explanation(item.number, item.account.code, as_of, run_id, decision, sentences, kinds)


@dataclass(frozen=True)
class AccountDecision:
    """A decision on one item of an account, as a row and in words."""

    item_id: int
    number: str
    decision: dict[str, Any]
    sentences: list[str]


def explain_account(entity_id: int, account_id: int, *, as_of: date) -> list[AccountDecision]:
    """Explain all open items of an account as they would be decided on `as_of`, the oldest due first.

    Of a cash discount it says as long as it can be had.
    """
    book = frames.account_book([account_id])
    plan = _plan(entity_id, book, as_of)
    is_open = (pl.col("open_minor") > 0).fill_null(value=True)  # unknown is not settled
    rows = plan.decisions.filter(pl.col("account_id") == account_id, is_open)
    numbers = dict(book.items.select("item_id", "number").iter_rows())
    granting = Item.objects.filter(account=account_id, closed_on=None, discount_until_on__gte=as_of)
    discounts = {item.pk: _discount(item) for item in granting}
    return [
        AccountDecision(
            row["item_id"], numbers[row["item_id"]], row, [*explain(row), *discounts.get(row["item_id"], ())]
        )
        for row in rows.sort("days_past_due", "item_id", descending=[True, False], nulls_last=True).iter_rows(
            named=True
        )
    ]


def _plan(entity_id: int, book: Book, as_of: date) -> Plan:
    """What the policies in force make of a book."""
    rules = policies.parsed(policies.versions_for(entity_id))
    return decide(with_rates(book, rules), rules, as_of)


def _holds(item: Item, decision: Mapping[str, Any], on: date) -> list[str]:
    """Say through when, and why, an item is on hold on a day: by itself, or with its account or its payer."""
    if "on_hold" not in reasons_of(decision["reasons"]):
        return []
    whose = Q(item=item) | Q(account__in=[item.account_id, decision["payer_id"] or item.account_id])
    not_over = Q(released_on=None) | Q(released_on__gt=on)
    lasts = Q(until_on=None) | Q(until_on__gte=on)
    found = Hold.objects.filter(whose, not_over, lasts, from_on__lte=on).order_by("pk")
    return [_held(each) for each in found]


def _held(hold: Hold) -> str:
    until = f"through {hold.until_on}" if hold.until_on else "until it is released"
    return f"hold {hold.pk} lasts {until}{f': {hold.reason}' if hold.reason else ''}"


def _edits(run: Run, item: Item) -> list[RunEdit]:
    """The changes that the payer's part of a proposal was given, in their order."""
    family = frames.family([item.account_id])
    return list(RunEdit.objects.filter(run=run, payer__in=family).order_by("pk"))


def _discount(item: Item) -> list[str]:
    """The cash discount of an item, as the book has it by now."""
    if not item.discount_minor or item.discount_until_on is None:
        return []
    amount = format_minor(item.discount_minor, item.currency)
    return [f"who pays by {item.discount_until_on} may take off {amount} of cash discount"]


def _is_about(edit: RunEdit, item: Item) -> bool:
    return edit.item_id == item.pk or edit.account_id in (item.account_id, edit.payer_id)


def _told(edit: RunEdit) -> str:
    what = f"stage set to {edit.stage}" if edit.stage else "left out of the run"
    return f"{what} by {edit.by}: {edit.reason}"


def item_called(entity: Entity, number: str, *, kind: str | None = None) -> Item:
    """Return the item of a number, what is owed before what is paid. Errors: NotFound, Invalid for several."""
    found = list(lookup.numbered(entity.pk, number).select_related("account").order_by("kind"))
    found = [item for item in found if kind in {None, item.kind}]
    if not found:
        raise NotFound(f"there is no {kind or 'item'} {number!r} in the book of {entity.code}")
    if len(found) > 1:
        # Numbers are unique within a kind: what is owed is meant before what is paid.
        owed = [item for item in found if item.kind in {"invoice", "instalment", "charge"}]
        found = owed or found
    if len(found) > 1:
        raise Invalid(f"{number!r} is the number of several items: {', '.join(item.kind for item in found)}")
    return found[0]
