"""Open items that a file has done away with.

A whole export names them no longer: they are settled, or shown to a person, as the mapping says. Or their number is a
credit's now, by its sign, and was a claim's, or the other way round.
"""

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

TASK: Final = "vanished_{kind}"  # of each kind of item its own: exports of other kinds leave it alone
TASKS_MAX: Final = 200
NUMBERS_NAMED: Final = 5
IDS_PER_EVENT: Final = 1000
MANY: Final = 10  # open items of a kind: where they are fewer, it may well be that none is left


@dataclass(frozen=True, kw_only=True)
class Vanished:
    """How many open items a whole export does not name, of how many accounts, and what became of them."""

    items: int = 0
    accounts: int = 0
    settled: bool = False
    by_entity: dict[int, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file that names every open item of its entities that is of some kinds: its name and digest, and their ids.

    `before`: what of these kinds was open before it came (`lookup.TOTALS`).
    """

    file: str
    digest: str
    kinds: Sequence[str]
    named: pl.Series
    before: pl.DataFrame


def find(entities: Sequence[Entity], export: Export) -> pl.DataFrame:
    """Find the open items that are not in it: the columns of `lookup.OPEN`."""
    found = lookup.open_items_of([each.pk for each in entities], export.kinds)
    return found.join(export.named.to_frame("item_id"), on="item_id", how="anti").sort("item_id")


def require_whole(vanished: pl.DataFrame, entities: Sequence[Entity], export: Export) -> None:
    """Refuse what looks like a part of an export: more than half of what was open is not in it. Errors: Invalid."""
    if problems := _more_than_half(vanished, entities, export, "are not in it"):
        raise Invalid(
            f"{export.file} does not name more than half of what is open, so it seems to be a part of an export;"
            " nothing was written (--force takes it as the whole)",
            problems,
        )


def require_signs(turned: pl.DataFrame, entities: Sequence[Entity], export: Export) -> None:
    """Refuse a file that turns the sign of more than half of what was open. Errors: Invalid."""
    if problems := _more_than_half(turned, entities, export, "have the other sign in it"):
        raise Invalid(
            f"{export.file} turns more than half of what is open from claims into credits, or back, so its signs seem"
            " to be the other way round; nothing was written (--force takes them as they are)",
            problems,
        )


def _more_than_half(gone: pl.DataFrame, entities: Sequence[Entity], export: Export, what: str) -> list[str]:
    """Say where more than half of what was open is gone, by number or by sum.

    Judged by number over all, and by currency, where MANY were open in it: each kind of which MANY were, and all kinds
    together. The few of a kind, or of a currency, are gone any day; of a file that was cut, much of the whole is.
    """
    key = ["entity_id", "currency", "kind"]
    counted = gone.group_by(key).agg(gone=pl.len(), gone_minor=pl.col("open_minor").sum())
    by_kind = export.before.join(counted, on=key, how="left").with_columns(pl.col("gone", "gone_minor").fill_null(0))
    only_kind = pl.when(pl.len() == 1).then(pl.col("kind").first())
    whole = by_kind.group_by("entity_id", "currency").agg(only_kind, pl.exclude("kind").sum())
    by_number, by_sum = pl.col("gone") * 2 > pl.col("items"), pl.col("gone_minor") * 2 > pl.col("open_minor")
    over_all = by_kind.group_by("entity_id").agg(pl.col("items", "gone").sum()).filter(by_number)
    is_judged = (pl.col("items") >= MANY) | pl.col("entity_id").is_in(over_all["entity_id"].implode())
    parts = pl.concat([whole.select(by_kind.columns), by_kind]).unique().filter(is_judged, by_number | by_sum)
    codes = {each.pk: each.code for each in entities}
    return [
        f"{codes[entity_id]}: {n:,} of {items:,} open {kind or 'item'}s {what}, {format_minor(n_minor, currency)} of"
        f" {format_minor(minor, currency)}"
        for entity_id, currency, kind, items, minor, n, n_minor in parts.sort(key).iter_rows()
    ]


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
    _let_nothing_be_open(vanished, entities, export, elsewhere, what="items.vanished", by=by, at=at)
    for entity in entities:
        for kind in export.kinds:
            _keep_tasks(entity, kind, [], by=by, at=at, on=on)
    return _told(vanished, settled=True)


def turn(
    turned: pl.DataFrame, entities: Sequence[Entity], export: Export, elsewhere: Elsewhere, *, by: str, at: datetime
) -> list[str]:
    """Let nothing be open of items whose number has the other sign now; return a warning, where there are any."""
    if turned.is_empty():
        return []
    _let_nothing_be_open(turned, entities, export, elsewhere, what="items.turned", by=by, at=at)
    number, kind = turned.sort("item_id").select("number", "kind").row(0)
    what = f"{turned.height:,} turned from claims into credits, or back"
    return [f"{what}, first {number}: nothing is open of the {kind} any more"]


def _let_nothing_be_open(
    items: pl.DataFrame, entities: Sequence[Entity], export: Export, elsewhere: Elsewhere, *, what: str, by: str,
    at: datetime,
) -> None:  # fmt: skip
    if items.is_empty():
        return
    elsewhere.settled(items)
    stage(Item, items.select(id="item_id", source_open_minor=pl.lit(0)), ["id"]).update()
    for entity in entities:
        own = items.filter(pl.col("entity_id") == entity.pk)["item_id"]
        for part in own.to_frame().iter_slices(IDS_PER_EVENT):
            detail = {"file": export.file, "digest": export.digest, "items": part["item_id"].to_list()}
            audit.record(by, what, entity, at=at, entity_id=entity.pk, **detail)


def flag(
    vanished: pl.DataFrame, entities: Sequence[Entity], export: Export, *, by: str, at: datetime, on: date
) -> Vanished:
    """Open a task for each account and kind, for TASKS_MAX of a kind at most, and one for all others together."""
    for entity in entities:
        for kind in export.kinds:
            own = vanished.filter(pl.col("entity_id") == entity.pk, pl.col("kind") == kind)
            _keep_tasks(entity, kind, _details(own, kind, export.file), by=by, at=at, on=on)
    return _told(vanished, settled=False)


def _told(vanished: pl.DataFrame, *, settled: bool) -> Vanished:
    return Vanished(
        items=vanished.height,
        accounts=vanished["account_id"].n_unique(),
        settled=settled,
        by_entity=dict(vanished.group_by("entity_id").len().iter_rows()),
    )


def _details(vanished: pl.DataFrame, kind: str, file: str) -> list[tuple[int | None, str]]:
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
        details.setdefault(account_id, []).append(
            f"{_counted(items, kind)} of {format_minor(minor, currency)} ({numbers})"
        )
    texts: list[tuple[int | None, str]] = [
        (account_id, f"open here and not in {file}: {'; '.join(parts)}") for account_id, parts in details.items()
    ]
    if (more := len(accounts) - TASKS_MAX) > 0:
        rest = vanished.height - int(first["items"].sum())
        texts.append((None, f"open here and not in {file}: {_counted(rest, kind)} of {more:,} more accounts"))
    return texts


def _keep_tasks(
    entity: Entity, kind: str, details: Sequence[tuple[int | None, str]], *, by: str, at: datetime, on: date
) -> None:
    """Bring an entity's open tasks of a kind of item to what they are to say, and close those whose reason is gone."""
    task_kind, wanted = TASK.format(kind=kind), dict(details)
    for task in Task.objects.filter(entity=entity, kind=task_kind, closed_at=None):
        detail = wanted.pop(task.account_id, None)
        if detail is None:
            task.closed_at, task.closed_by = at, by
            task.save(update_fields=["closed_at", "closed_by"])
        elif detail != task.detail:
            task.detail = detail
            task.save(update_fields=["detail"])
    Task.objects.bulk_create(
        Task(entity=entity, account_id=account_id, kind=task_kind, detail=detail, opened_on=on)
        for account_id, detail in wanted.items()
    )


def _counted(n: int, kind: str) -> str:
    return f"{n:,} {kind}{'' if n == 1 else 's'}"
