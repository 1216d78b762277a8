"""What came of a simulation: frames of declared schemas, one row a scenario and whatever it is told by.

Claims alone are measured, that is invoices and instalments, by currency: nothing is added across currencies. A claim is
at the stage of the last notice that asked for it within the period, whatever was said before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.book import Currency, Schema
from dunwell.engine.simulation.happenings import Happenings
from dunwell.engine.simulation.play import Played

NOT_DUE: Final = "not due"
NO_STAGE: Final = "no notice yet"
CLAIMS: Final = ("invoice", "instalment")
SOON_DAYS: Final = 7
DAYS: Final = range(-30, 121)  # after the due date

SCHEMAS: Final[dict[str, Schema]] = {
    # Opening + booked - paid = closing. `days_to_pay`: from the issue to the last payment, each claim alike, or by its
    # amount; of the `settled_in_all` claims that every scenario settles in the period. Over all that each settles,
    # whoever gets slow payers to pay too would look the slower for it.
    "totals": {
        "scenario": pl.Int32, "currency": Currency, "opening_minor": pl.Int64, "booked_minor": pl.Int64,
        "paid_minor": pl.Int64, "closing_minor": pl.Int64, "overdue_minor": pl.Int64, "settled": pl.Int64,
        "settled_in_all": pl.Int64, "still_open": pl.Int64, "days_to_pay": pl.Float64,
        "days_to_pay_weighted": pl.Float64,
        "days_late": pl.Float64,
    },
    # `notices` that left over some channel, `silent` ones that only raise tasks or charges; `accounts` were written to.
    # `watched`: notices that asked for something SOON_DAYS days or more before the end; `soon_paid`: those of them of
    # which all was settled within these days.
    "contacts": {
        "scenario": pl.Int32, "notices": pl.Int64, "silent": pl.Int64, "accounts": pl.Int64, "approvals": pl.Int64,
        "watched": pl.Int64, "soon_paid": pl.Int64,
    },
    "messages": {
        "scenario": pl.Int32, "month": pl.Date, "stage": pl.String, "level": pl.Int16, "channel": pl.String,
        "messages": pl.Int64,
    },
    "costs": {"scenario": pl.Int32, "channel": pl.String, "messages": pl.Int64, "cost_minor": pl.Int64},
    "charges": {
        "scenario": pl.Int32, "currency": Currency, "charge": pl.String, "charges": pl.Int64, "amount_minor": pl.Int64,
    },
    # What is open at the end of a day: `stage` is NOT_DUE, NO_STAGE, or that of the last notice.
    "exposure": {
        "scenario": pl.Int32, "on": pl.Date, "currency": Currency, "stage": pl.String, "level": pl.Int16,
        "open_minor": pl.Int64,
    },
    "daily": {
        "scenario": pl.Int32, "on": pl.Date, "currency": Currency, "booked_minor": pl.Int64, "paid_minor": pl.Int64,
    },
    # Of the claims issued in the period, the share settled by so many days after the due date, by Kaplan and Meier:
    # who was still open at the end counts as long as they were watched.
    "paid_by_day": {"scenario": pl.Int32, "days": pl.Int32, "paid_share": pl.Float64},
    "segments": {
        "scenario": pl.Int32, "segment": pl.String, "currency": Currency, "notices": pl.Int64, "settled": pl.Int64,
        "days_to_pay": pl.Float64, "closing_minor": pl.Int64, "overdue_minor": pl.Int64,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """The tables of SCHEMAS, one frame each, in the order of their first columns."""

    scenarios: tuple[str, ...]
    from_on: date
    until_on: date
    totals: pl.DataFrame
    contacts: pl.DataFrame
    messages: pl.DataFrame
    costs: pl.DataFrame
    charges: pl.DataFrame
    exposure: pl.DataFrame
    daily: pl.DataFrame
    paid_by_day: pl.DataFrame
    segments: pl.DataFrame


def measured(
    happens: Happenings, played: Played, scenarios: Sequence[str], until_on: date, *, costs: Mapping[str, int]
) -> Result:
    """Measure a simulation that was played to the end of `until_on`. `costs`: of a message, by channel, minor units."""
    measuring = _Measuring(happens, played, len(scenarios), until_on)
    messages = measuring.messages()
    found = {
        "totals": measuring.totals(),
        "contacts": measuring.contacts(),
        "messages": messages,
        "costs": _costs(messages, costs),
        "charges": measuring.charges(),
        "exposure": measuring.exposure(),
        "daily": measuring.daily(),
        "paid_by_day": measuring.paid_by_day(),
        "segments": measuring.segments(),
    }
    shaped = {
        name: found[name].select(pl.col(column).cast(dtype) for column, dtype in schema.items()).sort(_key(schema))
        for name, schema in SCHEMAS.items()
    }
    return Result(tuple(scenarios), happens.from_on, until_on, **shaped)


def _key(schema: Schema) -> list[str]:
    keys = ("scenario", "month", "on", "days", "segment", "currency", "level", "stage", "channel", "charge")
    return [name for name in keys if name in schema]


class _Measuring:
    """The claims of every scenario, and what happened to them."""

    def __init__(self, happens: Happenings, played: Played, count: int, until_on: date) -> None:
        self.played, self.from_on, self.until_on = played, happens.from_on, until_on
        numbers = pl.DataFrame({"scenario": range(count)}, schema={"scenario": pl.Int32})
        accounts = happens.accounts.select("account_id", "segment")
        is_claim = pl.col("kind").is_in(CLAIMS) & (pl.col("open_minor") >= 0)
        opening = happens.opening.with_columns(begins_on=pl.lit(self.from_on), is_new=pl.lit(value=False))
        booked = happens.booked.with_columns(begins_on="issued_on", is_new=pl.lit(value=True))
        claims = pl.concat([opening, booked]).filter(is_claim, pl.col("begins_on") <= until_on)
        columns = ("item_id", "account_id", "currency", "issued_on", "due_on", "amount_minor", "open_minor")
        known = claims.select(*columns, "begins_on", "is_new").join(accounts, on="account_id")
        self.claims = numbers.join(known, how="cross")
        self.moves = played.moves.join(known.select("item_id", "currency"), on="item_id")
        paid = self.moves.group_by("scenario", "item_id").agg(
            paid_minor=pl.col("less_minor").sum(), last_on=pl.col("on").max()
        )
        ended = self.claims.join(paid, on=["scenario", "item_id"], how="left").with_columns(
            closing_minor=pl.col("open_minor") - pl.col("paid_minor").fill_null(0)
        )
        is_settled = (pl.col("closing_minor") == 0) & pl.col("last_on").is_not_null()
        in_all = is_settled.all().over("item_id")
        self.ended = ended.with_columns(
            is_settled=is_settled,
            in_all=in_all,
            days=pl.when(in_all).then(_days(pl.col("last_on"), pl.col("issued_on"))),
            late=pl.when(is_settled).then(_days(pl.col("last_on"), pl.col("due_on"))),
            is_overdue=(pl.col("due_on") < until_on).fill_null(value=False),
        )

    def totals(self) -> pl.DataFrame:
        """One row a scenario and currency."""
        weighted = pl.col("days").cast(pl.Int128) * pl.col("amount_minor")
        by_amount = weighted.sum() / pl.col("amount_minor").filter(pl.col("days").is_not_null()).sum()
        return self.ended.group_by("scenario", "currency").agg(
            opening_minor=pl.col("open_minor").filter(~pl.col("is_new")).sum(),
            booked_minor=pl.col("open_minor").filter("is_new").sum(),
            paid_minor=pl.col("paid_minor").fill_null(0).sum(),
            closing_minor=pl.col("closing_minor").sum(),
            overdue_minor=pl.col("closing_minor").filter("is_overdue").sum(),
            settled=pl.col("is_settled").sum(),
            settled_in_all=pl.col("in_all").sum(),
            still_open=(pl.col("closing_minor") > 0).sum(),
            days_to_pay=pl.col("days").mean().round(2),
            days_to_pay_weighted=by_amount.fill_nan(None).round(2),
            days_late=pl.col("late").filter("in_all").mean().round(2),
        )

    def contacts(self) -> pl.DataFrame:
        """One row a scenario."""
        speaks = pl.col("channels") != ""
        settled = self.ended.select("scenario", "item_id", "last_on", "is_settled")
        asked = self.played.lines.join(settled, on=["scenario", "item_id"])
        is_soon = pl.col("is_settled") & (_days(pl.col("last_on"), pl.col("on")) <= SOON_DAYS)
        soon = asked.group_by("scenario", "notice_id").agg(is_soon=is_soon.all())
        told = self.played.notices.join(soon, on=["scenario", "notice_id"], how="left")
        # Of the last days nobody knows yet; a message that closes asks for nothing.
        is_watched = speaks & (pl.col("on") <= self.until_on - timedelta(days=SOON_DAYS))
        found = told.group_by("scenario").agg(
            notices=speaks.sum(),
            silent=(~speaks).sum(),
            accounts=pl.col("payer_id").filter(speaks).n_unique(),
            approvals=(pl.col("approvals") > 0).sum(),
            watched=(is_watched & pl.col("is_soon").is_not_null()).sum(),
            soon_paid=(is_watched & pl.col("is_soon").fill_null(value=False)).sum(),
        )
        every = self.claims.select("scenario").unique()
        return every.join(found, on="scenario", how="left").fill_null(0)

    def messages(self) -> pl.DataFrame:
        """One row a scenario, month, stage and channel."""
        left = self.played.notices.filter(pl.col("channels") != "").with_columns(
            channel=pl.col("channels").str.split(","), month=pl.col("on").dt.month_start()
        )
        each = left.explode("channel")
        return each.group_by("scenario", "month", "stage", "level", "channel").agg(messages=pl.len())

    def charges(self) -> pl.DataFrame:
        """One row a scenario, currency and kind of charge."""
        rows = self.played.charges.with_columns(pl.col("charge").cast(pl.String))
        return rows.group_by("scenario", "currency", "charge").agg(
            charges=pl.len(), amount_minor=pl.col("amount_minor").sum()
        )

    def daily(self) -> pl.DataFrame:
        """One row a scenario, day and currency on which something was booked or paid."""
        booked = self.claims.filter("is_new").select("scenario", "currency", on="begins_on", booked_minor="open_minor")
        paid = self.moves.select("scenario", "currency", "on", paid_minor="less_minor")
        both = pl.concat([booked, paid], how="diagonal")
        return both.group_by("scenario", "on", "currency").agg(pl.col("booked_minor", "paid_minor").sum())

    def exposure(self) -> pl.DataFrame:
        """One row a scenario, day, currency and stage at which something is open."""
        states = self._states()
        place = ["scenario", "currency", "stage", "level"]
        begins = states.select(*place, on="on", change_minor="open_minor")
        ends = states.drop_nulls("until_on").select(*place, on="until_on", change_minor=-pl.col("open_minor"))
        changes = pl.concat([begins, ends]).group_by(*place, "on").agg(pl.col("change_minor").sum())
        days = pl.date_range(self.from_on, self.until_on, eager=True).alias("on").to_frame()
        grid = changes.select(place).unique().join(days, how="cross")
        filled = grid.join(changes, on=[*place, "on"], how="left", nulls_equal=True).sort(*place, "on")
        open_minor = pl.col("change_minor").fill_null(0).cum_sum().over(place)
        return filled.with_columns(open_minor=open_minor).filter(pl.col("open_minor") != 0)

    def _states(self) -> pl.DataFrame:
        """How each claim stands from a day `on` to the day before `until_on`: `open_minor`, `stage`, `level`."""
        key = ["scenario", "item_id"]
        last = self.played.lines.group_by(*key, "on").agg(pl.col("level", "stage").last())
        begins = self.claims.select(*key, on="begins_on", change_minor="open_minor")
        late_on = pl.col("due_on") + timedelta(days=1)
        due = self.claims.select(*key, on=late_on).filter(pl.col("on").is_between(self.from_on, self.until_on))
        paid = self.moves.select(*key, "on", change_minor=-pl.col("less_minor"))
        noticed = last.select(*key, "on", "level", "stage")
        events = pl.concat([begins, due, paid, noticed], how="diagonal").group_by(*key, "on").agg(
            pl.col("change_minor").sum(), pl.col("level", "stage").drop_nulls().first()
        )  # fmt: skip
        dates = self.claims.select(*key, "currency", "due_on", "begins_on")
        rows = events.join(dates, on=key).filter(pl.col("on") >= pl.col("begins_on")).sort(*key, "on")
        said = pl.col("stage").forward_fill().over(key).fill_null(NO_STAGE)
        at = pl.col("level").forward_fill().over(key).fill_null(0)
        is_late = (pl.col("due_on") < pl.col("on")).fill_null(value=False)
        return rows.with_columns(
            open_minor=pl.col("change_minor").cum_sum().over(key),
            stage=pl.when(is_late).then(said).otherwise(pl.lit(NOT_DUE)),
            level=pl.when(is_late).then(at).otherwise(pl.lit(-1)).cast(pl.Int16),
            until_on=pl.col("on").shift(-1).over(key),
        )

    def paid_by_day(self) -> pl.DataFrame:
        """One row a scenario and day after the due date."""
        watched = self.ended.filter("is_new").drop_nulls("due_on")
        lasted = watched.select(
            "scenario",
            days=pl.coalesce("late", _days(pl.lit(self.until_on), pl.col("due_on"))).clip(lower_bound=DAYS[0]),
            is_paid="is_settled",
        )
        counts = lasted.group_by("scenario", "days").agg(paid=pl.col("is_paid").sum(), gone=pl.len()).sort("days")
        left = pl.col("gone").sum() - pl.col("gone").cum_sum() + pl.col("gone")
        stays = (1 - pl.col("paid") / left).cum_prod()
        curve = counts.sort("scenario", "days").with_columns(open_share=stays.over("scenario"))
        days = pl.DataFrame({"days": DAYS}, schema={"days": curve.schema["days"]})
        grid = curve.select("scenario").unique().join(days, how="cross").sort("days")
        found = grid.join_asof(curve.sort("days"), on="days", by="scenario", check_sortedness=False)
        last = lasted.group_by("scenario").agg(last=pl.col("days").max())
        seen = found.join(last, on="scenario").filter(pl.col("days") <= pl.col("last"))
        return seen.with_columns(paid_share=(1 - pl.col("open_share").fill_null(1.0)).round(6))

    def segments(self) -> pl.DataFrame:
        """One row a scenario, segment and currency."""
        key = ["scenario", "segment", "currency"]
        ended = self.ended.group_by(key).agg(
            settled=pl.col("is_settled").sum(),
            days_to_pay=pl.col("days").mean().round(2),
            closing_minor=pl.col("closing_minor").sum(),
            overdue_minor=pl.col("closing_minor").filter("is_overdue").sum(),
        )
        segment_of = self.claims.select("segment", payer_id="account_id").unique("payer_id")
        said = self.played.notices.filter(pl.col("channels") != "").join(segment_of, on="payer_id", how="left")
        notices = said.group_by(key).agg(notices=pl.len())
        both = ended.join(notices, on=key, how="left", nulls_equal=True)
        return both.with_columns(pl.col("notices").fill_null(0))


def _costs(messages: pl.DataFrame, costs: Mapping[str, int]) -> pl.DataFrame:
    """What the messages cost: nothing where nobody says so."""
    sums = messages.group_by("scenario", "channel").agg(pl.col("messages").sum())
    each = pl.DataFrame(list(costs.items()), {"channel": pl.String, "each_minor": pl.Int64}, orient="row")
    priced = sums.join(each, on="channel", how="left")
    return priced.with_columns(cost_minor=pl.col("messages") * pl.col("each_minor").fill_null(0))


def _days(later: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    return later.cast(pl.Date).cast(pl.Int32) - earlier.cast(pl.Int32)
