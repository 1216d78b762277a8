"""`dunwell user`: who may sign in to the console."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, WrongUsage, open_book, refuses, typed
from dunwell.cli.output import as_json, say, table
from dunwell.flows.errors import Invalid

app = typer.Typer(help="Say who may sign in to the console.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def user() -> None:
    """Say who may sign in to the console."""


@app.command(cls=Command)
@refuses
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Under this name they sign in, and act.")],
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help="A file whose first line is the password. [default: ask]"),
    ] = None,
    json: Json = False,
) -> None:
    """Let somebody sign in to the console.

    What they propose, approve and post there is on record under this name.
    """
    open_book()
    from dunwell.flows.people.users import add_user

    add_user(name, _password(password_file), by=clock.actor(), at=clock.now())
    if json:
        as_json({"user": name})
        return
    say(f"{name} may sign in; the console is served by `{typed('up')}`")


@app.command("list", cls=Command)
@refuses
def list_(json: Json = False) -> None:
    """List who may sign in."""
    open_book()
    from dunwell.flows.people.users import list_users

    found = list_users()
    if json:
        as_json([vars(each) for each in found])
        return
    if not found:
        say(f"nobody may sign in yet: `{typed('user add NAME')}`")
        return
    rows = [
        (
            each.name,
            f"{each.added_at:%Y-%m-%d}",
            f"{each.last_signed_in_at:%Y-%m-%d %H:%M}" if each.last_signed_in_at else "never",
            "yes" if each.may_sign_in else "no",
        )
        for each in found
    ]
    table("Users", ("name", "added on", "last signed in (UTC)", "may sign in"), rows)


def _password(file: Path | None) -> str:
    """Take a password from a file, or from the keyboard, twice and unseen: what is typed in a command is on record."""
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise Invalid(f"{file} is not UTF-8 text") from None
        if not lines or not lines[0]:
            raise Invalid(f"{file} has no password on its first line")
        return lines[0]
    if not sys.stdin.isatty():
        raise WrongUsage("nobody is there to be asked for the password: say --password-file FILE")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
