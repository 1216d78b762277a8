"""Let one thing happen to one account: the book follows, and so does what waits to be sent to it."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl
from django.db import transaction

from dunwell.engine.advance import advance
from dunwell.engine.book import KEYS, BookError
from dunwell.engine.changes import changes
from dunwell.engine.events import Event
from dunwell.engine.money import MoneyError, to_minor
from dunwell.flows.cash.concerned import accounts_of_money
from dunwell.flows.cash.waived import record_waived
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.runs.happen import ask
from dunwell.flows.runs.lastlook import look_again
from dunwell.records import audit, bulk, frames
from dunwell.records.connect import share
from dunwell.records.models import Account, Entity, Item

WRITTEN_OUT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What people say about an event besides the event itself.

    `what`: the audit trail's word, such as `hold.placed`. `about`: whose account, or which item. `detail`: JSON values.
    `columns`: what the database alone keeps, by book table, such as a hold's reason; of several events with rows of one
    table each has the key of its row among them.
    """

    what: str
    about: Account | Item
    detail: Mapping[str, object]
    columns: Mapping[str, Mapping[str, object]]


def let_happen(entity: Entity, event: Event, told: Told, *, on: date, by: str, at: datetime) -> None:
    """Apply an event to the account it is about, with all that pay with it, in the caller's transaction or its own.

    So too to those whose items are paid, or not paid any more: an item may have come to another payer since. Notices of
    theirs that wait are rebuilt or withdrawn at once. Errors: Invalid for what the book refuses.
    """
    let_all_happen(entity, [(event, told)], on=on, by=by, at=at)


def let_all_happen(entity: Entity, happening: Sequence[tuple[Event, Told]], *, on: date, by: str, at: datetime) -> None:
    """Apply events of one day, one after the other: all or none, and what waits is looked at again once for all.

    Errors: Invalid for what the book refuses.
    """
    events = [event for event, _told in happening]
    told_columns = defaultdict[str, list[Mapping[str, object]]](list)
    for _event, told in happening:
        for name, columns in told.columns.items():
            told_columns[name].append(columns)
    with transaction.atomic(savepoint=False):
        share(Entity, entity.pk)  # an import may be moving items between accounts
        accounts = frames.lock_payers({*(_account_of(told) for _event, told in happening), *accounts_of_money(events)})
        try:
            before = frames.account_book(accounts)
            book, effects = advance(before, events)
        except BookError as error:
            raise Invalid(str(error)) from None
        for tables in changes(before, book):
            bulk.save(
                {name: _with(rows, KEYS.get(name, []), told_columns[name]) for name, rows in tables.items()}, on=on
            )
        ask(entity, [task for effect in effects for task in effect.tasks], local_day(entity, at))
        look_again(entity, book, on=local_day(entity, at), by=by, at=at)
        audit.record_all(
            audit.told(by, told.what, told.about, at=at, entity_id=entity.pk, **told.detail)
            for _event, told in happening
        )
        record_waived(entity, before, book, by=by, at=at)


def minor_of(amount: str, currency: str) -> int:
    """Return an amount in minor units; it is written out, not as 1e3. Errors: Invalid."""
    try:
        minor = to_minor(amount, currency)
    except MoneyError as error:
        raise Invalid(str(error)) from None
    if not WRITTEN_OUT.fullmatch(amount.strip()):
        raise Invalid(f"{amount!r} is no amount: write it out, such as 1000.00")
    return minor


def _account_of(told: Told) -> int:
    return int(told.about.account_id if isinstance(told.about, Item) else told.about.pk)


def _with(rows: pl.DataFrame, key: Sequence[str], told: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows with what the database alone keeps of them: of each by its key, or of all where no key is told."""
    if not told:
        return rows
    if set(key) <= set(told[0]):
        return rows.join(pl.DataFrame(told), on=key, how="left", maintain_order="left")
    return rows.with_columns(**{name: pl.lit(value) for name, value in told[0].items()})
