"""Take in what banks send: every statement of a file, each entry once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from django.db import transaction

from dunwell.engine.money import format_minor
from dunwell.flows.book.tables import mapped_by, refusing
from dunwell.flows.cash.apart import apart
from dunwell.flows.cash.entries import Entry, Known, gave_way, lock_waiting, ref_of
from dunwell.flows.cash.heads import Head, heads
from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.progress import Progress, untold
from dunwell.records import audit
from dunwell.records.models import BankAccount, BankLine, BankStatement, Entity
from dunwell.records.views.statements import hole_before
from dunwell.sources.bank.balances import balanced
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened, Pieces
from dunwell.sources.bank.sniff import Reader, read
from dunwell.sources.bank.table import reader_by
from dunwell.sources.bank.table_mapping import read_bank_mapping
from dunwell.sources.packed import BYTES_MAX, files_in
from dunwell.sources.problems import Problems

LINES_AT_ONCE: Final = 2_000


@dataclass(kw_only=True)
class StatementReport:
    """What a statement brought. Sums are signed minor units; `known` are entries that were in the book already.

    `detailed`: lines that say in detail what another statement had brought in one sum. `not_booked`: what the bank has
    only announced. `without_reference`: lines of a report or an advice that only the statement of the day can tell from
    others. `warnings` are for a person.
    """

    account: str
    entity: str
    kind: str
    statement_id: str
    currency: str
    lines: int = 0
    lines_minor: int = 0
    known: int = 0
    detailed: int = 0
    not_booked: int = 0
    without_reference: int = 0
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What a file brought. `is_known`: the very file was taken in before, and nothing was done."""

    file: str
    digest: str
    is_known: bool
    statements: tuple[StatementReport, ...] = ()


def import_statements(
    path: Path,
    *,
    mapping: Path | None = None,
    entity: Entity | None = None,
    unpacked_bytes_max: int = BYTES_MAX,
    by: str,
    at: datetime,
    progress: Progress = untold,
) -> tuple[FileReport, ...]:
    """Take in the statements of a file, all or none; the same again, and what overlaps, changes nothing.

    Of a ZIP archive these are the statements of all its files, one after the other; a report for each of them.
    `mapping`: a file that says which column of a table is what; without it the format is told by what is in the file.
    `entity`: whose accounts they have to be of, where somebody says so. Lines are kept as the bank says them, and are
    applied by nobody yet. Errors: NotFound for a file that is not there; Invalid with every problem and its place;
    Conflict for one that is written to meanwhile.
    """
    reader = read if mapping is None else reader_by(mapped_by(mapping, read_bank_mapping))
    try:
        progress(f"reading {path.name}")
        with refusing(path), transaction.atomic(), closing(files_in(path, unpacked_bytes_max)) as files:
            return tuple(
                _take_in(file, name, reader, mapping=mapping, entity=entity, by=by, at=at, progress=progress)
                for name, file in files
            )
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from None


def _take_in(
    path: Path, name: str, reader: Reader, *, mapping: Path | None, entity: Entity | None, by: str, at: datetime,
    progress: Progress,
) -> FileReport:  # fmt: skip
    """Take in the statements of one file, in the caller's transaction."""
    digest = digest_of(path, mapping)
    there = BankStatement.objects.filter(digest=digest)
    if there.exists() and not (entity and there.exclude(entity=entity).exists()):
        return FileReport(file=name, digest=digest, is_known=True)
    problems = Problems(name)
    pieces = reader(path, problems, partial(progress, f"reading {name}"))
    coming = list(heads(balanced(pieces, problems), entity, problems))
    problems.refuse()
    if digest_of(path, mapping) != digest:
        raise Conflict(f"{name} was written to while it was read: take it in again")
    taking = _Taking(name, digest=digest, is_table=mapping is not None, by=by, at=at)
    pieces = reader(path, problems, partial(progress, f"taking in {name}"))
    return FileReport(file=name, digest=digest, is_known=False, statements=tuple(taking.statements(pieces, coming)))


def digest_of(path: Path, mapping: Path | None) -> str:
    """The SHA-256 of a file, and of the mapping behind it: by another one, other rows of it are other lines."""
    digest = hashlib.sha256()
    for each in filter(None, (path, mapping)):
        with each.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


class _Taking:
    """A file on its way into the book, within a transaction."""

    def __init__(self, source: str, *, digest: str, is_table: bool, by: str, at: datetime) -> None:
        self.source = source
        self.digest = digest
        self.by = by
        self.at = at
        self.is_table = is_table
        self.before: list[int] = []  # the statements of the file that are taken in
        self.seen: dict[int, Counter[str]] = defaultdict(Counter)
        self.locked: set[int] = set()  # the entities whose lines that wait are

    def known(self, account: BankAccount, statement: BankStatement, whole: Head) -> Known:
        """What is known when a statement begins; all rows of an account in a table are one, however they are mixed."""
        before = [] if self.is_table else self.before
        seen = self.seen[account.pk] if self.is_table else None
        return Known(statement, apart(account, statement, before, whole.days), seen)

    def gave_way(self, line: BankLine) -> BankLine | None:
        """Take out a line that is said in detail now; before the first of them, all that could be are locked."""
        if line.entity_id not in self.locked:
            lock_waiting(line.entity_id)
            self.locked.add(line.entity_id)
        return gave_way(line.pk, by=self.by, at=self.at)

    def statements(self, pieces: Pieces, heads: Iterable[Head]) -> Iterator[StatementReport]:
        """Take in one statement after the other."""
        coming = iter(heads)
        one: _Statement | None = None
        for piece in pieces:
            match piece:
                case Opened():
                    one = _Statement(next(coming), piece, self)
                    self.before.append(one.row.pk)
                case Line() if one:
                    one.line(piece)
                case Closed() if one:
                    yield one.closed()
                    one = None


