"""`dunwell cash advice` and `advices`: what payers say a payment is for, in files of their own."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EntityCode, Json, WrongUsage, entity_of, refuses, typed
from dunwell.cli.output import as_json, money, say, table

if TYPE_CHECKING:
    from dunwell.flows.cash.remittances import AdviceReport, ShownAdvice

LISTED: Final = 50


@refuses
def advice(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="A PDF, or a table (CSV, Excel, Parquet).")],
    *,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="MAP", help="Says which column of a table is what (YAML).")
    ] = None,
    line: Annotated[int | None, typer.Option("--line", metavar="LINE", help="The bank line that it goes with.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="CODE", help="Whose it is.")] = None,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Take in what a payer says a payment is for, each file once.

    It goes with the bank line of its amount, day and payer, now or as soon as that line comes; what it says of
    documents counts from then on as if it stood in the line.
    """
    if line is not None and len(files) > 1:
        raise WrongUsage("one bank line has one advice: name one file with --line")
    chosen = entity_of(entity)
    from dunwell.flows.cash.remittances import import_advice

    told = []
    try:
        for file in files:
            report = import_advice(
                file, chosen, account=account, mapping=mapping, line=line, by=clock.actor(), at=clock.now()
            )
            told.append(report)
            if not json:
                _tell(report, is_more_said=line is not None or account is not None)
    finally:  # those before one that is refused stay taken in
        if json:
            as_json({"files": [asdict(each) for each in told]})
    if not json and any(each.line is not None for report in told for each in report.advices):
        say(f"next: {typed('cash match')}")


@refuses
def advices(
    forget: Annotated[
        int | None, typer.Option("--forget", metavar="NUMBER", help="Forget this one; its bank line does, too.")
    ] = None,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """List what payers advised: what waits for its bank line first."""
    chosen = entity_of(entity)
    from dunwell.flows.cash import remittances as flow

    if forget is not None:
        flow.forget_advice(chosen, forget, by=clock.actor(), at=clock.now())
    found = flow.advices(chosen, most=LISTED)
    if json:
        as_json({"advices": [asdict(each) for each in found.advices], "more": found.more})
        return
    if not found.advices:
        say(f"no payer has advised anything: {typed('cash advice FILE')}")
        return
    rows = [
        (
            each.advice, each.file, each.account or each.payer, each.reference, each.paid_on or "",
            f"{money(each.total_minor, each.currency)} {each.currency}", each.documents, each.line or "waits",
        )
        for each in found.advices
    ]  # fmt: skip
    heads = ("number", "file", "of", "reference", "paid on", "amount", "documents", "line")
    table("Remittance advices", heads, rows)
    if found.more:
        say(f"and {found.more:,} more, older ones")


def _tell(report: "AdviceReport", *, is_more_said: bool) -> None:
    """Say in the shell what a file brought."""
    if report.is_known:
        say(f"{report.file}: taken in before{'' if is_more_said else '; nothing changed'}")
    for each in report.advices:
        say(f"{report.file}: advice {each.advice}: {_about(each)}")


def _about(each: "ShownAdvice") -> str:
    """What an advice is about, in a sentence."""
    who = each.account or each.payer
    count = f"{each.documents:,} document{'' if each.documents == 1 else 's'}"
    told = f"{count}, {money(each.total_minor, each.currency)} {each.currency}{f' of {who}' if who else ''}"
    return f"{told}; it goes with line {each.line}" if each.line else f"{told}; it waits for its bank line"
