"""Two of us at the same money, each with a connection to PostgreSQL: each line is applied once, and no cent twice."""

from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest
from django.db import transaction

from dunwell.flows.cash import holding, statements
from dunwell.flows.cash.allowed import change_settings
from dunwell.flows.cash.applying import apply_certain, apply_match, apply_to, set_aside
from dunwell.flows.cash.entries import gave_way
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import pay
from dunwell.flows.cash.statements import import_statements
from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.people.holds import place
from dunwell.records import frames
from dunwell.records.models import Allocation, BankLine, BankMatch, Hold, Item, Payment
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.cash.test_statements import DETAIL, PART, SUM
from tests.flows.runs.test_two_at_once import SECONDS_MAX, at_once, busy_town, wait_for_waiters
from tests.flows.town import Town, day
from tests.sources.bank.camt_files import balance, entry, message
from tests.sources.bank.mt940_files import mt940

__all__ = ["busy_town"]
BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
LINES: Final = 30


@pytest.fixture
def bank(busy_town: Town, tmp_path: Path) -> Town:
    """ACME with thirty lines for thirty invoices of three debtors, matched and not applied."""
    bank_account(busy_town.entity)
    for n in range(LINES):
        busy_town.item(f"N-{70_000 + n}", f"D{n % 3}", f"{10 + n}.00 EUR", "2026-02-01")
    take(tmp_path, mt940([f"260302 {10 + n} //C{n} N-{70_000 + n}" for n in range(LINES)], opens=0))
    match_lines(busy_town.entity, apply=False, **BERT)
    BankMatch.objects.update(outcome="apply")
    return busy_town


def test_two_who_match_at_once_apply_each_line_once(bank: Town) -> None:
    reports = at_once(*(lambda: match_lines(bank.entity, **BERT) for _ in range(2)))
    assert [type(report).__name__ for report in reports] == ["MatchReport", "MatchReport"]
    assert Payment.objects.count() == Allocation.objects.count() == LINES
    assert not Item.objects.filter(kind="invoice", open_minor__gt=0).exists()
    assert set(BankLine.objects.values_list("state", flat=True)) == {"applied"}


def test_a_line_that_a_person_applies_while_others_are_is_applied_once(bank: Town) -> None:
    lines = list(BankLine.objects.order_by("pk").values_list("pk", flat=True))
    many, one = at_once(
        lambda: len(apply_certain(bank.entity, lines, **BERT)), lambda: apply_match(bank.entity, lines[7], **BERT)
    )
    assert (many, isinstance(one, Conflict)) in ((LINES, True), (LINES - 1, False))
    assert Payment.objects.count() == LINES


def test_two_lines_for_one_invoice_applied_at_once_leave_one_of_them_waiting(bank: Town) -> None:
    first, second = BankLine.objects.order_by("pk")[:2]
    number = "N-70029"
    apply = [lambda pk=pk: apply_to(bank.entity, pk, items=[number], **BERT) for pk in (first.pk, second.pk)]
    at_once(*apply)
    at_most = sum(Allocation.objects.filter(item__number=number).values_list("amount_minor", flat=True))
    assert at_most == 1_000 + 1_100
    assert bank.open(number) == 3_900 - at_most


def test_money_that_is_noted_by_hand_beside_its_line_pays_no_more_than_is_open(bank: Town) -> None:
    line, item = BankLine.objects.order_by("pk").first(), bank.get("N-70000")
    assert line is not None
    account = item.account.code
    at_once(
        lambda: apply_match(bank.entity, line.pk, **BERT),
        lambda: pay(bank.entity, account, amount="10.00", items=[item.number], on=day("2026-03-02"), **BERT),
    )
    assert sum(Allocation.objects.filter(item=item).values_list("amount_minor", flat=True)) == 1_000
    assert bank.open(item.number) == 0


def test_a_line_is_set_aside_or_applied_and_never_both(bank: Town) -> None:
    line = BankLine.objects.order_by("pk").first()
    assert line is not None
    done = at_once(
        lambda: set_aside(bank.entity, line.pk, reason="not ours", **BERT),
        lambda: apply_match(bank.entity, line.pk, **BERT),
    )
    assert sum(isinstance(each, Conflict) for each in done) == 1
    line.refresh_from_db()
    assert (line.state, Payment.objects.count()) in (("applied", 1), ("set_aside", 0))


