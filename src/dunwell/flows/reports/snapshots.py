"""The figures of each day, kept once it is over: by workers every day, by people for days of the past."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl
from django.db import transaction

from dunwell.engine.history import History
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.plausible import require_day
from dunwell.flows.reports.known import history_on, known_from
from dunwell.flows.reports.report import Report, Row
from dunwell.insight.daily import FIGURES, figures
from dunwell.insight.trade import trade
from dunwell.records import bulk
from dunwell.records.models import Entity, Item, Snapshot

DAYS_AGAIN: Final = 7  # what is booked late, such as an invoice of the day before, still comes into its day
DAY: Final = timedelta(days=1)
ABOUT: Final = "What was owed at the end of a day by age, and what happened on it, as it is kept for trends."


def unmeasured(now: datetime) -> Iterator[Entity]:
    """The entities whose last days are to be measured now: those with something open, once a day of theirs is over.

    A day of measuring more than a day in the future, as a clock that was wrong leaves it, keeps nobody from it.
    """
    for entity in Entity.objects.order_by("code"):
        today = local_day(entity, now)
        is_done = entity.measured_on is not None and today <= entity.measured_on <= today + DAY
        if not is_done and Item.objects.filter(entity=entity, closed_on=None).exists():
            yield entity


def measure_last_days(entity_id: int, now: datetime) -> None:
    """Keep the figures of an entity's last week to yesterday, as far as it is on record; once a day.

    A day that is there is measured again. Errors: Invalid for a book that cannot be read.
    """
    entity = Entity.objects.get(pk=entity_id)
    today = local_day(entity, now)
    known = known_from(entity)
    first = max(today - DAYS_AGAIN * DAY, known) if known else today
    days = [first + n * DAY for n in range((today - first).days)]
    frames = _figures(history_on(entity, days[0]), days) if days else []
    with transaction.atomic():
        locked = Entity.objects.select_for_update(no_key=True).get(pk=entity_id)
        locked.measured_on = today
        locked.save(update_fields=["measured_on"])
        _keep(locked, frames)


def put_off(entity_id: int, now: datetime) -> None:
    """Measure nothing of an entity any more today."""
    entity = Entity.objects.get(pk=entity_id)
    Entity.objects.filter(pk=entity_id).update(measured_on=local_day(entity, now))


def snapshot(entities: Sequence[Entity], on: date | None, *, at: datetime) -> Report:
    """Measure a day of the past, yesterday by default, from the history, and keep it. Errors: Invalid."""
    rows: list[Row] = []
    refused: list[str] = []
    day = on
    for entity in entities:
        today = local_day(entity, at)
        day = on or today - DAY
        require_day("--on", day)
        if day >= today:
            raise Invalid(f"{day} is not over yet: today is {today}")
        try:
            frames = _figures(history_on(entity, day), [day])
        except Invalid as error:
            refused.append(error.message)
            continue
        with transaction.atomic():
            Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
            _keep(entity, frames)
        rows += [{"entity": entity.code, "on": day, **row} for row in frames[0].drop("entity_id", "on").to_dicts()]
    if refused and len(refused) == len(entities):
        raise Invalid(refused[0], refused[1:])
    return Report("snapshot", "Snapshot", ABOUT, rows, refused, to_on=day)


def _figures(told: History, days: Sequence[date]) -> list[pl.DataFrame]:
    trading = trade(told)
    return [figures(trading, on).with_columns(on=pl.lit(on)) for on in days]


def _keep(entity: Entity, frames: Sequence[pl.DataFrame]) -> None:
    """Put the figures of days in place of those that were there."""
    if frames:
        rows = pl.concat(frames).select("entity_id", "on", pl.col("currency").cast(pl.String), *FIGURES)
        days = rows["on"].unique().to_list()
        Snapshot.objects.filter(entity=entity, on__in=days).delete()
        bulk.insert(Snapshot, rows)
