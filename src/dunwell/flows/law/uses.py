"""Which regimes ask which series, and what a series is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from dunwell.engine.data import regime_names, series_names
from dunwell.engine.law.flat import euro_series
from dunwell.engine.law.law import regime
from dunwell.engine.law.regime import Regime
from dunwell.engine.money import CURRENCIES

EXCHANGE: Final = frozenset(map(euro_series, CURRENCIES))  # what the ECB could publish


@dataclass
class Asked:
    """What a series is asked for: by which regimes, as a rate of interest, by half-years alone."""

    regimes: set[str] = field(default_factory=set)
    is_rate: bool = False
    by_half_years: bool = True


@cache
def asked_series() -> dict[str, Asked]:
    """Return what regimes ask, by the name of the series; exchange rates of the ECB are asked by all of them."""
    found: dict[str, Asked] = {}
    for each in map(regime, regime_names()):
        for name, is_rate, by_half_years in _named(each):
            asked = found.setdefault(name, Asked())
            asked.regimes.add(each.regime)
            asked.is_rate |= is_rate
            asked.by_half_years &= by_half_years
    return dict(sorted(found.items()))


def is_exchange(name: str) -> bool:
    """Whether a series has units of a currency per 1 EUR, as the ECB publishes them."""
    return name in EXCHANGE


def is_known_name(name: str) -> bool:
    """Whether a regime, or the conversion of currencies, asks for a series of this name."""
    return name in asked_series() or name in series_names() or is_exchange(name)


def _named(law: Regime) -> Iterator[tuple[str, bool, bool]]:
    """Every series that a regime names: whether it is a rate of interest, and asked by half-years alone."""
    for rule in law.interest.values():
        if rule.series:
            yield rule.series, True, rule.snapshot == "half_year"
    for flat in law.flat.values():
        for name in (flat.amount_series, flat.exchange):
            if name:
                yield name, False, False
    for fees in law.fees.values():
        if fees.at_most_series:
            yield fees.at_most_series, False, False
