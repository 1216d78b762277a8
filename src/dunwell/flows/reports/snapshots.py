"""The figures of each day, kept once it is over: by workers every day, by people for days of the past."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl
from django.db import transaction
from django.db.models import Max

from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.plausible import require_day
from dunwell.flows.reports.known import history_on, known_from
from dunwell.flows.reports.report import Report, Row, require_any
from dunwell.insight.daily import FIGURES, figures
from dunwell.insight.trade import Days, trade
from dunwell.records import bulk
from dunwell.records.models import Entity, Item, Snapshot

DAYS_AGAIN: Final = 7  # what is booked late, such as an invoice of the day before, still comes into its day
GAP_DAYS_MAX: Final = 92  # how far back a day that nobody kept is still kept: the three months of a DSO
DAYS_AT_ONCE_MAX: Final = 3_660
DAY: Final = timedelta(days=1)
ABOUT: Final = "What was owed at the end of a day by age, and what happened on it, as it is kept for trends."


def unmeasured(now: datetime) -> Iterator[Entity]:
    """The entities whose last days are to be measured now: those with a book, once a day of theirs is over.

    Also where nothing is open: that nothing is owed is a figure. A day of measuring more than a day in the future, as a
    clock that was wrong leaves it, keeps nobody from it.
    """
    for entity in Entity.objects.order_by("code"):
        today = local_day(entity, now)
        is_done = entity.measured_on is not None and today <= entity.measured_on <= today + DAY
        if not is_done and Item.objects.filter(entity=entity, draft=False).exists():
            yield entity


def measure_last_days(entity_id: int, now: datetime) -> None:
    """Keep the figures of an entity's last week to yesterday, as far as it is on record; once a day.

    A day of that week that is there is measured again. Days before it that nobody kept, as while no worker ran, are
    kept as well, back to the first that was. Errors: Invalid for a book that cannot be read.
    """
    entity = Entity.objects.get(pk=entity_id)
    today, known = local_day(entity, now), known_from(entity)
    days = [on for on in _last_days(entity, today) if known and on >= known]
    if days:
        _measure(entity, days)
    Entity.objects.filter(pk=entity_id).update(measured_on=today)


def _last_days(entity: Entity, today: date) -> list[date]:
    first = today - GAP_DAYS_MAX * DAY
    kept = set(Snapshot.objects.filter(entity=entity, on__gte=first, on__lt=today).values_list("on", flat=True))
    if Snapshot.objects.filter(entity=entity, on__lt=first).exists():
        kept.add(first - DAY)
    since, week = min(kept, default=today), today - DAYS_AGAIN * DAY
    every = [first + n * DAY for n in range(GAP_DAYS_MAX)]
    return [on for on in every if on >= week or (on > since and on not in kept)]


def put_off(entity_id: int, now: datetime) -> None:
    """Measure nothing of an entity any more today."""
    entity = Entity.objects.get(pk=entity_id)
    Entity.objects.filter(pk=entity_id).update(measured_on=local_day(entity, now))


def snapshot(entities: Sequence[Entity], on: date | Days | None, *, at: datetime) -> Report:
    """Measure a day of the past, yesterday by default, or several, from the history, and keep them.

    An entity of which nothing is known then, or where the last day is not over, is named. Errors: Invalid, also where
    that is every one.
    """
    rows: list[Row] = []
    refused: list[str] = []
    asked = Days(on, on) if isinstance(on, date) else on
    if asked:
        require_day("--on", asked.from_on)
    if asked and asked.count > DAYS_AT_ONCE_MAX:
        raise Invalid(f"{asked.count:,} days are more than {DAYS_AT_ONCE_MAX:,}, which can be kept at once")
    own = asked
    for entity in entities:
        today = local_day(entity, at)
        own = asked or Days(today - DAY, today - DAY)
        try:
            if own.to_on >= today:
                raise Invalid(f"{entity.code}: {own.to_on} is not over yet: today is {today}")  # noqa: TRY301  # told with what cannot be measured
            frames = _measure(entity, [own.from_on + n * DAY for n in range(own.count)])
        except Invalid as error:
            refused.append(error.message)
            continue
        for frame in frames:
            rows += [{"entity": entity.code, "on": row.pop("on"), **row} for row in frame.drop("entity_id").to_dicts()]
    require_any(entities, refused)
    first = own.from_on if own and own.count > 1 else None
    return Report("snapshot", "Snapshot", ABOUT, rows, refused, from_on=first, to_on=own.to_on if own else None)


def _measure(entity: Entity, days: Sequence[date]) -> list[pl.DataFrame]:
    """Measure days in order, and put their figures in place of those that were there; return a frame a day.

    Nothing waits while the history is read. Where somebody else kept a day of these meanwhile, theirs may be newer: it
    is read again.
    """
    while True:
        seen = _newest(entity, days)
        frames = _figures(entity, days)
        with transaction.atomic():
            Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
            if _newest(entity, days) != seen:
                continue
            Snapshot.objects.filter(entity=entity, on__in=days).delete()
            rows = pl.concat(frames).select("entity_id", "on", pl.col("currency").cast(pl.String), *FIGURES)
            bulk.insert(Snapshot, rows)
            return frames


def _figures(entity: Entity, days: Sequence[date]) -> list[pl.DataFrame]:
    trading = trade(history_on(entity, days[0]))
    used = Item.objects.filter(entity=entity, draft=False).exclude(account__intercompany=True)
    also = sorted(used.order_by().values_list("currency", flat=True).distinct())
    return [figures(trading, on, also=also).with_columns(on=pl.lit(on)) for on in days]


def _newest(entity: Entity, days: Sequence[date]) -> int | None:
    """The last that was kept of these days: what is kept again has a new number."""
    newest: int | None = Snapshot.objects.filter(entity=entity, on__range=(days[0], days[-1])).aggregate(Max("pk"))[
        "pk__max"
    ]
    return newest
