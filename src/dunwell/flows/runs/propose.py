"""Propose a run: decide for every open item of an entity, and keep the result for a person to look at."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from dunwell.engine.decide import decide
from dunwell.engine.explain import problem_text
from dunwell.engine.plan import PROBLEMS, Plan
from dunwell.flows import policies
from dunwell.flows.errors import Conflict
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.done import end_runs
from dunwell.flows.runs.guard import unlike_the_last
from dunwell.flows.runs.locked import OPEN
from dunwell.records import archive, audit, bulk, frames
from dunwell.records.models import (
    Entity,
    Notice,
    NoticeAction,
    NoticeLine,
    NoticeState,
    ProposedCharge,
    Run,
    RunState,
    Task,
)


def propose_run(entity: Entity, *, as_of: date, at: datetime, by: str, progress: Progress = untold) -> Run:
    """Decide for every open item of `entity` and keep the result as a proposal nobody has acted on.

    What was proposed before and not posted is superseded. Errors: Conflict without a policy in force, or when a
    run was posted while this one was being decided; Invalid.
    """
    versions = policies.versions_in_force(entity)
    if not versions:
        raise Conflict(f"no policy is in force for {entity.code}: put one in force with `dunwell policy apply FILE`")
    posted_before = _posted(entity)
    progress(f"reading the book of {entity.code}")
    book = frames.book(entity.pk, as_of=as_of)
    progress("deciding")
    plan = decide(book, policies.parsed(versions), as_of)
    digests = [version.digest for version in versions]
    progress("keeping the decisions")
    about = {"as_of": as_of.isoformat(), **policies.kept_with_a_run(versions)}
    digest = archive.write(settings.CONFIG.archive_dir, book, plan, about=about)
    progress("keeping the notices")
    counts = _counts(plan)
    with transaction.atomic():
        Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)  # one proposal at a time
        if _posted(entity) != posted_before:
            raise Conflict(f"a run of {entity.code} was posted meanwhile: propose again")
        supersede(entity)
        run = Run.objects.create(
            entity=entity,
            as_of=as_of,
            proposed_at=at,
            proposed_by=by,
            archive_digest=digest,
            policy_digests=digests,
            counts=counts,
            guard=unlike_the_last(entity, counts),
        )
        keep(run, plan)
        _open_tasks(run, plan)
        audit.record(by, "run.proposed", run, at=at, entity_id=entity.pk, as_of=as_of.isoformat(), digest=digest)
    return run


def _posted(entity: Entity) -> int:
    """How many runs of an entity have been posted."""
    return Run.objects.filter(entity=entity, posted_at__isnull=False).count()


def supersede(entity: Entity) -> None:
    """Drop what waits unposted, also the notices of posted runs that nobody approved: the next run decides anew."""
    drop(Notice.objects.filter(entity=entity, state=NoticeState.PROPOSED), NoticeState.SUPERSEDED)
    Run.objects.filter(entity=entity, state__in=OPEN).update(state=RunState.SUPERSEDED)
    end_runs(entity)


def drop(notices: "QuerySet[Notice]", state: NoticeState, reason: str = "") -> None:
    """Let proposed notices be notices no longer, for a reason.

    Their lines go (the archive keeps them), so that they do not stand in the way of others.
    """
    NoticeLine.objects.filter(notice__in=notices).delete()
    ProposedCharge.objects.filter(notice__in=notices).delete()
    notices.update(state=state, reason=reason or None)


def keep(run: Run, plan: Plan, *, after: int = 0) -> None:
    """Write the plan's notices with their lines, charges and actions; numbers go on `after` the run's last."""
    ids = bulk.allocate_ids(Notice, plan.notices.height)
    notices = plan.notices.with_columns(id=ids)
    of_notice = notices.select("notice_no", notice_id="id")
    bulk.insert(
        Notice,
        notices.rename({"notice_no": "number"}).with_columns(
            pl.col("number") + after, run_id=pl.lit(run.pk), as_of=pl.lit(run.as_of)
        ),
    )
    lines = plan.lines.join(of_notice, on="notice_no").drop("notice_no")
    bulk.insert(NoticeLine, lines.with_columns(binding=pl.col("role") == "dunned"))
    bulk.insert(ProposedCharge, plan.charges.join(of_notice, on="notice_no").drop("notice_no"))
    bulk.insert(NoticeAction, plan.actions.join(of_notice, on="notice_no").drop("notice_no"))


def _open_tasks(run: Run, plan: Plan) -> None:
    """Open a task for each item that cannot be decided and each payer that is not reached, unless one is open."""
    texts = {problem: problem_text(problem) for problem in PROBLEMS}
    found = plan.tasks.join(plan.decisions.select("item_id", "payer_id", "problem"), on="item_id")
    exceptions = found.filter(pl.col("task") == "exception").select(
        "account_id", "item_id", kind="task", detail=pl.col("problem").cast(pl.String).replace_strict(texts, default="")
    )
    unreached = found.filter(pl.col("task") == "unreachable").group_by(account_id="payer_id", kind="task").agg(pl.len())
    unreachable = unreached.select(
        "account_id", pl.lit(None, dtype=pl.Int64).alias("item_id"), "kind", detail=pl.format("{} items wait", "len")
    )
    asked = pl.concat([exceptions, unreachable.sort("account_id")])
    is_open = Task.objects.filter(entity_id=run.entity_id, closed_at=None, notice=None)
    keys = {"kind": pl.String, "account_id": pl.Int64, "item_id": pl.Int64}
    open_now = pl.DataFrame(list(is_open.values_list(*keys)), schema=keys, orient="row")
    # An item's task is known by the item, an account's by the account.
    key = [pl.col("kind"), pl.coalesce("item_id", -pl.col("account_id")).alias("subject")]
    new = asked.with_columns(key[1]).join(open_now.select(key), on=["kind", "subject"], how="anti").drop("subject")
    bulk.insert(Task, new.with_columns(entity_id=pl.lit(run.entity_id), opened_on=pl.lit(run.as_of)))


def _counts(plan: Plan) -> Mapping[str, Any]:
    """What the run comes to: items by outcome, notices by stage, and the sums by currency in minor units."""
    outcomes = plan.decisions.group_by("outcome").agg(pl.len()).sort("outcome")
    stages = plan.notices.group_by("stage").agg(pl.len(), level=pl.col("level").min()).sort("level", "stage")
    sums = plan.notices.group_by("currency").agg(pl.len(), pl.col("total_minor").sum()).sort("currency")
    return {
        "items": plan.decisions.height,
        "outcomes": dict(outcomes.iter_rows()),
        "notices": plan.notices.height,
        "stages": dict(stages.select("stage", "len").iter_rows()),
        "sums_minor": {currency: total for currency, _count, total in sums.iter_rows()},
    }
