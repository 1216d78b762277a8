"""Post a run and leave the rest of it to workers: for doors that cannot wait until it is done."""

from datetime import date, datetime

from django.db import transaction

from dunwell.flows.runs.post import open_posting
from dunwell.flows.runs.seen import require_seen, sign_of_run
from dunwell.flows.runs.work import due_of
from dunwell.records import audit, queue
from dunwell.records.models import Run


def post_by_workers(run_id: int, *, today: date, at: datetime, by: str, seen: str) -> Run:
    """Let a run be posted; workers post and deliver it, and what is approved later as soon as it is.

    It is posted from now on, whether or not a worker is there. `seen`: the sign of what they looked at. Errors: as
    `post_run`; Changed.
    """
    with transaction.atomic():
        run = open_posting(run_id, today=today, at=at, by=by)
        require_seen(seen, sign_of_run(run_id, run), f"Run {run_id}")
        run.by_workers = run.posts = True
        run.save(update_fields=["by_workers", "posts"])
        audit.record(by, "run.handed_over", run, at=at, entity_id=run.entity_id)
        queue.put(piece._asdict() for piece in due_of(run, at))
    return run
