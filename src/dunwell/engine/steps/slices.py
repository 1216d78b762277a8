"""A book cut where one payer ends and another begins, so that ten million items take the memory of one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from dunwell.engine.book import Book

ROWS_PER_SLICE: Final = 1_000_000
ROWS_TO_SHARE: Final = 500_000  # what is larger is cut in two at least, for two cores


def sliced(book: Book, known: pl.DataFrame) -> Iterator[tuple[Book, pl.DataFrame]]:
    """Yield books of whole payers, with their items in order of payer, account and id, and their accounts of `known`.

    At least one. `known`: what is known of every account, by account_id. State of groups without items comes with the
    first.
    """
    items, payer = in_order(book.items, known)
    rows = min(ROWS_PER_SLICE, max(ROWS_TO_SHARE, (items.height + 1) // 2))
    if items.height <= rows:
        yield replace(book, items=items), known
        return
    idle = book.anchors.filter(~pl.col("payer_id").is_in(payer.unique().implode()))
    start = 0
    while start < items.height:
        end = _end_of_payer(payer, min(start + rows, items.height))
        part = items.slice(start, end - start)
        is_mine = pl.col("payer_id").is_in(payer.slice(start, end - start).unique().implode(), nulls_equal=True)
        mine, accounts = book.anchors.filter(is_mine), known.filter(is_mine)
        yield replace(book, items=part, anchors=mine if start else pl.concat([mine, idle])), accounts
        start = end


def in_order(items: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The items by payer, account and id, sorted unless they are, and the payer of each."""
    if not known["payer_id"].equals(known["account_id"]):
        payers = known.select("account_id", "payer_id")
        items = items.join(payers, on="account_id", how="left").sort("payer_id", "account_id", "item_id")
        return items.drop("payer_id"), items["payer_id"]
    account, item = pl.col("account_id"), pl.col("item_id")
    follows = (account > account.shift()) | ((account == account.shift()) & (item > item.shift()))
    if not items.select(follows.fill_null(value=True).all()).item():
        items = items.sort("account_id", "item_id")
    return items, items["account_id"]


def _end_of_payer(payer: pl.Series, end: int) -> int:
    """The first position from `end` on where another payer begins; nulls come first and belong together."""
    nulls = payer.null_count()
    if end <= nulls:
        return nulls
    return nulls + int(payer.slice(nulls).search_sorted(payer[end - 1], side="right"))
