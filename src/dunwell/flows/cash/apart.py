"""Which statements of an account share no entry with another, by their days and balances and by what is booked then."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from dunwell.records.models import BankAccount, BankLine, BankStatement
from dunwell.sources.bank.pieces import Kind


@dataclass
class DaysEntries:
    """The entries that were booked on a day, whatever their order: their number, their sum, and that of their keys."""

    count: int = 0
    minor: int = 0
    keys: int = 0

    def add(self, key: str, minor: int) -> None:
        """Count an entry of a day, by the key that it is known by."""
        self.count += 1
        self.minor += minor
        self.keys += int(key, 16)


def apart(
    account: BankAccount, statement: BankStatement, before: Collection[int], days: dict[date, DaysEntries]
) -> set[int]:
    """Tell the statements that share no entry with this one; `days`: its entries, `before`: those above it in its file.

    Those that lead to it or on from it, each beginning where the one before ends. Where both have the day between them,
    the one goes on within that day, unless all that it books then is in the book and comes to nothing: then it has the
    whole day again, as it is the rule where an account is emptied every evening. A file parts a statement into pages,
    and says nothing twice; what has no balances there is apart, too. So are statements of the very same days that
    neither begin nor end alike.
    """
    others = [each for each in account.statements.filter(kind=statement.kind).order_by("pk") if each != statement]
    again = {on for on in (statement.from_on, statement.to_on) if on and _is_there(account, on, days)}

    def goes_on(later: BankStatement, earlier: BankStatement) -> bool:
        is_ours = statement in (later, earlier) and not {later.pk, earlier.pk} & {*before}
        has_day_again = is_ours and later.from_on == earlier.to_on and later.from_on in again
        return _follows(later, earlier) and not has_day_again

    found = _chain(statement, others, goes_on)
    found |= _chain(statement, others, lambda this, other: goes_on(other, this))
    if statement.kind == Kind.STATEMENT:  # reports within the day repeat each other
        found |= {each.pk for each in others if each.pk in before and _is_without_balances(statement, each)}
        found |= {each.pk for each in others if _is_beside(statement, each)}
    return {each.pk for each in others if each.pk in found and not _may_repeat(statement, each)}


def _is_there(account: BankAccount, on: date, days: dict[date, DaysEntries]) -> bool:
    """Whether a day of a statement comes to nothing, and its entries are just those of the day in the book."""
    entries = days.get(on)
    if entries is None or entries.minor:
        return False
    there = DaysEntries()
    booked = BankLine.objects.filter(account=account, booked_on=on)
    for key, _occurrence, minor in booked.values_list("entry_key", "occurrence", "entry_minor").distinct():
        there.add(key, minor)
    return there == entries


def _chain(
    statement: BankStatement, others: Sequence[BankStatement], is_next: Callable[[BankStatement, BankStatement], bool]
) -> set[int]:
    """Follow statements from one to the next, as far as they go."""
    found: set[int] = set()
    ends = [statement]
    while ends:
        this = ends.pop()
        more = [each for each in others if each.pk not in found and is_next(this, each)]
        found |= {each.pk for each in more}
        ends += more
    return found


def _follows(later: BankStatement, earlier: BankStatement) -> bool:
    if later.from_on is None or earlier.to_on is None or later.opening_minor is None:
        return False
    follows = earlier.to_on <= later.from_on and earlier.closing_minor == later.opening_minor
    return follows and not _may_repeat(later, earlier)


def _is_without_balances(one: BankStatement, other: BankStatement) -> bool:
    return None in (one.opening_minor, one.closing_minor, other.opening_minor, other.closing_minor)


def _is_beside(one: BankStatement, other: BankStatement) -> bool:
    if _is_without_balances(one, other) or None in (one.from_on, one.to_on):
        return False
    if (one.from_on, one.to_on) != (other.from_on, other.to_on):
        return False
    return one.opening_minor != other.opening_minor and one.closing_minor != other.closing_minor


def _may_repeat(one: BankStatement, other: BankStatement) -> bool:
    """Whether the one can be the other again, or one of them a part of the other, by their days and balances."""
    if one.from_on is None or one.to_on is None or other.from_on is None or other.to_on is None:
        return (one.opening_minor, one.closing_minor) == (other.opening_minor, other.closing_minor)
    begins = (one.from_on, one.opening_minor) == (other.from_on, other.opening_minor)
    ends = (one.to_on, one.closing_minor) == (other.to_on, other.closing_minor)
    if one.from_on == other.from_on and one.to_on == other.to_on:
        return begins and ends
    return begins or ends or (one.from_on < other.from_on) == (one.to_on > other.to_on)
