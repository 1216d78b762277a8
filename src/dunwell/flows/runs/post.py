"""Post a run: make its notices binding, once."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from typing import Final

import polars as pl
from django.db import transaction

from dunwell.engine import plan
from dunwell.engine.advance import advance
from dunwell.engine.book import KEYS, STATE, Book
from dunwell.engine.contacts import ledger, used
from dunwell.engine.events import Posted
from dunwell.engine.lastlook import closed_meanwhile
from dunwell.engine.since import AMOUNTS, Known, fallen_out, unmoved
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Conflict
from dunwell.flows.runs.actions import ask_about_alerts, ask_for_actions
from dunwell.flows.runs.approve import guard_is_approved
from dunwell.flows.runs.archives import archived
from dunwell.flows.runs.done import under_way
from dunwell.flows.runs.locked import OPEN, locked_run, run_called, shared_run
from dunwell.records import audit, bulk, frames, lookup, proposals
from dunwell.records.frames import Shard
from dunwell.records.models import (
    Charge,
    Delivery,
    Item,
    Notice,
    NoticeLine,
    NoticeState,
    Run,
    RunEdit,
    RunShard,
    RunState,
)
from dunwell.records.pieces import in_pieces
from dunwell.records.stage import stage

# What the number of a charge begins with.
STEMS: Final = {"fee": "FEE-", "interest": "INT-", "compensation": "COSTS-"}
POSTED_COLUMNS = ("state", "contact_before_on", "level_before", "stage_before", "deadline_before_on", "repeats_before")


@dataclass(frozen=True)
class PostResult:
    """How many notices were posted, how many wait for approval, and how many fell out because something changed."""

    posted: int
    waiting: int
    changed_since: int


def post_run(run_id: int, *, today: date, at: datetime, by: str) -> PostResult:
    """Make the notices of a proposed run binding that need no approval: levels rise, fees exist, deliveries wait.

    A notice with an item that changed since the decision falls out and is decided anew by the next run. Of a run that
    is posted already, what has been approved since is posted. A run of one shard is posted whole or not at all; of one
    that was posted in part, the rest is. Errors: NotFound; Conflict for a run of which nothing can be posted, in the
    future, before the last one posted, or that the guard asks somebody to look at.
    """
    with transaction.atomic():
        run = open_posting(run_id, today=today, at=at, by=by)
        if run.shards == 1:
            return _post_shard(run, 0, at, by)
    results = [post_shard(run_id, number, at=at, by=by) for number in range(run.shards)]
    return PostResult(*(sum(figures) for figures in zip(*map(astuple, results), strict=True)))


def open_posting(run_id: int, *, today: date, at: datetime, by: str) -> Run:
    """Let a run be posted: from now on its shards can be, each by itself. Errors: as `post_run`."""
    with transaction.atomic():
        run = _postable(run_id, today)
        run.state, run.posted_at, run.posted_by = RunState.POSTED, run.posted_at or at, run.posted_by or by
        run.save(update_fields=["state", "posted_at", "posted_by"])
    return run


def post_shard(run_id: int, number: int, *, at: datetime, by: str) -> PostResult:
    """Post the notices of one shard of a run whose posting is open. Errors: NotFound, Conflict."""
    with transaction.atomic():
        run = shared_run(run_id)
        if run.state != RunState.POSTED:
            raise Conflict(f"run {run_id} is {run.state}, and not being posted any more")
        return _post_shard(run, number, at, by)


def _post_shard(run: Run, number: int, at: datetime, by: str) -> PostResult:
    part = RunShard.objects.select_for_update().get(run=run, number=number)
    shard = Shard(number, run.shards)
    notices = proposals.notices(run.pk, shard)
    waiting = proposals.waiting(run.pk, shard)
    if part.is_posted and notices.is_empty():
        return PostResult(0, waiting.height, 0)
    then = _then(part, run, notices, waiting)
    frames.lock_accounts({*notices["payer_id"], *then.anchors["payer_id"]})
    lines = proposals.lines(notices["notice_id"])
    before = frames.contacts_and_anchors(run.entity_id, shard)
    on = max(run.as_of, local_day(run.entity, at))
    items_now = proposals.items_now(lines["item_id"].unique().sort())
    now = Known(items_now, before.anchors, before.payers, _heard(run, shard, notices, on))
    dropped = pl.concat(
        [
            fallen_out(notices, lines, then, now, told=_told(run) if part.is_posted else ()),
            _closed_meanwhile(run, notices, at),
        ]
    )
    notices = notices.join(dropped, on="notice_no", how="anti")
    lines = lines.join(notices, on="notice_no", how="semi")
    charges = _with_charge_items(proposals.charges(notices["notice_id"]), notices, run.entity_id)
    _queue(notices)
    dated = notices.with_columns(as_of=pl.lit(run.as_of))
    alerts = _decided(part, run, "plan-alerts", list(plan.SCHEMAS["alerts"]))
    alerts = alerts.clear() if part.is_posted else alerts
    event = Posted(
        notices=dated, lines=lines, charges=charges, anchors=unmoved(then.anchors, now.anchors), alerts=alerts
    )
    _make_binding(before, run.as_of, event)
    ask_for_actions(run.entity, notices, run.as_of)
    ask_about_alerts(run.entity, alerts, run.as_of)
    _drop(dropped["notice_id"].to_list())
    part.is_posted = True
    part.save(update_fields=["is_posted"])
    result = PostResult(notices.height, waiting.height, dropped.height)
    of_shard = {"shard": number} if run.shards > 1 else {}
    figures = {"posted": result.posted, "waiting": result.waiting, **of_shard}
    audit.record(by, "run.posted", run, at=at, entity_id=run.entity_id, **figures)
    return result


def post_if_open(run_id: int, *, today: Callable[[str], date], at: datetime, by: str) -> PostResult:
    """Post a run, or, when it is posted already, only say what waits. `today`: the date in a time zone.

    Of a reversed run, what others were sending then may still have to be settled. Errors: as `post_run`.
    """
    run = run_called(run_id)
    is_posted = run.state in (RunState.POSTED, RunState.DONE) and not _has_more(run)
    if is_posted or (run.state == RunState.REVERSED and under_way(run).exists()):
        return PostResult(0, Notice.objects.filter(run=run, state=NoticeState.PROPOSED).count(), 0)
    return post_run(run_id, today=today(run.entity.time_zone), at=at, by=by)


def _has_more(run: Run) -> bool:
    """Whether a posted run has notices that can be posted now, or shards that are not posted."""
    unposted = RunShard.objects.filter(run=run, is_posted=False)
    return unposted.exists() or not proposals.notices(run.pk).is_empty()


def _postable(run_id: int, today: date) -> Run:
    """Return the run, locked with its entity. Errors: NotFound, Conflict."""
    run = locked_run(run_id)
    if run.state not in OPEN and not (run.state == RunState.POSTED and _has_more(run)):
        raise Conflict(f"run {run_id} is {run.state}; only a proposed run can be posted")
    if not guard_is_approved(run):
        raise Conflict(
            f"run {run_id} is unlike the last ones ({run.guard}): somebody else has to look at it, and say"
            f" `dunwell run approve {run_id}`"
        )
    if run.as_of > today:
        raise Conflict(f"run {run_id} is for {run.as_of}, which is yet to come: it can be looked at, not posted")
    last = Run.objects.filter(entity=run.entity, posted_at__isnull=False).order_by("-as_of").first()
    if last and last.as_of > run.as_of:
        raise Conflict(f"run {run_id} is for {run.as_of}, before the last posted run ({last.as_of}): propose a new one")
    return run


def _with_charge_items(charges: pl.DataFrame, notices: pl.DataFrame, entity_id: int) -> pl.DataFrame:
    """Give each charge the id and number of the item it becomes: FEE-notice, or FEE-notice-item if charged per item.

    Likewise INT and COSTS. A number that is taken, such as by a fee imported from elsewhere, gets the item's id behind.
    """
    stem = pl.concat_str(pl.col("charge").cast(pl.String).replace_strict(STEMS), pl.col("notice_id").cast(pl.String))
    several = pl.len().over("notice_no", "charge") > 1
    number = pl.when(several).then(pl.concat_str(stem, pl.lit("-"), pl.col("item_id").cast(pl.String)))
    numbered = charges.join(notices.select("notice_no", "notice_id"), on="notice_no").with_columns(
        charge_item_id=bulk.allocate_ids(Item, charges.height),
        number=number.otherwise(stem),
    )
    taken = lookup.charges_numbered(entity_id, numbered["number"])
    behind = pl.concat_str("number", pl.lit("-"), pl.col("charge_item_id").cast(pl.String))
    return numbered.with_columns(number=pl.when(pl.col("number").is_in(taken)).then(behind).otherwise("number"))


def _then(part: RunShard, run: Run, notices: pl.DataFrame, waiting: pl.DataFrame) -> Known:
    """What the notices of a shard that are posted now rest on, as it was decided upon."""
    items = _decided(part, run, "plan-decisions", ["item_id", *AMOUNTS])
    payers = _decided(part, run, "book-payers", [*KEYS["payers"], "last_contact_on"])
    return Known(items, _anchors(part, run, notices, waiting), payers)


def _decided(part: RunShard, run: Run, name: str, columns: Sequence[str]) -> pl.DataFrame:
    """Columns of a table that a shard was decided with; of payers whose part was changed, as it was then."""
    edits = {
        edit.payer_id: edit.archive_digest
        for edit in RunEdit.objects.filter(run=run).order_by("pk")
        if edit.payer_id % run.shards == part.number
    }
    wanted = [*columns, *(["payer_id"] if "payer_id" not in columns else [])]
    frame = archived(run.pk, part.archive_digest, name, wanted).filter(~pl.col("payer_id").is_in(list(edits)))
    return pl.concat([frame, *(archived(run.pk, digest, name, wanted) for digest in edits.values())]).select(columns)


def _anchors(part: RunShard, run: Run, notices: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
    """The decided states of account-anchored groups: of those without a notice, and those whose notice is posted now.

    A group whose notice lacks an approval is left alone until it has it, or the next run decides anew.
    """
    decided = _decided(part, run, "plan-anchors", list(plan.SCHEMAS["anchors"]))
    if not part.is_posted:
        return decided.join(waiting.filter("anchored"), on=KEYS["anchors"], how="anti")
    return decided.join(notices.filter("anchored"), on=KEYS["anchors"], how="semi")


def _told(run: Run) -> list[int]:
    """The payers whom a run has written to already, or is about to."""
    own = Notice.objects.filter(run=run, contact=True, state__in=[NoticeState.POSTED, NoticeState.SENT])
    return list(own.values_list("payer_id", flat=True))


def _heard(run: Run, shard: Shard, notices: pl.DataFrame, on: date) -> pl.DataFrame | None:
    """How often payers have heard from us in the seven days to a date, without the run's notices; if a policy asks."""
    if not notices["contacts_max"].count():
        return None
    own = Notice.objects.filter(run=run, state__in=[NoticeState.POSTED, NoticeState.SENT]).values_list("pk", flat=True)
    is_own = pl.col("notice_id").is_in(list(own)).fill_null(value=False)
    book = frames.heard(run.entity_id, as_of=on, shard=shard)
    return used(ledger(book).filter(~is_own), pl.lit(on))


