"""The part of an import that writes items, one part of the file after the other, and what it takes note of."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import polars as pl

from dunwell.engine.consequences.money import contacts_seeded
from dunwell.flows.book.elsewhere import Elsewhere
from dunwell.flows.book.imported import Saved, attribute_types
from dunwell.records import bulk, frames, lookup
from dunwell.records.models import Item, ItemState, Payment
from dunwell.records.stage import stage
from dunwell.sources.changes import ALONGSIDE, Changes, decoded, item_changes
from dunwell.sources.mapping import ItemMapping
from dunwell.sources.odd import oddities
from dunwell.sources.problems import Problems
from dunwell.sources.seeds import Stages, seeded
from dunwell.sources.tables import LINE

ITEM_COLUMNS: Final = (
    "entity_id", "account_id", "number", "kind", "currency", "issued_on", "due_on", "amount_minor", "open_minor",
    "source_open_minor", "closed_on",
)  # fmt: skip
TURNED: Final = {"number": pl.String(), **{name: dtype for name, (_sql, dtype) in lookup.OPEN.items()}}
RENAMED: Final = {"item_max_stage": "max_stage"}  # the account has one too
STATE: Final = ("level", "stage", "last_notice_on", "last_deadline_on")


class ItemsWriter:
    """Writes items that have their `entity_id` and `account_id`.

    `problems` gathers what the book refuses; from the first one on nothing more is written. `stages`: what may be
    seeded. `named`: the ids of all items of the file. `turned`: as in `Changes`. `put_off`, `lowered`: items that are
    due later now, or of which less is open. `fresh`: the lines whose dates or amount the book did not know.
    """

    def __init__(
        self, mapping: ItemMapping, problems: Problems, *, stages: Stages, elsewhere: Elsewhere, on: date
    ) -> None:
        self.problems = problems
        self.saved = Saved()
        self.named: list[pl.Series] = [pl.Series(dtype=pl.Int64)]
        self.turned: list[pl.DataFrame] = [pl.DataFrame(schema=TURNED)]
        self.put_off: list[int] = []
        self.lowered: list[pl.Series] = []
        self.odd: list[pl.DataFrame] = []
        self.fresh: list[pl.Series] = []
        self._warnings: list[str] = []
        self._noticed: list[pl.DataFrame] = []
        self._has_items: dict[int, bool] = {}  # before the import
        self._mapping = mapping
        self._stages = stages
        self._elsewhere = elsewhere
        self._on = on
        self._types = attribute_types(mapping, "item")
        self._seeds = any(mapping.source(field) for field in ("level", "stage", "last_notice", "last_deadline"))

    def write(self, items: pl.DataFrame) -> None:
        """Add and change the items of one part."""
        found = [self._known(int(entity_id), rows["number"]) for (entity_id,), rows in items.group_by("entity_id")]
        book = decoded(pl.concat(found), self._types)
        changes = item_changes(items, book, self._mapping, self.problems)
        added = changes.added.sort("account_id", LINE)
        if self._seeds:
            added = seeded(added, self._stages, self._mapping, self.problems, on=self._on)
        if self.problems.count:
            return
        self._elsewhere.paid(changes.lowered)
        self._elsewhere.note_as_they_came(changes.changed, changes.paid)
        self._elsewhere.note(changes.paid)
        ids = self._insert(added)
        if not changes.changed.is_empty():
            changed = changes.changed.drop(LINE, "entity_id").rename(RENAMED, strict=False)
            bulk.save({"items": changed}, on=self._on)
        if not changes.settled.is_empty():
            stage(Item, changes.settled.rename({"item_id": "id"}), ["id"]).update()
        if not changes.told.is_empty():
            stage(Item, changes.told.rename({"item_id": "id"}), ["id"]).update()
        self._note(items, changes, ids)

    def warnings(self) -> Iterator[str]:
        """What was odd of it, at most a few of each sort."""
        yield from self._warnings[:20]

    def seed_contacts(self, ids: pl.DataFrame, entity_ids: Sequence[int]) -> None:
        """Note when payers last heard of the items that came with a last notice. `ids`: every account's."""
        if not self._noticed:
            return
        accounts = ids.select("account_id").join(lookup.parents_of(entity_ids), on="account_id", how="left")
        known = pl.concat([frames.contacts_and_anchors(entity_id).payers for entity_id in entity_ids])
        heard = contacts_seeded(pl.concat(self._noticed), accounts, known)
        bulk.save({"payers": heard}, on=self._on)

    def _known(self, entity_id: int, numbers: pl.Series) -> pl.DataFrame:
        """The items of an entity that have one of these numbers; nothing is asked of one that has none at all."""
        if entity_id not in self._has_items:
            self._has_items[entity_id] = Item.objects.filter(entity_id=entity_id).exists()
        return lookup.items_numbered(entity_id, numbers if self._has_items[entity_id] else numbers.clear())

    def _insert(self, added: pl.DataFrame) -> pl.Series:
        """Add items in order of their account; those of which nothing is open are closed. Returns their ids."""
        settled_on = pl.coalesce("settled_on", pl.lit(self._on)) if self._mapping.settled else pl.lit(self._on)
        settled = pl.when(pl.col("open_minor") == 0).then(settled_on)
        rows = added.with_columns(item_id=bulk.allocate_ids(Item, added.height), closed_on=settled)
        others = [*(f"attr_{name}" for name in self._types), *(name for name in ALONGSIDE if name in rows.columns)]
        own = rows.select(*ITEM_COLUMNS, *others, id="item_id").rename(RENAMED, strict=False)
        bulk.insert(Item, bulk.with_attributes(own))
        if self._seeds:
            was_noticed = pl.any_horizontal(pl.col("level") > 0, pl.col(STATE[1:]).is_not_null())
            states = rows.filter(was_noticed)
            bulk.insert(ItemState, states.select("item_id", *STATE))
            self._noticed.append(states.select("entity_id", "account_id", "due_on", "last_notice_on"))
        money = rows.filter(pl.col("kind") == "payment")
        received = pl.coalesce("issued_on", pl.lit(self._on))
        bulk.insert(Payment, money.select("item_id", "entity_id", received_on=received))
        return rows["item_id"]

    def _note(self, items: pl.DataFrame, changes: Changes, added: pl.Series) -> None:
        self.saved += Saved.of_changes(changes)
        self.put_off += changes.put_off
        self.lowered.append(changes.lowered["item_id"])
        self.named += [changes.met, added]
        self.turned.append(changes.turned.select(list(TURNED)))
        self.fresh.append(changes.fresh)
        self._warnings += changes.warnings
        fresh = items.join(changes.fresh.to_frame(LINE), on=LINE, how="semi", maintain_order="left")
        self.odd.append(oddities(fresh).join(fresh.select(LINE, "entity_id"), on=LINE, maintain_order="left"))
