"""Ageing and overview apart by what is known of accounts, and the one reading that an overview takes."""

from datetime import date
from decimal import Decimal

import pytest

from dunwell.engine.history import History
from dunwell.flows.errors import Invalid
from dunwell.flows.reports import known
from dunwell.flows.reports.ageing import ageing_report
from dunwell.flows.reports.overview import overview
from dunwell.flows.reports.period import days_before
from dunwell.records.history import history
from dunwell.records.models import Account
from tests.flows.reports.test_measures import MARCH, NOW, of, only, paid, sold
from tests.flows.town import Town, day


def segmented(town: Town) -> None:
    """An account with a segment, and one without."""
    sold(town, "A-1", "310.00 EUR", "2026-03-05", "2026-03-20")
    town.item("B-1", "HUBER", "50.00 EUR", "2026-04-28", issued_on=day("2026-02-20"))
    Account.objects.filter(code="MEYER").update(segment="smb")


def test_the_ageing_apart_by_segment_adds_up_to_the_whole(town: Town) -> None:
    segmented(town)
    apart = ageing_report([town.entity], as_of=day("2026-03-31"), at=NOW, by="segment")
    told = {row["segment"]: (row["days_1_30_minor"], row["not_due_minor"]) for row in apart.rows}
    assert told == {None: (0, 5000), "smb": (31000, 0)}
    (whole,) = ageing_report([town.entity], as_of=day("2026-03-31"), at=NOW).rows
    assert whole["total_minor"] == sum(row["total_minor"] for row in apart.rows)
    today = ageing_report([town.entity], as_of=None, at=NOW, by="segment")
    assert [(row["segment"], row["total_minor"]) for row in today.rows] == [(None, 5000), ("smb", 31000)]
    with pytest.raises(Invalid, match="--by: 'stage' tells no ageing apart: segment, country do"):
        ageing_report([town.entity], as_of=None, at=NOW, by="stage")


def test_the_overview_apart_by_segment_is_each_measure_so(town: Town) -> None:
    segmented(town)
    page = overview([town.entity], MARCH, at=NOW, by="segment")
    told = {(row["segment"], row["figure"]): row["value"] for row in page.rows}
    for row in of(town, "dso", by="segment").rows:
        for name in ("receivables_minor", "sales_minor", "dso_days", "countback_dso_days"):
            assert told[row["segment"], name] == row[name]
    assert told["smb", "overdue_percent"] == Decimal("100.00")
    with pytest.raises(Invalid, match="--by: 'channel' tells no overview apart: segment, country do"):
        overview([town.entity], MARCH, at=NOW, by="channel")


def test_the_overview_reads_the_history_once_and_shows_what_each_measure_does(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(town, "A-0", "7.00 EUR", "2024-02-01", "2024-02-15", open_minor=0, closed_on=day("2024-02-20"))
    sold(town, "A-1", "100.00 EUR", "2026-01-05", "2026-02-04")
    sold(town, "A-2", "310.00 EUR", "2026-03-05", "2026-04-04")
    paid(town, "A-1", "40.00", "2026-02-20")
    reads: list[date] = []

    def counted(entity_id: int, *, since: date) -> History:
        reads.append(since)
        return history(entity_id, since=since)

    monkeypatch.setattr(known, "history", counted)
    page = overview([town.entity], MARCH, at=NOW)
    assert reads == [day("2024-02-01")]
    told = {row["figure"]: (row["value"], row["before"]) for row in page.rows}
    now, before = only(of(town, "dso")), only(of(town, "dso", days_before(MARCH)))
    for name in ("dso_days", "countback_dso_days", "receivables_minor"):
        assert told[name] == (now[name], before[name])
