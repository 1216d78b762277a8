"""Money of a day that bore interest already: what was charged stays as it is, and a person is asked to look at it."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.events import Allocated, Effects, ItemsBooked, Paid, Payments, Task, payments_of
from dunwell.engine.money import format_minor

TASK: Final = "interest_to_check"
DAY: Final = timedelta(days=1)


def interest_to_check(book: Book, event: Allocated | ItemsBooked | Paid | Payments) -> Effects:
    """Ask a person about each item on which interest is charged of days after the one on which it was paid."""
    match event:
        case Paid() | Payments():
            sources: Collection[int] = [each.item_id for each in payments_of(event) if not each.pending]
        case Allocated():
            sources = [event.source_item_id]
        case ItemsBooked():
            sources = [source_id for source_id, _item_id in event.applies_to]
    until = charged_until(book) if sources else {}
    if not until:
        return Effects()
    moved = book.allocations.filter(
        pl.col("source_item_id").is_in(list(sources)),
        pl.col("item_id").is_in(list(until)),
        ~pl.col("pending"),
        pl.col("on") == event.on,
    )
    paid = moved.group_by("item_id").agg(pl.col("amount_minor").sum()).filter(pl.col("amount_minor") > 0)
    asked = paid.join(book.items.select("item_id", "account_id", "currency"), on="item_id").sort("item_id")
    return Effects(
        tasks=tuple(
            Task(TASK, account_id, item_id, detail=text(minor, currency, event.on, until[item_id]))
            for item_id, minor, account_id, currency in asked.iter_rows()
            if until[item_id] > event.on
        )
    )


def charged_until(book: Book) -> Mapping[int, date]:
    """The last day of interest that is charged on each item, and stands."""
    standing = book.charges.filter(
        pl.col("charge") == "interest", pl.col("posted_on").is_not_null(), pl.col("reversed_on").is_null()
    )
    return dict(standing.group_by("item_id").agg(pl.col("until_on").max()).drop_nulls().iter_rows())


def text(amount_minor: int, currency: str, on: date, until_on: date) -> str:
    """Say on how much interest was charged of which days."""
    return (
        f"{format_minor(amount_minor, currency)} was paid on {on}, and interest on it is charged from {on + DAY} to"
        f" {until_on}: a credit gives the difference back"
    )
