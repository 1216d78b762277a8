"""Days sales outstanding: how many days of sales are owed, by several counts, and how often receivables turn over.

Sources: days sales outstanding by exhaustion (countback), best possible DSO, average days delinquent and turnover as
credit managers use them, such as in the Credit Research Foundation's "Key metrics in credit management".
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

import polars as pl

from dunwell.engine.history import History
from dunwell.engine.money import fraction_half_up
from dunwell.insight.sales import monthly_sales, sales
from dunwell.insight.standing import standing
from dunwell.insight.trade import GROUP, Days, hundredths, side_by_side

DAYS_A_YEAR: Final = 365
WHY_NOT: Final = {
    **dict.fromkeys(
        ("dso_days_hundredths", "net_dso_days_hundredths", "best_possible_dso_days_hundredths",
         "average_days_delinquent_hundredths"),
        "nothing was sold in these days, or less than was credited",
    ),
    "countback_dso_days_hundredths": "more is owed than was sold in all the months that are on record",
    "turnover_times_hundredths": "nothing was owed, neither before these days nor at their end",
    "turnover_a_year_times_hundredths": "nothing was owed, neither before these days nor at their end",
}  # fmt: skip


def dso(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Days sales outstanding at the end of some days, over the sales of these days; a row an entity, currency and `by`.

    `dso_days_hundredths` = receivables / sales x days; of what is not due alone `best_possible_dso_days_hundredths`, of
    what is overdue or has no due date `average_days_delinquent_hundredths`, their difference. Receivables: open
    invoices and instalments with tax, whole where they are disputed, without charges, and not lowered by credit notes
    and money that wait to be set off; `net_dso_days_hundredths` sets them off. Sales: as in `sales`. Null: see WHY_NOT.
    """
    keys = [*GROUP, *by]
    found = side_by_side(keys, standing(history, days.to_on, by=by), sales(history, days, by=by))
    owed, sold = pl.col("receivables_minor"), pl.col("sales_minor")
    late = owed - pl.col("not_due_minor")
    rows = found.with_columns(
        days_count=pl.lit(days.count, dtype=pl.Int64),
        dso_days_hundredths=hundredths(owed, sold, times=days.count),
        best_possible_dso_days_hundredths=hundredths(pl.col("not_due_minor"), sold, times=days.count),
        average_days_delinquent_hundredths=hundredths(late, sold, times=days.count),
        net_dso_days_hundredths=hundredths(owed + pl.col("unapplied_minor"), sold, times=days.count),
    )
    back = countback(history, days.to_on, by=by).drop("receivables_minor")
    none = pl.when(owed > 0).then("countback_dso_days_hundredths").otherwise(0)
    both = rows.join(back, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return both.with_columns(countback_dso_days_hundredths=none)


def countback(history: History, on: date, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Days sales outstanding by countback: how many days back from `on` the sales go that are still owed.

    Whole months are peeled off backwards; of `on`'s own month the days up to `on`. The last counts with the part of its
    days that is left to peel of its sales. Months that credited more than they invoiced count their days, and what
    they credited is peeled from the month before. Null where more is owed than was sold since the history's first
    whole month; 0 where nothing is. Receivables and sales as in `dso`.
    """
    keys = [*GROUP, *by]
    first = _first_whole_month(history.from_on)
    owed = standing(history, on, by=by)
    sold: dict[tuple[Any, ...], dict[date, int]] = {}
    if first <= on:
        months = monthly_sales(history, Days(first, on), by=by)
        for *group, month_on, sales_minor in months.select(*keys, "month_on", "sales_minor").iter_rows():
            sold.setdefault(tuple(group), {})[month_on] = sales_minor
    counted = [
        (*group, minor, days if days is None else fraction_half_up(days * 100))
        for *group, minor in owed.select(*keys, "receivables_minor").iter_rows()
        for days in [_peeled(minor, sold.get(tuple(group), {}), first, on)]
    ]
    schema = pl.Schema({**owed.select(*keys, "receivables_minor").schema, "countback_dso_days_hundredths": pl.Int64()})
    return pl.DataFrame(counted, schema=schema, orient="row")


def turnover(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """How often receivables turned over: sales by the average of what was owed before and at the end of some days.

    `turnover_times_hundredths` in these days, `turnover_a_year_times_hundredths` at that pace in 365. Receivables and
    sales as in `dso`; null where both ends are 0. Errors: ValueError where the history begins with these days.
    """
    found = opened_and_closed(history, days, by=by)
    ends = pl.col("opening_minor") + pl.col("receivables_minor")
    twice = pl.col("sales_minor").cast(pl.Int128) * 2
    return found.with_columns(
        turnover_times_hundredths=hundredths(twice, ends),
        turnover_a_year_times_hundredths=hundredths(twice * DAYS_A_YEAR, ends.cast(pl.Int128) * days.count),
    )


def opened_and_closed(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """What was owed before some days (`opening_minor`) and at their end, with the sales of these days."""
    keys = [*GROUP, *by]
    before = standing(history, days.before, by=by).select(*keys, opening_minor="receivables_minor")
    return side_by_side(keys, before, standing(history, days.to_on, by=by), sales(history, days, by=by))


def _first_whole_month(on: date) -> date:
    """The first month of which a history that begins on a day tells all."""
    return on if on.day == 1 else _next_month(on)


def _next_month(on: date) -> date:
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1)


def _peeled(owed_minor: int, sold: Mapping[date, int], first: date, on: date) -> Fraction | None:
    """Days back from `on` until what is owed is used up; None where it is not by `first`, the earliest month known."""
    left, days, month_on, last = owed_minor, Fraction(0), on.replace(day=1), on
    while left > 0:
        if month_on < first:
            return None
        length, sold_minor = (last - month_on).days + 1, sold.get(month_on, 0)
        if sold_minor > left:
            return days + Fraction(left * length, sold_minor)
        days, left = days + length, left - sold_minor
        last = month_on - timedelta(days=1)
        month_on = last.replace(day=1)
    return days
