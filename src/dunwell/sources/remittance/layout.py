"""Rows of cells with their places, as a table or a page has them, and the heading that says what each column is."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from dunwell.sources.remittance.figures import Figure, figure_of
from dunwell.sources.remittance.words import Role, number_rank, plain, role_of

MONEY: Final = (Role.AMOUNT, Role.PAID, Role.DISCOUNT)
COLUMNS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and from where to where it goes across: in points of a page, or the number of a column.

    `is_typed`: a number or a day of a table's own, and not as somebody writes it.
    """

    text: str
    left: float
    right: float
    is_typed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Cells from left to right; `line` counts from 1, `where` says which page it is of, if any."""

    line: int
    cells: tuple[Cell, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """What a heading says of what stands below it; `at` is its place in a group of columns that may be repeated."""

    text: str
    role: Role | None
    left: float
    right: float
    group: int
    at: int


@dataclass(frozen=True, slots=True)
class Line:
    """A row below a heading, of one group of columns: texts and figures by the column's place in its group."""

    texts: dict[int, str]
    figures: dict[int, Figure]


@dataclass(frozen=True)
class Heading:
    """The columns of a table; `number_at` is where the creditor's numbers stand."""

    columns: tuple[Column, ...]
    number_at: int

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [plain(column.text) for column in self.columns]

    def at(self, *roles: Role) -> list[int]:
        """The places of the columns of some roles, from left to right."""
        return [at for at, role in self._roles if role in roles]

    def lines(self, row: Row) -> list[Line]:
        """What a row says, for each group of columns."""
        found = [Line({}, {}) for _ in range(self.columns[-1].group + 1)]
        for cell in row.cells:
            column = self._over(cell, row)
            if column is None or not cell.text:
                continue
            texts, figures = found[column.group].texts, found[column.group].figures
            is_first = column.at not in texts
            texts[column.at] = cell.text if is_first else f"{texts[column.at]} {cell.text}"
            figures.pop(column.at, None)
            figure = figure_of(cell.text, is_typed=cell.is_typed)
            if is_first and figure and column.role in MONEY:
                figures[column.at] = figure
        return found

    def _over(self, cell: Cell, row: Row) -> Column | None:
        """The column that a cell stands below; on a page, the nearest."""
        lefts, reaching = self._edges
        first = bisect_right(reaching, cell.left, key=lambda at: self.columns[at].right)
        last = bisect_left(lefts, cell.right)
        near = self.columns[first : last + 1]  # and the next to its right
        if first:
            near = (self.columns[reaching[first - 1]], *near)
        shared = [(min(cell.right, column.right) - max(cell.left, column.left), column) for column in near]
        most, column = max(shared, key=lambda each: each[0])
        return column if most > 0 or row.where else None

    @cached_property
    def _roles(self) -> list[tuple[int, Role | None]]:
        """The columns of the first group, by place."""
        return [(column.at, column.role) for column in self.columns if column.group == 0]

    @cached_property
    def _edges(self) -> tuple[list[float], list[int]]:
        """Where each column begins, and which of it and those before it ends last: so a cell is not held to all."""
        reaching: list[int] = []
        for at, column in enumerate(self.columns):
            before = reaching[-1] if reaching else at
            reaching.append(at if column.right > self.columns[before].right else before)
        return [column.left for column in self.columns], reaching


def heading_of(row: Row, below: Row | None = None) -> Heading | None:
    """The heading that a row is, with what is wrapped into the row `below`; None where it names no numbers or no money.

    Where a row heads the same columns twice or more, they stand side by side.
    """
    cells = _wrapped(row.cells, below.cells if below else ())
    if not 2 <= len(cells) <= COLUMNS_MAX:
        return None
    roles = [None if any(sign.isdigit() for sign in cell.text) else role_of(cell.text) for cell in cells]
    if Role.TAX in roles:  # beside a tax, net is what it is without the tax
        roles = [
            Role.OTHER if role is Role.PAID and plain(cell.text).startswith("net") else role
            for role, cell in zip(roles, cells, strict=True)
        ]
    width = _period([plain(cell.text) for cell in cells])
    number_at = _number_at(cells[:width], roles[:width])
    if number_at is None or not {Role.AMOUNT, Role.PAID}.intersection(roles[:width]):
        return None
    return Heading(
        tuple(
            Column(cell.text, role, cell.left, cell.right, place // width, place % width)
            for place, (cell, role) in enumerate(zip(cells, roles, strict=True))
        ),
        number_at,
    )


def _wrapped(cells: Sequence[Cell], below: Sequence[Cell]) -> list[Cell]:
    """Cells with what stands right below them, if all of that is words below one of them."""
    if not below or len(below) > len(cells) or any(sign.isdigit() for cell in below for sign in cell.text):
        return list(cells)
    found = list(cells)
    for cell in below:
        over = [at for at, each in enumerate(cells) if min(cell.right, each.right) > max(cell.left, each.left)]
        if len(over) != 1:
            return list(cells)
        upper = found[over[0]]
        found[over[0]] = Cell(
            f"{upper.text} {cell.text}", min(upper.left, cell.left), max(upper.right, cell.right), is_typed=False
        )
    return found


def _period(texts: Sequence[str]) -> int:
    """After how many columns the same ones come again."""
    for width in range(2, len(texts) // 2 + 1):
        if len(texts) % width == 0 and all(text == texts[at % width] for at, text in enumerate(texts)):
            return width
    return len(texts)


def _number_at(cells: Sequence[Cell], roles: Sequence[Role | None]) -> int | None:
    """The column that most likely has the creditor's numbers."""
    ranks = [
        (rank, at)
        for at, (cell, role) in enumerate(zip(cells, roles, strict=True))
        if role is Role.NUMBER and (rank := number_rank(cell.text)) is not None
    ]
    return min(ranks)[1] if ranks else None


def labelled(row: Row) -> Iterator[tuple[str, str]]:
    """What stands beside a label, in its own cell behind a colon or a figure, or in the next one."""
    for at, cell in enumerate(row.cells):
        label, colon, value = cell.text.partition(":")
        if colon and value.strip():
            yield label, value.strip()
        elif at + 1 < len(row.cells):
            yield label, row.cells[at + 1].text.lstrip(" :")
        else:
            words = label.split()
            for count in range(1, min(len(words), 4)):
                if figure_of(" ".join(words[-count:])):
                    yield " ".join(words[:-count]), " ".join(words[-count:])
