"""Runs in a list, and one with what it comes to."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet, Sum

from dunwell.records.models import Approval, Delivery, Notice, NoticeState, Run, RunEdit, RunShard, RunState
from dunwell.records.views.people import names_of

RUNS_SHOWN: Final = 25
EDITS_SHOWN: Final = 20
OPEN: Final = (RunState.PROPOSED, RunState.APPROVED)
BINDING: Final = (NoticeState.POSTED, NoticeState.SENT)
FELL: Final = (NoticeState.WITHDRAWN, NoticeState.FAILED)  # after they were posted


@dataclass(frozen=True)
class RunLine:
    """A run in a list; `sums_minor` by currency. Its figures are empty until all of it is decided."""

    id: int
    as_of: date
    state: str
    proposed_by: str
    proposed_at: datetime
    posted_by: str
    posted_at: datetime | None
    items: int
    notices: int
    sums_minor: dict[str, int]
    guard: str
    reason: str
    counts: dict[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether it can still be approved, changed and posted."""
        return self.state in OPEN


@dataclass(frozen=True)
class RunPage:
    """One page of runs; `before`: where the next one begins, if there is one."""

    runs: list[RunLine]
    before: int | None


@dataclass(frozen=True)
class EditRow:
    """A change of a proposal; `stage` empty: left out."""

    of: str
    stage: str
    by: str
    reason: str


@dataclass(frozen=True)
class RunFacts:
    """What stands beside a run's figures: notices and messages by state, and how many notices lack an approval."""

    unapproved: int
    approvable: int  # of these, by the one who asks
    guard_approved: bool
    notices: dict[str, int]
    posted: int  # how many notices have been posted
    fell: int  # how many of them were withdrawn or have failed since
    binding_minor: dict[str, int]  # what the others come to, by currency
    deliveries: dict[str, int]
    shards: dict[str, int]  # how many there are, and how many are decided, kept and posted
    edits: list[EditRow]  # the latest first, EDITS_SHOWN of them


def runs(entity_id: int, *, before: int | None = None, state: str = "") -> RunPage:
    """The runs of an entity, the latest first."""
    found = Run.objects.filter(entity_id=entity_id).order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    if state:
        found = found.filter(state=state)
    some = list(found[: RUNS_SHOWN + 1])
    more = some[RUNS_SHOWN - 1].pk if len(some) > RUNS_SHOWN else None
    return RunPage([line_of(run) for run in some[:RUNS_SHOWN]], more)


def run(entity_id: int, run_id: int) -> RunLine | None:
    """A run of an entity by its number."""
    found = Run.objects.filter(entity_id=entity_id, pk=run_id).first()
    return line_of(found) if found else None


def unapproved(of_runs: "QuerySet[Run]") -> "QuerySet[Notice]":
    """The notices of some runs that lack an approval.

    A count of approvals for each notice would cost what there are of notices; few are approved and not yet posted.
    """
    given = Approval.objects.filter(run__in=of_runs, notice__state=NoticeState.PROPOSED).values("notice")
    enough = given.annotate(n=Count("pk")).filter(n__gte=F("notice__approvals")).values("notice")
    waiting = Notice.objects.filter(run__in=of_runs, state=NoticeState.PROPOSED, approvals__gt=0)
    return waiting.exclude(pk__in=enough)


def facts(run_id: int, *, asked_by: str) -> RunFacts:
    """What stands beside a run's figures, for the person who looks at it."""
    waiting = unapproved(Run.objects.filter(pk=run_id))
    asks = Count("pk", filter=Q(approvals__gt=0, state=NoticeState.PROPOSED))
    of_run = Notice.objects.filter(run_id=run_id).order_by().values("state", "currency")
    figures = of_run.annotate(n=Count("pk"), asks=asks, total_minor=Sum("total_minor"))
    lacks = waiting.count() if any(each["asks"] for each in figures) else 0
    notices: Counter[str] = Counter()
    binding: Counter[str] = Counter()
    for each in figures:
        notices[each["state"]] += each["n"]
        if each["state"] in BINDING:
            binding[each["currency"]] += int(each["total_minor"])
    deliveries = Delivery.objects.filter(notice__run_id=run_id).order_by().values("state").annotate(n=Count("pk"))
    return RunFacts(
        unapproved=lacks,
        approvable=lacks - _not_theirs(run_id, waiting, asked_by) if lacks else 0,
        guard_approved=Approval.objects.filter(run_id=run_id, notice=None).exists(),
        notices=dict(notices),
        posted=sum(notices[state] for state in (*BINDING, *FELL)),
        fell=sum(notices[state] for state in FELL),
        binding_minor=dict(sorted(binding.items())),
        deliveries=dict(deliveries.values_list("state", "n")),
        shards=shards_of(run_id),
        edits=_edits(run_id),
    )


def shards_of(run_id: int) -> dict[str, int]:
    """How many shards a run has, and how many of them are decided, kept and posted."""
    return RunShard.objects.filter(run_id=run_id).aggregate(
        all=Count("pk"),
        decided=Count("pk", filter=~Q(archive_digest="")),
        kept=Count("pk", filter=Q(is_kept=True)),
        posted=Count("pk", filter=Q(is_posted=True)),
    )


def given_by(run_id: int, who: str) -> "QuerySet[Approval]":
    """The approvals that somebody gave to notices of a run."""
    given = Approval.objects.filter(run_id=run_id, notice__isnull=False)
    return given.filter(by__in=names_of(who, given.values_list("by", flat=True).distinct()))


def changed_by(run_id: int, who: str) -> "QuerySet[RunEdit]":
    """The changes that somebody made to a run."""
    changed = RunEdit.objects.filter(run_id=run_id)
    return changed.filter(by__in=names_of(who, changed.values_list("by", flat=True).distinct()))


def _not_theirs(run_id: int, waiting: "QuerySet[Notice]", who: str) -> int:
    """How many notices lack an approval that somebody cannot give: it is given, or they changed the notice."""
    given, changed = given_by(run_id, who), changed_by(run_id, who)
    if not given.exists() and not changed.exists():  # else every notice would be looked up in vain
        return 0
    return waiting.filter(Q(pk__in=given.values("notice")) | Q(payer__in=changed.values("payer"))).count()


def _edits(run_id: int) -> list[EditRow]:
    found = RunEdit.objects.filter(run_id=run_id).select_related("item", "account").order_by("-pk")[:EDITS_SHOWN]
    return [
        EditRow(
            edit.item.number if edit.item else edit.account.code if edit.account else "",
            edit.stage,
            edit.by,
            edit.reason,
        )
        for edit in found
    ]


def line_of(found: Run) -> RunLine:
    """A run's row as a list shows it."""
    return RunLine(
        id=found.pk,
        as_of=found.as_of,
        state=found.state,
        proposed_by=found.proposed_by,
        proposed_at=found.proposed_at,
        posted_by=found.posted_by,
        posted_at=found.posted_at,
        items=found.counts.get("items", 0),
        notices=found.counts.get("notices", 0),
        sums_minor=found.counts.get("sums_minor", {}),
        guard=found.guard,
        reason=found.reason,
        counts=found.counts,
    )
