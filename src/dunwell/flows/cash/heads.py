"""What the statements of a bank file say of themselves as a whole, before anything of it is taken in.

Which entries are in the book already rests on the days and balances at both ends of a statement, and its end is known
only once it is read: so a file is read twice, and the second time it is known to be sound.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dunwell.records.models import BankAccount, Entity
from dunwell.sources.bank.pieces import Closed, Line, Opened, Pieces
from dunwell.sources.dates import YEAR_MAX, YEAR_MIN
from dunwell.sources.problems import Problems, listed


@dataclass
class Head:
    """A statement: whose account it is of, its days, as far as its lines reach, and its balances."""

    account: BankAccount
    from_on: date | None
    to_on: date | None
    opening_minor: int | None
    closing_minor: int | None = None


def heads(pieces: Pieces, entity: Entity | None, problems: Problems) -> Iterator[Head]:
    """Tell the statements of a file in order; accounts that are not ours, and days that are none, are problems."""
    one: Head | None = None
    for piece in pieces:
        match piece:
            case Opened():
                account = _account(piece, entity, problems)
                one = Head(account, piece.from_on, piece.to_on, piece.opening_minor) if account else None
            case Line() if one and piece.is_booked:
                one.to_on = _reached(piece, one.to_on, problems)
            case Closed() if one:
                one.closing_minor = piece.closing_minor
                yield one
                one = None


def _reached(line: Line, to_on: date | None, problems: Problems) -> date | None:
    """The last day of a statement, by a line of it."""
    on = line.booked_on
    if on is None:
        problems.add(line.line, "", "an entry without the day on which it was booked")
    elif not YEAR_MIN <= on.year <= YEAR_MAX:
        said = f"it was booked on {on}, which is not between {YEAR_MIN} and {YEAR_MAX}: ask the bank for the right day"
        problems.add(line.line, "", said)
    else:
        return max(on, to_on or on)
    return to_on


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
