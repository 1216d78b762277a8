"""Which model keeps which table of the engine's book, and under which column names."""

from dataclasses import dataclass, field
from typing import Final

from django.db import models

from dunwell.records import models as tables


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where a book table is kept. A column not in `columns` has the same name on both sides.

    `entity` is SQL for the entity of a staged row `s`, where the engine's row does not name it.
    """

    model: type[models.Model]
    columns: dict[str, str] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    entity: str = ""

    @property
    def name(self) -> str:
        """The database's name of the table."""
        return table_name(self.model)

    def column(self, engine_column: str) -> str:
        """The database's name of an engine column."""
        return self.columns.get(engine_column, engine_column)


def table_name(model: type[models.Model]) -> str:
    """Return the database's name of the model's table."""
    return str(model._meta.db_table)  # Django's documented API


def columns_of(model: type[models.Model]) -> dict[str, "models.Field[object, object]"]:
    """Return the concrete fields of `model` by their column's name."""
    return {str(field.column): field for field in model._meta.concrete_fields}  # Django's documented API


BOOK: Final[dict[str, Table]] = {
    "entities": Table(model=tables.Entity, columns={"entity_id": "id", "entity": "code"}),
    "accounts": Table(
        model=tables.Account,
        columns={"account_id": "id", "account": "code"},
        computed=frozenset({"channels"}),
    ),
    "items": Table(model=tables.Item, columns={"item_id": "id", "parent_item_id": "parent_id"}),
    "payers": Table(model=tables.PayerContact),
    "anchors": Table(model=tables.AnchorState),
    "holds": Table(
        model=tables.Hold,
        columns={"hold_id": "id"},
        entity="coalesce((SELECT entity_id FROM records_account WHERE id = s.account_id),"
        " (SELECT entity_id FROM records_item WHERE id = s.item_id))",
    ),
    "disputes": Table(
        model=tables.Dispute,
        columns={"dispute_id": "id"},
        entity="(SELECT entity_id FROM records_item WHERE id = s.item_id)",
    ),
    "promises": Table(
        model=tables.Promise,
        columns={"promise_id": "id"},
        entity="(SELECT entity_id FROM records_account WHERE id = s.account_id)",
    ),
    "promise_items": Table(model=tables.PromiseItem),
    "allocations": Table(model=tables.Allocation),
    "notices": Table(model=tables.Notice, columns={"notice_id": "id"}),
    "lines": Table(model=tables.NoticeLine),
    "contacts": Table(model=tables.NotedContact, columns={"contact_id": "id"}),
    "closings": Table(model=tables.Closing),
    "alerts": Table(model=tables.Alert),
    "elsewhere": Table(model=tables.PaidElsewhere),
    "charges": Table(model=tables.Charge, computed=frozenset({"sent_on"})),
}
STATES: Final = Table(model=tables.ItemState)  # the other half of `items`
