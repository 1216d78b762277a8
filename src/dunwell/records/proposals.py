"""A proposal's rows as the engine's tables, and the addresses its notices would go to."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from dunwell.engine import plan
from dunwell.engine.since import AMOUNTS
from dunwell.records.frames import REACHED_BY, WHOLE, Shard
from dunwell.records.models import NoticeState
from dunwell.records.wire import Column, listed, read

READY: Final = "(n.approvals = 0 OR n.approvals <= (SELECT count(*) FROM records_approval a WHERE a.notice_id = n.id))"


def notices(run_id: int, shard: Shard = WHOLE) -> pl.DataFrame:
    """The notices of a run that may be posted: the plan's columns and `notice_id`."""
    return _notices(run_id, shard, READY)


def waiting(run_id: int, shard: Shard = WHOLE) -> pl.DataFrame:
    """The notices of a run that lack an approval: the plan's columns and `notice_id`."""
    return _notices(run_id, shard, f"NOT {READY}")


def _notices(run_id: int, shard: Shard, which: str) -> pl.DataFrame:
    proposed = f"n.state = '{NoticeState.PROPOSED}' AND n.payer_id %% %s = %s"
    tail = f"FROM records_notice n WHERE n.run_id = %s AND {proposed} AND {which} ORDER BY n.id"
    columns = [Column("notice_id", "n.id", pl.Int64()), *_columns("notices", "n")]
    return read(columns, tail, [run_id, shard.shards, shard.number])


def lines(notice_ids: Iterable[int]) -> pl.DataFrame:
    """The lines of these notices, as the plan has them."""
    some, ids = listed(notice_ids)
    tail = (
        f"FROM {some} JOIN records_noticeline l ON l.notice_id = listed.id JOIN records_notice n ON n.id = l.notice_id"
    )
    return read(_columns("lines", "l"), tail, [ids])


def items_now(item_ids: Iterable[int]) -> pl.DataFrame:
    """These items as they are now: `item_id`, `version` and AMOUNTS. In order they are found sooner."""
    some, ids = listed(item_ids)
    columns = [Column("item_id", "i.id", pl.Int64()), Column("version", "coalesce(s.version, 0)", pl.Int32())]
    columns += [Column(name, f"i.{name}", pl.Int64()) for name in AMOUNTS]
    tail = f"FROM {some} JOIN records_item i ON i.id = listed.id LEFT JOIN records_itemstate s ON s.item_id = i.id"
    return read(columns, tail, [ids])


def charges(notice_ids: Iterable[int]) -> pl.DataFrame:
    """What these notices charge, as the plan has it."""
    some, ids = listed(notice_ids)
    tail = f"FROM {some} JOIN records_charge c ON c.notice_id = listed.id JOIN records_notice n ON n.id = c.notice_id"
    return read(_columns("charges", "c"), tail, [ids])


def actions(notice_ids: Iterable[int]) -> pl.DataFrame:
    """What these notices ask people to do: `notice_id`, `action`."""
    some, ids = listed(notice_ids)
    columns = [Column("notice_id", "a.notice_id", pl.Int64()), Column("action", "a.action", pl.String())]
    return read(columns, f"FROM {some} JOIN records_noticeaction a ON a.notice_id = listed.id", [ids])


def recipients(payer_ids: Iterable[int]) -> pl.DataFrame:
    """Where payers are reached: `payer_id`, `channel`, `recipient`, by the first contact that has the channel.

    A letter goes to a name and an address; many address books begin the address with the name.
    """
    some, ids = listed(payer_ids)
    columns = [Column("payer_id", "c.account_id", pl.Int64()), Column("contact_id", "c.id", pl.Int64())]
    columns += [Column(channel, f"c.{field}", pl.String()) for channel, field in REACHED_BY.items()]
    of_account = "JOIN records_account a ON a.id = listed.id JOIN records_contact c ON c.account_id = listed.id"
    contacts = read([*columns, Column("name", "a.name", pl.String())], f"FROM {some} {of_account}", [ids])
    nameless = (pl.col("letter") != "") & (pl.col("name") != "")
    nameless &= pl.col("letter").str.split("\n").list.first() != pl.col("name")
    named = pl.when(nameless).then(pl.concat_str("name", "letter", separator="\n")).otherwise("letter")
    each = (
        contacts.with_columns(letter=named)
        .drop("name")
        .unpivot(index=["payer_id", "contact_id"], variable_name="channel", value_name="recipient")
    )
    first = pl.col("recipient").sort_by("contact_id").first()
    return each.filter(pl.col("recipient") != "").group_by("payer_id", "channel").agg(first)


def _columns(table: str, alias: str) -> list[Column]:
    """What to select for the columns of one of the plan's tables."""
    own = {"notice_no": "n.number"}
    return [
        Column(name, own.get(name, f"{alias}.{name}"), dtype if isinstance(dtype, pl.DataType) else dtype())
        for name, dtype in plan.SCHEMAS[table].items()
    ]
