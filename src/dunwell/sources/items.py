"""A table of items, read and checked: what is owed and by whom, or every problem of the file.

It is read in batches. What is held in memory is a part of the rows, the accounts, and 17 bytes a row.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.engine.book import CREDIT_KINDS, Currency, Kind
from dunwell.sources import mapping as m
from dunwell.sources.accounts import Accounts
from dunwell.sources.discounts import with_discounts
from dunwell.sources.fields import Fields, rows_of
from dunwell.sources.keys import Keys
from dunwell.sources.odd import TWO_KINDS, counted, oddities
from dunwell.sources.problems import Problems, shown
from dunwell.sources.rows import Rows
from dunwell.sources.spool import Spool
from dunwell.sources.tables import LINE, Progress

GROUP: Final = ["entity", "currency", "kind"]


@dataclass(frozen=True, kw_only=True)
class ItemFile:
    """What a file says.

    `parts`: the items in parts, in order of line: line, entity, account, number, kind, currency, issued_on, due_on,
    amount_minor, open_minor, attr_*, and of `settled_on`, `level`, `stage`, `last_notice_on`, `last_deadline_on`,
    `interest_from_on`, `discount_minor` and `discount_until_on` what the mapping has. Amounts are not negative.
    `open_minor` is null where the file says nothing of it: the book knows better.
    `accounts`: line (the first), entity, account, and the fields that the mapping has (see `sources.accounts`).
    `entities`: entity, rows, and the currency of most of them; in order of their first row. Of a whole export without
    rows its one entity, without a currency.
    `totals`: entity, currency, kind, items and open_minor of the open ones, and what rounding added, in units.
    `several_names`: accounts with more than one name: line, entity, account, text. `two_kinds`: items whose number
    another kind of item of their account has: line, entity, text.
    """

    parts: Spool
    accounts: pl.DataFrame
    entities: pl.DataFrame
    totals: pl.DataFrame
    rows: int
    left_out: int
    several_names: pl.DataFrame
    two_kinds: pl.DataFrame
    warnings: tuple[str, ...]


def read_items(path: Path, mapping: m.ItemMapping, progress: Progress | None = None) -> ItemFile:
    """Read a table as `mapping` says, all or nothing, in batches. Errors: SourceError with every problem; OSError."""
    problems = Problems(path.name)
    reading = _Reading(Fields(mapping, problems))
    rows = Rows(path, mapping, problems, progress)
    for batch in rows:
        reading.add(batch)
    reading.require_once()
    problems.refuse()
    two_kinds = reading.keys.of_two_kinds(reading.parts).rechunk()
    totals = reading.totals()
    return ItemFile(
        parts=reading.parts,
        accounts=reading.accounts.frame(),
        entities=reading.entities(),
        totals=totals,
        rows=rows.read,
        left_out=rows.read - rows.kept,
        several_names=reading.accounts.several_names(),
        two_kinds=two_kinds.select(LINE, "entity", text=pl.format("{}: {}", "number", "kinds")),
        warnings=(*reading.accounts.warnings(), *reading.warnings(two_kinds)),
    )


class _Reading:
    """What is gathered of a file, batch by batch."""

    def __init__(self, fields: Fields[m.ItemMapping]) -> None:
        self.fields = fields
        self.parts = Spool()
        self.accounts = Accounts(fields.mapping)
        self.keys = Keys()
        self._totals: list[pl.DataFrame] = []
        self._odd: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, texts: pl.DataFrame) -> None:
        """Check a batch and lay its rows aside; from the first problem on nothing is kept but keys."""
        rows = _items(self.fields, self.fields.texts(texts))
        self.keys.add(rows)
        self.accounts.add(rows)
        told = pl.coalesce("open_minor", "amount_minor")
        sums = rows.group_by(GROUP, maintain_order=True).agg(
            rows=pl.len().cast(pl.Int64),
            items=(told > 0).sum().cast(pl.Int64),
            open_minor=told.sum(),
            rounding=pl.col("rounding").sum(),
            rounded=(pl.col("rounding") != 0).sum(),
            rounded_by=pl.col("rounding").abs().sum(),
        )
        self._totals.append(sums)
        for odd in oddities(rows).partition_by("odd"):
            name = str(odd["odd"][0])
            self._odd[name] = self._odd.get(name, 0) + odd.height
            self._examples.setdefault(name, str(odd["text"][0]))
        own = [name for name in rows.columns if name not in self.accounts.fields and name != "rounding"]
        self.parts.add(rows.select(own))

    def require_once(self) -> None:
        """Note every item that is in the file a second time."""
        self.fields.problems.add_rows(
            self.keys.twice(self.parts),
            self.fields.label("number"),
            lambda number, first: (
                f"{shown(number)} is in the file twice, first in line {first}; one of the two must go"
            ),
        )

    def totals(self) -> pl.DataFrame:
        """Count and sum what is open, by GROUP."""
        named = ["items", "open_minor", "rounding"]
        summed = pl.concat(self._totals).group_by(GROUP).agg(pl.col(named).sum())
        return summed.sort("entity", pl.col("currency").cast(pl.String), "kind")

    def entities(self) -> pl.DataFrame:
        """Count the rows of each entity, and say which currency most of them are in."""
        sums = pl.concat(self._totals).group_by("entity", "currency", maintain_order=True).agg(pl.col("rows").sum())
        by_use = (
            pl.col("currency")
            .cast(pl.String)
            .sort_by("rows", pl.col("currency").cast(pl.String), descending=[True, False])
        )
        found = sums.group_by("entity", maintain_order=True).agg(pl.col("rows").sum(), currency=by_use.first())
        if not found.is_empty():
            return found
        return pl.DataFrame([(self.fields.mapping.entity.constant, 0, None)], schema=found.schema, orient="row")

    def warnings(self, two_kinds: pl.DataFrame) -> list[str]:
        """Say what is odd of the rows and was taken as it is."""
        found = [
            f"{counted(n, name)}, first {self._examples[name]}; taken as they are" for name, n in self._odd.items()
        ]
        if not two_kinds.is_empty():
            line, _entity, number, kinds = two_kinds.row(0)
            found.append(f"{counted(two_kinds.height, TWO_KINDS)}, first line {line} ({number}: {kinds})")
        sums = pl.concat(self._totals)
        if rounded := int(sums["rounded"].sum()):
            total = Decimal(sums["rounded_by"].sum()).normalize()
            found.append(f"{rows_of(rounded)} rounded half up to the currency's decimals, by {total:f} altogether")
        return found + self.fields.warnings()


def _items(fields: Fields[m.ItemMapping], texts: pl.DataFrame) -> pl.DataFrame:
    """Turn the texts of a batch into typed rows; account fields stay with their row."""
    rows = fields.typed(texts).drop(*m.AMOUNTS, strict=False)
    if "level" in texts.columns:
        rows = rows.with_columns(fields.level(texts))
    rows = rows.with_columns(pl.col("currency").cast(Currency, strict=False), pl.col("kind").cast(Kind, strict=False))
    if "issued_on" not in rows.columns:
        rows = rows.with_columns(issued_on=pl.lit(None, dtype=pl.Date))
    rows = with_discounts(fields, texts, _with_amounts(fields, texts, rows))
    needs_due = pl.col("due_on").is_null() & ~pl.col("kind").is_in(CREDIT_KINDS) & texts["due"].is_null()
    fields.problems.add_rows(
        rows.filter(needs_due).select(LINE),
        fields.label("due"),
        lambda: "the due date is empty, and only credits have none",
    )
    return rows


def _with_amounts(fields: Fields[m.ItemMapping], texts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
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
    is_settled = pl.col("settled_on").is_not_null() if mapping.settled else pl.lit(value=False)
    left = signed["open"].abs() if mapping.tells_open else pl.lit(None, dtype=pl.Int64)
    return rows.with_columns(
        kind=kind.otherwise("kind"),
        amount_minor=signed["amount"].abs(),
        open_minor=pl.when(is_settled).then(0).otherwise(left),
        rounding=(told["rounding"] * sign).fill_null(0),
    )


def _check_amounts(fields: Fields[m.ItemMapping], texts: pl.DataFrame, signed: pl.DataFrame) -> None:
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
