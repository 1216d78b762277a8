"""`dunwell propose`, `post`, `explain`, `preview`: a run from decision to outbox."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import (
    EXIT_FAILED,
    AsOf,
    EntityCode,
    Json,
    date_for,
    entity_of,
    entity_of_run,
    open_book,
    refuses,
    typed,
)
from dunwell.cli.files import write_all
from dunwell.cli.output import as_json, err, money, progress, say, table
from dunwell.flows.outfiles import require_apart

REASONS_SHOWN_MAX: Final = 3

if TYPE_CHECKING:
    from dunwell.flows.cash.beforehand import Unmatched
    from dunwell.flows.runs.deliver import DeliverResult
    from dunwell.flows.runs.post import PostResult
    from dunwell.flows.runs.preview import Preview


@refuses
def propose(entity: EntityCode = None, as_of: AsOf = None, json: Json = False) -> None:
    """Decide for every open item, and keep the result as a proposal.

    Bank lines that wait are matched first. Nothing is sent. It takes the place of a proposal that
    nobody has posted.
    """
    chosen = entity_of(entity)
    from dunwell.flows.cash.beforehand import unmatched
    from dunwell.flows.runs.propose import propose_run
    from dunwell.flows.runs.show import exceptions_of

    with progress(quiet=json) as tell:
        run = propose_run(chosen, as_of=date_for(chosen, as_of), at=clock.now(), by=clock.actor(), progress=tell)
    exceptions, money_left = exceptions_of(run), unmatched(chosen, on=clock.today(chosen.time_zone))
    if json:
        told = {"run": run.pk, "entity": chosen.code, "as_of": run.as_of, **run.counts, "exceptions": exceptions}
        as_json({**told, "unmatched": vars(money_left)})
        return
    warn_of_money(money_left)
    say(f"run {run.pk} for {chosen.code} as of {run.as_of}: {run.counts['items']:,} items decided")
    say()
    show_counts(run.counts)
    _show_exceptions(exceptions)
    of, on = _entity_option(entity), f" --as-of {as_of}" if as_of else ""
    then = [f"preview ACCOUNT{of}{on}", f"explain ITEM --run {run.pk}"]
    if run.as_of <= date_for(chosen, None):  # else it can be looked at, not posted
        then.append(f"run show {run.pk}" if run.guard else f"post {run.pk}")
    if run.guard:
        say(f"it is unlike the last runs ({run.guard}): somebody else has to approve it before it is posted")
    say(f"next: {', '.join(map(typed, then))}")


@refuses
def post(
    run: Annotated[int, typer.Argument(metavar="RUN", help="The number of a proposed run.")],
    json: Json = False,
) -> None:
    """Make a proposed run binding, and write its notices.

    Notices that need approval wait. Said again of a posted run, it delivers what is still waiting.
    """
    open_book()
    from dunwell.flows.runs.deliver import deliver_run
    from dunwell.flows.runs.post import post_if_open

    try:
        with progress(quiet=json) as tell:
            tell(f"posting run {run}")
            posted = post_if_open(run, today=clock.today, at=clock.now(), by=clock.actor())
            delivered = deliver_run(run, clock=clock.now, by=clock.actor(), progress=tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"say `{typed(f'post {run}')}` again, and it goes on") from None
    if json:
        as_json({"run": run, **vars(posted), **vars(delivered)})
    else:
        _show_posted(run, posted, delivered)
    if delivered.failed or delivered.retrying or delivered.claimed:
        raise typer.Exit(EXIT_FAILED)


def _show_posted(run: int, posted: "PostResult", delivered: "DeliverResult") -> None:
    say(f"run {run}: {posted.posted:,} notices posted, {posted.waiting:,} wait for approval")
    if posted.changed_since:
        say(f"{posted.changed_since:,} notices fell out, because an item changed since the decision")
    say(f"{delivered.sent:,} messages written to {delivered.outbox}, {delivered.failed:,} failed")
    if delivered.problem:
        say(f"why not: {delivered.problem}")
    if delivered.put_off:
        until = f"{delivered.put_off_until.astimezone():%Y-%m-%d %H:%M}" if delivered.put_off_until else "later"
        say(f"{delivered.put_off:,} wait until {until}, for the hours of their debtors or an open day:")
        say(f"  a worker sends them then, or say `{typed(f'post {run}')}` again")
    if delivered.claimed:
        until = f"{delivered.claimed_until.astimezone():%H:%M:%S}" if delivered.claimed_until else "their time is up"
        say(f"{delivered.claimed:,} more are being sent, or whoever was sending them is gone:")
        say(f"  say `{typed(f'post {run}')}` again after {until}")
    if delivered.retrying:
        after = f" after {delivered.retry_at.astimezone():%H:%M:%S}" if delivered.retry_at else ""
        say(f"{delivered.retrying:,} could not be written for now: say `{typed(f'post {run}')}` again{after}")


@refuses
def explain(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The number of an item.")],
    run: Annotated[int | None, typer.Option("--run", metavar="RUN", help="As this run decided it.")] = None,
    *,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Of several items of that number, such as credit.")
    ] = None,
    entity: EntityCode = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Say why an item stands as it does, and when it goes on."""
    chosen = entity_of(entity) if entity or run is None else entity_of_run(run)
    from dunwell.flows.runs.explain import explain_item

    found = explain_item(chosen, item, as_of=date_for(chosen, as_of), run_id=run, kind=kind)
    if json:
        as_json({**vars(found), "entity": chosen.code})
        return
    source = f"as run {found.run} decided it" if found.run else "as the book stands"
    say(f"{found.number} of {found.account}, on {found.as_of}, {source}")
    for sentence in found.sentences:
        say(f"  {sentence}")
    for other in found.other_kinds:
        say(f"  there is also a {other} of that number: --kind {other}")


