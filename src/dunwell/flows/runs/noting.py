"""How deliveries went, on record: their state, the attempts, what the book makes of it, what people must see to."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl
from django.db import transaction

from dunwell.engine.events import Delivered, Failed
from dunwell.engine.events import Task as Asked
from dunwell.flows.entities import local_day
from dunwell.flows.runs.fallback import fall_back
from dunwell.flows.runs.happen import ask, happen
from dunwell.flows.runs.heldup import see_to_channels
from dunwell.flows.runs.wires import Outcome, end_attempts
from dunwell.records import audit, frames
from dunwell.records.models import Delivery, DeliveryState, Notice, NoticeState, Run, RunState, Task
from dunwell.records.stage import stage

FOR_A_PERSON: Final[dict[str, str]] = {
    DeliveryState.FAILED: "delivery_failed",
    DeliveryState.IN_DOUBT: "delivery_in_doubt",
}


def note(run: Run, batch: Sequence[Delivery], outcomes: Mapping[int, Outcome], at: datetime, by: str) -> int:
    """Put on record how the attempts went, and let the book follow.

    A notice that left over one channel has left; one that failed over every channel has failed. Whatever failed for
    good is a task for a person, and is tried over the next channel, where the stage has one: how many are is returned.
    """
    with transaction.atomic():
        payers = set(Notice.objects.filter(deliveries__in=batch).values_list("payer_id", flat=True))
        frames.lock_payers(payers)  # of two who note one notice, the second sees what the first noted
        return note_locked(run, batch, outcomes, at, by)


def note_locked(run: Run, batch: Sequence[Delivery], outcomes: Mapping[int, Outcome], at: datetime, by: str) -> int:
    """The same, with the payers locked already."""
    on = local_day(run.entity, at)
    sent_ids = {delivery_id for delivery_id, outcome in outcomes.items() if outcome.state == DeliveryState.SENT}
    ours = [each for each in still_ours(batch) if each.pk in outcomes]
    ours += _certain([each for each in batch if each not in ours and each.pk in sent_ids], at, by)
    _doubt(run, [each for each in batch if each not in ours and each.pk in sent_ids], on)
    batch, next_channels = ours, 0
    if batch:
        payers = dict(Notice.objects.filter(deliveries__in=batch).values_list("pk", "payer_id"))
        _record(batch, outcomes, at)
        run.refresh_from_db(fields=["state", "reason"])
        next_channels = run.state != RunState.REVERSED and fall_back(
            run, [delivery for delivery in batch if delivery.state == DeliveryState.FAILED]
        )
        count = Counter(str(outcome.state) for outcome in outcomes.values())
        audit.record(by, "run.delivered", run, at=at, entity_id=run.entity_id, **count)
        reasons: dict[tuple[str, int], list[str]] = defaultdict(list)
        for delivery in batch:
            if kind := FOR_A_PERSON.get(delivery.state):
                reasons[kind, delivery.notice_id].append(f"{delivery.channel}: {outcomes[delivery.pk].detail}")
        ask(
            run.entity,
            [
                Asked(kind, account_id=payers[notice], notice_id=notice, detail="; ".join(why))
                for (kind, notice), why in reasons.items()
            ],
            on,
        )
        see_to_channels(run.entity, batch, outcomes, at, by)
        states: dict[int, set[str]] = defaultdict(set)
        sent_on: dict[int, date] = {}
        for each in Delivery.objects.filter(notice_id__in=payers).order_by("-sent_at"):  # so the first to leave counts
            states[each.notice_id].add(each.state)
            if each.state == DeliveryState.SENT:
                sent_on[each.notice_id] = local_day(run.entity, each.sent_at or at)
        sent = Delivered(on=on, notice_ids=list(sent_on), sent_on=list(sent_on.values()))
        failed = [notice for notice, found in states.items() if is_failed(found)]
        book = frames.account_book(payers.values())
        happen(run.entity, book, [sent, Failed(on=on, notice_ids=failed)], by=by, at=at)
    return next_channels


def still_ours(batch: Sequence[Delivery]) -> list[Delivery]:
    """Those of the deliveries that nobody has taken over since, locked until the transaction ends."""
    ids = [delivery.pk for delivery in batch]
    now = {each.pk: each for each in Delivery.objects.filter(pk__in=ids).order_by("pk").select_for_update()}
    claim = ("state", "claimed_by", "lease_until_at")
    return [each for each in batch if all(getattr(each, name) == getattr(now[each.pk], name) for name in claim)]


def set_on(deliveries: Sequence[Delivery], fields: Mapping[str, object]) -> None:
    """Set fields of deliveries, here and in the database."""
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(**fields)
    for delivery in deliveries:
        for name, value in fields.items():
            setattr(delivery, name, value)


def is_failed(states: set[str]) -> bool:
    """Whether a notice with deliveries in these states has failed: nothing of it has left or may, and some failed."""
    return DeliveryState.FAILED in states and states <= {DeliveryState.FAILED, DeliveryState.WITHDRAWN}


def _certain(sent: Sequence[Delivery], at: datetime, by: str) -> list[Delivery]:
    """Those of sent deliveries that somebody else took for doubtful by now: nobody has to find out any more."""
    found = set(
        Delivery.objects.filter(
            pk__in=[each.pk for each in sent], state=DeliveryState.IN_DOUBT,
            notice__state__in=[NoticeState.POSTED, NoticeState.SENT],
        ).values_list("pk", flat=True)
    )  # fmt: skip
    certain = [each for each in sent if each.pk in found]
    asked = Task.objects.filter(kind="delivery_in_doubt", notice__deliveries__in=certain, closed_at=None)
    Task.objects.filter(pk__in=list(asked.values_list("pk", flat=True))).update(closed_at=at, closed_by=by)
    return certain


def _doubt(run: Run, astray: Sequence[Delivery], on: date) -> None:
    """Ask a person about deliveries that were withdrawn while they were being sent, and were sent."""
    withdrawn = Delivery.objects.filter(pk__in=[each.pk for each in astray], state=DeliveryState.WITHDRAWN)
    found = list(withdrawn.select_related("notice"))
    set_on(found, {"state": DeliveryState.IN_DOUBT})
    detail = "it was withdrawn while it was being sent, and has left: tell the debtor"
    asked = [
        Asked("delivery_in_doubt", account_id=each.notice.payer_id, notice_id=each.notice_id, detail=detail)
        for each in found
    ]
    ask(run.entity, asked, on)


def _record(batch: Sequence[Delivery], outcomes: Mapping[int, Outcome], at: datetime) -> None:
    """Keep the state of deliveries, and how the attempts at them ended."""
    end_attempts({delivery.pk: outcomes[delivery.pk] for delivery in batch}, at)
    alike: dict[Outcome, list[Delivery]] = defaultdict(list)
    for delivery in batch:
        outcome = outcomes[delivery.pk]
        is_sent = outcome.state == DeliveryState.SENT
        if is_sent:
            delivery.content_path = outcome.detail
        alike[outcome._replace(detail="") if is_sent else outcome].append(delivery)
    for outcome, deliveries in alike.items():
        fields: dict[str, object] = {"state": outcome.state, "lease_until_at": None, "not_before_at": None}
        if outcome.state == DeliveryState.SENT:
            fields["sent_at"] = outcome.at or at
        if outcome.state == DeliveryState.RETRYING:
            fields["not_before_at"] = at + timedelta(seconds=outcome.retry_after_seconds)
        set_on(deliveries, fields)
    paths = [(delivery.pk, delivery.content_path) for delivery in batch if delivery.state == DeliveryState.SENT]
    schema = {"id": pl.Int64, "content_path": pl.String}
    stage(Delivery, pl.DataFrame(paths, schema=schema, orient="row"), ["id"]).update()
