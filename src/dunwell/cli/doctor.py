"""`dunwell doctor`: looks whether everything is in order."""

from typing import Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EXIT_FAILED, Json, open_book, refuses
from dunwell.cli.output import as_json, out, say


@refuses
def doctor(
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Remove archives that no run names, or that need not be kept longer.")
    ] = False,
    json: Json = False,
) -> None:
    """Check whether everything is in order.

    Settings, database, policies, folders, and what waits for a person. Leaves with 1 if something is wrong.
    """
    open_book()
    if sweep:
        from dunwell.flows.runs import archives

        swept = archives.sweep(at=clock.now())
        if not json:
            say(f"{swept.orphans} archives without a run and {swept.expired} past their retention are removed")
    from dunwell.flows.checkup import check_up

    findings = check_up(at=clock.now())
    if json:
        as_json({"findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            mark, style = ("ok  ", "green") if finding.is_fine else ("WRONG", "bold red")
            out.print(f"{mark:5} ", style=style, end="")
            out.print(f"{finding.what}: {finding.found}", markup=False)
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(EXIT_FAILED)
