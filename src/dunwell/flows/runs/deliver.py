"""Deliver what a run has posted: claim, send, and note how it went, a batch at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, Q, QuerySet

from dunwell.channels.envelope import NOBODY, Envelope
from dunwell.channels.outbox import Outbox
from dunwell.engine.calendars import later
from dunwell.engine.events import Delivered, Failed
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Conflict
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.done import UNDER_WAY, end_runs
from dunwell.flows.runs.happen import happen
from dunwell.flows.runs.heldup import ask_no_more
from dunwell.flows.runs.hours import HoursOf, hours_of, sendable
from dunwell.flows.runs.lastlook import STILL_HERE, look_again
from dunwell.flows.runs.letters import letters_of, message_of
from dunwell.flows.runs.locked import run_called
from dunwell.flows.runs.noting import note, note_locked, set_on, still_ours
from dunwell.flows.runs.reverse import withdraw
from dunwell.flows.runs.wires import Outcome, Parcel, Wires
from dunwell.flows.wording import words_in_force
from dunwell.letters.notice import Message
from dunwell.letters.wording import Wording
from dunwell.records import chain, frames
from dunwell.records.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Notice,
    NoticeLine,
    NoticeState,
    Run,
    RunState,
)

LEASE: Final = timedelta(minutes=10)


@dataclass
class DeliverResult:
    """How many messages went where, the first reason why one did not, and from when on the rest may be tried again.

    `put_off`: outside the hours of their debtors, or on a closed day, until `put_off_until` at least. `claimed`:
    somebody else is sending them, or was, and `claimed_until` nobody else does. What waits is told of whole runs only.
    """

    outbox: str
    sent: int = 0
    failed: int = 0
    retrying: int = 0
    retry_at: datetime | None = None
    put_off: int = 0
    put_off_until: datetime | None = None
    claimed: int = 0
    claimed_until: datetime | None = None
    problem: str = ""


def deliver_run(
    run_id: int,
    *,
    clock: Callable[[], datetime],
    by: str,
    progress: Progress = untold,
    notice_ids: range | None = None,
) -> DeliverResult:
    """Write the waiting notices of a posted run, or those of a range, into the outbox; levels follow batch by batch.

    Every attempt is on record before it is made. A message that failed for now waits for a later call.
    Errors: NotFound; Conflict where the outbox holds another book's messages under the run's number; Invalid.
    """
    run = run_called(run_id)
    result = DeliverResult(str(settings.CONFIG.outbox_dir))
    with closing(Wires()) as wires:
        _deliver(wires, run, result, clock=clock, by=by, progress=progress, notice_ids=notice_ids)
    if notice_ids is None:
        mine = Delivery.objects.filter(notice__run=run)
        late = mine.filter(state=DeliveryState.RETRYING).aggregate(n=Count("pk"), at=Min("not_before_at"))
        result.retrying, result.retry_at = late.values()
        put_off = mine.filter(state=DeliveryState.QUEUED, not_before_at__gt=clock())
        result.put_off, result.put_off_until = put_off.aggregate(n=Count("pk"), at=Min("not_before_at")).values()
        claimed = mine.filter(state=DeliveryState.CLAIMED).aggregate(n=Count("pk"), at=Max("lease_until_at"))
        result.claimed, result.claimed_until = claimed.values()
        end_runs(run.entity)
        ask_no_more(run.entity, clock(), by)
        chain.seal()
    return result


def _deliver(
    wires: Wires,
    run: Run,
    result: DeliverResult,
    *,
    clock: Callable[[], datetime],
    by: str,
    progress: Progress,
    notice_ids: range | None,
) -> None:
    """Go through the waiting notices batch by batch, and count what came of them in `result`."""
    _require_own(wires.outbox, run)
    words, hours = words_in_force(), hours_of(run)
    waiting = _waiting(run)
    if notice_ids is not None:
        waiting = waiting.filter(pk__gte=notice_ids.start, pk__lt=notice_ids.stop)
    done, total = 0, waiting.count()
    last_notice_id = 0
    progress("writing notices", done, total)
    while some := list(waiting.filter(pk__gt=last_notice_id)[: wires.at_once]):
        last_notice_id = some[-1]
        batch, made = _claim(wires, run, some, hours, at=clock(), by=by)
        result.sent += made
        try:
            batch, outcomes = _send(wires, run, batch, words, clock)
            next_channels = note(run, batch, outcomes, clock(), by)
        except KeyboardInterrupt:
            _give_back(wires, run, batch, clock(), by)
            raise
        if next_channels:
            last_notice_id = some[0] - 1  # their next channels wait
        else:
            done += len(some)
        for outcome in outcomes.values():
            result.sent += outcome.state == DeliveryState.SENT
            result.failed += outcome.state == DeliveryState.FAILED
            result.problem = result.problem or ("" if outcome.state == DeliveryState.SENT else outcome.detail)
        progress("writing notices", done, total)


def claimable(now: datetime) -> Q:
    """Deliveries that can be tried now: also those of others whose lease ran out."""
    return _free(now) | Q(state=DeliveryState.CLAIMED, lease_until_at__lt=now)


def _free(now: datetime) -> Q:
    """Deliveries that can be tried now and that nobody has claimed."""
    return Q(state__in=STILL_HERE) & (Q(not_before_at=None) | Q(not_before_at__lte=now))


def _require_own(outbox: Outbox, run: Run) -> None:
    """Refuse a folder of messages that nobody of this book has tried to send. Errors: Conflict.

    The attempt is on record before its message is written, so that what is there without one is another book's.
    """
    folder = outbox.holds(run.pk)
    mine = Delivery.objects.filter(notice__run=run)
    if folder and mine.exists() and not Attempt.objects.filter(delivery__in=mine).exists():
        raise Conflict(
            f"{folder} holds messages that are not of this book, as an earlier book leaves them: move the folder out of"
            f" the way, then say `dunwell post {run.pk}` again. Its notices are posted, and none of them has left"
        )


def _waiting(run: Run) -> "QuerySet[Notice, int]":
    """The ids of the notices of a run that have not left, or not over every channel, in their order."""
    waiting = Q(state=NoticeState.POSTED) | Q(state=NoticeState.SENT, deliveries__state__in=UNDER_WAY)
    return Notice.objects.filter(waiting, run=run).order_by("pk").distinct().values_list("pk", flat=True)


def _claim(
    wires: Wires, run: Run, notice_ids: Sequence[int], hours: HoursOf, *, at: datetime, by: str
) -> tuple[list[Delivery], int]:
    """Take over what others left, look once more, settle what sends nothing, and put an attempt at each on record.

    Returned with the deliveries to be made: how many of those taken over had been made.
    """
    on = local_day(run.entity, at)
    with transaction.atomic():
        payers = set(Notice.objects.filter(pk__in=notice_ids).values_list("payer_id", flat=True))
        frames.lock_payers(payers)
        made = _take_over(wires, run, notice_ids, at, by)
        run.refresh_from_db(fields=["state", "reason"])
        if run.state == RunState.REVERSED:  # while others were sending
            withdraw(run, notice_ids, run.reason, on, by=by, at=at)
            left_over = Delivery.objects.filter(notice__in=notice_ids, state__in=STILL_HERE)
            left_over.update(state=DeliveryState.WITHDRAWN)
        look_again(run.entity, frames.account_book(payers), on=on, by=by, at=at)
        _settle(run, notice_ids, on, by=by, at=at)
        free = list(Delivery.objects.filter(_free(at), notice_id__in=notice_ids).order_by("pk"))
        batch = sendable(run, free, hours, at)
        set_on(batch, {"state": DeliveryState.CLAIMED, "claimed_by": by, "lease_until_at": at + LEASE})
        tries = Counter(Attempt.objects.filter(delivery__in=batch).values_list("delivery_id", flat=True))
        Attempt.objects.bulk_create(
            Attempt(delivery=delivery, number=tries[delivery.pk] + 1, started_at=at) for delivery in batch
        )
    return batch, made


def _take_over(wires: Wires, run: Run, notice_ids: Sequence[int], at: datetime, by: str) -> int:
    """Settle claims whose lease ran out; return how many of them had been made."""
    lost = Delivery.objects.filter(state=DeliveryState.CLAIMED, lease_until_at__lt=at, notice_id__in=notice_ids)
    return _settle_claims(wires, run, list(lost), at, by)


def _give_back(wires: Wires, run: Run, batch: Sequence[Delivery], at: datetime, by: str) -> None:
    """Settle what we claimed and will not send."""
    with transaction.atomic():
        frames.lock_payers(Notice.objects.filter(deliveries__in=batch).values_list("payer_id", flat=True))
        _settle_claims(wires, run, still_ours(batch), at, by)


def _settle_claims(wires: Wires, run: Run, claimed: Sequence[Delivery], at: datetime, by: str) -> int:
    """Settle claims by what is known of them: made is sent, the others wait again. Returns how many were made.

    So what was paid since is not asked for, and what has left is not asked for twice.
    """
    outcomes = wires.found(list(_envelopes(run, claimed, run.as_of)))
    if claimed:
        note_locked(run, claimed, outcomes, at, by)
    return sum(outcome.state == DeliveryState.SENT for outcome in outcomes.values())


def _envelopes(run: Run, deliveries: Sequence[Delivery], on: date) -> Iterator[tuple[Delivery, Envelope]]:
    codes = dict(Notice.objects.filter(deliveries__in=deliveries).values_list("pk", "payer__code"))
    sender = settings.CONFIG.mail_from or NOBODY
    for delivery in deliveries:
        yield (
            delivery,
            Envelope(
                delivery_id=delivery.pk,
                run=run.pk,
                notice_id=delivery.notice_id,
                channel=delivery.channel,
                recipient=delivery.recipient,
                as_of=on,
                payer=codes[delivery.notice_id],
                sender_name=run.entity.name,
                sender=sender,
                reply_to=run.entity.email,
                origin=run.archive_digest[:12],
            ),
        )


def _settle(run: Run, notice_ids: Sequence[int], on: date, *, by: str, at: datetime) -> None:
    """End what has nothing to send: done if so meant, else failed."""
    silent = Notice.objects.filter(pk__in=notice_ids, state=NoticeState.POSTED, deliveries=None)
    channels = dict(silent.values_list("pk", "channels"))
    if channels:
        meant = sorted(notice for notice, over in channels.items() if not over)
        unreached = sorted(notice for notice, over in channels.items() if over)
        book = frames.account_book(silent.values_list("payer_id", flat=True))
        failed = Failed(on=on, notice_ids=unreached, reason="no address of the payer is left")
        happen(run.entity, book, [Delivered(on=on, notice_ids=meant), failed], by=by, at=at)


def _written(
    run: Run, batch: Sequence[Delivery], words: Wording, on: date
) -> tuple[dict[int, Message], dict[int, str]]:
    """The message of each notice; and of those that cannot be written, why not: they hold up no other.

    It is dated `on`, the day it leaves, and leaves the debtor as much time as if it had left on the day of its run.
    """
    ids = {delivery.notice_id for delivery in batch}
    notices: list[dict[str, Any]] = [
        {**row, "notice_id": row["id"]} for row in Notice.objects.filter(pk__in=ids).values()
    ]
    for row in notices:
        if row["deadline_on"] and row["state"] == NoticeState.POSTED:  # else it has left, over another channel
            row["deadline_on"] = later(row["deadline_on"], max((on - row["as_of"]).days, 0), row["calendar"])
        row["as_of"] = max(on, row["as_of"])
    lines = list(NoticeLine.objects.filter(notice_id__in=ids).values("notice_id", "item_id", "role", "amount_minor"))
    messages: dict[int, Message] = {}
    unwritten: dict[int, str] = {}
    for notice_id, letter in letters_of(run.entity, notices, lines).items():
        message = letter if isinstance(letter, str) else message_of(letter, words)
        if isinstance(message, str):
            unwritten[notice_id] = message
        else:
            messages[notice_id] = message
    return messages, unwritten


def _held(deliveries: Sequence[Delivery], at: datetime) -> list[Delivery]:
    """Those that are still ours, held anew: whoever was held up for longer than the lease finds them in other hands."""
    with transaction.atomic():
        ours = still_ours(deliveries)
        set_on(ours, {"lease_until_at": at + LEASE})
    return ours


def _send(
    wires: Wires, run: Run, batch: Sequence[Delivery], words: Wording, clock: Callable[[], datetime]
) -> tuple[list[Delivery], dict[int, Outcome]]:
    """Write messages and send them, those of the batch that are still ours; return these and how they went."""
    at = clock()
    on = local_day(run.entity, at)
    messages, unwritten = _written(run, batch, words, on)
    batch = _held(batch, at)
    writable = [delivery for delivery in batch if delivery.notice_id in messages]
    parcels = [
        Parcel(delivery, envelope, messages[delivery.notice_id]) for delivery, envelope in _envelopes(run, writable, on)
    ]
    not_written = {
        delivery.pk: Outcome(DeliveryState.FAILED, unwritten[delivery.notice_id])
        for delivery in batch
        if delivery.notice_id in unwritten
    }
    return batch, wires.send(parcels, clock=clock, held=_held) | not_written
