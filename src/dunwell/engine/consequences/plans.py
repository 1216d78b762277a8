"""Instalment plans: promises that belong together, for the same items. One that is broken ends the plan."""

from typing import Final

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Book, BookError, table
from dunwell.engine.consequences.people import require_promisable
from dunwell.engine.consequences.refusals import only, require_amount
from dunwell.engine.events import Effects, Planned, PromiseEnded
from dunwell.engine.money import format_minor
from dunwell.engine.steps.parties import broken_promises, is_ended, is_kept, payer_of_family

INSTALMENTS_MAX: Final = 120


def planned(book: Book, event: Planned) -> Effects:
    """Take a plan: each instalment is a promise of its own, for all the items.

    Errors: BookError as for a promise; for no item, one that is no claim on the debtor or is in a plan that stands, no
    instalment or too many, days that do not rise, and instalments that come to more than is open of the items.
    """
    require_promisable(book, event, "a plan")
    _require_instalments(event)
    _require_owed(book, event)
    _require_free(book, event)
    rows: list[dict[str, object]] = [
        {
            "promise_id": promise_id,
            "account_id": event.account_id,
            "currency": event.currency,
            "amount_minor": amount_minor,
            "made_on": event.on,
            "by_on": by_on,
            "tolerance_days": event.tolerance_days,
            "plan_id": event.plan_id,
        }
        for promise_id, amount_minor, by_on in event.instalments
    ]
    links: list[dict[str, object]] = [
        {"promise_id": row["promise_id"], "item_id": item_id} for row in rows for item_id in event.item_ids
    ]
    return Effects(changes={"promises": table("promises", rows), "promise_items": table("promise_items", links)})


def promise_ended(book: Book, event: PromiseEnded) -> Effects:
    """Let promises count for nothing from the event's date on: they cover nothing, and are not broken.

    Errors: BookError for a promise that is not in the book, and for some of a plan's instalments alone.
    """
    ended = [only(book.promises, "promise_id", promise_id) for promise_id in event.promise_ids]
    if not ended:
        return Effects()
    rows = pl.concat(ended)
    of_plans = book.promises.filter(pl.col("plan_id").is_in(rows["plan_id"].drop_nulls().implode()))
    left = of_plans.filter(pl.col("ended_on").is_null()).join(rows, on="promise_id", how="anti")
    if left.height:
        raise BookError(f"an instalment does not end alone: plan {left['plan_id'][0]} ends with all of them")
    return Effects(changes={"promises": rows.with_columns(ended_on=pl.lit(event.on), promised_minor=None)})


def _require_instalments(event: Planned) -> None:
    """Refuse a plan without instalments, or whose days do not rise from its own. Errors: BookError."""
    if not event.item_ids:
        raise BookError("a plan names the items that it is for")
    if not 1 <= len(event.instalments) <= INSTALMENTS_MAX:
        raise BookError(f"a plan has 1 to {INSTALMENTS_MAX} instalments, not {len(event.instalments)}")
    before = event.on
    for number, (_promise_id, amount_minor, by_on) in enumerate(event.instalments, 1):
        require_amount("an instalment", amount_minor, event.currency)
        if by_on < before or (number > 1 and by_on == before):
            after = f"the one before it ({before})" if number > 1 else f"the plan's own day ({before})"
            raise BookError(f"instalment {number} is for {by_on}, which is not after {after}")
        before = by_on


def _require_owed(book: Book, event: Planned) -> None:
    """Refuse what is no claim on the debtor, and to be paid more than is open of all. Errors: BookError."""
    items = book.items.filter(pl.col("item_id").is_in(list(event.item_ids)))
    family = payer_of_family(book.accounts, event.account_id)
    for item in items.sort("item_id").iter_rows(named=True):
        name = item["number"] or item["item_id"]
        if item["kind"] in {*CREDIT_KINDS, "charge"}:
            raise BookError(f"a plan is for invoices: {name} is a {item['kind']}")
        if item["account_id"] not in family:
            raise BookError(f"{name} is of another debtor than the plan")
    owed, asked = int(items["open_minor"].sum()), sum(amount for _id, amount, _by in event.instalments)
    if asked > owed:
        total, most = format_minor(asked, event.currency), format_minor(owed, event.currency)
        raise BookError(f"the instalments come to {total}, and only {most} is open of the items")


def _require_free(book: Book, event: Planned) -> None:
    """Refuse an item that is in another plan that stands. Errors: BookError."""
    on = pl.lit(event.on)
    broken = broken_promises(book, on).select("plan_id").collect()
    standing = book.promises.filter(pl.col("plan_id").is_not_null(), ~is_kept(), ~is_ended(on))
    named = standing.join(broken, on="plan_id", how="anti").join(book.promise_items, on="promise_id")
    taken = named.filter(pl.col("item_id").is_in(list(event.item_ids))).sort("item_id", "plan_id")
    if taken.height:
        item_id, plan_id = taken.select("item_id", "plan_id").row(0)
        number = only(book.items, "item_id", item_id)["number"].item() or item_id
        raise BookError(f"{number} is in plan {plan_id}, which stands: end that one first")
