"""`dunwell journal`: what was charged, as lines for the creditor's books."""

import csv
import io
import json
import os
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli.doors import EntityCode, day, entity_of, refuses
from dunwell.cli.output import err
from dunwell.flows.errors import Invalid

if TYPE_CHECKING:
    from dunwell.flows.journal import Journal


FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class Format(StrEnum):
    """How the lines are written."""

    CSV = "csv"
    JSON = "json"


@refuses
def journal(
    from_: Annotated[date, typer.Option("--from", parser=day, metavar="DATE", help="The first day.")],
    to: Annotated[date, typer.Option("--to", parser=day, metavar="DATE", help="The last day.")],
    *,
    entity: EntityCode = None,
    format_: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help="csv, or json, which says the same.")
    ] = Format.CSV,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it to a file. [default: print it]")
    ] = None,
) -> None:
    """Export fees, interest and flat sums as balanced journal lines.

    What was raised, reversed, written off and owed again from one day to another.
    """
    chosen = entity_of(entity)
    from dunwell.flows.journal import journal_of  # noqa: PLC0415  # after the book is open

    found = journal_of(chosen, from_, to)
    text = _csv(found) if format_ is Format.CSV else _json(found)
    if out is None:
        typer.echo(text, nl=False)
        return
    _write(out, text)
    entries = found.lines[-1].entry if found.lines else 0
    err.print(f"{entries:,} entries of {chosen.code} from {from_} to {to} are in {out}", markup=False)


def _csv(found: "Journal") -> str:
    from dunwell.engine.journal import COLUMNS, rows  # noqa: PLC0415  # --help needs none of this

    text = _Lines()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows(found.lines))
    return text.getvalue()


class _Lines(io.StringIO):
    """Lines that end with a line feed alone; told to end them so, the writer would leave a carriage return bare."""

    def write(self, text: str, /) -> int:
        """Take a row."""
        return super().write(text.removesuffix("\r\n") + "\n")


def _harmless(value: object) -> object:
    """Put an apostrophe before what a spreadsheet would take for a formula, as a debtor or item may be called."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _json(found: "Journal") -> str:
    from dunwell.engine.journal import rows  # noqa: PLC0415

    told = {
        "entity": found.entity,
        "from": found.from_on.isoformat(),
        "to": found.to_on.isoformat(),
        "lines": rows(found.lines),
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a whole file or none: another program may be waiting for it.

    A link stays one, and what it leads to is written. Errors: OSError; Invalid for a folder, a device or a pipe.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise Invalid(f"--out: {path} is no regular file")
    written = target.with_name(f".{target.name}.{os.getpid()}.writing")
    try:
        written.unlink(missing_ok=True)  # of a process of this number that was killed
        with written.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
        written.replace(target)
    finally:
        written.unlink(missing_ok=True)
