"""What a creditor allows matching to do by itself, and what money does that it leaves to a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

TOLERANCES = {"EUR": 100, "USD": 100, "GBP": 100, "CHF": 100, "CAD": 100, "AUD": 100}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Thresholds in permille, amounts in minor units by currency, days; a currency not named allows nothing."""

    threshold_permille: int = 950  # from here on a match is applied
    propose_permille: int = 500  # from here on it is proposed; below it is an exception
    tolerances: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(TOLERANCES))  # short or over
    charges_at_most: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # kept back by banks
    discount_grace_days: int = 3  # a discount taken so many days late is granted
    oldest_first: bool = False  # money that fits nothing goes to what is oldest
    name_score_min: int = 88  # of 100: how much alike a name must be
    name_margin: int = 6  # by how much it must be more alike than the next
    subset_items_max: int = 400  # accounts with more open items get no search for items that add up
    subset_steps_max: int = 100_000  # work of one search; beyond it nothing is found
    payer_steps_max: int = 2_000_000  # work of all searches among the items of one payer in one round
    hold_back_days: int = 0  # money that waits holds its payer's reminders back so long; 0: not at all
    hold_back_share_percent: int = 50  # if it is at least this much of what the payer owes that is due by then
    match_before_run: bool = True  # lines that wait are matched before a run decides
