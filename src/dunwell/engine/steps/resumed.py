"""What lets dunning go on otherwise than by the calendar: a promise that was broken, a dispute that is over."""

import polars as pl

from dunwell.engine.book import Book
from dunwell.engine.steps.parties import broken_promises
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected, overlay


def resumed(
    rows: pl.DataFrame, book: Book, known: pl.DataFrame, procedures: Procedures, *, as_of: pl.Expr
) -> pl.DataFrame:
    """Add, where some policy asks for it, `broken_on` and `dispute_over_on`: the last such day of each claim, or null.

    A promise is broken for the items it names; without names, for what its account owed in its currency by the day for
    which it was made. A dispute is over on the day it was resolved.
    """
    if any(policy.on_broken_promise == "next_stage" for policy in procedures.policies):
        rows = _laid(rows, "broken_on", _broken(rows, book, known, as_of))
    if any(policy.after_dispute != "continue" for policy in procedures.policies):
        rows = _laid(rows, "dispute_over_on", _dispute_over(rows, book, as_of))
    return rows


def _laid(rows: pl.DataFrame, name: str, found: pl.LazyFrame) -> pl.DataFrame:
    """Lay the last day of `found`, by row, over a column of nulls."""
    days = found.group_by("row").agg(pl.col(name).max()).pipe(collected)
    return overlay(rows.with_columns(pl.lit(None, dtype=pl.Date).alias(name)), days)


def _broken(rows: pl.DataFrame, book: Book, known: pl.DataFrame, as_of: pl.Expr) -> pl.LazyFrame:
    party = ["payer_id", "currency"]
    broken = (
        broken_promises(book, as_of)
        .join(known.lazy().select("account_id", "payer_id"), on="account_id")
        .select("promise_id", *party, "by_on", "broken_on", made_by="account_id")
    )
    due_on = "stored_due_on" if "stored_due_on" in rows.columns else "due_on"
    claims = rows.lazy().filter("is_claim").select("row", "item_id", "account_id", *party, due_on=due_on)
    named = broken.join(book.promise_items.lazy(), on="promise_id").join(claims, on=["item_id", *party])
    unnamed = broken.join(book.promise_items.lazy(), on="promise_id", how="anti").join(claims, on=party)
    is_concerned = (pl.col("made_by") == pl.col("account_id")) | (pl.col("made_by") == pl.col("payer_id"))
    owed_then = unnamed.filter(is_concerned, pl.col("due_on") <= pl.col("by_on"))
    return pl.concat([each.select("row", "broken_on") for each in (named, owed_then)])


def _dispute_over(rows: pl.DataFrame, book: Book, as_of: pl.Expr) -> pl.LazyFrame:
    over = book.disputes.lazy().drop_nulls("resolved_on").select("item_id", dispute_over_on="resolved_on")
    return (
        rows.lazy().join(over, on="item_id").filter(pl.col("dispute_over_on") <= as_of).select("row", "dispute_over_on")
    )
