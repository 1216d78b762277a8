"""Deliver what a run has posted: claim, send, and note how it went, a batch at a time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from dunwell.channels.errors import Permanent, Temporary
from dunwell.channels.outbox import Envelope, Outbox, Receipt
from dunwell.engine.advance import advance
from dunwell.engine.events import Delivered, Failed
from dunwell.flows.errors import NotFound
from dunwell.flows.runs.letters import letters_of
from dunwell.letters.notice import Message
from dunwell.letters.write import write
from dunwell.records import bulk, frames
from dunwell.records.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Notice,
    NoticeLine,
    NoticeState,
    Run,
    RunState,
    Task,
)

Outcome: TypeAlias = tuple[str, str]  # the delivery's state, and where it went or why not
NOTICES_PER_BATCH: Final = 200
LEASE: Final = timedelta(minutes=10)


@dataclass
class DeliverResult:
    """How many messages went where."""

    outbox: str
    sent: int = 0
    failed: int = 0
    retrying: int = 0


def deliver_run(run_id: int, *, clock: Callable[[], datetime], by: str) -> DeliverResult:
    """Write the waiting notices of a posted run into the outbox; levels and dates follow batch by batch.

    Every attempt is on record before it is made. A message that failed for now stays queued for the next call.
    Errors: NotFound.
    """
    run = Run.objects.select_related("entity").filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    result = DeliverResult(str(settings.CONFIG.outbox_dir))
    outbox = Outbox(settings.CONFIG.outbox_dir)
    last_notice_id = 0
    while batch := _claim(run, last_notice_id, clock(), by):
        last_notice_id = max(delivery.notice_id for delivery in batch)
        outcomes = _send(outbox, run, batch)
        _note(run, batch, outcomes, clock())
        for state, _detail in outcomes.values():
            result.sent += state == DeliveryState.SENT
            result.failed += state == DeliveryState.FAILED
            result.retrying += state == DeliveryState.RETRYING
    if not Notice.objects.filter(run=run, state__in=[NoticeState.POSTED, NoticeState.PROPOSED]).exists():
        Run.objects.filter(pk=run.pk, state=RunState.POSTED).update(state=RunState.DONE)
    return result


def _claim(run: Run, after_notice_id: int, at: datetime, by: str) -> list[Delivery]:
    """Take the deliveries of the next notices, and put an attempt at each on record."""
    waiting = [DeliveryState.QUEUED, DeliveryState.RETRYING]
    with transaction.atomic():
        ids = list(
            Notice.objects.select_for_update()
            .filter(run=run, state=NoticeState.POSTED, pk__gt=after_notice_id)
            .order_by("pk")
            .values_list("pk", flat=True)[:NOTICES_PER_BATCH]
        )
        batch = list(Delivery.objects.filter(notice_id__in=ids, state__in=waiting).order_by("pk"))
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in batch]).update(
            state=DeliveryState.CLAIMED, claimed_by=by, lease_until_at=at + LEASE
        )
        tries = Counter(Attempt.objects.filter(delivery__in=batch).values_list("delivery_id", flat=True))
        Attempt.objects.bulk_create(
            Attempt(delivery=delivery, number=tries[delivery.pk] + 1, started_at=at) for delivery in batch
        )
    return batch


def _written(run: Run, batch: Sequence[Delivery]) -> dict[int, Message]:
    ids = {delivery.notice_id for delivery in batch}
    notices = [{**row, "notice_id": row["id"]} for row in Notice.objects.filter(pk__in=ids).values()]
    lines = list(NoticeLine.objects.filter(notice_id__in=ids).values("notice_id", "item_id", "role", "amount_minor"))
    return {notice_id: write(letter) for notice_id, letter in letters_of(run.entity, notices, lines).items()}


def _note(run: Run, batch: Sequence[Delivery], outcomes: Mapping[int, Outcome], at: datetime) -> None:
    """Put on record how the attempts went, and let the book follow: a notice that left over one channel has left."""
    on = at.astimezone(ZoneInfo(run.entity.time_zone)).date()
    by_notice: dict[int, set[str]] = defaultdict(set)
    with transaction.atomic():
        for delivery in batch:
            state, detail = outcomes[delivery.pk]
            by_notice[delivery.notice_id].add(state)
            delivery.state, delivery.lease_until_at = state, None
            if state == DeliveryState.SENT:
                delivery.sent_at, delivery.content_path = at, detail
        Delivery.objects.bulk_update(batch, ["state", "lease_until_at", "sent_at", "content_path"])
        attempts = list(Attempt.objects.filter(delivery__in=batch, ended_at=None))
        for attempt in attempts:
            attempt.ended_at = at
            attempt.outcome, detail = outcomes[attempt.delivery_id]
            attempt.error = "" if attempt.outcome == DeliveryState.SENT else detail
        Attempt.objects.bulk_update(attempts, ["ended_at", "outcome", "error"])
        sent = [notice for notice, states in by_notice.items() if DeliveryState.SENT in states]
        failed = [notice for notice, states in by_notice.items() if states == {DeliveryState.FAILED}]
        payers = set(Notice.objects.filter(pk__in=by_notice).values_list("payer_id", flat=True))
        frames.lock_payers(payers)
        _book, effects = advance(
            frames.account_book(payers), [Delivered(on=on, notice_ids=sent), Failed(on=on, notice_ids=failed)]
        )
        for effect in effects:
            bulk.save(effect.changes, on=on)
            Task.objects.bulk_create(
                Task(
                    entity=run.entity,
                    account_id=task.account_id,
                    notice_id=task.notice_id,
                    kind=task.task,
                    detail=task.detail,
                    opened_on=on,
                )
                for task in effect.tasks
            )


def _send(outbox: Outbox, run: Run, batch: Sequence[Delivery]) -> dict[int, Outcome]:
    messages = _written(run, batch)
    codes = dict(Notice.objects.filter(pk__in=messages).values_list("pk", "payer__code"))
    sent = outbox.send_all(
        (
            Envelope(
                delivery_id=delivery.pk,
                run=run.pk,
                notice_id=delivery.notice_id,
                channel=delivery.channel,
                recipient=delivery.recipient,
                as_of=run.as_of,
                payer=codes[delivery.notice_id],
            ),
            messages[delivery.notice_id],
        )
        for delivery in batch
    )
    return {delivery.pk: _outcome(each) for delivery, each in zip(batch, sent, strict=True)}


def _outcome(sent: Receipt | Temporary | Permanent) -> Outcome:
    if isinstance(sent, Receipt):
        return DeliveryState.SENT, str(sent.path)
    return (DeliveryState.RETRYING if isinstance(sent, Temporary) else DeliveryState.FAILED), str(sent)
