"""OFX 1.x and 2.x: statements of bank accounts and of cards. It has no opening balance, so nothing can be added up.

Investments, loans, and what else a server answers are left out; a file of which nothing is read is refused by name.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

from dunwell.engine.money import CURRENCIES, MoneyError, exponent, not_in_use, to_minor
from dunwell.sources.bank.codes import FieldError, iban_of, party_of, reference_of
from dunwell.sources.bank.ofx_events import Event, events
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened, Pieces
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import Progress

READ_MESSAGES: Final = frozenset({"SIGNONMSGSRSV1", "BANKMSGSRSV1", "CREDITCARDMSGSRSV1"})
STATEMENTS: Final = frozenset({"STMTRS", "CCSTMTRS"})
# What is no booked money of ours, whatever its names are called.
LEFT_OUT: Final = frozenset({"BANKTRANLISTP", "AVAILBAL", "BALLIST", "IMAGEDATA"})
Values: TypeAlias = dict[str, tuple[int, str]]  # by name: the line, and the value
MOVEMENT_CHARS_MAX: Final = 20_000
_DAY: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{4}(?:\d{2})?(?:\.\d{1,6})?)?\s*(?:\[[^\]]{0,20}\])?")
THOUSAND_DIGITS: Final = 3
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")
_AMOUNT: Final = re.compile(r"[+-]?(?:\d{1,40}(?:[.,]\d{0,40})?|[.,]\d{1,40})")


def read(path: Path, problems: Problems, progress: Progress | None = None) -> Pieces:
    """Read the statements of a file; what is wrong goes to `problems`. Errors: OSError."""
    reader = _Reader(problems)
    for event in events(path, problems, progress):
        yield from reader.take(event)
        if reader.is_over:
            return
    reader.ends()


@dataclass
class _Statement:
    """The statement that is being read."""

    line: int
    values: Values = field(default_factory=dict)
    is_open: bool = False
    is_broken: bool = False
    n: int = 0
    closing_minor: int | None = None
    closing_on: date | None = None

    def value(self, name: str) -> str:
        return self.values.get(name, (0, ""))[1]


class _Reader:
    """What is known of a file while it is read."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.statement: _Statement | None = None
        self.movement: Values = {}
        self.movement_line = self.movement_chars = 0
        self.is_over = False
        self.status: dict[str, str] = {}
        self.balance: Values = {}
        self.found: dict[str, None] = {}
        self.statements = 0

    def take(self, event: Event) -> Pieces:
        """Read one event, and yield what is complete by it."""
        messages = event.path[1] if len(event.path) > 1 else ""
        if messages and messages not in READ_MESSAGES:
            self.found[messages] = None
            return
        if LEFT_OUT.intersection(event.path):
            return
        if event.kind == "value":
            self._value(event)
        elif event.kind == "opens":
            yield from self._opens(event)
        else:
            yield from self._closes(event)

    def ends(self) -> None:
        """The file is read."""
        if not self.statements and not self.problems.count:
            other = f": it has {', '.join(self.found)}, which is not read" if self.found else ""
            self.problems.add(1, "", f"there is no statement of a bank account or a card in the file{other}")

    def _value(self, event: Event) -> None:
        group = event.path[-1] if event.path else ""
        if group == "STATUS":
            self.status[event.name] = event.value
        elif "STMTTRN" in event.path:
            self._of_movement(event, group)
        elif group == "LEDGERBAL":
            self.balance[event.name] = (event.line, event.value)
        elif self.statement and group in STATEMENTS | {"BANKACCTFROM", "CCACCTFROM", "BANKTRANLIST"}:
            self.statement.values.setdefault(event.name, (event.line, event.value))

    def _of_movement(self, event: Event, group: str) -> None:
        name = event.name if group == "STMTTRN" else f"{group}/{event.name}"
        self.movement_chars += len(event.value) + 1  # a value without a sign is one, too
        if self.movement_chars > MOVEMENT_CHARS_MAX:
            self.is_over = True
            said = f"its movement has more than {MOVEMENT_CHARS_MAX:,} signs, which no bank writes: get the file again"
            self.problems.add(event.line, event.name, said)
        elif name == "MEMO" and name in self.movement:
            line, before = self.movement[name]
            self.movement[name] = (line, f"{before}\n{event.value}")
        else:
            self.movement.setdefault(name, (event.line, event.value))

    def _opens(self, event: Event) -> Pieces:
        if event.name in STATEMENTS:
            self.statement = _Statement(event.line)
            self.statements += 1
        elif event.name == "STMTTRN":
            self.movement, self.movement_line, self.movement_chars = {}, event.line, 0
            if self.statement:
                yield from self._open(self.statement)
            else:
                self.problems.add(event.line, "", "a movement stands outside of a statement: the file is damaged")
        elif event.name == "STATUS":
            self.status = {}
        elif event.name == "LEDGERBAL":
            self.balance = {}

    def _closes(self, event: Event) -> Pieces:
        statement = self.statement
        if event.name == "STATUS" and self.status.get("SEVERITY", "").upper() == "ERROR":
            said = self.status.get("MESSAGE") or "it says no more"
            self.problems.add(event.line, "STATUS", f"the bank refused: {shown(said)} (code {self.status.get('CODE')})")
        elif event.name == "STMTTRN" and statement and not statement.is_broken:
            try:
                yield _line(statement, self.movement, self.movement_line)
            except _ValueError as error:
                self.problems.add(error.line or self.movement_line, error.name, str(error))
        elif event.name == "LEDGERBAL" and statement:
            yield from self._open(statement)
            self._ledger(statement)
        elif event.name in STATEMENTS and statement:
            yield from self._open(statement)
            self.statement = None
            if not statement.is_broken:
                yield Closed(event.line, statement.closing_minor, statement.closing_on)

    def _open(self, statement: _Statement) -> Pieces:
        if statement.is_open:
            return
        statement.is_open = True
        account, currency = statement.value("ACCTID"), statement.value("CURDEF")
        if not account:
            self._broken(statement, "ACCTID", "the account is missing or empty")
        if currency not in CURRENCIES:
            self._broken(statement, "CURDEF", not_in_use(currency) if currency else "the currency is missing or empty")
        days = []
        for name in ("DTSTART", "DTEND"):
            line, text = statement.values.get(name, (0, ""))
            try:
                days.append(day_of(text) if text else None)
            except FieldError as error:
                self.problems.add(line, name, str(error))
                days.append(None)
        if not statement.is_broken:
            yield Opened(
                line=statement.line,
                kind=Kind.STATEMENT,
                account=iban_of(account) or account,
                currency=currency,
                bank=statement.value("BANKID"),
                from_on=days[0],
                to_on=days[1],
            )

    def _broken(self, statement: _Statement, name: str, said: str) -> None:
        statement.is_broken = True
        self.problems.add(statement.values.get(name, (statement.line, ""))[0], name, said)

    def _ledger(self, statement: _Statement) -> None:
        """Take the balance of booked money; an empty one says nothing."""
        if statement.is_broken or not self.balance.get("BALAMT", (0, ""))[1]:
            return
        try:
            statement.closing_minor = _minor(self.balance, "BALAMT", statement.value("CURDEF"))
            statement.closing_on = _date(self.balance, "DTASOF")
        except _ValueError as error:
            self.problems.add(error.line or statement.line, error.name, str(error))


