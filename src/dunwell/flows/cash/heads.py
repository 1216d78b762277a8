"""What the statements of a bank file say of themselves as a whole, before anything of it is taken in.

Which entries are in the book already rests on the days and balances at both ends of a statement, and its end is known
only once it is read: so a file is read twice, and the second time it is known to be sound.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from dunwell.flows.cash.apart import DaysEntries
from dunwell.flows.cash.entries import key_of
from dunwell.records.models import BankAccount, Entity
from dunwell.sources.bank.pieces import Closed, Line, Opened, Pieces
from dunwell.sources.dates import YEAR_MAX, YEAR_MIN
from dunwell.sources.problems import Problems, listed


@dataclass
class Head:
    """A statement: whose account it is of, its days, as far as its lines and its last balance reach, and its balances.

    `days`: its entries by the day on which they were booked.
    """

    account: BankAccount
    from_on: date | None
    to_on: date | None
    opening_minor: int | None
    closing_minor: int | None = None
    days: dict[date, DaysEntries] = field(default_factory=lambda: defaultdict(DaysEntries))
    entry_no: int = 0

    def line(self, line: Line, problems: Problems) -> None:
        """Reach as far as a booked line, and count its entry."""
        on = line.booked_on
        if on is None:
            what_to_do = "ask the bank for it, or take the statement of the day"
            problems.add(line.line, "", f"an entry without the day on which it was booked: {what_to_do}")
        elif _is_day(on, "it was booked on", line.line, problems):
            self.to_on = max(on, self.to_on or on)
            if line.entry_no != self.entry_no:
                self.days[on].add(key_of(line), line.entry_minor)
        self.entry_no = line.entry_no

    def closed(self, end: Closed, problems: Problems) -> None:
        """Take the last balance, and reach as far as its day."""
        self.closing_minor, on = end.closing_minor, end.closing_on
        if on and _is_day(on, "its last balance is of", end.line, problems):
            self.to_on = max(on, self.to_on or on)


def heads(pieces: Pieces, entity: Entity | None, problems: Problems) -> Iterator[Head]:
    """Tell the statements of a file in order; accounts that are not ours, and days that are none, are problems."""
    one: Head | None = None
    for piece in pieces:
        match piece:
            case Opened():
                account = _account(piece, entity, problems)
                one = Head(account, piece.from_on, piece.to_on, piece.opening_minor) if account else None
            case Line() if one and piece.is_booked:
                one.line(piece, problems)
            case Closed() if one:
                one.closed(piece, problems)
                yield one
                one = None


def _is_day(on: date, what: str, line: int, problems: Problems) -> bool:
    """Whether a day is of a year that a ledger has; if not, it is a problem."""
    if YEAR_MIN <= on.year <= YEAR_MAX:
        return True
    said = f"{what} {on}, which is not between {YEAR_MIN} and {YEAR_MAX}: ask the bank for the right day"
    problems.add(line, "", said)
    return False


def _account(head: Opened, entity: Entity | None, problems: Problems) -> BankAccount | None:
    """The bank account that a statement is of."""
    found = BankAccount.objects.select_related("entity").filter(number=head.account).first()
    if found is None:
        numbers = list(BankAccount.objects.order_by("number").values_list("number", flat=True))
        what, known = head.account or "an account without a number", listed(numbers, 5) or "none"
        problems.add(head.line, "", f"{what} is not known as an entity's bank account; known: {known}")
    elif entity and found.entity_id != entity.pk:
        problems.add(head.line, "", f"{head.account} is of {found.entity.code}, not of {entity.code}")
    elif head.currency and head.currency != found.currency:
        problems.add(head.line, "", f"{head.account} is kept in {found.currency}, not in {head.currency}")
    else:
        return found
    return None
