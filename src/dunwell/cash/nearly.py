"""Claims on one item of a known payer whose amount is not quite that of the line, and what explains the gap."""

from typing import Final

import polars as pl

from dunwell.cash.claims import by_chance, by_currency, claims, is_in_time, is_slight
from dunwell.cash.settings import Settings
from dunwell.cash.single import ALIKE_MAX, CANDIDATES_MAX, oldest

# By what the gap of an item is explained, the likeliest first.
ORDER: Final = ("item_discount", "item_charges", "item_short", "item_over", "item_bound")
GAP: Final = {
    "item_discount": "discount",
    "item_charges": "charges",
    "item_short": "difference",
    "item_bound": "charges",
}
ROUNDED: Final = (-1, 0, 1)  # a discount that the payer rounded otherwise
BESIDE: Final = (-1, 0, 1)  # an amount less or more by at most a width is in the same strip of that width, or beside it


def nearly(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Claim the one item that the line pays but for a discount, charges, or a small difference."""
    few = payers.filter(pl.len().over("line_id") <= CANDIDATES_MAX)
    money = lines.select(
        "line_id", "currency", "amount_minor", "booked_on", "charges_minor", "instructed_minor", "instructed_currency"
    )
    asked = few.join(money, on="line_id").filter(pl.col("amount_minor") > 0)
    paid = stock.join(asked.select("payer_id").unique(), on="payer_id", how="semi", maintain_order="left")
    paid = paid.filter(~pl.col("is_credit"))
    owed = paid.group_by("payer_id", "currency").len("owed")
    pairs = _pairs(asked, paid, settings)
    each = (
        asked.join(owed, on=["payer_id", "currency"])
        .join(pairs, on=["line_id", "payer_id"])
        .join(
            paid.select("item_id", "open_minor", "discount_minor", "discount_until_on", "is_credit", "place"),
            on="item_id",
        )
        .with_columns(gap_minor=pl.col("open_minor") - pl.col("amount_minor"))
    )
    found = each.with_columns(case=_case(settings)).filter(pl.col("case").is_not_null())
    rank = pl.col("case").replace_strict({name: place for place, name in enumerate(ORDER)}, return_dtype=pl.Int8)
    best = found.with_columns(rank=rank).filter(pl.col("rank") == pl.col("rank").min().over("line_id"))
    count, number = pl.len().over("line_id"), pl.int_range(pl.len()).over("line_id")
    told = best.sort("line_id", "place").with_columns(
        gap=pl.col("case").replace_strict(GAP, default=None, return_dtype=pl.String),
        gap_minor=pl.max_horizontal("gap_minor", 0),
        # Where several would do, which it is a person says.
        minus_permille=pl.when(count > 1).then(100 + number * 20).otherwise(_less_certain(settings)),
        item_ids=pl.concat_list("item_id"),
        caps_minor=pl.concat_list("open_minor"),
        case=pl.col("case").replace({"item_bound": "item_charges"}),
    )
    return claims(told.filter(number < ALIKE_MAX))


def _pairs(asked: pl.DataFrame, paid: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Items that a line may be for, found by amounts that they have in common: line_id, payer_id, item_id.

    The work grows with what fits, and not with all that a payer owes times all that it pays.
    """
    on, amount = ["payer_id", "currency", "amount_minor"], pl.col("amount_minor")
    net = paid.filter(pl.col("discount_minor") > 0).select(
        "payer_id", "currency", "item_id", "place", "discount_until_on",
        amount_minor=pl.concat_list(pl.col("open_minor") - pl.col("discount_minor") + n for n in ROUNDED),
    ).explode("amount_minor", empty_as_null=False)  # fmt: skip
    whole = oldest(paid, "payer_id", "currency", "open_minor")
    gross = whole.select("payer_id", "currency", "item_id", amount_minor="open_minor")
    ordered = pl.when(pl.col("instructed_currency") == pl.col("currency")).then("instructed_minor")
    width = pl.max_horizontal(by_currency(settings.tolerances), by_currency(settings.charges_at_most)) + 1
    strips = whole.select("payer_id", "currency", "item_id", strip=pl.col("open_minor") // width)
    beside = asked.with_columns(strip=pl.concat_list(amount // width + n for n in BESIDE)).explode(
        "strip", empty_as_null=False
    )
    kept = ["line_id", "payer_id", "item_id"]
    return pl.concat([
        asked.join(oldest(net, *on, "discount_until_on"), on=on).select(kept),
        asked.with_columns(amount_minor=amount + pl.col("charges_minor")).join(gross, on=on).select(kept),
        asked.with_columns(amount_minor=ordered).join(gross, on=on).select(kept),
        beside.join(strips, on=["payer_id", "currency", "strip"]).select(kept),
    ]).unique()  # fmt: skip


def _case(settings: Settings) -> pl.Expr:
    """What explains the gap between an item and its line, or null."""
    gap, amount = pl.col("gap_minor"), pl.col("amount_minor")
    tolerance, at_most = by_currency(settings.tolerances), by_currency(settings.charges_at_most)
    ordered = pl.when(pl.col("instructed_currency") == pl.col("currency")).then("instructed_minor") - amount
    short = (gap > 0) & (gap < pl.col("open_minor"))
    slight = is_slight(gap.abs(), pl.col("open_minor"))
    is_discount = is_in_time(settings.discount_grace_days) & ((gap - pl.col("discount_minor")).abs() <= 1)
    return (
        pl.when(short & is_discount).then(pl.lit("item_discount"))
        .when(short & ((gap == pl.col("charges_minor")) | (gap == ordered)).fill_null(value=False))
        .then(pl.lit("item_charges"))
        .when(short & slight & (gap <= tolerance)).then(pl.lit("item_short"))
        .when((gap < 0) & slight & (-gap <= tolerance)).then(pl.lit("item_over"))
        .when(short & slight & (gap <= at_most)).then(pl.lit("item_bound"))
    )  # fmt: skip


def _less_certain(settings: Settings) -> pl.Expr:
    """The wider the gap may be, the likelier some item is within it by chance."""
    return (
        pl.when(pl.col("case").is_in(["item_short", "item_over"]))
        .then(by_chance(2 * by_currency(settings.tolerances)))
        .when(pl.col("case") == "item_bound")
        .then(by_chance(by_currency(settings.charges_at_most)))
        .otherwise(by_chance(1))
    )
