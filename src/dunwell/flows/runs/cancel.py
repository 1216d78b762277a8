"""Cancel a proposal: nothing comes of it."""

from datetime import datetime

from django.db import transaction

from dunwell.flows.errors import Invalid
from dunwell.flows.runs.locked import open_run
from dunwell.flows.runs.proposal import drop
from dunwell.records import audit
from dunwell.records.models import Notice, NoticeState, Run, RunState


def cancel_run(run_id: int, *, reason: str, by: str, at: datetime) -> Run:
    """Cancel a run that nobody has posted, also one that is being decided.

    Errors: NotFound, Conflict; Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("say why: a run is cancelled for a reason")
    with transaction.atomic():
        run = open_run(run_id, "cancelled", RunState.DECIDING)
        drop(Notice.objects.filter(run=run, state=NoticeState.PROPOSED), NoticeState.SUPERSEDED, reason)
        run.state, run.reason = RunState.CANCELLED, reason
        run.save(update_fields=["state", "reason"])
        audit.record(by, "run.cancelled", run, at=at, entity_id=run.entity_id, reason=reason)
    return run
