"""`dunwell policy`: check a policy file, put it in force, look at what is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, book_exists, open_book, refuses
from dunwell.cli.output import as_json, err, say, table
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.policy_files import check_policy, missing_series, policy_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from dunwell.engine.policy.model import Policy

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
    attributes = _attributes()
    checked: list[dict[str, object]] = []
    problems: list[str] = []
    for file in files:
        try:
            text = _text(file)
            policy, warnings = check_policy(text, str(file), attributes)
            told = [*map(str, warnings), *_doubts(policy, text, file, entity), *_ties(policy, file, entity)]
            checked.append({"file": str(file), "policy": policy.policy, "warnings": told})
        except Invalid as error:
            problems += error.problems or [str(error)]
    if json:
        as_json({"policies": checked, "problems": problems})
    for each in [] if json else checked:
        for warning in each["warnings"]:  # type: ignore[attr-defined]  # a list of texts, as written above
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
    from dunwell.flows import policies  # noqa: PLC0415  # after the book is open
    from dunwell.flows.entities import entity_called  # noqa: PLC0415

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
    from dunwell.flows import policies  # noqa: PLC0415  # after the book is open
    from dunwell.flows.entities import entity_called  # noqa: PLC0415

    scope = entity_called(entity) if entity else None
    attributes = policies.known_attributes()
    texts = [(_text(file), str(file)) for file in files]
    checked = [check_policy(text, source, attributes) for text, source in texts]
    # Before they are in force: what the versions before them had is gone afterwards.
    warnings = [
        str(each)
        for (policy, doubts), (text, source) in zip(checked, texts, strict=True)
        for each in [*doubts, *_doubts(policy, text, Path(source), entity)]
    ]
    applied = [
        policies.apply_policy(text, source, by=clock.actor(), at=clock.now(), entity=scope) for text, source in texts
    ]
    warnings += [each for (policy, _), file in zip(checked, files, strict=True) for each in _ties(policy, file, entity)]
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
    from dunwell.flows import policies  # noqa: PLC0415  # after the book is open
    from dunwell.flows.entities import entity_called  # noqa: PLC0415

    scope = entity_called(entity) if entity else None
    retired = policies.retire_policy(name, entity=scope, by=clock.actor(), at=clock.now())
    left = [row["policy"] for row in policies.in_force(scope)]
    if json:
        as_json({"policy": name, "version": retired.number, "entity": policies.scope(retired), "in_force": left})
        return
    say(f"{name}: version {retired.number} is no longer in force; in force: {', '.join(map(str, left)) or 'none'}")


def _doubts(policy: "Policy", text: str, file: Path, entity: str | None = None) -> list[str]:
    """Say what of the book a policy does not reckon with; without one, which series it would have to be given."""
    if not book_exists():
        return list(map(str, missing_series(policy, text, str(file))))
    open_book()
    from dunwell.flows import policy_doubts  # noqa: PLC0415  # after the book is open
    from dunwell.flows.entities import entity_called  # noqa: PLC0415

    scope = entity_called(entity) if entity else None
    return [str(each) for each in policy_doubts.doubts_in_book(policy, text, str(file), scope, today=clock.today())]


def _ties(policy: "Policy", file: Path, entity: str | None = None) -> list[str]:
    """Say with which policies in force of the book, if there is one, a policy would tie."""
    if not book_exists():
        return []
    open_book()
    from dunwell.flows import policies  # noqa: PLC0415  # after the book is open
    from dunwell.flows.entities import entity_called  # noqa: PLC0415

    if not (others := policies.tied(policy, entity_called(entity) if entity else None)):
        return []
    is_are, named = "are" if len(others) > 1 else "is", ", ".join(others)
    said = (
        f"{file}: priority: {named} {is_are} in force with the same priority, {policy.priority}; what both apply to is"
        " an exception, and gets no notice: give one of them another"
    )
    return [said]


def _attributes() -> "Mapping[str, pl.DataType]":
    """The custom attributes of the book, if there is one."""
    if not book_exists():
        return {}
    open_book()
    from dunwell.flows import policies  # noqa: PLC0415  # after the book is open

    return policies.known_attributes()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
    except IsADirectoryError:
        raise Invalid(f"{file} is a folder; name the policy files in it") from None
    except UnicodeDecodeError:
        raise Invalid(f"{file} is not UTF-8 text") from None
