"""Change a proposal: leave out an item or an account, or set an item's stage, with a reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, Sum

from dunwell.engine.book import Book, table
from dunwell.engine.decide import decide
from dunwell.engine.plan import Plan
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.parties import payer_of_family
from dunwell.flows import policies
from dunwell.flows.entities import account_called
from dunwell.flows.errors import Invalid
from dunwell.flows.law.rated import with_rates
from dunwell.flows.runs.approve import settle
from dunwell.flows.runs.archives import archived
from dunwell.flows.runs.explain import item_called
from dunwell.flows.runs.guard import unlike_the_last
from dunwell.flows.runs.locked import open_run
from dunwell.flows.runs.proposal import KEPT, drop, keep
from dunwell.records import archive, audit, frames
from dunwell.records.models import Item, Notice, NoticeState, Run, RunEdit, RunShard


@dataclass(frozen=True)
class EditResult:
    """What the payer's notices of the run come to now; `outcome`: what became of the item whose stage was set."""

    notices: int
    outcome: str | None = None


def exclude_item(run_id: int, number: str, *, reason: str, by: str, at: datetime) -> EditResult:
    """Leave an item out of a proposal; the rest of its account is decided anew. Errors: NotFound, Conflict, Invalid."""
    with transaction.atomic():
        run = open_run(run_id, "changed")
        item = item_called(run.entity, number)
        plan = _changed(RunEdit(run=run, item=item, reason=reason, by=by, at=at), item.account_id)
    return EditResult(plan.notices.height)


def exclude_account(run_id: int, code: str, *, reason: str, by: str, at: datetime) -> EditResult:
    """Leave all that an account owes out of a proposal. Errors: NotFound, Conflict, Invalid."""
    with transaction.atomic():
        run = open_run(run_id, "changed")
        account = account_called(run.entity, code)
        plan = _changed(RunEdit(run=run, account=account, reason=reason, by=by, at=at), account.pk)
    return EditResult(plan.notices.height)


def set_stage(run_id: int, number: str, stage: str, *, reason: str, by: str, at: datetime) -> EditResult:
    """Set the stage that an item has reached in a proposal, whatever its conditions; what blocks it still does.

    Errors: NotFound, Conflict; Invalid for a stage that the item's policy does not have.
    """
    with transaction.atomic():
        run = open_run(run_id, "changed")
        item = item_called(run.entity, number)
        plan = _changed(RunEdit(run=run, item=item, stage=stage, reason=reason, by=by, at=at), item.account_id)
        decision = plan.decisions.row(by_predicate=pl.col("item_id") == item.pk, named=True)
        _require_stage(_policies(run), decision["policy"], stage, item)
    return EditResult(plan.notices.height, decision["outcome"])


def _changed(edit: RunEdit, account_id: int) -> Plan:
    """Decide anew what an account and those with the same payer get, with this change and those before it."""
    if not edit.reason.strip():
        raise Invalid("say why: a change of a proposal needs a reason")
    run = edit.run
    frames.lock_payers([account_id])
    book = frames.account_book([account_id])
    payer_id = payer_of_family(book.accounts, account_id)[account_id]  # None in a circle, which shard 0 has
    edit.payer_id = payer_id or account_id
    decided_before = _outcomes(run, edit.payer_id, shard=(payer_id or 0) % run.shards, items=book.items["item_id"])
    edit.save()
    versions = policies.versions_with(run.policy_digests, run.entity)
    rules = policies.parsed(versions)
    edits = list(RunEdit.objects.filter(run=run, payer_id=edit.payer_id))
    edited = with_rates(_with_edits(book, edits, run.as_of), rules)
    plan = decide(edited, rules, run.as_of)
    about = {"as_of": run.as_of.isoformat(), **policies.kept_with_a_run(versions)}
    edit.archive_digest = archive.write(settings.CONFIG.archive_dir, edited, plan, about=about)
    edit.save(update_fields=["archive_digest"])
    last = Notice.objects.filter(run=run).aggregate(last=Max("number"))["last"] or 0
    before = Notice.objects.filter(run=run, payer_id=edit.payer_id, state=NoticeState.PROPOSED)
    drop(before, NoticeState.SUPERSEDED if edit.stage else NoticeState.EXCLUDED, edit.reason)
    keep(run, {name: getattr(plan, name) for name in KEPT}, after=last)
    _recount(run, decided_before, plan)
    settle(run)
    what = f"stage {edit.stage}" if edit.stage else "excluded"
    subject = edit.item.number if edit.item else edit.account.code if edit.account else ""
    audit.record(
        edit.by, "run.edited", run, at=edit.at, entity_id=run.entity_id, what=what, of=subject, reason=edit.reason
    )
    return plan


