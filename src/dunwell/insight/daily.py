"""The figures of one day, as they are kept for trends."""

from collections.abc import Iterable
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.engine.steps.parties import is_ended, promise_over_on
from dunwell.insight.ageing import ageing
from dunwell.insight.sales import sales
from dunwell.insight.standing import book_on, standing
from dunwell.insight.trade import GROUP, SOLD, Days, side_by_side, total

OWED: Final = (
    "not_due_minor", "days_1_30_minor", "days_31_60_minor", "days_61_90_minor", "days_over_90_minor",
    "no_due_date_minor",
)  # fmt: skip
FIGURES: Final = (
    *OWED, "charges_minor", "unapplied_minor", "disputed_minor", "invoiced_minor", "credited_minor", "received_minor",
    "promised_minor", "open_count", "notices_count", "promises_count",
)  # fmt: skip


def figures(history: History, on: date, *, also: Iterable[str] = ()) -> pl.DataFrame:
    """Return the figures of a day, a row an entity and currency: GROUP and FIGURES, whole numbers.

    At its end: what is owed by age as in `ageing` (OWED, with charges and disputed parts; `charges_minor` and
    `disputed_minor` say how much of it), `unapplied_minor` (0 or less) apart, and the promises whose time runs, kept
    or not. Of the day itself: `invoiced_minor` and `credited_minor` as in `sales`; `received_minor`, money that was set
    off against invoices and instalments, less what was taken back; `notices_count` sent. `also`: currencies that have
    a row even where nothing of them is in the history, since nothing was owed in them: zeros.
    Errors: ValueError for a day that the history does not tell of.
    """
    keys = list(GROUP)
    aged = ageing(book_on(history, on), as_of=on).select(
        *keys, *OWED, "unapplied_minor", "disputed_minor", "open_count"
    )
    charged = standing(history, on).select(*keys, "charges_minor")
    sold = sales(history, Days(on, on)).select(*keys, "invoiced_minor", "credited_minor")
    day = (_received(history, on), _notices(history, on), _promises(history, on))
    named = pl.DataFrame({"currency": list(also)}, schema={"currency": history.items.schema["currency"]})
    idle = history.accounts.select("entity_id").unique().join(named, how="cross").select(keys)
    known = pl.concat([history.items.select(keys), idle]).unique()
    return side_by_side(keys, known, aged, charged, sold, *day).select(*keys, *FIGURES)


def _received(history: History, on: date) -> pl.DataFrame:
    taken_off = history.credited.with_columns(-pl.col("less_minor"))
    less = pl.concat([history.moves, taken_off]).filter(pl.col("on") == on)
    sold = history.items.filter(pl.col("kind").is_in(SOLD)).select("item_id", *GROUP)
    return less.join(sold, on="item_id").group_by(GROUP).agg(received_minor=total(pl.col("less_minor")))


def _notices(history: History, on: date) -> pl.DataFrame:
    sent = history.notices.filter(pl.col("state") == "sent", pl.col("sent_on") == on)
    return sent.group_by(GROUP).agg(notices_count=pl.len().cast(pl.Int64))


def _promises(history: History, on: date) -> pl.DataFrame:
    runs = (pl.col("made_on") <= on) & (promise_over_on() >= on) & ~is_ended(pl.lit(on))
    own = history.promises.filter(runs).join(history.accounts.select("account_id", "entity_id"), on="account_id")
    return own.group_by(GROUP).agg(promises_count=pl.len().cast(pl.Int64), promised_minor=total(pl.col("amount_minor")))
