"""The flat sum for recovery costs that candidates owe: once in an item's life, by steps, converted where need be."""

from datetime import date
from fractions import Fraction
from math import ceil, floor, lcm
from typing import Final, NamedTuple

import polars as pl

from dunwell.engine.law.flat import exchange_rate, sums_of
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DebtorClass, Flat
from dunwell.engine.law.series import AllSeries, RatesMissing
from dunwell.engine.money import exponent, ratio_half_up
from dunwell.engine.steps.laws import CLASS_LACKS, by_class, is_warned, needs_class
from dunwell.engine.steps.procedures import Procedures

MINOR_MAX: Final = 2**62


class Line(NamedTuple):
    """From a principal on the flat sum is (a + b x principal) / c, between two bounds; all in minor units."""

    from_minor: int
    a: int
    b: int
    c: int
    least_minor: int
    most_minor: int


LINES: Final = {"way": pl.Int64, **dict.fromkeys(Line._fields, pl.Int64)} | {"a": pl.Int128, "c": pl.Int128}


def compensation(rows: pl.DataFrame, paid: pl.DataFrame, procedures: Procedures, series: AllSeries) -> pl.DataFrame:
    """Add what the flat sum comes to: `flat_minor`, `flat_code` (why there is none) and `flat_lacks`.

    And `flat_principal_minor`, by which it goes, `flat_on`, the day of its exchange rates, and `takes_off_fees`, where
    what was charged as fees counts towards it. `rows` as in `interest`.
    """
    lacks_class = by_class(
        procedures, lambda law, debtor_class: debtor_class is None and needs_class(law, "compensation"), pl.Boolean
    )
    flats, flat = flats_of(procedures)
    rows = rows.with_columns(flat=flat).with_columns(
        takes_off_fees=_of_flat(flats, "less_fees", pl.Boolean).fill_null(value=False),
        flat_code=pl.when(~lacks_class & ~pl.col("has_flat")).then(_code(flats)),
        flat_lack=pl.when(lacks_class).then(pl.lit(CLASS_LACKS)),
    )
    owing = rows.filter(pl.col("flat").is_not_null(), ~pl.col("has_flat"), pl.col("flat_code").is_null())
    worked = worked_out(_principals(owing, paid, flats), flats, series)
    return (
        rows.join(worked.drop("flat", "currency"), on="item_id", how="left", maintain_order="left")
        .with_columns(flat_lacks=pl.coalesce("flat_lack", "lacks"))
        .drop("flat", "flat_lack", "lacks")
    )


def flats_of(procedures: Procedures) -> tuple[list[Flat], pl.Expr]:
    """All flat sums of the policies' laws, and the place of a row's among them, by `law_slot`; null without one."""
    known: dict[int, Flat] = {}

    def number(law: Law, debtor_class: DebtorClass | None) -> int | None:
        flat = law.flat(debtor_class) if debtor_class else None
        if flat is not None:
            known.setdefault(id(flat), flat)
        return None if flat is None else list(known).index(id(flat))

    place = by_class(procedures, number, pl.UInt32)
    return list(known.values()), place


def _of_flat(flats: list[Flat], key: str, dtype: type[pl.DataType]) -> pl.Expr:
    if not flats:
        return pl.lit(None, dtype=dtype)
    return pl.lit(pl.Series([getattr(flat, key) for flat in flats], dtype=dtype)).gather(pl.col("flat"))


def _code(flats: list[Flat]) -> pl.Expr:
    """Why there is no flat sum, of those who never had one."""
    days = _of_flat(flats, "after_notice_days", pl.Int32)
    return (
        pl.when(pl.col("flat").is_null())
        .then(pl.lit("no_compensation"))
        .when(days.is_not_null() & ~is_warned(days))
        .then(pl.lit("costs_not_warned"))
        .when(pl.col("first_on") > pl.col("until_on"))
        .then(pl.lit("compensation_too_early"))
    )


