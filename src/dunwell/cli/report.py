"""`dunwell report`: figures over the book as it stands."""

import typer

from dunwell.cli.command import Command
from dunwell.cli.doors import AsOf, EntityCode, Json, date_for, entity_of, refuses
from dunwell.cli.output import as_json, money, say, table

app = typer.Typer(help="Figures over the book as it stands.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def report() -> None:
    """Figures over the book as it stands."""


@app.command(cls=Command)
@refuses
def ageing(entity: EntityCode = None, as_of: AsOf = None, json: Json = False) -> None:
    """Show what is owed, by how long it is past due.

    By currency, with open credits apart.
    """
    chosen = entity_of(entity)
    from dunwell.flows.reports import ageing_of  # noqa: PLC0415  # after the book is open

    on = date_for(chosen, as_of)
    rows = ageing_of(chosen, as_of=on)
    if json:
        as_json({"entity": chosen.code, "as_of": on, "rows": rows})
        return
    say(f"{chosen.code} on {on}")
    buckets = [name for name in rows[0] if name.endswith("_minor")] if rows else []
    shown = [
        (bucket.removesuffix("_minor").replace("_", " "), *(money(row[bucket], row["currency"]) for row in rows))
        for bucket in buckets
    ]
    counts = ("open items", *(row["open_count"] for row in rows))
    table("Ageing", ("", *(row["currency"] or "unknown" for row in rows)), [*shown, counts])
