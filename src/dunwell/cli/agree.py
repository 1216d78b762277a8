"""`dunwell plan`, `promises` and `end`: instalment plans, and what has become of what was promised."""

from datetime import date
from typing import Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EntityCode, Json, WrongUsage, date_for, day, entity_of, refuses
from dunwell.cli.happen import Account, Currency, On, Reason, tell
from dunwell.cli.output import as_json, say, table

PROMISES_LISTED: Final = 50


@refuses
def plan(
    account: Account,
    *,
    items: Annotated[list[str], typer.Option("--item", metavar="ITEM", help="An item of the plan: say it again.")],
    instalments: Annotated[
        list[str],
        typer.Option("--instalment", metavar="AMOUNT@DATE", help="Such as 300.00@2026-04-15: say it again."),
    ],
    currency: Currency = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was agreed.")] = "",
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Agree on an instalment plan.

    Its items are not dunned while it is kept. The first instalment that does not come ends it.
    """
    chosen = entity_of(entity)
    from dunwell.flows.people import plans

    number = plans.plan(
        chosen, account, items=items, instalments=[_instalment(each) for each in instalments], currency=currency,
        note=note, on=date_for(chosen, on), by=clock.actor(), at=clock.now(),
    )  # fmt: skip
    tell("plan", number, f"{len(instalments)} instalments of {account}", json=json)


@refuses
def promises(
    account: Annotated[str | None, typer.Argument(metavar="ACCOUNT", help="Of this account alone.")] = None,
    entity: EntityCode = None,
    on: Annotated[
        date | None,
        typer.Option("--on", parser=day, metavar="DATE", help="How they stand on this day. [default: today]"),
    ] = None,
    json: Json = False,
) -> None:
    """List the 50 last promises, and whether they were kept."""
    chosen = entity_of(entity)
    from dunwell.flows.people.promises import promises as listed

    found = listed(chosen, account, on=date_for(chosen, on), most=PROMISES_LISTED)
    if json:
        as_json({"promises": [vars(each) for each in found]})
        return
    if not found:
        say("nothing was promised")
        return
    from dunwell.engine.money import format_minor

    rows = [
        (
            each.promise,
            each.plan or "",
            each.account,
            format_minor(each.amount_minor, each.currency),
            format_minor(each.paid_minor, each.currency),
            each.by_on,
            each.state.replace("_", " "),
            ", ".join(each.items),
            each.note,
        )
        for each in found
    ]
    table("Promises", ("promise", "plan", "account", "amount", "paid", "by", "state", "items", "note"), rows)


@refuses
def end(
    *,
    promise: Annotated[int | None, typer.Option("--promise", metavar="NUMBER", help="A promise.")] = None,
    plan: Annotated[int | None, typer.Option("--plan", metavar="NUMBER", help="An instalment plan.")] = None,
    reason: Reason,
    entity: EntityCode = None,
    on: On = None,
    json: Json = False,
) -> None:
    """Take a promise or a plan back: nobody is held to it any more."""
    if (promise is None) == (plan is None):
        raise WrongUsage("say what is taken back: --promise NUMBER or --plan NUMBER")
    chosen = entity_of(entity)
    from dunwell.flows.people import plans

    kind, number = ("plan", plan) if promise is None else ("promise", promise)
    ends = plans.end_plan if kind == "plan" else plans.end_promise
    ends(chosen, number or 0, reason=reason, on=date_for(chosen, on), by=clock.actor(), at=clock.now())
    if json:
        as_json({kind: number})
        return
    say(f"{kind} {number} has ended")


def _instalment(text: str) -> tuple[str, date]:
    amount, sign, by_on = text.partition("@")
    if not sign:
        raise typer.BadParameter(f"{text!r} is no instalment: an amount and its day, such as 300.00@2026-04-15")
    return amount.strip(), day(by_on.strip())
