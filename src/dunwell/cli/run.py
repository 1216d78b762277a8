"""`dunwell run`: look at runs, change and approve a proposal, cancel it, reverse what was posted."""

from datetime import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import (
    AsOf,
    EntityCode,
    Json,
    WrongUsage,
    date_for,
    entity_of,
    entity_of_run,
    open_book,
    refuses,
    typed,
)
from dunwell.cli.output import as_json, money, say, table
from dunwell.cli.runs import show_counts, warn_of_money

if TYPE_CHECKING:
    from dunwell.flows.runs.show import RunDetail

app = typer.Typer(
    help="Look at runs, change and approve proposals, take runs back.", no_args_is_help=True, rich_markup_mode=None
)
RUNS_LISTED: Final = 20


def time_of_day(text: str) -> time:
    """Errors: BadParameter."""
    try:
        return time.fromisoformat(text if len(text) == 5 else "")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time of day, such as 06:00") from None


RunNumber = Annotated[int, typer.Argument(metavar="RUN", help="The number of a run.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept with the run.")]
ItemNumber = Annotated[str | None, typer.Option("--item", metavar="ITEM", help="The number of an item.")]


@app.callback()
def run() -> None:
    """Look at runs, change and approve proposals, take runs back."""


@app.command("list", cls=Command)
@refuses
def list_(
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """List the latest 20 runs."""
    open_book()
    from dunwell.flows.runs.show import list_runs

    rows = list_runs(entity_of(entity) if entity else None, most=RUNS_LISTED)
    if json:
        as_json([vars(row) for row in rows])
        return
    columns = ("run", "entity", "as of", "state", "proposed by", "posted by", "notices", "waiting")
    table("Runs", columns, [tuple(vars(row).values()) for row in rows])


@app.command(cls=Command)
@refuses
def start(
    entity: EntityCode = None,
    as_of: AsOf = None,
    post: Annotated[bool, typer.Option("--post", help="Post and deliver it too; what needs approval waits.")] = False,
    json: Json = False,
) -> None:
    """Hand a whole run over to the workers.

    Bank lines that wait are matched first.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash.beforehand import unmatched
    from dunwell.flows.runs.work import start_run

    begun = start_run(chosen, as_of=date_for(chosen, as_of), posts=post, by=clock.actor(), at=clock.now())
    left = unmatched(chosen, on=clock.today(chosen.time_zone))
    if json:
        told = {"run": begun.pk, "entity": chosen.code, "as_of": begun.as_of, "shards": begun.shards}
        as_json({**told, "posts": begun.posts, "unmatched": vars(left)})
        return
    warn_of_money(left)
    say(f"run {begun.pk} for {chosen.code} as of {begun.as_of}: left to the workers, in {begun.shards} shards")
    if post and not begun.posts:
        say("it is not posted by itself, since money could not be matched")
    say(f"next: {typed(f'run show {begun.pk}')}; if no worker is up: {typed('worker --once')}")


@app.command(cls=Command)
@refuses
def schedule(
    entity: EntityCode = None,
    at: Annotated[
        time | None,
        typer.Option(
            "--at", parser=time_of_day, metavar="HH:MM", help="Every day from this time on, where the entity is."
        ),
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="Post and deliver too; what needs approval waits.")] = False,
    off: Annotated[bool, typer.Option("--off", help="No run by itself any more.")] = False,
    json: Json = False,
) -> None:
    """Let workers begin a run every day, or say when they do.

    If no worker was up at the time, the run begins when one is. A day that was missed is not made up for: the next run
    sees all that is due by then.
    """
    if (off and (at or post)) or (post and not at):
        raise WrongUsage("say --at HH:MM, with --post or without, or --off")
    chosen = entity_of(entity)
    from dunwell.flows.runs.schedule import schedule_of, set_schedule

    if off or at:
        found = set_schedule(chosen, run_at=at, posts=post, by=clock.actor(), at=clock.now())
    else:
        found = schedule_of(chosen)
    if json:
        as_json(vars(found))
    elif found.at is None:
        say(f"{found.entity}: no run begins by itself")
    else:
        then = "is posted and delivered" if found.posts else "waits to be posted"
        last = f"; the last one was on {found.ran_on}" if found.ran_on else ""
        say(f"{found.entity}: a run begins every day at {found.at:%H:%M} ({found.time_zone}), and {then}{last}")


@app.command(cls=Command)
@refuses
def show(run: RunNumber, json: Json = False) -> None:
    """Show a run, its changes, and the notices that wait."""
    open_book()
    from dunwell.flows.runs.show import run_detail

    found = run_detail(run)
    if json:
        as_json(vars(found))
        return
    _say_detail(found)


def _say_detail(found: "RunDetail") -> None:
    say(f"run {found.run} for {found.entity} as of {found.as_of}: {found.state}")
    say(f"  proposed by {found.proposed_by} at {found.proposed_at:%Y-%m-%d %H:%M} UTC")
    if found.posted_at:
        say(f"  posted by {found.posted_by} at {found.posted_at:%Y-%m-%d %H:%M} UTC")
    if found.shards["all"] > 1 or found.state == "deciding":
        say("  shards: {all}, {decided} decided, {kept} kept, {posted} posted".format(**found.shards))
    if found.guard:
        say(f"  unlike the last runs: {found.guard}")
    if found.approved_by:
        say(f"  approvals by {', '.join(found.approved_by)}")
    if found.reason:
        say(f"  {found.state}: {found.reason}")
    say()
    if found.counts:
        show_counts(found.counts)
    table("Notices by state", ("state", "notices"), list(found.notices.items()))
    if found.edits:
        table("Changes", ("what", "of", "by", "reason"), [tuple(edit.values()) for edit in found.edits])
    if found.waiting:
        columns = ("account", "stage", "currency", "total", "approvals")
        rows = [
            (
                each["account"], each["stage"], each["currency"], money(each["total_minor"], each["currency"]),
                f"{each['given']} of {each['approvals']}",
            )
            for each in found.waiting
        ]  # fmt: skip
        table("Notices that need approval", columns, rows)


@app.command(cls=Command)
@refuses
def exclude(
    run: RunNumber,
    reason: Reason,
    item: ItemNumber = None,
    account: Annotated[str | None, typer.Option("--account", metavar="CODE", help="The code of an account.")] = None,
    json: Json = False,
) -> None:
    """Leave an item or an account out of a proposed run.

    What else its payer owes is decided anew.
    """
    if (item is None) == (account is None):
        raise WrongUsage("say what to leave out: --item ITEM or --account CODE")
    open_book()
    from dunwell.flows.runs.edit import exclude_account, exclude_item

    by, at = clock.actor(), clock.now()
    if item is not None:
        result = exclude_item(run, item, reason=reason, by=by, at=at)
    else:
        result = exclude_account(run, str(account), reason=reason, by=by, at=at)
    if json:
        as_json({"run": run, **vars(result)})
        return
    say(f"{item or account} is left out of run {run}; its payer gets {result.notices} notices")


@app.command(cls=Command)
@refuses
def stage(
    run: RunNumber,
    item: Annotated[str, typer.Option("--item", metavar="ITEM", help="The number of an item.")],
    to: Annotated[str, typer.Option("--to", metavar="STAGE", help="A stage of the item's policy.")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Set the stage of an item in a proposed run.

    The stage's conditions and the gap are waived; what blocks the item still does.
    """
    open_book()
    from dunwell.flows.runs.edit import set_stage

    result = set_stage(run, item, to, reason=reason, by=clock.actor(), at=clock.now())
    if json:
        as_json({"run": run, **vars(result)})
        return
    say(f"{item} is at stage {to} in run {run}: {result.outcome}; its payer gets {result.notices} notices")


@app.command(cls=Command)
@refuses
def approve(
    run: RunNumber,
    accounts: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="CODE", help="Only this account, or these: say it again."),
    ] = None,
    json: Json = False,
) -> None:
    """Approve the notices of a run that need it.

    Nobody approves what they proposed or changed.
    """
    open_book()
    from dunwell.flows.runs.approve import approve_run
    from dunwell.flows.runs.show import run_detail

    result = approve_run(run, by=clock.actor(), at=clock.now(), accounts=accounts or [])
    if json:
        as_json({"run": run, **vars(result)})
        return
    say(f"run {run}: {result.approved:,} notices approved, {result.waiting:,} lack an approval still")
    if result.guard_approved:
        say("what is unusual about it is approved")
    now = run_detail(run)
    is_to_come = now.as_of > date_for(entity_of_run(run), None)
    is_ready = not result.waiting and now.state != "proposed" and not is_to_come
    say(f"next: {typed(f'post {run}' if is_ready else f'run show {run}')}")


@app.command(cls=Command)
@refuses
def cancel(run: RunNumber, reason: Reason, json: Json = False) -> None:
    """Cancel a proposed run: nothing comes of it."""
    open_book()
    from dunwell.flows.runs.cancel import cancel_run

    cancelled = cancel_run(run, reason=reason, by=clock.actor(), at=clock.now())
    if json:
        as_json({"run": run, "state": cancelled.state})
        return
    say(f"run {run} is cancelled")


@app.command(cls=Command)
@refuses
def reverse(run: RunNumber, reason: Reason, json: Json = False) -> None:
    """Take a posted run back, as far as it has not left.

    Waiting notices are withdrawn; levels, contacts and charges are as before them.
    """
    open_book()
    from dunwell.flows.runs.reverse import reverse_run

    result = reverse_run(run, reason=reason, by=clock.actor(), at=clock.now())
    if json:
        as_json({"run": run, **vars(result)})
        return
    given_up = f", without {result.given_up:,} deliveries that still waited" if result.given_up else ""
    say(f"run {run} is reversed: {result.withdrawn:,} notices withdrawn, {result.left:,} had left and stay{given_up}")
