"""The collection effectiveness index: of what could have been collected, how much was."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.dso import opened_and_closed
from dunwell.insight.trade import Days, hundredths

WHY_NOT: Final = {"cei_percent_hundredths": "there was nothing to collect: nothing owed fell due"}


def cei(history: History, days: Days, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """The collection effectiveness index of some days, in percent; a row an entity, currency and `by`.

    (opening + sales - closing) / (opening + sales - what of the closing is not due), `collected_minor` by
    `collectable_minor`. Receivables and sales as in `dso`: with tax, disputes whole, no charges, credit notes in the
    sales of the days on which they were issued, nothing else set off. Without credit notes it lies between 0 and 100;
    one that is not set off yet lowers it, as long as it waits. What has no due date counts as due: it could be asked
    for. Null where nothing was to be collected. Source: Credit Research Foundation (Venkatesh); the closing current
    receivables are those not due at the end. Errors: ValueError where the history begins with these days.
    """
    found = opened_and_closed(history, days, by=by)
    came = pl.col("opening_minor") + pl.col("sales_minor")
    sums = found.with_columns(
        collected_minor=came - pl.col("receivables_minor"), collectable_minor=came - pl.col("not_due_minor")
    )
    return sums.with_columns(
        cei_percent_hundredths=hundredths(pl.col("collected_minor"), pl.col("collectable_minor"), times=100)
    )
