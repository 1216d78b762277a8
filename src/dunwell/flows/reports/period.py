"""Which days a report is about."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.plausible import require_day
from dunwell.insight.trade import Days
from dunwell.records.models import Entity

MONTHS: Final = 3  # whole months, where nobody says
DAYS_MAX: Final = 36_525  # a century
DAY: Final = timedelta(days=1)


def days_asked(
    entities: Iterable[Entity],
    at: datetime,
    *,
    from_on: date | None = None,
    to_on: date | None = None,
    month: str | None = None,
    days: int | None = None,
) -> Days | None:
    """Return the days asked for, None where nobody says: from one to another, a month, or the last so many.

    All are over wherever the entities are: without an end it is yesterday, and so it is in a month that is under way.
    Errors: Invalid for several ways at once, days to come and absurd ones.
    """
    if len([way for way in (month, days, from_on or to_on) if way is not None]) > 1:
        raise Invalid("say --month, --days, or --from and --to: one of them")
    today = min(local_day(entity, at) for entity in entities)
    yesterday = today - DAY
    if month is not None:
        whole = _month(month)
        return _over(Days(whole.from_on, max(whole.from_on, min(whole.to_on, yesterday))), today)
    if days is not None:
        if not 1 <= days <= DAYS_MAX:
            raise Invalid(f"--days: {days} is not between 1 and {DAYS_MAX}")
        return Days(today - days * DAY, yesterday)
    if from_on is None and to_on is None:
        return None
    if from_on is None:
        raise Invalid("say --from as well: from which day on")
    last = to_on or max(from_on, yesterday)
    require_day("--from", from_on)
    require_day("--to", last)
    if last < from_on:
        raise Invalid(f"the days end on {last}, before they begin on {from_on}")
    return _over(Days(from_on, last), today)


def last_months(today: date, months: int = MONTHS) -> Days:
    """The last whole months before a day."""
    last = today.replace(day=1) - DAY
    return Days(months_before(last, months - 1), last)


def days_before(days: Days) -> Days:
    """As many days before these; of whole months, as many months."""
    if days.from_on.day == 1 and (days.to_on + DAY).day == 1:
        span = (days.to_on.year - days.from_on.year) * 12 + days.to_on.month - days.from_on.month
        return Days(months_before(days.before, span), days.before)
    return Days(days.from_on - days.count * DAY, days.before)


def months_before(on: date, months: int) -> date:
    """The first day of the month so many months before that of a day."""
    place = on.year * 12 + on.month - 1 - months
    return date(max(place // 12, 1), place % 12 + 1, 1)


def month_ends(days: Days) -> list[date]:
    """The ends of months from the day before these days to their last."""
    every = (days.before + n * DAY for n in range(days.count + 1))
    return [on for on in every if (on + DAY).day == 1]


def _month(text: str) -> Days:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text < "0001":
        raise Invalid(f"--month: {text!r} is not a month, such as 2026-03")
    first = date(int(text[:4]), int(text[5:]), 1)
    require_day("--month", first)
    return Days(first, months_before(first, -1) - DAY)


def _over(days: Days, today: date) -> Days:
    if days.to_on >= today:
        raise Invalid(f"{days.to_on} is not over yet: measures are of days that are. Today is {today}")
    return days
