"""What all measures agree on: the days they are about, what is trade, what a claim is, and how a ratio is rounded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.engine.money import ratio_half_up
from dunwell.engine.steps.parties import payers

GROUP: Final = ("entity_id", "currency")
SOLD: Final = ("invoice", "instalment")  # what a sale is owed by: a charge is none
PARTY: Final = ("segment", "country")  # what measures may be told apart by, of the account


@dataclass(frozen=True)
class Days:
    """The days from one to another, both counted. Errors: ValueError where they end before they begin."""

    from_on: date
    to_on: date

    def __post_init__(self) -> None:
        """Refuse days that run backwards."""
        if self.to_on < self.from_on:
            raise ValueError(f"the days end on {self.to_on}, before they begin on {self.from_on}")

    @property
    def count(self) -> int:
        """How many they are."""
        return (self.to_on - self.from_on).days + 1

    @property
    def before(self) -> date:
        """The day before the first: what was open at its end is what they open with."""
        return self.from_on - timedelta(days=1)

    def has(self, column: str) -> pl.Expr:
        """Whether a date is one of them; a null is not."""
        return pl.col(column).is_between(self.from_on, self.to_on).fill_null(value=False)


def trade(history: History) -> History:
    """Leave out what companies of one group owe each other: accounts that are intercompany, or whose payer is.

    Their items, notices, promises and what was heard of them go with them. Accounts at law stay: they owe.
    """
    own = within_group(history)
    if own.is_empty():
        return history
    ours = own.implode()
    items = history.items.filter(~pl.col("account_id").is_in(ours))
    notices = history.notices.filter(~pl.col("payer_id").is_in(ours))
    return replace(
        history,
        items=items,
        moves=history.moves.join(items, on="item_id", how="semi"),
        credited=history.credited.join(items, on="item_id", how="semi"),
        returned=history.returned.join(items, on="item_id", how="semi"),
        disputes=history.disputes.join(items, on="item_id", how="semi"),
        notices=notices,
        lines=history.lines.join(notices, on="notice_id", how="semi"),
        promises=history.promises.filter(~pl.col("account_id").is_in(ours)),
        responses=history.responses.filter(~pl.col("payer_id").is_in(ours)),
    )


def in_days(history: History, days: Days) -> History:
    """Leave out the items that were not there on any of some days: settled before the first, or issued after the last.

    What has no day of issue was there from the beginning. The other frames stay as they are.
    """
    is_issued = (pl.col("issued_on") <= days.to_on).fill_null(value=True)
    is_unsettled = (pl.col("closed_on") >= days.from_on).fill_null(value=True)
    return replace(history, items=history.items.filter(is_issued & is_unsettled))


def within_group(history: History) -> pl.Series:
    """The accounts of companies of the own group: those that are intercompany, or whose payer is."""
    flagged = history.accounts.filter(pl.col("intercompany").fill_null(value=False))["account_id"].implode()
    pays = payers(history.accounts)
    return pays.filter(pl.col("account_id").is_in(flagged) | pl.col("payer_id").is_in(flagged))["account_id"]


def with_party(frame: pl.DataFrame, history: History, by: Sequence[str], *, key: str = "account_id") -> pl.DataFrame:
    """Add what measures are to be told apart by, of the account in `key`; null where nobody knows."""
    if not by:
        return frame
    known = history.accounts.select(pl.col("account_id").alias(key), *by)
    return frame.join(known, on=key, how="left", maintain_order="left")


def hundredths(numerator: pl.Expr, denominator: pl.Expr, *, times: int = 1) -> pl.Expr:
    """Divide exactly and round half-up, once, to hundredths; null where the denominator is not above 0.

    A percentage is `times` 100.
    """
    ratio = ratio_half_up(numerator.cast(pl.Int128) * (100 * times), denominator)
    return pl.when(denominator > 0).then(ratio)


def total(amount: pl.Expr) -> pl.Expr:
    """Add up without wrapping: beyond Int64 the cast back fails, loudly."""
    return amount.cast(pl.Int128).sum().cast(pl.Int64)


def total_where(amount: pl.Expr, where: pl.Expr) -> pl.Expr:
    """Add up the rows of which something is so."""
    return total(pl.when(where.fill_null(value=False)).then(amount).otherwise(0))


def count_where(where: pl.Expr) -> pl.Expr:
    """Count the rows of which something is so."""
    return where.fill_null(value=False).sum().cast(pl.Int64)


def side_by_side(keys: Sequence[str], *frames: pl.DataFrame) -> pl.DataFrame:
    """Put measures of the same groups beside each other: what one does not know of a group is 0. Sorted by `keys`."""
    first, *others = frames
    for other in others:
        first = first.join(other, on=list(keys), how="full", coalesce=True, nulls_equal=True)
    return first.with_columns(pl.exclude(keys).fill_null(0)).sort(keys)