def _make_binding(before: Book, on: date, event: Posted) -> None:
    """Persist what `advance` says a posting does. Errors: Conflict when another posting got there first."""
    charges = event.charges
    _book, (posted, charged, *others) = advance(before, [replace(event, charges=charges.drop("notice_id"))])
    changes = dict(posted.changes)
    for effects in others:
        bulk.save(effects.changes, on=on)
    if event.notices.is_empty():
        bulk.save(changes, on=on)  # account-anchored groups fall without a notice
        return
    states = changes.pop("items").with_columns(pl.col("version") - 1)
    if not (lost := bulk.compare_and_set(states)).is_empty():
        raise Conflict(f"{lost.height} items were changed while the run was being posted: post it again")
    # Notices and lines are there since the proposal: only what posting changes of them is written.
    stage(Notice, changes.pop("notices").select(pl.col("notice_id").alias("id"), *POSTED_COLUMNS), ["id"]).update()
    changes["lines"] = changes["lines"].filter(pl.col("role") == "fee")
    raised = charged.changes
    if "items" in raised:
        bulk.save({"items": raised["items"].drop(STATE)}, on=on)  # a new charge has no state yet
    bulk.save(changes, on=on)
    own = charges.select("notice_id", "item_id", "charge", "charge_item_id", posted_on=pl.lit(on))
    stage(Charge, own, ["notice_id", "item_id", "charge"]).update()


def _closed_meanwhile(run: Run, notices: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """The notices that would close what is closed by now, or is overdue again. Their payers are locked."""
    closing = notices.filter(pl.col("closing") == "closes")
    if closing.is_empty():
        return closing
    on = max(run.as_of, local_day(run.entity, at))
    return closed_meanwhile(frames.account_book(closing["payer_id"]), closing, on)


def _queue(notices: pl.DataFrame) -> None:
    """Queue one delivery for each channel of each notice."""
    wanted = notices.select("notice_id", "payer_id", channel=pl.col("channels").str.split(",")).explode("channel")
    reached = proposals.recipients(notices["payer_id"].unique())
    found = wanted.join(reached, on=["payer_id", "channel"], maintain_order="left")
    bulk.insert(Delivery, found.select("notice_id", "channel", "recipient"))


def _drop(notice_ids: list[int]) -> None:
    """Leave out notices whose items changed since the decision."""
    for some in in_pieces(notice_ids):
        NoticeLine.objects.filter(notice_id__in=some).delete()
        Charge.objects.filter(notice_id__in=some).delete()
        Notice.objects.filter(pk__in=some).update(state=NoticeState.SUPERSEDED, reason="changed_since")
