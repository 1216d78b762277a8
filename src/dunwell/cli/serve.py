"""`dunwell up`, `web` and `worker`: the console, and work that goes on by itself."""

from typing import Annotated, Final

import typer

from dunwell.cli import clock
from dunwell.cli.doors import EXIT_RELEASE, fail, is_on_sqlite, open_book, refuses, typed
from dunwell.cli.output import say
from dunwell.config import bracketed, load
from dunwell.flows.errors import Invalid

PROCESSES_MAX: Final = 64
PORTS: Final = range(1, 65536)

Port = Annotated[
    int | None, typer.Option("--port", metavar="N", help="Serve the console on this port. [default: listen]")
]


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
    from dunwell import serve

    serve.log_to_terminal()
    if refusal := serve.work(clock=clock.now, once=once):
        fail(refusal)
        raise typer.Exit(EXIT_RELEASE)


@refuses
def web(port: Port = None) -> None:
    """Serve the console, and nothing else.

    Runs are decided, posted and delivered by workers: `dunwell up` has one beside it.
    """
    host, number = _address(port)
    open_book()
    from dunwell import serve

    _require_ready(host, number)
    serve.serve_web(host, number)


@refuses
def up(
    processes: Annotated[int, typer.Option("--processes", metavar="N", help="How many workers, on PostgreSQL.")] = 1,
    port: Port = None,
) -> None:
    """Serve the console and keep workers running, until stopped.

    Each is a process of its own; one that ends is started again.
    """
    host, number = _address(port)
    open_book()
    if not 1 <= processes <= PROCESSES_MAX:
        raise Invalid(f"--processes {processes}: from 1 to {PROCESSES_MAX} can be kept running")
    if processes > 1 and is_on_sqlite():
        raise Invalid("a book on SQLite has one worker; several need PostgreSQL (see docs/settings.md, database_url)")
    from dunwell import serve
    from dunwell.flows.people.users import list_users

    _require_ready(host, number)
    say(f"the console is at {_shown(host, number)}; Ctrl-C ends it")
    if not list_users():
        say(f"nobody may sign in yet: say `{typed('user add NAME')}` in another window")
    serve.supervise([["worker"]] * processes + [["web", "--port", str(number)]])


def _address(port: int | None) -> tuple[str, int]:
    """Where to listen. Errors: Invalid."""
    host, configured = load().address
    if port is not None and port not in PORTS:
        raise Invalid(f"--port {port}: from 1 to 65535")
    return host, port or configured


def _require_ready(host: str, port: int) -> None:
    """Log to the terminal from here on; refuse a database of another release, and a port that is taken."""
    from dunwell import serve

    serve.log_to_terminal()
    if refusal := serve.unfit():
        fail(refusal)
        raise typer.Exit(EXIT_RELEASE)
    serve.require_free(host, port)


def _shown(host: str, port: int) -> str:
    """The address to open in a browser."""
    if public := load().public_url:
        return public
    host = "localhost" if host in {"0.0.0.0", "::"} else host  # noqa: S104  # compared, not bound
    return f"http://{bracketed(host)}:{port}"
