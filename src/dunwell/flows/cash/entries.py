"""Which entries of a statement are in the book already, from whatever file they came.

Statements overlap, reports within the day come before the statement of the day, and advices say in detail what a
statement books in one sum. An entry is known by what its bank says of it; of several that are alike in all of that, one
statement brings as many as it has, less those that came before from statements of the same time.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
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

    `key`: what it is known by. `called_before`: what an earlier report knew it by, where the bank called only its one
    part; `part_ref`: what it calls that, where it calls the entry nothing. `is_referred`: its bank calls it by a
    reference. `occurrence`: which of those alike it is, once that is told. `known`: the line of the book that it is,
    where that is a single one that nobody has applied.
    """

    key: str
    booked_on: date
    called_before: str = ""
    part_ref: str = ""
    is_referred: bool = False
    parts: list[Line] = field(default_factory=list)
    occurrence: int = 0
    is_new: bool = False
    known: BankLine | None = None

    @classmethod
    def of(cls, line: Line, booked_on: date) -> "Entry":
        """An entry by its first part."""
        called = ref_of(line)
        alone = line.bank_ref if _is_alone(line) else ""
        return cls(
            key_of(line), booked_on, called_before=_key(line, alone) if line.entry_ref and alone else "",
            part_ref="" if line.entry_ref else alone, is_referred=bool(called),
        )  # fmt: skip

    @property
    def says_more(self) -> bool:
        """Whether it says in detail what the book has in one sum: many payments, or who paid one and what for."""
        if self.known is None:
            return False
        if len(self.parts) > 1:
            return True
        (part,), line = self.parts, self.known
        told = (part.reference, part.documents, part.end_to_end_ref, part.party.name, part.party.iban)
        there = (line.reference, line.documents, line.end_to_end_ref, line.party_name, line.party_iban)
        return (any(told) and not any(there)) or bool(part.text and not line.text)


def lock_waiting(entity_id: int) -> None:
    """Lock all lines of an entity that wait, in the order in which those who match and apply lock them.

    A file says in its own order what its lines are in detail: who has some of them would wait for the rest, and we for
    those.
    """
    waiting = BankLine.objects.filter(entity=entity_id, state__in=BANK_LINE_WAITS).order_by("pk")
    list(waiting.select_for_update().values_list("pk", flat=True))


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
    return _key(line, ref_of(line))


def _key(line: Line, ref: str) -> str:
    said = (ref,) if ref else _content(line)
    parts = (str(line.booked_on), str(line.entry_minor), line.currency, *said)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def ref_of(line: Line) -> str:
    """What the bank calls the entry, if anything; what it calls one part of several is no name of the whole."""
    return line.entry_ref or (line.bank_ref if _is_alone(line) else "")


def _is_alone(line: Line) -> bool:
    return line.amount_minor == line.entry_minor


def _content(line: Line) -> tuple[str, ...]:
    party = line.party
    text = " ".join(line.text.split())
    ours = (line.end_to_end_ref, line.mandate_ref, line.reference, text)
    return ("", str(line.valued_on), *ours, party.name, party.iban, party.account)


class Known:
    """The entries of one bank account that are in the book, as far as a statement may repeat them."""

    def __init__(self, statement: BankStatement, apart: Collection[int], seen: Counter[str] | None = None) -> None:
        self.account = statement.account
        self.is_last_word = statement.kind == Kind.STATEMENT
        self.apart = apart
        self.seen: Counter[str] = Counter() if seen is None else seen

    def tell(self, entries: Sequence[Entry]) -> None:
        """Say of each entry, in the order of the statement, whether it is new, and which of those alike it is."""
        there = self._there(entries)
        for entry in entries:
            if entry.called_before and entry.key not in there and entry.called_before in there:
                entry.key = entry.called_before
            alike = there.get(entry.key, {})
            others = self._others(entry, alike)
            repeated = sorted(alike.keys() - others)
            number = self.seen[entry.key]
            self.seen[entry.key] += 1
            if number < len(repeated):
                entry.occurrence = repeated[number]
                lines = alike[entry.occurrence]
                entry.known = lines[0] if len(lines) == 1 and lines[0].state in BANK_LINE_WAITS else None
            else:
                entry.is_new = True
                entry.occurrence = max(alike, default=-1) + 1 + number - len(repeated)

    def _there(self, entries: Sequence[Entry]) -> dict[str, dict[int, list[BankLine]]]:
        """The lines of the book by what their entries are known by, and which of those alike they are."""
        there: dict[str, dict[int, list[BankLine]]] = defaultdict(lambda: defaultdict(list))
        for keys in in_pieces({key for entry in entries for key in (entry.key, entry.called_before) if key}):
            for line in BankLine.objects.filter(account=self.account, entry_key__in=keys).order_by("pk"):
                there[line.entry_key][line.occurrence].append(line)
        if not self.is_last_word:
            self._by_part(
                {entry.part_ref: entry for entry in entries if entry.part_ref and entry.key not in there}, there
            )
        return there

    def _by_part(self, entries: Mapping[str, Entry], there: dict[str, dict[int, list[BankLine]]]) -> None:
        """Find entries that a report or an advice calls only by their one part, where a statement called both."""
        if not entries:
            return
        days = [entry.booked_on for entry in entries.values()]
        statements = self.account.statements.filter(
            kind=Kind.STATEMENT, from_on__lte=max(days), to_on__gte=min(days)
        ).values("pk")
        for refs in in_pieces(entries):
            for line in BankLine.objects.filter(statement__in=statements, bank_ref__in=refs).exclude(entry_ref=""):
                entry = entries[line.bank_ref]
                minor = entry.parts[0].entry_minor
                if (line.booked_on, line.entry_minor, line.amount_minor) == (entry.booked_on, minor, minor):
                    entry.key = line.entry_key
                    there[line.entry_key][line.occurrence].append(line)

    def _others(self, entry: Entry, alike: Mapping[int, Sequence[BankLine]]) -> set[int]:
        """Which of those alike are of statements apart, and so other entries.

        One that its bank calls by a reference is the same wherever it stands, unless a statement has several of it.
        """
        statement_of = {at: lines[0].statement_id for at, lines in alike.items()}
        if entry.is_referred and len({*statement_of.values()}) == len(statement_of):
            return set()
        return {at for at, statement_id in statement_of.items() if statement_id in self.apart}
