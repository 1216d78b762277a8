"""A claim: that a line pays certain items of one payer, found in one way, and how certain that is."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from dunwell.cash.confidence import KNOWN, table
from dunwell.engine.book import CREDIT_KINDS, Schema

# What closes the gap between what came and what is open: taken off beside the money.
GAPS: Final = ("discount", "charges", "difference")

SHARE: Final = 10  # a gap within a tolerance or a bound for charges is at most a tenth of the item: the rest is owed
CHANCE_MAX: Final = 250  # however likely chance is, an item that fits is a better guess than none

CLAIMS: Final[Schema] = {
    "line_id": pl.Int64,
    "payer_id": pl.Int64,  # null: items of several payers
    "how": pl.String,  # how the payer is known
    "known": pl.Enum(KNOWN),
    "case": pl.String,  # of confidence.CASES
    "gap": pl.String,  # one of GAPS, or null
    "gap_minor": pl.Int64,
    "minus_permille": pl.Int32,  # by how much less certain than its case
    "item_ids": pl.List(pl.Int64),
    "caps_minor": pl.List(pl.Int64),  # at most so much of each item; of a credit negative
}


def claims(frame: pl.DataFrame) -> pl.DataFrame:
    """Shape `frame` as CLAIMS; what it lacks is null, or 0."""
    defaults = {"gap_minor": 0, "minus_permille": 0}
    given = set(frame.columns)
    return frame.select(
        (pl.col(name) if name in given else pl.lit(defaults.get(name))).cast(dtype).alias(name)
        for name, dtype in CLAIMS.items()
    )


def rated(made: pl.DataFrame) -> pl.DataFrame:
    """Add step, codes and permille to claims; a case that is not made for how the payer is known is left out."""
    known = table().with_columns(pl.col("known").cast(pl.Enum(KNOWN)))
    return made.join(known, on=["case", "known"]).with_columns(
        permille=pl.max_horizontal(pl.col("permille") - pl.col("minus_permille"), pl.lit(1))
    )


def stock(items: pl.DataFrame) -> pl.DataFrame:
    """The items that something is open of: with signed_minor, is_credit, and place (0 the oldest due, then issued)."""
    kept = items.filter(pl.col("open_minor") > 0).sort("due_on", "issued_on", "item_id", nulls_last=True)
    is_credit = pl.col("kind").cast(pl.String).is_in(CREDIT_KINDS)
    return signed(kept.with_columns(is_credit=is_credit, place=pl.int_range(pl.len(), dtype=pl.Int64)))


def signed(items: pl.DataFrame) -> pl.DataFrame:
    """Give what is open of items as signed_minor: of a credit negative."""
    return items.with_columns(signed_minor=pl.when("is_credit").then(-pl.col("open_minor")).otherwise("open_minor"))


def is_in_time(grace_days: int) -> pl.Expr:
    """Say of an item beside its line whether the discount was still to be had on the day of the line."""
    until = pl.col("discount_until_on") + pl.duration(days=grace_days)
    return ((pl.col("discount_minor") > 0) & (pl.col("booked_on") <= until) & ~pl.col("is_credit")).fill_null(
        value=False
    )


def is_whole() -> pl.Expr:
    """Say of an item beside its claim whether all that is open is claimed; only what closes an item is granted."""
    return pl.col("cap_minor") == pl.col("signed_minor")


def by_currency(amounts: Mapping[str, int]) -> pl.Expr:
    """Give the amount of the column `currency`, 0 for one not named."""
    if not amounts:
        return pl.lit(0, dtype=pl.Int64)
    return pl.col("currency").cast(pl.String).replace_strict(dict(amounts), default=0, return_dtype=pl.Int64)


def is_slight(gap: pl.Expr, of_minor: pl.Expr) -> pl.Expr:
    """Say whether a gap, that nothing explains but a bound, is small beside the item it would be granted on."""
    return gap * SHARE <= of_minor


def by_chance(width_minor: int | pl.Expr) -> pl.Expr:
    """How much less certain a claim is whose amount one of so many items (`owed`) would be within reach of by chance.

    As if of five lines that have come so far four paid what their amount says, and one paid something else.
    """
    met = 1000 * pl.col("owed").cast(pl.Int64) * width_minor // pl.col("amount_minor")
    return pl.min_horizontal(1000 * met // (4000 + met), CHANCE_MAX).cast(pl.Int32)
