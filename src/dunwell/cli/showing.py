"""How reports look: tables for people, JSON, CSV and Excel workbooks for programs."""

import io
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from dunwell.cli.files import csv_text, harmless, write_all
from dunwell.cli.output import NONE, as_json, err, money, out, say, table
from dunwell.engine.money import exponent
from dunwell.flows.errors import Invalid

if TYPE_CHECKING:
    from dunwell.flows.reports.report import Report

AllOrOne = Annotated[str | None, typer.Option("--entity", metavar="CODE", help="Of this entity. [default: of all]")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write it to a file as CSV.")]
Excel = Annotated[Path | None, typer.Option("--excel", metavar="FILE", help="Write it to an Excel workbook.")]
BESIDE_MAX: Final = 8  # how many rows stand as columns beside each other
GAP: Final = 2  # between two columns
NAMES: Final = ("entity", "currency")
PARTS: Final = {
    "not_due_minor", "overdue_minor", "no_due_date_minor", "charges_minor", "unapplied_minor", "invoiced_minor",
    "credited_minor", "days_count",
}  # fmt: skip
HIDDEN: Final[dict[str, set[str]]] = {
    "ageing": set(),
    "snapshot": set(),
    "trend": {
        "unapplied_minor",
        "disputed_minor",
        "open_count",
        "received_minor",
        "notices_count",
        "promises_count",
        "promised_minor",
    },
}
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # what XML has no way to say
DIGITS_MAX: Final = 15  # as many as a spreadsheet keeps of a number


def show(report: "Report", *, json: bool, csv: Path | None, excel: Path | None) -> None:
    """Show a report, or write it to files, or both in JSON and files. Errors: OSError, Invalid."""
    wanted: list[tuple[Path, str | bytes, str]] = []
    if csv is not None:
        wanted.append((csv, csv_text(*_in_units(report)), "--csv"))
    if excel is not None:
        wanted.append((excel, _workbook(report), "--excel"))
    write_all(wanted)
    if json:
        as_json(_document(report))
    elif csv is None and excel is None:
        _print(report)
    else:
        for path in filter(None, (csv, excel)):
            err.print(f"{len(report.rows):,} rows of {report.title.lower()} are in {path}", markup=False)
        for note in report.notes:
            err.print(note, markup=False)


def _document(report: "Report") -> dict[str, object]:
    codes = {row["entity"] for row in report.rows}
    return {
        "report": report.name,
        "title": report.title,
        "definition": report.about,
        **({"entity": next(iter(codes))} if len(codes) == 1 else {}),
        **({"from": report.from_on} if report.from_on else {}),
        **({"to": report.to_on} if report.from_on else {"as_of": report.to_on}),
        "rows": report.rows,
        "notes": report.notes,
    }


def _print(report: "Report") -> None:
    days = f"{report.from_on} to {report.to_on}" if report.from_on else f"on {report.to_on}"
    say(f"{report.title}, {days}")
    say(report.about)
    say()
    is_of_days = report.name == "snapshot" and report.from_on is not None
    keys = [*NAMES, *([report.by] if report.by else []), *(["on"] if is_of_days else [])]
    if report.name == "roll":
        _print_rolls(report, keys)
    elif report.name == "overview":
        _print_overview(report)
    elif 0 < len(report.rows) <= BESIDE_MAX and not report.by and report.name != "trend":
        _print_beside(report.rows, keys)
    elif report.rows:
        _print_rows(report.rows, keys, hidden=HIDDEN.get(report.name, PARTS))
    for note in report.notes:
        say(note)


def _print_beside(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], hidden: Collection[str] = ()) -> None:
    """One column a row: there are more figures than rows."""
    names = [name for name in rows[0] if name not in {*keys, "on", *hidden}]
    columns = [[_whose(row, keys), *(_cell(name, row[name], row["currency"]) for name in names)] for row in rows]
    _print_columns("", ["", *map(_label, names)], columns)


