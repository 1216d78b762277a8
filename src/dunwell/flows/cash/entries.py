"""Which entries of a statement are in the book already, from whatever file they came.

Statements overlap, reports within the day come before the statement of the day, and advices say in detail what a
statement books in one sum. An entry is known by what its bank says of it; of several that are alike in all of that, one
statement brings as many as it has, less those that came before from statements of the same time.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from django.db import transaction

from dunwell.flows.cash.exceptions import answered
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Conflict
from dunwell.flows.people.holds import release
from dunwell.records.models import (
    BANK_LINE_WAITS,
    BankAccount,
    BankLine,
    BankMatch,
    BankStatement,
    Entity,
    KnownPayer,
    Payment,
    RemittanceAdvice,
    Task,
)
from dunwell.records.pieces import in_pieces
from dunwell.sources.bank.pieces import Kind, Line


@dataclass
class Entry:
    """An entry of the statement that is read, with those of its parts that have been read so far.

    `occurrence`: which of those alike it is, once that is told. `known`: the line of the book that it is, where that is
    a single one that nobody has applied.
    """

    key: str
    booked_on: date
    parts: list[Line] = field(default_factory=list)
    occurrence: int = 0
    is_new: bool = False
    known: int | None = None


def gave_way(line_id: int, *, by: str, at: datetime) -> BankLine | None:
    """Take out a line that is said in detail now, with what was proposed for it, unless it was applied meanwhile."""
    line = BankLine.objects.select_for_update().filter(pk=line_id, state__in=BANK_LINE_WAITS).first()
    if line is None:
        return None
    BankMatch.objects.filter(line=line).delete()
    answered([line.pk], by=by, at=at)
    KnownPayer.objects.filter(line=line).update(line=None)
    Task.objects.filter(line=line).update(line=None)
    RemittanceAdvice.objects.filter(line=line).update(line=None)
    Payment.objects.filter(line=line).update(line=None)  # of those taken back
    line.delete()
    if line.hold_id:
        # In a transaction of its own: the file's is long, and who applies money locks payers in another order.
        transaction.on_commit(partial(_let_go, line.entity, line.hold_id, by=by, at=at))
    return line


def _let_go(entity: Entity, hold_id: int, *, by: str, at: datetime) -> None:
    """Release what a line held back that is not there any more, unless somebody has."""
    with suppress(Conflict):
        release(entity, hold_id, on=local_day(entity, at), by=by, at=at)


def key_of(line: Line) -> str:
    """What one entry is known by: its bank's reference, or without one all that the bank says, and day and sum."""
    ref = ref_of(line)
    said = (ref,) if ref else _content(line)
    parts = (str(line.booked_on), str(line.entry_minor), line.currency, *said)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def ref_of(line: Line) -> str:
    """What the bank calls the entry, if anything; what it calls one part of several is no name of the whole."""
    return line.entry_ref or (line.bank_ref if line.amount_minor == line.entry_minor else "")


def _content(line: Line) -> tuple[str, ...]:
    party = line.party
    text = " ".join(line.text.split())
    ours = (line.end_to_end_ref, line.mandate_ref, line.reference, text)
    return ("", str(line.valued_on), *ours, party.name, party.iban, party.account)


class Known:
    """The entries of one bank account that are in the book, as far as a statement may repeat them."""

    def __init__(
        self,
        account: BankAccount,
        statement: BankStatement,
        *,
        before: Sequence[int] = (),
        seen: Counter[str] | None = None,
    ) -> None:
        self.account = account
        self.apart = _apart(account, statement, before)
        self.seen: Counter[str] = Counter() if seen is None else seen

    def tell(self, entries: Sequence[Entry]) -> None:
        """Say of each entry, in the order of the statement, whether it is new, and which of those alike it is."""
        there: dict[str, dict[int, list[BankLine]]] = defaultdict(lambda: defaultdict(list))
        for keys in in_pieces({entry.key for entry in entries}):
            found = BankLine.objects.filter(account=self.account, entry_key__in=keys)
            for line in found.order_by("pk"):
                there[line.entry_key][line.occurrence].append(line)
        for entry in entries:
            alike = there[entry.key]
            apart = {at for at, lines in alike.items() if lines[0].statement_id in self.apart}
            repeated = sorted(alike.keys() - apart)
            number = self.seen[entry.key]
            self.seen[entry.key] += 1
            if number < len(repeated):
                entry.occurrence = repeated[number]
                lines = alike[entry.occurrence]
                is_whole = len(lines) == 1 and lines[0].state in BANK_LINE_WAITS
                entry.known = lines[0].pk if is_whole else None
            else:
                entry.is_new = True
                entry.occurrence = max(alike, default=-1) + 1 + number - len(repeated)


def _apart(account: BankAccount, statement: BankStatement, before: Sequence[int]) -> set[int]:
    """The statements that share no entry with this one, by days and balances.

    Those that lead to it or on from it, each beginning where the one before ends; those of its very days that neither
    begin nor end as it does; and what stands `before` it in its file, since a bank says nothing twice in one file, and
    parts a statement into pages. What may repeat it is none of these.
    """
    others = [each for each in account.statements.filter(kind=statement.kind).order_by("pk") if each != statement]
    found = _chain(statement, others, _follows)
    found |= _chain(statement, others, lambda this, other: _follows(other, this))
    if statement.kind == Kind.STATEMENT:  # reports within the day repeat each other
        found |= set(before) | {each.pk for each in others if _is_beside(statement, each)}
    return {each.pk for each in others if each.pk in found and not _may_repeat(statement, each)}


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


def _is_beside(one: BankStatement, other: BankStatement) -> bool:
    told = (one.from_on, one.to_on, one.opening_minor, one.closing_minor, other.opening_minor, other.closing_minor)
    if None in told or (one.from_on, one.to_on) != (other.from_on, other.to_on):
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
