"""A bank's table (CSV, Excel, Parquet) by a mapping: a movement for each row, in the pieces of every bank's file.

A statement goes on as long as the account stays the same. Where rows have the balance after them, each must be the one
before with the row's amount; exports stand oldest or newest first, and which of the two the balances themselves tell.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from dunwell.engine.money import CURRENCIES, format_minor
from dunwell.sources.bank.codes import iban_of, party_of, reference_of
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened, Pieces
from dunwell.sources.bank.sniff import Reader
from dunwell.sources.bank.table_mapping import BankMapping
from dunwell.sources.fields import Columns
from dunwell.sources.problems import Problems, shown
from dunwell.sources.rows import Rows
from dunwell.sources.tables import LINE, Progress

AMOUNTS: Final[tuple[str, ...]] = ("amount", "debit", "credit", "balance")
TEXTS: Final = ("name", "iban", "reference", "end_to_end_ref", "bank_ref", "code", "text")
DIRECTIONS: Final = {"credit": 1, "debit": -1}


def reader_by(mapping: BankMapping) -> Reader:
    """Return a reader of tables of one layout."""

    def read_table(path: Path, problems: Problems, progress: Progress | None = None) -> Pieces:
        return read(path, mapping, problems, progress)

    return read_table


def read(path: Path, mapping: BankMapping, problems: Problems, progress: Progress | None = None) -> Pieces:
    """Read a table as `mapping` says, in batches; what is wrong goes to `problems`. Errors: OSError."""
    columns = Columns(mapping, problems)
    statement: _Statement | None = None
    for batch in Rows(path, mapping, problems, progress):
        rows = _movements(columns, columns.texts(batch))
        for row in rows.iter_rows(named=True):
            told = (row["account"], row["currency"])
            if row["minor"] is None or row["booked_on"] is None or None in told:
                continue  # a problem of its own
            if statement is None or statement.told != told:
                if statement:
                    yield statement.closed()
                statement = _Statement(told, row[LINE], problems, mapping.label("balance"))
                yield Opened(row[LINE], Kind.STATEMENT, iban_of(told[0]) or told[0], told[1])
            yield statement.line(row)
    if statement:
        yield statement.closed()


def _movements(columns: Columns[BankMapping], texts: pl.DataFrame) -> pl.DataFrame:
    """Turn the texts of a batch into typed rows: `minor`, `balance`, `booked_on`, `valued_on`, and TEXTS, not null."""
    columns.check(texts)
    given: dict[str, pl.Series] = {
        field: columns.amounts(texts, field)["minor"] for field in AMOUNTS if field in texts.columns
    }
    nothing = pl.Series([None] * texts.height, dtype=pl.Int64)
    rows = texts.select(
        LINE, "account", "currency", *(_plain(texts, field) for field in TEXTS)
    ).with_columns(
        booked_on=columns.dates(texts, "booked"),
        valued_on=columns.dates(texts, "valued"),
        balance=given.get("balance", nothing),
        minor=_signed(columns, texts, given["amount"]) if "amount" in given else _parted(columns, texts, given),
    )  # fmt: skip
    return rows.with_columns(currency=pl.when(pl.col("currency").is_in(CURRENCIES)).then("currency"))


def _plain(texts: pl.DataFrame, field: str) -> pl.Series:
    found = texts[field] if field in texts.columns else pl.Series([None] * texts.height, dtype=pl.String)
    return found.fill_null("").alias(field)


def _signed(columns: Columns[BankMapping], texts: pl.DataFrame, minor: pl.Series) -> pl.Series:
    """The amount with its own sign, or with that of `direction`."""
    label, problems = columns.label, columns.problems
    problems.add_rows(texts.filter(pl.col("amount").is_null()).select(LINE), label("amount"), _empty)
    if "direction" not in texts.columns:
        return minor
    way = texts["direction"].replace_strict(DIRECTIONS, default=None, return_dtype=pl.Int64)
    strange = texts.filter(way.is_null()).select(LINE, "direction")
    problems.add_rows(
        strange,
        label("direction"),
        lambda text: f"{shown(text)} is neither credit nor debit: translate it under `values`",
    )
    twice = texts.filter(way.is_not_null() & (minor < 0)).select(LINE, "amount")
    problems.add_rows(
        twice, label("amount"), lambda text: f"{text} is negative, and the row says by itself whether it came or went"
    )
    return minor * way


def _parted(columns: Columns[BankMapping], texts: pl.DataFrame, given: dict[str, pl.Series]) -> pl.Series:
    """The amount of the one of two columns that is filled; a debit may have a minus or not."""
    debit, credit = given["debit"], given["credit"]
    label, problems = columns.label, columns.problems
    lines = texts.select(LINE)
    neither = texts["debit"].is_null() & texts["credit"].is_null()
    problems.add_rows(lines.filter(neither), label("credit"), _empty)
    both = (debit.fill_null(0) != 0) & (credit.fill_null(0) != 0)
    problems.add_rows(lines.filter(both), label("credit"), lambda: "the row is a debit and a credit at once")
    below = texts.filter(credit < 0).select(LINE, "credit")
    problems.add_rows(below, label("credit"), lambda text: f"{text} is negative, and stands among the credits")
    unread = (debit.is_null() & texts["debit"].is_not_null()) | (credit.is_null() & texts["credit"].is_not_null())
    minor = credit.fill_null(0) - debit.fill_null(0).abs()
    return pl.select(pl.when(~(neither | both | unread)).then(minor)).to_series()


def _empty() -> str:
    return "the amount is empty"


@dataclass(frozen=True, slots=True)
class _Balanced:
    """A row with the balance after it."""

    on: date
    minor: int
    balance: int


@dataclass
class _Statement:
    """The rows of one account that follow each other, and in which order they can stand as far as can be seen."""

    told: tuple[str, str]
    last_line: int
    problems: Problems
    label: str
    n: int = 0
    has_balances: bool = True
    first: _Balanced | None = None
    before: _Balanced | None = None
    rises: bool = True  # oldest first
    falls: bool = True

    def line(self, row: dict[str, Any]) -> Line:
        """The movement of a row."""
        self.n += 1
        self.last_line = row[LINE]
        self._follows(row)
        return Line(
            line=row[LINE],
            entry_no=self.n,
            entry_minor=row["minor"],
            part_no=1,
            amount_minor=row["minor"],
            currency=self.told[1],
            booked_on=row["booked_on"],
            valued_on=row["valued_on"],
            code=row["code"],
            bank_ref=reference_of(row["bank_ref"]),
            end_to_end_ref=reference_of(row["end_to_end_ref"]),
            reference=reference_of(row["reference"]),
            text=row["text"],
            party=party_of(row["name"], row["iban"], ""),
        )

    def closed(self) -> Closed:
        """The end, with the balance of the newest row where it is known which that is."""
        newest = self.before if self.rises else self.first
        if newest is None or not self.has_balances or (self.n > 1 and self.rises and self.falls):
            return Closed(self.last_line)
        return Closed(self.last_line, newest.balance, newest.on)

    def _follows(self, row: dict[str, Any]) -> None:
        """Check that the balance is the one before with this amount, or, newest first, the other way round."""
        if row["balance"] is None:
            self.has_balances, self.before = False, None
            return
        this, before = _Balanced(row["booked_on"], row["minor"], row["balance"]), self.before
        self.first, self.before = self.first or this, this
        if before is None:
            return
        rises = self.rises and before.balance + this.minor == this.balance
        falls = self.falls and this.balance + before.minor == before.balance
        if rises or falls:
            self.rises, self.falls = rises, falls
            return
        if self.rises and self.falls:  # nothing tells yet but the days
            self.rises, self.falls = before.on <= this.on, before.on > this.on
        due = before.balance + this.minor if self.rises else before.balance - before.minor
        told, wanted = (format_minor(minor, self.told[1]) for minor in (this.balance, due))
        way = "" if self.rises else " (newest first)"
        said = f"the balance is {told}, and by the row before{way} it is {wanted}: a row is missing, or wrong"
        self.problems.add(row[LINE], self.label, said)