class _Statement:
    """A statement that is being read."""

    def __init__(self, whole: Head, head: Opened, taking: _Taking) -> None:
        # Of two files at once with the same entries, the second waits for the first, and sees what it brought.
        self.account = (
            BankAccount.objects.select_for_update(no_key=True, of=("self",))
            .select_related("entity")
            .get(pk=whole.account.pk)
        )
        account = self.account
        self.taking = taking
        self.is_last_word = head.kind is Kind.STATEMENT
        self.row = BankStatement.objects.create(
            entity=account.entity, account=account, kind=head.kind, statement_id=head.statement_id,
            from_on=whole.from_on, to_on=whole.to_on, opening_minor=whole.opening_minor,
            closing_minor=whole.closing_minor, file=taking.source, digest=taking.digest, imported_at=taking.at,
        )  # fmt: skip
        self.known = taking.known(self.account, self.row, whole)
        self.report = StatementReport(
            account=account.number, entity=account.entity.code, kind=head.kind, statement_id=head.statement_id,
            currency=account.currency,
        )  # fmt: skip
        self.waiting: list[tuple[Entry, Line]] = []
        self.entry: Entry | None = None
        self.entry_no = 0

    def line(self, line: Line) -> None:
        """Take a line in, or count why not."""
        if not line.is_booked or line.booked_on is None:  # a booked one without its day was refused
            self.report.not_booked += 1
            return
        if line.entry_no != self.entry_no:
            self._keep_whole()
            is_told = self.is_last_word or ref_of(line)
            self.entry, self.entry_no = Entry.of(line, line.booked_on) if is_told else None, line.entry_no
        if self.entry is None:
            self.report.without_reference += 1
            return
        self.waiting.append((self.entry, line))

    def closed(self) -> StatementReport:
        """Keep what is left, and tell."""
        self._keep()
        self.row.lines_count = self.report.lines
        self.row.save(update_fields=["lines_count"])
        self._tell_gap()
        self._tell_same()
        told = {name: value for name, value in asdict(self.report).items() if name not in ("account", "entity")}
        audit.record(
            self.taking.by, "statement.imported", self.row, at=self.taking.at, entity_id=self.row.entity_id,
            bank_account=self.account.number, file=self.row.file, digest=self.row.digest, **told,
        )  # fmt: skip
        return self.report

    def _keep_whole(self) -> None:
        """Keep what waits, once there is enough of it; only whole entries, so that their parts are known."""
        if len(self.waiting) >= LINES_AT_ONCE:
            self._keep()

    def _keep(self) -> None:
        entries = {id(entry): entry for entry, _line in self.waiting}
        for entry, line in self.waiting:
            entry.parts.append(line)
        self.known.tell(list(entries.values()))
        rows: list[BankLine] = []
        for entry in entries.values():
            # An advice says in detail what a statement booked in one sum.
            known = entry.known if entry.says_more else None
            whole = self.taking.gave_way(known) if known else None
            if whole:
                self.report.detailed += len(entry.parts)
            elif entry.is_new:
                self.report.lines += len(entry.parts)
                self.report.lines_minor += sum(line.amount_minor for line in entry.parts)
            else:
                self.report.known += 1
                continue
            taken_back = whole is not None and whole.taken_back  # what a person took back is theirs in detail, too
            rows += [self._row(entry, line, taken_back=taken_back) for line in entry.parts]
        BankLine.objects.bulk_create(rows, batch_size=500)
        self.waiting = []

    def _row(self, entry: Entry, line: Line, *, taken_back: bool) -> BankLine:
        party = line.party
        return BankLine(
            entity=self.account.entity, account=self.account, statement=self.row, entry_key=entry.key,
            occurrence=entry.occurrence, part_no=line.part_no, entry_minor=line.entry_minor,
            amount_minor=line.amount_minor, currency=line.currency, booked_on=entry.booked_on, valued_on=line.valued_on,
            is_reversal=line.is_reversal, code=line.code, entry_ref=line.entry_ref,
            bank_ref=line.bank_ref, end_to_end_ref=line.end_to_end_ref, mandate_ref=line.mandate_ref,
            reference=line.reference, text=line.text, documents=[asdict(each) for each in line.documents],
            party_name=party.name, party_iban=party.iban, party_account=party.account,
            party_bic=party.bic, on_behalf_of=line.on_behalf_of, return_reason=line.return_reason,
            charges_minor=line.charges_minor, instructed_minor=line.instructed_minor,
            instructed_currency=line.instructed_currency, taken_back=taken_back,
        )  # fmt: skip

    def _tell_gap(self) -> None:
        """Warn where the balance before is not where this statement begins: one between them is missing."""
        hole = hole_before(self.row.pk)
        if hole:
            ended, begins = (
                format_minor(minor or 0, self.account.currency) for minor in (hole.ended_minor, self.row.opening_minor)
            )
            self.report.warnings.append(
                f"it begins with {begins}, and the last one before it, of {hole.since_on}, ended with {ended}: "
                "a statement between them is missing"
            )

    def _tell_same(self) -> None:
        """Warn where one of the same end and balances was taken in, and its entries are not those of this one."""
        row = self.row
        if not (self.is_last_word and self.report.lines) or row.opening_minor is None or row.closing_minor is None:
            return
        same = (
            self.account.statements.filter(
                kind=Kind.STATEMENT, to_on=row.to_on, opening_minor=row.opening_minor, closing_minor=row.closing_minor
            )
            .exclude(pk=row.pk)
            .order_by("pk")
            .last()
        )
        if same:
            self.report.warnings.append(
                f"{same.file} brought a statement until {same.to_on} with the same balances, in other words: "
                "look whether the same money is there twice"
            )
