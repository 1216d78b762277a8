"""`dunwell init` and `import`: make a book, and fill it."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import Json, open_book, refuses, stand_in, typed
from dunwell.cli.output import as_json, err, money, progress, say, table
from dunwell.config import FILE_NAME, PREFIX, load, write_settings

if TYPE_CHECKING:
    from dunwell.flows.book.customers import AccountsReport
    from dunwell.flows.book.imported import Saved
    from dunwell.flows.book.importing import ImportReport

DATABASE_VARIABLES: Final = (f"{PREFIX}DATABASE_URL", f"{PREFIX}DATABASE_URL_FILE")


@refuses
def init(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where the book is to be. [default: --home, or this directory]")
    ] = None,
    json: Json = False,
) -> None:
    """Make an empty book, with three policies in force.

    It has settings, a database, and the files of the policies, to change. What is there already is kept; an older
    database is brought to this version.
    """
    if directory is not None:
        stand_in(directory)
    home = load().home
    write_settings(home)
    open_book(must_exist=False)
    from dunwell.flows.book.starting import start_book

    with progress(quiet=json) as tell:
        tell("making the tables")
        started = start_book(home, by=clock.actor(), at=clock.now())
    by_variable = [name for name in DATABASE_VARIABLES if os.environ.get(name)]
    if json:
        as_json({"home": str(home), "policies": [vars(each) for each in started.policies]})
        return
    say(f"the book is ready in {home}")
    if by_variable:
        say(f"  its database is the one that {by_variable[0]} names: set it for every command, or write database_url")
        say(f"  into {home / FILE_NAME}, so that every command finds the book")
    for each in started.policies:
        say(f"  policy {each.name} is in force (change policies/{each.name}.yaml, then `{typed('policy apply FILE')}`)")
    say(f"next: {typed('import FILE --mapping MAP.yaml')}")


@refuses
def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A CSV (.csv, .csv.gz), Excel (.xlsx) or Parquet file."),
    ],
    mapping: Annotated[
        Path, typer.Option("--mapping", metavar="MAP", help="A file that says which column is what (YAML).")
    ],
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Take the file as it is although more than half of what is open is not in it, or turns its sign.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Bring a file of items, or of accounts, into the book.

    The mapping says which of both they are. All of a file or nothing of it, and the same file twice changes nothing.
    """
    open_book()
    from dunwell.flows.book.importing import import_file

    with progress(quiet=json) as tell:
        report = import_file(
            file, mapping, by=clock.actor(), at=clock.now(), on=clock.today(), force=force, progress=tell
        )
    if json:
        as_json(asdict(report))
        return
    _tell(report)


def _tell(report: "AccountsReport") -> None:
    """Say in the shell what an import did."""
    for warning in report.warnings:
        err.print(f"warning: {warning}", markup=False, style="yellow")
    from dunwell.flows.book.importing import ImportReport

    of_items = report if isinstance(report, ImportReport) else None
    say(f"{report.file}: {report.rows:,} rows")
    if of_items:
        _count("items:   ", of_items.items)
    _count("accounts:", report.accounts)
    if of_items and (gone := of_items.vanished):
        became = "settled" if gone.settled else "shown in tasks"
        say(f"  vanished: {gone.items:,} items of {gone.accounts:,} accounts, {became}")
    if report.tasks:
        say(f"  tasks:    {report.tasks:,} opened, see {typed('task list')}")
    if of_items:
        _totals(of_items)


def _count(what: str, saved: "Saved") -> None:
    say(f"  {what} {saved.added:,} added, {saved.changed:,} changed, {saved.unchanged:,} as they were")


def _totals(report: "ImportReport") -> None:
    say()
    columns = ("entity", "currency", "kind", "in the file", "sum in the file", "in the book", "sum in the book")
    rows = [
        (
            total.entity,
            total.currency,
            total.kind,
            total.file_items,
            money(total.file_minor, total.currency),
            total.book_items,
            money(total.book_minor, total.currency),
        )
        for total in report.totals
    ]
    table("Control totals of what is open", columns, rows)
    if any(total.rounding for total in report.totals):
        rounded = ", ".join(
            f"{total.rounding} {total.currency} in {total.entity}" for total in report.totals if total.rounding
        )
        say(f"rounding added {rounded}")
