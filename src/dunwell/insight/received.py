"""What was paid of claims, and when: money that stayed."""

from datetime import date

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.trade import SOLD


def received(history: History, *, until: date) -> pl.DataFrame:
    """What was paid of invoices and instalments by the end of a day: `item_id`, `on`, `amount_minor`, above 0.

    Money that was taken back by then was not paid: what is taken back is the last that came. Credit notes set off are
    no money, charges are not looked at, and what was settled before it was imported was paid on the day its source
    says. Money not yet set off against an item is not paid to any. Sorted by item and day.
    """
    sold = history.items.filter(pl.col("kind").is_in(SOLD)).select("item_id")
    less = history.moves.filter(pl.col("on") <= until)
    if history.credited.height:
        taken_off = history.credited.with_columns(-pl.col("less_minor")).filter(pl.col("on") <= until)
        less = pl.concat([less, taken_off]).group_by("item_id", "on").agg(pl.col("less_minor").sum())
    mine = less.join(sold, on="item_id", how="semi").filter(pl.col("less_minor") != 0)
    back = mine.filter(pl.col("less_minor") < 0).select("item_id").unique()
    plain = mine.join(back, on="item_id", how="anti")
    stayed = _that_stayed(mine.join(back, on="item_id", how="semi").sort("item_id", "on"))
    found = pl.concat([plain, stayed]).select("item_id", "on", amount_minor="less_minor")
    return found.sort("item_id", "on")


def _that_stayed(moves: pl.DataFrame) -> pl.DataFrame:
    """Of items with money taken back: at each move, how much came of what was never taken away again."""
    sum_minor = pl.col("less_minor").cum_sum().over("item_id")
    lowest_after = pl.col("sum_minor").reverse().cum_min().reverse().over("item_id").clip(lower_bound=0)
    before = pl.col("kept_minor").shift(1).over("item_id").fill_null(0)
    kept = moves.with_columns(sum_minor=sum_minor).with_columns(kept_minor=lowest_after)
    return kept.select("item_id", "on", less_minor=pl.col("kept_minor") - before).filter(pl.col("less_minor") > 0)
