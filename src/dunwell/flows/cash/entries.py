"""Which entries of a statement are in the book already, from whatever file they came.

Statements overlap, reports within the day come before the statement of the day, and advices say in detail what a
statement books in one sum. An entry is known by what its bank says of it; of several that are alike in all of that, one
statement brings as many as it has, less those that came before from statements of the same time.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from dunwell.records.models import BankAccount, BankLine, BankLineState, BankStatement
from dunwell.records.pieces import in_pieces
from dunwell.sources.bank.pieces import Line


@dataclass
class Entry:
    """An entry of the statement that is read, with those of its parts that have been read so far.

    `occurrence`: which of those alike it is, once that is told. `known`: the line of the book that it is, where that is
    a single one which nobody has looked at.
    """

    key: str
    booked_on: date
    parts: list[Line] = field(default_factory=list)
    occurrence: int = 0
    is_new: bool = False
    known: int | None = None


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

    def __init__(self, account: BankAccount, statement: BankStatement) -> None:
        self.account = account
        self.apart = _apart(account, statement)
        self.seen: Counter[str] = Counter()

    def tell(self, entries: Sequence[Entry]) -> None:
        """Say of each entry, in the order of the statement, whether it is new, and which of those alike it is."""
        there: dict[str, dict[int, list[BankLine]]] = defaultdict(lambda: defaultdict(list))
        for keys in in_pieces({entry.key for entry in entries}):
            found = BankLine.objects.filter(account=self.account, entry_key__in=keys)
            for line in found.select_related("statement").order_by("pk"):
                there[line.entry_key][line.occurrence].append(line)
        for entry in entries:
            alike = there[entry.key]
            apart = {at for at, lines in alike.items() if lines[0].statement.pk in self.apart}
            repeated = sorted(alike.keys() - apart)
            number = self.seen[entry.key]
            self.seen[entry.key] += 1
            if number < len(repeated):
                entry.occurrence = repeated[number]
                lines = alike[entry.occurrence]
                is_whole = len(lines) == 1 and lines[0].state == BankLineState.OPEN
                entry.known = lines[0].pk if is_whole else None
            else:
                entry.is_new = True
                entry.occurrence = max(alike, default=-1) + 1 + number - len(repeated)


def _apart(account: BankAccount, statement: BankStatement) -> set[int]:
    """The statements that share no entry with this one: by days and balances, one begins where the other ends.

    One with the same balances may be the same, sent again.
    """
    others = account.statements.filter(kind=statement.kind).exclude(pk=statement.pk)
    return {other.pk for other in others if _follows(statement, other) or _follows(other, statement)}


def _follows(later: BankStatement, earlier: BankStatement) -> bool:
    if later.from_on is None or earlier.to_on is None or later.opening_minor is None:
        return False
    alike = (later.opening_minor, later.closing_minor) == (earlier.opening_minor, earlier.closing_minor)
    return earlier.to_on <= later.from_on and earlier.closing_minor == later.opening_minor and not alike
