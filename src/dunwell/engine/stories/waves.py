"""Events of several stories made one, where one asks as little of the engine as many."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import cast

import polars as pl

from dunwell.engine.events import AccountsChanged, Delivered, Event, ItemsBooked, Posted


def joined(events: Sequence[Event]) -> list[tuple[Event, list[int]]]:
    """Join the events that can be; return each with the places of those it stands for.

    They must be of different stories. Nothing that is joined asks anything of people.
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
            return "delivered", event.on
        case Posted() if not event.notices.is_empty():
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
            ids = [notice_id for each in events for notice_id in cast("Delivered", each).notice_ids]
            return replace(first, notice_ids=ids)
    return _posted([cast("Posted", each) for each in events])


def _posted(events: Sequence[Posted]) -> Posted:
    """Notices are numbered anew, so that no two of different plans share a number."""
    tables: dict[str, list[pl.DataFrame]] = defaultdict(list)
    before = 0
    for event in events:
        for name in ("notices", "lines", "charges"):
            rows: pl.DataFrame = getattr(event, name)
            tables[name].append(rows.with_columns(pl.col("notice_no") + before))
        tables["anchors"].append(cast("pl.DataFrame", event.anchors))
        before += cast("int", event.notices["notice_no"].max())
    return Posted(**{name: pl.concat(frames) for name, frames in tables.items()})
