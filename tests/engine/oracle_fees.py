"""Fees of docs/semantics.md in plain Python: what a notice's stage charges, and on what."""

from collections.abc import Sequence
from fractions import Fraction

from dunwell.engine.money import exponent
from dunwell.engine.policy.model import Fee
from tests.engine.oracle_rows import Row


def base_minor(row: Row, fee: Fee, rows: Sequence[Row]) -> int:
    if fee.of == "original":
        return int(row.item["amount_minor"])
    open_charges = sum(
        other.item["open_minor"]
        for other in rows
        if other.is_charge
        and not other.bad_data
        and not other.item["draft"]
        and (other.item["parent_item_id"], other.item["currency"]) == (row.item_id, row.item["currency"])
    )
    return int(row.item["open_minor"] + (open_charges if fee.of == "claim" else 0))


def fee_minor(fee: Fee, base: int, currency: str) -> int | None:
    """The fee on one line (or on the notice, when fixed); None when it lacks the currency."""
    fixed, percent = fee.fixed, fee.percent
    for tier in fee.tiers:
        if Fraction(tier.from_) * 10 ** exponent(currency) <= base:
            fixed, percent = tier.fixed, tier.percent
    if fixed is not None:
        return fixed.get(currency)
    return int(Fraction(percent or 0) * base / 100 + Fraction(1, 2))
