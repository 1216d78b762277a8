"""Channels over which nothing leaves: a person is asked to see to them, until something does or nothing waits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from dunwell.engine.book import CHANNELS
from dunwell.flows.entities import local_day
from dunwell.flows.runs.done import UNDER_WAY
from dunwell.flows.runs.wires import PUT_OFF, Outcome
from dunwell.records.models import Attempt, Delivery, DeliveryState, Entity, Task

HELD_UP_FOR: Final = timedelta(hours=1)  # a server that restarts is nobody's business
TASK: Final = "{channel}_held_up"


def see_to_channels(
    entity: Entity, batch: Sequence[Delivery], outcomes: Mapping[int, Outcome], at: datetime, by: str
) -> None:
    """Ask about each channel over which these deliveries and all of the last hour did not leave, or ask no more.

    What is wrong with a message alone is not the channel's. Two who see it at once may both ask; the answer is one.
    """
    of_channel: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in batch:
        of_channel[delivery.channel].append(delivery)
    for channel, deliveries in of_channel.items():
        if any(each.state == DeliveryState.SENT for each in deliveries):
            _asked(entity, channel).update(closed_at=at, closed_by=by)
            continue
        held_up = [
            each.pk for each in deliveries if each.state == DeliveryState.RETRYING and not outcomes[each.pk].of_message
        ]
        if held_up and _is_held_up(entity, channel, held_up, at) and not _asked(entity, channel).exists():
            detail = f"nothing leaves over this channel: {outcomes[held_up[0]].detail}"
            kind = TASK.format(channel=channel)
            Task.objects.create(entity=entity, kind=kind, detail=detail, opened_on=local_day(entity, at))


def ask_no_more(entity: Entity, at: datetime, by: str) -> None:
    """Close what was asked about the channels of an entity for which nothing waits any more."""
    kinds = [TASK.format(channel=channel) for channel in CHANNELS]
    asked = Task.objects.filter(entity=entity, kind__in=kinds, closed_at=None)
    if asked.exists() and not Delivery.objects.filter(notice__entity=entity, state__in=UNDER_WAY).exists():
        asked.update(closed_at=at, closed_by=by)


def _is_held_up(entity: Entity, channel: str, deliveries: Sequence[int], at: datetime) -> bool:
    since = at - HELD_UP_FOR
    tried = Attempt.objects.filter(delivery__in=deliveries, outcome=DeliveryState.RETRYING, started_at__lte=since)
    of_channel = Delivery.objects.filter(notice__entity=entity, channel=channel)
    answered = Q(sent_at__gt=since) | Q(attempts__outcome=PUT_OFF, attempts__ended_at__gt=since)
    return tried.exists() and not of_channel.filter(answered).exists()


def _asked(entity: Entity, channel: str) -> "QuerySet[Task]":
    return Task.objects.filter(entity=entity, kind=TASK.format(channel=channel), closed_at=None)
