"""A proposal's rows as the engine's tables, and the addresses its notices would go to."""

from typing import Final

import polars as pl

from dunwell.engine import plan
from dunwell.records.frames import REACHED_BY
from dunwell.records.models import NoticeState
from dunwell.records.wire import Column, among, read

# What a decision rests on of an item, besides its version.
AMOUNTS: Final = ("open_minor", "disputed_minor", "in_flight_minor")


def notices(run_id: int) -> pl.DataFrame:
    """The notices of a run that may be posted: the plan's columns and `notice_id`."""
    ready = f"FROM records_notice n WHERE n.run_id = %s AND n.state = '{NoticeState.PROPOSED}' AND n.approvals = 0"
    return read([Column("notice_id", "n.id", pl.Int64()), *_columns("notices", "n")], ready, [run_id])


def lines(notice_ids: list[int]) -> pl.DataFrame:
    """The lines of these notices, as the plan has them."""
    some, ids = among(notice_ids)
    tail = f"FROM records_noticeline l JOIN records_notice n ON n.id = l.notice_id WHERE l.notice_id IN {some}"
    return read(_columns("lines", "l"), tail, [ids])


def items_now(notice_ids: list[int]) -> pl.DataFrame:
    """The items on these notices as they are now: `item_id`, `version` and AMOUNTS."""
    some, ids = among(notice_ids)
    columns = [Column("item_id", "i.id", pl.Int64()), Column("version", "coalesce(s.version, 0)", pl.Int32())]
    columns += [Column(name, f"i.{name}", pl.Int64()) for name in AMOUNTS]
    # Apart from the lines, so that SQLite goes through its items once, in their order.
    tail = (
        "FROM records_item i LEFT JOIN records_itemstate s ON s.item_id = i.id"
        f" WHERE i.id IN (SELECT l.item_id FROM records_noticeline l WHERE l.notice_id IN {some})"
    )
    return read(columns, tail, [ids])


def charges(notice_ids: list[int]) -> pl.DataFrame:
    """What these notices charge, as the plan has it."""
    some, ids = among(notice_ids)
    tail = f"FROM records_proposedcharge c JOIN records_notice n ON n.id = c.notice_id WHERE c.notice_id IN {some}"
    return read(_columns("charges", "c"), tail, [ids])


def recipients(payer_ids: list[int]) -> pl.DataFrame:
    """Where payers are reached: `payer_id`, `channel`, `recipient`, by the first contact that has the channel."""
    some, ids = among(payer_ids)
    columns = [Column("payer_id", "c.account_id", pl.Int64()), Column("contact_id", "c.id", pl.Int64())]
    columns += [Column(channel, f"c.{field}", pl.String()) for channel, field in REACHED_BY.items()]
    contacts = read(columns, f"FROM records_contact c WHERE c.account_id IN {some}", [ids])
    each = contacts.unpivot(index=["payer_id", "contact_id"], variable_name="channel", value_name="recipient")
    first = pl.col("recipient").sort_by("contact_id").first()
    return each.filter(pl.col("recipient") != "").group_by("payer_id", "channel").agg(first)


def _columns(table: str, alias: str) -> list[Column]:
    """What to select for the columns of one of the plan's tables."""
    own = {"notice_no": "n.number"}
    return [
        Column(name, own.get(name, f"{alias}.{name}"), dtype if isinstance(dtype, pl.DataType) else dtype())
        for name, dtype in plan.SCHEMAS[table].items()
    ]
