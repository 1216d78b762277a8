"""How much of a person's work a page does while a browser waits."""

from typing import Final

from dunwell.flows.errors import Conflict

AT_ONCE: Final = 2_000  # more lines would keep a browser waiting, and on SQLite everybody else


def require_few_lines(waiting: int) -> None:
    """Refuse to match so many bank lines. Errors: Conflict."""
    if waiting >= AT_ONCE:
        raise Conflict(f"{waiting:,} lines wait: match so many at the shell, with dunwell cash match")
