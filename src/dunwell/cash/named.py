"""Claims on what a line names: all that is open of it, or less, or more, and what explains the gap."""

from typing import Final

import polars as pl

from dunwell.cash.claims import by_currency, claims, is_in_time, is_slight, is_whole
from dunwell.cash.settings import Settings

# What a number that is weak by itself may claim, by the case that it would be otherwise.
SHORT: Final = {"number": "short_number"}
LIKE: Final = {"number": "like_number"}
OPEN_ENDS: Final = ("numbers_less", "number_over", "reference_over")  # what other items may explain yet


def claims_named(
    named: pl.DataFrame, lines: pl.DataFrame, payers: pl.DataFrame, stock: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Claim for each line and payer the items that the line names: CLAIMS with `gap_open_minor`.

    `named` is of `evidence.NAMED`. Items of several payers are claimed together where they are the amount together.
    """
    told = _known(_read(named, lines, stock, settings), payers)
    across = _read(_of_several(named), lines, stock, settings)
    across = across.filter((pl.col("gap_open_minor") == 0) | pl.col("is_less"))
    unknown = across.with_columns(how=pl.lit("several_payers"), known=pl.lit("none").cast(told.schema["known"]))
    both = pl.concat([told, unknown], how="diagonal")
    return claims(both).with_columns(both["gap_open_minor"]).filter(pl.col("case").is_not_null())


def _read(named: pl.DataFrame, lines: pl.DataFrame, stock: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """What is named of each line and payer, and where an advice says less of it, as a discount that was taken.

    Of the second reading, `is_less`, only such a discount counts.
    """
    group = ["line_id", "payer_id"]
    less = (pl.col("advised_minor") == pl.col("cap_minor")).fill_null(value=False).any().over(group)
    opened = named.filter(less).drop("advised_minor", "cap_minor").join(
        stock.select("item_id", cap_minor="signed_minor"), on="item_id"
    ).with_columns(advised_minor=pl.lit(None, dtype=pl.Int64))  # fmt: skip
    whole = _gaps(_sets(named, lines, stock, group, settings), settings).with_columns(is_less=pl.lit(value=False))
    all_open = _gaps(_sets(opened, lines, stock, group, settings), settings).with_columns(is_less=pl.lit(value=True))
    return pl.concat([whole, all_open.filter(pl.col("case") == "number_discount")])


def _of_several(named: pl.DataFrame) -> pl.DataFrame:
    """What lines name of several payers, as of one that nobody knows: each of them is paid some of the money."""
    pays = (pl.col("cap_minor").sum().over("line_id", "payer_id") > 0).all().over("line_id")
    several = named.filter((pl.col("payer_id").n_unique().over("line_id") > 1) & pays)
    return several.with_columns(payer_id=pl.lit(None, dtype=pl.Int64))


def _sets(
    named: pl.DataFrame, lines: pl.DataFrame, stock: pl.DataFrame, group: list[str], settings: Settings
) -> pl.DataFrame:
    """The items of each line and payer as one row, with the sums that matter."""
    about = stock.select("item_id", "place", "is_credit", "signed_minor", "discount_minor", "discount_until_on")
    each = named.join(about, on="item_id").join(lines.select("line_id", "booked_on"), on="line_id")
    discount = pl.when(is_whole()).then(pl.min_horizontal("discount_minor", "cap_minor"))
    has_one = (pl.col("discount_minor") > 0) & ~pl.col("is_credit")
    sets = (
        each.sort("line_id", "place")
        .group_by(group, maintain_order=True)
        .agg(
            item_ids=pl.col("item_id"),
            caps_minor=pl.col("cap_minor"),
            largest_minor=pl.col("cap_minor").max(),
            largest_whole_minor=pl.col("cap_minor").filter(is_whole()).max(),
            total_minor=pl.col("cap_minor").sum(),
            advised_minor=pl.when(pl.col("advised_minor").is_null().any()).then(None).otherwise(
                pl.col("advised_minor").sum()
            ),
            is_capped=(pl.col("advised_minor") == pl.col("cap_minor")).fill_null(value=False).any(),
            count=pl.len(),
            by_reference=(pl.col("by") == "reference").all(),
            in_time_minor=pl.when(is_in_time(settings.discount_grace_days)).then(discount).otherwise(0).sum(),
            late_minor=pl.when(has_one).then(discount).otherwise(0).sum(),
        )
    )  # fmt: skip
    money = lines.select(
        "line_id", "currency", "amount_minor", "charges_minor", "instructed_minor", "instructed_currency"
    )
    return sets.join(money, on="line_id")


def _gaps(sets: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Say which case each set is, and what its gap is put down to."""
    gap, amount = pl.col("total_minor") - pl.col("amount_minor"), pl.col("amount_minor")
    sized = sets.with_columns(gap_open_minor=gap)
    left = pl.col("gap_open_minor")
    tolerance, at_most = by_currency(settings.tolerances), by_currency(settings.charges_at_most)
    # What is granted never is all of an item, and nothing of it stays open.
    discounted = ((left > 0) & (left < pl.col("largest_whole_minor"))).fill_null(value=False)
    instructed = pl.when(pl.col("instructed_currency") == pl.col("currency")).then(pl.col("instructed_minor")) - amount
    slight = is_slight(left, pl.col("largest_whole_minor"))
    is_charge = (left == pl.col("charges_minor")) | (left == instructed) | ((left <= at_most) & slight)
    by_ref = pl.col("by_reference")
    case = (
        pl.when((pl.col("total_minor") <= 0) | (pl.col("amount_minor") <= 0)).then(None)
        .when(left == 0).then(
            pl.when(by_ref).then(pl.lit("reference")).when("is_capped").then(pl.lit("advised")).otherwise(pl.lit("number")))
        .when(discounted & (pl.col("in_time_minor") > 0) & ((left - pl.col("in_time_minor")).abs() <= pl.col("count")))
        .then(pl.lit("number_discount"))
        .when(discounted & slight & (left <= tolerance)).then(pl.lit("number_short"))
        .when(discounted & is_charge.fill_null(value=False)).then(pl.lit("number_charges"))
        .when(discounted & (left == pl.col("late_minor"))).then(pl.lit("number_late_discount"))
        .when((left > 0) & (pl.col("count") == 1))
        .then(pl.when(by_ref).then(pl.lit("reference_part")).otherwise(pl.lit("number_part")))
        .when(left > 0).then(pl.lit("numbers_less"))
        .when((-left <= tolerance) & is_slight(-left, pl.col("largest_minor"))).then(pl.lit("number_slightly_over"))
        .otherwise(pl.when(by_ref).then(pl.lit("reference_over")).otherwise(pl.lit("number_over")))
    )  # fmt: skip
    kinds = {"number_discount": "discount", "number_short": "difference", "number_charges": "charges"}
    kind = case.replace_strict(kinds, default=None, return_dtype=pl.String)
    return sized.with_columns(case=case, gap=kind, gap_minor=pl.when(kind.is_not_null()).then(left).otherwise(0))


def _known(sets: pl.DataFrame, payers: pl.DataFrame) -> pl.DataFrame:
    """Say how the payer that owes the items is known as the payer of the line.

    Only an account says for sure that somebody else paid; a name may be that of a sister.
    """
    somebody = payers.filter(pl.col("known") == "sure").select("line_id").unique().with_columns(
        is_other=pl.lit(value=True)
    )  # fmt: skip
    joined = sets.join(payers, on=["line_id", "payer_id"], how="left").join(somebody, on="line_id", how="left")
    other = pl.col("is_other").fill_null(value=False)
    return joined.with_columns(
        how=pl.coalesce("how", pl.when(other).then(pl.lit("third_party")).otherwise(pl.lit("payer_unknown"))),
        known=pl.coalesce(
            "known", pl.when(other).then(pl.lit("other")).otherwise(pl.lit("none")).cast(joined.schema["known"])
        ),
    )


def weakly(
    named: pl.DataFrame,
    strong: pl.DataFrame,
    cases: dict[str, str],
    *,
    lines: pl.DataFrame,
    payers: pl.DataFrame,
    stock: pl.DataFrame,
    settings: Settings,
) -> pl.DataFrame:
    """Claim what weak numbers name, alone or beside `strong` ones, where the amount is all of it: SHORT or LIKE."""
    amounts = lines.select("line_id", "amount_minor")
    alone = named.join(amounts, on="line_id").filter(pl.col("cap_minor") == pl.col("amount_minor"))
    alone = alone.filter(pl.len().over("line_id", "payer_id") == 1).drop("amount_minor")
    beside = pl.concat([named, strong.join(named, on=["line_id", "payer_id"], how="semi")]).unique(
        ["line_id", "item_id"], keep="first", maintain_order=True
    )
    beside = beside.join(alone, on=["line_id", "payer_id"], how="anti")
    made = claims_named(pl.concat([alone, beside]), lines, payers, stock, settings)
    exact = made.filter(pl.col("case").is_in(list(cases)) & pl.col("payer_id").is_not_null())
    return claims(exact).with_columns(case=pl.col("case").replace_strict(cases, return_dtype=pl.String))
