"""The reference and exchange rates of a story: those it gives, else those that come with Dunwell."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from dunwell.engine.data import regime_names
from dunwell.engine.documents import Document, DocumentError
from dunwell.engine.law.flat import euro_series
from dunwell.engine.law.law import regime
from dunwell.engine.law.series import AllSeries, Series
from dunwell.engine.law.shipped import all_shipped
from dunwell.engine.money import DIGITS_MAX
from dunwell.engine.policy.model import Policy

MILLIONTHS: Final = 1_000_000
FOR_EVER: Final = date(2199, 12, 31)
EXAMPLE: Final = "give rates by series and day, such as {ecb-mro: {2026-01-01: 2.15}}"


def series_in(document: Document, policies: Sequence[Policy]) -> AllSeries:
    """Read `rates`, each series complete for as long as a story may last; none where no policy asks a law.

    Errors: DocumentError with the line.
    """
    told = document.data.get("rates") or {}
    if not isinstance(told, dict):
        raise DocumentError([document.problem(("rates",), EXAMPLE)])
    own = {str(name): _series(document, str(name), values) for name, values in told.items()}
    return {**all_shipped(), **own} if any(policy.interest for policy in policies) else own


def _series(document: Document, name: str, values: object) -> Series:
    path = ("rates", name)
    if not isinstance(values, dict) or not values:
        raise DocumentError([document.problem(path, EXAMPLE)])
    days: dict[date, int] = {}
    for text, value in values.items():
        try:
            day = date.fromisoformat(str(text))
        except ValueError:
            raise DocumentError([document.problem((*path, text), f"{text!r} is no day, such as 2026-01-01")]) from None
        days[day] = _millionths(document, (*path, text), value)
        if days[day] <= 0 and _is_exchange(name):
            raise DocumentError([document.problem((*path, text), "an exchange rate is above 0")])
    known = sorted(days)
    return Series(name, FOR_EVER, tuple(known), tuple(days[day] for day in known))


def _is_exchange(name: str) -> bool:
    """Whether a series has units of a currency, not percent points."""
    flats = (flat for each in regime_names() for flat in regime(each).flat.values())
    return name.startswith(euro_series("")) or any(flat.exchange == name for flat in flats)


def _millionths(document: Document, path: tuple[str, ...], value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise DocumentError([document.problem(path, f"{value!r} is not a number")])
    number = Decimal(value)
    if abs(number) > 10**9 or len(number.as_tuple().digits) > DIGITS_MAX or number * MILLIONTHS % 1:
        raise DocumentError([document.problem(path, "a rate has at most six decimals, and is at most a billion")])
    return int(number * MILLIONTHS)
