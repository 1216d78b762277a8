"""How one reader is written to: which language has templates, and how money and dates look there."""

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from dunwell.engine.money import exponent

LANGUAGES: Final = ("en", "de", "fr")  # those with templates; the first is for everyone else
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
# Neutral where the country is unknown: `3 Apr 2026` is read the same on both sides of the Atlantic.
_DEFAULT_LOCALES: Final = {"en": "en_001", "de": "de_DE", "fr": "fr_FR"}


@dataclass(frozen=True)
class Reader:
    """A language with templates, and the locale that money and dates follow."""

    language: str
    locale: Locale

    def money(self, amount_minor: int, currency: str) -> str:
        """Write an amount with its currency, in the currency's own number of decimals."""
        places = exponent(currency)
        pattern = copy(self.locale.currency_formats["standard"])
        pattern.frac_prec = (places, places)  # Babel would round to the coins in use
        value = Decimal(amount_minor).scaleb(-places)
        text = pattern.apply(value, self.locale, currency=currency, currency_digits=False)
        # A narrow space is missing in many fonts; a code runs into the figures without one: `KWD1.500`.
        return re.sub(r"(?<=[A-Za-z])(?=\d)", NO_BREAK, text.replace("\N{NARROW NO-BREAK SPACE}", NO_BREAK))

    def long_date(self, day: date) -> str:
        """Write a date for a sentence, as in `3 April 2026`."""
        text = _date(day, "long", self.locale)
        if self.language == "fr" and day.day == 1:
            text = "1er" + text.removeprefix("1")
        return text.replace(" ", NO_BREAK)

    def short_date(self, day: date) -> str:
        """Write a date for a column, as in `3 Apr 2026`."""
        return _date(day, "medium", self.locale)


@lru_cache(maxsize=10_000)  # the dates of a run are few, its lines are many
def _date(day: date, form: Literal["medium", "long"], locale: Locale) -> str:
    return format_date(day, form, locale)


@lru_cache(maxsize=1000)
def reader_of(language: str | None, country: str | None) -> Reader:
    """Choose language and locale for a debtor's language tag (`de`, `fr-CH`) and country (`AT`), either may be unknown.

    A tag's own country comes before the account's. A language without templates is written to in English.
    """
    tag = (language or "").replace("_", "-").split("-")
    known = tag[0].lower() if tag[0].lower() in LANGUAGES else LANGUAGES[0]
    countries = [part.upper() for part in (*tag[1:], country or "") if re.fullmatch(r"[A-Za-z]{2}", part)]
    return Reader(known, next(_locales(known, countries)))


def _locales(language: str, countries: list[str]) -> Iterator[Locale]:
    for name in (*(f"{language}_{country}" for country in countries), _DEFAULT_LOCALES[language]):
        try:
            yield Locale.parse(name)
        except UnknownLocaleError:
            continue
