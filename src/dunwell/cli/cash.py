"""`dunwell cash`: what banks send, and whose money it is."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import EntityCode, Json, entity_of, open_book, refuses, typed
from dunwell.cli.output import as_json, err, money, progress, say, table

if TYPE_CHECKING:
    from dunwell.flows.cash.statements import FileReport, StatementReport

app = typer.Typer(help="Take in what banks send, and apply it.", no_args_is_help=True, rich_markup_mode=None)
LINES_LISTED: Final = 50
OfEntity = Annotated[
    str | None, typer.Option("--entity", metavar="CODE", help="Of this entity alone. [default: of all of them]")
]


@app.callback()
def cash() -> None:
    """Take in what banks send, and apply it."""


@app.command("account", cls=Command)
@refuses
def account_(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The IBAN, or the number in the bank's files.")],
    *,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="It is kept in. [default: the entity's]")
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What people call it.")] = "",
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Make a bank account of an entity known.

    Statements are taken in of accounts that are known.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash.accounts import add_account

    added = add_account(chosen, number, currency=currency, name=name, by=clock.actor(), at=clock.now())
    if json:
        as_json({"account": added.number, "entity": chosen.code, "currency": added.currency, "name": added.name})
        return
    say(f"{added.number} is an account of {chosen.code} in {added.currency}")
    say(f"next: {typed('cash import FILE')}")


@app.command(cls=Command)
@refuses
def accounts(entity: OfEntity = None, json: Json = False) -> None:
    """List the bank accounts that are known, with their last balance."""
    open_book()
    from dunwell.flows.cash.lines import bank_accounts

    found = bank_accounts(entity_of(entity) if entity else None)
    if json:
        as_json({"accounts": [asdict(each) for each in found]})
        return
    if not found:
        say(f"no bank account is known: {typed('cash account NUMBER')}")
        return
    rows = [
        (
            each.entity,
            each.account,
            each.name,
            each.lines,
            each.until_on or "",
            "" if each.balance_minor is None else f"{money(each.balance_minor, each.currency)} {each.currency}",
        )
        for each in found
    ]
    table("Bank accounts", ("entity", "account", "name", "lines", "until", "balance"), rows)


@app.command("import", cls=Command)
@refuses
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="camt.052/053/054, MT940, MT942, BAI2, OFX, a table; or a ZIP.")
    ],
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="MAP", help="Says which column of a table is what (YAML).")
    ] = None,
    entity: Annotated[
        str | None, typer.Option("--entity", metavar="CODE", help="Refuse what is not of an account of this entity.")
    ] = None,
    json: Json = False,
) -> None:
    """Take in bank statements, each entry once.

    However files overlap and repeat. All of a file or nothing of it: what a statement opens with and its lines must
    give what it closes with.
    """
    open_book()
    from dunwell.flows.cash.statements import import_statements

    chosen = entity_of(entity) if entity else None
    told: list[FileReport] = []
    try:
        with progress(quiet=json) as tell:
            for file in files:
                reports = import_statements(
                    file, mapping=mapping, entity=chosen, by=clock.actor(), at=clock.now(), progress=tell
                )
                told += reports
                if not json:
                    for each in reports:
                        _tell(each)
    finally:  # those before one that is refused stay taken in
        if json:
            as_json({"files": [asdict(each) for each in told]})


@app.command(cls=Command)
@refuses
def lines(
    entity: OfEntity = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="open, proposed, applied, set_aside, or returned.")
    ] = None,
    json: Json = False,
) -> None:
    """List the 50 newest lines of the statements that were taken in."""
    open_book()
    from dunwell.flows.cash.lines import bank_lines

    found = bank_lines(entity_of(entity) if entity else None, state=state, most=LINES_LISTED)
    if json:
        as_json({"lines": [asdict(each) for each in found.lines], "more": found.more})
        return
    if not found.lines:
        say("there are no such lines")
        return
    rows = [
        (
            each.line,
            each.entity,
            each.booked_on,
            f"{money(each.amount_minor, each.currency)} {each.currency}",
            each.party,
            each.reference or " ".join(each.text.split()),
            each.state,
        )
        for each in found.lines
    ]
    table("Bank lines", ("line", "entity", "booked on", "amount", "from or to", "what they wrote", "state"), rows)
    if found.more:
        say(f"and {found.more:,} more, older ones")


def _tell(report: "FileReport") -> None:
    """Say in the shell what a file brought."""
    if report.is_known:
        say(f"{report.file}: taken in before; nothing changed")
        return
    say(f"{report.file}: {len(report.statements):,} statement{'' if len(report.statements) == 1 else 's'}")
    for each in report.statements:
        _tell_statement(each)


def _tell_statement(of: "StatementReport") -> None:
    named = f" {of.statement_id}" if of.statement_id else ""
    say(f"  {of.kind}{named} of {of.account} ({of.entity}):")
    added = f"{money(of.lines_minor, of.currency)} {of.currency}"
    say(f"    {of.lines:,} lines added, {added}; {of.known:,} entries were known")
    for count, what in (
        (of.detailed, "lines say in detail what was known as one sum"),
        (of.not_booked, "are announced, and not booked yet"),
        (of.without_reference, "have no reference of the bank: the statement of the day brings them"),
    ):
        if count:
            say(f"    {count:,} {what}")
    for warning in of.warnings:
        err.print(f"warning: {warning}", markup=False, style="yellow")
