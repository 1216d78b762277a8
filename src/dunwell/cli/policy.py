"""`dunwell policy`: check a policy file, put it in force, look at what is."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, open_book, refuses
from dunwell.cli.output import as_json, err, say, table
from dunwell.cli.policy_file import attributes_of_book, doubts, text_of, ties
from dunwell.flows.errors import Invalid
from dunwell.flows.policy_files import check_policy, policy_schema

app = typer.Typer(help="Check policies, put them in force, look at them.", no_args_is_help=True, rich_markup_mode=None)

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Policy files (YAML).")]
ForEntity = Annotated[
    str | None, typer.Option("--entity", metavar="CODE", help="For this entity alone. [default: for every entity]")
]


@app.command(cls=Command)
@refuses
def check(files: Files, entity: ForEntity = None, json: Json = False) -> None:
    """Check policy files, and say what is wrong with file and line.

    Every key, expression and amount is looked at. No book is needed;
    where one is, policies are held against it, too.
    """
    if entity:
        open_book()
    attributes = attributes_of_book()
    checked: list[dict[str, Any]] = []
    problems: list[str] = []
    for file in files:
        try:
            text = text_of(file)
            policy, warnings = check_policy(text, str(file), attributes)
            told = [*map(str, warnings), *doubts(policy, text, file, entity), *ties(policy, file, entity)]
            checked.append({"file": str(file), "policy": policy.policy, "warnings": told})
        except Invalid as error:
            problems += error.problems or [str(error)]
    if json:
        as_json({"policies": checked, "problems": problems})
    for each in [] if json else checked:
        for warning in each["warnings"]:
            err.print(f"warning: {warning}", markup=False, style="yellow")
        say(f"{each['file']}: the policy {each['policy']} is valid")
    if problems:
        raise Invalid(f"{len(problems)} problem{'s' * (len(problems) != 1)}", problems)


@app.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of a policy file, for your editor.

    What it prints is JSON, without any option.
    """
    as_json(policy_schema())


@app.command(cls=Command)
@refuses
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The policy's name; without it, all are listed.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", metavar="N", help="This version, also one no longer in force.")
    ] = None,
    entity: Annotated[
        str | None, typer.Option("--entity", metavar="CODE", help="As it is for this entity. [default: all of them]")
    ] = None,
    json: Json = False,
) -> None:
    """Show the policies in force, or the text of one of them."""
    open_book()
    from dunwell.flows import policies
    from dunwell.flows.entities import entity_called

    chosen = entity_called(entity) if entity else None
    if name is not None:
        found = policies.show_policy(name, version, chosen)
        if json:
            about = {"policy": name, "version": found.number, "entity": policies.scope(found)}
            as_json({**about, "text": found.text, "applied_at": found.applied_at})
        else:
            say(found.text.rstrip("\n"))
        return
    rows = policies.in_force(chosen)
    if json:
        as_json(rows)
    else:
        columns = ("policy", "version", "entity", "applied_at", "applied_by")
        table("Policies in force", columns, [[row[column] for column in columns] for row in rows])


@app.command(cls=Command)
@refuses
def apply(
    files: Files,
    entity: ForEntity = None,
    json: Json = False,
) -> None:
    """Put policies in force, for every entity or for one.

    The versions before them stay readable.
    """
    open_book()
    from dunwell.flows import policies
    from dunwell.flows.entities import entity_called

    scope = entity_called(entity) if entity else None
    attributes = policies.known_attributes()
    texts = [(text_of(file), str(file)) for file in files]
    checked = [check_policy(text, source, attributes) for text, source in texts]
    # Before they are in force: what the versions before them had is gone afterwards.
    warnings = [
        str(each)
        for (policy, warned), (text, source) in zip(checked, texts, strict=True)
        for each in [*warned, *doubts(policy, text, Path(source), entity)]
    ]
    applied = [
        policies.apply_policy(text, source, by=clock.actor(), at=clock.now(), entity=scope) for text, source in texts
    ]
    warnings += [each for (policy, _), file in zip(checked, files, strict=True) for each in ties(policy, file, entity)]
    if json:
        as_json({"applied": [vars(each) for each in applied], "warnings": warnings})
        return
    for warning in warnings:
        err.print(f"warning: {warning}", markup=False, style="yellow")
    for each in applied:
        say(f"{each.name}: version {each.number} is {'now' if each.is_new else 'already'} in force")


@app.command(cls=Command)
@refuses
def retire(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")],
    entity: Annotated[
        str | None,
        typer.Option("--entity", metavar="CODE", help="The version of this entity. [default: that for every entity]"),
    ] = None,
    json: Json = False,
) -> None:
    """Take a policy out of force.

    Its versions stay readable, and `policy apply` puts it in force again.
    """
    open_book()
    from dunwell.flows import policies
    from dunwell.flows.entities import entity_called

    scope = entity_called(entity) if entity else None
    retired = policies.retire_policy(name, entity=scope, by=clock.actor(), at=clock.now())
    left = [row["policy"] for row in policies.in_force(scope)]
    if json:
        as_json({"policy": name, "version": retired.number, "entity": policies.scope(retired), "in_force": left})
        return
    say(f"{name}: version {retired.number} is no longer in force; in force: {', '.join(map(str, left)) or 'none'}")
