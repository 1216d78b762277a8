"""Before a run decides, money that waits is matched: whoever has paid is not reminded."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import DatabaseError
from django.db.models import QuerySet

from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.taking_back import lines_taking_back
from dunwell.flows.entities import local_day
from dunwell.flows.progress import Progress, untold
from dunwell.records.models import BANK_LINE_WAITS, CAME_IN, BankLine, BankLineState, Entity, Task

TASK: Final = "money_not_matched"


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """How many lines that came in nobody has looked at, and why they could not be matched before the last run."""

    lines: int
    why: str


def match_first(entity: Entity, *, by: str, at: datetime, progress: Progress = untold) -> bool:
    """Match the lines that wait, where the entity's settings allow; return whether nothing failed.

    What fails is a task for a person, until matching goes well again or nothing is left to look at, and the caller goes
    on: a debtor whose money came in otherwise is not to wait for a line that cannot be read. Errors: Django's
    DatabaseError alone, as of a database that is busy or gone.
    """
    today = local_day(entity, at)
    try:
        matches = settings_of(entity).match_before_run
        if matches and _is_waiting(entity, today):
            match_lines(entity, by=by, at=at, progress=progress)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, no run is to end without a word because of it
        _ask(entity, f"before a run, money could not be matched: {str(error) or type(error).__name__}", today)
        return False
    if matches or not _unlooked(entity, today).exists():  # else it is as unmatched as before
        _asked(entity).update(closed_at=at, closed_by=by)
    return True


def unmatched(entity: Entity, *, on: date) -> Unmatched:
    """Return what no run can know of the money that came in by a day."""
    asked = _asked(entity).order_by("pk").last()
    return Unmatched(lines=_unlooked(entity, on).count(), why=asked.detail if asked else "")


def _is_waiting(entity: Entity, on: date) -> bool:
    """Whether money came in that is not applied, also such as was looked at before: by now its invoice may be there."""
    return _waiting(entity, on).exists() or lines_taking_back(entity, on=on).height > 0


def _waiting(entity: Entity, on: date) -> "QuerySet[BankLine]":
    return BankLine.objects.filter(CAME_IN, entity=entity, state__in=BANK_LINE_WAITS, booked_on__lte=on)


def _unlooked(entity: Entity, on: date) -> "QuerySet[BankLine]":
    return _waiting(entity, on).filter(state=BankLineState.OPEN, match=None)


def _asked(entity: Entity) -> "QuerySet[Task]":
    return Task.objects.filter(entity=entity, kind=TASK, closed_at=None)


def _ask(entity: Entity, detail: str, on: date) -> None:
    if not _asked(entity).update(detail=detail):
        Task.objects.create(entity=entity, kind=TASK, detail=detail, opened_on=on)
