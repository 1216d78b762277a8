"""`dunwell cash settings`: what an entity allows matching to do by itself."""

from dataclasses import asdict
from typing import Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EntityCode, Json, WrongUsage, entity_of, refuses
from dunwell.cli.output import as_json, say, table


@refuses
def settings(
    *,
    put: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Such as threshold_permille=98.5%: say it again for others."),
    ] = None,
    usual: Annotated[
        list[str] | None, typer.Option("--usual", metavar="NAME", help="Let this be the usual again, or these.")
    ] = None,
    entity: EntityCode = None,
    json: Json = False,
) -> None:
    """Show or set what matching may do by itself.

    Amounts are by currency, all of them at once: tolerances=EUR:2.00,USD:0.
    """
    given = _given(put or [])
    chosen = entity_of(entity)
    from dunwell.flows.cash.allowed import change_settings, list_settings

    if given or usual:
        found = change_settings(chosen, given, usual=usual or [], by=clock.actor(), at=clock.now())
    else:
        found = list_settings(chosen)
    if json:
        as_json({"entity": chosen.code, "settings": [asdict(each) for each in found]})
        return
    rows = [(each.name, each.written or "none", (each.usual or "none") if each.is_own else "") for each in found]
    say(f"{chosen.code}: how money is matched")
    table("Settings", ("setting", "value", "instead of"), rows)


def _given(words: list[str]) -> dict[str, str]:
    """What is set to what. Errors: WrongUsage."""
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise WrongUsage(f"{word!r} is no NAME=VALUE, such as threshold_permille=98.5%")
        if name.strip() in given:
            raise WrongUsage(f"{name.strip()} is set twice")
        given[name.strip()] = value
    return given
