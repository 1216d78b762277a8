"""Deliver what a run has posted: claim, send, and note how it went, a batch at a time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import polars as pl
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from dunwell.channels.errors import Permanent, Temporary
from dunwell.channels.outbox import Envelope, Outbox, Receipt
from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.events import Delivered, Failed, Withdrawn
from dunwell.flows import policies
from dunwell.flows.errors import NotFound
from dunwell.flows.runs.lastlook import overtaken
from dunwell.flows.runs.letters import letters_of
from dunwell.letters.notice import Message
from dunwell.letters.write import write
from dunwell.records import audit, bulk, frames
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
WAITING: Final = (DeliveryState.QUEUED, DeliveryState.RETRYING, DeliveryState.CLAIMED)
Event: TypeAlias = Delivered | Failed | Withdrawn


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
    while notice_ids := _next(run, last_notice_id):
        last_notice_id = notice_ids[-1]
        batch = _claim(run, notice_ids, clock(), by)
        outcomes = _send(outbox, run, batch)
        _note(run, batch, outcomes, clock(), by)
        for state, _detail in outcomes.values():
            result.sent += state == DeliveryState.SENT
            result.failed += state == DeliveryState.FAILED
            result.retrying += state == DeliveryState.RETRYING
    if not Notice.objects.filter(run=run, state__in=[NoticeState.POSTED, NoticeState.PROPOSED]).exists():
        Run.objects.filter(pk=run.pk, state=RunState.POSTED).update(state=RunState.DONE)
    return result


def _next(run: Run, after_notice_id: int) -> list[int]:
    """The next notices of a run that have not left, or not over every channel."""
    waiting = Q(state=NoticeState.POSTED) | Q(state=NoticeState.SENT, deliveries__state__in=WAITING)
    found = Notice.objects.filter(waiting, run=run, pk__gt=after_notice_id).order_by("pk").distinct()
    return list(found.values_list("pk", flat=True)[:NOTICES_PER_BATCH])


def _claim(run: Run, notice_ids: Sequence[int], at: datetime, by: str) -> list[Delivery]:
    """Look once more, settle what sends nothing, take the other deliveries and put an attempt at each on record.

    A claim whose lease ran out is taken over: the outbox knows a delivery by its id, and makes it once.
    """
    on = at.astimezone(ZoneInfo(run.entity.time_zone)).date()
    with transaction.atomic():
        payers = set(Notice.objects.filter(pk__in=notice_ids).values_list("payer_id", flat=True))
        frames.lock_payers(payers)
        _settle(run, frames.account_book(payers), notice_ids, on)
        free = Q(state__in=[DeliveryState.QUEUED, DeliveryState.RETRYING]) | Q(
            state=DeliveryState.CLAIMED, lease_until_at__lt=at
        )
        batch = list(Delivery.objects.filter(free, notice_id__in=notice_ids).order_by("pk"))
        Attempt.objects.filter(delivery__in=batch, ended_at=None).update(ended_at=at, outcome="lease ran out")
        Delivery.objects.filter(pk__in=[delivery.pk for delivery in batch]).update(
            state=DeliveryState.CLAIMED, claimed_by=by, lease_until_at=at + LEASE
        )
        tries = Counter(Attempt.objects.filter(delivery__in=batch).values_list("delivery_id", flat=True))
        Attempt.objects.bulk_create(
            Attempt(delivery=delivery, number=tries[delivery.pk] + 1, started_at=at) for delivery in batch
        )
    return batch


def _settle(run: Run, book: Book, notice_ids: Sequence[int], on: date) -> None:
    """Withdraw what has been overtaken, and end what has nothing to send: done if so meant, else failed."""
    waiting = book.notices.filter(pl.col("notice_id").is_in(list(notice_ids)), pl.col("state") == "posted")
    in_force = policies.parsed(policies.versions_in_force(run.entity))
    reasons = overtaken(book, in_force, waiting["notice_id"], as_of=on)
    rest = [notice_id for notice_id in waiting["notice_id"] if notice_id not in reasons]
    sending = set(Delivery.objects.filter(notice_id__in=rest).values_list("notice_id", flat=True))
    silent = [notice_id for notice_id in rest if notice_id not in sending]
    meant = set(Notice.objects.filter(pk__in=silent, channels="").values_list("pk", flat=True))
    unreached = [notice_id for notice_id in silent if notice_id not in meant]
    _apply(
        run,
        book,
        [
            *(Withdrawn(on=on, notice_ids=[notice_id], reason=reason) for notice_id, reason in reasons.items()),
            Delivered(on=on, notice_ids=sorted(meant)),
            Failed(on=on, notice_ids=unreached, reason="no address of the payer is left"),
        ],
    )
    Delivery.objects.filter(notice_id__in=reasons).update(state=DeliveryState.WITHDRAWN)


def _apply(run: Run, book: Book, events: Sequence[Event]) -> None:
    """Let events happen to a book and keep what they change, with the tasks they ask for."""
    _book, effects = advance(book, [event for event in events if event.notice_ids])
    on = events[0].on
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


def _written(run: Run, batch: Sequence[Delivery]) -> tuple[dict[int, Message], dict[int, str]]:
    """The message of each notice; and of those that cannot be written, why not: they hold up no other."""
    ids = {delivery.notice_id for delivery in batch}
    notices = [{**row, "notice_id": row["id"]} for row in Notice.objects.filter(pk__in=ids).values()]
    lines = list(NoticeLine.objects.filter(notice_id__in=ids).values("notice_id", "item_id", "role", "amount_minor"))
    messages: dict[int, Message] = {}
    unwritten: dict[int, str] = {}
    for notice_id, letter in letters_of(run.entity, notices, lines).items():
        if isinstance(letter, str):
            unwritten[notice_id] = letter
        else:
            messages[notice_id] = write(letter)
    return messages, unwritten


def _note(run: Run, batch: Sequence[Delivery], outcomes: Mapping[int, Outcome], at: datetime, by: str) -> None:
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
        count = Counter(state for state, _detail in outcomes.values())
        audit.record(by, "run.delivered", run, at=at, entity_id=run.entity_id, **{str(k): n for k, n in count.items()})
        sent = [notice for notice, states in by_notice.items() if DeliveryState.SENT in states]
        failed = [notice for notice, states in by_notice.items() if states == {DeliveryState.FAILED}]
        payers = set(Notice.objects.filter(pk__in=by_notice).values_list("payer_id", flat=True))
        frames.lock_payers(payers)
        _apply(run, frames.account_book(payers), [Delivered(on=on, notice_ids=sent), Failed(on=on, notice_ids=failed)])


def _send(outbox: Outbox, run: Run, batch: Sequence[Delivery]) -> dict[int, Outcome]:
    messages, unwritten = _written(run, batch)
    codes = dict(Notice.objects.filter(pk__in=messages).values_list("pk", "payer__code"))
    writable = [delivery for delivery in batch if delivery.notice_id in messages]
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
        for delivery in writable
    )
    outcomes = {delivery.pk: _outcome(each) for delivery, each in zip(writable, sent, strict=True)}
    return outcomes | {
        delivery.pk: (DeliveryState.FAILED, unwritten[delivery.notice_id])
        for delivery in batch
        if delivery.notice_id in unwritten
    }


def _outcome(sent: Receipt | Temporary | Permanent) -> Outcome:
    if isinstance(sent, Receipt):
        return DeliveryState.SENT, str(sent.path)
    return (DeliveryState.RETRYING if isinstance(sent, Temporary) else DeliveryState.FAILED), str(sent)
