"""What was paid elsewhere, by what imports say: promises count it, what is open follows, and its day is kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

import polars as pl
from django.db.models import F, Max

from dunwell.engine.advance import advance
from dunwell.engine.book import Book
from dunwell.engine.consequences import late
from dunwell.engine.events import PaidElsewhere, Task
from dunwell.flows.cash.waived import record_waived
from dunwell.flows.runs.happen import ask
from dunwell.records import bulk, frames, lookup
from dunwell.records.models import Charge, Entity, Item, Promise
from dunwell.records.models import PaidElsewhere as Ledger
from dunwell.records.pieces import in_pieces


class Elsewhere:
    """Knows which accounts have promises that are not kept yet, and so need to be looked at one by one.

    On which day how much was paid is gathered of all accounts, and kept at once.
    """

    def __init__(self, entities: Sequence[Entity], *, on: date, by: str, at: datetime) -> None:
        self._entities, self._on, self._by, self._at = entities, on, by, at
        open_promises = Promise.objects.filter(entity__in=entities, paid_minor__lt=F("amount_minor"))
        accounts = list(open_promises.values_list("account_id", flat=True).distinct())
        self._promising = frames.family(accounts) if accounts else []
        self._ledger: list[pl.DataFrame] = []
        self._as_they_came: list[pl.DataFrame] = []

    def paid(self, claims: pl.DataFrame) -> None:
        """Let less be open of claims whose accounts have promised something: item_id, account_id, less_minor."""
        concerned = claims.filter(pl.col("account_id").is_in(self._promising))
        if concerned.is_empty():
            return
        book = frames.account_book(concerned["account_id"].unique())
        self._happen(book, PaidElsewhere(on=self._on, items=concerned.select("item_id", "less_minor")))

    def note(self, paid: pl.DataFrame) -> None:
        """Note what more is paid of claims, or less: item_id, amount_minor, and perhaps settled_on, its day."""
        days = [pl.col("settled_on")] if "settled_on" in paid.columns else []
        self._ledger.append(paid.select("item_id", "amount_minor", on=pl.coalesce(*days, pl.lit(self._on))))

    def note_as_they_came(self, changed: pl.DataFrame, paid: pl.DataFrame) -> None:
        """Note when claims were settled that came settled, before an import says more: their day would be lost.

        `changed`: item_id, open_minor; `paid`: as in `note`.
        """
        concerned = pl.concat([changed.filter(pl.col("open_minor") > 0)["item_id"], paid["item_id"]]).unique()
        if concerned.len():
            self._as_they_came.append(lookup.came_settled(concerned.to_list()))

    def keep(self) -> None:
        """Put on record what was noted, and have a person look at interest that is charged of days after it."""
        if self._as_they_came or self._ledger:
            bulk.insert(Ledger, pl.concat([*self._as_they_came, *self._ledger]))
        if self._ledger:
            ledger = pl.concat(self._ledger)
            self._ask(ledger.filter(pl.col("on") < self._on, pl.col("amount_minor") > 0))

    def _ask(self, earlier: pl.DataFrame) -> None:
        """Open tasks about what was paid on a day before the import."""
        for ids in in_pieces(earlier["item_id"].unique().to_list()):
            standing = Charge.objects.filter(charge="interest", reversed_on=None, item__in=ids).exclude(posted_on=None)
            until = dict(standing.order_by().values_list("item").annotate(Max("until_on")))
            items = Item.objects.in_bulk(list(until))
            for item_id, minor, on in earlier.filter(pl.col("item_id").is_in(list(until))).iter_rows():
                if until[item_id] > on:
                    item = items[item_id]
                    text = late.text(minor, item.currency, on, until[item_id])
                    task = Task(late.TASK, item.account_id, item_id, detail=text)
                    ask(self._entity(item.entity_id), [task], self._on)

    def _entity(self, entity_id: int) -> Entity:
        return next(each for each in self._entities if each.pk == entity_id)

    def settled(self, items: pl.DataFrame) -> None:
        """Let nothing be open any more of items that vanished, as their source would say: the columns of lookup.OPEN.

        What was paid for them here and went to their charges stays open: the source does not know of these.
        """
        claims = items.filter(~pl.col("kind").is_in(["credit", "payment"]))
        self.paid(claims.select("item_id", "account_id", less_minor="open_minor"))
        self.note(claims.select("item_id", amount_minor="open_minor"))
        # Credits too: their source has used them.
        here = pl.col("open_minor") + pl.col("on_charges_minor")
        rows = items.select("item_id", "account_id", "entity_id", "kind", "currency", open_minor=here)
        book = Book.of(items=rows.with_columns(amount_minor="open_minor"))
        every = items.select("item_id", less_minor="open_minor")
        self._happen(book, PaidElsewhere(on=self._on, items=every))

    def _happen(self, book: Book, event: PaidElsewhere) -> None:
        after, effects = advance(book, [event])
        for effect in effects:
            noted = {name: rows for name, rows in effect.changes.items() if name != "elsewhere"}  # of every account
            bulk.save(noted, on=self._on)
        for entity in self._entities:
            mine = pl.col("entity_id") == entity.pk
            before, now = (replace(each, items=each.items.filter(mine)) for each in (book, after))
            record_waived(entity, before, now, by=self._by, at=self._at)
