"""Dates as tables write them: formats such as `DD.MM.YYYY`, spelled for people and read exactly."""

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2199
_TOKENS: Final = {
    "YYYY": ("%Y", r"\d{4}"),
    "MM": ("%m", r"\d{2}"),
    "DD": ("%d", r"\d{2}"),
    "M": ("%m", r"\d{1,2}"),
    "D": ("%d", r"\d{1,2}"),
}
# What may follow a date and says nothing for a book of days.
_MIDNIGHT: Final = r"(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?"


class DateFormatError(ValueError):
    """A date format that cannot be read, with what is expected."""


def pattern_of(format_: str) -> tuple[str, str]:
    """Return the strptime codes of a format such as `D/M/YYYY`, and the pattern of texts written so.

    Errors: DateFormatError.
    """
    parts = re.findall(r"YYYY|MM|DD|M|D|[-./ ]|.", format_)
    named = sorted(part[0] for part in parts if part in _TOKENS)
    strange = any(part not in _TOKENS and part not in "-./ " for part in parts)
    runs_together = len(parts) < 5 and ("M" in parts or "D" in parts)
    if named != ["D", "M", "Y"] or strange or runs_together:
        raise DateFormatError(
            f"{format_!r} is no date format: use YYYY, MM or M, DD or D, with - . / or nothing between"
        )
    codes = "".join(_TOKENS[part][0] if part in _TOKENS else part for part in parts)
    shape = "".join(_TOKENS[part][1] if part in _TOKENS else re.escape(part) for part in parts)
    return codes, shape


def require_distinct(formats: Sequence[str]) -> None:
    """Refuse two formats that could read one text as two days, such as `DD/MM/YYYY` and `MM/DD/YYYY`.

    `DD/MM/YYYY` and `D/M/YYYY` read the same day. Errors: DateFormatError.
    """
    shapes: dict[str, str] = {}
    for format_ in formats:
        shape = re.sub(r"[DM]+", "#", format_)
        if shape in shapes and _order(shapes[shape]) != _order(format_):
            raise DateFormatError(f"one text could be read as {shapes[shape]} and as {format_}; keep one of them")
        shapes.setdefault(shape, format_)


def _order(format_: str) -> str:
    """The order of day, month and year."""
    return "".join(dict.fromkeys(re.sub(r"[^DMY]", "", format_)))


def parsed(texts: pl.Expr, formats: Sequence[str]) -> pl.Expr:
    """Read texts as dates in the first format that fits; a time of day is left out, what is no date becomes null."""
    readings = []
    for format_ in formats:
        codes, shape = pattern_of(format_)
        fitting = texts.str.extract(f"^({shape}){_MIDNIGHT}$")
        readings.append(fitting.str.to_date(codes, strict=False))
    day = pl.coalesce(readings)
    return pl.when(day.dt.year().is_between(YEAR_MIN, YEAR_MAX)).then(day)


def refusal(text: str, formats: Sequence[str]) -> str:
    """Say why a text is no date: not of the calendar, too far away, or written otherwise."""
    expected = " or ".join(formats)
    for format_ in formats:
        if re.fullmatch(pattern_of(format_)[1] + _MIDNIGHT, text):
            return f"is no date of the calendar between {YEAR_MIN} and {YEAR_MAX} (read as {format_})"
    return f"is not written as {expected}; name its format under `dates`"
