"""Approve notices: by people who neither proposed nor changed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from dunwell.flows.errors import Conflict, Forbidden, NotFound
from dunwell.flows.runs.locked import OPEN, locked_run
from dunwell.flows.runs.seen import require_seen, sign_of_notice, sign_of_run
from dunwell.records import audit
from dunwell.records.models import Account, Approval, Notice, Run, RunState
from dunwell.records.views.people import person
from dunwell.records.views.runs import changed_by, given_by, unapproved

NAMED_MAX: Final = 10


@dataclass(frozen=True)
class ApproveResult:
    """How many notices somebody approved just now, and how many of the run still lack an approval."""

    approved: int
    waiting: int
    guard_approved: bool


def approve_run(
    run_id: int, *, by: str, at: datetime, accounts: Sequence[str] = (), seen: str | None = None
) -> ApproveResult:
    """Approve the notices of a run that need it, or only those of some accounts, and what the guard found unusual.

    Whoever has approved a notice before approves it once. `seen`: the sign of what they looked at. Errors: NotFound;
    Conflict where nothing waits; Changed; Forbidden for who proposed the run, and for notices that they changed.
    """
    with transaction.atomic():
        run = locked_run(run_id)
        require_seen(seen, sign_of_run(run_id, run), f"Run {run_id}")
        asks = run.state in OPEN and bool(run.guard) and not accounts
        return _approve(run, _needed(run, accounts), asks=asks, by=by, at=at)


def approve_notice(notice_id: int, *, by: str, at: datetime, seen: str) -> ApproveResult:
    """Approve one notice, as it was seen. Errors: as `approve_run`."""
    with transaction.atomic():
        found = Notice.objects.filter(pk=notice_id).first()
        if found is None:
            raise NotFound(f"there is no notice {notice_id}")
        run = locked_run(found.run_id)
        require_seen(seen, sign_of_notice(notice_id), "The notice")
        needed = _lacking(run).filter(pk=notice_id)
        if not needed.exists():
            raise Conflict(f"the notice is {found.state}, and waits for no approval")
        return _approve(run, needed, asks=False, by=by, at=at)


def _approve(run: Run, needed: "QuerySet[Notice]", *, asks: bool, by: str, at: datetime) -> ApproveResult:
    """Give an approval to notices that need it, and, where it `asks` for one, to the run."""
    if not needed.exists() and not asks:
        raise Conflict(f"run {run.pk} is {run.state}, and nothing of it waits for approval")
    if person(run.proposed_by) == person(by):
        raise Forbidden(f"{by} proposed run {run.pk}: somebody else approves it")
    others = needed.exclude(payer__in=changed_by(run.pk, by).values("payer"))
    if not others.exists() and not asks:
        raise Forbidden(f"{by} changed these notices of run {run.pk}: somebody else approves them")
    notices = list(others.exclude(pk__in=given_by(run.pk, by).values("notice")))
    Approval.objects.bulk_create([Approval(run=run, notice=notice, by=by, at=at) for notice in notices])
    if asks:
        Approval.objects.get_or_create(run=run, notice=None, by=by, defaults={"at": at})
    settle(run)
    approved, waiting = len(notices), _lacking(run).count()
    audit.record(by, "run.approved", run, at=at, entity_id=run.entity_id, approved=approved, waiting=waiting)
    return ApproveResult(approved, waiting, guard_approved=asks)


def _lacking(run: Run) -> "QuerySet[Notice]":
    """The notices of a run that lack an approval."""
    return unapproved(Run.objects.filter(pk=run.pk)).order_by("number")


def _needed(run: Run, accounts: Sequence[str]) -> "QuerySet[Notice]":
    """The notices that lack an approval, of some accounts or of all.

    Errors: NotFound; Conflict where only those of other accounts do, which are named.
    """
    waiting = _lacking(run)
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
        is_approved = guard_is_approved(run) and not _lacking(run).exists()
        run.state = RunState.APPROVED if is_approved else RunState.PROPOSED
        run.save(update_fields=["state"])


def _payers(run: Run, codes: Sequence[str]) -> list[int]:
    found = dict(Account.objects.filter(entity=run.entity, code__in=codes).values_list("code", "pk"))
    if missing := [code for code in codes if code not in found]:
        raise NotFound(f"there is no account {missing[0]!r} of {run.entity.code}")
    return list(found.values())
