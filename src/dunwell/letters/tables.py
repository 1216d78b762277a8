"""What a notice asks for, as cells of text: overdue items, those that fall due, and the way to the total."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Final

from dunwell.letters.notice import ChargeLine, Line, Notice
from dunwell.letters.plain import one_line
from dunwell.letters.reader import Reader
from dunwell.letters.wording import Words

NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True)
class Column:
    """A heading and the cells below it; `may_go` first where a page is too narrow for all columns."""

    heading: str
    cells: Sequence[str]
    may_go: bool = False

    @property
    def title(self) -> str:
        """The heading where nobody needs to say where it breaks."""
        return self.heading.replace("-\n", "\N{SOFT HYPHEN}").replace("\n", " ")


@dataclass(frozen=True)
class Table:
    """Items of one sort: what they are called, and columns that say something of them; the last is the amount asked.

    `running`: for each item what it and those above it come to; empty where nobody adds them up. `below`: for each item
    what more there is to say of it, under its row; empty where there is nothing to say of any.
    """

    first: Column
    others: tuple[Column, ...]
    running: tuple[str, ...]
    below: tuple[str, ...] = ()

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of each item, in the order of the columns."""
        return list(zip(self.first.cells, *(column.cells for column in self.others), strict=True))


@dataclass(frozen=True)
class Sum:
    """A step on the way to the total: what it is, and how much."""

    label: str
    amount: str


def overdue_and_upcoming(notice: Notice) -> tuple[list[Line], list[Line]]:
    """Part the items of a notice into those past their due date and the others."""
    late = [line for line in notice.lines if line.days_past_due > 0]
    return late, [line for line in notice.lines if line.days_past_due <= 0]


def table_of(
    lines: Sequence[Line], currency: str, reader: Reader, words: Words, *, asked_on: date | None
) -> Table | None:
    """Put items into columns, those that have something to say; None without items.

    `asked_on`: the day on which they are asked for, which says what discounts can still be had; None for those that are
    only open, where late ones and others may stand together.
    """
    if not lines:
        return None
    late = any(line.days_past_due > 0 for line in lines)
    numbers = Column(words.number, [one_line(line.number) or NONE for line in lines])
    issued = [reader.short_date(line.issued_on) if line.issued_on else NONE for line in lines]
    original = [reader.money(line.original_minor, currency) for line in lines]
    wanted = [
        (Column(words.issued, issued, may_go=True), any(line.issued_on for line in lines)),
        (Column(words.due if late else words.falls_due, [reader.short_date(line.due_on) for line in lines]), True),
        (Column(words.days, [str(line.days_past_due) if line.days_past_due > 0 else NONE for line in lines]), late),
        (Column(words.original, original, may_go=True), any(_is_in_part(line) for line in lines)),
        (
            Column(
                words.amount if asked_on else words.still_open,
                [reader.money(line.amount_minor, currency) for line in lines],
            ),
            True,
        ),
    ]
    sums = accumulate(line.amount_minor for line in lines) if asked_on else []
    discounts = [_discount(line, asked_on, currency, reader, words) for line in lines]
    return Table(
        numbers,
        tuple(column for column, has in wanted if has),
        tuple(reader.money(amount, currency) for amount in sums),
        tuple(discounts) if any(discounts) else (),
    )


def sums_of(notice: Notice, reader: Reader, words: Words) -> tuple[Sum, ...]:
    """The way from the items to the total, with its last step the total itself."""
    late, early = overdue_and_upcoming(notice)
    rows = []
    if late and early:
        rows = [
            (words.overdue, sum(line.amount_minor for line in late)),
            (words.upcoming, sum(line.amount_minor for line in early)),
        ]
    elif notice.charges or notice.charged.sum_minor:
        rows = [(words.subtotal, notice.due_minor)]
    rows += [(charge_label(charge, words), charge.amount_minor) for charge in notice.charges]
    own = ((words.fee, notice.charged.fee_minor), (words.interest, notice.charged.interest_minor),
           (words.compensation, notice.charged.compensation_minor))  # fmt: skip
    rows += [(label, amount) for label, amount in own if amount]
    rows.append((words.total, notice.total_minor))
    return tuple(Sum(label, reader.money(amount, notice.currency)) for label, amount in rows)


def _discount(line: Line, asked_on: date | None, currency: str, reader: Reader, words: Words) -> str:
    """What of an item is enough until when, and what is saved by it; nothing where no discount can be had any more.

    Of an item that is asked for in part nobody knows what it would be.
    """
    if not (asked_on and line.discount_until_on and asked_on <= line.discount_until_on):
        return ""
    if _is_in_part(line) or not 0 < line.discount_minor < line.amount_minor:
        return ""
    enough = reader.money(line.amount_minor - line.discount_minor, currency)
    saved = reader.money(line.discount_minor, currency)
    return f"{words.paid_by} {reader.long_date(line.discount_until_on)}{words.colon}{enough} ({saved} {words.discount})"


def _is_in_part(line: Line) -> bool:
    return line.original_minor != line.amount_minor


def charge_label(charge: ChargeLine, words: Words) -> str:
    """What stands before an earlier charge that is still open: what it describes itself as, or its kind and number."""
    kinds = {"interest": words.earlier_interest, "compensation": words.earlier_compensation}
    kind = kinds.get(charge.charge, words.charge)
    return one_line(charge.description) or f"{kind} {one_line(charge.number)}".rstrip()
