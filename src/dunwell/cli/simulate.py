"""`dunwell simulate`: what policies would have done over a period of the past."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from dunwell.cli.doors import EntityCode, Json, WrongUsage, day, entity_of, refuses
from dunwell.cli.output import as_json, money, progress, say, table
from dunwell.cli.passing import book_of
from dunwell.flows.outfiles import require_apart

if TYPE_CHECKING:
    from dunwell.flows.simulation.simulate import Simulated

SEED: Final = 1

From = Annotated[date, typer.Option("--from", parser=day, metavar="DATE", help="The first day.")]
To = Annotated[date, typer.Option("--to", parser=day, metavar="DATE", help="The last day.")]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="POLICY",
        help="A policy file, a folder of them, or the name of one in force; with commas between, several that decide"
        " together. Once for each that is to be compared. [default: all in force]",
    ),
]
Model = Annotated[
    Path | None,
    typer.Option("--model", metavar="FILE", help="Let payments answer by this model. [default: as they happened]"),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help=f"The model's luck. [default: {SEED}]")]
Cost = Annotated[
    str | None, typer.Option("--cost", metavar="COSTS", help="What a message costs, such as email=0.02,letter=1.35.")
]
Reach = Annotated[
    str | None,
    typer.Option("--reach", metavar="CHANNELS", help="Channels for accounts without an address."),
]
Table = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="A table of items, settled ones too, instead of the book.")
]
Mapping = Annotated[Path | None, typer.Option("--mapping", metavar="MAP", help="How --file is read.")]
Charts = Annotated[
    list[Path] | None,
    typer.Option("--chart", metavar="FILE", help="Write charts: FILE.html with all, FILE.png or FILE.svg."),
]
Tables = Annotated[
    Path | None, typer.Option("--csv", metavar="DIR", help="Write every table as a CSV file into this folder.")
]


@refuses
def simulate(
    *,
    from_on: From,
    until_on: To,
    policy: Policies = None,
    entity: EntityCode = None,
    model: Model = None,
    seed: Seed = None,
    cost: Cost = None,
    reach: Reach = None,
    file: Table = None,
    mapping: Mapping = None,
    chart: Charts = None,
    csv: Tables = None,
    json: Json = False,
) -> None:
    """Show what policies would have done in the past.

    Plays them day by day over the history of the book, which stays as it is,
    or of a file: what they would have sent, charged and cost. Two or more are
    compared. What that can show, and what not, is said with it.
    """
    if seed is not None and model is None:
        raise WrongUsage("--seed is the luck of a response model: give --model, too")
    costs = dict(_costs(cost)) if cost else {}
    channels = [each.strip() for each in reach.split(",")] if reach else []
    for path in [*(chart or ()), *([csv] if csv else [])]:
        require_apart(path)  # of the book that is here, also where another is made for the moment
    with progress(quiet=json) as tell, book_of(file, mapping, tell):
        chosen = entity_of(entity)
        from dunwell.flows.simulation import files
        from dunwell.flows.simulation.simulate import simulate as played

        files.require_writable(chart or (), csv)
        found = played(
            chosen,
            from_on=from_on,
            until_on=until_on,
            policies=policy or (),
            model=model,
            seed=SEED if seed is None else seed,
            costs=costs,
            reach=channels,
            progress=tell,
        )
        written = files.write(found, chart or (), csv, money=money, progress=tell)
    if json:
        as_json(files.as_data(found))
        return
    _show(found)
    for path in written:
        say(f"written: {path}")


def _costs(text: str) -> Iterator[tuple[str, Decimal]]:
    """Errors: WrongUsage."""
    for part in text.split(","):
        channel, _equals, amount = part.partition("=")
        try:
            yield channel.strip(), Decimal(amount.strip())
        except InvalidOperation:
            raise WrongUsage(f"{part!r} is not what a message costs, such as email=0.02") from None


def _show(found: "Simulated") -> None:
    """Print the tables, each scenario a column."""
    names = found.result.scenarios
    from dunwell.flows.simulation.tables import headline, side_by_side

    say(headline(found))
    say()
    for title, rows in side_by_side(found, money):
        table(title, ("", *names), [_row(row) for row in rows])
    for sentence in found.claims:
        say(f"- {sentence}")


def _row(row: Sequence[Any]) -> Sequence[Any]:
    return tuple("-" if cell is None else cell for cell in row)
