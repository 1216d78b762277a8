"""Propose a run: decide for every open item of an entity, and keep the result for a person to look at.

In shards by payer, each of which can be decided and kept by itself, here or by workers: begin, decide every shard,
gather, keep every shard, complete. Each of these can be done again; done before, it changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from dunwell.engine.decide import decide
from dunwell.engine.plan import Plan
from dunwell.flows import policies
from dunwell.flows.cash.beforehand import match_first
from dunwell.flows.errors import Conflict
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.archives import archived
from dunwell.flows.runs.basis import read_basis, shards_for
from dunwell.flows.runs.deliver import deliver_run
from dunwell.flows.runs.done import under_way
from dunwell.flows.runs.guard import unlike_the_last
from dunwell.flows.runs.locked import locked_run, run_called, shared_run
from dunwell.flows.runs.proposal import KEPT, drop, keep, open_tasks, supersede
from dunwell.records import archive, audit, connect
from dunwell.records.frames import Shard
from dunwell.records.models import Entity, Notice, NoticeState, Run, RunShard, RunState


def propose_run(entity: Entity, *, as_of: date, at: datetime, by: str, progress: Progress = untold) -> Run:
    """Decide for every open item of `entity` and keep the result as a proposal nobody has acted on.

    Money that waits is matched first. What was proposed before and not posted is superseded. Errors:
    Conflict without a policy in force, or when a run was posted, or a later proposal was made, while this one was being
    decided; Invalid.
    """
    for reversed_run in Run.objects.filter(entity=entity, state=RunState.REVERSED):
        if under_way(reversed_run).exists():  # somebody was sending when it was reversed
            deliver_run(reversed_run.pk, clock=lambda: at, by=by)
    match_first(entity, by=by, at=at, progress=progress)
    run = begin_run(entity, as_of=as_of, at=at, by=by)
    try:
        for number in range(run.shards):
            decide_shard(run.pk, number, progress=progress)
        gather(run.pk)
        for number in range(run.shards):
            progress("keeping the notices", number, run.shards)
            keep_shard(run.pk, number)
        complete(run.pk, at=at)
    except BaseException as error:
        abandon(run.pk, str(error) or type(error).__name__)
        raise
    run.refresh_from_db()
    return run


def begin_run(
    entity: Entity, *, as_of: date, at: datetime, by: str, by_workers: bool = False, posts: bool = False
) -> Run:
    """Begin to decide a run, under the policies now in force. `by_workers`, `posts`: as `Run` has them.

    Errors: Conflict without a policy in force, or while a run of the entity is being posted.
    """
    versions = policies.versions_in_force(entity)
    if not versions:
        raise Conflict(f"no policy is in force for {entity.code}: put one in force with `dunwell policy apply FILE`")
    shards = shards_for(entity)
    with transaction.atomic():
        Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)  # an import under way is waited for
        _require_all_posted(entity)
        run = Run.objects.create(
            entity=entity,
            as_of=as_of,
            state=RunState.DECIDING,
            proposed_at=at,
            proposed_by=by,
            policy_digests=[version.digest for version in versions],
            shards=shards,
            posted_before=_posted(entity),
            by_workers=by_workers,
            posts=posts,
        )
        RunShard.objects.bulk_create(RunShard(run=run, number=number) for number in range(shards))
    return run


def decide_shard(run_id: int, number: int, *, progress: Progress = untold) -> None:
    """Decide for the items of one shard, and keep book and plan in the archive.

    Errors: NotFound; Conflict for a run that is not being decided any more; BookError.
    """
    run = _deciding(run_called(run_id))
    if RunShard.objects.filter(run=run, number=number).exclude(archive_digest="").exists():
        return
    shard, of = Shard(number, run.shards), f" ({number + 1} of {run.shards})" if run.shards > 1 else ""
    versions = policies.versions_with(run.policy_digests, run.entity)
    progress(f"reading the book of {run.entity.code}{of}")
    rules = policies.parsed(versions)
    book = read_basis(run.entity_id, rules, as_of=run.as_of, shard=shard)
    progress(f"deciding{of}")
    plan = decide(book, rules, run.as_of)
    progress(f"keeping the decisions{of}")
    about = {"as_of": run.as_of.isoformat(), **policies.kept_with_a_run(versions)}
    digest = archive.write(settings.CONFIG.archive_dir, book, plan, about=about)
    undecided = RunShard.objects.filter(run=run, number=number, archive_digest="")
    undecided.update(archive_digest=digest, counts=_counts(plan))


def gather(run_id: int) -> None:
    """Put together what the shards came to, once all are decided: sums, guard, archive. What waits unposted goes.

    Errors: NotFound; Conflict where a shard is not decided, or when a run was posted, or a later proposal made,
    since this one was begun.
    """
    shards = list(RunShard.objects.filter(run=run_id).order_by("number"))
    about = {"as_of": run_called(run_id).as_of.isoformat()}
    if undecided := [shard.number for shard in shards if not shard.archive_digest]:
        raise Conflict(f"shard {undecided[0]} of run {run_id} is not decided")
    digest = archive.join(settings.CONFIG.archive_dir, [shard.archive_digest for shard in shards], about=about)
    with transaction.atomic():
        run = _deciding(locked_run(run_id))
        if run.archive_digest:
            return
        if is_overtaken(run):
            raise Conflict(f"a run of {run.entity.code} was posted meanwhile: propose again")
        _require_all_posted(run.entity)
        supersede(run.entity)
        earlier = Run.objects.filter(entity=run.entity, state=RunState.DECIDING, pk__lt=run.pk)
        earlier.update(state=RunState.SUPERSEDED)
        run.archive_digest, run.counts = digest, _together([shard.counts for shard in shards])
        run.guard = unlike_the_last(run.entity, run.counts)
        run.save(update_fields=["archive_digest", "counts", "guard"])


def keep_shard(run_id: int, number: int) -> None:
    """Put the notices of one shard on record, and open its tasks. Errors: NotFound, Conflict."""
    with transaction.atomic():
        run = _deciding(shared_run(run_id))
        shard = RunShard.objects.select_for_update().get(run=run, number=number)
        if shard.is_kept:
            return
        before = RunShard.objects.filter(run=run, number__lt=number).values_list("counts__notices", flat=True)
        try:
            with transaction.atomic():
                keep(run, {name: _decided(shard, name) for name in KEPT}, after=sum(before))
        except IntegrityError as error:  # an item is on another notice, by its version
            raise Conflict(
                f"while run {run_id} was decided, a notice that was approved later was posted, or an account got"
                " another parent: propose again"
            ) from error
        tasks = _decided(shard, "tasks")
        if not tasks.is_empty():
            open_tasks(run, tasks, _decided(shard, "decisions", ["item_id", "payer_id", "problem", "by_law"]))
        shard.is_kept = True
        shard.save(update_fields=["is_kept"])


def complete(run_id: int, *, at: datetime) -> None:
    """Let a run be a proposal once all its shards are kept. Errors: NotFound, Conflict."""
    with transaction.atomic():
        run = _deciding(locked_run(run_id))
        if RunShard.objects.filter(run=run, is_kept=False).exists():
            return
        run.state = RunState.PROPOSED
        run.save(update_fields=["state"])
        detail = {"as_of": run.as_of.isoformat(), "digest": run.archive_digest}
        audit.record(run.proposed_by, "run.proposed", run, at=at, entity_id=run.entity_id, **detail)
    connect.analyze(Notice)


def abandon(run_id: int, reason: str) -> bool:
    """Give up a run that is being decided; tell whether it was."""
    with transaction.atomic():
        run = locked_run(run_id)
        if run.state != RunState.DECIDING:
            return False
        drop(Notice.objects.filter(run=run, state=NoticeState.PROPOSED), NoticeState.SUPERSEDED)
        run.state, run.reason = RunState.CANCELLED, reason
        run.save(update_fields=["state", "reason"])
    return True


def _deciding(run: Run) -> Run:
    """Errors: Conflict."""
    if run.state != RunState.DECIDING:
        why = run.reason or "another one took its place"
        raise Conflict(f"run {run.pk} is {run.state}, and not being decided any more: {why}")
    return run


def _posted(entity: Entity) -> int:
    """How many runs of an entity have been posted."""
    return Run.objects.filter(entity=entity, posted_at__isnull=False).count()


def is_overtaken(run: Run) -> bool:
    """Whether another run of the entity was posted since this one was begun."""
    return _posted(run.entity) != run.posted_before


def being_posted(entity: Entity) -> "QuerySet[RunShard]":
    """The shards that are not posted yet of a run that is."""
    return RunShard.objects.filter(run__entity=entity, run__state=RunState.POSTED, is_posted=False)


def _require_all_posted(entity: Entity) -> None:
    """Errors: Conflict while a run is posted in part."""
    unposted = being_posted(entity).first()
    if unposted:
        raise Conflict(f"run {unposted.run_id} is being posted: `dunwell post {unposted.run_id}` goes on with it")


def _decided(shard: RunShard, table: str, columns: Sequence[str] = ()) -> pl.DataFrame:
    return archived(shard.run_id, shard.archive_digest, f"plan-{table}", columns)


def _counts(plan: Plan) -> dict[str, Any]:
    """What a shard comes to: items by outcome, notices by stage, the sums by currency, and what rules ask for.

    Sums are in minor units, of notices that ask for something; `rules` has the actions.
    """
    outcomes = plan.decisions.group_by("outcome").agg(pl.len())
    stages = plan.notices.group_by("stage").agg(pl.len(), level=pl.col("level").min())
    asking = plan.notices.filter(pl.col("closing").ne_missing("closes"))
    sums = asking.group_by("currency").agg(pl.col("total_minor").sum())
    asked = plan.alerts.select(pl.col("actions").str.split(",")).explode("actions").filter(pl.col("actions") != "")
    return {
        "items": plan.decisions.height,
        "outcomes": dict(outcomes.iter_rows()),
        "notices": plan.notices.height,
        "stages": dict(stages.select("stage", "len").iter_rows()),
        "levels": dict(stages.select("stage", "level").iter_rows()),
        "sums_minor": dict(sums.iter_rows()),
        "rules": dict(asked.group_by("actions").agg(pl.len()).iter_rows()),
    }


def _together(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a run comes to: stages in the order of their levels, the others in that of their names."""
    outcomes, stages, sums = (_sums(shard[name] for shard in shards) for name in ("outcomes", "stages", "sums_minor"))
    rules = _sums(shard.get("rules", {}) for shard in shards)  # of what was decided by an earlier version, none
    levels = {stage: min(shard["levels"].get(stage, 1000) for shard in shards) for stage in stages}
    return {
        "items": sum(shard["items"] for shard in shards),
        "outcomes": dict(sorted(outcomes.items())),
        "notices": sum(shard["notices"] for shard in shards),
        "stages": dict(sorted(stages.items(), key=lambda stage: (levels[stage[0]], stage[0]))),
        "sums_minor": dict(sorted(sums.items())),
        **({"rules": dict(sorted(rules.items()))} if rules else {}),
    }


def _sums(counted: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for each in counted:
        for name, count in each.items():
            total[name] += count
    return total
