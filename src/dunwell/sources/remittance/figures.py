"""Amounts and days of a file that says nowhere how it writes them: what is not certain by itself is not guessed."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from babel import Locale

from dunwell.engine.money import CURRENCIES, exponent

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pt")
CHARS_MAX: Final = 60
_SIGNS: Final = {"€": "EUR", "£": "GBP", "¥": "JPY", "zł": "PLN", "US$": "USD", "C$": "CAD", "A$": "AUD"}
_DOLLARS: Final = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD")
_MONEY: Final = r"[A-Z]{3}|US\$|C\$|A\$|\$|€|£|¥|zł"
# Words for money that is of several countries, and abbreviations that are no money.
_MONEY_WORDS: Final = frozenset((
    "rs", "kr", "fr", "sfr", "r", "dollar", "dollars", "pound", "pounds", "rupee", "rupees", "kronen", "kroner",
    "franken", "francs", "yen", "peso", "pesos",
))  # fmt: skip
_NO_MONEY: Final = frozenset(("all", "net", "vat", "ttc", "iva", "tva", "btw", "gst", "inc", "exc", "top", "try"))
_PLAIN: Final = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2019": "'"})
# Of two marks alike, each parts three digits: what is written otherwise is a day, or a number of a paper.
_BODY: Final = r"\d+(?:[.,]\d+)?|[.,]\d+|\d{1,3}(?:(?:\.\d{3})+(?:,\d+)?|(?:,\d{3})+(?:\.\d+)?)"
_SLASHED: Final = re.compile(r"(?<!\d)(\d{1,2})[-/](\d{1,2})[-/](?:(?:19|20)\d\d|\d\d)(?!\d)")
_FIGURE: Final = re.compile(
    rf"(?P<open>\()?\s*(?P<before>[+-])?\s*(?P<one>{_MONEY})?\s*(?P<sign>[+-])?\s*"
    r"(?P<body>\d[\d.,' ]*|[.,]\d+)\s*(?P<after>-)?\s*"
    rf"(?P<two>{_MONEY})?\s*(?P<behind>-)?\s*(?P<close>\))?\s*(?P<word>CR|DR|C|D)?"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as it is written: digits with their marks, its sign, and the currency beside it, or an empty text."""

    body: str
    is_negative: bool
    money: str
    is_typed: bool = False  # a number of a table's own, and so with a point

    @property
    def is_bare(self) -> bool:
        """Whether nothing says that it is an amount."""
        return self.body.isdigit() and not self.money and not self.is_typed


def figure_of(text: str, *, is_typed: bool = False) -> Figure | None:
    """Read a text that is an amount and nothing else; None for any other."""
    plain = re.sub(r"[\s\u00a0\u202f\u2009]+", " ", text).translate(_PLAIN).strip()
    if not plain or len(plain) > CHARS_MAX:
        return None
    found = _FIGURE.fullmatch(plain)
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["one"] and found["two"]):
        return None
    minuses = [bool(found["open"]), *((found[name] or "") == "-" for name in ("before", "sign", "after", "behind"))]
    minuses.append(found["word"] in ("CR", "C"))
    if sum(minuses) > 1:
        return None
    money = found["one"] or found["two"] or ""
    code = _SIGNS.get(money, money)
    if code not in ("", "$") and code not in CURRENCIES:
        return None
    body = re.sub(r"[' ]", "", found["body"]).rstrip(".,")
    if not re.fullmatch(_BODY, body) or not _is_grouped(found["body"].strip()):
        return None
    return Figure(body, any(minuses), code, is_typed)


def _is_grouped(body: str) -> bool:
    """Whether blanks and apostrophes part thousands, and nothing else."""
    return not re.search(r"[' ]", body) or bool(re.fullmatch(r"\d{1,3}(?:[' ]\d{3})+(?:[.,]\d*)?", body))


def mark_of(figures: Iterable[Figure], currency: str) -> str:
    """Say which sign parts the decimals of figures: a point or a comma. Errors: ValueError where they do not tell."""
    votes: dict[str, str] = {}
    unsure = None
    for figure in figures:
        if figure.is_typed:
            continue
        vote = _vote(figure.body)
        if vote == "?":
            unsure = unsure or figure.body
        elif vote:
            votes.setdefault(vote, figure.body)
    if len(votes) > 1:
        raise ValueError(f"amounts are written in two ways, {votes['.']} and {votes[',']}")
    if votes:
        return next(iter(votes))
    if unsure and exponent(currency):
        raise ValueError(f"{unsure} can be read in two ways, and no other amount says which")
    if unsure:  # a currency without decimals has only thousands to part
        return "." if "," in unsure else ","
    return "."


def _vote(body: str) -> str:
    """The sign of the decimals that a body tells by itself, `?` for one that can be both, or an empty text."""
    marks = re.findall(r"[.,]", body)
    if len(set(marks)) == 2:
        return str(marks[-1])
    if len(marks) > 1:
        return "," if marks[0] == "." else "."
    if not marks:
        return ""
    whole, _, rest = re.sub("[.,]", "|", body).partition("|")
    return "?" if len(rest) == 3 and 1 <= len(whole) <= 3 and whole != "0" else str(marks[0])


