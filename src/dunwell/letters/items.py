"""What a notice asks for, as columns of text: overdue items, those that fall due, and the way to the total."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from dunwell.letters.notice import ChargeLine, Line, Notice
from dunwell.letters.plain import GAP, PAGE_COLUMNS, Column, folded, left, one_line, right, table, taken, width
from dunwell.letters.reader import Reader

WIDTH_MIN: Final = 60  # room for the words beside the sums
NUMBER_MIN: Final = 12
NONE: Final = "\N{EN DASH}"


class Words(Protocol):
    """The words of one language in tables and sums: what `templates/<language>/words.txt` sets."""

    number: str
    issued: str
    due: str
    falls_due: str
    days: str
    original: str
    amount: str
    subtotal: str
    overdue: str
    upcoming: str
    charge: str
    fee: str
    total: str


@dataclass(frozen=True)
class Items:
    """The parts of a letter that are set in columns. With items of one sort alone, they stand right above the sums."""

    overdue: str
    upcoming: str
    sums: str


def set_items(notice: Notice, reader: Reader, words: Words) -> Items:
    """Set the items and sums of a notice, all to the same right-hand edge, at most a page wide."""
    late = [line for line in notice.lines if line.days_past_due > 0]
    early = [line for line in notice.lines if line.days_past_due <= 0]
    parts = [_columns(lines, notice.currency, reader, words) for lines in (late, early)]
    columns = max(WIDTH_MIN, *(first.columns + taken(others) for first, others in parts if first.cells))
    columns = min(PAGE_COLUMNS, columns)
    overdue, upcoming = (table(first, others, columns) if first.cells else "" for first, others in parts)
    sums = _sums(_to_total(notice, late, early, words), notice.currency, reader, columns)
    if overdue and upcoming:
        return Items(overdue, upcoming, sums)
    return Items("", "", f"{overdue or upcoming}\n{'-' * columns}\n{sums}")


def _columns(lines: Sequence[Line], currency: str, reader: Reader, words: Words) -> tuple[Column, list[Column]]:
    """The columns that have something to say; on a page too narrow, date of issue and original amount go first."""
    late = bool(lines) and lines[0].days_past_due > 0
    numbers = Column(words.number, [one_line(line.number) or NONE for line in lines])
    issued = Column(words.issued, [reader.short_date(line.issued_on) if line.issued_on else NONE for line in lines])
    due = Column(words.due if late else words.falls_due, [reader.short_date(line.due_on) for line in lines])
    days = Column(words.days, [str(line.days_past_due) for line in lines])
    original = Column(words.original, [reader.money(line.original_minor, currency) for line in lines])
    amount = Column(words.amount, [reader.money(line.amount_minor, currency) for line in lines])
    wanted = [
        (issued, any(line.issued_on for line in lines)),
        (due, True),
        (days, late),
        (original, any(line.original_minor != line.amount_minor for line in lines)),
        (amount, True),
    ]
    others = [column for column, has in wanted if has]
    for dispensable in (issued, original):
        if dispensable in others and PAGE_COLUMNS - taken(others) < min(NUMBER_MIN, numbers.columns):
            others.remove(dispensable)
    return numbers, others


def _to_total(notice: Notice, late: Sequence[Line], early: Sequence[Line], words: Words) -> list[tuple[str, int]]:
    """The way from the items to the total, with its last row the total itself."""
    rows = []
    if late and early:
        rows = [
            (words.overdue, sum(line.amount_minor for line in late)),
            (words.upcoming, sum(line.amount_minor for line in early)),
        ]
    elif notice.charges or notice.fee_minor:
        rows = [(words.subtotal, notice.due_minor)]
    rows += [(_charge(charge, words), charge.amount_minor) for charge in notice.charges]
    if notice.fee_minor:
        rows.append((words.fee, notice.fee_minor))
    return [*rows, (words.total, notice.total_minor)]


def _charge(charge: ChargeLine, words: Words) -> str:
    return one_line(charge.description) or f"{words.charge} {one_line(charge.number)}".rstrip()


def _sums(rows: Sequence[tuple[str, int]], currency: str, reader: Reader, columns: int) -> str:
    figures = [reader.money(amount, currency) for _, amount in rows]
    figure = max(width(text) for text in figures)
    space = columns - len(GAP) - figure
    lines = []
    for (label, _), text in zip(rows, figures, strict=True):
        *pieces, last = folded(label, space)
        lines += [*pieces, left(last, space) + GAP + right(text, figure)]
    return "\n".join([*lines[:-1], "-" * columns, lines[-1]] if len(rows) > 1 else lines)
