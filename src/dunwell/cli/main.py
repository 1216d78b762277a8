"""The command `dunwell`: gathers the commands, and knows where the book is."""

from pathlib import Path
from typing import Annotated

import typer

from dunwell import __version__
from dunwell.cli import (
    agree,
    allowed,
    applying,
    audit,
    book,
    cash,
    demo,
    doctor,
    entity,
    happen,
    interest,
    journal,
    letter,
    policy,
    policy_plan,
    rates,
    remittance,
    report,
    returning,
    run,
    runs,
    serve,
    simulate,
    stories,
    task,
    user,
)
from dunwell.cli.command import Command
from dunwell.cli.doors import stand_in

app = typer.Typer(
    name="dunwell",
    help="Dunning that explains itself: decide whom to remind of what, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dunwell {__version__}")
        raise typer.Exit


@app.callback()
def dunwell(
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Where the book is. [default: DUNWELL_HOME, or this directory]"),
    ] = None,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Dunning that explains itself: decide whom to remind of what, and prove it."""
    if home is not None:
        stand_in(home)


app.command(cls=Command)(book.init)
app.command(cls=Command)(demo.demo)
app.command("import", cls=Command)(book.import_)
app.command(cls=Command)(runs.propose)
app.command(cls=Command)(runs.post)
app.command(cls=Command)(runs.explain)
app.command(cls=Command)(runs.preview)
app.command(cls=Command)(runs.replay)
app.command("test", cls=Command)(stories.play)
app.command(cls=Command)(simulate.simulate)
app.command(cls=Command)(happen.pay)
app.command(cls=Command)(happen.chargeback)
app.command(cls=Command)(happen.hold)
app.command(cls=Command)(happen.release)
app.command(cls=Command)(happen.dispute)
app.command(cls=Command)(happen.resolve)
app.command(cls=Command)(happen.promise)
app.command(cls=Command)(agree.plan)
app.command(cls=Command)(agree.promises)
app.command(cls=Command)(agree.end)
app.command(cls=Command)(happen.contact)
app.command(cls=Command)(interest.interest)
for command in (
    applying.match, applying.review, applying.apply, applying.unapply, applying.set_aside, applying.payers,
    returning.returned, allowed.settings, remittance.advice, remittance.advices,
):  # fmt: skip
    cash.app.command(cls=Command)(command)
app.add_typer(cash.app, name="cash")
app.add_typer(run.app, name="run")
app.add_typer(task.app, name="task")
app.add_typer(entity.app, name="entity")
app.add_typer(letter.app, name="letter")
policy.app.command(cls=Command)(policy_plan.plan)
app.add_typer(policy.app, name="policy")
app.add_typer(stories.app, name="story")
app.add_typer(rates.app, name="rates")
app.add_typer(report.app, name="report")
app.command(cls=Command)(journal.journal)
app.add_typer(audit.app, name="audit")
app.add_typer(user.app, name="user")
app.command(cls=Command)(serve.up)
app.command(cls=Command)(serve.web)
app.command(cls=Command)(serve.worker)
app.command(cls=Command)(doctor.doctor)


def main() -> None:
    """Run the command line."""
    app()
