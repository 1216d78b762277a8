"""Days on which nothing leaves, by the calendar of each row's policy; nothing is done where no policy has one.

The days are looked up once for each distinct pair of calendar and date: ten million rows ask a few thousand times.
"""

from collections.abc import Callable
from datetime import date

import polars as pl

from dunwell.engine import calendars
from dunwell.engine.book import Book
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.age import DATE_MAX, days_since
from dunwell.engine.steps.procedures import Procedures

CALENDAR = pl.col("calendar")


def has_calendars(procedures: Procedures) -> bool:
    """Whether some policy has a calendar."""
    return any(policy.calendar for policy in procedures.policies)


def add_calendar(
    rows: pl.LazyFrame, book: Book, known: pl.DataFrame, procedures: Procedures, *, as_of: pl.Expr
) -> pl.LazyFrame:
    """Add `calendar`, that of the row's policy or null, and `closed_by`, the same where `as_of` is a closed day.

    With `due: roll` a due date on a closed day becomes the next open one, `days_past_due` and `is_overdue` with it;
    `stored_due_on` is what it was.
    """
    if not has_calendars(procedures):
        return rows
    calendar = procedures.of_policy(lambda policy: policy.calendar and policy.calendar.name, pl.String)
    if any(_is_accounts(policy) for policy in procedures.policies):
        rows = rows.join(_of_accounts(book, known).lazy(), on="account_id", how="left", maintain_order="left")
        of_account = pl.when(procedures.of_policy(_is_accounts, pl.Boolean)).then("account_calendar")
        calendar = pl.coalesce(calendar, of_account)
    rows = rows.with_columns(calendar=calendar)
    is_closed = next_open(as_of, CALENDAR) != as_of
    rows = rows.with_columns(closed_by=pl.when(is_closed).then(CALENDAR), stored_due_on="due_on")
    rolls = procedures.of_policy(
        lambda policy: policy.calendar is not None and policy.calendar.due == "roll", pl.Boolean
    )
    rows = rows.with_columns(due_on=next_open(pl.col("due_on"), pl.when(rolls).then(CALENDAR)))
    rows = rows.with_columns(days_past_due=days_since("due_on", as_of))
    return rows.with_columns(is_overdue=pl.col("days_past_due") > 0)


def closes(procedures: Procedures) -> pl.Expr:
    """Whether the day is closed for a row."""
    return pl.col("closed_by").is_not_null() if has_calendars(procedures) else pl.lit(value=False)


def leaves_on(on: pl.Expr, procedures: Procedures, *, as_of: pl.Expr) -> pl.Expr:
    """The first open day, from `as_of` on, on or after a date; without a calendar the date."""
    if not has_calendars(procedures):
        return on
    is_dated = CALENDAR.is_not_null() & on.is_not_null()
    return pl.when(is_dated).then(next_open(pl.max_horizontal(on, as_of), CALENDAR)).otherwise(on)


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


def _of_accounts(book: Book, known: pl.DataFrame) -> pl.DataFrame:
    """The calendar of each account's payer, or where that has no country of the account itself."""
    country = book.accounts.select("account_id", "country")
    both = known.select("account_id", "payer_id").join(country, on="account_id")
    both = both.join(country.rename({"account_id": "payer_id", "country": "of_payer"}), on="payer_id", how="left")
    both = both.with_columns(country=pl.coalesce("of_payer", "country"))
    names = both.select("country").unique()
    named = [calendars.calendar_of(name) for name in names["country"]]
    names = names.with_columns(account_calendar=pl.Series(named, dtype=pl.String))
    return both.join(names, on="country", how="left", nulls_equal=True).select("account_id", "account_calendar")


def _moved(on: pl.Expr, calendar: pl.Expr, move: Callable[[date, str], date]) -> pl.Expr:
    def moved(pairs: pl.Series) -> pl.Series:
        rows = pairs.struct.unnest()
        asked = rows.drop_nulls().unique()
        if asked.is_empty():
            return rows["on"]
        days = [move(day, name) for day, name in asked.iter_rows()]
        asked = asked.with_columns(to=pl.Series(days, dtype=pl.Date))
        found = rows.join(asked, on=["on", "calendar"], how="left", maintain_order="left")
        return found.select(pl.coalesce("to", "on")).to_series()

    # Dates beyond the last that Python knows are cut where a calendar is asked.
    asked = pl.when(calendar.is_not_null()).then(on.clip(date.min, DATE_MAX)).otherwise(on)
    return pl.struct(on=asked, calendar=calendar).map_batches(moved, return_dtype=pl.Date)
