"""The records of BAI2: lines put together with their continuations, and their fields one after another."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from dunwell.sources.bank.codes import FieldError
from dunwell.sources.bank.text_lines import TextLines
from dunwell.sources.problems import Problems, shown

RECORD_CHARS_MAX: Final = 100_000
CODES: Final = frozenset({"01", "02", "03", "16", "49", "98", "99"})
_BEGINS: Final = re.compile(r"\s*(\d\d)[,:/](.*)")
# Several records in one line, as of blocks of a fixed length: behind the slash of one, the next in its whole form.
_NEXT: Final = re.compile(
    r"/\s+(?=0[12],[^,/]*,[^,/]*,|03,[^,/]+,[A-Z]*,|16,\d{3},|49,[+-]?\d*,\d*\s*(?:/|$)"
    r"|9[89],[+-]?\d*,\d*,\d*\s*(?:/|$)|88,)"
)
_NO_TEXT: Final = re.compile(r"\s*(?:01|02|03|49|98|99)[,:/]")  # of these records nothing is a payer's
_NUMBER: Final = re.compile(r"[+-]?\d{1,30}")
_DAY: Final = re.compile(r"\d{6}")


@dataclass(slots=True)
class Record:
    """A record with its continuations: `parts` are their fields as written, `n` how many lines count."""

    line: int
    code: str
    parts: list[str]
    n: int = 1


@dataclass(frozen=True, slots=True)
class Summary:
    """A balance or total of an account (record 03): its type, and its amount in minor units."""

    code: str
    minor: int


@dataclass(frozen=True, slots=True)
class Detail:
    """A movement (record 16); `valued_on` where the bank says it, `texts` a line each."""

    code: str
    minor: int
    valued_on: date | None
    funds: str
    bank_ref: str
    customer_ref: str
    texts: tuple[str, ...]


class Fields:
    """The fields of a record in order, over its continuations; past the last one they are empty."""

    def __init__(self, record: Record) -> None:
        self._tokens = [(token, at) for at, part in enumerate(record.parts) for token in part.split(",")]
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Whether no field is left."""
        return self._at >= len(self._tokens)

    def next(self) -> str:
        """Take the next field."""
        if self.is_over:
            return ""
        self._at += 1
        return self._tokens[self._at - 1][0].strip()

    def number(self, name: str) -> int:
        """Take a whole number; an empty one is 0. Errors: FieldError."""
        text = self.next()
        if text and not _NUMBER.fullmatch(text):
            raise FieldError(f"{name}: {shown(text)} is no whole number, and amounts stand in the smallest unit")
        return int(text or 0)

    def day(self) -> date | None:
        """Take a date of six digits, or nothing. Errors: FieldError."""
        text = self.next()
        if not text:
            return None
        try:
            if _DAY.fullmatch(text):
                year = int(text[:2])
                return date(year + (2000 if year < 80 else 1900), int(text[2:4]), int(text[4:]))
        except ValueError:
            pass
        raise FieldError(f"{shown(text)} is no day of the calendar, written as YYMMDD: ask the bank for the right one")

    def funds(self) -> tuple[str, date | None]:
        """Take the funds type with what belongs to it; `V` has a value date. Errors: FieldError."""
        kind = self.next().upper()
        valued_on = None
        if kind == "S":
            for name in ("available at once", "available in a day", "available later"):
                self.number(name)
        elif kind == "V":
            valued_on = self.day()
            self.next()
        elif kind == "D":
            for _ in range(self.number("how many days are told")):
                if self.is_over:
                    break
                self.number("days")
                self.number("amount")
        elif kind not in {"", "0", "1", "2", "Z"}:
            raise FieldError(f"{shown(kind)} is no funds type: 0, 1, 2, S, V, D or Z")
        return kind, valued_on

    def texts(self) -> tuple[str, ...]:
        """Take everything that is left, a line for each continuation."""
        lines: dict[int, list[str]] = {}
        for token, at in self._tokens[self._at :]:
            lines.setdefault(at, []).append(token)
        self._at = len(self._tokens)
        return tuple(text for tokens in lines.values() if (text := ",".join(tokens).strip()))


def records(lines: TextLines, problems: Problems) -> Iterator[Record]:
    """Put lines together to records; what belongs to none is a problem."""
    record, chars = None, 0
    for number, text in _apart(lines):
        found = _BEGINS.fullmatch(text)
        code = found[1] if found else ""
        if found and code in CODES:
            if record:
                yield record
            record, chars = Record(number, code, [_ended(found[2])]), 0
        elif record and found and code == "88":
            record.parts.append(_ended(found[2]))
            record.n += 1
        elif record and record.code == "16":
            record.parts[-1] += f" {_ended(text).strip()}"  # a text with a line break in it
        else:
            said = f"{shown(text)} begins with no code of a record that may stand here: this is no BAI2, or damaged"
            problems.add(number, "", said)
            lines.is_whole = False
            return
        chars += len(text)
        if chars > RECORD_CHARS_MAX:
            problems.add(record.line, "", f"the record is longer than {RECORD_CHARS_MAX:,} signs: get the file again")
            lines.is_whole = False
            return
    if record:
        yield record


def _apart(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Part lines that hold several records.

    A text is its payer's, who may write a slash and then what looks like a record: it is parted only in a file that had
    several records in a line before, where none of them has a text.
    """
    is_wide = False
    for number, whole in lines:
        texts = _NEXT.split(whole) if is_wide or _NO_TEXT.match(whole) else [whole]
        is_wide |= len(texts) > 1
        yield from ((number, text) for text in texts if text.strip())


def _ended(text: str) -> str:
    """A record without the slash that ends it."""
    return text.rstrip().removesuffix("/")


def summaries(fields: Fields) -> Iterator[Summary]:
    """Read the balances and totals of an account. Errors: FieldError."""
    while not fields.is_over:
        code = fields.next()
        minor = fields.number(f"amount of type {code}")
        fields.next()  # how many items
        fields.funds()
        if code and not re.fullmatch(r"\d{3}", code):
            raise FieldError(f"{shown(code)} is no type of balance: three digits")
        if code:
            yield Summary(code, minor)


def detail(fields: Fields) -> Detail:
    """Read a movement. Errors: FieldError."""
    code = fields.next()
    if not re.fullmatch(r"\d{3}", code):
        raise FieldError(f"{shown(code)} is no type of movement: three digits")
    minor = fields.number("amount")
    if minor < 0:
        raise FieldError(f"the amount {minor} has a sign: type {code} says by itself whether it came or went")
    funds, valued_on = fields.funds()
    return Detail(code, minor, valued_on, funds, fields.next(), fields.next(), fields.texts())


def is_credit(code: str) -> bool | None:
    """Whether a type is money that came (100 to 399, 720 to 759, 920 to 959) or that went; None where it is neither."""
    number = int(code)
    if 100 <= number < 400 or 720 <= number < 760 or 920 <= number < 960:
        return True
    return False if 400 <= number < 700 or 760 <= number < 800 or 960 <= number < 1000 else None
