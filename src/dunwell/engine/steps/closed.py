"""Days on which nothing leaves, by the calendar of each row's policy; nothing is done where no policy has one.

Rows look their day up in a table of the years that they are of: ten million ask for a few thousand days.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

import polars as pl

from dunwell.engine import calendars
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.age import DATE_MAX, days_since, later
from dunwell.engine.steps.procedures import Procedures

CALENDAR: Final = pl.col("calendar")
EPOCH: Final = date(1970, 1, 1)  # day 0 of a date as an integer
FIRST_DAY: Final = (date.min - EPOCH).days
LAST_DAY: Final = (DATE_MAX - EPOCH).days
YEARS_MAX: Final = 500  # of all calendars together, that a table is made of
Move: TypeAlias = Callable[[date, str], date]


def has_calendars(procedures: Procedures) -> bool:
    """Whether some policy has a calendar."""
    return any(policy.calendar for policy in procedures.policies)


def asked_of_accounts(procedures: Procedures) -> frozenset[str]:
    """What `with_calendars` wants to know of accounts: `calendar_country`, of the payer, or else of the account."""
    return frozenset({"calendar_country"} if any(map(_is_accounts, procedures.policies)) else ())


def with_calendars(known: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Add `account_calendar` to what is known of accounts, where some policy goes by the debtor's."""
    if "calendar_country" not in known.columns:
        return known
    countries = known["calendar_country"]
    named = {country: calendars.calendar_of(country) for country in countries.unique()}
    kind = pl.Enum(sorted({*named.values(), *_named(procedures)}))
    account_calendar = countries.replace_strict(named, return_dtype=pl.String).cast(kind)  # also of no account
    return known.drop("calendar_country").with_columns(account_calendar=account_calendar)


def add_calendar(rows: pl.LazyFrame, procedures: Procedures, *, as_of: pl.Expr) -> pl.LazyFrame:
    """Add `calendar`, that of the row's policy or null, and `closed_by`, the same where `as_of` is a closed day.

    With `due: roll` a due date on a closed day becomes the next open one, `days_past_due` and `is_overdue` with it;
    `stored_due_on` is what it was.
    """
    if not has_calendars(procedures):
        return rows
    of_account = rows.collect_schema().get("account_calendar")
    kind = of_account if isinstance(of_account, pl.Enum) else pl.Enum(sorted(_named(procedures)))
    calendar = procedures.of_policy(lambda policy: policy.calendar and policy.calendar.name, kind)
    if of_account is not None:
        by_account = procedures.of_policy(_is_accounts, pl.Boolean)
        calendar = pl.when(by_account).then("account_calendar").otherwise(calendar)
    rows = rows.with_columns(calendar=calendar)
    rows = rows.with_columns(closed_by=pl.when(_is_closed(as_of, kind)).then(CALENDAR), stored_due_on="due_on")
    if not any(_rolls_due(policy) for policy in procedures.policies):
        return rows
    rolls = procedures.of_policy(_rolls_due, pl.Boolean)
    rows = rows.with_columns(due_on=next_open(pl.col("due_on"), pl.when(rolls).then(CALENDAR)))
    rows = rows.with_columns(days_past_due=days_since("due_on", as_of))
    return rows.with_columns(is_overdue=pl.col("days_past_due") > 0)


def _rolls_due(policy: Policy) -> bool:
    return policy.calendar is not None and policy.calendar.due == "roll"


def _is_closed(as_of: pl.Expr, kind: pl.Enum) -> pl.Expr:
    """Whether `as_of` is a closed day of a row's calendar: where all rows have one date, a few days are looked at."""
    if as_of.meta.root_names():
        return next_open(as_of, CALENDAR) != as_of
    day = pl.select(as_of).item()
    closed = [calendars.is_closed(day, name) for name in kind.categories]
    return pl.lit(pl.Series(closed, dtype=pl.Boolean)).gather(CALENDAR.to_physical())


def closes(procedures: Procedures) -> pl.Expr:
    """Whether the day is closed for a row."""
    return pl.col("closed_by").is_not_null() if has_calendars(procedures) else pl.lit(value=False)


