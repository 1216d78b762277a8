"""What money for an item goes to first: its costs and its interest, where the law has them before the principal.

Which charges go first they say themselves; by which law, the regime's `appropriation_source`, such as section 367 BGB.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import polars as pl

from dunwell.engine.book import Book


class Target(NamedTuple):
    """What money goes to, and for which item where that is a charge that goes before it."""

    item_id: int
    for_item_id: int | None = None


def going_first(book: Book, item_ids: Collection[int]) -> dict[int, list[Target]]:
    """What money for each of these items goes to first: costs, the oldest first, and then interest.

    A charge of a notice that has not left waits, and so does one that is waived when its item is settled: money for the
    item settles that first. What was charged before the item came to another payer is that other one's.
    """
    before: dict[int, list[Target]] = {}
    owed = book.charges.filter("first", pl.col("item_id").is_in(list(item_ids)), pl.col("reversed_on").is_null())
    if owed.is_empty():
        return before
    waiting = book.notices.filter(pl.col("state") == "posted")["notice_id"]
    payable = book.items.filter(pl.col("item_id").is_in(owed["charge_item_id"].implode()), ~pl.col("waivable"))
    due = owed.filter(
        ~pl.col("notice_id").is_in(waiting.implode()).fill_null(value=False),
        pl.col("charge_item_id").is_in(payable["item_id"].implode()),
    )
    for charge_id, item_id in _sorted(due).select("charge_item_id", "item_id").iter_rows():
        before.setdefault(item_id, []).append(Target(charge_id, item_id))
    return before


def named_by(targets: Sequence[Target]) -> list[int]:
    """Return for which items money was meant that is under way to these: what goes first stands for its item."""
    return list(dict.fromkeys(target.for_item_id or target.item_id for target in targets))


def charged_on(book: Book) -> dict[int, int]:
    """The item of each charge that money for the item goes to first."""
    return dict(book.charges.filter("first").select("charge_item_id", "item_id").iter_rows())


def _sorted(charges: pl.DataFrame) -> pl.DataFrame:
    return charges.sort(pl.col("charge") == "interest", "posted_on", "charge_item_id")
