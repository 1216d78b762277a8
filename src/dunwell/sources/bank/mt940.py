"""MT940 (a statement) and MT942 (a report within the day), as banks write them: with SWIFT's blocks, or without.

A statement of several messages (:62M:, then :60M:) is read as one statement for each, which must follow each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from dunwell.engine.money import MoneyError, format_minor
from dunwell.sources.bank import mt940_fields as f
from dunwell.sources.bank.codes import FieldError
from dunwell.sources.bank.mt940_line import Pending, line_of
from dunwell.sources.bank.mt940_totals import Totals
from dunwell.sources.bank.pieces import Closed, Kind, Opened, Pieces
from dunwell.sources.bank.text_lines import TextLines
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import Progress

LOOSE_MAX: Final = 20  # lines of a transfer's own, around a message
READ: Final = {"940": Kind.STATEMENT, "950": Kind.STATEMENT, "942": Kind.INTERIM}
HEAD: Final = frozenset({"20", "21", "25", "25P", "28", "28C", "13", "13D", "34F", "60", "60F", "60M"})


def read(path: Path, problems: Problems, progress: Progress | None = None) -> Pieces:
    """Read a file of statements or reports; what is wrong goes to `problems`. Errors: OSError."""
    reader = _Reader(problems)
    lines = TextLines(path, problems, progress)
    for found in f.fields(lines, problems):
        yield from reader.take(found)
        if reader.is_over:
            return
    if lines.is_whole:
        yield from reader.ends()


@dataclass
class _Message:
    """The message that is being read."""

    line: int
    kind: Kind | None = None
    head: dict[str, str] = field(default_factory=dict)
    account: str = ""
    bank: str = ""
    currency: str = ""
    opening: f.Balance | None = None
    closing: f.Balance | None = None
    reported_on: date | None = None
    last_line: int = 0
    closed_line: int = 0
    is_open: bool = False
    is_broken: bool = False  # its head lacks what its lines need
    has_lines: bool = False
    has_end: bool = False  # nothing but notes may follow
    n: int = 0
    far: list[tuple[int, f.Movement]] = field(default_factory=list)  # booked far from their value dates

    @property
    def since(self) -> date | None:
        """The first day on which its movements can be booked, where it is told."""
        return self.opening.on if self.opening else self.reported_on and self.reported_on - timedelta(f.NEAR_DAYS)

    def told_far(self) -> Iterator[tuple[int, str]]:
        """Movements whose day of booking neither their value date nor the days of the message prove."""
        since, until = self.since, self.closing.on if self.closing else self.reported_on
        for line, movement in self.far:
            if not (since and until and since <= movement.booked_on <= until):
                days = f"far from its value date {movement.valued_on} and not within the days of its statement"
                yield line, f"it was booked on {movement.booked_on}, {days}: ask the bank for the right day"


class _Reader:
    """What is known of a file while its fields come."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.message: _Message | None = None
        self.pending: Pending | None = None
        self.next_kind: Kind | None = None
        self.refused = ""  # the number of a message that is none of ours, till the next one
        self.page: tuple[str, f.Balance] | None = None
        self.totals = Totals()
        self.messages = self.loose = self.last_line = 0
        self.in_block = self.is_over = False

    def take(self, found: f.Field) -> Pieces:
        """Read one field, and yield what is complete by it."""
        self.last_line = found.line
        if found.tag == f.LOOSE:
            self._loose(found)
        elif found.tag in {f.END, f.HEADER}:
            yield from self._ends(found.line)
            self._header(found)
        elif self.refused:
            return
        elif found.tag in {"86", "NS"}:
            self._text(found)
        else:
            yield from self._flush()
            yield from self._field(found)
        if self.message:
            self.message.last_line = found.line

    def ends(self) -> Pieces:
        """The file is read."""
        message = self.message
        if message and (self.in_block or (message.kind is Kind.INTERIM and not message.has_end)):
            self.problems.add(self.last_line, "", "the file ends within a message, without its end sign: get it again")
        yield from self._ends(self.last_line)
        if not self.messages and not self.problems.count:
            self.problems.add(1, "", "there is no MT940 or MT942 in the file: it has no field :20: or :25:")

    def _loose(self, found: f.Field) -> None:
        self.loose += 1
        number = re.fullmatch(r":?(94[0-9]|950)(?: \d\d)?:?\s*", found.texts[0])
        if number:
            self.next_kind = READ.get(number[1])
        if self.loose > LOOSE_MAX:
            self.is_over = True
            said = f"more than {LOOSE_MAX} lines are of no field: this is no MT940 or MT942, or it is damaged"
            self.problems.add(found.line, "", said)

    def _header(self, found: f.Field) -> None:
        text = found.texts[0]
        if text.startswith("-}"):
            self.in_block = False
        if "{4:" in text:
            self.in_block, self.refused = True, ""
            if text.partition("{4:")[2].strip():
                self.problems.add(found.line, "", "a field stands in the line of its message's header: it is damaged")
        number = re.search(r"\{2:[IO](\d{3})", text)
        if number:
            self.next_kind = READ.get(number[1])
            if not self.next_kind:
                self.refused = number[1]
                said = f"this is an MT{number[1]}, and MT940, MT942 and MT950 are read"
                self.problems.add(found.line, "", said)

    def _text(self, found: f.Field) -> None:
        if not self.pending:
            return  # of the statement as a whole
        texts = self.pending.texts if found.tag == "86" else self.pending.coded
        texts += found.texts
        self.pending.chars += sum(map(len, found.texts)) + len(found.texts)  # a line without a sign is one, too
        if self.pending.chars > f.FIELD_CHARS_MAX:
            self.is_over = True
            said = f"its movement has more than {f.FIELD_CHARS_MAX:,} signs of text, which no bank writes"
            self._problem(found, f"{said}: get the file again")

    def _field(self, found: f.Field) -> Pieces:
        if found.tag == "20" or not self.message or (found.tag in HEAD and self.message.has_end):
            yield from self._ends(found.line)
            self.message = _Message(found.line, self.next_kind, last_line=found.line)
            self.next_kind, self.loose = None, 0
            self.messages += 1
        message = self.message
        try:
            if found.tag in HEAD:
                self._head(message, found)
            else:
                yield from self._open(message)
                self._body(message, found)
        except (FieldError, MoneyError) as error:
            self._problem(found, str(error))
            message.is_broken |= found.tag in HEAD
            message.has_end |= found.tag.startswith("62")

    def _head(self, message: _Message, found: f.Field) -> None:
        tag, text = found.tag[:2], found.texts[0].strip()
        if message.is_open:
            self._problem(found, "it stands after the head of its message: a line is damaged, or one is missing")
            return
        if tag in message.head and tag != "34":
            self._problem(found, "it stands twice in the head of its message")
            return
        message.head[tag] = text
        if tag == "25":
            message.account, message.bank, currency = f.account_of(found.texts)
            message.currency = message.currency or currency
        elif tag == "60":
            message.opening = f.balance_of(text)
            message.currency = message.opening.currency
        elif tag == "34":
            message.currency, message.kind = f.limit_currency(text), Kind.INTERIM
        elif tag == "13":
            message.reported_on, message.kind = f.day_of(_digits(text)), Kind.INTERIM

    def _open(self, message: _Message) -> Pieces:
        """Open the statement, when its first field after the head comes."""
        if message.is_open:
            return
        message.is_open = True
        if not message.kind:
            message.kind = Kind.STATEMENT
        opening = message.opening
        lacking = []
        if not message.account and "25" not in message.head:
            lacking.append("the account (:25:)")
        if message.kind is Kind.STATEMENT and "60" not in message.head:
            lacking.append("the opening balance (:60F:)")
        elif not message.currency and not message.is_broken:
            lacking.append("the currency (:34F:)")
        if lacking:
            self.problems.add(
                message.line, "", f"the message lacks {' and '.join(lacking)}: get it again from the bank"
            )
        if lacking or message.is_broken:
            message.is_broken = True
            return
        self._follows(message)
        self.totals.begins(message.head.get("28", ""), message.account)
        yield Opened(
            line=message.line,
            kind=message.kind,
            account=message.account,
            currency=message.currency,
            statement_id=" ".join(filter(None, (message.head.get("20"), message.head.get("28")))),
            bank=message.bank,
            from_on=opening.on if opening else message.reported_on,
            to_on=message.reported_on,
            opening_minor=opening.minor if opening else None,
        )

    def _follows(self, message: _Message) -> None:
        """Check that a page begins with what the page before it ended with."""
        page, self.page = self.page, None
        if page and page[0] == message.account and message.opening:
            told = message.opening
            if (page[1].minor, page[1].currency) != (told.minor, told.currency):
                ended = format_minor(page[1].minor, page[1].currency)
                said = f"the page before it ended with {ended}, and this one begins with"
                self.problems.add(
                    message.line, ":60M:", f"{said} {format_minor(told.minor, told.currency)}: a page is missing"
                )

    def _body(self, message: _Message, found: f.Field) -> None:
        if found.tag == "61":
            if message.has_end:
                self._problem(found, "a movement stands after the end of its statement: a field is missing before it")
            elif not message.is_broken:
                message.has_lines = True
                movement = f.movement_of(found.texts, message.currency, message.reported_on, message.since)
                if f.is_far(movement.booked_on, movement.valued_on):
                    message.far.append((found.line, movement))
                self.pending = Pending(found.line, movement)
        elif found.tag.startswith("62"):
            self._closing(message, found)
        elif found.tag.startswith("90"):
            message.has_end = True
            if not message.is_broken:
                self.totals.check(found, message.currency)
        else:
            f.balance_of(found.texts[0])  # what can be drawn: nobody here needs it

    def _closing(self, message: _Message, found: f.Field) -> None:
        if "62" in message.head:
            self._problem(found, "the statement has two closing balances")
            return
        message.has_end, message.closed_line, message.head["62"] = True, found.line, ""
        closing = f.balance_of(found.texts[0])
        if message.is_broken:
            return
        if closing.currency != message.currency:
            raise FieldError(f"it is in {closing.currency}, and the statement in {message.currency}")
        message.closing = closing
        self.page = (message.account, closing) if found.tag == "62M" else None

    def _flush(self) -> Pieces:
        """The movement has all its text."""
        pending, self.pending = self.pending, None
        message = self.message
        if pending and message and not message.is_broken:
            message.n += 1
            self.totals.add(pending.movement.minor)
            yield line_of(pending, message.n, message.currency)

    def _ends(self, line: int) -> Pieces:
        """The message is complete, or the file ends."""
        yield from self._flush()
        message, self.message = self.message, None
        if not message:
            return
        yield from self._open(message)
        if message.kind is Kind.STATEMENT and not message.has_end and not message.is_broken:
            said = "the statement ends without its closing balance (:62F:): the file is cut, get it again"
            self.problems.add(message.last_line or line, "", said)
        if not message.is_broken:
            for at, said in message.told_far():
                self.problems.add(at, ":61:", said)
            closing = message.closing
            yield Closed(
                message.closed_line or message.last_line,
                closing.minor if closing else None,
                closing.on if closing else None,
            )

    def _problem(self, found: f.Field, said: str) -> None:
        self.problems.add(found.line, f":{found.tag}:", said)


def _digits(text: str) -> str:
    """The date that begins :13D:. Errors: FieldError."""
    if not re.match(r"\d{6}", text, re.ASCII):
        raise FieldError(f"{shown(text)} does not begin with a date, such as 2603311815+0100")
    return text[:6]