class _ValueError(ValueError):
    """What is wrong with a value, which stands in `line` as `name`."""

    def __init__(self, line: int, name: str, said: str) -> None:
        super().__init__(said)
        self.line, self.name = line, name


def _line(statement: _Statement, movement: Values, movement_line: int) -> Line:
    """Put together a movement. Errors: _ValueError."""
    told = {name: value for name, (_line, value) in movement.items()}
    currency = statement.value("CURDEF")
    if corrected := told.get("CORRECTFITID"):
        said = f"it corrects an earlier movement, {shown(corrected)}: ask the bank for a new statement of those days"
        raise _ValueError(movement["CORRECTFITID"][0], "CORRECTFITID", said)
    other = told.get("CURRENCY/CURSYM", "")
    if other not in {"", currency}:
        said = f"the amount is in {other}, and the account is kept in {currency}: nobody can tell what was booked"
        raise _ValueError(movement["CURRENCY/CURSYM"][0], "CURSYM", said)
    minor = _minor(movement, "TRNAMT", currency)
    if not told.get("DTPOSTED"):
        raise _ValueError(movement_line, "DTPOSTED", "the day of the movement is missing or empty")
    booked_on, valued_on = _date(movement, "DTPOSTED"), _date(movement, "DTAVAIL")
    statement.n += 1
    names = [told.get(name, "") for name in ("EXTDNAME", "PAYEE/NAME", "NAME")]
    name = next(filter(None, names), "")
    texts = [told.get("MEMO", ""), *(other for other in names if other != name)]
    texts += [f"ORIGCURRENCY {told['ORIGCURRENCY/CURSYM']}"] if told.get("ORIGCURRENCY/CURSYM") else []
    references = [reference_of(told.get(name, "")) for name in ("REFNUM", "CHECKNUM")]
    references = [reference for reference in references if reference.strip("0")]
    return Line(
        line=movement_line,
        entry_no=statement.n,
        entry_minor=minor,
        part_no=1,
        amount_minor=minor,
        currency=currency,
        booked_on=booked_on,
        valued_on=valued_on,
        code=told.get("TRNTYPE", ""),
        bank_ref=told.get("FITID", ""),
        end_to_end_ref=next(iter(references), ""),
        text="\n".join(filter(None, [*texts, *references[1:]])),
        party=party_of(
            name,
            told.get("BANKACCTTO/ACCTID", "") or told.get("CCACCTTO/ACCTID", ""),
            told.get("BANKACCTTO/BANKID", ""),
        ),
    )


def _minor(values: Values, name: str, currency: str) -> int:
    """An amount in minor units; its decimals stand after a point or a comma. Errors: _ValueError.

    Three digits behind the mark may be thousands, also where they are zeros.
    """
    line, text = values.get(name, (0, ""))
    if not _AMOUNT.fullmatch(text):
        said = f"{shown(text)} is no amount" if text else "the amount is missing or empty"
        raise _ValueError(line, name, f"{said}: it is written as -1234.50")
    try:
        if _THOUSANDS.fullmatch(text) and exponent(currency) < THOUSAND_DIGITS:
            said = f"{shown(text)} may be thousands behind a mark that parts them"
            raise _ValueError(line, name, f"{said}: it is written as -1234.50")
        return to_minor(text.replace(",", "."), currency)
    except MoneyError as error:
        raise _ValueError(line, name, str(error)) from None


def _date(values: Values, name: str) -> date | None:
    line, text = values.get(name, (0, ""))
    try:
        return day_of(text) if text else None
    except FieldError as error:
        raise _ValueError(line, name, str(error)) from None


def day_of(text: str) -> date:
    """The day that a bank writes, such as `20260331120000.000[-5:EST]`: that of its own zone. Errors: FieldError."""
    found = _DAY.fullmatch(text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise FieldError(f"{shown(text)} is no day of the calendar, written as YYYYMMDD: ask the bank for the right one")
