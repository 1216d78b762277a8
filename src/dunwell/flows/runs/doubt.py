"""What a person found out about a message of which nobody knew whether it had left."""

from datetime import datetime

from dunwell.engine.events import Delivered
from dunwell.flows.entities import local_day
from dunwell.flows.runs.happen import happen
from dunwell.records import frames
from dunwell.records.models import Attempt, Delivery, DeliveryState, Notice, NoticeState, Run, RunState


def is_in_doubt(notice: Notice) -> bool:
    """Whether a notice waits for somebody to find out."""
    stands = notice.state in {NoticeState.POSTED, NoticeState.SENT}
    return stands and Delivery.objects.filter(notice=notice, state=DeliveryState.IN_DOUBT).exists()


def settle_doubt(notice: Notice, *, was_sent: bool, by: str, at: datetime) -> None:
    """Let a notice have left on the day of the attempt, or be sent again, in the caller's transaction."""
    frames.lock_payers([notice.payer_id])
    doubted = Delivery.objects.filter(notice=notice, state=DeliveryState.IN_DOUBT)
    entity = notice.run.entity
    if not was_sent:
        doubted.update(state=DeliveryState.QUEUED)
        Run.objects.filter(pk=notice.run_id, state=RunState.DONE).update(state=RunState.POSTED)
        return
    last = Attempt.objects.filter(delivery__in=doubted).order_by("pk").last()
    left_at = last.started_at if last else at
    doubted.update(state=DeliveryState.SENT, sent_at=left_at)
    on = local_day(entity, left_at)
    left = Delivered(on=on, notice_ids=[notice.pk])
    happen(entity, frames.account_book([notice.payer_id]), [left], by=by, at=at)