def _principals(owing: pl.DataFrame, paid: pl.DataFrame, flats: list[Flat]) -> pl.DataFrame:
    """By what the flat sum of each item goes: `item_id`, `flat`, `currency`, `flat_on`, `flat_principal_minor`."""
    came = paid.join(owing.select("item_id", "first_on"), on="item_id").filter(pl.col("on") >= pl.col("first_on"))
    came = came.group_by("item_id").agg(came_minor=pl.col("amount_minor").sum())
    by_month = _of_flat(flats, "exchange_on", pl.String) == "month_before_due"
    eve = pl.col("due_on").dt.month_start().dt.offset_by("-1d")
    return owing.join(came, on="item_id", how="left").select(
        "item_id",
        "flat",
        "currency",
        flat_on=pl.when(by_month).then(eve).otherwise("first_on").clip(lower_bound=date.min),
        flat_principal_minor=pl.max_horizontal(pl.col("base_minor") + pl.col("came_minor").fill_null(0), 0),
    )


def worked_out(claims: pl.DataFrame, flats: list[Flat], series: AllSeries) -> pl.DataFrame:
    """Add `flat_minor`, or what it `lacks`, to claims with `flat`, `currency`, `flat_on` and `flat_principal_minor`."""
    if claims.is_empty():
        return claims.with_columns(flat_minor=pl.lit(None, dtype=pl.Int64), lacks=pl.lit(None, dtype=pl.String))
    key = ["flat", "currency", "flat_on"]
    ways = claims.select(key).unique(maintain_order=True).with_row_index("way")
    ways = ways.with_columns(pl.col("way").cast(pl.Int64))
    lines: list[tuple[int, ...]] = []
    lacking: list[tuple[int, str]] = []
    for way, flat, currency, on in ways.iter_rows():
        try:
            lines += [(way, *line) for line in lines_of(flats[flat], currency, on, series)]
        except RatesMissing as missing:
            lacking.append((way, f"series:{missing.series}"))
    table = pl.DataFrame(lines, schema=LINES, orient="row").sort("from_minor")
    lacks = pl.DataFrame(lacking, schema={"way": pl.Int64, "lacks": pl.String}, orient="row")
    principal = pl.col("flat_principal_minor")
    found = ratio_half_up(pl.col("a") + pl.col("b").cast(pl.Int128) * principal, pl.col("c"), most=MINOR_MAX)
    bounded = pl.min_horizontal(pl.max_horizontal(found, "least_minor"), "most_minor")
    return (
        claims.join(ways, on=key)
        .join(lacks, on="way", how="left")
        .with_columns(from_minor=principal)
        .sort("from_minor")
        .join_asof(table, on="from_minor", by="way", check_sortedness=False)
        .select(*claims.columns, "lacks", flat_minor=pl.when(principal > 0).then(bounded).otherwise(0))
    )


def lines_of(flat: Flat, currency: str, on: date, series: AllSeries) -> list[Line]:
    """The flat sum of principals in a currency, at the exchange rates of a day, as straight lines.

    Errors: RatesMissing.
    """
    minor = 10 ** exponent(currency)
    into_bounds = exchange_rate(currency, flat.steps_in or flat.currency, on, series, flat).rate / minor
    out = exchange_rate(flat.currency, currency, on, series, flat).rate * minor
    least = _minor(Fraction(flat.at_least or 0) * out)
    most = MINOR_MAX if flat.at_most is None else _minor(Fraction(flat.at_most) * out)
    lines = []
    for each in sums_of(flat, on, series):
        starts = each.bound / into_bounds
        from_minor = floor(starts) + 1 if each.above else ceil(starts)
        constant, slope = each.constant * out, each.share * into_bounds * out
        whole = lcm(constant.denominator, slope.denominator)
        lines.append(Line(min(from_minor, MINOR_MAX), int(constant * whole), int(slope * whole), whole, least, most))
    return lines


def _minor(amount: Fraction) -> int:
    return floor(amount + Fraction(1, 2))
