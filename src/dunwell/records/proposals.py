"""A proposal's rows as the engine's tables, and the addresses its notices would go to."""

from typing import Final

import polars as pl

from dunwell.engine import plan
from dunwell.engine.book import CHANNELS, Schema
from dunwell.records.frames import REACHED_BY
from dunwell.records.models import NoticeState
from dunwell.records.wire import Column, read

# What a decision rests on of an item, besides its version.
AMOUNTS: Final = ("open_minor", "disputed_minor", "in_flight_minor")
READY: Final = f"n.run_id = %s AND n.state = '{NoticeState.PROPOSED}' AND n.approvals = 0"


def notices(run_id: int) -> pl.DataFrame:
    """The notices of a run that may be posted: the plan's columns and `notice_id`."""
    schema = plan.SCHEMAS["notices"]
    own = {"notice_no": "n.number"}
    columns = [Column(name, own.get(name, f"n.{name}"), _dtype(dtype)) for name, dtype in schema.items()]
    return read([Column("notice_id", "n.id", pl.Int64()), *columns], f"FROM records_notice n WHERE {READY}", [run_id])


def lines(run_id: int) -> pl.DataFrame:
    """The lines of those notices, as the plan has them, with the item's version and amounts now (`*_now`)."""
    now = [Column(f"{name}_now", f"i.{name}", pl.Int64()) for name in AMOUNTS]
    now.append(Column("version_now", "coalesce(s.version, 0)", pl.Int32()))
    return read(
        [*_columns(plan.SCHEMAS["lines"], "l"), *now],
        "FROM records_noticeline l JOIN records_notice n ON n.id = l.notice_id JOIN records_item i ON i.id = l.item_id"
        f" LEFT JOIN records_itemstate s ON s.item_id = l.item_id WHERE {READY}",
        [run_id],
    )


def charges(run_id: int) -> pl.DataFrame:
    """What those notices charge, as the plan has it."""
    return read(
        _columns(plan.SCHEMAS["charges"], "c"),
        f"FROM records_proposedcharge c JOIN records_notice n ON n.id = c.notice_id WHERE {READY}",
        [run_id],
    )


def recipients(run_id: int) -> pl.DataFrame:
    """Where the payers of those notices are reached: `payer_id`, `channel`, `recipient`, the first contact of each."""
    found = []
    for channel in CHANNELS:
        field = REACHED_BY[channel]
        tail = (
            f"FROM (SELECT c.account_id, min(c.id) AS id FROM records_contact c WHERE c.{field} <> ''"
            f" AND c.account_id IN (SELECT n.payer_id FROM records_notice n WHERE {READY}) GROUP BY c.account_id) f"
            " JOIN records_contact c ON c.id = f.id"
        )
        columns = [Column("payer_id", "c.account_id", pl.Int64()), Column("recipient", f"c.{field}", pl.String())]
        found.append(read(columns, tail, [run_id]).with_columns(channel=pl.lit(channel)))
    return pl.concat(found)


def _columns(schema: Schema, alias: str) -> list[Column]:
    own = {"notice_no": "n.number"}
    return [Column(name, own.get(name, f"{alias}.{name}"), _dtype(dtype)) for name, dtype in schema.items()]


def _dtype(dtype: "pl.DataType | type[pl.DataType]") -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
