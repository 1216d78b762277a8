"""What deciding by policies needs of a book beyond what dunning does: rates, what was paid when, and what was charged.

A book without a law is not read for any of it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, get_args

from dunwell.engine.law.flat import EURO, euro_series
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DebtorClass, Fees, Flat
from dunwell.engine.policy.model import Policy, Stage

CLASSES: Final[tuple[DebtorClass, ...]] = get_args(DebtorClass)


def reads_payments(policies: Sequence[Policy]) -> bool:
    """Whether some policy asks for interest or a flat sum, and so what was owed on each day since the due date."""
    return any(policy.law and _any(policy, _accrues) for policy in policies)


def reads_charges(policies: Sequence[Policy]) -> bool:
    """Whether some policy charges by a law, and so by what was charged before."""
    return any(policy.law and _any(policy, lambda stage: _accrues(stage) or stage.fee) for policy in policies)


def series_needed(policies: Sequence[Policy], currencies: Collection[str]) -> set[str]:
    """Return the names of the series that these policies may ask for claims in some currencies."""
    return {name for policy in policies if policy.law for name in _of_policy(policy, policy.law, currencies)}


def _of_policy(policy: Policy, law: Law, currencies: Collection[str]) -> Iterator[str]:
    for debtor_class in CLASSES:
        if _any(policy, lambda stage: stage.interest) and (rule := law.rate_rule(debtor_class)) and rule.series:
            yield rule.series
        if _any(policy, lambda stage: stage.compensation) and (flat := law.flat(debtor_class)):
            yield from _of_flat(flat, currencies)
        if _any(policy, lambda stage: stage.fee) and (fees := law.fees(debtor_class)):
            yield from _of_fees(fees, law, currencies)


def _of_flat(flat: Flat, currencies: Collection[str]) -> Iterator[str]:
    if flat.amount_series:
        yield flat.amount_series
    if flat.exchange:  # also for claims in the currency of the sum: the steps are in another
        yield flat.exchange
    yield from _exchanged({flat.currency, flat.steps_in or flat.currency}, currencies)


def _of_fees(fees: Fees, law: Law, currencies: Collection[str]) -> Iterator[str]:
    if fees.at_most_series:
        yield fees.at_most_series
    own = fees.currency or (law.regime.currency if law.regime else None)
    yield from _exchanged({own} if own else set(), currencies)


def _exchanged(own: set[str], currencies: Collection[str]) -> Iterator[str]:
    """The series to convert between what a law names and what claims are in, where they are in anything else."""
    if any(own - {currency} for currency in currencies):
        yield from (euro_series(each) for each in own.union(currencies) - {EURO})


def _any(policy: Policy, asks: Callable[[Stage], object]) -> bool:
    return any(asks(stage) for stage in policy.stages)


def _accrues(stage: Stage) -> bool:
    return stage.interest or stage.compensation
