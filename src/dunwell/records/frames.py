"""The book as frames, read inside the caller's transaction: an entity's for a run, some accounts' for an event.

Every table comes sorted by its key, items by account and id: joins and sums over sorted data take half the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Final, NamedTuple

import polars as pl
from django.db import connection

from dunwell.engine.book import ATTRIBUTE_TYPES, CHANNELS, KEYS, NOTICE_STATES, SCHEMAS, STATE, Book
from dunwell.engine.contacts import DAYS
from dunwell.engine.steps.parties import payers
from dunwell.records.connect import is_postgresql, snapshot
from dunwell.records.models import AttributeType
from dunwell.records.tables import BOOK
from dunwell.records.wire import Column, Select, Value, listed, read, read_few, read_select

# By which field a contact is reached over each channel.
REACHED_BY: Final = {
    "email": "email",
    "letter": "address_lines",
    "sms": "phone",
    "chat": "chat",
    "webhook": "webhook_url",
}
ORDER: Final = {"items": ["account_id", "item_id"], "allocations": ["on", "source_item_id", "item_id"]} | {
    name: key for name, key in KEYS.items() if name != "items"
}
NOTHING: Final = Book.of()
FEW_ACCOUNTS: Final = 20  # of which everything is read in one go
STATE_DEFAULTS: Final = {"level": 0, "repeats": 0, "version": 0}  # of an item that was never noticed

# What a run needs of an entity. A settled item takes no part; a promise that was kept binds nobody; what was judged
# once, or is over, is not judged again.
OF_ENTITY: Final = {
    "entities": "t.id = {entity}",
    "accounts": "t.entity_id = {entity}",
    "items": "t.entity_id = {entity} AND t.closed_on IS NULL",
    "payers": "t.entity_id = {entity}",
    "anchors": "t.entity_id = {entity}",
    "holds": "t.entity_id = {entity} AND (t.released_on IS NULL OR t.released_on > {as_of})"
    " AND (t.until_on IS NULL OR t.until_on >= {as_of})",
    "disputes": "t.entity_id = {entity}"
    " AND EXISTS (SELECT 1 FROM records_item i WHERE i.id = t.item_id AND i.closed_on IS NULL)",
    "promises": "t.entity_id = {entity} AND t.paid_minor < t.amount_minor"
    " AND (t.ended_on IS NULL OR t.ended_on > {as_of})",
    "promise_items": "t.promise_id IN"
    " (SELECT id FROM records_promise WHERE entity_id = {entity} AND paid_minor < amount_minor)",
    "closings": "t.entity_id = {entity} AND t.is_open",
    "alerts": "t.entity_id = {entity} AND (t.acted_on IS NULL OR t.over_on IS NULL)"
    " AND (t.acted_on IS NULL OR t.event NOT IN ('delivery_failed', 'payment_reversed'))",
}

# What moved of an open claim after it was due, and what was charged on it: for what the law has notices charge. By way
# of the open items, which are few beside all that was ever paid.
MOVED: Final = (
    "t.id IN (SELECT m.id FROM records_item i JOIN {moves} m ON m.item_id = i.id"
    " WHERE i.entity_id = {{entity}} AND i.closed_on IS NULL AND i.kind <> 'charge' AND m.\"on\" > i.due_on)"
)
PAYMENTS: Final = {
    "allocations": f"{MOVED.format(moves='records_allocation')} AND NOT t.pending",
    "elsewhere": MOVED.format(moves="records_paidelsewhere"),
}
CHARGES: Final = {
    "charges": "t.posted_on IS NOT NULL AND t.reversed_on IS NULL AND t.item_id IN"
    " (SELECT id FROM records_item WHERE entity_id = {entity} AND closed_on IS NULL)",
}

# What of it concerns the accounts of one shard.
OF_SHARD: Final = {
    "accounts": "t.id IN {accounts}",
    "items": "t.account_id IN {accounts}",
    "payers": "t.payer_id % {shards} = {shard}",
    "anchors": "t.payer_id % {shards} = {shard}",
    "holds": "coalesce(t.account_id, (SELECT account_id FROM records_item i WHERE i.id = t.item_id)) IN {accounts}",
    "disputes": "(SELECT account_id FROM records_item i WHERE i.id = t.item_id) IN {accounts}",
    "promises": "t.account_id IN {accounts}",
    "promise_items": "(SELECT account_id FROM records_promise p WHERE p.id = t.promise_id) IN {accounts}",
    "closings": "t.payer_id % {shards} = {shard}",
    "alerts": "t.account_id IN {accounts}",
    "allocations": "(SELECT account_id FROM records_item i WHERE i.id = t.item_id) IN {accounts}",
    "elsewhere": "(SELECT account_id FROM records_item i WHERE i.id = t.item_id) IN {accounts}",
    "charges": "(SELECT account_id FROM records_item i WHERE i.id = t.item_id) IN {accounts}",  # it may have moved
}

ITEMS: Final = "(SELECT id FROM records_item WHERE account_id IN {accounts})"
NOTICES: Final = (
    f"(SELECT id FROM records_notice WHERE payer_id IN {{accounts}} AND state IN {NOTICE_STATES})"  # a tuple of words
)
# Everything there is of some accounts.
OF_ACCOUNTS: Final = {
    "entities": "t.id IN (SELECT entity_id FROM records_account WHERE id IN {accounts})",
    "accounts": "t.id IN {accounts}",
    "items": "t.account_id IN {accounts}",
    "payers": "t.payer_id IN {accounts}",
    "anchors": "t.payer_id IN {accounts}",
    "holds": "t.id IN (SELECT id FROM records_hold WHERE account_id IN {accounts}"
    f" UNION SELECT id FROM records_hold WHERE item_id IN {ITEMS})",
    "disputes": f"t.item_id IN {ITEMS}",
    "promises": "t.account_id IN {accounts}",
    "promise_items": "t.promise_id IN (SELECT id FROM records_promise WHERE account_id IN {accounts})",
    "allocations": f"t.id IN (SELECT id FROM records_allocation WHERE item_id IN {ITEMS}"
    f" UNION SELECT id FROM records_allocation WHERE source_item_id IN {ITEMS})",
    "notices": f"t.id IN {NOTICES}",
    "lines": f"t.notice_id IN {NOTICES}",
    "contacts": "t.payer_id IN {accounts}",
    "closings": "t.payer_id IN {accounts}",
    "alerts": "t.account_id IN {accounts}",
    "elsewhere": f"t.item_id IN {ITEMS}",
    "charges": f"t.posted_on IS NOT NULL AND t.item_id IN {ITEMS}",
}

# What payers of an entity have heard from us that counts in the seven days to a date, or may leave on it.
HEARD: Final = {
    "notices": "t.entity_id = {entity} AND (t.state = 'posted' OR (t.state = 'sent' AND t.sent_on >= {since}))",
    "contacts": 't.entity_id = {entity} AND t."on" >= {since}',
}

# The accounts given, those above them up to the payer, and all that those pay for; a cycle ends by UNION.
FAMILY: Final = """
WITH RECURSIVE above(id, parent_id) AS (
    SELECT id, parent_id FROM records_account WHERE id IN {accounts}
    UNION SELECT a.id, a.parent_id FROM records_account a JOIN above ON a.id = above.parent_id
), family(id) AS (
    SELECT id FROM above UNION SELECT a.id FROM records_account a JOIN family ON a.parent_id = family.id
) SELECT id FROM family
"""
# All lock in the order of the ids, so that no two wait for each other.
LOCKED: Final = "SELECT id FROM records_account WHERE id = ANY({}) ORDER BY id FOR NO KEY UPDATE"


class Shard(NamedTuple):
    """The payers whose id, divided by `shards`, leaves `number`, and the accounts that they pay for."""

    number: int
    shards: int


WHOLE: Final = Shard(0, 1)


def book(entity_id: int, *, as_of: date, shard: Shard = WHOLE, payments: bool = False, charges: bool = False) -> Book:
    """Read what deciding for one entity on `as_of` needs: its open items with their state, and what blocks them.

    `payments`: also what was paid of open items after they were due, `charges`: what was charged on them. Notices and
    lines stay empty: `account_book` has them. All tables are of one instant. Errors: BookError for an attribute that is
    not of its type.
    """
    read = OF_ENTITY | (PAYMENTS if payments else {}) | (CHARGES if charges else {})
    with snapshot():
        if shard.shards == 1:
            return _book(_selects(read, {"entity": entity_id, "as_of": as_of.isoformat()}))
        wanted = {name: f"{where} AND {OF_SHARD.get(name, 'true')}" for name, where in read.items()}
        of_shard = {"accounts": _accounts(entity_id, shard), **_of_shard(shard)}
        return _book(_selects(wanted, {"entity": entity_id, "as_of": as_of.isoformat(), **of_shard}))


def heard(entity_id: int, *, as_of: date, shard: Shard = WHOLE) -> Book:
    """Read what payers of an entity have heard from us in the seven days to `as_of`: notices and contacts, no more."""
    wanted = {name: f"{where} AND t.payer_id % {{shards}} = {{shard}}" for name, where in HEARD.items()}
    since = (as_of - timedelta(days=DAYS - 1)).isoformat()
    with snapshot():
        return _book(_selects(wanted, {"entity": entity_id, "since": since, **_of_shard(shard)}))


def contacts_and_anchors(entity_id: int, shard: Shard = WHOLE) -> Book:
    """Read what is kept per payer of an entity, and nothing of its items: what a posting builds on."""
    with snapshot():
        wanted = {name: f"{OF_ENTITY[name]} AND {OF_SHARD[name]}" for name in ("payers", "anchors", "closings")}
        return _book(_selects(wanted, {"entity": entity_id, **_of_shard(shard)}))


def _accounts(entity_id: int, shard: Shard) -> list[int]:
    """The accounts of a shard, ascending. Those whose parents go round in a circle have no payer: shard 0 has them."""
    columns = [Column("account_id", "t.id", pl.Int64()), Column("parent_id", "t.parent_id", pl.Int64())]
    accounts = read(columns, "FROM records_account t WHERE t.entity_id = %s", [entity_id])
    is_of_shard = pl.col("payer_id").fill_null(0) % shard.shards == shard.number
    return payers(accounts).filter(is_of_shard)["account_id"].sort().to_list()


def _of_shard(shard: Shard) -> dict[str, Value]:
    return {"shards": shard.shards, "shard": shard.number}


def account_book(account_ids: Iterable[int]) -> Book:
    """Read everything of these accounts and of every account with the same payer: what `advance` needs.

    Settled items are in it. To write what follows from it, hold `lock_payers` first.
    """
    with snapshot():
        accounts = family(account_ids)
        return _book(_selects(OF_ACCOUNTS, {"accounts": accounts}), is_small=len(accounts) <= FEW_ACCOUNTS)


def selects_of_entity(entity_id: int, *, as_of: date) -> dict[str, Select]:
    """Return what `book` reads, by table."""
    return _selects(OF_ENTITY, {"entity": entity_id, "as_of": as_of.isoformat()})


def family(account_ids: Iterable[int]) -> list[int]:
    """Return these accounts and all that share a payer with them, in ascending order."""
    return _family(f"{FAMILY} ORDER BY id", account_ids)


def lock_payers(account_ids: Iterable[int]) -> list[int]:
    """Let nobody else change what these accounts and their payers owe until the transaction ends; return them all.

    On SQLite the transaction already excludes every other writer. Call it before `account_book`.
    """
    return _family(LOCKED.format(f"ARRAY({FAMILY})") if is_postgresql() else FAMILY, account_ids)


def _family(sql: str, account_ids: Iterable[int]) -> list[int]:
    sql, params = filled(sql, {"accounts": sorted(set(account_ids))})
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


def lock_accounts(account_ids: Iterable[int]) -> None:
    """The same for exactly these accounts, once in a transaction: who changes what a payer owes locks its account."""
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(LOCKED.format("%s"), [list(account_ids)])


def _book(selects: Mapping[str, Select], *, is_small: bool = False) -> Book:
    tables = read_few(selects) if is_small else {name: read_select(select) for name, select in selects.items()}
    in_order = {
        name: rows.sort(ORDER.get(name, list(SCHEMAS[name]))) if rows.height > 1 else rows
        for name, rows in tables.items()
    }
    return replace(NOTHING, **in_order)


def _selects(wanted: Mapping[str, str], values: Mapping[str, Value]) -> dict[str, Select]:
    also = attributes()
    selects = {}
    for name, where in wanted.items():
        tail, params = filled(f"FROM {_source(name)} WHERE {where}", values)
        selects[name] = Select([*_columns(name), *also.get(name, ())], tail, params)
    return selects


def _source(name: str) -> str:
    states = " LEFT JOIN records_itemstate s ON s.item_id = t.id" if name == "items" else ""
    return f"{BOOK[name].name} t{states}"


@cache
def _columns(name: str) -> tuple[Column, ...]:
    """List what to select for a table's columns."""
    return tuple(column_of(name, column, dtype) for column, dtype in SCHEMAS[name].items())


