"""Fees whose item is settled, written off where their policy waives them, and owed again when it is open again."""

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.events import (
    Allocated,
    Effects,
    ItemsBooked,
    Paid,
    PaidElsewhere,
    Payments,
    Recounted,
    Reversed,
    Unallocated,
    payments_of,
)

Money = Allocated | ItemsBooked | Paid | PaidElsewhere | Payments | Recounted | Reversed | Unallocated


def waived(book: Book, event: Money) -> Effects:
    """Write off what is open of a waivable charge whose item is settled; open it again with the item.

    Of a charge paid in part it is the rest; while money is under way to it, it waits for that. What was written off is
    kept in `waived_minor`. Only charges of the entity that the event is about are looked at.
    """
    waivable = book.items.filter("waivable")
    if waivable.is_empty():
        return Effects()
    concerned = book.items.filter(pl.col("item_id").is_in(_named(event)))["entity_id"]
    charges = waivable.filter(pl.col("entity_id").is_in(concerned.unique().implode()))
    items = book.items.select(parent_item_id="item_id", item_open_minor="open_minor")
    is_settled = pl.col("item_open_minor") == 0
    goes = is_settled & (pl.col("open_minor") > 0) & (pl.col("in_flight_minor") == 0)
    comes_back = ~is_settled & (pl.col("waived_minor") > 0)
    changed = charges.join(items, on="parent_item_id").filter(goes | comes_back)
    if changed.is_empty():
        return Effects()
    left = pl.col("open_minor") + pl.col("waived_minor")  # all that was not paid of it
    nothing = pl.lit(0, dtype=pl.Int64)
    return Effects(
        changes={
            "items": changed.select(
                "item_id",
                "in_flight_minor",
                open_minor=pl.when(is_settled).then(nothing).otherwise(left),
                waived_minor=pl.when(is_settled).then(left).otherwise(nothing),
            )
        }
    )


def _named(event: Money) -> list[int]:
    """An item, or all items, that an event is about."""
    if isinstance(event, (ItemsBooked, PaidElsewhere)):
        return event.items["item_id"].to_list()
    if isinstance(event, (Paid, Payments)):
        return [payment.item_id for payment in payments_of(event)]
    return list(event.item_ids) if isinstance(event, Recounted) else [event.item_id]
