"""How old what is owed is: open items by days past due."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Book
from dunwell.engine.money import AMOUNT_MINOR_MAX

BUCKETS: Final = (30, 60, 90)
GROUP: Final = ("entity_id", "currency")


def ageing(book: Book, *, as_of: date, buckets: Sequence[int] = BUCKETS, by: Sequence[str] = ()) -> pl.DataFrame:
    """Sum the open items of a book by entity, currency, `by` and days past due; one row each, sorted by these.

    `by`: columns of the items' accounts, such as `segment`; null where nobody knows.

    Columns, in minor units: `not_due_minor` (due on `as_of` or later); for buckets of 30,
    60 and 90 `days_1_30_minor`, `days_31_60_minor`, `days_61_90_minor` and `days_over_90_minor` (exactly 30 days past
    due is in the first); `no_due_date_minor`; `unapplied_minor`; and `total_minor`, the sum of all these.

    - Invoices, instalments and charges count with their whole open amount. Its disputed part stays in its bucket and
      is shown once more in `disputed_minor`, a memo that is in no sum; a dispute without an amount is over all of it.
    - Credits and payments not yet applied are not set off against any bucket: they are `unapplied_minor`, negative.
    - Drafts and settled items are left out. An item whose open amount is missing, negative or beyond 10^12 is in no
      sum; `undecidable_count` says how many there are.
    - `open_count` counts the items in the buckets, `unapplied_count` the credits and payments.

    Errors: ValueError for buckets that do not rise from 1; Polars' InvalidOperationError for a sum beyond Int64.
    """
    names = bucket_names(buckets)
    amount = pl.col("open_minor")
    sound = amount.is_between(0, AMOUNT_MINOR_MAX).fill_null(value=False)
    credit = pl.col("kind").is_in(CREDIT_KINDS)
    is_owed, is_credit = sound & ~credit & (amount > 0), sound & credit & (amount > 0)
    bucket = bucket_of(as_of, buckets, names)
    keys = [*GROUP, *by]
    items = book.items.lazy().filter(~pl.col("draft"), ~sound | (amount > 0))
    found = (
        (items.join(book.accounts.lazy().select("account_id", *by), on="account_id", how="left") if by else items)
        .group_by(keys)
        .agg(
            *(_sum(amount, is_owed & (bucket == place)).alias(f"{name}_minor") for place, name in enumerate(names)),
            _sum(-amount, is_credit).alias("unapplied_minor"),
            _sum(_disputed(book), is_owed).alias("disputed_minor"),
            is_owed.sum().cast(pl.Int64).alias("open_count"),
            is_credit.sum().cast(pl.Int64).alias("unapplied_count"),
            (~sound).sum().cast(pl.Int64).alias("undecidable_count"),
        )
    )
    parts = [f"{name}_minor" for name in (*names, "unapplied")]
    total = pl.sum_horizontal(pl.col(part).cast(pl.Int128) for part in parts)
    columns = [*keys, *parts, "total_minor", "disputed_minor", "open_count", "unapplied_count", "undecidable_count"]
    return found.with_columns(total_minor=total.cast(pl.Int64)).select(columns).sort(keys).collect()


def bucket_names(buckets: Sequence[int]) -> list[str]:
    """Name the buckets with these bounds, and that without a due date. Errors: ValueError where they do not rise."""
    bounds = [0, *buckets]
    if any(low >= high for low, high in pairwise(bounds)):
        raise ValueError(f"buckets must rise from 1, such as {BUCKETS}; not {tuple(buckets)}")
    between = [f"days_{low + 1}_{high}" for low, high in pairwise(bounds)]
    return ["not_due", *between, f"days_over_{bounds[-1]}", "no_due_date"]


def bucket_of(as_of: date, buckets: Sequence[int], names: Sequence[str]) -> pl.Expr:
    """The place of a row's bucket among `names`: how many bounds its days past due are beyond."""
    days = (pl.lit(as_of) - pl.col("due_on")).dt.total_days()
    beyond = pl.sum_horizontal((days > bound).cast(pl.Int8) for bound in (0, *buckets))
    return pl.when(days.is_null()).then(len(names) - 1).otherwise(beyond)


def _disputed(book: Book) -> pl.Expr:
    over_all = book.disputes.filter(pl.col("amount_minor").is_null(), pl.col("resolved_on").is_null())["item_id"]
    part = pl.col("disputed_minor").fill_null(0).clip(0, pl.col("open_minor"))
    return pl.when(pl.col("item_id").is_in(over_all.implode())).then("open_minor").otherwise(part)


def _sum(amount: pl.Expr, where: pl.Expr) -> pl.Expr:
    """Add up without wrapping: beyond Int64 the cast back fails, loudly."""
    return pl.when(where).then(amount).otherwise(0).cast(pl.Int128).sum().cast(pl.Int64)
