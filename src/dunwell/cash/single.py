"""Claims on one item of a known payer, by its amount alone."""

import polars as pl

from dunwell.cash.claims import by_chance, claims

ALIKE_MAX = 3  # of items as likely as each other, so many are offered
ROUND_MINOR = 1_000
CANDIDATES_MAX = 5  # of payers that a line may be of, where more than the amount is looked at


def oldest(stock: pl.DataFrame, *same: str) -> pl.DataFrame:
    """Keep the first three of items that are the same: more are no help, and thousands of one price would be work."""
    return stock.filter(pl.int_range(pl.len()).over(*same) < ALIKE_MAX)


def fitting(stock: pl.DataFrame, wanted: pl.DataFrame, *on: str) -> pl.DataFrame:
    """Keep the items that have what is `wanted` in the columns `on`, the oldest three of those that are the same."""
    paid = stock.filter(~pl.col("is_credit"))
    return oldest(paid.join(wanted.select(on).unique(), on=on, how="semi", maintain_order="left"), *on)


def one_item(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Claim the one item of exactly the amount; where there are several, the oldest three as alike."""
    asked = payers.join(lines.select("line_id", "currency", open_minor="amount_minor"), on="line_id")
    key = ("payer_id", "currency", "open_minor")
    found = asked.join(fitting(stock, asked, *key).drop("amount_minor"), on=key).sort("line_id", "place")
    found = found.rename({"open_minor": "amount_minor"})
    count, number = pl.len().over("line_id"), pl.int_range(pl.len()).over("line_id")
    owed = stock.filter(~pl.col("is_credit")).group_by("payer_id", "currency").len("owed")
    found = found.join(owed, on=["payer_id", "currency"], maintain_order="left")
    # Of a payer that is one of several, and with a round amount, one item of that amount is found by chance.
    is_doubtful = (pl.col("known") == "unclear") & (pl.col("amount_minor") % ROUND_MINOR == 0)
    clear = (pl.col("known") != "unclear").sum().over("line_id")
    told = found.filter((clear == 0) | (pl.col("known") != "unclear")).with_columns(
        case=pl.when(count == 1).then(pl.lit("one_item")).otherwise(pl.lit("alike")),
        minus_permille=pl.when(count > 1).then(number * 20).otherwise(50 * is_doubtful.cast(pl.Int32) + by_chance(1)),
        item_ids=pl.concat_list("item_id"),
        caps_minor=pl.concat_list("amount_minor"),
    )
    return claims(told.filter(number < ALIKE_MAX))


def in_other_currency(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Claim the one item, of a known payer, of the currency and amount that was ordered; nothing of it is applied."""
    ordered = lines.filter(pl.col("instructed_currency") != pl.col("currency")).select(
        "line_id", currency="instructed_currency", open_minor="instructed_minor"
    )
    key = ("payer_id", "currency", "open_minor")
    asked = payers.join(ordered, on="line_id")
    found = asked.join(fitting(stock, asked, *key), on=key)
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
    key = ("currency", "open_minor")
    asked = lines.select("line_id", "currency", open_minor="amount_minor")
    found = asked.join(fitting(stock, asked, *key), on=key).sort("line_id", "place")
    number = pl.int_range(pl.len()).over("line_id")
    told = found.filter(number < ALIKE_MAX).with_columns(
        case=pl.lit("amount_only"),
        how=pl.lit("payer_unknown"),
        known=pl.lit("none"),
        minus_permille=number * 10,
        item_ids=pl.concat_list("item_id"),
        caps_minor=pl.concat_list("open_minor"),
    )
    return claims(told)


def on_account(payers: pl.DataFrame) -> pl.DataFrame:
    """Claim no item: the money is the payer's, whatever it is for."""
    nothing = pl.lit([], dtype=pl.List(pl.Int64))
    return claims(payers.with_columns(case=pl.lit("payer_only"), item_ids=nothing, caps_minor=nothing))


def oldest_first(lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Claim the items of a payer from the oldest on, as far as the money goes.

    Lines of one payer follow each other, the earlier booked first, as if all were one sum: none waits for another.
    """
    key = ["payer_id", "currency"]
    amount, open_minor = pl.col("amount_minor"), pl.col("open_minor")
    money = (
        payers.filter(pl.col("known") != "unclear")
        .join(lines.select("line_id", "currency", "amount_minor", "booked_on"), on="line_id")
        .filter(amount > 0)
        .sort(*key, "booked_on", "line_id")
        .with_columns(upto=amount.cum_sum().over(key))
        .with_columns(start=pl.col("upto") - amount)
    )
    owed = (
        stock.filter(~pl.col("is_credit"))
        .select(*key, "item_id", "open_minor", "place")
        .sort(*key, "place")
        .with_columns(end=open_minor.cum_sum().over(key), at=pl.int_range(pl.len()).over(key))
        .with_columns(begin=pl.col("end") - open_minor)
    )
    begins = owed.select(*key, "begin", first="at").sort("begin")
    firsts = money.sort("start").join_asof(begins, left_on="start", right_on="begin", by=key, check_sortedness=False)
    lasts = money.select("line_id", *key, last_minor=pl.col("upto") - 1).sort("last_minor")
    lasts = lasts.join_asof(
        begins.rename({"first": "last"}), left_on="last_minor", right_on="begin", by=key, check_sortedness=False
    )
    each = (
        firsts.drop("begin", strict=False)
        .join(lasts.select("line_id", *key, "last"), on=["line_id", *key])
        .filter(pl.col("first").is_not_null())
        .with_columns(at=pl.int_ranges("first", pl.col("last") + 1))
        .explode("at", empty_as_null=False)
        .join(owed, on=[*key, "at"])
        .with_columns(cap=pl.min_horizontal("end", "upto") - pl.max_horizontal("begin", "start"))
        .filter(pl.col("cap") > 0)
        .sort("line_id", "payer_id", "place")
    )
    return claims(
        each.group_by("line_id", "payer_id", "how", "known", maintain_order=True)
        .agg(item_ids="item_id", caps_minor="cap")
        .with_columns(case=pl.lit("oldest_first"))
    )
