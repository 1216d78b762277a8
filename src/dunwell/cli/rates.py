"""`dunwell rates`: the reference and exchange rates that interest is worked out with."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, book_exists, day, open_book, refuses, typed
from dunwell.cli.output import as_json, say, table

if TYPE_CHECKING:
    from dunwell.flows.law.listing import ListedSeries
    from dunwell.flows.law.rates import Kept

app = typer.Typer(
    help="See and add the rates that interest is worked out with.", no_args_is_help=True, rich_markup_mode=None
)
RATES_SHOWN: Final = 24
Correct = Annotated[
    str,
    typer.Option(
        "--correct",
        metavar="TEXT",
        help="Change what was added here before, through --until; why it was wrong is kept.",
    ),
]


@app.callback()
def rates() -> None:
    """See and add the rates that interest is worked out with."""


@app.command("list", cls=Command)
@refuses
def list_(
    series: Annotated[
        str | None, typer.Argument(metavar="SERIES", help="One series, with its rates. [default: all]")
    ] = None,
    json: Json = False,
) -> None:
    """List every series of rates.

    Until when it is known, and which regimes ask for it; also without a book.
    """
    open_book(must_exist=False)
    from dunwell.flows.law.listing import listed
    from dunwell.flows.law.series import described_series, packaged_series

    found = listed(described_series() if book_exists() else packaged_series(), series)
    if json:
        as_json({"series": [_as_json(each) for each in found]})
    elif series:
        _say_one(found[0])
    else:
        _say_all(found)


@app.command(cls=Command)
@refuses
def add(
    series: Annotated[str, typer.Argument(metavar="SERIES", help="The name of the series, such as ecb-mro.")],
    date_: Annotated[date, typer.Argument(metavar="DATE", parser=day, help="The first day on which it holds.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Percent points, or units of a currency per 1 EUR.")],
    *,
    until: Annotated[
        date | None,
        typer.Option(
            "--until",
            metavar="DATE",
            parser=day,
            help="The last day of which it is known. [default: that day; of a rate for half-years, their end]",
        ),
    ] = None,
    source: Annotated[str, typer.Option("--source", metavar="TEXT", help="Who publishes it, and where.")] = "",
    correct: Correct = "",
    json: Json = False,
) -> None:
    """Say what a rate is from a day on.

    A value below zero follows two dashes: dunwell rates add SERIES DATE -- -0.88
    """
    open_book()
    from dunwell.flows.law.rates import add_rate

    kept = add_rate(
        series, date_, value, until_on=until, source=source, correct=correct, by=clock.actor(), at=clock.now()
    )
    _say_kept([kept], json=json)


@app.command("import", cls=Command)
@refuses
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file: from,value, or as central banks have it.")],
    series: Annotated[
        str | None,
        typer.Option("--series", metavar="NAME", help="Which series it is. [default: as the file or its columns say]"),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option("--until", metavar="DATE", parser=day, help="The last day of which it knows. [default: its last]"),
    ] = None,
    correct: Correct = "",
    json: Json = False,
) -> None:
    """Take all rates of a file, or none of them.

    The same file again changes nothing.
    """
    open_book()
    from dunwell.flows.law.rates import import_rates

    kept = import_rates(file, name=series, until_on=until, correct=correct, by=clock.actor(), at=clock.now())
    _say_kept(kept, json=json)


def _as_json(each: "ListedSeries") -> dict[str, object]:
    rates = [{"from_on": from_on, "value": value} for from_on, value in each.rates]
    shown = {name: value for name, value in vars(each).items() if name != "rates"}
    shown["overruled"] = [vars(days) for days in each.overruled]
    return shown | ({"rates": rates} if rates else {})


def _say_all(found: Sequence["ListedSeries"]) -> None:
    there = [each for each in found if each.until_on]
    rows = [
        (
            each.series,
            f"{each.from_on}",
            f"{each.until_on}",
            f"{each.value} ",
            ", ".join(each.regimes) or "-",
            each.title,
        )
        for each in there
    ]
    table("Rates", ("series", "from", "until", "last", "regimes", "title"), rows)
    _say_overruled(found)
    missing = [(each.series, ", ".join(each.regimes)) for each in found if not each.until_on]
    if missing:
        table("Asked for, and given by nobody yet", ("series", "regimes"), missing)
        add_one, take_all = typed(f"rates add {missing[0][0]} DATE VALUE"), typed("rates import FILE")
        say(f"`{add_one}` adds one, `{take_all}` a file of them")


def _say_one(each: "ListedSeries") -> None:
    say(f"{each.series}: {each.title}".rstrip(": "))
    regimes = ", ".join(each.regimes) or "none"
    if each.until_on is None:
        say(f"  asked for by {regimes}, and given by nobody yet: `{typed(f'rates add {each.series} DATE VALUE')}`")
        return
    for label, value in (("source", each.source), ("regimes", regimes), ("until", str(each.until_on))):
        say(f"  {label:10}{value}")
    shown = each.rates[-RATES_SHOWN:]
    if len(shown) < len(each.rates):
        say(f"  the last {len(shown)} of {len(each.rates):,} rates:")
    table("", ("from", "value"), [(str(from_on), value) for from_on, value in shown])
    _say_overruled([each])


def _say_overruled(found: Sequence["ListedSeries"]) -> None:
    """What was added here of days that Dunwell brings by now, with another value."""
    rows = [
        (each.series, f"{days.from_on}", f"{days.until_on}", f"{days.added} ", f"{days.holds} ")
        for each in found
        for days in each.overruled
    ]
    if rows:
        title = "Added here, and said otherwise by this Dunwell, whose value holds"
        table(title, ("series", "from", "until", "added", "holds"), rows)


def _say_kept(kept: Sequence["Kept"], *, json: bool) -> None:
    if json:
        as_json({"series": [vars(each) for each in kept]})
        return
    for each in kept:
        told = f"{each.added:,} added, {each.corrected:,} corrected" if each.changed else "nothing new"
        again = f"; {each.resumes} again from {each.resumes_on}" if each.resumes_on else ""
        say(f"{each.series}: {told}; known until {each.until_on}{again}")