@refuses
def replay(
    run: Annotated[int, typer.Argument(metavar="RUN", help="The number of a run.")],
    json: Json = False,
) -> None:
    """Decide a run again from its archive, and compare.

    Leaves with 1 if anything comes out otherwise.
    """
    open_book()
    from dunwell.flows.runs.replay import replay_run

    found = replay_run(run)
    is_same = not found.differences and (found.identical_bytes or not found.same_versions)
    if json:
        as_json({"run": run, "same": is_same, **vars(found), "differences": [vars(each) for each in found.differences]})
    else:
        how = "byte for byte" if found.identical_bytes else "row by row, under other versions"
        of_changes = f", and {found.changes} changes" if found.changes else ""
        came_out = f"the same {how}" if is_same else "different"
        say(f"run {run}: {found.items:,} items decided again{of_changes}: {came_out}")
        for each in found.differences:
            say(f"{each.table} of {each.of}: {each.rows:,} rows differ, first")
            say(f"  kept  {each.kept}")
            say(f"  now   {each.now}")
    if not is_same:
        raise typer.Exit(EXIT_FAILED)


@refuses
def preview(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The code of an account.")],
    entity: EntityCode = None,
    as_of: AsOf = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="DIR", help="Write it there too, as a mail (HTML) and a letter (PDF)."),
    ] = None,
    json: Json = False,
) -> None:
    """Show what an account would be sent, as it would read.

    Nothing is kept or sent.
    """
    chosen = entity_of(entity)
    from dunwell.flows.runs.preview import preview_account

    shown = preview_account(chosen, account, as_of=date_for(chosen, as_of), on_paper=write is not None)
    written = _written(shown, write) if write else []
    if json:
        told = [{name: value for name, value in vars(message).items() if name != "letter"} for message in shown]
        as_json([{**each, "files": files} for each, files in zip(told, written, strict=True)] if write else told)
        return
    if not shown:
        of, on = _entity_option(entity), f" --as-of {as_of}" if as_of else ""
        say(f"{account} would be sent nothing; `{typed(f'explain ITEM{of}{on}')}` says why")
    for message in shown:
        say(f"To:      {message.recipients}")
        say(f"Subject: {message.subject}")
        say()
        say(message.text)
    for name in (name for names in written for name in names):
        say(name)


def _written(shown: "Sequence[Preview]", folder: Path) -> list[list[str]]:
    """Write previews into a folder, numbered where there are several; return the files of each."""
    require_apart(folder, "--write")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, message in enumerate(shown, 1):
        path = folder / f"{re.sub(r'[^a-z0-9_-]', '_', message.stage.lower())}-{number}"
        wanted = ((path.with_suffix(".html"), message.html), (path.with_suffix(".pdf"), message.letter))
        write_all([(file, content, "--write") for file, content in wanted])
        files.append([str(path.with_suffix(ending)) for ending in (".html", ".pdf")])
    return files


def warn_of_money(left: "Unmatched") -> None:
    """Say on stderr what a run cannot know of the money that came in."""
    if left.why:
        err.print(f"warning: {left.why}", markup=False, style="yellow")
    if left.lines:
        wait = f"{left.lines:,} bank line{' waits' if left.lines == 1 else 's wait'} to be matched"
        err.print(f"warning: {wait}, and whoever sent them may be reminded", markup=False, style="yellow")
        err.print(f"  {typed('cash match')}", markup=False)


def show_counts(counts: Mapping[str, Any]) -> None:
    """Show what a run comes to: items by outcome, notices by stage, sums by currency, and what event rules ask for."""
    from dunwell.engine.plan import OUTCOMES

    outcomes = sorted(counts["outcomes"].items(), key=lambda each: OUTCOMES.index(each[0]))
    table("Items by outcome", ("outcome", "items"), outcomes)
    table("Notices by stage", ("stage", "notices"), list(counts["stages"].items()))
    sums = [(currency, money(minor, currency)) for currency, minor in counts["sums_minor"].items()]
    table("Sums of the notices", ("currency", "total"), sums)
    if rules := counts.get("rules"):
        table("Tasks that event rules ask for", ("action", "tasks"), list(rules.items()))


def _show_exceptions(exceptions: Mapping[str, int]) -> None:
    """Say how many items could not be decided, and the most frequent reasons."""
    if not exceptions:
        return
    reasons = [f"{n:,}: {reason}" for reason, n in list(exceptions.items())[:REASONS_SHOWN_MAX]]
    more = len(exceptions) - len(reasons)
    say(f"{sum(exceptions.values()):,} items are exceptions: nothing is sent about them until somebody sees to it")
    for reason in [*reasons, *([f"and {more} more reasons"] if more else [])]:
        say(f"  {reason}")
    say(f"  they are tasks: {typed('task list --kind exception')}")
    say()


def _entity_option(entity: str | None) -> str:
    return f" --entity {entity}" if entity else ""
