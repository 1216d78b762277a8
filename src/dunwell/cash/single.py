"""Claims on one item of a known payer, by its amount alone."""

import polars as pl

from dunwell.cash.claims import by_currency, claims, is_in_time
from dunwell.cash.settings import Settings

ALIKE_MAX = 3  # of items as likely as each other, so many are offered
# By what the gap of an item is explained, the likeliest first.
ORDER = ("item_discount", "item_charges", "item_short", "item_over", "item_bound")
ROUND_MINOR = 1_000
CANDIDATES_MAX = 5  # of payers that a line may be of, where every item of theirs is looked at
GAP = {"item_discount": "discount", "item_charges": "charges", "item_short": "difference", "item_bound": "charges"}


def one_item(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Claim the one item of exactly the amount; where there are several, the oldest three as alike."""
    paid = stock.filter(~pl.col("is_credit"))
    found = (
        payers.join(lines.select("line_id", "currency", "amount_minor"), on="line_id")
        .join(paid, left_on=["payer_id", "currency", "amount_minor"], right_on=["payer_id", "currency", "open_minor"])
        .sort("line_id", "place")
    )
    count, number = pl.len().over("line_id"), pl.int_range(pl.len()).over("line_id")
    owed = paid.group_by("payer_id", "currency").len("owed")
    found = found.join(owed, on=["payer_id", "currency"], maintain_order="left")
    # Of a payer that is one of several, and with a round amount, one item of that amount is found by chance.
    is_doubtful = (pl.col("known") == "unclear") & (pl.col("amount_minor") % ROUND_MINOR == 0)
    clear = (pl.col("known") != "unclear").sum().over("line_id")
    told = found.filter((clear == 0) | (pl.col("known") != "unclear")).with_columns(
        case=pl.when(count == 1).then(pl.lit("one_item")).otherwise(pl.lit("alike")),
        minus_permille=number * 20 + 50 * is_doubtful.cast(pl.Int32) + _by_chance(1),
        item_ids=pl.concat_list("item_id"),
        caps_minor=pl.concat_list("amount_minor"),
    )
    return claims(told.filter(number < ALIKE_MAX))


def nearly(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Claim the one item that the line pays but for a discount, charges, or a small difference."""
    money = lines.select(
        "line_id", "currency", "amount_minor", "booked_on", "charges_minor", "instructed_minor", "instructed_currency"
    )
    few = payers.filter(pl.len().over("line_id") <= CANDIDATES_MAX)
    each = (
        few.join(money, on="line_id")
        .join(stock.filter(~pl.col("is_credit")).drop("account_id", "amount_minor"), on=["payer_id", "currency"])
        .with_columns(
            gap_minor=pl.col("open_minor") - pl.col("amount_minor"), owed=pl.len().over("line_id", "payer_id")
        )
    )
    gap, tolerance, at_most = (
        pl.col("gap_minor"),
        by_currency(settings.tolerances),
        by_currency(settings.charges_at_most),
    )
    instructed = pl.when(pl.col("instructed_currency") == pl.col("currency")).then("instructed_minor") - pl.col(
        "amount_minor"
    )
    short = (gap > 0) & (gap < pl.col("open_minor"))
    is_discount = is_in_time(settings.discount_grace_days) & ((gap - pl.col("discount_minor")).abs() <= 1)
    case = (
        pl.when(short & is_discount).then(pl.lit("item_discount"))
        .when(short & ((gap == pl.col("charges_minor")) | (gap == instructed)).fill_null(value=False))
        .then(pl.lit("item_charges"))
        .when(short & (gap <= tolerance)).then(pl.lit("item_short"))
        .when((gap < 0) & (-gap <= tolerance)).then(pl.lit("item_over"))
        .when(short & (gap <= at_most)).then(pl.lit("item_bound"))
    )  # fmt: skip
    found = each.with_columns(case=case).filter(pl.col("case").is_not_null())
    rank = pl.col("case").replace_strict({name: place for place, name in enumerate(ORDER)}, return_dtype=pl.Int8)
    best = found.with_columns(rank=rank).filter(pl.col("rank") == pl.col("rank").min().over("line_id"))
    count, number = pl.len().over("line_id"), pl.int_range(pl.len()).over("line_id")
    told = best.sort("line_id", "place").with_columns(
        gap=pl.col("case").replace_strict(GAP, default=None, return_dtype=pl.String),
        gap_minor=pl.max_horizontal("gap_minor", 0),
        # Where several would do, which it is a person says.
        minus_permille=pl.when(count > 1)
        .then(100 + number * 20)
        .when(pl.col("case").is_in(["item_short", "item_over"]))
        .then(_by_chance(2 * tolerance))
        .when(pl.col("case") == "item_bound")
        .then(_by_chance(at_most))
        .otherwise(_by_chance(1)),
        item_ids=pl.concat_list("item_id"),
        caps_minor=pl.concat_list("open_minor"),
        case=pl.col("case").replace({"item_bound": "item_charges"}),
    )
    return claims(told.filter(number < ALIKE_MAX))


def in_other_currency(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Claim the one item, of a known payer, of the currency and amount that was ordered; nothing of it is applied."""
    ordered = lines.filter(pl.col("instructed_currency") != pl.col("currency")).select(
        "line_id", currency="instructed_currency", open_minor="instructed_minor"
    )
    found = payers.join(ordered, on="line_id").join(
        stock.filter(~pl.col("is_credit")), on=["payer_id", "currency", "open_minor"]
    )
    alone = found.filter(pl.len().over("line_id") == 1)
    return claims(
        alone.with_columns(
            case=pl.lit("item_exchange"),
            item_ids=pl.concat_list("item_id"),
            caps_minor=pl.concat_list(pl.lit(0, dtype=pl.Int64)),
        )
    )


def of_nobody(lines: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Guess for lines of nobody known whose items have the amount: three at most, never proposed."""
    found = (
        lines.select("line_id", "currency", "amount_minor")
        .join(
            stock.filter(~pl.col("is_credit")),
            left_on=["currency", "amount_minor"],
            right_on=["currency", "open_minor"],
        )
        .sort("line_id", "place")
    )
    number = pl.int_range(pl.len()).over("line_id")
    told = found.filter(number < ALIKE_MAX).with_columns(
        case=pl.lit("amount_only"),
        how=pl.lit("payer_unknown"),
        known=pl.lit("none"),
        minus_permille=number * 10,
        item_ids=pl.concat_list("item_id"),
        caps_minor=pl.concat_list("amount_minor"),
    )
    return claims(told)


def _by_chance(width_minor: int | pl.Expr) -> pl.Expr:
    """How much less certain an amount is that one of so many items may have by chance: of five such lines one has."""
    met = 1000 * pl.col("owed").cast(pl.Int64) * width_minor // pl.col("amount_minor")
    return (1000 * met // (4000 + met)).cast(pl.Int32)


def on_account(payers: pl.DataFrame) -> pl.DataFrame:
    """Claim no item: the money is the payer's, whatever it is for."""
    nothing = pl.lit([], dtype=pl.List(pl.Int64))
    return claims(payers.with_columns(case=pl.lit("payer_only"), item_ids=nothing, caps_minor=nothing))


def oldest_first(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Claim the items of a payer from the oldest on, as far as the money goes."""
    money = payers.join(lines.select("line_id", "currency", "amount_minor"), on="line_id")
    owed = stock.filter(~pl.col("is_credit")).select("payer_id", "currency", "item_id", "open_minor", "place")
    each = money.join(owed, on=["payer_id", "currency"]).sort("line_id", "payer_id", "place")
    before = pl.col("open_minor").cum_sum().over("line_id", "payer_id") - pl.col("open_minor")
    return claims(
        each.filter(before < pl.col("amount_minor"))
        .group_by("line_id", "payer_id", "how", "known", maintain_order=True)
        .agg(item_ids="item_id", caps_minor="open_minor")
        .with_columns(case=pl.lit("oldest_first"))
    )
