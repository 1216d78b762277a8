"""What came of notices: money within some days, and answers."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.history import History
from dunwell.insight.received import received
from dunwell.insight.trade import GROUP, PARTY, Days, count_where, hundredths, total_where, with_party

OF_NOTICE: Final = ("stage", "policy", "channel")
WHY_NOT: Final = {
    "success_percent_hundredths": "no notice of these days has had its time yet, or none asked for anything",
    "response_percent_hundredths": "no notice of these days has had its time yet",
}


def success(history: History, days: Days, *, within_days: int, known_to: date, by: Sequence[str] = ()) -> pl.DataFrame:
    """Which part of the money that was asked for came within some days; a row an entity, currency and `by`.

    `collected_minor` / `noticed_minor`, of the notices sent on these days. `within_days` count from the day of sending,
    which is in it (0: the same day alone). Money counts once, for the latest notice with its item sent by then, and no
    more of it than the notice asked for the item; as in `received`, so no credit note counts, and no money taken back.
    Noticed is what was dunned, with tax: no charges, nothing disputed or set off; what two notices ask for is noticed
    twice. Of notices withdrawn or failed nothing counts. Those whose days are not over at the end of `known_to` count
    in neither sum: `waiting_count`, `waiting_minor`.
    """
    keys = [*GROUP, *by]
    sent = _sent(history, by).filter(pl.col("sent_on") <= known_to)
    lines = history.lines.join(sent, on="notice_id").sort("sent_on", "notice_id")
    came = received(history, until=known_to).sort("on")
    of_notice = came.join_asof(
        lines.select("item_id", "notice_id", on="sent_on", notice_on="sent_on"),
        on="on", by="item_id", strategy="backward", check_sortedness=False,
    )  # fmt: skip
    in_time = pl.col("on") <= pl.col("notice_on") + pl.duration(days=within_days)
    paid = of_notice.filter(in_time).group_by("notice_id", "item_id").agg(paid_minor=pl.col("amount_minor").sum())
    rows = lines.filter(days.has("sent_on")).join(paid, on=["notice_id", "item_id"], how="left")
    is_over = _is_over(within_days, known_to)
    asked, got = pl.col("amount_minor"), pl.min_horizontal(pl.col("paid_minor").fill_null(0), "amount_minor")
    return (
        rows.group_by(keys)
        .agg(
            pl.col("notice_id").filter(is_over).n_unique().cast(pl.Int64).alias("notices_count"),
            total_where(asked, is_over).alias("noticed_minor"),
            total_where(got, is_over).alias("collected_minor"),
            pl.col("notice_id").filter(~is_over).n_unique().cast(pl.Int64).alias("waiting_count"),
            total_where(asked, ~is_over).alias("waiting_minor"),
        )
        .with_columns(
            success_percent_hundredths=hundredths(pl.col("collected_minor"), pl.col("noticed_minor"), times=100)
        )
        .sort(keys)
    )


def responses(
    history: History, days: Days, *, within_days: int, known_to: date, by: Sequence[str] = ()
) -> pl.DataFrame:
    """Which part of the notices was answered within some days; a row an entity, currency and `by`.

    `answered_count` / `notices_count`, of the notices sent on these days, by the days of `success`. An answer is what
    was heard of the payer: a promise, a dispute, a noted contact. It counts once, for the latest notices sent to the
    payer by then; to several of one day, for each, since nobody can tell. Money alone is no answer. Those whose days
    are not over at the end of `known_to` are counted apart, as `waiting_count`.
    """
    keys = [*GROUP, *by]
    sent = _sent(history, by).filter(pl.col("sent_on") <= known_to)
    at = sent.select("entity_id", "payer_id", "sent_on").unique().sort("sent_on")
    heard = history.responses.filter(pl.col("on") <= known_to).sort("on")
    told = heard.join_asof(
        at.select("payer_id", on="sent_on", notice_on="sent_on"),
        on="on", by="payer_id", strategy="backward", check_sortedness=False,
    )  # fmt: skip
    in_time = pl.col("on") <= pl.col("notice_on") + pl.duration(days=within_days)
    answered = told.filter(in_time).select("payer_id", sent_on="notice_on", is_answered=pl.lit(value=True)).unique()
    rows = sent.filter(days.has("sent_on")).join(answered, on=["payer_id", "sent_on"], how="left")
    is_over = _is_over(within_days, known_to)
    return (
        rows.group_by(keys)
        .agg(
            count_where(is_over).alias("notices_count"),
            count_where(is_over & pl.col("is_answered")).alias("answered_count"),
            count_where(~is_over).alias("waiting_count"),
        )
        .with_columns(
            response_percent_hundredths=hundredths(pl.col("answered_count"), pl.col("notices_count"), times=100)
        )
        .sort(keys)
    )


def _sent(history: History, by: Sequence[str]) -> pl.DataFrame:
    """The notices that were sent, with what they are told apart by."""
    sent = history.notices.filter(pl.col("state") == "sent", pl.col("sent_on").is_not_null())
    named = sent.with_columns(channel=pl.col("channels").str.replace_all(",", "+"))
    party = [name for name in by if name in PARTY]
    own = [name for name in by if name in OF_NOTICE]
    return with_party(named, history, party, key="payer_id").select(
        "notice_id", "payer_id", *GROUP, "sent_on", *own, *party
    )


def _is_over(within_days: int, known_to: date) -> pl.Expr:
    """Whether all days that a notice has are on record."""
    last = pl.lit(known_to - timedelta(days=within_days))
    return pl.col("sent_on") <= last
