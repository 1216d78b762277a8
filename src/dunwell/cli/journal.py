"""`dunwell journal`: what was charged and granted, as lines for the creditor's books."""

import json as json_
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dunwell.cli.doors import EntityCode, Json, day, entity_of, refuses
from dunwell.cli.files import csv_text, write_whole
from dunwell.cli.output import err

if TYPE_CHECKING:
    from dunwell.flows.journal import Journal


@refuses
def journal(
    from_: Annotated[date, typer.Option("--from", parser=day, metavar="DATE", help="The first day.")],
    to: Annotated[date, typer.Option("--to", parser=day, metavar="DATE", help="The last day.")],
    *,
    entity: EntityCode = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it to a file. [default: print it]")
    ] = None,
    json: Json = False,
) -> None:
    """Export charges and what is granted beside money, for the ledger.

    Of fees, interest and flat sums what was raised, reversed, written off and owed again from one day to another; of
    discounts, charges of banks and small differences what was granted and taken back. Every entry balances.
    """
    chosen = entity_of(entity)
    from dunwell.flows.journal import journal_of

    found = journal_of(chosen, from_, to)
    text = _json(found) if json else _csv(found)
    if out is None:
        typer.echo(text, nl=False)
        return
    write_whole(out, text)
    entries = found.lines[-1].entry if found.lines else 0
    err.print(f"{entries:,} entries of {chosen.code} from {from_} to {to} are in {out}", markup=False)


def _csv(found: "Journal") -> str:
    from dunwell.engine.journal import COLUMNS, rows

    return csv_text(COLUMNS, rows(found.lines))


def _json(found: "Journal") -> str:
    from dunwell.engine.journal import rows

    told = {
        "entity": found.entity,
        "from": found.from_on.isoformat(),
        "to": found.to_on.isoformat(),
        "lines": rows(found.lines),
    }
    return json_.dumps(told, indent=2, ensure_ascii=False) + "\n"
