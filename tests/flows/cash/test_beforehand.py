"""Money comes first: what waits is matched before a run decides, whoever begins it."""

from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import DatabaseError

from dunwell.flows.cash import beforehand
from dunwell.flows.cash.allowed import change_settings
from dunwell.flows.cash.beforehand import match_first, unmatched
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.runs.work import Piece, do, due, start_run
from dunwell.records.models import AuditEvent, BankMatch, Payment, Run, Task
from tests.flows.cash.banking import bank_account, take
from tests.flows.runs.killed import work_off
from tests.flows.town import Town, day, noon
from tests.sources.bank.mt940_files import mt940

ON: Final = "2026-03-10"
BERT: Final[dict[str, Any]] = {"by": "bert", "at": noon(ON)}


def at() -> datetime:
    """The instant at which workers work."""
    return noon(ON)


@pytest.fixture
def paid(town: Town, tmp_path: Path) -> Town:
    """MEYER has paid and SMITH has not, and nobody has looked at the bank statement yet; runs are posted at noon."""
    bank_account(town.entity)
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("INV-30990", "SMITH", "80.00 EUR", "2026-03-01")
    take(tmp_path, mt940(["260309 100 //B1 INV-20170"], opens=0))
    town.entity.run_at, town.entity.run_posts = time(12), True
    town.entity.save()
    return town


def broken(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Matching fails."""

    def fails(*_told: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(beforehand, "match_lines", fails)


def test_who_has_paid_is_not_reminded_by_a_run_of_the_workers(paid: Town) -> None:
    work_off(at())
    assert paid.open("INV-20170") == 0
    assert [notice.payer.code for notice in Run.objects.get().notices.all()] == ["SMITH"]
    assert AuditEvent.objects.get(action="payment.received").actor == "schedule"
    assert len(paid.outbox) == 1


def test_nor_by_one_that_a_person_proposes(paid: Town) -> None:
    assert paid.propose(ON).counts["outcomes"] == {"dun": 1}
    assert AuditEvent.objects.get(action="payment.received").actor == "anna"


def test_nor_by_one_that_is_handed_over(paid: Town) -> None:
    run = start_run(paid.entity, as_of=day(ON), posts=True, **BERT)
    assert (paid.open("INV-20170"), run.posts) == (0, True)


def test_an_entity_may_have_it_otherwise(paid: Town) -> None:
    change_settings(paid.entity, {"match_before_run": "no"}, **BERT)
    assert paid.propose(ON).counts["outcomes"] == {"dun": 2}
    assert unmatched(paid.entity, on=day(ON)).lines == 1
    assert unmatched(paid.entity, on=day("2026-03-08")).lines == 0  # it came in the day after


def test_nor_is_one_whose_invoice_came_in_after_its_money_was_looked_at(paid: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260309 70 //B2 INV-40000"], opens=100), name="next.sta")
    match_lines(paid.entity, **BERT)
    assert unmatched(paid.entity, on=day(ON)).lines == 0
    paid.item("INV-40000", "JONES", "70.00 EUR", "2026-03-01")
    assert paid.propose(ON).counts["outcomes"] == {"dun": 1}
    assert paid.open("INV-40000") == 0


def test_where_nothing_waits_nothing_is_matched(paid: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    match_lines(paid.entity, **BERT)
    broken(monkeypatch, AssertionError("nothing was to be matched"))
    assert paid.propose(ON).counts["outcomes"] == {"dun": 1}
    assert not Task.objects.exists()


def test_what_cannot_be_matched_is_told_and_the_run_is_for_a_person_to_post(
    paid: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken(patch, ZeroDivisionError("division by zero"))
        work_off(at())
        (run,) = Run.objects.all()
        assert (run.state, run.posts, run.counts["outcomes"]) == ("proposed", False, {"dun": 2})
        assert paid.outbox == []
        task = Task.objects.get()
        assert (task.kind, task.detail) == (
            "money_not_matched",
            "before a run, money could not be matched: division by zero",
        )
        broken(patch, KeyError())
        assert not start_run(paid.entity, as_of=day(ON), posts=True, **BERT).posts
        task.refresh_from_db()
        assert unmatched(paid.entity, on=day(ON)).why == task.detail
        assert task.detail.endswith("KeyError")
    assert paid.propose(ON).counts["outcomes"] == {"dun": 1}
    task.refresh_from_db()
    assert (task.closed_by, Task.objects.count()) == ("anna", 1)


def test_what_could_not_be_matched_is_asked_until_somebody_has_looked_at_it(
    paid: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken(patch, ZeroDivisionError("division by zero"))
        match_first(paid.entity, **BERT)
    change_settings(paid.entity, {"match_before_run": "no"}, **BERT)
    assert match_first(paid.entity, **BERT)
    assert unmatched(paid.entity, on=day(ON)).why.endswith("division by zero")
    match_lines(paid.entity, apply=False, **BERT)
    match_first(paid.entity, **BERT)
    assert unmatched(paid.entity, on=day(ON)).why == ""


def test_settings_that_can_be_none_are_named_in_the_task(paid: Town) -> None:
    paid.entity.cash = {"treshold_permille": 900}
    paid.entity.save()
    paid.propose(ON)
    assert "treshold_permille: there is no such setting" in Task.objects.get(kind="money_not_matched").detail


def test_a_database_that_is_gone_is_no_fault_of_the_money(paid: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    (piece,) = due(at())
    with monkeypatch.context() as patch:
        broken(patch, DatabaseError("the connection is closed"))
        with pytest.raises(DatabaseError):
            do(piece, clock=at, by="worker")
    assert (list(due(at())), Task.objects.count()) == ([piece], 0)
    work_off(at())
    assert paid.open("INV-20170") == 0


def test_two_workers_who_begin_at_once_apply_the_money_once(paid: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_first(*told: Any, **more: Any) -> object:  # whatever it takes
        monkeypatch.setattr(beforehand, "match_lines", match_lines)
        do(Piece("begin", paid.entity.pk), clock=at, by="other")
        return match_lines(*told, **more)

    monkeypatch.setattr(beforehand, "match_lines", other_first)
    work_off(at())
    assert (Payment.objects.count(), BankMatch.objects.count(), Run.objects.count()) == (1, 1, 1)
    assert not Task.objects.exists()


def test_without_a_line_nothing_is_matched(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, AssertionError("there is nothing to match"))
    assert match_first(town.entity, **BERT)
    assert not Task.objects.exists()
