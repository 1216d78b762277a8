"""Keep and post a run; the floor writes the same rows, with the same constraints and indexes, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from bench import databases
from bench.harness import measure, report

if TYPE_CHECKING:
    from dunwell.engine.plan import Plan
    from dunwell.records.models import Run

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
STAGES = """
policy: bench
title: Two items in five of every account
min_gap_days: 7
stages:
  - {stage: reminder, days_past_due: 30, deadline_days: 10, send: ["email|letter"]}
  - {stage: final, days_past_due: 130, fee: {EUR: 5.00, GBP: 5.00}, deadline_days: 10, send: ["email|letter"]}
"""


def main(n: int = 1_000_000) -> None:
    """Measure on both databases, each filled twice: once for the floor, once for the run."""
    for name in ("sqlite", "postgresql"):
        figures = []
        for prepare in (bare, posted):
            with databases.both() as urls:
                if name in urls:
                    measure(databases.filled, urls[name], n, times=1)
                    figures.append(measure(prepare, urls[name], times=1))
        if len(figures) == 2:
            report(f"post {name}: the rows alone", n, figures[0])
            report(f"post {name}: a run", n, figures[1], figures[0])


def posted(url: str) -> Callable[[], object]:
    """Prepare to keep a plan as a proposal and post it."""
    run, plan = _decided(url)
    from django.db import transaction

    from dunwell.flows.runs.post import post_run
    from dunwell.flows.runs.proposal import KEPT, keep

    def do() -> None:
        with transaction.atomic():
            keep(run, {name: getattr(plan, name) for name in KEPT})
        post_run(run.pk, today=run.as_of, at=AT, by="bench")

    return do


def bare(url: str) -> Callable[[], object]:
    """Prepare the floor: the frames of all rows that a posting leaves behind, written one after the other."""
    run, plan = _decided(url)
    from django.db import transaction

    from dunwell.records import bulk
    from dunwell.records import models as m
    from dunwell.records.stage import stage

    ids = bulk.allocate_ids(m.Notice, plan.notices.height)
    notices = plan.notices.with_columns(id=ids)
    of_notice = notices.select("notice_no", "deadline_on", notice_id="id")
    lines = plan.lines.join(of_notice, on="notice_no").drop("notice_no")
    dunned = lines.filter(pl.col("role") == "dunned")
    charges = plan.charges.join(of_notice, on="notice_no")
    charges = charges.with_columns(charge_item_id=bulk.allocate_ids(m.Item, charges.height))
    fees = charges.select(
        "account_id", "currency", "amount_minor", id="charge_item_id", entity_id=pl.lit(1), kind=pl.lit("charge"),
        number=pl.format("FEE-{}", "notice_id"), open_minor="amount_minor", issued_on=pl.lit(run.as_of),
        due_on="deadline_on", parent_id="item_id",
    )  # fmt: skip
    fee_lines = charges.select(
        "notice_id", "amount_minor", item_id="charge_item_id", role=pl.lit("fee"), level=0, level_before=0
    )
    states = dunned.sort("item_id").select(
        "item_id",
        "level",
        "stage",
        pl.col("version") + 1,
        last_deadline_on="deadline_on",
        pending_notice_id="notice_id",
    )
    first_noticed = pl.col("version") == 1
    deliveries = notices.select(notice_id="id", channel=pl.lit("email"), recipient=pl.lit("ap12345@debtor.example"))
    contacts = notices.select("entity_id", "payer_id", last_contact_on=pl.lit(run.as_of)).unique().sort("payer_id")
    kept = notices.rename({"notice_no": "number"}).with_columns(
        run_id=pl.lit(run.pk), as_of=pl.lit(run.as_of), state=pl.lit("posted")
    )

    def do() -> None:
        with transaction.atomic():
            bulk.insert(m.Notice, kept)
            bulk.insert(m.NoticeLine, lines.drop("deadline_on").with_columns(binding=pl.col("role") == "dunned"))
            bulk.insert(m.Item, fees)
            bulk.insert(m.NoticeLine, fee_lines)
            bulk.insert(
                m.Charge,
                charges.select(
                    "notice_id", "item_id", "account_id", "currency", "amount_minor", "stage", "charge_item_id"
                ),
            )
            bulk.insert(m.Delivery, deliveries)
            bulk.insert(m.PayerContact, contacts)
            bulk.insert(m.ItemState, states.filter(first_noticed))
            stage(m.ItemState, states.filter(~first_noticed), ["item_id"]).update()

    return do


def _decided(url: str) -> "tuple[Run, Plan]":
    """A run of the filled book and the plan it is to post, archived."""
    databases.open_database(url)
    from django.conf import settings

    from bench.fill import AS_OF
    from dunwell.engine.decide import decide
    from dunwell.engine.policy.parse import parse_policy
    from dunwell.records import archive, frames, models

    book = frames.book(1, as_of=AS_OF)
    plan = decide(book, [parse_policy(STAGES, "bench")], AS_OF)
    digest = archive.write(settings.CONFIG.archive_dir, book, plan, about={})
    run = models.Run.objects.create(
        entity_id=1, as_of=AS_OF, proposed_at=AT, proposed_by="bench", archive_digest=digest
    )
    models.RunShard.objects.create(run=run, number=0, archive_digest=digest, is_kept=True)
    print(f"{plan.notices.height:,} notices, {plan.lines.height:,} lines, {plan.charges.height:,} charges")
    return run, plan
