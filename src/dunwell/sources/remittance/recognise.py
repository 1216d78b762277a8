"""Find in rows of cells, whatever their layout, which documents a payment is for, proved by the total they state.

What is not understood is no obstacle where the documents are the total; where no total is stated, it is a problem.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Final

from dunwell.engine.money import MoneyError, to_minor
from dunwell.sources.problems import Problems, shown
from dunwell.sources.remittance.advice import Advice, Said, documents_of, not_the_sum, signed_minor, whole
from dunwell.sources.remittance.figures import (
    Figure,
    codes_in,
    currency_of,
    day_of,
    figure_of,
    is_day_first,
    mark_of,
    money_of,
    strange_money,
    value_of,
)
from dunwell.sources.remittance.layout import MONEY, Heading, Line, Row, heading_of, labelled
from dunwell.sources.remittance.totals import Total, stated, total_below
from dunwell.sources.remittance.words import (
    Role,
    is_amount,
    is_partial,
    is_plainly_paid,
    is_total,
    may_be_credit,
    number_rank,
    role_of,
    says_credit,
    without_kind,
)

NO_TABLE: Final = (
    "no table was found whose heading names numbers of invoices and amounts: read it by a mapping, or ask for a table"
)
WHICH_IT_IS: Final = (
    "read a table by a mapping: its `kind` is the column that says it, and without `kind` an amount below 0 is that of "
    "a credit note; or ask for one that states its total"
)
TEXT_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class _Entry:
    """A document of the table, as it is written; `odd`: what stands where the amount paid should, and is none."""

    row: Row
    number: str
    is_credit_note: bool
    may_be_credit_note: bool
    figures: dict[int, Figure]
    odd: str


@dataclass
class _Found:
    """What was found in the rows."""

    entries: list[_Entry] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    unread: list[Row] = field(default_factory=list)
    told: dict[Role, str] = field(default_factory=dict)
    columns: dict[Role, set[str]] = field(default_factory=dict)
    heading: Heading | None = None
    headings: list[str] = field(default_factory=list)
    day_first: bool | None = None


def advice_in(
    rows: Sequence[Row], problems: Problems, *, currency: str, heading_max: int | None = None
) -> Advice | None:
    """The one advice that rows are, or None with a problem; `currency` where the rows name none.

    `heading_max`: how many rows may stand before the heading.
    """
    found = _found(rows, heading_max)
    if found.heading is None or not found.entries:
        line = rows[0].line if rows else 1
        said = (
            NO_TABLE if found.heading is None else "below the heading no row has the number of a document and an amount"
        )
        problems.add(line, "", said)
        return None
    code = _currency(found, currency, problems)
    if code is None:
        return None
    try:
        reading = _Reading(found, code)
    except ValueError as error:
        problems.add(found.entries[0].row.line, found.entries[0].row.where, f"{error}: read it by a mapping")
        return None
    proved = reading.proved(problems)
    if proved is None:
        return None
    documents = documents_of(proved)
    first = found.entries[0].row
    paid_on = day_of(_text(found, Role.PAID_ON) or _text(found, Role.DAY), day_first=found.day_first)
    advice = Advice(
        place=1, line=first.line, currency=code, total_minor=sum(map(signed_minor, documents)), documents=documents,
        payer_name=_text(found, Role.PAYER), customer=_text(found, Role.CUSTOMER),
        reference=_text(found, Role.REFERENCE), paid_on=paid_on,
    )  # fmt: skip
    return whole(advice, problems, first.where)


def _found(rows: Sequence[Row], heading_max: int | None) -> _Found:
    found = _Found(day_first=is_day_first(cell.text for row in rows for cell in row.cells))
    skip = other = None
    for at, row in enumerate(rows):
        if row is skip:
            continue
        if heading_max is not None and found.heading is None and at >= heading_max:
            break
        below = rows[at + 1] if at + 1 < len(rows) and row.where and rows[at + 1].where == row.where else None
        heading = heading_of(row)
        if heading:
            wrapped = heading_of(row, below) if below else None
            if wrapped and wrapped.columns != heading.columns:
                heading, skip = wrapped, below
            # Below a heading of another kind nothing is read: the total says whether it is needed.
            other = heading if found.heading and found.heading.names != heading.names else None
            found.heading = found.heading if other else heading
            found.headings += [column.text for column in heading.columns if column.role in MONEY]
        elif found.heading:
            _below(found, other or found.heading, row, is_read=other is None)
        else:
            _beside(found, row)
    return found


def _below(found: _Found, heading: Heading, row: Row, *, is_read: bool) -> None:
    """Take what stands in a row below the heading; of documents only where it `is_read`."""
    lines = heading.lines(row)
    entries = [entry for line in lines if is_read and (entry := _entry(heading, line, row))]
    if entries:
        found.entries += entries
        for role in (Role.CURRENCY, Role.CUSTOMER, Role.REFERENCE, Role.PAID_ON):
            for at in heading.at(role):
                found.columns.setdefault(role, set()).update(line.texts[at] for line in lines if at in line.texts)
        return
    figures = [figure for line in lines for figure in line.figures.values()]
    label = " ".join(cell.text for cell in row.cells if figure_of(cell.text) is None)
    if any(_is_doubtful(heading, line, row) for line in lines):
        found.unread.append(row)
    elif not figures or is_partial(label):
        _beside(found, row)
    elif is_total(label) or not label:
        found.totals.append(total_below(heading, lines, row, label))
    else:
        found.unread.append(row)


def _entry(heading: Heading, line: Line, row: Row) -> _Entry | None:
    """A document, where the row has a number and an amount."""
    written = line.texts.get(heading.number_at, "")
    has_amount = any(at in line.figures for at in heading.at(Role.AMOUNT, Role.PAID))
    if not has_amount or not any(sign.isdigit() for sign in written) or is_total(written) or is_partial(written):
        return None
    kinds = [line.texts.get(at, "") for at in heading.at(Role.KIND)]
    is_credit = says_credit(written, is_kind=False) or any(says_credit(kind, is_kind=True) for kind in kinds)
    odd = next(
        (line.texts[at] for at in heading.at(Role.PAID)
         if at not in line.figures and any(sign.isalnum() for sign in line.texts.get(at, ""))), "",
    )  # fmt: skip
    may_be = not is_credit and may_be_credit(written) and not any(kinds)
    return _Entry(row, without_kind(written), is_credit, may_be, line.figures, odd)


def _is_doubtful(heading: Heading, line: Line, row: Row) -> bool:
    """Whether a line has a number, and no amount, or one that is none."""
    written = line.texts.get(heading.number_at, "")
    if not any(sign.isdigit() for sign in written) or is_total(written) or is_partial(written):
        return False
    at = heading.at(Role.AMOUNT, Role.PAID)
    if any(place in line.figures for place in at):
        return False
    # In a table a single word with a digit is a number; on a page it may be anything below the table.
    return any(place in line.texts for place in at) or not (row.where or " " in written)


def _beside(found: _Found, row: Row) -> None:
    """Take what labels say: the payer, the day, the reference, and sums."""
    for label, value in labelled(row):
        figure = figure_of(value)
        if figure and is_total(label) and (is_amount(label) or not figure.is_bare):
            found.totals.append(Total(row, label, [figure]))
            continue
        role = role_of(label)
        if role is Role.NUMBER and (number_rank(label) or 0) > 1:
            role = Role.REFERENCE
        is_told = role in (Role.PAYER, Role.CUSTOMER, Role.REFERENCE, Role.CURRENCY)
        if role and (is_told or (role in (Role.PAID_ON, Role.DAY) and day_of(value, day_first=found.day_first))):
            found.told.setdefault(role, value[:TEXT_CHARS_MAX])


def _text(found: _Found, role: Role) -> str:
    """What was told, or what stands in each row alike."""
    alike = found.columns.get(role, set())
    return found.told.get(role) or (next(iter(alike))[:TEXT_CHARS_MAX] if len(alike) == 1 else "")


def _currency(found: _Found, default: str, problems: Problems) -> str | None:
    """The currency that the rows name, or the default."""
    figures = [figure.money for entry in found.entries for figure in entry.figures.values()]
    headings = [code for text in found.headings for code in codes_in(text)]
    totals = [figure.money for total in found.totals for figure in total.figures if total.label]
    totals += [code for total in found.totals for code in codes_in(total.label)]
    said = found.columns.get(Role.CURRENCY) or {found.told[Role.CURRENCY] for _ in found.told.keys() & {Role.CURRENCY}}
    strange = [text for text in said if not currency_of(text)] + list(filter(None, map(strange_money, found.headings)))
    if strange:
        row = found.entries[0].row
        problems.add(row.line, row.where, f"{shown(min(strange))} is no currency that is known: write it as EUR or USD")
        return None
    told = list(map(currency_of, said))
    codes = money_of([*figures, *headings, *told], default) or money_of(totals, default)
    if len(codes) > 1:
        row = found.entries[0].row
        names = ", ".join(sorted(codes))
        problems.add(row.line, row.where, f"amounts are in {names}: a payment is in one currency; read it by a mapping")
        return None
    return next(iter(codes), default)


@dataclass(frozen=True)
class _Way:
    """One way to read what is paid of each document; `is_sure` where the heading leaves no other.

    `is_whole`: what it was before anything is taken off.
    """

    at: int
    minus: tuple[int, ...]
    is_sure: bool
    is_whole: bool = False


class _Reading:
    """The amounts of what was found, in a currency. Errors: ValueError where they can be read in two ways."""

    def __init__(self, found: _Found, currency: str) -> None:
        self.found = found
        self.currency = currency
        every = [figure for entry in found.entries for figure in entry.figures.values()]
        every += [figure for total in found.totals for figure in (*total.figures, *total.off)]
        self.mark = mark_of(every, currency)
        self.totals = stated(found.totals, len(found.entries), self._minor)

    def proved(self, problems: Problems) -> list[Said] | None:
        """What is paid of each document, in the way that gives the total; None with a problem."""
        totals = self.totals
        ways = list(self._ways())
        count = problems.count
        self._tell_odd(problems)
        if problems.count != count:
            return None
        for way, with_codes in product(ways, (False, True)):
            said = self._said(way, _quiet, with_codes=with_codes)
            if said is not None and any(total.proves(_sum(said), is_whole=way.is_whole) for total in totals):
                return said
        said = self._said(ways[0], problems.add)
        if totals and said is not None:
            row, minor = totals[-1].row, totals[-1].minor
            problems.add(row.line, row.where, not_the_sum(_sum(said), minor, self.currency))
        if not totals and not ways[0].is_sure:
            row = self.found.entries[0].row
            problems.add(row.line, row.where, "several columns have amounts, and no total says which is what was paid")
        if not totals:
            self._tell_doubtful(ways[0], problems)
        for row in self.found.unread:
            text = " ".join(cell.text for cell in row.cells)
            problems.add(row.line, row.where, f"{shown(text)} is not understood: a document has a number and an amount")
        return said if problems.count == count else None

    def _tell_odd(self, problems: Problems) -> None:
        """Tell of what stands where an amount that is paid should, and is none."""
        for entry in self.found.entries:
            if entry.odd:
                said = f"{shown(entry.odd)} is no amount, and stands where what is paid of {entry.number} should"
                problems.add(entry.row.line, entry.row.where, said)

    def _ways(self) -> Iterator[_Way]:
        heading = self.found.heading
        if heading is None:
            return
        paid, gross, less = (heading.at(role) for role in (Role.PAID, Role.AMOUNT, Role.DISCOUNT))
        for at in reversed(paid):
            is_plain = not gross or is_plainly_paid(self._text(at)) or self._is_rest(at, gross, less)
            yield _Way(at, (), is_sure=len(paid) == 1 and is_plain)
        if less:
            for at in reversed(gross):
                yield _Way(at, tuple(less), is_sure=len(gross) == 1)
        for at in reversed(gross):
            yield _Way(at, (), is_sure=len(gross) == 1, is_whole=True)

    def _text(self, at: int) -> str:
        """What heads a column."""
        heading = self.found.heading
        return heading.columns[at].text if heading else ""

    def _is_rest(self, at: int, gross: list[int], less: list[int]) -> bool:
        """Whether a column is, in every row, what another one is without what is taken off."""
        if len(gross) != 1 or not less:
            return False
        net, whole = (
            self._said(_Way(at, (), is_sure=True), _quiet),
            self._said(_Way(gross[0], tuple(less), is_sure=True), _quiet),
        )
        return net is not None and net == whole

    def _tell_doubtful(self, way: _Way, problems: Problems) -> None:
        """Tell of amounts that may be of a credit note or not, where no total says which."""
        for entry in self.found.entries:
            figure = entry.figures.get(way.at)
            if entry.may_be_credit_note and figure and not figure.is_negative:
                said = f"{entry.number} may be a credit note or an invoice, and no total says which"
                problems.add(entry.row.line, entry.row.where, f"{said}: {WHICH_IT_IS}")

    def _said(self, way: _Way, tell: Callable[[int, str, str], None], *, with_codes: bool = False) -> list[Said] | None:
        """What each document is in one way of reading; `tell` of each that is not.

        `with_codes`: numbers that begin as those of many credit notes are.
        """
        said, is_whole = [], True
        for entry in self.found.entries:
            row, figure = entry.row, entry.figures.get(way.at)
            less = [self._minor(entry.figures[at]) for at in way.minus if at in entry.figures]
            minor = self._minor(figure) if figure else 0
            if minor is None or None in less:
                is_whole = False
                tell(row.line, row.where, f"an amount of {entry.number} is not written as the others, or out of bounds")
                continue
            if figure is None and not self.totals:
                is_whole = False
                tell(row.line, row.where, f"the amount of {entry.number} is missing")
                continue
            off = sum(abs(each) for each in less if each is not None)
            net = minor - off if minor >= 0 else minor + off
            is_credit = entry.is_credit_note or (with_codes and entry.may_be_credit_note)
            said.append(Said(row.line, entry.number, net, is_credit))
        return said if is_whole else None

    def _minor(self, figure: Figure) -> int | None:
        value: Decimal | None = value_of(figure, self.mark)
        try:
            return None if value is None else to_minor(value, self.currency)
        except MoneyError:
            return None


def _quiet(_line: int, _where: str, _message: str) -> None:
    """Tell nobody."""


def _sum(said: Sequence[Said]) -> int:
    return sum(map(signed_minor, documents_of(said)))