def value_of(figure: Figure, mark: str) -> Decimal | None:
    """The value of a figure whose decimals `mark` parts; None where it is not written so."""
    mark = "." if figure.is_typed else mark
    other = "," if mark == "." else "."
    body = figure.body
    if other in body:
        if not re.fullmatch(rf"\d{{1,3}}(?:{re.escape(other)}\d{{3}})+(?:{re.escape(mark)}\d*)?", body):
            return None
        body = body.replace(other, "")
    if body.count(mark) > 1:
        return None
    value = Decimal(body.replace(mark, "."))
    return -value if figure.is_negative else value


def money_of(found: Iterable[str], default: str) -> set[str]:
    """The currencies that signs and codes are of; a dollar is the default's where that is one."""
    dollar = default if default in _DOLLARS else "USD"
    return {dollar if code == "$" else code for code in found if code}


def codes_in(text: str) -> list[str]:
    """The currencies that a heading or a label names, in brackets, in front or at its end: (EUR), in EUR, €."""
    found = re.findall(rf"[(\[]\s*({_MONEY})\s*[)\]]", text)
    found += [word for word in re.findall(rf"^(?:{_MONEY})(?!\w)|(?<!\w)(?:{_MONEY})$", text.strip()) if word != "ALL"]
    found += [
        word.upper()
        for word in re.findall(r"(?:[(\[]\s*|\bin\s+)([a-z]{3})(?:\s*[)\]]|\s*$)", text)
        if word not in _NO_MONEY and word.upper() in CURRENCIES
    ]
    return [_SIGNS.get(word, word) for word in found if word == "$" or _SIGNS.get(word, word) in CURRENCIES]


def currency_of(text: str) -> str:
    """The currency that a text is, a code in capitals or not or a sign; an empty text where it is none."""
    word = text.strip()
    code = _SIGNS.get(word, word.upper())
    if word == "$" or code in CURRENCIES:
        return "$" if word == "$" else code
    found = set(codes_in(text))
    return found.pop() if len(found) == 1 else ""


def strange_money(heading: str) -> str:
    """What a heading of amounts names as their currency, in brackets or behind `in`, and nobody knows; or nothing."""
    named = re.findall(r"[(\[]\s*([^()\[\]]{1,12}?)\s*[)\]]", heading) + re.findall(r"\bin\s+(\S{1,12})\s*$", heading)
    for word in named:
        is_sign = any(unicodedata.category(sign) == "Sc" for sign in word)
        is_code = bool(re.fullmatch("[A-Z]{3}", word)) and word.lower() not in _NO_MONEY
        if not currency_of(word) and (is_sign or is_code or _bare(word) in _MONEY_WORDS):
            return str(word)
    return ""


def is_day_first(texts: Iterable[str]) -> bool | None:
    """Whether days come before months where dashes or slashes part them, as far as any of some days tells."""
    pairs = [(int(found[1]), int(found[2])) for text in texts for found in _SLASHED.finditer(text[:CHARS_MAX])]
    day_first, month_first = any(one > 12 for one, _two in pairs), any(two > 12 for _one, two in pairs)
    return None if day_first == month_first else day_first


@cache
def _months() -> dict[str, int]:
    """The number of a month by its name and short name, small and without accents."""
    found = {}
    for language in LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    found[_bare(name)] = number
    return found


def _bare(word: str) -> str:
    marks = unicodedata.normalize("NFKD", word.lower())
    return "".join(sign for sign in marks if sign.isalpha() and not unicodedata.combining(sign))


def day_of(text: str, *, day_first: bool | None = None) -> date | None:
    """Read a day; one whose day and month can be either way round, unless told, is not read, nor is any other text."""
    text = text.strip()[:CHARS_MAX]
    if found := re.match(r"((?:19|20)\d\d)[-./](\d{1,2})[-./](\d{1,2})(?!\d)", text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := re.match(r"(\d{1,2})([-./])(\d{1,2})\2((?:19|20)\d\d|\d\d)(?!\d)", text):
        year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
        one, two = int(found[1]), int(found[3])
        if found[2] == "." or one > 12 or one == two or (day_first and two <= 12):
            return _day(year, two, one)
        return _day(year, one, two) if two > 12 or day_first is False else None
    words = re.findall(r"[^\W\d_]+|\d+", text)
    months = [_months()[_bare(word)] for word in words if _bare(word) in _months()]
    years = [int(word) for word in words if re.fullmatch(r"(?:19|20)\d\d", word)]
    days = [int(word) for word in words if re.fullmatch(r"\d{1,2}", word)]
    if len(months) == len(years) == len(days) == 1:
        return _day(years[0], months[0], days[0])
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
