"""Rows of a PDF: its words by where they stand on the page, read in a process of its own and within bounds."""

import json
import tempfile
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from dunwell.sources.problems import Problems
from dunwell.sources.remittance import apart
from dunwell.sources.remittance.apart import BYTES_MAX
from dunwell.sources.remittance.layout import Cell, Row

LOOKED_AT: Final = 1_024  # where a PDF says that it is one
PROGRAM: Final = Path(__file__).with_name("pdf_words.py")
# Of the height of a word: what is further away is another cell. Where no table is found so, columns stand closer.
GAPS: Final = (0.75, 0.4)
_LEFT, _BOTTOM, _RIGHT, _TOP = range(1, 5)
Word = list[Any]


def is_pdf(path: Path) -> bool:
    """Whether a file is a PDF, by its first bytes. Errors: OSError."""
    with path.open("rb") as file:
        return b"%PDF-" in file.read(LOOKED_AT)


def pages_of(path: Path, problems: Problems) -> list[list[Word]]:
    """The words of all pages; what is wrong with the file goes to `problems`. Errors: OSError."""
    size = path.stat().st_size
    if size > BYTES_MAX:
        problems.add(1, "", f"the file has {size:,} bytes, and of a PDF at most {BYTES_MAX:,} are read")
        return []
    pages = _pages(path, problems)
    if pages and not any(pages):
        problems.add(1, "", "there is no text in it: it is a scan or a picture; ask for a PDF of text, or a table")
    return pages


def rows_of(pages: list[list[Word]], gap: float) -> list[Row]:
    """The rows of pages, from the top; words further apart than `gap` of their height are cells of their own."""
    rows: list[Row] = []
    for number, words in enumerate(pages, 1):
        for line in _lines(words):
            rows.append(Row(len(rows) + 1, _cells(line, gap), f"page {number}"))
    return rows


def _pages(path: Path, problems: Problems) -> list[list[Word]]:
    """The words of each page, or a problem."""
    with tempfile.TemporaryDirectory(prefix="dunwell-advice-") as folder:
        out = Path(folder) / "words"
        not_done = apart.run(PROGRAM, path, out)
        told = out.read_text(encoding="ascii").splitlines() if out.exists() and not not_done else []
    if not_done:
        problems.add(1, "", f"{not_done}; ask for a simpler PDF, or a table")
        return []
    read = [json.loads(line) for line in told]
    refused = next((each["refused"] for each in read if isinstance(each, dict)), "")
    if refused or not read:
        page = f"page {len(read)}" if len(read) > 1 else ""
        problems.add(1, page, f"the PDF cannot be read: {refused or 'it has no pages'}")
        return []
    return read


def _lines(words: list[Word]) -> list[list[Word]]:
    """Words that stand in one line, the uppermost first; the same word drawn twice at one place is one."""
    once = {(word[0], round(word[_LEFT]), round(word[_BOTTOM])): word for word in words}
    lines: list[list[Word]] = []
    middle = 0.0
    for word in sorted(once.values(), key=lambda each: -(each[_BOTTOM] + each[_TOP])):
        here, height = (word[_BOTTOM] + word[_TOP]) / 2, word[_TOP] - word[_BOTTOM]
        if not lines or middle - here > height / 2:
            lines.append([])
            middle = here
        lines[-1].append(word)
    return [sorted(line, key=itemgetter(_LEFT)) for line in lines]


def _cells(line: list[Word], gap: float) -> tuple[Cell, ...]:
    """Words with no more than a blank between them are one cell."""
    groups = [[line[0]]]
    for before, word in pairwise(line):
        height = min(each[_TOP] - each[_BOTTOM] for each in (before, word))
        if word[_LEFT] - before[_RIGHT] > gap * height:
            groups.append([])
        groups[-1].append(word)
    return tuple(
        Cell(" ".join(word[0] for word in group), group[0][_LEFT], max(word[_RIGHT] for word in group))
        for group in groups
    )
