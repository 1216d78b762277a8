"""Plain text: data kept to one line, paragraphs kept to the page, tables in columns."""

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

PAGE_COLUMNS: Final = 78
GAP: Final = "  "
# Marks that turn the reading direction around could show another amount or name than is meant.
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ODD: Final = re.compile("[\u0300-\u1fff\u20d0-\U0010ffff]")  # where signs wider or narrower than a column begin
_UNSEEN: Final = {"Cc", "Cs", "Zl", "Zp"}


def one_line(text: str | None) -> str:
    """Keep data to one line: control characters and line ends become spaces, runs of spaces one."""
    if not text:
        return ""
    seen = "".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in _TURNING.sub("", text))
    return re.sub(r" +", " ", seen).strip()


def shortened(text: str, columns: int) -> str:
    """Cut `text` to so many columns, with an ellipsis for what is missing."""
    return text if len(text) <= columns else f"{text[: columns - 1].rstrip()}…"


def paragraph(text: str) -> str:
    """Wrap sentences at the page's width; a blank line between paragraphs stays."""
    # Of all white space only these two are ours; a no-break space stays what it is.
    parts = (re.sub("[ \n]+", " ", part).strip(" ") for part in re.split("\n *\n", text))
    return "\n\n".join(textwrap.fill(part, PAGE_COLUMNS, break_on_hyphens=False) for part in parts if part)


def width(text: str) -> int:
    """Count the columns a text takes on a screen: wide signs take two, combining ones none."""
    if not _ODD.search(text):
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def folded(text: str, columns: int) -> list[str]:
    """Cut a text into pieces of at most so many columns, at spaces where there are any."""
    pieces = textwrap.wrap(text, columns, break_on_hyphens=False) if width(text) > columns else [text]
    return [cut for piece in pieces for cut in _cut(piece, columns)]


def _cut(text: str, columns: int) -> list[str]:
    pieces, taken = [""], 0
    for sign in text:
        taken += width(sign)
        if taken > columns and pieces[-1]:
            pieces.append("")
            taken = width(sign)
        pieces[-1] += sign
    return pieces


def left(text: str, columns: int) -> str:
    """Fill up with spaces on the right."""
    return text + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """Fill up with spaces on the left."""
    return " " * (columns - width(text)) + text


@dataclass(frozen=True)
class Column:
    """A heading, whose line ends make it higher, and cells below it."""

    heading: str
    cells: Sequence[str]

    @cached_property
    def columns(self) -> int:
        """How wide it is."""
        return max(width(text) for text in (*self.heading.split("\n"), *self.cells))


def table(first: Column, others: Sequence[Column], columns: int) -> str:
    """Set a table of so many columns: the first takes what the others leave, and its cells are folded into that.

    The others stand at their right-hand side.
    """
    space = columns - taken(others)
    headings = [column.heading.split("\n") for column in (first, *others)]
    height = max(len(heading) for heading in headings)
    above = zip(*([""] * (height - len(heading)) + heading for heading in headings), strict=True)
    lines = [_row(cells, space, others) for cells in above]
    lines.append("-" * columns)
    for name, *cells in zip(first.cells, *(column.cells for column in others), strict=True):
        *pieces, last = folded(name, space)
        lines += [*pieces, _row((last, *cells), space, others)]
    return "\n".join(lines)


def taken(columns: Sequence[Column]) -> int:
    """Count what columns take of a table, each with the gap before it."""
    return sum(len(GAP) + column.columns for column in columns)


def _row(cells: Sequence[str], space: int, others: Sequence[Column]) -> str:
    figures = (right(cell, column.columns) for cell, column in zip(cells[1:], others, strict=True))
    return GAP.join((left(cells[0], space), *figures)).rstrip(" ")
