"""The law that a policy asks for: a regime, perhaps with what was agreed in place of its rate."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from dunwell.engine.data import regime_text
from dunwell.engine.documents import read_as, read_document
from dunwell.engine.law.regime import DayCount, DebtorClass, Fees, Flat, Part, RateRule, Regime, Rounding

AGREED = "as agreed"


@cache
def regime(name: str) -> Regime:
    """Return the regime that comes with Dunwell under this name. Errors: KeyError for another."""
    return read_as(read_document(regime_text(name), f"{name.lower()}.yaml"), Regime)


@dataclass(frozen=True)
class Law:
    """What holds for claims under a policy; `agreed_percent` is a rate that takes the place of the statutory one.

    `default_class` is the class of debtors of whom none is known.
    """

    regime: Regime | None = None
    agreed_percent: Decimal | None = None
    day_count: DayCount = "act/365"
    rounding: Rounding = "exact"
    default_class: DebtorClass | None = None

    def rate_rule(self, debtor_class: DebtorClass) -> RateRule | None:
        """How interest runs against a debtor of this class; None where the law gives none."""
        if self.agreed_percent is not None:
            return RateRule(mode="constant", rate=self.agreed_percent, source=AGREED)
        return self.regime.interest.get(debtor_class) if self.regime else None

    def flat(self, debtor_class: DebtorClass) -> Flat | None:
        """The flat sum for recovery costs; None where the law gives none."""
        return self.regime.flat.get(debtor_class) if self.regime else None

    def fees(self, debtor_class: DebtorClass) -> Fees | None:
        """What bounds fees; None where nothing does."""
        return self.regime.fees.get(debtor_class) if self.regime else None

    @property
    def order(self) -> tuple[Part, ...]:
        """What money for an item goes to first; empty where it goes to what it names."""
        return self.regime.appropriation if self.regime else ()


def law_of(
    name: str | None = None,
    *,
    agreed_percent: Decimal | None = None,
    day_count: DayCount | None = None,
    default_class: DebtorClass | None = None,
) -> Law:
    """Put together what holds under a regime; days count as agreed, else as the regime says. Errors: KeyError."""
    found = regime(name) if name else None
    counted = day_count or (found.day_count if found else "act/365")
    rounding = found.rounding if found else "exact"
    return Law(found, agreed_percent, counted, rounding, default_class)
