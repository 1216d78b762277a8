"""The last look before sending, kept: waiting notices rebuilt or withdrawn, and what was on its way given up."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final, NamedTuple

import polars as pl
from django.db.models import Q

from dunwell.engine.book import Book
from dunwell.engine.decide import standing
from dunwell.engine.lastlook import Look, asked_for, last_look, overtaken
from dunwell.flows import policies
from dunwell.flows.runs.happen import happen
from dunwell.records import audit
from dunwell.records.models import PERHAPS_GONE, Delivery, DeliveryState, Entity, Notice

STILL_HERE: Final = (DeliveryState.QUEUED, DeliveryState.RETRYING)


class Waiting(NamedTuple):
    """Notices of some payers that wait: of which nothing has left, and of which some channel has not."""

    whole: list[int]
    half: list[int]


def waiting_in(book: Book) -> Waiting:
    """The waiting notices of a book that holds everything of some payers. One that may be leaving now is left alone."""
    if book.notices.is_empty():  # as of most accounts that pay
        return Waiting([], [])
    posted = book.notices.filter(pl.col("state") == "posted")["notice_id"].to_list()
    gone = set(Delivery.objects.filter(state__in=PERHAPS_GONE, notice__in=posted).values_list("notice", flat=True))
    sent = book.notices.filter(pl.col("state") == "sent")["notice_id"].to_list()
    half = Delivery.objects.filter(state__in=STILL_HERE, notice__in=sent).order_by("notice").distinct()
    return Waiting([notice for notice in posted if notice not in gone], list(half.values_list("notice", flat=True)))


def look_again(
    entity: Entity,
    book: Book,
    *,
    on: date,
    by: str,
    at: datetime,
    moved: Collection[int] = (),
) -> None:
    """Withdraw or rebuild the waiting notices of some payers, and keep it.

    `book` holds everything of these payers, who are locked; `on` is today. Of a notice that has left over one channel,
    the others are given up where less is owed by now. `moved`: items that were put off since, and are not due.
    """
    waiting = waiting_in(book)
    if not any(waiting):
        return
    in_force = policies.parsed(policies.versions_in_force(entity))
    now = standing(book, in_force, on)
    look = last_look(book, now, in_force, waiting.whole, moved=moved)
    look.overtaken_by(overtaken(book, waiting.whole, on))
    half = last_look(book, now, in_force, waiting.half, moved=moved)
    stopped = {notice: half.reasons[notice] for notice in half.less} | overtaken(book, waiting.half, on)
    shortened = Look(listed=[line for line in half.listed if line[0] not in stopped])
    after = happen(entity, book, [*look.events(on), *shortened.events(on)], by=by, at=at)
    given_up = Q(notice__in=look.withdrawn) | Q(notice__in=stopped, state__in=STILL_HERE)
    Delivery.objects.filter(given_up).update(state=DeliveryState.WITHDRAWN)
    rebuilt = {notice for notice, _item, _amount in look.lines + look.listed}
    for notice_id, sums in asked_for(after.lines.filter(pl.col("notice_id").is_in(rebuilt))).items():
        Notice.objects.filter(pk=notice_id).update(**sums)
    reasons = look.reasons | half.reasons | stopped
    for notice in Notice.objects.filter(pk__in=reasons):
        what = "withdrawn" if notice.pk in look.withdrawn else "stopped" if notice.pk in stopped else "rebuilt"
        items = {str(item): reason for item, reason in reasons[notice.pk].items()}
        audit.record(by, f"notice.{what}", notice, at=at, entity_id=entity.pk, items=items)
