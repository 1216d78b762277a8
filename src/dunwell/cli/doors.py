"""What every command needs: the database opened, the entity found, refusals turned into messages and exit codes."""

import errno
import os
import shlex
import signal
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, ParamSpec, TypeVar

import typer

from dunwell.cli import clock
from dunwell.cli.output import err
from dunwell.config import ConfigError, load
from dunwell.flows.errors import Conflict, FlowError, Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from dunwell.records.models import Entity

P = ParamSpec("P")
R = TypeVar("R")

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INVALID: Final = 3
EXIT_NOT_FOUND: Final = 4
EXIT_CONFLICT: Final = 5
EXIT_FORBIDDEN: Final = 6
EXIT_RELEASE: Final = 7
EXIT_INTERRUPTED: Final = 130
PROBLEMS_SHOWN_MAX: Final = 50
UNDEFINED: Final = ("42P01", "42703")  # PostgreSQL's words for: there is no such table, no such column
DISK_FULL: Final = "53100"
SQLITE: Final = "sqlite:///"
_typed_home: Final[list[Path]] = []


class WrongUsage(Exception):
    """Options that are missing, or contradict each other."""


def day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a date has no time zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date, such as 2026-03-31") from None


AsOf = Annotated[
    date | None,
    typer.Option("--as-of", parser=day, metavar="DATE", help="Decide as of this date. [default: today]"),
]
EntityCode = Annotated[
    str | None, typer.Option("--entity", metavar="CODE", help="Which entity; not needed where there is only one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: dates as text, amounts in minor units.")]


def refuses(command: Callable[P, R]) -> Callable[P, R]:
    """Say refusals in words on stderr, and leave with their exit code."""

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        from django.db import DatabaseError

        codes = {Invalid: EXIT_INVALID, NotFound: EXIT_NOT_FOUND, Conflict: EXIT_CONFLICT, Forbidden: EXIT_FORBIDDEN}
        try:
            return command(*args, **kwargs)
        except WrongUsage as error:
            fail(str(error))
            raise typer.Exit(EXIT_USAGE) from None
        except FlowError as error:
            fail(str(error))
            raise typer.Exit(codes[type(error)]) from None
        except ConfigError as error:
            fail(str(error))
            raise typer.Exit(EXIT_INVALID) from None
        except OSError as error:
            fail(_of_the_disk(error))
            raise typer.Exit(EXIT_INVALID) from None
        except DatabaseError as error:
            fail(_of_the_database(error))
            raise typer.Exit(EXIT_CONFLICT) from None
        except KeyboardInterrupt as error:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough: what is still being tidied up goes on
            err.print(f"interrupted{f': {error}' if str(error) else ''}", markup=False)
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return guarded


def _of_the_disk(error: OSError) -> str:
    """Say what cannot be read or written, and why; of a file that is being written, its folder."""
    if not error.filename or not error.strerror:
        return str(error)
    path = Path(os.fsdecode(error.filename))
    if path.name.startswith("."):
        path = path.parent
    if error.errno in {errno.EEXIST, errno.ENOTDIR}:
        return f"{path} cannot be used: something else is where a folder should be"
    return f"{path} cannot be read or written: {error.strerror}"


def _of_the_database(error: Exception) -> str:
    """Say what the database said; where it lacks a table or column, or room, what to do about it."""
    state, said = getattr(error.__cause__, "sqlstate", ""), str(error)
    if state in UNDEFINED or said.startswith(("no such table", "no such col")):
        return "the database has not the tables of this release: `dunwell init` makes them, and keeps what is there"
    if state == DISK_FULL or said == "database or disk is full":
        return "the database's disk is full: make room, and say it again. What was not finished is not written"
    return f"the database refuses: {str(error).strip()}\nSee what is wrong with `dunwell doctor`."


def fail(message: str) -> None:
    """Print a refusal; of very many lines only the first."""
    lines = message.splitlines()
    err.print(f"error: {lines[0]}", style="bold red", markup=False)
    # Flows that list no more than the first say themselves, in a last line, how many they left out.
    shown = PROBLEMS_SHOWN_MAX if len(lines) > PROBLEMS_SHOWN_MAX + 2 else PROBLEMS_SHOWN_MAX + 1
    for line in lines[1 : shown + 1]:
        err.print(f"  {line}", markup=False)
    if len(lines) > shown + 1:
        err.print(f"  and {len(lines) - shown - 1:,} more", markup=False)


def stand_in(home: Path) -> None:
    """Let the book be the one in this folder, as `--home` says; what is to be typed next says it, too."""
    os.environ["DUNWELL_HOME"] = str(home)
    _typed_home.append(home)


def typed(words: str) -> str:
    """A command as it has to be typed where this one was: `dunwell post 7`, with `--home` if that was given."""
    home = f"--home {shlex.quote(str(_typed_home[-1]))} " if _typed_home else ""
    return f"dunwell {home}{words}"


def is_on_sqlite() -> bool:
    """Whether the book is one file, for one machine. Errors: ConfigError."""
    return load().database_url.startswith(SQLITE)


def book_exists() -> bool:
    """Whether there is a book where the settings say; a server is taken at its word. Errors: ConfigError."""
    return not is_on_sqlite() or Path(load().database_url.removeprefix(SQLITE)).exists()


def open_book(*, must_exist: bool = True) -> None:
    """Make the configured database this process's own. Errors: NotFound, ConfigError."""
    if must_exist and not book_exists():
        raise NotFound(
            f"there is no book in {load().home}: make one with `dunwell init`, or try `dunwell demo`\nOne elsewhere"
            " is found by --home, or, in PostgreSQL, by DUNWELL_DATABASE_URL or database_url in dunwell.toml"
        )
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dunwell.settings")
    import django

    django.setup()


def entity_of(code: str | None) -> "Entity":
    """Open the book and return the entity meant. Errors: NotFound; WrongUsage where nobody says which."""
    open_book()
    from dunwell.flows.entities import entity_called

    try:
        return entity_called(code)
    except Invalid as error:
        raise WrongUsage(str(error)) from None


def entities_of(code: str | None) -> "list[Entity]":
    """Open the book and return the entity meant, or all of them. Errors: NotFound."""
    open_book()
    from dunwell.flows.entities import all_entities, entity_called

    return all_entities() if code is None else [entity_called(code)]


def entity_of_run(run: int) -> "Entity":
    """Open the book and return the entity of a run. Errors: NotFound."""
    open_book()
    from dunwell.flows.runs.locked import run_called

    return run_called(run).entity


def date_for(entity: "Entity", as_of: date | None) -> date:
    """Return the date given, or today where the entity is."""
    return as_of or clock.today(entity.time_zone)