def test_a_hold_goes_to_another_payer_while_money_of_both_is_applied(
    busy_town: Town, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank_account(busy_town.entity)
    change_settings(busy_town.entity, {"hold_back_days": "10"}, **BERT)
    payers = [busy_town.item(number, number[0] * 3, "70.00 EUR", "2026-02-01").account_id for number in ("A-1", "B-1")]
    take(tmp_path, mt940(["260302 50 //B1 hello"], opens=0))
    BankLine.objects.update(party_name="Bbb GmbH")
    match_lines(busy_town.entity, **BERT)
    BankLine.objects.update(party_name="Aaa GmbH")
    is_let_go = Event()

    def after(*told: Any, **more: Any) -> list[int]:
        is_let_go.set()
        wait_for_waiters(postgresql, 1)
        return place(*told, **more)

    def both() -> None:
        is_let_go.wait(SECONDS_MAX)
        with transaction.atomic():
            frames.lock_payers(payers)

    monkeypatch.setattr(holding, "place", after)
    results = at_once(lambda: match_lines(busy_town.entity, **BERT), both)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert list(Hold.objects.filter(released_on=None).values_list("account__code", flat=True)) == ["AAA"]


@pytest.mark.parametrize("number", range(4))
def test_a_sum_that_is_applied_while_its_details_come_in_is_never_there_twice(
    busy_town: Town, tmp_path: Path, number: int
) -> None:
    """Whoever is first: the details take the place of the sum, or the sum is applied and they stay out."""
    bank_account(busy_town.entity)
    busy_town.item("A-17", "MEYER", "100.00 EUR", "2026-02-01")
    take(tmp_path, SUM, "statement.xml")
    line = BankLine.objects.get()
    detail = tmp_path / "advice.xml"
    detail.write_text(DETAIL, encoding="utf-8")
    come, applied = at_once(
        lambda: import_statements(detail, by="bert", at=AT),
        lambda: apply_to(busy_town.entity, line.pk, items=["A-17"], **BERT),
    )
    assert not isinstance(come, Exception)
    assert sum(BankLine.objects.values_list("amount_minor", flat=True)) == 10_000
    if isinstance(applied, Exception):
        assert isinstance(applied, (Conflict, NotFound))
        assert (BankLine.objects.count(), busy_town.open("A-17")) == (2, 10_000)
    else:
        assert (BankLine.objects.get().state, busy_town.open("A-17")) == ("applied", 0)


def test_details_that_come_in_their_own_order_while_lines_are_matched(
    busy_town: Town, postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file begins with the later line, and who matches with the earlier one, and waits until the file is in."""
    bank_account(busy_town.entity)
    refs = ["<AcctSvcrRef>B-1</AcctSvcrRef>", "<AcctSvcrRef>B-2</AcctSvcrRef>"]
    balances = (balance("OPBD", "0.00"), balance("CLBD", "200.00"))
    take(tmp_path, message(*balances, *(entry("100.00", before=ref) for ref in refs)), "statement.xml")
    parts = [PART.format("60.00"), PART.format("40.00")]
    detail = tmp_path / "advice.xml"
    detail.write_text(message(*(entry("100.00", *parts, before=ref) for ref in reversed(refs)), kind="054"))
    has_begun = Event()

    def slowly(line_id: int, *, by: str, at: datetime) -> BankLine | None:
        line = gave_way(line_id, by=by, at=at)
        if not has_begun.is_set():
            has_begun.set()
            wait_for_waiters(postgresql, 1)
        return line

    def matching() -> None:
        has_begun.wait(SECONDS_MAX)
        match_lines(busy_town.entity, **BERT)

    monkeypatch.setattr(statements, "gave_way", slowly)
    results = at_once(lambda: import_statements(detail, by="bert", at=AT), matching)
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sorted(BankLine.objects.values_list("amount_minor", flat=True)) == [4_000, 4_000, 6_000, 6_000]
