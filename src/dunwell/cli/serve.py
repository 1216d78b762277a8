"""`dunwell worker` and `dunwell up`: work that goes on by itself."""

from typing import Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EXIT_RELEASE, fail, is_on_sqlite, open_book, refuses
from dunwell.flows.errors import Invalid

PROCESSES_MAX: Final = 64


@refuses
def worker(
    once: Annotated[
        bool, typer.Option("--once", help="Stop when nothing is due, instead of waiting for more.")
    ] = False,
) -> None:
    """Work off what is due, and wait for more.

    Scheduled runs, runs handed over, messages that wait. On PostgreSQL as many workers as you like share the work, on
    any machines; a book on SQLite has one. SIGTERM and Ctrl-C stop it after the step under way. One that is killed
    leaves its work to the others, or to the next.
    """
    open_book()
    from dunwell import serve  # noqa: PLC0415  # after the book is open

    serve.log_to_terminal()
    if refusal := serve.work(clock=clock.now, once=once):
        fail(refusal)
        raise typer.Exit(EXIT_RELEASE)


@refuses
def up(
    processes: Annotated[int, typer.Option("--processes", metavar="N", help="How many workers, on PostgreSQL.")] = 1,
) -> None:
    """Keep workers running until stopped.

    One that ends is started again.
    """
    open_book()
    if not 1 <= processes <= PROCESSES_MAX:
        raise Invalid(f"--processes {processes}: from 1 to {PROCESSES_MAX} can be kept running")
    if processes > 1 and is_on_sqlite():
        raise Invalid("a book on SQLite has one worker; several need PostgreSQL (see docs/settings.md, database_url)")
    from dunwell import serve  # noqa: PLC0415  # after the book is open

    serve.log_to_terminal()
    serve.supervise(processes)
