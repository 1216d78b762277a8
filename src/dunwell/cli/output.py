"""How the shell shows things: tables and progress for people, JSON for programs."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Final

from rich import progress as bars
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dunwell.engine.money import exponent
from dunwell.flows.progress import Progress, untold

WIDTH_OF_FILES: Final = 160  # where no terminal says how wide it is
NONE: Final = "-"  # where there is no figure

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)
if not out.is_terminal:
    out = Console(soft_wrap=True, highlight=False, width=WIDTH_OF_FILES)


def as_json(value: object) -> None:
    """Print one JSON document: dates as ISO text, amounts in minor units."""
    # As Rich would print it, which takes ten times as long: of a large book it is many megabytes.
    out.file.write(f"{json.dumps(value, default=_plain, ensure_ascii=False, indent=2)}\n")


def say(text: str = "") -> None:
    """Print a line, exactly as it is: what debtors are called is no markup."""
    out.print(Text(text))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a small table; numbers stand right, text left. Where it is too wide, the text of the last column wraps."""
    shown = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    numeric = [all(isinstance(row[at], int) for row in rows) or _is_money(rows, at) for at in range(len(columns))]
    for at, (name, right) in enumerate(zip(columns, numeric, strict=True), 1):
        whole = right or at < len(columns)
        shown.add_column(name, justify="right" if right else "left", no_wrap=whole, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    out.print(shown)
    out.print()


def money(amount_minor: int, currency: str) -> str:
    """Write an amount for a table: 1,234.50."""
    places = exponent(currency)
    sign, digits = ("-" if amount_minor < 0 else ""), f"{abs(amount_minor):0{places + 1}d}"
    whole, cents = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{sign}{int(whole):,}{'.' + cents if cents else ''}"


def is_watched() -> bool:
    """Whether a person sees both what comes out and what goes on: nothing is piped or kept in a file."""
    return sys.stdout.isatty() and sys.stderr.isatty() and not err.is_dumb_terminal


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Show, where a person is watching, which step is under way and how far it is, on a line that goes at the end."""
    if quiet or not is_watched():
        yield untold
        return
    columns = (bars.SpinnerColumn(), bars.TextColumn("{task.description}", markup=False), bars.BarColumn())
    with bars.Progress(
        *columns, bars.TaskProgressColumn(), bars.TimeElapsedColumn(), console=err, transient=True
    ) as bar:

        def tell(step: str, done: int = 0, total: int = 0) -> None:
            now = bar.tasks[0] if bar.tasks else None
            if now and now.description == step:
                bar.update(now.id, completed=done, total=total or None)
                return
            if now:
                bar.remove_task(now.id)
            bar.add_task(step, completed=done, total=total or None)

        yield tell


def _is_money(rows: Sequence[Sequence[object]], at: int) -> bool:
    figures = [str(row[at]) for row in rows if row[at] != NONE]
    return bool(figures) and all(text.replace(",", "").replace(".", "").lstrip("+-").isdigit() for text in figures)


def _plain(value: object) -> str | dict[Any, Any]:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