def column_of(name: str, column: str, dtype: "pl.DataType | type[pl.DataType]") -> Column:
    """What to select for a column of a book table, called `t`."""
    return Column(column, _expression(name, column), dtype if isinstance(dtype, pl.DataType) else dtype())


def _expression(name: str, column: str) -> str:
    if name == "accounts" and column == "channels":
        return _channels()
    if name == "charges" and column == "sent_on":
        return "(SELECT n.sent_on FROM records_notice n WHERE n.id = t.notice_id)"
    if name == "items" and column in STATE:
        return f"coalesce(s.{column}, {STATE_DEFAULTS[column]})" if column in STATE_DEFAULTS else f"s.{column}"
    return f't."{BOOK[name].column(column)}"'


def _channels() -> str:
    """SQL for the mask of the channels over which any of the account's contacts is reached."""
    bits = " + ".join(
        f"max(CASE WHEN {REACHED_BY[channel]} <> '' THEN {1 << bit} ELSE 0 END)" for bit, channel in enumerate(CHANNELS)
    )
    return f"coalesce((SELECT {bits} FROM records_contact c WHERE c.account_id = t.id), 0)"


def attributes() -> dict[str, list[Column]]:
    """List what to select for the custom attributes, by table."""
    found: dict[str, list[Column]] = {"items": [], "accounts": []}
    for subject, name, kind in AttributeType.objects.order_by("name").values_list("subject", "name", "type"):
        found[f"{subject}s"].append(Column(f"attr_{name}", _attribute(name), ATTRIBUTE_TYPES[kind], is_free=True))
    return found


def _attribute(name: str) -> str:
    """SQL for an attribute."""
    if is_postgresql():
        return f"(t.attributes ->> '{name}')"
    return f"json_extract(t.attributes, '$.{name}')"


def filled(sql: str, values: Mapping[str, Value]) -> tuple[str, list[Value]]:
    """Put a parameter where `sql` names a value in braces; a list becomes a set to look in."""
    params: list[Value] = []
    pieces = sql.split("{")
    text = pieces[0].replace("%", "%%")
    for piece in pieces[1:]:
        name, rest = piece.split("}", 1)
        value = values[name]
        if isinstance(value, list):
            ids, value = listed(value)
            text += f"(SELECT id FROM {ids})"
        else:
            text += "%s"
        params.append(value)
        text += rest.replace("%", "%%")
    return text, params
