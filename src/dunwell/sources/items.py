"""A CSV of items, read whole and checked: what is owed and by whom, or every problem of the file."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Currency, Kind
from dunwell.sources import mapping as m
from dunwell.sources.accounts import ACCOUNT, accounts_of
from dunwell.sources.csv import LINE, Progress, batches, column
from dunwell.sources.fields import Fields
from dunwell.sources.problems import Problems, shown

KEY: Final = ["entity", "number", "kind"]
GROUP: Final = ["entity", "currency", "kind"]


@dataclass(frozen=True, kw_only=True)
class ItemFile:
    """What a file says.

    `items`: line, entity, account, number, kind, currency, issued_on, due_on, amount_minor, open_minor, attr_*.
    Amounts are not negative. `open_minor` is null where the file has no such column: the book knows better.
    `accounts`: line (the first), entity, account, and the fields that the mapping has (see `sources.accounts`).
    `totals`: entity, currency, kind, items and open_minor of the open ones, and what rounding added, in units.
    """

    items: pl.DataFrame
    accounts: pl.DataFrame
    totals: pl.DataFrame
    rows: int
    left_out: int
    warnings: tuple[str, ...]


def read_items(path: Path, mapping: m.Mapping, progress: Progress | None = None) -> ItemFile:
    """Read a CSV as `mapping` says, all or nothing. Errors: SourceError with every problem; OSError."""
    problems = Problems(path.name)
    fields = Fields(mapping, problems)
    parts, rows = [], 0
    for batch in batches(path, mapping, problems, progress):
        rows += batch.height
        wanted = [pl.col(column(name)).is_in(texts) for name, texts in mapping.only.items()]
        parts.append(_items(fields, fields.texts(batch.filter(wanted) if wanted else batch)))
    items = pl.concat(parts) if parts else None
    if not problems.count and (items is None or items.is_empty()):
        wanted_text = " and ".join(f"{name} is {' or '.join(texts)}" for name, texts in mapping.only.items())
        problems.add(1, "", f"none of the {rows:,} rows is one where {wanted_text}" if rows else "the file has no rows")
    if items is not None:
        _require_once(items, fields)
    problems.refuse()
    if items is None:
        raise AssertionError("a file without rows has a problem")
    accounts, warnings = accounts_of(items, fields)
    own = [name for name in items.columns if name not in accounts.columns or name in {LINE, *ACCOUNT}]
    return ItemFile(
        items=items.select(own).drop("rounding"),
        accounts=accounts,
        totals=_totals(items),
        rows=rows,
        left_out=rows - items.height,
        warnings=(*warnings, *_warnings(items, fields)),
    )


def _items(fields: Fields, texts: pl.DataFrame) -> pl.DataFrame:
    """Turn the texts of a batch into typed rows; account fields stay with their row."""
    mapping = fields.mapping
    fields.check(texts)
    columns = {f"{field}_on": fields.dates(texts, field) for field in m.DATES if mapping.source(field)}
    columns |= {field: fields.flags(texts, field) for field in m.ACCOUNT_FLAGS if field in texts.columns}
    columns |= {f"attr_{name}": fields.attribute(texts, name) for name in mapping.attributes}
    if "email" in texts.columns:
        columns["email"] = fields.emails(texts["email"])
    rows = texts.drop(*m.DATES, *m.AMOUNTS, strict=False).with_columns(**columns)
    rows = rows.with_columns(pl.col("currency").cast(Currency, strict=False), pl.col("kind").cast(Kind, strict=False))
    if "issued_on" not in rows.columns:
        rows = rows.with_columns(issued_on=pl.lit(None, dtype=pl.Date))
    rows = _with_amounts(fields, texts, rows)
    needs_due = pl.col("due_on").is_null() & ~pl.col("kind").is_in(CREDIT_KINDS) & texts["due"].is_null()
    fields.problems.add_rows(
        rows.filter(needs_due).select(LINE),
        fields.label("due"),
        lambda: "the due date is empty, and only credits have none",
    )
    return rows


def _with_amounts(fields: Fields, texts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add `amount_minor`, `open_minor` and `rounding`, without signs: a negative amount is a credit, or a problem."""
    mapping, problems = fields.mapping, fields.problems
    given = {field: fields.amounts(texts, field) for field in m.AMOUNTS if mapping.source(field)}
    for field in given:
        empty = texts.filter(pl.col(field).is_null()).select(LINE)
        problems.add_rows(empty, fields.label(field), lambda: "the amount is empty")
    told = given["open"] if "open" in given else given["amount"]
    amount = given["amount"]["minor"] if "amount" in given else told["minor"]
    signed = pl.DataFrame({LINE: rows[LINE], "amount": amount, "open": told["minor"]})
    _check_amounts(fields, texts, signed)
    is_negative = (signed["amount"] < 0) | (signed["open"] < 0)
    sign = pl.select(pl.when(is_negative).then(-1).otherwise(1)).to_series()
    kind = pl.when(is_negative & ~pl.col("kind").is_in(CREDIT_KINDS)).then(pl.lit("credit", dtype=Kind))
    return rows.with_columns(
        kind=kind.otherwise("kind"),
        amount_minor=signed["amount"].abs(),
        open_minor=signed["open"].abs() if "open" in given else pl.lit(None, dtype=pl.Int64),
        rounding=(told["rounding"] * sign).fill_null(0),
    )


