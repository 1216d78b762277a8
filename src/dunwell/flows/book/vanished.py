"""Open items that a whole export names no longer: settled, or shown to a person, as the mapping says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import polars as pl

from dunwell.engine.money import format_minor
from dunwell.flows.book.elsewhere import Elsewhere
from dunwell.flows.errors import Invalid
from dunwell.records import audit, lookup
from dunwell.records.models import Entity, Item, Task
from dunwell.records.stage import stage
from dunwell.sources.problems import listed

TASK: Final = "vanished"
TASKS_MAX: Final = 200
NUMBERS_NAMED: Final = 5
IDS_PER_EVENT: Final = 1000
MOST: Final = 0.5  # of what is open; more than that is hardly paid between two exports


@dataclass(frozen=True, kw_only=True)
class Vanished:
    """How many open items a whole export does not name, of how many accounts, and what became of them."""

    items: int = 0
    accounts: int = 0
    settled: bool = False
    by_entity: dict[int, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file that names every open item of its entities: its name and digest, the kinds of its items, their ids."""

    file: str
    digest: str
    kinds: Sequence[str]
    named: pl.Series
    open_before: pl.DataFrame


def find(entities: Sequence[Entity], export: Export) -> pl.DataFrame:
    """Find the open items that are not in it: the columns of `lookup.OPEN`."""
    found = lookup.open_items_of([each.pk for each in entities], export.kinds)
    return found.join(export.named.to_frame("item_id"), on="item_id", how="anti").sort("item_id")


def require_whole(vanished: pl.DataFrame, entities: Sequence[Entity], export: Export) -> None:
    """Refuse what looks like a part of an export: more than half of what was open, in one currency, is not in it.

    Errors: Invalid.
    """
    key = ["entity_id", "currency"]
    before = export.open_before.filter(pl.col("kind").is_in(list(export.kinds)))
    gone = vanished.group_by(key).agg(items=pl.len(), gone_minor=pl.col("open_minor").sum())
    both = gone.join(before.group_by(key).agg(pl.col("open_minor").sum()), on=key).sort(key)
    codes = {each.pk: each.code for each in entities}
    problems = [
        f"{codes[entity_id]}: {items:,} items of {format_minor(minor, currency)} are not in it, of"
        f" {format_minor(total, currency)} open"
        for entity_id, currency, items, minor, total in both.iter_rows()
        if minor > total * MOST
    ]
    if problems:
        raise Invalid(
            f"{export.file} does not name more than half of what is open, so it seems to be a part of an export;"
            " nothing was written (--force takes it as the whole)",
            problems,
        )


def settle(
    vanished: pl.DataFrame,
    entities: Sequence[Entity],
    export: Export,
    elsewhere: Elsewhere,
    *,
    by: str,
    at: datetime,
    on: date,
) -> Vanished:
    """Let nothing be open of them any more; each is on record with the file that did not name it."""
    if not vanished.is_empty():
        elsewhere.settled(vanished)
        stage(Item, vanished.select(id="item_id", source_open_minor=pl.lit(0)), ["id"]).update()
    for entity in entities:
        own = vanished.filter(pl.col("entity_id") == entity.pk)["item_id"]
        for part in own.to_frame().iter_slices(IDS_PER_EVENT):
            detail = {"file": export.file, "digest": export.digest, "items": part["item_id"].to_list()}
            audit.record(by, "items.vanished", entity, at=at, entity_id=entity.pk, **detail)
        _keep_tasks(entity, [], by=by, at=at, on=on)
    return _told(vanished, settled=True)


def flag(
    vanished: pl.DataFrame, entities: Sequence[Entity], export: Export, *, by: str, at: datetime, on: date
) -> Vanished:
    """Open a task for each account that they are of, for TASKS_MAX at most, and one for all others together."""
    for entity in entities:
        own = vanished.filter(pl.col("entity_id") == entity.pk)
        _keep_tasks(entity, _details(own, export.file), by=by, at=at, on=on)
    return _told(vanished, settled=False)


def _told(vanished: pl.DataFrame, *, settled: bool) -> Vanished:
    return Vanished(
        items=vanished.height,
        accounts=vanished["account_id"].n_unique(),
        settled=settled,
        by_entity=dict(vanished.group_by("entity_id").len().iter_rows()),
    )


def _details(vanished: pl.DataFrame, file: str) -> list[tuple[int | None, str]]:
    """Say by account what is missing, the largest first; those beyond TASKS_MAX are one text without an account."""
    sums = vanished.group_by("account_id", "currency").agg(
        items=pl.len(), minor=pl.col("open_minor").sum(), ids=pl.col("item_id").sort().head(NUMBERS_NAMED)
    )
    ordered = sums.sort("minor", "account_id", "currency", descending=[True, False, False])
    accounts = ordered["account_id"].unique(maintain_order=True)
    first = ordered.filter(pl.col("account_id").is_in(accounts.head(TASKS_MAX).implode()))
    names = dict(lookup.numbers_of(first["ids"].explode().to_list()).iter_rows()) if first.height else {}
    details: dict[int | None, list[str]] = {}
    for account_id, currency, items, minor, ids in first.iter_rows():
        numbers = listed([names[each] for each in ids], NUMBERS_NAMED, of=items)
        details.setdefault(account_id, []).append(f"{_items(items)} of {format_minor(minor, currency)} ({numbers})")
    texts: list[tuple[int | None, str]] = [
        (account_id, f"open here and not in {file}: {'; '.join(parts)}") for account_id, parts in details.items()
    ]
    if (more := len(accounts) - TASKS_MAX) > 0:
        rest = vanished.height - int(first["items"].sum())
        texts.append((None, f"open here and not in {file}: {_items(rest)} of {more:,} more accounts"))
    return texts


def _keep_tasks(entity: Entity, details: Sequence[tuple[int | None, str]], *, by: str, at: datetime, on: date) -> None:
    """Bring the open tasks of an entity to what they are to say, and close those whose reason is gone."""
    wanted = dict(details)
    for task in Task.objects.filter(entity=entity, kind=TASK, closed_at=None):
        detail = wanted.pop(task.account_id, None)
        if detail is None:
            task.closed_at, task.closed_by = at, by
            task.save(update_fields=["closed_at", "closed_by"])
        elif detail != task.detail:
            task.detail = detail
            task.save(update_fields=["detail"])
    Task.objects.bulk_create(
        Task(entity=entity, account_id=account_id, kind=TASK, detail=detail, opened_on=on)
        for account_id, detail in wanted.items()
    )


def _items(n: int) -> str:
    return f"{n:,} item{'' if n == 1 else 's'}"