def _outcomes(run: Run, payer_id: int, *, shard: int, items: pl.Series) -> Counter[str]:
    """How many items of a payer have which outcome in a proposal, with the changes so far. Errors: Conflict."""
    edited = RunEdit.objects.filter(run=run, payer_id=payer_id).order_by("pk").last()
    part = edited or RunShard.objects.get(run=run, number=shard)
    decided = archived(run.pk, part.archive_digest, "plan-decisions", ["item_id", "outcome"])
    return Counter(decided.filter(pl.col("item_id").is_in(items.implode()))["outcome"].to_list())


def _recount(run: Run, decided_before: Counter[str], plan: Plan) -> None:
    """Let a proposal's figures, and what is unusual about them, be those of its notices as they are now."""
    outcomes = Counter(run.counts["outcomes"])
    outcomes.subtract(decided_before)
    outcomes.update(plan.decisions["outcome"].to_list())
    notices = Notice.objects.filter(run=run, state=NoticeState.PROPOSED)
    stages = notices.values("stage").annotate(n=Count("pk"), at=Min("level")).order_by("at", "stage")
    asking = notices.exclude(closing="closes")
    sums = asking.values("currency").annotate(total=Sum("total_minor")).order_by("currency")
    run.counts = run.counts | {
        "items": outcomes.total(),
        "outcomes": {outcome: n for outcome, n in sorted(outcomes.items()) if n},
        "notices": notices.count(),
        "stages": dict(stages.values_list("stage", "n")),
        "sums_minor": {currency: int(total) for currency, total in sums.values_list("currency", "total")},
    }
    run.guard = unlike_the_last(run.entity, run.counts)
    run.save(update_fields=["counts", "guard"])


def _with_edits(book: Book, edits: Sequence[RunEdit], as_of: date) -> Book:
    """What is left out is held for the day; the last stage set for an item counts."""
    held: list[dict[str, object]] = [
        {
            "hold_id": -edit.pk,  # no hold of the book has such a number
            "account_id": edit.account_id,
            "item_id": edit.item_id,
            "from_on": as_of,
            "until_on": as_of,
        }
        for edit in edits
        if not edit.stage
    ]
    stages = {edit.item_id: edit.stage for edit in sorted(edits, key=lambda edit: edit.pk) if edit.stage}
    chosen: list[dict[str, object]] = [{"item_id": item_id, "stage": stage} for item_id, stage in stages.items()]
    return replace(book, holds=pl.concat([book.holds, table("holds", held)]), set_stages=table("set_stages", chosen))


def _policies(run: Run) -> list[Policy]:
    """The policies that a run was decided with."""
    return policies.parsed(policies.versions_with(run.policy_digests, run.entity))


def _require_stage(known: Sequence[Policy], name: str | None, stage: str, item: Item) -> None:
    """Errors: Invalid, where the item's policy cannot have it at this stage."""
    policy = next((each for each in known if each.policy == name), None)
    if policy is None:
        raise Invalid(f"{item.number} is under no policy, and so at no stage")
    if policy.anchor == "account":
        raise Invalid(f"{item.number} is under {name}, which keeps one stage for the whole account")
    if not policy.position(stage):
        stages = ", ".join(each.stage for each in policy.stages)
        raise Invalid(f"{name} has no stage {stage!r}; {item.number} can be at {stages}")
