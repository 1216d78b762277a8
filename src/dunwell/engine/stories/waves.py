"""Events of several stories made one, where one asks as little of the engine as many."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import fields, replace
from typing import cast

import polars as pl

from dunwell.engine.events import AccountsChanged, Delivered, Event, ItemsBooked, Posted


def joined(events: Sequence[Event]) -> list[tuple[Event, list[int]]]:
    """Join the events that can be; return each with the places of those it stands for.

    They must be of different stories, and no two plans on the board share the number of a notice. Nothing that is
    joined asks anything of people.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for at, event in enumerate(events):
        groups[_alike(event) or at].append(at)
    return [(_one([events[at] for at in places]), places) for places in groups.values()]


def _alike(event: Event) -> Hashable:
    """What events must have in common to be joined; nothing for one that stands alone."""
    match event:
        case AccountsChanged():
            return "accounts", *event.accounts.columns
        case ItemsBooked(applies_to=()):
            return "items", *event.items.columns
        case Delivered():
            return "delivered"
        case Posted():
            return "posted"
    return None


def _one(events: Sequence[Event]) -> Event:
    first = events[0]
    if len(events) == 1:
        return first
    match first:
        case AccountsChanged():
            return replace(first, accounts=pl.concat([cast("AccountsChanged", each).accounts for each in events]))
        case ItemsBooked():
            return replace(first, items=pl.concat([cast("ItemsBooked", each).items for each in events]))
        case Delivered():
            left = [(notice_id, each.on) for each in cast("list[Delivered]", events) for notice_id in each.notice_ids]
            return replace(first, notice_ids=[row[0] for row in left], sent_on=[row[1] for row in left])
    names = [field.name for field in fields(Posted)]
    return Posted(**{name: pl.concat([getattr(each, name) for each in events]) for name in names})
