"""The history of an entity's book, read as frames of one instant."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import polars as pl
from django.db.models import Max

from dunwell.engine.book import NOTICE_STATES
from dunwell.engine.history import RESPONSES, SCHEMAS, History, moves_of
from dunwell.engine.steps.parties import payers, promise_over_on
from dunwell.records.connect import snapshot
from dunwell.records.frames import attributes, column_of, filled
from dunwell.records.models import Promise
from dunwell.records.tables import BOOK
from dunwell.records.wire import Column, Select, Value, read_select

# Each part by an index of its own. Money that was booked late may have moved an item after the day that closed it.
OF_ITEMS: Final = (
    "(SELECT id FROM records_item WHERE entity_id = {entity} AND closed_on IS NULL"
    " UNION SELECT id FROM records_item WHERE entity_id = {entity} AND closed_on >= {since}"
    " UNION SELECT id FROM records_item WHERE entity_id = {entity} AND issued_on >= {since}"
    ' UNION SELECT item_id FROM records_allocation WHERE "on" >= {since}'
    ' UNION SELECT source_item_id FROM records_allocation WHERE "on" >= {since}'
    ' UNION SELECT item_id FROM records_paidelsewhere WHERE "on" >= {since})'
)
OF_NOTICES: Final = (
    f"t.entity_id = {{entity}} AND t.state IN {NOTICE_STATES} AND (t.as_of >= {{since}} OR t.sent_on >= {{since}})"
)
WANTED: Final = {
    "accounts": "t.entity_id = {entity}",
    "items": f"t.id IN {OF_ITEMS} AND t.entity_id = {{entity}} AND NOT t.draft",
    "notices": OF_NOTICES,
    "lines": f"t.role = 'dunned' AND t.notice_id IN (SELECT t.id FROM records_notice t WHERE {OF_NOTICES})",
    "disputes": f"t.item_id IN {OF_ITEMS}",
}
# What less is open of an item, of a payment too: in which column of which table it is, and from where.
SET_OFF: Final = ("item_id", "records_allocation t JOIN records_item c ON c.id = t.source_item_id", "NOT t.pending")
SPENT: Final = ("source_item_id", "records_allocation t", "NOT t.pending")
ELSEWHERE: Final = ("item_id", "records_paidelsewhere t", "true")
LEDGERS: Final = {"set_off": SET_OFF, "spent": SPENT, "elsewhere": ELSEWHERE}
PROMISES: Final = "t.entity_id = {entity} AND t.by_on >= {earliest}"
OF_SOURCE: Final = (
    Column("source_item_id", "t.source_item_id", pl.Int64()),
    Column("source_kind", "c.kind", pl.String()),
)
# What was heard of an account, by kind: its account and day, and from where.
HEARD: Final = {
    "promise": ("t.account_id", "t.made_on", "records_promise t"),
    "dispute": ("i.account_id", "t.opened_on", "records_dispute t JOIN records_item i ON i.id = t.item_id"),
    "contact": ("t.account_id", 't."on"', "records_notedcontact t"),
}


def history(entity_id: int, *, since: date) -> History:
    """Read what happened to an entity's items from `since` on: those open then or issued later, and their moves.

    Sorted by the ids. Errors: BookError for an attribute that is not of its type.
    """
    with snapshot():
        read = {name: read_select(each) for name, each in selects_of_history(entity_id, since=since).items()}
    found = {name: _sorted(name, read[name]) for name in (*WANTED, "promises")}
    found["promises"] = found["promises"].filter(promise_over_on() >= since)
    set_off, spent, elsewhere = (read[name] for name in LEDGERS)
    response = SCHEMAS["responses"]["response"]
    heard = pl.concat(read[kind].with_columns(response=pl.lit(kind, dtype=response)) for kind in RESPONSES)
    pays = payers(found["accounts"]).select("account_id", "payer_id")
    responses = heard.join(pays, on="account_id").select(list(SCHEMAS["responses"])).unique()
    is_here = set_off.join(found["items"], on="item_id", how="semi")
    is_credit = pl.col("source_kind") == "credit"
    own = pl.concat([is_here.select(spent.columns), spent])
    return History.of(
        since,
        **found,
        moves=moves_of(
            found["items"], *(each.join(found["items"], on="item_id", how="semi") for each in (own, elsewhere))
        ),
        credited=is_here.filter(is_credit).select(list(SCHEMAS["credited"])).sort("item_id", "on"),
        returned=_returned(is_here.filter(~is_credit)),
        responses=responses.sort(pl.all()),
    )


def selects_of_history(entity_id: int, *, since: date) -> dict[str, Select]:
    """Return what `history` reads: tables of a history, LEDGERS, and what was heard by the kind of answer."""
    values: dict[str, Value] = {"entity": entity_id, "since": since.isoformat()}
    longest = Promise.objects.filter(entity=entity_id).aggregate(days=Max("tolerance_days"))["days"] or 0
    # Those whose time, with its tolerance, was not over before the day, and perhaps some more.
    earliest = since - timedelta(days=min(longest, (since - date.min).days))
    return {
        **{name: _table(name, where, values) for name, where in WANTED.items()},
        "promises": _table("promises", PROMISES, {**values, "earliest": earliest.isoformat()}),
        **{name: _ledger(*source, values, OF_SOURCE if name == "set_off" else ()) for name, source in LEDGERS.items()},
        **{kind: _heard(kind, values) for kind in RESPONSES},
    }


def settled_days(entity_id: int, *, before: date) -> list[date]:
    """Return the days before one on which items were settled that came settled, as their source said; sorted.

    What money here settled, or what was open here first, tells of no such day, and neither does a day before the issue.
    """
    came_settled = (
        "EXISTS (SELECT 1 FROM records_item i WHERE i.entity_id = {entity} AND i.closed_on = t.closed_on"
        " AND NOT i.draft AND i.kind <> 'payment' AND (i.issued_on IS NULL OR i.issued_on <= i.closed_on)"
        " AND NOT EXISTS (SELECT 1 FROM records_allocation a WHERE a.item_id = i.id)"
        " AND NOT EXISTS (SELECT 1 FROM records_allocation a WHERE a.source_item_id = i.id)"
        " AND NOT EXISTS (SELECT 1 FROM records_paidelsewhere p WHERE p.item_id = i.id))"
    )
    closed = "(SELECT DISTINCT closed_on FROM records_item WHERE entity_id = {entity} AND closed_on < {before}) t"
    values: dict[str, Value] = {"entity": entity_id, "before": before.isoformat()}
    select = _select([Column("on", "t.closed_on", pl.Date())], closed, came_settled, values)
    return read_select(select)["on"].sort().to_list()


def _returned(set_off: pl.DataFrame) -> pl.DataFrame:
    """Of money that went from an item again: all that came of it to the item, and went."""
    of_money = ["item_id", "source_item_id"]
    back = set_off.filter(pl.col("less_minor") < 0)
    return set_off.join(back, on=of_money, how="semi").select(list(SCHEMAS["returned"])).sort(*of_money, "on")


def _table(name: str, where: str, values: Mapping[str, Value]) -> Select:
    columns = [column_of(name, column, dtype) for column, dtype in SCHEMAS[name].items()]
    return _select([*columns, *attributes().get(name, ())], f"{BOOK[name].name} t", where, values)


def _sorted(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort(frame.columns[:2] if name == "lines" else frame.columns[0])


def _ledger(column: str, source: str, where: str, values: Mapping[str, Value], more: Sequence[Column] = ()) -> Select:
    """What less was open of the items in one column of a ledger."""
    columns = [
        Column("item_id", f"t.{column}", pl.Int64()),
        Column("on", 't."on"', pl.Date()),
        Column("less_minor", "t.amount_minor", pl.Int64()),
        *more,
    ]
    return _select(columns, source, f"{where} AND t.{column} IN {OF_ITEMS}", values)


def _heard(kind: str, values: Mapping[str, Value]) -> Select:
    account, on, source = HEARD[kind]
    columns = [Column("account_id", account, pl.Int64()), Column("on", on, pl.Date())]
    return _select(columns, source, f"t.entity_id = {{entity}} AND {on} >= {{since}}", values)


def _select(columns: Sequence[Column], source: str, where: str, values: Mapping[str, Value]) -> Select:
    return Select(columns, *filled(f"FROM {source} WHERE {where}", values))
