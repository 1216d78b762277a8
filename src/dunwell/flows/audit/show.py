"""What happened to an item, an account, a run, a series of rates or an entity, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from dunwell.engine.book import NOTICE_STATES
from dunwell.engine.money import format_minor
from dunwell.flows.entities import account_called
from dunwell.flows.errors import NotFound
from dunwell.flows.law.uses import is_known_name
from dunwell.flows.runs.explain import item_called
from dunwell.records.models import Account, Attempt, AuditEvent, Delivery, Entity, Item, NoticeLine, Run
from dunwell.sources.problems import shown


@dataclass(frozen=True)
class Happened:
    """One thing that happened: when, who did it (empty where nobody did), what, and about what."""

    at: datetime
    by: str
    what: str
    about: str
    detail: dict[str, Any]


def of_item(entity: Entity, number: str) -> list[Happened]:
    """What happened to an item: also the notices it was on, how they were sent, what of its account names it, its fees.

    Errors: NotFound, Invalid.
    """
    item = item_called(entity, number)
    lines = NoticeLine.objects.filter(item=item, notice__state__in=NOTICE_STATES)
    notices = list(lines.values_list("notice", flat=True))
    own = Q(subject_type="item", subject_id=item.pk) | Q(subject_type="notice", subject_id__in=notices)
    own |= Q(action__startswith="charge.", subject_id__in=Item.objects.filter(parent=item).values("pk"))
    left_out = Q(action="run.edited", detail__of__in=[number, item.account.code], entity=entity)
    closed = Q(action="task.closed", detail__item=number, entity=entity)
    of_account = AuditEvent.objects.filter(subject_type="account", subject_id=item.account_id)
    naming = [pk for pk, detail in of_account.values_list("pk", "detail") if number in detail.get("items", ())]
    events = _events(own | left_out | closed | Q(pk__in=naming))
    return _in_order([*events, *_noticed(lines, item.currency), *_sent(notices)])


def of_account(entity: Entity, code: str) -> list[Happened]:
    """What happened to an account and to its items. Errors: NotFound."""
    account: Account = account_called(entity, code)
    items = Item.objects.filter(account=account).values("pk")
    own = Q(subject_type="account", subject_id=account.pk) | Q(subject_type="item", subject_id__in=items)
    named = Q(action="run.edited", detail__of=code, entity=entity)
    named |= Q(action="task.closed", detail__account=code, entity=entity)
    notices = list(account.notice_set.filter(state__in=NOTICE_STATES).values_list("pk", flat=True))
    told = Q(subject_type="notice", subject_id__in=notices)
    return _in_order([*_events(own | named | told), *_sent(notices)])


def of_run(run_id: int) -> list[Happened]:
    """What happened to a run. Errors: NotFound."""
    if not Run.objects.filter(pk=run_id).exists():
        raise NotFound(f"there is no run {run_id}")
    notices = list(Run.objects.get(pk=run_id).notices.values_list("pk", flat=True))
    own = Q(subject_type="run", subject_id=run_id) | Q(subject_type="notice", subject_id__in=notices)
    return _in_order(_events(own))


def of_series(name: str) -> list[Happened]:
    """How the rates of a series were added and corrected here. Errors: NotFound."""
    if not is_known_name(name):
        raise NotFound(f"there is no series {shown(name)}: `dunwell rates list` shows those that there are")
    return _in_order(_events(Q(subject_type="rateseries", subject_label=name)))


def of_entity(entity: Entity) -> list[Happened]:
    """How an entity itself was changed: what letters show of it, and the codes of its journal."""
    return _in_order(_events(Q(subject_type="entity", subject_id=entity.pk)))


def _events(which: Q) -> Iterator[Happened]:
    for event in AuditEvent.objects.filter(which).order_by("pk"):
        about = f"{event.subject_type} {event.subject_label}"
        yield Happened(event.at, event.actor, event.action, about, event.detail)


def _noticed(lines: "QuerySet[NoticeLine]", currency: str) -> Iterator[Happened]:
    """The posting of the notices with these lines of an item."""
    for line in lines.select_related("notice__run").order_by("notice"):
        run = line.notice.run
        detail = {"amount": format_minor(line.amount_minor, currency), "role": line.role}
        if line.role == "dunned":
            detail["stage"] = str(line.stage)
        if run.posted_at is not None:
            yield Happened(
                run.posted_at, run.posted_by, "notice.posted", f"notice {line.notice_id} of run {run.pk}", detail
            )


def _sent(notice_ids: list[int]) -> Iterator[Happened]:
    """Every attempt to send these notices."""
    for attempt in Attempt.objects.filter(delivery__notice__in=notice_ids).select_related("delivery").order_by("pk"):
        delivery: Delivery = attempt.delivery
        detail = {"channel": delivery.channel, "outcome": attempt.outcome or "under way"}
        if attempt.error:
            detail["error"] = attempt.error
        yield Happened(attempt.started_at, delivery.claimed_by, "notice.sent", f"notice {delivery.notice_id}", detail)


def _in_order(happened: "list[Happened] | Iterator[Happened]") -> list[Happened]:
    return sorted(happened, key=lambda each: each.at)
