"""The fields of MT940 and MT942 one by one: balances, movements, totals, as SWIFT writes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from dunwell.engine.money import CURRENCIES, to_minor
from dunwell.sources.bank.codes import FieldError, iban_of
from dunwell.sources.bank.text_lines import TextLines
from dunwell.sources.problems import Problems, shown

FIELD_CHARS_MAX: Final = 20_000
NEAR_DAYS: Final = 20  # a month and a day that are turned round are further apart
END, HEADER, LOOSE = "end", "header", "loose"  # what is no field: a message's end, its header, and anything else
_TAG: Final = re.compile(r":(20|21|25P?|28C?|13D?|34F|60[FM]?|61|62[FM]?|64|65|86|90[CD]|NS):")
_CUT_TAG: Final = re.compile(r"(20|25|28C?|60[FM]|61|62[FM]|64|65|86):")
_HEADER: Final = re.compile(r"-\}|[-$]?\{[1-5]:")
_MINUTES: Final = re.compile(r":[0-5]\d:[0-5]\d(?!\d)")  # the rest of a time that was wrapped looks like a field
_BALANCE: Final = re.compile(r"([CD])(\d{6})([A-Z]{3})(\d{1,40}(?:,\d{0,40})?)")
_MOVEMENT: Final = re.compile(r"(\d{6})(\d{4}|[ ]{4})?\s*([A-Z]{1,4})(\d{1,40}(?:,\d{0,40})?)([A-Z].{3})(.*)")
_MARK: Final = re.compile(r"(RC|RD|EC|ED|C|D)[A-Z]?")
_TOTAL: Final = re.compile(r"(\d{1,9})([A-Z]{3})(\d{1,40}(?:,\d{0,40})?)")
_LIMIT: Final = re.compile(r"([A-Z]{3})[CD]?\d{1,40}(?:,\d{0,40})?")
_ABROAD: Final = re.compile(r"/(OCMT|CHGS)/([A-Z]{3})(\d{1,15},?\d{0,3})")
REFERENCE_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class Field:
    """A field with the lines of its text, or one of END, HEADER and LOOSE."""

    line: int
    tag: str
    texts: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance of :60F:, :62F: and their like, negative where the account is overdrawn."""

    on: date
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class Movement:
    """A field :61: without what its text says; `mark` is C, D, RC, RD, EC or ED."""

    valued_on: date
    booked_on: date
    mark: str
    minor: int
    code: str
    reference: str
    bank_ref: str
    more: tuple[str, ...]


def fields(lines: TextLines, problems: Problems) -> Iterator[Field]:
    """Put lines together to fields; one of more than FIELD_CHARS_MAX signs is a problem, and ends the reading."""
    tag, begins, texts, chars, held = "", 0, [""], 0, ""
    for number, read in lines:
        text, held = (held + read if held and _CUT_TAG.match(read) else read), ""
        if text.strip() == ":" and tag:
            held = ":"  # a field's colon that was wrapped away from it
            continue
        found = None if _goes_on(tag, texts, text) else _TAG.match(text)
        other = "" if found else _other(text)
        if tag and (found or other):
            yield Field(begins, tag, tuple(texts))
            tag = ""
        if found:
            tag, begins, texts, chars = found[1], number, [text[found.end() :]], len(text)
        elif other or not tag:
            yield from [Field(number, other or LOOSE, (text,))] if text.strip() else []
        elif text.strip():
            texts.append(text)
            chars += len(text)
        if chars > FIELD_CHARS_MAX:
            said = f"the field is longer than {FIELD_CHARS_MAX:,} signs, which no bank writes: get the file again"
            problems.add(begins, f":{tag}:", said)
            lines.is_whole = False
            return
    if tag:
        yield Field(begins, tag, tuple(texts))


def _goes_on(tag: str, texts: list[str], text: str) -> bool:
    """Whether a line that looks like a field is the rest of a time of day in a text."""
    return tag == "86" and bool(_MINUTES.match(text)) and bool(re.search(r"T\d\d$", texts[-1]))


def _other(text: str) -> str:
    """What a line is that is no field and no text of one."""
    if _HEADER.match(text):
        return HEADER
    return END if text.strip() == "-" else ""


def day_of(text: str) -> date:
    """A date of six digits, of 1980 to 2079. Errors: FieldError."""
    year = int(text[:2])
    return _day(year + (2000 if year < 80 else 1900), text[2:], text)


def _day(year: int, month_day: str, told: str) -> date:
    try:
        return date(year, int(month_day[:2]), int(month_day[2:]))
    except ValueError:
        raise FieldError(f"{shown(told)} is no day of the calendar: ask the bank for the right one") from None


