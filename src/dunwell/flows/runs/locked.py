"""The run that somebody acts on, with nobody else acting on one of its entity meanwhile."""

from typing import Final

from dunwell.flows.errors import Conflict, NotFound
from dunwell.records import connect
from dunwell.records.models import Entity, Run, RunState

OPEN: Final = (RunState.PROPOSED, RunState.APPROVED)


def run_called(run_id: int) -> Run:
    """Return a run by its number. Errors: NotFound."""
    run = Run.objects.select_related("entity").filter(pk=run_id).first()
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


def locked_run(run_id: int) -> Run:
    """Return a run, locked with its entity until the transaction ends. Errors: NotFound."""
    run = run_called(run_id)
    Entity.objects.select_for_update(no_key=True).get(pk=run.entity_id)
    run.refresh_from_db()
    return run


def shared_run(run_id: int) -> Run:
    """Return a run that others may work on as well, but nobody lock until the transaction ends. Errors: NotFound."""
    run = run_called(run_id)
    connect.share(Entity, run.entity_id)
    run.refresh_from_db()
    return run


def open_run(run_id: int, what: str, *also: RunState) -> Run:
    """Return a run that nobody has posted, locked. `what` is to be done to it, `also` in these states.

    Errors: NotFound, Conflict.
    """
    run = locked_run(run_id)
    if run.state not in (*OPEN, *also):
        raise Conflict(f"run {run_id} is {run.state}; only a proposed run can be {what}")
    return run
