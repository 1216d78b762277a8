"""Measures over some days, an entity at a time: what each is called, what it means, and its report."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

import polars as pl

from dunwell.engine.history import History
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.reports.known import MONTHS_BACK, history_of, known_from, notes_on, yesterday
from dunwell.flows.reports.period import last_months, month_ends
from dunwell.flows.reports.report import Report, Row, missing, require_any, require_by, rows_of
from dunwell.insight import cei, dso, lateness, promises, rolling, success
from dunwell.insight.trade import PARTY, Days, in_days
from dunwell.records.models import Entity

WITHIN_DAYS: Final = 14
WITHIN_DAYS_MAX: Final = 366


@dataclass(frozen=True)
class Asked:
    """What a measure is asked for; `known_to`: the last day that is over."""

    days: Days
    known_to: date
    within_days: int = WITHIN_DAYS
    by: tuple[str, ...] = ()


Of: TypeAlias = Callable[[History, Asked], pl.DataFrame]


@dataclass(frozen=True)
class Measure:
    """A measure: its title, its definition, by what it can be told apart, and why a figure of it may be missing."""

    title: str
    about: str
    of: Of
    why_not: Mapping[str, str]
    by: tuple[str, ...] = PARTY
    months_back: int = 0  # how far before the days it looks


def _rolled(told: History, asked: Asked) -> pl.DataFrame:
    """From each month end of the days to the next."""
    ends = month_ends(asked.days)
    if len(ends) < 2:
        raise Invalid("roll rates go from one month end to the next: these days hold no whole month")
    found = [
        rolling.roll_rates(told, first, last, by=asked.by).with_columns(month_end_on=pl.lit(last))
        for first, last in pairwise(ends)
    ]
    return pl.concat(found).sort("currency", *asked.by, "month_end_on", "from_bucket", "to_bucket")


def _success(told: History, asked: Asked) -> pl.DataFrame:
    return success.success(told, asked.days, within_days=asked.within_days, known_to=asked.known_to, by=asked.by)


def _responses(told: History, asked: Asked) -> pl.DataFrame:
    return success.responses(told, asked.days, within_days=asked.within_days, known_to=asked.known_to, by=asked.by)


MEASURES: Final[dict[str, Measure]] = {
    "dso": Measure(
        "Days sales outstanding",
        "Receivables / sales x days, at the end of the days. Countback: whole months of sales, peeled backwards until"
        " what is owed is used up. Best possible: of what is not due alone; average days delinquent: the rest. Net:"
        " less credit notes and money not yet set off.",
        lambda told, asked: dso.dso(told, asked.days, by=asked.by),
        dso.WHY_NOT,
        months_back=MONTHS_BACK,
    ),
    "cei": Measure(
        "Collection effectiveness index",
        "(opening + sales - closing) / (opening + sales - closing not due): of what could have been collected, how much"
        " was.",
        lambda told, asked: cei.cei(told, asked.days, by=asked.by),
        cei.WHY_NOT,
    ),
    "lateness": Measure(
        "Weighted average days late",
        "sum(amount x days past due) / sum(amount) of what was paid in the days. Money in time counts with 0 days; of"
        " late: late money alone; beyond terms: early money counts below 0.",
        lambda told, asked: lateness.lateness(told, asked.days, by=asked.by),
        lateness.WHY_NOT,
    ),
    "success": Measure(
        "Collection success",
        "Of the money that notices sent in the days asked for, what came within some days of the sending, that day"
        " among them. Money counts once, for the latest notice with its item.",
        _success,
        success.WHY_NOT,
        (*success.OF_NOTICE, *PARTY),
    ),
    "responses": Measure(
        "Response rate",
        "Of the notices sent in the days, how many were answered within some days: by a promise, a dispute, a contact.",
        _responses,
        success.WHY_NOT,
        (*success.OF_NOTICE, *PARTY),
    ),
    "promises": Measure(
        "Promises kept",
        "Of the promises whose time ended in the days, those of which all came in time: by their number, and by what"
        " was promised.",
        lambda told, asked: promises.promises_kept(told, asked.days, known_to=asked.known_to, by=asked.by),
        promises.WHY_NOT,
    ),
    "roll": Measure(
        "Roll rates",
        "Of the money in each bucket of age at one month end, where it stood at the next: item by item.",
        _rolled,
        rolling.WHY_NOT,
    ),
    "turnover": Measure(
        "Receivables turnover",
        "Sales / average of opening and closing receivables; a year: at that pace in 365 days.",
        lambda told, asked: dso.turnover(told, asked.days, by=asked.by),
        dso.WHY_NOT,
    ),
}


def measure(
    name: str,
    entities: Sequence[Entity],
    days: Days | None,
    *,
    at: datetime,
    by: str | None = None,
    within_days: int = WITHIN_DAYS,
) -> Report:
    """Report a measure of entities over some days; by default the last three whole months, as far as they are known.

    An entity of which nothing is known then is named, and left out. Errors: Invalid, also where that is every one.
    """
    wanted = MEASURES[name]
    require_by(wanted.title.lower(), by, wanted.by)
    if not 0 <= within_days <= WITHIN_DAYS_MAX:
        raise Invalid(f"--within: {within_days} is not between 0 and {WITHIN_DAYS_MAX} days")
    report = Report(name, wanted.title, wanted.about, [], [], by=by or "")
    refused: list[str] = []
    for entity in entities:
        try:
            own = days or default_days(entity, at)
            told = history_of(entity, own, months_back=wanted.months_back)
            frame = wanted.of(told, Asked(own, yesterday(entity, at), within_days, (by,) if by else ()))
        except Invalid as error:
            refused.append(error.message)
            continue
        rows = rows_of(frame, entity)
        report.rows.extend(rows)
        report.notes.extend(notes_of(entity, in_days(told, own), rows))
        report = report.of_days(entity, own)
    require_any(entities, refused)
    report.notes[:0] = missing(report.rows, wanted.why_not, by or "")
    report.notes.extend([*refused, *_waiting(report.rows)])
    return report


NOTHING: Final = "there is nothing to measure in these days"


def notes_of(entity: Entity, told: History, rows: Sequence[Row]) -> list[str]:
    """What is to be known of an entity's figures, and whether there are any."""
    return [f"{entity.code}: {note}" for note in [*notes_on(told), *([] if rows else [NOTHING])]]


def default_days(entity: Entity, at: datetime) -> Days:
    """The last three whole months, or what of them is known; where that is nothing, all that is known.

    Errors: Invalid where no day is over whose beginning is on record.
    """
    today, known = local_day(entity, at), known_from(entity)
    if known is None:
        raise Invalid(f"nothing is known of {entity.code}: import a book first")
    first, months = known + timedelta(days=1), last_months(today)
    if first >= today:
        raise Invalid(
            f"{entity.code} is on record from the end of {known} on: measures are of whole days that are over, and the"
            f" first is {first}. `dunwell report ageing` shows today"
        )
    if first > months.to_on:
        return Days(first, today - timedelta(days=1))
    return Days(max(first, months.from_on), months.to_on)


def _waiting(rows: Sequence[Row]) -> list[str]:
    waiting = sum(row.get("waiting_count", 0) for row in rows)
    return [f"{waiting:,} are left out: their time is not over yet"] if waiting else []
