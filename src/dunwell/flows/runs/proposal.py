"""What a proposal keeps in the database: notices with their lines, charges and actions, and tasks for people."""

from collections.abc import Mapping
from typing import Final

import polars as pl
from django.db.models import Q, QuerySet

from dunwell.engine.explain import by_law_text, problem_text
from dunwell.flows.runs.done import end_runs
from dunwell.flows.runs.locked import OPEN
from dunwell.records import bulk
from dunwell.records.models import (
    Charge,
    Entity,
    Notice,
    NoticeAction,
    NoticeLine,
    NoticeState,
    Run,
    RunShard,
    RunState,
    Task,
)

SCHEDULE: Final = "schedule"  # who proposes what nobody asked for
KEPT: Final = ("notices", "lines", "charges", "actions")  # the tables of a plan that `keep` takes


def supersede(entity: Entity) -> None:
    """Drop what waits unposted, also the notices of posted runs that nobody approved: the next run decides anew."""
    drop(Notice.objects.filter(entity=entity, state=NoticeState.PROPOSED), NoticeState.SUPERSEDED)
    being_kept = Q(state=RunState.DECIDING) & ~Q(archive_digest="")
    Run.objects.filter(Q(state__in=OPEN) | being_kept, entity=entity).update(state=RunState.SUPERSEDED)
    end_runs(entity)


def book_changed(entity: Entity, reason: str) -> None:
    """Drop what waits unposted, and what is being decided, since the book is no longer what it was decided on.

    So are the shards that are not posted yet of a run that is being posted. A run that began by itself begins again.
    """
    unposted = RunShard.objects.filter(run__entity=entity, run__state=RunState.POSTED, is_posted=False)
    undone = Q(state__in=OPEN) | Q(state=RunState.DECIDING) | Q(pk__in=unposted.values("run"))
    if Run.objects.filter(undone, entity=entity, proposed_by=SCHEDULE).exists():
        Entity.objects.filter(pk=entity.pk).update(ran_on=None)
    unposted.update(is_posted=True)
    Run.objects.filter(entity=entity, state=RunState.DECIDING).update(state=RunState.SUPERSEDED, reason=reason)
    supersede(entity)


def drop(notices: "QuerySet[Notice]", state: NoticeState, reason: str = "") -> None:
    """Let proposed notices be notices no longer, for a reason.

    Their lines go (the archive keeps them), so that they do not stand in the way of others.
    """
    NoticeLine.objects.filter(notice__in=notices).delete()
    Charge.objects.filter(notice__in=notices).delete()
    notices.update(state=state, reason=reason or None)


def keep(run: Run, plan: Mapping[str, pl.DataFrame], *, after: int = 0) -> None:
    """Write the notices of a plan's tables KEPT, and what belongs to them; numbers go on `after` the run's last."""
    ids = bulk.allocate_ids(Notice, plan["notices"].height)
    notices = plan["notices"].with_columns(id=ids)
    of_notice = notices.select("notice_no", notice_id="id")
    bulk.insert(
        Notice,
        notices.rename({"notice_no": "number"}).with_columns(
            pl.col("number") + after, run_id=pl.lit(run.pk), as_of=pl.lit(run.as_of)
        ),
    )
    lines = plan["lines"].join(of_notice, on="notice_no").drop("notice_no")
    bulk.insert(NoticeLine, lines.with_columns(binding=pl.col("role") == "dunned"))
    bulk.insert(Charge, plan["charges"].join(of_notice, on="notice_no").drop("notice_no"))
    bulk.insert(NoticeAction, plan["actions"].join(of_notice, on="notice_no").drop("notice_no"))


def open_tasks(run: Run, tasks: pl.DataFrame, decisions: pl.DataFrame) -> None:
    """Open a task for each item that cannot be decided and each payer that is not reached, unless one is open.

    `tasks`: the plan's table; of its decisions: item_id, payer_id, problem, by_law.
    """
    found = tasks.join(decisions, on="item_id")
    undecided = found.filter(pl.col("task") == "exception")
    exceptions = undecided.select("account_id", "item_id", kind="task", detail=_details(undecided))
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


def _details(undecided: pl.DataFrame) -> pl.Series:
    """Say of each item why it cannot be decided, and of a rate that is not known, in which series it is missing."""
    asked = undecided.select(pl.col("problem").cast(pl.String), "by_law")
    texts = {(problem, codes): _detail(problem, codes) for problem, codes in asked.unique().iter_rows()}
    return pl.Series([texts[each] for each in asked.iter_rows()], dtype=pl.String)


def _detail(problem: str | None, by_law: str | None) -> str:
    series = [by_law_text(code) for code in (by_law or "").split(",") if code.startswith("series:")]
    return ": ".join(filter(None, [problem and problem_text(problem), "; ".join(series)]))