def _print_columns(title: str, labels: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
    """Columns, each with its head first, in as many tables as it takes: no figure is cut short."""
    left = max(map(len, labels))
    some: list[Sequence[object]] = []
    for column in [*columns, None]:
        is_full = column is None or left + sum(_width(each) for each in [*some, column]) > out.width
        if some and is_full:
            table(title, (labels[0], *(str(each[0]) for each in some)), list(zip(labels, *some, strict=True))[1:])
            some = []
        if column is not None:
            some.append(column)


def _width(column: Sequence[object]) -> int:
    return GAP + max(len(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in column)


def _print_rows(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], hidden: Collection[str]) -> None:
    """A line a row, without the parts of which its figures are made, which files and JSON hold; else columns."""
    names = [name for name in rows[0] if name not in hidden]
    heads = [name if name in keys else _label(name).replace(" ", "\n") for name in names]
    shown = [[_cell(name, row[name], row["currency"]) for name in names] for row in rows]
    columns = [[max(head.split("\n"), key=len), *(line[at] for line in shown)] for at, head in enumerate(heads)]
    if sum(map(_width, columns)) - GAP <= out.width:
        table("", heads, shown)
    else:
        _print_beside(rows, [*keys, *(["month_end_on"] if "month_end_on" in names else [])], hidden)


def _print_overview(report: "Report") -> None:
    """Tables of an entity: of each currency, and what it is told apart by, two columns."""
    keys = ["currency", *([report.by] if report.by else [])]
    for entity in dict.fromkeys(row["entity"] for row in report.rows):
        mine = [row for row in report.rows if row["entity"] == entity]
        labels = ["", *(_label(name) for name in dict.fromkeys(row["figure"] for row in mine))]
        columns = [
            [head, *(_cell(row["figure"], row[when], row["currency"]) for row in rows)]
            for rows in _grouped(mine, keys)
            for whose in (_whose(rows[0], keys),)
            for head, when in ((whose, "value"), (f"{whose} before", "before"))
        ]
        _print_columns(entity, labels, columns)


def _print_rolls(report: "Report", keys: Sequence[str]) -> None:
    """A table for each month end: from which bucket, by which part, to which."""
    for rows in _grouped(report.rows, [*keys, "month_end_on"]):
        whose, on = _whose(rows[0], keys), rows[0]["month_end_on"]
        places = list(dict.fromkeys(sorted((row["to_bucket"] for row in rows), key=_place)))
        shown = []
        for start in sorted({row["from_bucket"] for row in rows}, key=_place):
            mine = {row["to_bucket"]: row for row in rows if row["from_bucket"] == start}
            first = next(iter(mine.values()))
            parts = [mine[place]["percent"] if place in mine else NONE for place in places]
            shown.append((_label(start), _cell("of_minor", first["of_minor"], first["currency"]), *parts))
        table(f"{whose}, to {on}, in %", ("from", "amount", *(_label(place) for place in places)), shown)


def _place(bucket: str) -> tuple[int, int]:
    """In order of age; what is paid last."""
    first = ("not_due", "days", "no_due_date", "paid")
    bound = next((int(part) for part in bucket.split("_") if part.isdigit()), 0)
    return next(at for at, name in enumerate(first) if bucket.startswith(name)), bound


def _grouped(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[list[Mapping[str, Any]]]:
    """The rows of each value of some keys, in the order in which these come; missing is no text that reads so."""
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(groups.values())


def _whose(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    return " ".join("unknown" if row[key] is None else str(row[key]) for key in keys)


def _label(name: str) -> str:
    from dunwell.flows.reports.report import label

    return label(name)


def _cell(name: str, value: object, currency: str | None) -> object:
    """A figure for people; an amount with its decimals."""
    if value is None:
        return "unknown" if name in {"segment", "country", "stage", "policy", "channel", "currency"} else NONE
    if name.endswith("_minor") and isinstance(value, int) and currency:
        return money(value, currency)
    return f"{value:,}" if isinstance(value, Decimal) else value


def _in_units(report: "Report") -> tuple[list[str], list[dict[str, object]]]:
    """Columns and rows with amounts in units of their currency; the columns, and figures in rows, lose `_minor`."""
    names = list(dict.fromkeys(name for row in report.rows for name in row))
    rows = [{_column(name): _unit(row, name) for name in row} for row in report.rows]
    return [_column(name) for name in names] or [*NAMES], rows


def _column(name: str) -> str:
    return name.removesuffix("_minor")


def _unit(row: Mapping[str, Any], name: str) -> object:
    value, currency = row[name], row.get("currency")
    if name == "figure":
        return _column(value)
    of = row.get("figure", name) if name in {"value", "before"} else name
    if of.endswith("_minor") and isinstance(value, int) and currency:
        return Decimal(value).scaleb(-exponent(currency))
    return value


def _workbook(report: "Report") -> bytes:
    from openpyxl import Workbook  # half a second that nobody else need wait for

    book = Workbook()
    sheet = book.active
    if sheet is None:
        raise Invalid("--excel: no sheet could be made")
    sheet.title = report.name
    columns, rows = _in_units(report)
    sheet.append(columns)
    for row in rows:
        sheet.append([_for_excel(row.get(name)) for name in columns])
    sheet.freeze_panes = "A2"
    about = book.create_sheet("about")
    days = f"{report.from_on} to {report.to_on}" if report.from_on else f"on {report.to_on}"
    for line in (report.title, days, report.about, *report.notes):
        about.append([_for_excel(line)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _for_excel(value: object) -> object:
    """Text is harmless, and without what no workbook takes; a number of more digits than one keeps is a text."""
    if isinstance(value, int | Decimal) and len(Decimal(value).as_tuple().digits) > DIGITS_MAX:
        return str(value)
    return harmless(UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value)
