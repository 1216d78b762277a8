"""A letter as plain text, at most a page wide: paragraphs wrapped, tables in columns."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from dunwell.letters import tables
from dunwell.letters.letter import Letter
from dunwell.letters.plain import folded, width

PAGE_COLUMNS: Final = 78
GAP: Final = "  "
WIDTH_MIN: Final = 60  # room for the words beside the sums
NUMBER_MIN: Final = 12


def text_of(letter: Letter) -> str:
    """Lay a letter out as text; its parts stand a blank line apart."""
    columns = _Columns(letter) if letter.items else None
    payment = letter.payment
    parts = (
        wrapped(letter.creditor.name),
        _lines(letter.debtor),
        _lines(f"{label}{letter.words.colon}{value}" for label, value in letter.facts),
        wrapped(letter.subject),
        wrapped(letter.salutation),
        *map(wrapped, letter.opening),
        columns.items if columns else "",
        *map(wrapped, letter.upcoming_said),
        columns.upcoming if columns else "",
        f"{wrapped(letter.words.interest)}\n\n{columns.interest}" if columns and letter.interest else "",
        columns.sums if columns else "",
        wrapped(letter.basis),
        *map(wrapped, letter.request),
        *map(wrapped, letter.costs),
        f"{wrapped(letter.words.payment)}\n\n{_aligned(payment.details)}" if payment else "",
        *map(wrapped, letter.remark),
        f"{wrapped(letter.words.also_open)}\n\n{columns.listed}" if columns and letter.listed else "",
        wrapped(letter.closing),
        _lines((letter.creditor.name, *letter.small_print)),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def wrapped(text: str) -> str:
    """Wrap a line at the page's width."""
    return textwrap.fill(text, PAGE_COLUMNS, break_on_hyphens=False)


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(wrapped(text) for text in texts)


def _aligned(pairs: Sequence[tuple[str, str]]) -> str:
    """Pairs in two columns, indented."""
    labels = max(width(label) for label, _ in pairs) + len(GAP)
    lines = []
    for label, value in pairs:
        first, *others = folded(value, PAGE_COLUMNS - labels - len(GAP))
        lines += [GAP + _left(label, labels) + first, *(GAP + " " * labels + piece for piece in others)]
    return "\n".join(lines)


class _Columns:
    """The parts that are set in columns, all to the same right-hand edge; one table stands right above the sums."""

    def __init__(self, letter: Letter) -> None:
        there = [table for table in (letter.items, letter.upcoming, letter.interest, letter.listed) if table]
        shown = [_shown(table) for table in there]
        wide = [first.columns + _taken(others) for first, others in shown]
        wide += [len(GAP) + width(more) for table in there for more in table.below]
        columns = min(PAGE_COLUMNS, max(WIDTH_MIN, *wide))
        set_tables = [_table(*each, table.below, columns) for each, table in zip(shown, there, strict=True)]
        sums = _sums(letter.sums, columns)
        is_alone = not letter.upcoming and not letter.interest
        self.items = "" if is_alone else set_tables[0]
        self.upcoming = set_tables[1] if letter.upcoming else ""
        self.interest = set_tables[2 if letter.upcoming else 1] if letter.interest else ""
        self.listed = set_tables[-1] if letter.listed else ""
        self.sums = f"{set_tables[0]}\n{'-' * columns}\n{sums}" if is_alone else sums


@dataclass(frozen=True)
class _Column:
    """A heading, whose line ends make it higher, and cells below it."""

    heading: str
    cells: Sequence[str]

    @cached_property
    def columns(self) -> int:
        """How wide it is."""
        return max(width(text) for text in (*self.heading.split("\n"), *self.cells))


def _shown(table: tables.Table) -> tuple[_Column, list[_Column]]:
    """The columns for which a page is wide enough."""
    first = _Column(table.first.heading, table.first.cells)
    others = [(column, _Column(column.heading, column.cells)) for column in table.others]
    for column, shown in tuple(others):
        space = PAGE_COLUMNS - _taken([each for _, each in others])
        if column.may_go and space < min(NUMBER_MIN, first.columns):
            others.remove((column, shown))
    return first, [shown for _, shown in others]


def _table(first: _Column, others: Sequence[_Column], below: Sequence[str], columns: int) -> str:
    """Set a table of so many columns: the first takes what the others leave, and its cells are folded into that.

    The others stand at their right-hand side, and what is said `below` a row in the whole width.
    """
    space = columns - _taken(others)
    headings = [column.heading.split("\n") for column in (first, *others)]
    height = max(len(heading) for heading in headings)
    above = zip(*([""] * (height - len(heading)) + heading for heading in headings), strict=True)
    lines = [_row(cells, space, others) for cells in above]
    lines.append("-" * columns)
    said = below or [""] * len(first.cells)
    for more, name, *cells in zip(said, first.cells, *(column.cells for column in others), strict=True):
        *pieces, last = folded(name, space)
        lines += [*pieces, _row((last, *cells), space, others)]
        lines += [GAP + piece for piece in folded(more, columns - len(GAP)) if more]
    return "\n".join(lines)


def _sums(rows: Sequence[tables.Sum], columns: int) -> str:
    figure = max(width(row.amount) for row in rows)
    space = columns - len(GAP) - figure
    lines = []
    for row in rows:
        *pieces, last = folded(row.label, space)
        lines += [*pieces, _left(last, space) + GAP + _right(row.amount, figure)]
    return "\n".join([*lines[:-1], "-" * columns, lines[-1]] if len(rows) > 1 else lines)


def _taken(columns: Sequence[_Column]) -> int:
    """Count what columns take of a table, each with the gap before it."""
    return sum(len(GAP) + column.columns for column in columns)


def _row(cells: Sequence[str], space: int, others: Sequence[_Column]) -> str:
    figures = (_right(cell, column.columns) for cell, column in zip(cells[1:], others, strict=True))
    return GAP.join((_left(cells[0], space), *figures)).rstrip(" ")


def _left(text: str, columns: int) -> str:
    """Fill up with spaces on the right."""
    return text + " " * (columns - width(text))


def _right(text: str, columns: int) -> str:
    """Fill up with spaces on the left."""
    return " " * (columns - width(text)) + text
