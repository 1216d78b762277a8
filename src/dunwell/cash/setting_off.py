"""Which credit note lowers which invoice, where a payer sets credits off."""

from collections.abc import Iterable
from typing import NamedTuple


class SetOff(NamedTuple):
    """How much of a credit goes to an item, in minor units."""

    credit_id: int
    item_id: int
    amount_minor: int


def set_off(parts: Iterable[tuple[int, int]]) -> list[SetOff]:
    """Divide the credits among `parts` of a line over its items: the first of each first, as far as they go.

    `parts`: item_id and minor units, negative for a credit. The money pays what else the items need.
    """
    rows = list(parts)
    wanted = [[item_id, minor] for item_id, minor in rows if minor > 0]
    found = []
    for credit_id, minor in rows:
        left = -minor
        for need in wanted:
            amount = min(left, need[1])
            if amount > 0:
                found.append(SetOff(credit_id, need[0], amount))
                need[1] -= amount
                left -= amount
    return found
