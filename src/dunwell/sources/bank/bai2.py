"""BAI2, as banks in the United States, Canada and Australia report balances and movements.

Every account, group and file ends with a control total and a count, which are checked. The amounts of a file stand in
the smallest unit of their currency: the account's, else the group's, else the dollar.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from dunwell.engine.money import CURRENCIES, not_in_use
from dunwell.sources.bank.bai2_records import Detail, Fields, Record, detail, is_credit, records, summaries
from dunwell.sources.bank.codes import FieldError, party_of, reference_of
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened, Pieces
from dunwell.sources.bank.text_lines import TextLines
from dunwell.sources.problems import Problems
from dunwell.sources.tables import Progress

OPENING, CLOSING = "010", "015"  # ledger balances: what is booked
NOT_MONEY: Final = "890"
INTERIM: Final = {"1", "3"}  # as-of-date modifiers of what is not final
REFUSED_GROUPS: Final = {"2": "asks to delete what was reported", "4": "is a test"}
_WORD: Final = re.compile(r"([A-Z]{4}): ?(.*)")  # a field of its own within the text
_RETURNS: Final = frozenset({"255", "257", "555", "557"})  # of checks, and of ACH payments


def read(path: Path, problems: Problems, progress: Progress | None = None) -> Pieces:
    """Read a file of accounts; what is wrong goes to `problems`. Errors: OSError."""
    reader = _Reader(problems)
    lines = TextLines(path, problems, progress)
    for record in records(lines, problems):
        yield from reader.take(record)
    if lines.is_whole:
        yield from reader.ends()


@dataclass
class _Level:
    """A file, group or account: where it begins, its control total, and how many records and parts it has so far."""

    line: int
    total: int = 0
    records: int = 0
    parts: int = 0


@dataclass
class _Group(_Level):
    """A group: whose it is, of which day, and in which currency."""

    originator: str = ""
    kind: Kind = Kind.STATEMENT
    as_of: date | None = None
    at: str = ""
    currency: str = ""


@dataclass
class _Account(_Level):
    """An account, with its balances; `is_broken`: its head cannot be read."""

    number: str = ""
    currency: str = ""
    balances: dict[str, int] = field(default_factory=dict)
    is_open: bool = False
    is_broken: bool = False
    n: int = 0


class _Reader:
    """What is known of a file while its records come."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.file: _Level | None = None
        self.group: _Group | None = None
        self.account: _Account | None = None
        self.is_over = False
        self.last_line = 1

    def take(self, record: Record) -> Pieces:
        """Read one record, and yield what is complete by it."""
        self.last_line = record.line
        expected = self._expected()
        if record.code not in expected:
            said = f"record {record.code} stands where {' or '.join(expected) or 'nothing'} is expected"
            self.problems.add(record.line, "", f"{said}: a record is missing, or the file is cut")
        for level in (self.file, self.group, self.account):
            if level:
                level.records += record.n
        try:
            yield from self._read(record, Fields(record))
        except FieldError as error:
            self.problems.add(record.line, f"record {record.code}", str(error))
            if record.code == "03" and self.account:
                self.account.is_broken = True

    def ends(self) -> Pieces:
        """The file is read."""
        if not self.file and not self.is_over:
            self.problems.add(1, "", "there is no BAI2 in the file: it begins with a record 01")
        elif not self.is_over:
            self.problems.add(self.last_line, "", "the file ends without its record 99: it is cut, get it again")
        yield from self._close(self.last_line)

    def _expected(self) -> Sequence[str]:
        if self.account:
            return ["16", "49"]
        if self.group:
            return ["03", "98"]
        if self.file:
            return ["02", "99"]
        return [] if self.is_over else ["01"]

    def _read(self, record: Record, fields: Fields) -> Pieces:
        if record.code == "01":
            self.file, self.is_over = _Level(record.line, records=record.n), False
        elif record.code == "02":
            self._group(record, fields)
        elif record.code == "03":
            yield from self._close(record.line)
            self._account(record, fields)
        elif record.code == "16":
            yield from self._movement(record, fields)
        elif record.code == "49":
            yield from self._account_ends(record, fields)
        elif record.code == "98":
            self._group_ends(record, fields)
        else:
            self._file_ends(record, fields)

    def _group(self, record: Record, fields: Fields) -> None:
        self.group = _Group(record.line, records=record.n)
        _receiver, self.group.originator, status = fields.next(), fields.next(), fields.next()
        if status in REFUSED_GROUPS:
            raise FieldError(f"the group {REFUSED_GROUPS[status]} (status {status}), which is not taken")
        self.group.as_of = fields.day()
        self.group.at, self.group.currency = fields.next(), fields.next()
        self.group.kind = Kind.INTERIM if fields.next() in INTERIM else Kind.STATEMENT

    def _account(self, record: Record, fields: Fields) -> None:
        group = self.group or _Group(record.line)
        self.account = account = _Account(record.line, records=record.n, number=fields.next())
        account.currency = fields.next() or group.currency or "USD"
        if not account.number:
            raise FieldError("the account is empty")
        if account.currency not in CURRENCIES:
            raise FieldError(not_in_use(account.currency))
        for summary in summaries(fields):
            account.total += summary.minor
            account.balances.setdefault(summary.code, summary.minor)

    def _open(self) -> Pieces:
        account, group = self.account, self.group
        if not account or account.is_open or account.is_broken or not group:
            return
        account.is_open = True
        yield Opened(
            line=account.line,
            kind=group.kind,
            account=account.number,
            currency=account.currency,
            statement_id=" ".join([group.originator, str(group.as_of or ""), group.at]).strip(),
            bank=group.originator,
            from_on=group.as_of,
            to_on=group.as_of,
            opening_minor=account.balances.get(OPENING),
        )

    def _movement(self, record: Record, fields: Fields) -> Pieces:
        account, group = self.account, self.group
        if not account or not group:
            return
        yield from self._open()
        told = detail(fields)
        account.total += told.minor
        came = is_credit(told.code)
        if came is None and told.code != NOT_MONEY:
            raise FieldError(f"{told.code} is no type of movement that is known: ask the bank what it is")
        if account.is_broken or came is None:
            return
        account.n += 1
        minor = told.minor if came else -told.minor
        yield _line(told, Line(record.line, account.n, minor, 1, minor, account.currency, group.as_of, told.valued_on))

    def _account_ends(self, record: Record, fields: Fields) -> Pieces:
        account = self.account
        if account:
            self._check(record, "account", account, fields)
            if self.group:
                self.group.total += account.total
                self.group.parts += 1
        yield from self._close(record.line)

    def _close(self, line: int) -> Pieces:
        """End the account that is open."""
        yield from self._open()
        account, self.account = self.account, None
        if account and account.is_open:
            closing = account.balances.get(CLOSING)
            yield Closed(line, closing, self.group.as_of if self.group and closing is not None else None)

    def _group_ends(self, record: Record, fields: Fields) -> None:
        group, self.group = self.group, None
        if group:
            if self.file:
                self.file.total += group.total
                self.file.parts += 1
            self._check(record, "group", group, fields, "accounts")

    def _file_ends(self, record: Record, fields: Fields) -> None:
        file, self.file, self.is_over = self.file, None, True
        if file:
            self._check(record, "file", file, fields, "groups")

    def _check(self, record: Record, what: str, level: _Level, fields: Fields, parts: str = "") -> None:
        """Compare a control total and counts with what was read."""
        told = [("control total", fields.number("control total"), level.total)]
        if parts:
            told.append((f"number of {parts}", fields.number(parts), level.parts))
        told.append(("number of records", fields.number("records"), level.records))
        for name, said, found in told:
            if said != found:
                message = (
                    f"the {what}'s {name} is {said}, and {found} are there: {said - found} are missing or too many"
                )
                self.problems.add(record.line, f"record {record.code}", message)


