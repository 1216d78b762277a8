"""`dunwell task`: what waits for a person, and what has been done about it."""

from typing import Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, entity_of, open_book, refuses
from dunwell.cli.output import as_json, say, table

app = typer.Typer(help="See what waits for a person, and close it.", no_args_is_help=True, rich_markup_mode=None)
TASKS_LISTED: Final = 50


@app.callback()
def task() -> None:
    """See what waits for a person, and close it."""


@app.command("list", cls=Command)
@refuses
def list_(
    entity: Annotated[
        str | None, typer.Option("--entity", metavar="CODE", help="Of this entity alone. [default: of all of them]")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Only of this kind, such as exception.")
    ] = None,
    json: Json = False,
) -> None:
    """List the 50 oldest tasks that are open."""
    open_book()
    from dunwell.flows.people.tasks import open_tasks

    found = open_tasks(entity_of(entity) if entity else None, kind=kind, most=TASKS_LISTED)
    if json:
        as_json({"tasks": [vars(each) for each in found.tasks], "more": found.more, "by_kind": found.by_kind})
        return
    if not found.tasks:
        say("no task is open")
        return
    columns = ("task", "entity", "opened on", "kind", "account", "item", "notice", "bank line", "detail")
    rows = [tuple("" if value is None else value for value in vars(each).values()) for each in found.tasks]
    table("Open tasks", columns, rows)
    if found.more:
        kinds = ", ".join(f"{name} {n:,}" for name, n in found.by_kind.items())
        say(f"and {found.more:,} more, newer ones ({kinds} altogether)")


@app.command(cls=Command)
@refuses
def close(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The number of a task.")],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What was done about it; it is kept.")],
    sent: Annotated[
        bool | None,
        typer.Option("--sent/--not-sent", help="Whether a message in doubt has left; if not, it is sent again."),
    ] = None,
    json: Json = False,
) -> None:
    """Close a task that is done.

    If the reason is still there, the next run opens another.
    """
    open_book()
    from dunwell.flows.people.tasks import close_task

    close_task(number, note=note, by=clock.actor(), at=clock.now(), was_sent=sent)
    if json:
        as_json({"task": number})
        return
    say(f"task {number} is closed")
