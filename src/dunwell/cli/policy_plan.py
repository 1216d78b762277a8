"""`dunwell policy plan`: what policies would change on the live book, before they take effect."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dunwell.cli import planned
from dunwell.cli.doors import AsOf, Json, WrongUsage, date_for, open_book, refuses
from dunwell.cli.output import as_json, err, progress, say, table
from dunwell.cli.policy_file import attributes_of_book, doubts, text_of
from dunwell.flows.errors import Invalid
from dunwell.flows.policy_files import check_policy

if TYPE_CHECKING:
    from dunwell.engine.policy.model import Policy


@refuses
def plan(
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="Policy files (YAML).")] = None,
    retire: Annotated[
        list[str] | None, typer.Option("--retire", metavar="NAME", help="Without this policy; may be given again.")
    ] = None,
    entity: Annotated[
        str | None, typer.Option("--entity", metavar="CODE", help="For this entity alone. [default: for every entity]")
    ] = None,
    *,
    as_of: AsOf = None,
    accounts: Annotated[int, typer.Option("--accounts", metavar="N", help="List at most so many accounts.")] = 20,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    json: Json = False,
) -> None:
    """Say what policies would change before they take effect.

    Every open item is decided twice: by what is in force, and with these files
    in its place. Nothing is written. Leaves with 0, also where much changes.
    """
    if markdown and json:
        raise WrongUsage("--markdown and --json: give one of them")
    if accounts < 0:
        raise WrongUsage("--accounts: give a number, or 0 for none")
    if not files and not retire:
        raise WrongUsage("give policy files, or --retire NAME")
    open_book()
    from dunwell.flows.policy_plan import Change, Draft, entities_meant, plan_policies

    one, entities = entities_meant(entity)
    checked, warnings = _checked(files or [], entity)
    drafts = [Draft(str(file), text, policy) for file, text, policy in checked]
    with progress(quiet=json) as tell:
        change = Change(drafts, retire or [], one)
        found = plan_policies(change, [(each, date_for(each, as_of)) for each in entities], progress=tell)
    warnings += found.ties
    if json:
        as_json(planned.as_data(found, warnings))
        return
    sheets = planned.sheets(found, accounts_max=accounts)
    if markdown:
        say(planned.as_markdown(found, sheets, warnings))
        return
    for warning in warnings:
        err.print(f"warning: {warning}", markup=False, style="yellow")
    for line in [*planned.about(found), planned.headline(found)]:
        say(line)
    if sheets:
        say()
    for sheet in sheets:
        table(sheet.title, sheet.columns, sheet.rows)


def _checked(files: Sequence[Path], entity: str | None) -> tuple[list[tuple[Path, str, "Policy"]], list[str]]:
    """Read policy files, all or none, with what `policy check` warns of. Errors: Invalid, NotFound."""
    attributes = attributes_of_book()
    checked: list[tuple[Path, str, Policy]] = []
    warnings: list[str] = []
    problems: list[str] = []
    for file in files:
        try:
            text = text_of(file)
            policy, doubted = check_policy(text, str(file), attributes)
        except Invalid as error:
            problems += error.problems or [str(error)]
            continue
        checked.append((file, text, policy))
        warnings += [*map(str, doubted), *doubts(policy, text, file, entity)]
    if problems:
        count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
        raise Invalid(f"{count}: nothing is planned, since half a change comes to something else", problems)
    return checked, warnings
