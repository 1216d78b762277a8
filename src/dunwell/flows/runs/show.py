"""What a run is, for people who look at it before they act."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl
from django.conf import settings
from django.db.models import Count

from dunwell.engine.explain import problem_text
from dunwell.flows.errors import Conflict
from dunwell.flows.runs.locked import run_called
from dunwell.records import archive
from dunwell.records.models import Entity, Notice, Run
from dunwell.records.views.runs import shards_of, unapproved

NOTICES_SHOWN_MAX: Final = 50


@dataclass(frozen=True)
class RunLine:
    """A run in a list; `waiting`: how many of its notices lack an approval."""

    run: int
    entity: str
    as_of: date
    state: str
    proposed_by: str
    posted_by: str
    notices: int
    waiting: int


@dataclass(frozen=True)
class RunDetail:
    """A run with what became of its notices, what was changed, and those that wait for an approval."""

    run: int
    entity: str
    as_of: date
    state: str
    proposed_at: datetime
    proposed_by: str
    posted_at: datetime | None
    posted_by: str
    guard: str
    reason: str
    counts: dict[str, Any]  # empty until all of it is decided
    shards: dict[str, int]  # how many there are, and how many are decided, kept and posted
    notices: dict[str, int]  # by state
    edits: list[dict[str, Any]]
    waiting: list[dict[str, Any]]  # the first NOTICES_SHOWN_MAX
    approved_by: list[str]


def list_runs(entity: Entity | None, *, most: int) -> list[RunLine]:
    """List the latest runs, of one entity or of all, the latest first."""
    found = Run.objects.select_related("entity").order_by("-pk")
    shown = list((found.filter(entity=entity) if entity else found)[:most])
    lacking = unapproved(Run.objects.filter(pk__in=[run.pk for run in shown])).values("run").annotate(n=Count("pk"))
    waiting = dict(lacking.values_list("run", "n"))
    return [
        RunLine(
            run.pk, run.entity.code, run.as_of, run.state, run.proposed_by, run.posted_by,
            run.counts.get("notices", 0), waiting.get(run.pk, 0),
        )
        for run in shown
    ]  # fmt: skip


def run_detail(run_id: int) -> RunDetail:
    """Return what there is to know of a run. Errors: NotFound."""
    run = run_called(run_id)
    states = Notice.objects.filter(run=run).values("state").annotate(n=Count("pk")).order_by("state")
    return RunDetail(
        run=run.pk,
        entity=run.entity.code,
        as_of=run.as_of,
        state=run.state,
        proposed_at=run.proposed_at,
        proposed_by=run.proposed_by,
        posted_at=run.posted_at,
        posted_by=run.posted_by,
        guard=run.guard,
        reason=run.reason,
        counts=run.counts,
        shards=shards_of(run.pk),
        notices=dict(states.values_list("state", "n")),
        edits=[
            {
                "what": f"stage set to {edit.stage}" if edit.stage else "left out",
                "of": edit.item.number if edit.item else edit.account.code if edit.account else "",
                "by": edit.by,
                "reason": edit.reason,
            }
            for edit in run.edits.select_related("item", "account").order_by("pk")
        ],
        waiting=_waiting(run),
        approved_by=sorted(set(run.given_approvals.values_list("by", flat=True))),
    )


def exceptions_of(run: Run) -> dict[str, int]:
    """Why items of a run could not be decided, and how many each: the most frequent reason first.

    Errors: Conflict where the archive is gone.
    """
    if not run.counts.get("outcomes", {}).get("exception"):
        return {}
    folder = settings.CONFIG.archive_dir
    found: Counter[str] = Counter()
    try:
        for part in archive.parts(folder, run.archive_digest):
            decisions = archive.table(folder, part, "plan-decisions", ["outcome", "problem"])
            found.update(decisions.filter(pl.col("outcome") == "exception")["problem"].to_list())
    except archive.ArchiveError as error:
        raise Conflict(str(error)) from None
    return {problem_text(problem): n for problem, n in found.most_common()}


def _waiting(run: Run) -> list[dict[str, Any]]:
    """The notices that lack an approval, each with how many it has."""
    lacking = unapproved(Run.objects.filter(pk=run.pk)).select_related("payer")
    counted = lacking.annotate(given=Count("given_approvals")).order_by("number")[:NOTICES_SHOWN_MAX]
    return [
        {
            "account": notice.payer.code,
            "stage": notice.stage,
            "currency": notice.currency,
            "total_minor": notice.total_minor,
            "approvals": notice.approvals,
            "given": notice.given,
        }
        for notice in counted
    ]