def _entry_day(text: str, valued_on: date, since: date | None) -> date:
    """The day of four digits that is nearest to the value date; if none is near, the first `since` that day.

    Errors: FieldError.
    """
    years = [valued_on.year - 1, valued_on.year, valued_on.year + 1]
    if text == "0229":  # which one of these years has at most
        years = [year for year in years if not year % 4] or years
    days = [_day(year, text, text) for year in years]
    nearest = min(days, key=lambda day: abs(day - valued_on))
    if since and is_far(nearest, valued_on):
        return min((day for day in days if day >= since), default=nearest)
    return nearest


def is_far(booked_on: date, valued_on: date) -> bool:
    """Whether a day of booking is so far from the value date that only the days of its statement can prove it."""
    return abs((booked_on - valued_on).days) > NEAR_DAYS


def minor_of(amount: str, currency: str) -> int:
    """An amount with its comma in minor units. Errors: MoneyError."""
    return to_minor(amount.replace(",", "."), currency)


def balance_of(text: str) -> Balance:
    """Read a balance such as `C260331EUR1234,50`. Errors: FieldError, MoneyError."""
    found = _BALANCE.fullmatch(text.strip())
    if not found:
        wanted = "C or D, a date, a currency and an amount with a comma, such as C260331EUR1234,50"
        raise FieldError(f"{shown(text)} is no balance: it is {wanted}")
    minor = minor_of(found[4], found[3])
    return Balance(day_of(found[2]), found[3], -minor if found[1] == "D" else minor)


def movement_of(
    texts: tuple[str, ...], currency: str, reported_on: date | None = None, since: date | None = None
) -> Movement:
    """Read a field :61: of an account kept in `currency`; `reported_on`: in a report within that day.

    `since`: the first day of its statement. Errors: FieldError, MoneyError.
    """
    first, *more = texts
    found = _MOVEMENT.fullmatch(first)
    if not found and more:
        first += more.pop(0)  # wrapped within
        found = _MOVEMENT.fullmatch(first)
    if not found:
        wanted = "a value date, C or D, and an amount with a comma, such as 2603310331C1234,50NTRFNONREF"
        raise FieldError(f"{shown(texts[0])} is no movement: it begins with {wanted}")
    mark = _MARK.fullmatch(found[3])
    if not mark:
        raise FieldError(f"{shown(found[3])} says neither that money came nor that it went: C, D, RC, RD, EC or ED")
    valued_on = day_of(found[1])
    minor = minor_of(found[4], currency)
    reference, parted, bank_ref = found[6].partition("//")
    if not parted and reference[:REFERENCE_CHARS].endswith(" "):  # padded, for a name behind it
        reference, added = reference[:REFERENCE_CHARS], reference[REFERENCE_CHARS:]
        more.insert(0, added)
    return Movement(
        valued_on=valued_on,
        # SWIFT: the day of entry is normally given only where it is another than the value date; what a report within
        # the day has is booked by then.
        booked_on=_entry_day(found[2], valued_on, since)
        if (found[2] or "").strip()
        else min(valued_on, reported_on or valued_on),
        mark=mark[1],
        minor=-minor if mark[1] in {"D", "RC", "ED"} else minor,
        code=found[5].strip(),
        reference=reference,
        bank_ref=bank_ref,
        more=tuple(more),
    )


def account_of(texts: tuple[str, ...]) -> tuple[str, str, str]:
    """Read :25:: the account (an IBAN without blanks, or the whole text), its bank, and its currency if it is told.

    Errors: FieldError.
    """
    text = texts[0].strip()
    currency = text[-3:] if re.search(r"[\d /][A-Z]{3}$", text) and text[-3:] in CURRENCIES else ""
    account = text.removesuffix(currency).rstrip(" /")
    if not account:
        raise FieldError("the account is empty")
    return iban_of(account) or account, account.partition("/")[0] if "/" in account else "", currency


def total_of(text: str) -> tuple[int, str, int]:
    """Read :90D: or :90C:: how many movements, their currency, and their sum. Errors: FieldError, MoneyError."""
    found = _TOTAL.fullmatch(text.strip())
    if not found:
        raise FieldError(f"{shown(text)} is no total: a number, a currency and a sum, such as 3EUR1234,50")
    return int(found[1]), found[2], minor_of(found[3], found[2])


def limit_currency(text: str) -> str:
    """The currency of :34F:. Errors: FieldError, MoneyError."""
    found = _LIMIT.fullmatch(text.strip())
    if not found:
        raise FieldError(f"{shown(text)} is no floor limit: a currency and an amount, such as EUR0,")
    to_minor(0, found[1])
    return found[1]


def abroad(text: str) -> dict[str, tuple[str, str]]:
    """What was ordered (OCMT) and what banks kept (CHGS): a currency and an amount each."""
    return {found[1]: (found[2], found[3]) for found in _ABROAD.finditer(text)}