def _check_amounts(fields: Fields, texts: pl.DataFrame, signed: pl.DataFrame) -> None:
    """Note negative amounts where they are refused, and more open than there was."""
    leading = "amount" if fields.mapping.amount else "open"
    rows = signed.with_columns(text=texts[leading], told=texts["open"] if fields.mapping.open else None)
    if fields.mapping.negative == "refuse":
        negative = rows.filter((pl.col("amount") < 0) | (pl.col("open") < 0)).select(LINE, "text")
        advice = "`negative: credit` in the mapping takes it as a credit"
        fields.problems.add_rows(negative, fields.label(leading), lambda text: f"{text} is negative; {advice}")
    opposite = (pl.col("amount").sign() * pl.col("open").sign()) < 0
    more = rows.filter((pl.col("open").abs() > pl.col("amount").abs()) | opposite).select(LINE, "told", "text")
    fields.problems.add_rows(
        more,
        fields.label("open"),
        lambda told, text: f"{told} is open of an amount of {text}: it can only be a part of it",
    )


def _require_once(items: pl.DataFrame, fields: Fields) -> None:
    """Note every item that is in the file a second time."""
    known = items.filter(pl.all_horizontal(pl.col(KEY).is_not_null()))
    double = known.filter(pl.struct(KEY).is_duplicated())
    if double.is_empty():
        return
    again = double.with_columns(first=pl.col(LINE).min().over(KEY)).filter(pl.col(LINE) > pl.col("first"))
    fields.problems.add_rows(
        again.select(LINE, "number", "first"),
        fields.label("number"),
        lambda number, first: f"{shown(number)} is in the file twice, first in line {first}; one of the two must go",
    )


def _totals(items: pl.DataFrame) -> pl.DataFrame:
    told = pl.coalesce("open_minor", "amount_minor")
    return (
        items.group_by(GROUP)
        .agg(items=(told > 0).sum().cast(pl.Int64), open_minor=told.sum(), rounding=pl.col("rounding").sum())
        .sort("entity", pl.col("currency").cast(pl.String), "kind")
    )


def _warnings(items: pl.DataFrame, fields: Fields) -> list[str]:
    found = []
    early = items.filter(pl.col("due_on") < pl.col("issued_on"))
    if not early.is_empty():
        line, due, issued = early.select(LINE, "due_on", "issued_on").row(0)
        example = f"first line {line} (due {due}, issued {issued})"
        found.append(f"{_rows(early.height)} due before issue, {example}; taken as they are")
    rounded = items.filter(pl.col("rounding") != 0)
    if not rounded.is_empty():
        total = Decimal(rounded["rounding"].abs().sum()).normalize()
        found.append(f"{_rows(rounded.height)} rounded half up to the currency's decimals, by {total:f} altogether")
    if fields.bad_emails:
        found.append(f"{_rows(fields.bad_emails)} with an email address that cannot be one; left out")
    return found


def _rows(n: int) -> str:
    return f"{n:,} row{'' if n == 1 else 's'}"
