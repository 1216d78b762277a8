"""What stood open at the end of a day of the past, as a history tells."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Book, table
from dunwell.engine.history import History
from dunwell.insight.trade import GROUP, SOLD, total_where, with_party


def standing(history: History, on: date, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Sum what was open at the end of a day by entity, currency and `by`; one row each, in minor units.

    Columns: `not_due_minor` (due on the day or later), `overdue_minor`, `no_due_date_minor` and their sum
    `receivables_minor`, of invoices and instalments with their tax, and with what is disputed; `charges_minor`, which
    are owed and were not sold; `unapplied_minor` (0 or less), credit notes and money not yet set off: no receivable is
    lowered by it. Drafts are in no history. An item without a day of issue counts from the beginning.
    Errors: ValueError for a day that the history does not tell of.
    """
    keys = [*GROUP, *by]
    rows = with_party(history.open_on(on), history, by)
    open_minor, due_on = pl.col("open_minor"), pl.col("due_on")
    sold = pl.col("kind").is_in(SOLD)
    return (
        rows.group_by(keys)
        .agg(
            total_where(open_minor, sold & (due_on >= on)).alias("not_due_minor"),
            total_where(open_minor, sold & (due_on < on)).alias("overdue_minor"),
            total_where(open_minor, sold & due_on.is_null()).alias("no_due_date_minor"),
            total_where(open_minor, sold).alias("receivables_minor"),
            total_where(open_minor, pl.col("kind") == "charge").alias("charges_minor"),
            total_where(-open_minor, pl.col("kind").is_in(CREDIT_KINDS)).alias("unapplied_minor"),
        )
        .sort(keys)
    )


def book_on(history: History, on: date) -> Book:
    """Return a book of what was open at the end of a day: its items and disputes as they stood then, no more.

    Errors: ValueError for a day that the history does not tell of.
    """
    opened = history.disputes.filter(pl.col("opened_on") <= on)
    disputes = opened.with_columns(resolved_on=pl.when(pl.col("resolved_on") <= on).then("resolved_on"))
    part = disputes.filter(pl.col("resolved_on").is_null()).group_by("item_id")
    disputed = part.agg(disputed_minor=pl.col("amount_minor").sum())
    items = history.open_on(on).join(disputed, on="item_id", how="left", maintain_order="left")
    columns = (
        "item_id",
        "account_id",
        "entity_id",
        "number",
        "kind",
        "currency",
        "issued_on",
        "due_on",
        "amount_minor",
    )
    shaped = items.select(*columns, "open_minor", pl.col("disputed_minor").fill_null(0))
    return Book.of(accounts=history.accounts, items=table("items", shaped), disputes=disputes)
