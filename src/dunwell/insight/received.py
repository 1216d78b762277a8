"""What was paid of claims, and when: money that stayed."""

from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.trade import SOLD

OF_MONEY: Final = ("item_id", "source_item_id")


def received(history: History, *, until: date) -> pl.DataFrame:
    """What was paid of invoices and instalments by the end of a day: `item_id`, `on`, `amount_minor`, above 0.

    Money that was taken back by then was not paid: it goes from the day on which it came. Where nobody knows which it
    was, as of what imports say, it is the last that came. Credit notes set off are no money, charges are not looked at,
    and what was settled before it was imported was paid on the day its source says. Money not yet set off against an
    item is not paid to any. Sorted by item and day.
    """
    sold = history.items.filter(pl.col("kind").is_in(SOLD)).select("item_id")
    less, apart = _money(history, until, sold), history.returned.filter(pl.col("on") <= until)
    of_known = _that_stayed(_summed(apart.join(sold, on="item_id", how="semi"), *OF_MONEY), *OF_MONEY)
    back = less.filter(pl.col("less_minor") < 0).select("item_id").unique()
    plain = less.join(back, on="item_id", how="anti")
    stayed = _that_stayed(less.join(back, on="item_id", how="semi").sort("item_id", "on"), "item_id")
    found = _summed(pl.concat([each.select("item_id", "on", "less_minor") for each in (plain, stayed, of_known)]))
    return found.rename({"less_minor": "amount_minor"})


def _money(history: History, until: date, sold: pl.DataFrame) -> pl.DataFrame:
    """What moved of claims by a day, without credit notes and what is known of money that was taken back."""
    less = history.moves
    others = [history.credited, history.returned.drop("source_item_id")]
    if taken_off := [each.with_columns(-pl.col("less_minor")) for each in others if each.height]:
        less = pl.concat([less, *taken_off])
    mine = less.filter(pl.col("on") <= until).join(sold, on="item_id", how="semi")
    return _summed(mine) if taken_off else mine.filter(pl.col("less_minor") != 0)


def _summed(moves: pl.DataFrame, *keys: str) -> pl.DataFrame:
    by = [*(keys or ["item_id"]), "on"]
    return moves.group_by(by).agg(pl.col("less_minor").sum()).filter(pl.col("less_minor") != 0).sort(by)


def _that_stayed(moves: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Of money taken back, sorted by its keys and days: at each move, how much came of what never went again."""
    sum_minor = pl.col("less_minor").cum_sum().over(keys)
    lowest_after = pl.col("sum_minor").reverse().cum_min().reverse().over(keys).clip(lower_bound=0)
    before = pl.col("kept_minor").shift(1).over(keys).fill_null(0)
    kept = moves.with_columns(sum_minor=sum_minor).with_columns(kept_minor=lowest_after)
    return kept.select("item_id", "on", less_minor=pl.col("kept_minor") - before).filter(pl.col("less_minor") > 0)
