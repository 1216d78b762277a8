"""The cash discount of items, from the columns of a table: how much may be taken off, and until when."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Schema
from dunwell.engine.money import exponent
from dunwell.sources import mapping as m
from dunwell.sources.amounts import plain_numbers
from dunwell.sources.fields import Fields
from dunwell.sources.problems import shown
from dunwell.sources.tables import LINE
from dunwell.sources.terms import DAYS_MAX, PERCENT_DECIMALS, Discount, TermsError, discount_of

_SCALE: Final = 10**PERCENT_DECIMALS
_READ: Final[Schema] = {"percent": pl.Int64, "days": pl.Int64, "base": pl.Decimal(38, 3)}


def with_discounts(fields: Fields[m.ItemMapping], texts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `discount_minor` and `discount_until_on`, where the mapping has them; null where a row grants none.

    `rows`: typed, with kind, currency, amount_minor and issued_on. Credits have no discount. A discount of 0 is none,
    and takes one away that was. What does not fit is noted as a problem.
    """
    if not fields.mapping.tells_discount:
        return rows
    told = _told(fields, texts, rows).drop(*m.DISCOUNTS, "percent", "days", strict=False)
    told = told.with_columns(
        pl.when(~pl.col("kind").is_in(CREDIT_KINDS)).then(name).alias(name)
        for name in ("discount_minor", "discount_until_on")
    )
    _refuse(fields, told)
    has_one = pl.col("discount_minor").is_not_null()
    return told.with_columns(discount_until_on=pl.when(has_one).then("discount_until_on"))


def _told(fields: Fields[m.ItemMapping], texts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The discount as the columns say it, and the last day for it."""
    if fields.mapping.terms:
        return _by_terms(fields, texts, rows)
    if fields.mapping.discount_amount:
        found = rows.with_columns(discount_minor=fields.amounts(texts, "discount_amount")["minor"])
    else:
        found = rows.with_columns(percent=_percent(fields, texts)).with_columns(
            discount_minor=_share(pl.col("amount_minor"))
        )
    if fields.mapping.discount_until:
        return found
    return found.with_columns(days=_days(fields, texts)).with_columns(discount_until_on=_last_day())


def _by_terms(fields: Fields[m.ItemMapping], texts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The discount as texts of terms say it; each text is read once."""
    read: dict[str, dict[str, int | Decimal | None]] = {}
    refused: dict[str, str] = {}
    for text in texts["terms"].unique().drop_nulls():
        try:
            read[text] = _row(discount_of(text))
        except TermsError as error:
            refused[text] = str(error)
    wrong = texts.filter(pl.col("terms").is_in(list(refused))).select(LINE, "terms")
    fields.problems.add_rows(
        wrong, fields.label("terms"), lambda text: f"{shown(text)} {refused[text]}; translate it under `values`"
    )
    known = pl.DataFrame(
        [{"terms": text, **row} for text, row in read.items()], schema={"terms": pl.String, **_READ}, orient="row"
    )
    joined = texts.select(LINE, "terms").join(known, on="terms", how="left", maintain_order="left")
    base = pl.col("base") * pl.col("currency").cast(pl.String).replace_strict(
        {code: 10 ** exponent(code) for code in _currencies(rows)}, default=None, return_dtype=pl.Int64
    )
    return (
        rows.with_columns(joined.select(_READ.keys()))
        .with_columns(base_minor=base.cast(pl.Int64, strict=False))
        .with_columns(discount_minor=_share(pl.coalesce("base_minor", "amount_minor")), discount_until_on=_last_day())
        .drop("base", "base_minor")
    )


def _currencies(rows: pl.DataFrame) -> list[str]:
    return rows["currency"].cast(pl.String).unique().drop_nulls().to_list()


def _row(discount: Discount | None) -> dict[str, int | Decimal | None]:
    if discount is None:  # what terms do not grant any more is taken away
        return {"percent": 0, "days": None, "base": None}
    return {"percent": int(discount.percent * _SCALE), "days": discount.days, "base": discount.base}


def _percent(fields: Fields[m.ItemMapping], texts: pl.DataFrame) -> pl.Series:
    """Percent of the amount, in ten thousandths; null where it is empty or none."""
    plain = plain_numbers(pl.col("discount_percent").str.strip_suffix("%").str.strip_chars_end(), fields.style)
    fits = plain.str.contains(rf"^[0-9]{{1,3}}(\.[0-9]{{1,{PERCENT_DECIMALS}}})?$")
    parts = plain.str.splitn(".", 2).struct
    scaled = parts[0].cast(pl.Int64, strict=False) * _SCALE + parts[1].fill_null("").str.pad_end(
        PERCENT_DECIMALS, "0"
    ).cast(pl.Int64, strict=False)
    found = texts.select(percent=pl.when(fits & (scaled <= 100 * _SCALE)).then(scaled))["percent"]
    _note(
        fields, texts, "discount_percent", found,
        lambda text: f"{shown(text)} is no part of an amount in percent, from 0 to 100, such as 2 or 2.5",
    )  # fmt: skip
    return found


def _days(fields: Fields[m.ItemMapping], texts: pl.DataFrame) -> pl.Series:
    days = texts["discount_days"].str.replace(r"^([0-9]+)\.0$", "${1}").cast(pl.Int64, strict=False)
    found = days.to_frame("days").select(pl.when(pl.col("days").is_between(0, DAYS_MAX)).then("days"))["days"]
    _note(
        fields, texts, "discount_days", found,
        lambda text: f"{shown(text)} is no number of days, a whole number from 0 to {DAYS_MAX}",
    )  # fmt: skip
    return found


def _note(
    fields: Fields[m.ItemMapping], texts: pl.DataFrame, field: str, read: pl.Series, message: Callable[[str], str]
) -> None:
    wrong = texts.filter(read.is_null() & texts[field].is_not_null()).select(LINE, field)
    fields.problems.add_rows(wrong, fields.label(field), message)


def _share(amount_minor: pl.Expr) -> pl.Expr:
    """The percentage of an amount, half up; whole numbers below 10^12 times 10^6 are within Int64."""
    return (amount_minor * pl.col("percent") + 50 * _SCALE) // (100 * _SCALE)


def _last_day() -> pl.Expr:
    return pl.col("issued_on") + pl.duration(days=pl.col("days"))


def _refuse(fields: Fields[m.ItemMapping], rows: pl.DataFrame) -> None:
    """Note discounts that no invoice can have."""
    given = rows.filter(pl.col("discount_minor").is_not_null())
    of = fields.label(next(name for name in m.DISCOUNTS if fields.mapping.source(name)))
    until = fields.label("discount_until" if fields.mapping.discount_until else "issued")
    problems = fields.problems
    problems.add_rows(given.filter(pl.col("discount_minor") < 0).select(LINE), of, lambda: "the discount is negative")
    more = given.filter(pl.col("discount_minor") > pl.col("amount_minor"))
    problems.add_rows(more.select(LINE), of, lambda: "the discount is more than the amount that it is of")
    endless = given.filter(pl.col("discount_until_on").is_null() & (pl.col("discount_minor") > 0))
    problems.add_rows(endless.select(LINE), until, lambda: "there is a discount, and no last day for it")
    early = given.filter(pl.col("discount_until_on") < pl.col("issued_on"))
    problems.add_rows(
        early.select(LINE, "discount_until_on", "issued_on"),
        until,
        lambda last, issued: f"the last day for the discount, {last}, is before the item was issued, on {issued}",
    )
