"""How much of a book is read for a measure, and by which ways."""

import pytest
from django.db import connection

from dunwell.flows.reports.known import history_of
from dunwell.flows.reports.measures import MEASURES
from dunwell.insight.trade import Days
from dunwell.records.connect import is_postgresql
from dunwell.records.frames import filled
from dunwell.records.history import ELSEWHERE, OF_ITEMS, SET_OFF, SPENT, WANTED
from tests.flows.town import Town, day

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
