"""When workers begin runs by themselves: once a day, from a local time of the entity on."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from dunwell.records import audit
from dunwell.records.models import Entity


@dataclass(frozen=True)
class Schedule:
    """When an entity's runs begin, where the clock is, whether they are posted too, and the day of the last one."""

    entity: str
    at: time | None
    time_zone: str
    posts: bool
    ran_on: date | None


def schedule_of(entity: Entity) -> Schedule:
    """Return an entity's schedule; without `at` nothing begins by itself."""
    return Schedule(entity.code, entity.run_at, entity.time_zone, entity.run_posts, entity.ran_on)


def set_schedule(entity: Entity, *, run_at: time | None, posts: bool, by: str, at: datetime) -> Schedule:
    """Set when workers begin an entity's run each day, None for never, and whether they post it too."""
    with transaction.atomic():
        entity.run_at, entity.run_posts = run_at, posts and run_at is not None
        entity.save(update_fields=["run_at", "run_posts"])
        told = {"run_at": run_at.isoformat("minutes") if run_at else None, "posts": entity.run_posts}
        audit.record(by, "schedule.set", entity, at=at, entity_id=entity.pk, **told)
    return schedule_of(entity)


def due_on(entity: Entity, now: datetime) -> date | None:
    """The local day whose run is to begin now, or None.

    A day that was missed is not made up for by a run of its own: where yesterday's was missed, today's begins at once,
    and sees all that is due by then. A last run more than a day in the future, as a clock that was wrong leaves it,
    keeps nothing from running.
    """
    if entity.run_at is None:
        return None
    local = now.astimezone(ZoneInfo(entity.time_zone))
    today, day = local.date(), timedelta(days=1)
    if entity.ran_on is not None and today <= entity.ran_on <= today + day:
        return None
    is_behind = entity.ran_on is not None and entity.ran_on < today - day
    return today if is_behind or local.time() >= entity.run_at else None
