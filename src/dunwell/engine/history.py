"""The history of a book: items that are settled too, and the day of everything that moved what is open of them.

What a book says of today, a history says of every day since `from_on`: what measures look at, and simulations start
from. Frames of declared schemas, like the book's.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Self

import polars as pl

from dunwell.engine.book import SCHEMAS as BOOK
from dunwell.engine.book import BookError, Schema
from dunwell.engine.steps.parties import promise_over_on

_ITEMS: Final = (
    "item_id", "account_id", "entity_id", "number", "kind", "currency", "issued_on", "due_on", "amount_minor",
    "open_minor", "parent_item_id", "waived_minor",
)  # fmt: skip
_NOTICES: Final = (
    "notice_id", "entity_id", "payer_id", "currency", "policy", "stage", "level", "contact", "as_of", "total_minor",
    "state", "sent_on", "channels",
)  # fmt: skip
RESPONSES: Final = ("promise", "dispute", "contact")

MOVES: Final[Schema] = {"item_id": pl.Int64, "on": pl.Date, "less_minor": pl.Int64}
SCHEMAS: Final[dict[str, Schema]] = {
    "accounts": BOOK["accounts"],
    "items": {**{name: BOOK["items"][name] for name in _ITEMS}, "closed_on": pl.Date},
    # What less was open of an item from a day on; more is a row with the opposite sign. Of an item, all its moves are
    # its amount less what is open.
    "moves": MOVES,
    "credited": MOVES,  # what of the moves of invoices and the like was no money: credit notes set off
    # Of money of which something was taken away from an item again: all that came of it to the item, and went.
    "returned": {"item_id": pl.Int64, "source_item_id": pl.Int64, "on": pl.Date, "less_minor": pl.Int64},
    "disputes": BOOK["disputes"],
    "notices": {name: BOOK["notices"][name] for name in _NOTICES},
    "lines": {"notice_id": pl.Int64, "item_id": pl.Int64, "amount_minor": pl.Int64},  # what the notices dun
    "promises": BOOK["promises"],
    # What was heard from payers.
    "responses": {"payer_id": pl.Int64, "on": pl.Date, "response": pl.Enum(RESPONSES)},
}


@dataclass(frozen=True, kw_only=True)
class History:
    """The tables of SCHEMAS, one frame each, and the first day of which they tell all.

    Items that were settled before `from_on` are not in it, and neither are drafts.
    """

    from_on: date
    accounts: pl.DataFrame
    items: pl.DataFrame
    moves: pl.DataFrame
    credited: pl.DataFrame
    returned: pl.DataFrame
    disputes: pl.DataFrame
    notices: pl.DataFrame
    lines: pl.DataFrame
    promises: pl.DataFrame
    responses: pl.DataFrame

    @classmethod
    def of(cls, from_on: date, **tables: pl.DataFrame | list[dict[str, object]]) -> Self:
        """Build a history from the tables given; the others are empty, and what is not given of a row is null.

        Columns named `attr_*` are kept on items and accounts. Errors: BookError.
        """
        if strange := set(tables) - set(SCHEMAS):
            raise BookError(f"a history has no table {sorted(strange)[0]!r}")
        return cls(from_on=from_on, **{name: _table(name, tables.get(name)) for name in SCHEMAS})

    def open_on(self, day: date) -> pl.DataFrame:
        """Return the items that were open at the end of a day, with what was open of each then as `open_minor`.

        Errors: ValueError for a day before `from_on`: what was settled by then is not known here.
        """
        return self.issued_by(day).filter(pl.col("open_minor") > 0)

    def issued_by(self, day: date) -> pl.DataFrame:
        """Return the items that were there at the end of a day, open or not: as `open_on`, with its errors."""
        if day < self.from_on:
            raise ValueError(f"this history begins on {self.from_on}, and tells nothing of {day}")
        moved = self.moves.filter(pl.col("on") <= day).group_by("item_id").agg(pl.col("less_minor").sum())
        then = self.items.filter((pl.col("issued_on") <= day).fill_null(value=True))
        found = then.join(moved, on="item_id", how="left", maintain_order="left")
        left = pl.col("amount_minor") - pl.col("less_minor").fill_null(0)
        return found.with_columns(open_minor=left).drop("less_minor")

    def since(self, day: date) -> Self:
        """Return the history from a later day on, with what is still told of it, as if it had been read from then on.

        Errors: ValueError for a day before `from_on`.
        """
        if day < self.from_on:
            raise ValueError(f"this history begins on {self.from_on}, and tells nothing of {day}")
        moved = self.moves.filter(pl.col("on") >= day)["item_id"].implode()
        is_open = pl.col("closed_on").is_null() | (pl.col("closed_on") >= day)
        is_new = (pl.col("issued_on") >= day).fill_null(value=False)
        items = self.items.filter(is_open | is_new | pl.col("item_id").is_in(moved))
        is_later = (pl.col("as_of") >= day) | (pl.col("sent_on") >= day).fill_null(value=False)
        notices = self.notices.filter(is_later)
        of_items = ("moves", "credited", "returned", "disputes")
        return replace(
            self,
            from_on=day,
            items=items,
            **{name: getattr(self, name).join(items, on="item_id", how="semi") for name in of_items},
            notices=notices,
            lines=self.lines.join(notices, on="notice_id", how="semi"),
            promises=self.promises.filter(promise_over_on() >= day),
            responses=self.responses.filter(pl.col("on") >= day),
        )


def _table(name: str, rows: pl.DataFrame | list[dict[str, object]] | None) -> pl.DataFrame:
    schema = SCHEMAS[name]
    if rows is None or (isinstance(rows, list) and not rows):
        return pl.DataFrame(schema=schema)  # a frame without rows keeps its attributes
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
    extra = [column for column in frame.columns if column not in schema]
    if strange := [c for c in extra if name not in {"items", "accounts"} or not c.startswith("attr_")]:
        raise BookError(f"{name}: no column is called {strange[0]!r}")
    columns = [
        pl.col(column).cast(dtype) if column in frame.columns else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in schema.items()
    ]
    try:
        return frame.select(*columns, *extra)
    except pl.exceptions.PolarsError as error:
        raise BookError(f"{name}: {str(error).splitlines()[0]}") from error


def moves_of(items: pl.DataFrame, own: pl.DataFrame, elsewhere: pl.DataFrame) -> pl.DataFrame:
    """Return the moves of items: those of two ledgers, and what neither explains, on the day it was known.

    `items`: as in a history. `own`: what was set off here, by its days; `elsewhere`: what sources said is paid, none of
    it later than the day on which they say that the item was settled. Both may have several moves of a day. What is in
    neither was so when the item came into the book: of one that came settled, of which no ledger tells, it is dated by
    its `closed_on`, of others by its issue; nobody knows better.
    """
    ledger = pl.concat([own, _by_its_closing(items, own, elsewhere)])
    told = ledger.group_by("item_id").agg(told_minor=pl.col("less_minor").sum())
    missing = pl.col("amount_minor") - pl.col("open_minor") - pl.col("told_minor").fill_null(0)
    came_settled = pl.when(pl.col("told_minor").is_null()).then("closed_on")
    rest = items.join(told, on="item_id", how="left").select(
        "item_id", on=pl.coalesce(came_settled, "issued_on", "due_on", pl.lit(date.min)), less_minor=missing
    )
    moves = pl.concat([ledger, rest]).group_by("item_id", "on").agg(pl.col("less_minor").sum())
    return moves.filter(pl.col("less_minor") != 0).sort("item_id", "on")


def _by_its_closing(items: pl.DataFrame, own: pl.DataFrame, elsewhere: pl.DataFrame) -> pl.DataFrame:
    """Date what sources said by the day of settling that they gave later; a day of own money is none of theirs."""
    closed = items.select("item_id", "closed_on").join(
        own, left_on=["item_id", "closed_on"], right_on=["item_id", "on"], how="anti"
    )
    return elsewhere.join(closed, on="item_id", how="left").select(
        "item_id", pl.min_horizontal("on", "closed_on").alias("on"), "less_minor"
    )
