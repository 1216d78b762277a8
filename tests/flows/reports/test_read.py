"""How much of a book is read for a measure, and by which ways."""

import pytest
from django.db import connection

from dunwell.engine.history import SCHEMAS
from dunwell.flows.cash.pay import take_back
from dunwell.flows.people.promises import promise
from dunwell.flows.reports.known import history_of
from dunwell.flows.reports.measures import MEASURES
from dunwell.insight.trade import Days
from dunwell.records.connect import is_postgresql
from dunwell.records.frames import filled
from dunwell.records.history import ELSEWHERE, OF_ITEMS, SET_OFF, SPENT, WANTED, history
from dunwell.records.models import Item
from tests.flows.reports.test_measures import paid, sold
from tests.flows.town import Town, day, noon

MARCH = Days(day("2026-03-01"), day("2026-03-31"))
LEDGERS = [
    f"{source} WHERE {where} AND t.{column} IN {OF_ITEMS}" for column, source, where in (SET_OFF, SPENT, ELSEWHERE)
]


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_only_countback_looks_further_back_than_the_days(town: Town, name: str) -> None:
    town.item("A-0", "MEYER", "1.00 EUR", "2025-01-31", issued_on=day("2025-01-01"), open_minor=0,
              closed_on=day("2025-02-01"))  # fmt: skip
    town.item("A-1", "MEYER", "1.00 EUR", "2026-03-31", issued_on=day("2026-03-01"))
    told = history_of(town.entity, MARCH, months_back=MEASURES[name].months_back)
    assert sorted(told.items["number"]) == (["A-0", "A-1"] if name == "dso" else ["A-1"])


@pytest.mark.parametrize("source", [f"records_item t WHERE {WANTED['items']}", *LEDGERS])
def test_what_happened_from_a_day_on_is_found_by_indexes(db: str, source: str) -> None:
    tail, params = filled(f"SELECT t.id FROM {source}", {"entity": 1, "since": "2026-03-01"})
    with connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute("SET enable_seqscan = off")  # what is left has no index
        cursor.execute(f"EXPLAIN {'' if is_postgresql() else 'QUERY PLAN'} {tail}", params)
        plan = [str(row[-1]) for row in cursor.fetchall()]
    assert [step for step in plan if "Seq Scan" in step or step.startswith(("SCAN t", "SCAN records"))] == []


def test_what_a_history_tells_from_a_later_day_on_is_what_is_read_from_it(town: Town) -> None:
    sold(town, "A-0", "9.00 EUR", "2025-11-01", "2025-11-30", open_minor=0, closed_on=day("2025-12-20"))
    sold(town, "A-1", "100.00 EUR", "2026-01-05", "2026-02-04")
    sold(town, "A-2", "50.00 EUR", "2026-02-05", "2026-03-07")
    credit = sold(town, "C-1", "40.00 EUR", "2026-02-10", None, kind="credit")
    town.run("2026-02-10")
    gone = paid(town, "A-1", "30.00", "2026-02-12")
    take_back(town.entity, gone, reason="R", on=day("2026-02-20"), by="anna", at=noon("2026-02-20"))
    town.get("A-2").allocations_in.create(source_item=credit, amount_minor=4000, on=day("2026-02-25"))
    Item.objects.filter(number="A-2").update(open_minor=1000)
    Item.objects.filter(number="C-1").update(open_minor=0, closed_on=day("2026-02-25"))
    promise(town.entity, "MEYER", amount="60.00", currency="EUR", by_on=day("2026-03-02"), items=["A-1"],
            on=day("2026-02-26"), by="anna", at=noon("2026-02-26"))  # fmt: skip
    paid(town, "A-1", "100.00", "2026-03-02")
    whole = history(town.entity.pk, since=day("2025-11-01"))
    assert [name for name in SCHEMAS if getattr(whole, name).is_empty()] == ["disputes"]
    for on in ("2025-11-01", "2025-12-21", "2026-02-10", "2026-02-11", "2026-02-25", "2026-03-02", "2026-03-03"):
        later, read = whole.since(day(on)), history(town.entity.pk, since=day(on))
        for name in SCHEMAS:
            assert getattr(later, name).equals(getattr(read, name)), (name, on)
    assert read.items.height < whole.items.height
    with pytest.raises(ValueError, match="this history begins on 2026-03-01"):
        whole.since(day("2026-03-01")).since(day("2026-02-28"))
