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
    unnamed = broken.join(book.promise_items.lazy(), on="promise_id", how="anti")
    owed_then = [_owed_then(claims, unnamed, by) for by in ("account_id", "payer_id")]
    return pl.concat([each.select("row", "broken_on") for each in (named, *owed_then)])


def _owed_then(claims: pl.LazyFrame, unnamed: pl.LazyFrame, made_by: str) -> pl.LazyFrame:
    """Claims with the last day on which a promise was broken that an account made for a day not before they were due.

    The promises of each account from the last `by_on` back, with the latest `broken_on` so far: a claim looks one up.
    """
    key = ["made_by", "currency"]
    latest = unnamed.sort("by_on").with_columns(pl.col("broken_on").cum_max(reverse=True).over(key))
    of_account = claims.select("row", "due_on", "currency", made_by=made_by).sort("due_on")
    found = of_account.join_asof(
        latest.select(*key, "by_on", "broken_on"),
        left_on="due_on",
        right_on="by_on",
        by=key,
        strategy="forward",
        check_sortedness=False,
    )
    return found.drop_nulls("broken_on")


def _dispute_over(rows: pl.DataFrame, book: Book, as_of: pl.Expr) -> pl.LazyFrame:
    over = book.disputes.lazy().drop_nulls("resolved_on").select("item_id", dispute_over_on="resolved_on")
    return (
        rows.lazy().join(over, on="item_id").filter(pl.col("dispute_over_on") <= as_of).select("row", "dispute_over_on")
    )
