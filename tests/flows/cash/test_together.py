"""Lines applied many at a time: credits set off, what cannot be left out, and what nobody can tell asked of people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from django.db import connection

from dunwell.flows.cash import matching
from dunwell.flows.cash.applying import apply_certain, apply_match, apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.errors import Conflict
from dunwell.flows.people.tasks import close_task, open_tasks
from dunwell.flows.progress import untold
from dunwell.records.models import (
    Allocation,
    AuditEvent,
    BankLine,
    BankMatch,
    BankMatchPart,
    Charge,
    Item,
    Notice,
    Payment,
    Task,
)
from tests.flows.cash.banking import bank_account, take
from tests.flows.cash.test_matching import BERT, bank, line_of
from tests.flows.cash.test_waived import KEEPING
from tests.flows.town import Town, day, noon
from tests.sources.bank.mt940_files import mt940

__all__ = ["bank"]


def test_a_credit_note_that_the_payer_sets_off_lowers_the_invoice_and_the_money_pays_the_rest(
    bank: Town, tmp_path: Path
) -> None:
    bank.item("CN-55551", "MEYER", "10.00 EUR", "2026-02-05", kind="credit")
    take(tmp_path, mt940(["260302 90 //B1 INV-20170 CN-55551"], opens=0))
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, report.sums["EUR"]["applied"], report.sums["EUR"]["left"]) == (1, 9_000, 0)
    assert (bank.open("INV-20170"), bank.open("CN-55551")) == (0, 0)
    assert bank.get("CN-55551").closed_on is not None
    ledger = Allocation.objects.order_by("pk").values_list("source_item__kind", "item__number", "amount_minor")
    assert list(ledger) == [("credit", "INV-20170", 1_000), ("payment", "INV-20170", 9_000)]
    told = AuditEvent.objects.get(action="credit.set_off")
    assert (told.subject_label, told.detail["item"], told.detail["amount_minor"]) == ("CN-55551", "INV-20170", 1_000)


def test_a_line_that_is_taken_back_gives_the_credit_note_back_too(bank: Town, tmp_path: Path) -> None:
    bank.item("CN-55551", "MEYER", "10.00 EUR", "2026-02-05", kind="credit")
    take(tmp_path, mt940(["260302 90 //B1 INV-20170 CN-55551"], opens=0))
    match_lines(bank.entity, **BERT)
    unapply(bank.entity, line_of(9_000), reason="it was for another", **BERT)
    assert (bank.open("INV-20170"), bank.open("CN-55551")) == (10_000, 1_000)
    assert bank.get("CN-55551").closed_on is None
    match_lines(bank.entity, **BERT)
    assert BankMatch.objects.get().outcome == "propose"
    apply_match(bank.entity, line_of(9_000), **BERT)
    assert (bank.open("INV-20170"), bank.open("CN-55551")) == (0, 0)


def test_a_credit_note_that_is_used_up_meanwhile_is_not_set_off_twice(bank: Town, tmp_path: Path) -> None:
    bank.item("CN-55551", "MEYER", "10.00 EUR", "2026-02-05", kind="credit")
    take(tmp_path, mt940(["260302 90 //B1 INV-20170 CN-55551"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    Item.objects.filter(number="CN-55551").update(open_minor=400)
    assert apply_certain(bank.entity, [line_of(9_000)], **BERT) == set()
    with pytest.raises(Conflict, match="less is open of CN-55551 than line"):
        apply_match(bank.entity, line_of(9_000), **BERT)
    assert (bank.open("INV-20170"), bank.open("CN-55551")) == (10_000, 400)


def test_lines_of_one_transaction_never_take_more_than_is_open_of_an_item(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 60 //B1 INV-20170", "260303 70 //B2 hello"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    item, other = bank.get("INV-20170"), line_of(7_000)
    BankMatch.objects.update(outcome="apply", account=item.account)
    BankMatchPart.objects.create(entity=bank.entity, match_id=other, item=item, amount_minor=7_000)
    assert apply_certain(bank.entity, [line_of(6_000), other], **BERT) == {line_of(6_000)}
    assert (bank.open("INV-20170"), Payment.objects.count()) == (4_000, 1)


def test_lines_of_several_days_and_payers_are_applied_in_the_order_of_their_days(bank: Town, tmp_path: Path) -> None:
    entries = ["260302 40 //B1 INV-20170", "260303 80 //B2 INV-30990", "260304 60 //B3 INV-20170"]
    take(tmp_path, mt940(entries, opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    BankMatch.objects.update(outcome="apply")
    assert len(apply_certain(bank.entity, BankLine.objects.values_list("pk", flat=True), **BERT)) == 3
    days = Allocation.objects.order_by("pk").values_list("on", "item__number", "amount_minor")
    assert [(str(on), number, minor) for on, number, minor in days] == [
        ("2026-03-02", "INV-20170", 4_000), ("2026-03-03", "INV-30990", 8_000), ("2026-03-04", "INV-20170", 6_000),
    ]  # fmt: skip
    assert [str(bank.get(number).closed_on) for number in ("INV-20170", "INV-30990")] == ["2026-03-04", "2026-03-03"]
    assert set(BankLine.objects.values_list("state", flat=True)) == {"applied"}


def test_one_that_the_book_refuses_does_not_keep_the_others_from_being_applied(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170", "260302 80 //B2 INV-30990"], opens=0))

    def moved(step: str, done: int = 0, total: int = 0) -> None:
        if step == "applying":  # an import has found that it is another's, after it was matched
            bank.item("X-1", "OTHER", "1.00 EUR", None)
            Item.objects.filter(number="INV-20170").update(account=bank.get("X-1").account)

    report = match_lines(bank.entity, progress=moved, **BERT)
    assert (report.applied, report.passed_by) == (1, 1)
    assert (bank.open("INV-20170"), bank.open("INV-30990")) == (10_000, 0)
    assert BankLine.objects.get(amount_minor=10_000).state == "proposed"


def test_notices_of_all_payers_of_a_transaction_follow_at_once(bank: Town, tmp_path: Path) -> None:
    bank.post(bank.propose("2026-03-01"))
    assert set(Notice.objects.values_list("state", flat=True)) == {"posted"}
    assert Notice.objects.count() == 2
    take(
        tmp_path, mt940(["260302 100 //B1 INV-20170", "260302 80 //B2 INV-30990", "260302 50 //B3 INV-20180"], opens=0)
    )
    match_lines(bank.entity, **BERT)
    assert set(Notice.objects.values_list("state", flat=True)) == {"withdrawn"}


def test_so_many_lines_at_once_leave_what_one_after_the_other_leaves(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        bank.item(f"N-{70_000 + number}", "SMITH", f"{10 + number}.00 EUR", "2026-02-01")
    take(tmp_path, mt940([f"2603{2 + n // 5:02} {10 + n} //C{n} N-{70_000 + n}" for n in range(12)], opens=0))
    monkeypatch.setattr(matching, "AT_ONCE", 5)
    assert match_lines(bank.entity, **BERT).applied == 12
    assert all(bank.open(f"N-{70_000 + n}") == 0 for n in range(12))
    assert Payment.objects.count() == Allocation.objects.count() == 12
    assert AuditEvent.objects.filter(action="payment.received").count() == 12


@pytest.fixture
def costly(town: Town) -> Town:
    """A-17555 of 100.00 was noticed with a fee of 5.00, which goes before it by law."""
    bank_account(town.entity)
    town.apply(KEEPING)
    town.item("A-17555", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    assert Charge.objects.update(first=True) == 1
    return town


def the_fee() -> Item:
    return Item.objects.get(kind="charge")


LATER: Final[dict[str, Any]] = {"by": "bert", "at": noon("2026-04-20")}


def test_costs_that_go_first_leave_no_item_open_whose_money_is_there(costly: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260410 105 //B1 hello"], opens=0, on=("260410", "260410")), at=LATER["at"])
    apply_to(costly.entity, line_of(10_500), items=["A-17555"], **LATER)
    assert (costly.open("A-17555"), the_fee().open_minor) == (0, 0)
    match = BankMatch.objects.get()
    assert (match.applied_minor, match.left_minor) == (10_500, 0)


def test_nothing_is_granted_where_costs_that_go_first_leave_the_item_open(costly: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260410 99 //B1 A-17555"], opens=0, on=("260410", "260410")), at=LATER["at"])
    assert match_lines(costly.entity, **LATER).applied == 1
    assert (costly.open("A-17555"), the_fee().open_minor) == (600, 0)
    part = BankMatchPart.objects.get()
    assert (part.amount_minor, part.difference_minor, part.credit) == (9_900, 0, None)
    assert not AuditEvent.objects.filter(action="difference.granted").exists()


def test_a_difference_is_granted_where_the_line_pays_what_goes_first_too(costly: Town, tmp_path: Path) -> None:
    Item.objects.filter(kind="charge").update(number="FEE-70001")
    take(tmp_path, mt940(["260410 104 //B1 A-17555 FEE-70001"], opens=0, on=("260410", "260410")), at=LATER["at"])
    assert match_lines(costly.entity, **LATER).applied == 1
    assert (costly.open("A-17555"), the_fee().open_minor) == (0, 0)


def test_nothing_is_granted_of_an_item_of_which_more_is_open_by_now(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 60 //B1 INV-20170", "260302 39 //B2 INV-20170"], opens=0))
    first, second = line_of(6_000), line_of(3_900)
    match_lines(bank.entity, apply=False, **BERT)
    apply_match(bank.entity, first, **BERT)
    match_lines(bank.entity, apply=False, **BERT)
    assert BankMatchPart.objects.get(match=second).difference_minor == 100
    unapply(bank.entity, first, reason="it was for another", **BERT)
    apply_match(bank.entity, second, **BERT)
    assert (bank.open("INV-20170"), BankMatchPart.objects.get(match=second).difference_minor) == (6_100, 0)


@pytest.mark.parametrize("at_once", [100, 1])
def test_a_line_whose_fee_was_paid_first_out_of_another_waits_and_is_not_applied_to_nothing(
    costly: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(matching, "AT_ONCE", at_once)
    fee = the_fee()
    entries = ["260410 100 //B1 A-17555", f"260410 5 //B2 {fee.number}"]
    take(tmp_path, mt940(entries, opens=0, on=("260410", "260410")), at=LATER["at"])
    match_lines(costly.entity, apply=False, **LATER)
    BankMatch.objects.filter(line=line_of(500)).delete()
    BankMatch.objects.create(
        entity=costly.entity, line_id=line_of(500), step="one_item", confidence_permille=985, applied_minor=500,
        left_minor=0,
    )  # fmt: skip
    BankMatchPart.objects.create(entity=costly.entity, match_id=line_of(500), item=fee, amount_minor=500)
    BankMatch.objects.update(outcome="apply", account=fee.account)
    certain = list(BankLine.objects.order_by("pk").values_list("pk", flat=True))
    matching._apply(  # both at once, however certain they are
        costly.entity, pl.DataFrame({"line_id": certain, "booked_on": [day("2026-04-10")] * 2}), certain,
        progress=untold, **LATER,
    )  # fmt: skip
    assert (line_state(10_000), line_state(500) != "applied") == ("applied", True)
    assert (costly.open("A-17555"), Payment.objects.count()) == (500, 1)


def line_state(amount_minor: int) -> str:
    return BankLine.objects.get(amount_minor=amount_minor).state


def test_what_somebody_took_back_meanwhile_is_not_applied_by_itself(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 INV-20170"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    BankLine.objects.update(taken_back=True)
    assert apply_certain(bank.entity, [line_of(10_000)], **BERT) == set()


def test_items_that_somebody_else_has_paid_meanwhile_are_told(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 //B1 x", "260303 100 //B2 x"], opens=0))
    first, second = BankLine.objects.order_by("pk").values_list("pk", flat=True)
    apply_to(bank.entity, first, items=["INV-20170"], **BERT)
    with pytest.raises(Conflict, match="nothing is open of INV-20170: it has been paid meanwhile"):
        apply_to(bank.entity, second, items=["INV-20170"], **BERT)
    assert Payment.objects.count() == 1


def test_what_nobody_can_tell_is_a_task_with_the_best_guesses_until_it_is_dealt_with(
    bank: Town, tmp_path: Path
) -> None:
    take(tmp_path, mt940(["260302 80 //B1 hello", "260302 7 //B2 what is this"], opens=0))
    match_lines(bank.entity, **BERT)
    tasks = {task.line: task for task in open_tasks(bank.entity, most=9).tasks}
    assert set(tasks) == {line_of(8_000), line_of(700)}
    task = tasks[line_of(8_000)]
    assert task.kind == "bank_line"
    assert task.detail.startswith(f"bank line {line_of(8_000)}: 80.00 EUR on 2026-03-02 from somebody (hello)")
    assert "; perhaps SMITH INV-30990 (" in task.detail
    with pytest.raises(Conflict, match=f"bank line {line_of(8_000)} waits: apply it or set it aside"):
        close_task(task.task, note="done", **BERT)
    apply_to(bank.entity, line_of(8_000), items=["INV-30990"], **BERT)
    set_aside(bank.entity, line_of(700), reason="a refund of our bank", **BERT)
    assert open_tasks(bank.entity, most=9).tasks == []
    assert set(Task.objects.values_list("closed_by", flat=True)) == {"bert"}


def test_a_task_says_what_is_known_by_now_and_ends_with_a_proposal(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 33 //B1 INV-77777"], opens=0))
    match_lines(bank.entity, **BERT)
    (before,) = Task.objects.values_list("pk", flat=True)
    bank.item("OLD-1", "SMITH", "33.00 EUR", "2026-02-01")
    match_lines(bank.entity, **BERT)
    task = Task.objects.get(closed_at=None)
    assert (task.pk, "OLD-1" in task.detail) == (before, True)
    bank.item("INV-77777", "MEYER", "33.00 EUR", "2026-02-01")
    match_lines(bank.entity, apply=False, **BERT)
    assert not Task.objects.filter(closed_at=None).exists()


def test_what_is_said_as_before_is_not_written_again(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 17 //B1 hello", "260302 80 //B2 SMITH GmbH"], opens=0))
    match_lines(bank.entity, apply=False, **BERT)
    before = list(BankMatch.objects.order_by("pk").values())
    statements: list[str] = []

    def heard(execute: Callable[..., Any], sql: str, *rest: Any) -> object:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(heard):
        match_lines(bank.entity, apply=False, **BERT)
    assert list(BankMatch.objects.order_by("pk").values()) == before
    written = [sql for sql in statements if sql.startswith(("INSERT", "DELETE", "UPDATE"))]
    assert statements
    assert written == []
