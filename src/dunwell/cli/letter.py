"""`dunwell letter`: the words of letters, and whether the house's own can be used."""

from typing import Annotated

import typer

from dunwell.cli.command import Command
from dunwell.cli.doors import Json, open_book, refuses
from dunwell.cli.output import as_json, say

app = typer.Typer(help="See the words of letters, and check your own.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def letter() -> None:
    """See the words of letters, and check your own."""


@app.command(cls=Command)
@refuses
def check(json: Json = False) -> None:
    """Check the templates of your own, with file and line of what is wrong."""
    open_book()
    from dunwell.flows.wording import own_templates, words_in_force

    words_in_force()
    names = sorted(own_templates())
    if json:
        as_json({"templates": names})
    elif names:
        say(f"{len(names)} templates of your own can be used: {', '.join(names)}")
    else:
        say("there is no template of your own: letters are written in the words that come with Dunwell")


@app.command(cls=Command)
@refuses
def words(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="A template, such as de/final.")],
    json: Json = False,
) -> None:
    """Print a template as it is in force, to begin one of your own with."""
    open_book()
    from dunwell.flows.wording import template_text

    text = template_text(template)
    if json:
        as_json({"template": template, "text": text})
        return
    say(text.rstrip("\n"))