def _line(told: Detail, line: Line) -> Line:
    """Add what a movement says beside its amount."""
    texts, words = _texts(told.texts)
    came = line.amount_minor >= 0
    side = ("DBNM", "DACT", "DBIC") if came else ("CRNM", "CACT", "CBIC")
    name, account, bank = (words.pop(word, "") for word in side)
    end_to_end_ref = reference_of(words.pop("EREF", "")) or reference_of(told.customer_ref)
    other = reference_of(told.customer_ref)
    more = [words.pop("REMI", ""), other if other != end_to_end_ref else ""]
    more += [f"{word}: {value}" for word, value in words.items() if value]
    return Line(
        line=line.line,
        entry_no=line.entry_no,
        entry_minor=line.entry_minor,
        part_no=1,
        amount_minor=line.amount_minor,
        currency=line.currency,
        booked_on=line.booked_on,
        valued_on=line.valued_on or (line.booked_on if told.funds == "0" else None),
        code=told.code,
        bank_ref=reference_of(told.bank_ref),
        end_to_end_ref=end_to_end_ref,
        text="\n".join(filter(None, [*texts, *more])),
        party=party_of(name, account, bank),
        return_reason=texts[0] if told.code in _RETURNS and texts else "",
    )


def _texts(texts: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Part a text from words of four letters with a colon, each in a continuation of its own, once."""
    plain, words = [], {}
    for text in texts:
        found = _WORD.fullmatch(text)
        if found and found[1] not in words:
            words[found[1]] = found[2].strip()
        else:
            plain.append(text)
    return plain, words
