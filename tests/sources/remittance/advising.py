"""Reads advices, and makes PDFs of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typst

from dunwell.sources.problems import Problems
from dunwell.sources.remittance.advice import Advice, signed_minor
from dunwell.sources.remittance.mapping import AdviceMapping
from dunwell.sources.remittance.read import reader


@dataclass(frozen=True)
class Heard:
    """What was read, or what was told to be wrong."""

    advices: list[Advice]
    told: list[str]

    @property
    def one(self) -> Advice:
        """The one advice of the file."""
        assert self.told == []
        (advice,) = self.advices
        return advice

    @property
    def amounts(self) -> dict[str, int]:
        """What is paid of each document, in cents, negative for what is set off."""
        return {document.number: signed_minor(document) for document in self.one.documents}


def heard(path: Path, mapping: AdviceMapping | None = None, *, currency: str = "EUR") -> Heard:
    """Read a file; documents are their total, or something is told."""
    problems = Problems(path.name)
    found = reader(mapping, currency=currency)(path, problems)
    assert bool(found) != bool(problems.count)
    for advice in found:
        assert sum(map(signed_minor, advice.documents)) == advice.total_minor > 0
        assert all(document.number and document.amount_minor for document in advice.documents)
    return Heard(found, [str(each) for each in problems.listed])


def text(folder: Path, content: str, *, currency: str = "EUR", encoding: str = "utf-8") -> Heard:
    """Read a table of text."""
    path = folder / "advice.csv"
    path.write_bytes(content.encode(encoding))
    return heard(path, currency=currency)


def pdf(folder: Path, source: str) -> Path:
    """A PDF of what Typst makes of a source."""
    path = folder / "advice.pdf"
    head = '#set page(paper: "a4", margin: 2cm)\n#set text(font: "Libertinus Serif", size: 10pt)\n'
    path.write_bytes(typst.compile((head + source).encode()))
    return path


def table(
    rows: Sequence[Sequence[str]], align: str, *, columns: str = "", strokes: str = "none", repeats: bool = True
) -> str:
    """A table of Typst, its first row the heading; `align`: l or r for each column."""
    sides = ", ".join({"l": "left", "r": "right"}[side] for side in align)
    cells = ", ".join(f"[{_escaped(cell)}]" for cell in rows[0])
    body = ",\n".join(", ".join(f"[{_escaped(cell)}]" for cell in row) for row in rows[1:])
    widths = columns or f"{len(align)}"
    head = f"table.header(repeat: {str(repeats).lower()}, {cells})"
    return f"#table(columns: {widths}, align: ({sides},), stroke: {strokes}, {head},\n{body})\n"


def _escaped(cell: str) -> str:
    return "".join(f"\\{sign}" if sign in "#$*_[]<>@\\~`-+/=" else sign for sign in cell)
