"""The demo: a sample book loaded, decided, posted and delivered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from dunwell.flows.book.sample import load_sample
from dunwell.flows.book.starting import start_book
from dunwell.flows.progress import Progress, untold
from dunwell.flows.runs.deliver import deliver_run
from dunwell.flows.runs.explain import Explanation, explain_item
from dunwell.flows.runs.post import post_run
from dunwell.flows.runs.preview import preview_account
from dunwell.flows.runs.propose import propose_run
from dunwell.records.models import Delivery, Entity, Notice, NoticeLine, NoticeState

PREVIEWS_TRIED: Final = 10


@dataclass(frozen=True)
class DemoRun:
    """What one entity's run came to."""

    run: int
    entity: str
    as_of: date
    counts: Mapping[str, Any]
    posted: int
    waiting: int
    sent: int
    outbox: str


@dataclass(frozen=True)
class Demo:
    """What the demo has to show; `preview`: entity and account of somebody who would be sent something now, if any."""

    accounts: int
    items: int
    runs: list[DemoRun]
    example: Explanation
    example_entity: str
    example_file: str
    preview: tuple[str, str] | None


def play_demo(
    home: Path, *, seed: int, as_of: date, clock: Callable[[], datetime], by: str, progress: Progress = untold
) -> Demo:
    """Fill an empty book with the sample, and take it through one run of each entity."""
    progress("making a sample book")
    start_book(home, by=by, at=clock())
    loaded = load_sample(seed=seed, as_of=as_of, by=by, at=clock())
    runs = [_run(entity, as_of, clock, by, progress) for entity in Entity.objects.order_by("code")]
    first = runs[0]
    entity = Entity.objects.get(code=first.entity)
    # The most telling example: a notice with a fee, to somebody reached by letter or mail.
    line = (
        NoticeLine.objects.filter(notice__run_id=first.run, notice__state="sent", role="dunned")
        .order_by("-notice__fee_minor", "-level", "notice_id", "item_id")
        .select_related("item")
        .first()
    )
    if line is None:
        raise RuntimeError("the sample book came to no notice")
    delivery = Delivery.objects.filter(notice_id=line.notice_id, state="sent").order_by("pk").first()
    return Demo(
        accounts=loaded.accounts,
        items=loaded.items,
        runs=runs,
        example=explain_item(entity, line.item.number, as_of=as_of, run_id=first.run),
        example_entity=entity.code,
        example_file=delivery.content_path if delivery else "",
        preview=_would_be_sent(as_of),
    )


def _would_be_sent(as_of: date) -> tuple[str, str] | None:
    """The entity and account of a notice that waits for an approval, and so would be sent still."""
    waiting = Notice.objects.filter(state=NoticeState.PROPOSED).select_related("entity", "payer").order_by("pk")
    for notice in waiting[:PREVIEWS_TRIED]:
        if preview_account(notice.entity, notice.payer.code, as_of=as_of):
            return notice.entity.code, notice.payer.code
    return None


def _run(entity: Entity, as_of: date, clock: Callable[[], datetime], by: str, progress: Progress) -> DemoRun:
    run = propose_run(entity, as_of=as_of, at=clock(), by=by, progress=progress)
    progress(f"posting run {run.pk}")
    posted = post_run(run.pk, today=as_of, at=clock(), by=by)
    delivered = deliver_run(run.pk, clock=clock, by=by, progress=progress)
    return DemoRun(
        run=run.pk,
        entity=entity.code,
        as_of=as_of,
        counts=run.counts,
        posted=posted.posted,
        waiting=posted.waiting,
        sent=delivered.sent,
        outbox=delivered.outbox,
    )
