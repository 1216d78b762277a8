"""Entities, and what waits for a person in each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from django.db.models import Count, Max

from dunwell.records.models import (
    CAME_IN,
    AuditEvent,
    BankLine,
    Delivery,
    DeliveryState,
    Entity,
    NoticeState,
    Run,
    RunState,
    Task,
)
from dunwell.records.views.cash import WAITS
from dunwell.records.views.runs import RunLine, line_of, unapproved


@dataclass(frozen=True)
class EntityLine:
    """A creditor company; `run_at`: when a run begins by itself every day."""

    id: int
    code: str
    name: str
    currency: str
    time_zone: str
    run_at: time | None


@dataclass(frozen=True)
class EntityCard:
    """A creditor company with its last run, and what waits for people."""

    entity: EntityLine
    last: RunLine | None
    unapproved: int
    in_doubt: int
    lines: int = 0  # of banks, that wait and that money came in with
    back: int = 0  # by which banks take something back, and that wait
    tasks: dict[str, int] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether a person has something to do."""
        is_open = self.last is not None and self.last.is_open
        return bool(is_open or self.unapproved or self.in_doubt or self.lines or self.back or self.tasks)


def entity(entity_id: int) -> EntityLine | None:
    """An entity by its id."""
    found = Entity.objects.filter(pk=entity_id).first()
    return _line(found) if found else None


def entities() -> list[EntityLine]:
    """All entities, by code."""
    return [_line(each) for each in Entity.objects.order_by("code")]


def cards(back: Mapping[int, int]) -> list[EntityCard]:
    """All entities with what waits in each, by code: in six queries, however many there are.

    `back`: how many lines of each wait by which banks take something back.
    """
    latest = Run.objects.exclude(state=RunState.DECIDING).values("entity").annotate(last=Max("pk")).values("last")
    last = {run.entity_id: run for run in Run.objects.filter(pk__in=latest)}
    runs = Run.objects.filter(state__in=[RunState.PROPOSED, RunState.APPROVED, RunState.POSTED])
    lacks = dict(unapproved(runs).values("entity").annotate(n=Count("pk")).values_list("entity", "n"))
    doubt = Delivery.objects.filter(state=DeliveryState.IN_DOUBT, notice__state=NoticeState.POSTED)
    in_doubt = dict(doubt.values("notice__entity").annotate(n=Count("pk")).values_list("notice__entity", "n"))
    waits = BankLine.objects.filter(WAITS, CAME_IN).order_by().values("entity").annotate(n=Count("pk"))
    lines = dict(waits.values_list("entity", "n"))
    tasks: dict[int, dict[str, int]] = {}
    found = Task.objects.filter(closed_at=None).values("entity", "kind").annotate(n=Count("pk")).order_by("kind")
    for entity_id, kind, n in found.values_list("entity", "kind", "n"):
        tasks.setdefault(entity_id, {})[kind] = n
    return [
        EntityCard(
            entity=each,
            last=line_of(last[each.id]) if each.id in last else None,
            unapproved=lacks.get(each.id, 0),
            in_doubt=in_doubt.get(each.id, 0),
            lines=lines.get(each.id, 0),
            back=back.get(each.id, 0),
            tasks=tasks.get(each.id, {}),
        )
        for each in entities()
    ]


def last_event(entity_id: int) -> int:
    """The number of the last event of an entity on record: while it stays, the book is as it was."""
    return AuditEvent.objects.filter(entity_id=entity_id).aggregate(last=Max("pk"))["last"] or 0


def _line(found: Entity) -> EntityLine:
    return EntityLine(found.pk, found.code, found.name, found.currency, found.time_zone, found.run_at)
