"""The tasks that wait for a person: look at them, and close those that are done."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count

from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.runs.done import end_runs
from dunwell.flows.runs.doubt import is_in_doubt, settle_doubt
from dunwell.records import audit
from dunwell.records.models import BANK_LINE_WAITS, Entity, Task


@dataclass(frozen=True)
class TaskLine:
    """An open task in a list; what it is not about is empty."""

    task: int
    entity: str
    opened_on: date
    kind: str
    account: str
    item: str
    notice: int | None
    line: int | None
    detail: str


@dataclass(frozen=True)
class OpenTasks:
    """The oldest open tasks, how many more there are, and how many there are of each kind."""

    tasks: list[TaskLine]
    more: int
    by_kind: dict[str, int]


def open_tasks(entity: Entity | None, *, kind: str | None = None, most: int) -> OpenTasks:
    """List what waits for a person, the oldest first: of one entity or of all, of one kind or of every one.

    Errors: NotFound for a kind of which nothing is open, with those that there are.
    """
    found = Task.objects.filter(closed_at=None)
    if entity:
        found = found.filter(entity=entity)
    by_kind = dict(found.values("kind").annotate(n=Count("pk")).order_by("kind").values_list("kind", "n"))
    if kind is not None and kind not in by_kind:
        known = ", ".join(f"{name} ({n:,})" for name, n in by_kind.items()) or "none at all"
        raise NotFound(f"no task of the kind {kind!r} is open; open are: {known}")
    if kind is not None:
        found, by_kind = found.filter(kind=kind), {kind: by_kind[kind]}
    shown = found.select_related("entity", "account", "item", "item__account").order_by("opened_on", "pk")[:most]
    lines = [_line(task) for task in shown]
    return OpenTasks(lines, sum(by_kind.values()) - len(lines), by_kind)


def close_task(number: int, *, note: str, by: str, at: datetime, was_sent: bool | None = None) -> None:
    """Close a task, with a word on what was done about it.

    `was_sent` is what somebody found out about a message in doubt: it is settled, or sent again. Errors: NotFound;
    Conflict where it is closed; Invalid.
    """
    if not note.strip():
        raise Invalid("say what was done about it: --note TEXT")
    with transaction.atomic():
        task = Task.objects.select_for_update(of=("self",)).filter(pk=number).first()
        if task is None:
            raise NotFound(f"there is no task {number}")
        if task.closed_at is not None:
            by_whom = f" by {task.closed_by}" if task.closed_by else ""
            raise Conflict(f"task {number} was closed on {task.closed_at:%Y-%m-%d}{by_whom}")
        _settle(task, was_sent=was_sent, by=by, at=at)
        task.closed_at, task.closed_by = at, by
        task.save(update_fields=["closed_at", "closed_by"])
        line = _line(task)
        about = {
            "kind": line.kind,
            "account": line.account,
            "item": line.item,
            "notice": line.notice,
            "line": line.line,
        }
        audit.record(by, "task.closed", task, at=at, entity_id=task.entity_id, note=note, **about)


def _settle(task: Task, *, was_sent: bool | None, by: str, at: datetime) -> None:
    """Let what was found out about a message have its consequences. Errors: Invalid; Conflict for a line that waits."""
    if task.line is not None and task.line.state in BANK_LINE_WAITS:
        raise Conflict(f"bank line {task.line.pk} waits: apply it or set it aside, and the task ends")
    is_asked = task.kind == "delivery_in_doubt" and task.notice is not None and is_in_doubt(task.notice)
    if is_asked and was_sent is None:
        raise Invalid("say what you found out: --sent, or --not-sent to have it sent again")
    if was_sent is not None and not is_asked:
        raise Invalid(f"task {task.pk} is not about a message in doubt: leave --sent and --not-sent out")
    if task.notice is not None and was_sent is not None:
        settle_doubt(task.notice, was_sent=was_sent, by=by, at=at)
        end_runs(task.entity)


def _line(task: Task) -> TaskLine:
    account = task.account or (task.item.account if task.item else None)
    return TaskLine(
        task=task.pk,
        entity=task.entity.code,
        opened_on=task.opened_on,
        kind=task.kind,
        account=account.code if account else "",
        item=task.item.number if task.item else "",
        notice=task.notice_id,
        line=task.line_id,
        detail=task.detail,
    )
