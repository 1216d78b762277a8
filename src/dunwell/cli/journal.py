"""`dunwell journal`: what was charged, as lines for the creditor's books."""

import csv
import io
import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dunwell.cli.doors import EntityCode, day, entity_of, refuses
from dunwell.cli.output import err

if TYPE_CHECKING:
    from dunwell.flows.journal import Journal


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
    format_: Annotated[Format, typer.Option("--format", help="csv, or json, which says the same.")] = Format.CSV,
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

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(found.lines))
    return text.getvalue()


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
    """Write a whole file or none: another program may be waiting for it. Errors: OSError."""
    written = path.with_name(f".{path.name}.writing")
    try:
        written.write_text(text, encoding="utf-8", newline="")
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