def leaves_on(on: pl.Expr, procedures: Procedures, *, as_of: pl.Expr) -> pl.Expr:
    """The first open day, from `as_of` on, on or after a date; without a calendar the date."""
    if not has_calendars(procedures):
        return on
    is_dated = CALENDAR.is_not_null() & on.is_not_null()
    return pl.when(is_dated).then(next_open(later(on, as_of), CALENDAR)).otherwise(on)


def moved_back(on: pl.Expr, procedures: Procedures) -> pl.Expr:
    """With `roll: back`, the open day before a stage's date on a closed one.

    Unless the due date, or the deadline that the last notice named, stands between: nobody is late on these.
    """
    if not any(policy.calendar and policy.calendar.roll == "back" for policy in procedures.policies):
        return on
    backs = procedures.of_policy(
        lambda policy: policy.calendar is not None and policy.calendar.roll == "back", pl.Boolean
    )
    back, due_on = _moved(on, pl.when(backs).then(CALENDAR), calendars.previous_open), pl.col("due_on")
    crosses = ((on >= due_on) & (back < due_on)) | ((on > due_on) & (back == due_on))
    deadline_on = pl.col("last_deadline_on")
    crosses |= ((on > deadline_on) & (back <= deadline_on)).fill_null(value=False)
    return pl.when(crosses).then(on).otherwise(back)


def next_open(on: pl.Expr, calendar: pl.Expr) -> pl.Expr:
    """The first open day on or after a date; without a calendar the date."""
    return _moved(on, calendar, calendars.next_open)


def _is_accounts(policy: Policy) -> bool:
    return policy.calendar is not None and policy.calendar.name is None


def _named(procedures: Procedures) -> set[str]:
    """The calendars that policies name."""
    return {policy.calendar.name for policy in procedures.policies if policy.calendar and policy.calendar.name}


def _moved(on: pl.Expr, calendar: pl.Expr, move: Move) -> pl.Expr:
    def moved(pairs: pl.Series) -> pl.Series:
        rows = pairs.struct.unnest()
        on, names = rows["on"], rows["calendar"]
        kind = names.dtype if isinstance(names.dtype, pl.Enum) else pl.Enum(names.drop_nulls().unique().sort())
        names = names.cast(kind)
        known, days = kind.categories, on.to_physical()
        first, last = days.min(), days.max()
        if not len(known) or not isinstance(first, int) or not isinstance(last, int):
            return on
        if first < FIRST_DAY or last > LAST_DAY:  # beyond the dates that Python knows: cut where a calendar is asked
            days, first, last = days.clip(FIRST_DAY, LAST_DAY), max(first, FIRST_DAY), min(last, LAST_DAY)
        years = range(_date(first).year, _date(last).year + 1)
        if len(years) * len(known) > YEARS_MAX:
            return _one_by_one(days.cast(pl.Date), names, move).zip_with(names.is_not_null(), on)
        # A table of every day of these years, one calendar after the other: a row's place in it is arithmetic. As
        # UInt32, which is what places are taken by: any other kind of number is looked through and copied first.
        table = pl.concat(_year(year, name, move) for name in known for year in years)
        width, day_0 = len(table) // len(known), (date(years[0], 1, 1) - EPOCH).days
        place = names.to_physical().cast(pl.UInt32) * width + (days - day_0).cast(pl.UInt32, wrap_numerical=True)
        return table.gather(place).zip_with(names.is_not_null(), on)

    return pl.struct(on=on, calendar=calendar).map_batches(moved, return_dtype=pl.Date)


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)


@lru_cache(maxsize=2_000)
def _year(year: int, name: str, move: Move) -> pl.Series:
    """Where each day of a year is moved to by a calendar."""
    days = pl.date_range(date(year, 1, 1), date(year, 12, 31), eager=True)
    return pl.Series([move(day, name) for day in days], dtype=pl.Date)


def _one_by_one(days: pl.Series, names: pl.Series, move: Move) -> pl.Series:
    """The same for days that are far apart: each distinct one is looked up."""
    rows = pl.DataFrame({"on": days, "calendar": names})
    asked = rows.drop_nulls().unique()
    asked = asked.with_columns(to=pl.Series([move(day, name) for day, name in asked.iter_rows()], dtype=pl.Date))
    found = rows.join(asked, on=["on", "calendar"], how="left", maintain_order="left")
    return found.select(pl.coalesce("to", "on")).to_series()
