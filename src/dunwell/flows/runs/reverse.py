"""Reverse a posted run: what has not left is withdrawn, and all that came of it is taken back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import transaction

from dunwell.engine.events import Withdrawn
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Conflict, Invalid
from dunwell.flows.runs.happen import happen
from dunwell.flows.runs.lastlook import STILL_HERE
from dunwell.flows.runs.locked import locked_run
from dunwell.flows.runs.proposal import drop
from dunwell.records import audit, frames
from dunwell.records.models import PERHAPS_GONE, Delivery, DeliveryState, Notice, NoticeState, Run, RunState

NOTICES_PER_BATCH: Final = 500
REVERSIBLE: Final = (RunState.POSTED, RunState.DONE)


@dataclass(frozen=True)
class ReverseResult:
    """How many notices were withdrawn; how many had left, or were leaving, and stay; over how many channels no more."""

    withdrawn: int
    left: int
    given_up: int = 0


def reverse_run(run_id: int, *, reason: str, by: str, at: datetime) -> ReverseResult:
    """Withdraw the notices of a posted run that have not left: levels, contacts and charges are as before them.

    What has left cannot be taken back, and stays as it is; channels that have not left yet are given up. In one
    transaction. Errors: NotFound; Invalid without a reason; Conflict for a run that is not posted, or of which
    everything has left, over every channel.
    """
    if not reason.strip():
        raise Invalid("say why: a run is reversed for a reason")
    with transaction.atomic():
        run = locked_run(run_id)
        if run.state not in REVERSIBLE:
            raise Conflict(f"run {run_id} is {run.state}; only a posted run can be reversed")
        on = local_day(run.entity, at)
        # All at once: batch by batch, two of us could wait for each other.
        frames.lock_payers(Notice.objects.filter(run=run).values_list("payer_id", flat=True))
        half_sent = Delivery.objects.filter(notice__run=run, notice__state=NoticeState.SENT, state__in=STILL_HERE)
        given_up = half_sent.update(state=DeliveryState.WITHDRAWN)
        withdrawn = sum(withdraw(run, batch, reason, on, by=by, at=at) for batch in _batches(run))
        unposted = Notice.objects.filter(run=run, state=NoticeState.PROPOSED)
        dropped = unposted.count()
        drop(unposted, NoticeState.SUPERSEDED, reason)
        left = Notice.objects.filter(run=run, state__in=[NoticeState.POSTED, NoticeState.SENT]).count()
        if not withdrawn and not dropped and not given_up:
            raise Conflict(
                f"every notice of run {run_id} has left, or is leaving: what is sent cannot be taken back. A hold keeps"
                " the next one from being sent"
            )
        run.state, run.reason = RunState.REVERSED, reason
        run.save(update_fields=["state", "reason"])
        figures = {"withdrawn": withdrawn, "left": left, "given_up": given_up}
        audit.record(by, "run.reversed", run, at=at, entity_id=run.entity_id, reason=reason, **figures)
    return ReverseResult(withdrawn + dropped, left, given_up)


def _batches(run: Run) -> Iterator[list[int]]:
    """The ids of the notices that wait, a batch at a time."""
    last = 0
    waiting = Notice.objects.filter(run=run, state=NoticeState.POSTED).order_by("pk").values_list("pk", flat=True)
    while batch := list(waiting.filter(pk__gt=last)[:NOTICES_PER_BATCH]):
        last = batch[-1]
        yield batch


def withdraw(run: Run, notice_ids: Sequence[int], reason: str, on: date, *, by: str, at: datetime) -> int:
    """Withdraw those of the notices of which nothing has left; return how many. Who delivers waits, or was first."""
    payers = Notice.objects.filter(pk__in=notice_ids).values_list("payer_id", flat=True)
    gone = Delivery.objects.filter(state__in=PERHAPS_GONE, notice__in=notice_ids).values("notice")
    waiting = Notice.objects.filter(pk__in=notice_ids, state=NoticeState.POSTED).exclude(pk__in=gone)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    event = Withdrawn(on=on, notice_ids=ids, reason=reason)
    happen(run.entity, frames.account_book(payers), [event], by=by, at=at)
    Delivery.objects.filter(notice__in=ids).update(state=DeliveryState.WITHDRAWN)
    return len(ids)
