"""Approve notices: by people who neither proposed nor changed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count, F, QuerySet

from dunwell.flows.errors import Conflict, Forbidden, NotFound
from dunwell.flows.runs.locked import OPEN, locked_run
from dunwell.records import audit
from dunwell.records.models import Account, Approval, Notice, NoticeState, Run, RunEdit, RunState

NAMED_MAX: Final = 10


@dataclass(frozen=True)
class ApproveResult:
    """How many notices somebody approved just now, and how many of the run still lack an approval."""

    approved: int
    waiting: int
    guard_approved: bool


def approve_run(run_id: int, *, by: str, at: datetime, accounts: Sequence[str] = ()) -> ApproveResult:
    """Approve the notices of a run that need it, or only those of some accounts, and what the guard found unusual.

    Whoever has approved a notice before approves it once. Errors: NotFound; Conflict where nothing waits; Forbidden for
    who proposed the run, and for notices that they changed.
    """
    with transaction.atomic():
        run = locked_run(run_id)
        needed = _needed(run, accounts)
        asks = run.state in OPEN and bool(run.guard) and not accounts
        if not needed.exists() and not asks:
            raise Conflict(f"run {run_id} is {run.state}, and nothing of it waits for approval")
        if run.proposed_by == by:
            raise Forbidden(f"{by} proposed run {run_id}: somebody else approves it")
        own = RunEdit.objects.filter(run=run, by=by).values("payer")
        notices = list(needed.exclude(payer__in=own))
        if not notices and not asks:
            raise Forbidden(f"{by} changed these notices of run {run_id}: somebody else approves them")
        before = Approval.objects.filter(run=run).count()
        Approval.objects.bulk_create(
            [Approval(run=run, notice=notice, by=by, at=at) for notice in notices], ignore_conflicts=True
        )
        approved = Approval.objects.filter(run=run).count() - before
        if asks:
            Approval.objects.get_or_create(run=run, notice=None, by=by, defaults={"at": at})
        settle(run)
        waiting = needing_approval(run).count()
        audit.record(by, "run.approved", run, at=at, entity_id=run.entity_id, approved=approved, waiting=waiting)
    return ApproveResult(approved, waiting, guard_approved=asks)


def needing_approval(run: Run) -> "QuerySet[Notice]":
    """The notices of a run that lack an approval."""
    waiting = Notice.objects.filter(run=run, state=NoticeState.PROPOSED, approvals__gt=0)
    return waiting.annotate(given=Count("given_approvals")).filter(given__lt=F("approvals")).order_by("number")


def _needed(run: Run, accounts: Sequence[str]) -> "QuerySet[Notice]":
    """The notices that lack an approval, of some accounts or of all.

    Errors: NotFound; Conflict where only those of other accounts do, which are named.
    """
    waiting = needing_approval(run)
    if not accounts:
        return waiting
    of_accounts = waiting.filter(payer__in=_payers(run, accounts))
    if not of_accounts.exists() and waiting.exists():
        codes = sorted(set(waiting.values_list("payer__code", flat=True)))
        more = f" and {len(codes) - NAMED_MAX:,} more" if len(codes) > NAMED_MAX else ""
        named = f"{', '.join(codes[:NAMED_MAX])}{more}"
        raise Conflict(
            f"no notice of run {run.pk} to {', '.join(accounts)} waits for approval; those that do are to {named}"
        )
    return of_accounts


def guard_is_approved(run: Run) -> bool:
    """Whether the guard asks for nothing, or somebody has looked at what it found."""
    return not run.guard or Approval.objects.filter(run=run, notice=None).exists()


def settle(run: Run) -> None:
    """Let an open run be approved once all of it is, and proposed otherwise."""
    if run.state in OPEN:
        is_approved = guard_is_approved(run) and not needing_approval(run).exists()
        run.state = RunState.APPROVED if is_approved else RunState.PROPOSED
        run.save(update_fields=["state"])


def _payers(run: Run, codes: Sequence[str]) -> list[int]:
    found = dict(Account.objects.filter(entity=run.entity, code__in=codes).values_list("code", "pk"))
    if missing := [code for code in codes if code not in found]:
        raise NotFound(f"there is no account {missing[0]!r} of {run.entity.code}")
    return list(found.values())
