"""What happens to notices, kept: the book follows, and people are asked what is theirs to do."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeAlias

import polars as pl

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.events import Delivered, Failed, Trimmed, Withdrawn
from dunwell.engine.events import Task as Asked
from dunwell.flows.runs.actions import end_actions, end_actions_before
from dunwell.records import bulk
from dunwell.records.models import Entity, Task

Event: TypeAlias = Delivered | Failed | Withdrawn | Trimmed


def happen(entity: Entity, book: Book, events: Sequence[Event], *, by: str, at: datetime) -> Book:
    """Let events of one date happen to a book, keep what they change with the tasks they ask for; return it after.

    What a notice asked people to do ends when it is taken back; what stages asked for, when a closing is sent.
    """
    happening = [event for event in events if event.notice_ids]
    after, effects = advance(book, happening)
    for effect in effects:
        bulk.save(effect.changes, on=happening[0].on)
        ask(entity, effect.tasks, happening[0].on)
    for event in happening:
        if isinstance(event, Delivered) and (closings := _waiting_closings(book, event)):
            end_actions_before(entity, closings, by=by, at=at)
        if isinstance(event, (Failed, Withdrawn)):
            end_actions(entity, event.notice_ids, event.reason, by=by, at=at)
    return after


def _waiting_closings(book: Book, event: Delivered) -> list[int]:
    """The closings that leave with an event, and have not left over another channel before."""
    closings = book.notices.filter(pl.col("closing") == "closes", pl.col("state") == "posted")
    return closings.filter(pl.col("notice_id").is_in(event.notice_ids))["notice_id"].to_list()


def ask(entity: Entity, tasks: Sequence[Asked], on: date) -> None:
    """Open tasks about notices and items, unless one of the kind is open already; of an item, that says more then."""
    for task in tasks:
        if task.item_id:
            _ask_about(task.item_id, entity, task, on)
    tasks = [task for task in tasks if not task.item_id]
    notices = [task.notice_id for task in tasks if task.notice_id]
    is_open = set(Task.objects.filter(notice_id__in=notices, closed_at=None).values_list("kind", "notice_id"))
    Task.objects.bulk_create(
        Task(
            entity=entity,
            account_id=task.account_id,
            notice_id=task.notice_id,
            kind=task.task,
            detail=task.detail,
            opened_on=on,
        )
        for task in tasks
        if (task.task, task.notice_id) not in is_open
    )


def _ask_about(item_id: int, entity: Entity, task: Asked, on: date) -> None:
    is_open, is_new = Task.objects.get_or_create(
        entity=entity,
        item_id=item_id,
        kind=task.task,
        closed_at=None,
        defaults={"account_id": task.account_id, "detail": task.detail, "opened_on": on},
    )
    if not is_new and task.detail not in is_open.detail:
        is_open.detail += f"; {task.detail}"
        is_open.save(update_fields=["detail"])
