"""An advice's table (CSV, Excel, Parquet) by a mapping: a document for each row, an advice for each payment."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl

from dunwell.engine.book import CREDIT_KINDS
from dunwell.engine.money import CURRENCIES
from dunwell.sources.fields import CONTROL, Columns
from dunwell.sources.problems import Problems, shown
from dunwell.sources.remittance.advice import Advice, Said, documents_of, not_the_sum, signed_minor, whole
from dunwell.sources.remittance.mapping import AdviceMapping
from dunwell.sources.remittance.tables import too_large
from dunwell.sources.rows import Rows
from dunwell.sources.tables import LINE

ROWS_MAX: Final = 200_000
TEXTS: Final = ("number", "currency", "kind", "name", "account", "reference")
AMOUNTS: Final = ("amount", "discount", "total")
Key: TypeAlias = tuple[Any, ...]  # what rows say of the payment


@dataclass
class _Payment:
    """The rows of one payment."""

    line: int
    said: list[Said] = field(default_factory=list)
    totals: dict[int, int] = field(default_factory=dict)  # by amount, the line that states it


@dataclass(frozen=True, slots=True)
class _Loose:
    """A row that is a total; `key`: what it says of the payment, `before`: the payment of the row above."""

    line: int
    minor: int
    key: Key
    before: Key | None


def read(path: Path, mapping: AdviceMapping, problems: Problems) -> list[Advice]:
    """Read the advices of a table; what is wrong goes to `problems`. Errors: OSError.

    A row without a number is a total: of one payment, or of all of its currency.
    """
    if refused := too_large(path):
        problems.add(1, "", refused)
        return []
    columns = Columns(mapping, problems)
    payments: dict[Key, _Payment] = {}
    loose: list[_Loose] = []
    before: Key | None = None
    rows = Rows(path, mapping, problems)
    for batch in rows:
        if rows.read > ROWS_MAX:
            problems.add(int(batch[LINE][-1]), "", f"the table has more than {ROWS_MAX:,} rows; take it in parts")
            break
        for row in _typed(columns, columns.texts(batch)).iter_rows(named=True):
            if row["amount"] is None or row["currency"] is None:
                continue  # a problem of its own
            key = (row["account"], row["name"], row["reference"], row["paid_on"], row["currency"])
            if row["number"] is None:
                loose.append(_Loose(row[LINE], row["amount"], key, before))
                continue
            _take(payments.setdefault(key, _Payment(row[LINE])), row)
            before = key
    if problems.count:
        return []
    return _whole(payments, loose, mapping, problems)


def _typed(columns: Columns[AdviceMapping], texts: pl.DataFrame) -> pl.DataFrame:
    """Turn the texts of a batch into typed rows: TEXTS, AMOUNTS in minor units, `paid_on`."""
    columns.check(texts)
    empty = texts.filter(pl.col("amount").is_null()).select(LINE)
    columns.problems.add_rows(empty, columns.label("amount"), lambda: "the amount is empty")
    for name in TEXTS:
        if name in texts.columns:
            strange = texts.filter(pl.col(name).str.contains(CONTROL)).select(LINE, name)
            columns.problems.add_rows(
                strange,
                columns.label(name),
                lambda text: f"{shown(text)} holds a sign that cannot be seen; take it out",
            )
    nothing = pl.lit(None, dtype=pl.String)
    rows = texts.select(
        LINE, *(pl.col(name) if name in texts.columns else nothing.alias(name) for name in TEXTS)
    ).with_columns(
        *(columns.amounts(texts, name)["minor"].alias(name) for name in AMOUNTS if name in texts.columns),
        *(pl.lit(None, dtype=pl.Int64).alias(name) for name in AMOUNTS if name not in texts.columns),
        paid_on=columns.dates(texts, "paid"),
    )  # fmt: skip
    more = rows.filter(pl.col("discount").abs() > pl.col("amount").abs()).select(LINE)
    columns.problems.add_rows(more, columns.label("discount"), lambda: "more is taken off than the amount is")
    return rows.with_columns(currency=pl.when(pl.col("currency").is_in(CURRENCIES)).then("currency"))


def _take(payment: _Payment, row: dict[str, Any]) -> None:
    off = abs(row["discount"] or 0)
    net = row["amount"] - off if row["amount"] >= 0 else row["amount"] + off
    payment.said.append(Said(row[LINE], row["number"], net, row["kind"] in CREDIT_KINDS))
    if row["total"] is not None:
        payment.totals.setdefault(row["total"], row[LINE])


def _whole(
    payments: dict[Key, _Payment], loose: list[_Loose], mapping: AdviceMapping, problems: Problems
) -> list[Advice]:
    """The payments as advices, each with its total proved where one is stated."""
    found: list[Advice] = []
    sums: dict[str, int] = {}
    of_payment: dict[Key | None, int] = {}
    for place, (key, payment) in enumerate(payments.items(), 1):
        account, name, reference, paid_on, currency = key
        documents = documents_of(payment.said)
        minor = sum(map(signed_minor, documents))
        for total, line in payment.totals.items():
            if total != minor:
                problems.add(line, mapping.label("total"), not_the_sum(minor, total, currency))
        sums[currency] = sums.get(currency, 0) + minor
        of_payment[key] = minor
        advice = whole(
            Advice(
                place=place, line=payment.line, currency=currency, total_minor=minor, documents=documents,
                payer_name=name or "", customer=account or "", reference=reference or "", paid_on=_day(paid_on),
            ),
            problems,
        )  # fmt: skip
        found += [advice] if advice else []
    for total_row in loose:
        currency = total_row.key[-1]
        its_own = of_payment.get(total_row.key, of_payment.get(total_row.before))
        if total_row.minor not in (its_own, sums.get(currency, 0)):
            said = not_the_sum(sums.get(currency, 0), total_row.minor, currency)
            problems.add(total_row.line, mapping.label("amount"), said)
    if not payments:
        problems.add(mapping.header, mapping.label("number"), "no row has the number of a document")
    return [] if problems.count else found


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None
