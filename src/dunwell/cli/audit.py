"""`dunwell audit`: what happened, and proof that nobody has changed the record of it."""

import json as json_text
from typing import Annotated

import typer

from dunwell.cli.command import Command
from dunwell.cli.doors import EXIT_FAILED, EntityCode, Json, WrongUsage, entity_of, open_book, refuses
from dunwell.cli.output import as_json, say

app = typer.Typer(help="What happened, and proof of it.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def audit() -> None:
    """What happened, and proof of it."""


@app.command(cls=Command)
@refuses
def show(
    *,
    item: Annotated[str | None, typer.Option("--item", metavar="ITEM", help="The number of an item.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="CODE", help="The code of an account.")] = None,
    run: Annotated[int | None, typer.Option("--run", metavar="RUN", help="The number of a run.")] = None,
    series: Annotated[str | None, typer.Option("--series", metavar="NAME", help="A series of rates.")] = None,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Show what happened to an item, account, run or series, in order.

    A series is one of rates. With --entity alone: how the entity itself was changed.
    """
    asked = sum(each is not None for each in (item, account, run, series))
    if asked > 1 or (not asked and entity is None):
        raise WrongUsage("say what to show: --item ITEM, --account CODE, --run RUN, --series NAME or --entity CODE")
    open_book()
    from dunwell.flows.audit import show as trail

    if run is not None:
        happened = trail.of_run(run)
    elif series is not None:
        happened = trail.of_series(series)
    elif account is not None:
        happened = trail.of_account(entity_of(entity), account)
    elif item is not None:
        happened = trail.of_item(entity_of(entity), item)
    else:
        happened = trail.of_entity(entity_of(entity))
    if json:
        as_json([vars(each) for each in happened])
        return
    if not happened:
        say("nothing is on record")
    for each in happened:
        told = ", ".join(
            f"{name} {_plain(value)}" for name, value in each.detail.items() if value not in (None, "", [])
        )
        by = f" by {each.by}" if each.by else ""
        say(f"{each.at:%Y-%m-%d %H:%M:%S} {each.what}{by}: {each.about}{f' ({told})' if told else ''}")


@app.command(cls=Command)
@refuses
def verify(
    expect: Annotated[
        str | None, typer.Option("--expect", metavar="HASH", help="A head noted earlier, which must be in the chain.")
    ] = None,
    json: Json = False,
) -> None:
    """Seal the trail, and verify that nobody has changed it.

    Note the head it prints where nobody who could change the book can change it. Leaves with 1 if it does not hold.
    """
    open_book()
    from dunwell.flows.audit.verify import verify_chain

    found = verify_chain(expect)
    if json:
        as_json({**vars(found), "breaks": [vars(each) for each in found.breaks], "intact": found.is_intact})
    else:
        say(f"{found.sealed:,} events, {'intact' if found.is_intact else 'NOT intact'}; head {found.head or 'none'}")
        for each in found.breaks:
            say(f"event {each.event_id}: {each.what}")
        if found.lacks_expected:
            say(f"the head {expect} is not in the chain: events at its end were removed, or it is of another book")
    if not found.is_intact:
        raise typer.Exit(EXIT_FAILED)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json_text.dumps(value, ensure_ascii=False)
