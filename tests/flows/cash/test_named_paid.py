"""Money that names an invoice that is paid already pays no other by itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.engine.references import reference_of, shown
from dunwell.flows.cash import reading
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import pay
from dunwell.flows.cash.review import waiting
from dunwell.records.models import Account, Item, KnownPayer
from tests.flows.cash.banking import AT, bank_account
from tests.flows.cash.camt_returns import THEIRS, book, came
from tests.flows.town import Town, day

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}


@pytest.fixture
def bank(town: Town) -> Town:
    """MEYER owes two invoices of one amount."""
    bank_account(town.entity)
    town.account("MEYER")
    for number in ("INV-20170", "INV-20171"):
        town.item(number, "MEYER", "100.00 EUR", "2026-02-01")
    return town


def open_ones(town: Town) -> list[int]:
    return [town.open(number) for number in ("INV-20170", "INV-20171")]


def waits(town: Town) -> list[tuple[str | None, bool]]:
    """Whose the waiting lines may be, and whether they name what is paid."""
    return [(line.account, "named_paid" in line.why) for line in waiting(town.entity, most=9).lines]


@pytest.mark.parametrize("by_iban", [True, False])
def test_a_second_payment_of_one_invoice_does_not_pay_the_next(bank: Town, tmp_path: Path, *, by_iban: bool) -> None:
    book(tmp_path, came("100.00", "2026-03-02", "INV-20170", ref="E2E-17"))
    assert match_lines(bank.entity, **BERT).applied == 1
    if not by_iban:
        KnownPayer.objects.all().delete()
    book(tmp_path, came("100.00", "2026-03-05", "paying INV-20170", ref="E2E-18"), name="later.xml")
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, report.proposed, open_ones(bank)) == (0, 1, [0, 10_000])
    assert waits(bank) == [("MEYER", True)]


def test_money_that_a_person_has_entered_already_does_not_count_twice(bank: Town, tmp_path: Path) -> None:
    pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-02"), **BERT)
    book(tmp_path, came("100.00", "2026-03-02", "INV-20170", ref="E2E-17"))
    assert match_lines(bank.entity, **BERT).applied == 0
    assert (open_ones(bank), waits(bank)) == ([0, 10_000], [("MEYER", True)])


def test_what_a_parent_pays_for_is_its_own(bank: Town, tmp_path: Path) -> None:
    bank.account("HOLDING")
    Account.objects.filter(code="MEYER").update(parent=Account.objects.get(code="HOLDING"))
    pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-02"), **BERT)
    KnownPayer.objects.create(
        entity=bank.entity, kind="iban", value=THEIRS, account=Account.objects.get(code="HOLDING"),
        since_on=day("2026-01-01"),
    )  # fmt: skip
    book(tmp_path, came("100.00", "2026-03-02", "INV-20170", ref="E2E-17"))
    assert (match_lines(bank.entity, **BERT).applied, open_ones(bank)) == (0, [0, 10_000])


def test_what_was_closed_long_ago_is_not_meant(bank: Town, tmp_path: Path) -> None:
    pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-02"), **BERT)
    Item.objects.filter(number="INV-20170").update(closed_on=day("2025-02-02"))  # 401 days before
    book(tmp_path, came("100.00", "2026-03-02", "INV-20170", ref="E2E-17"))
    assert (match_lines(bank.entity, **BERT).applied, open_ones(bank)) == (1, [0, 0])


def test_nothing_closed_is_read_where_lines_name_what_is_open(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(tmp_path, came("100.00", "2026-03-02", "INV-20170", ref="E2E-17"))
    looked_at: list[int] = []

    def seen(ids: Iterable[int]) -> list[list[int]]:
        looked_at.extend(ids)
        return []

    monkeypatch.setattr(reading, "in_pieces", seen)
    assert (match_lines(bank.entity, **BERT).applied, looked_at) == (1, [])
    book(tmp_path, came("100.00", "2026-03-05", "INV-20170", ref="E2E-18"), name="later.xml")
    match_lines(bank.entity, **BERT)
    assert looked_at == [Account.objects.get(code="MEYER").pk]


def test_a_second_payment_of_one_notice_does_not_pay_what_was_on_none(bank: Town, tmp_path: Path) -> None:
    bank.entity.reference_scheme = "rf"
    bank.entity.save()
    Item.objects.filter(number="INV-20171").update(due_on=day("2026-06-01"))
    notice = bank.notice(bank.run("2026-03-02"), "MEYER")
    said = shown("rf", reference_of("rf", notice.pk))
    book(tmp_path, came("100.00", "2026-03-05", said, ref="E2E-17"))
    assert (match_lines(bank.entity, **BERT).applied, open_ones(bank)) == (1, [0, 10_000])
    book(tmp_path, came("100.00", "2026-03-06", f"again {said}", ref="E2E-18"), name="later.xml")
    assert (match_lines(bank.entity, **BERT).applied, waits(bank)) == (0, [("MEYER", True)])
    Item.objects.filter(number="INV-20170").update(closed_on=day("2025-02-02"))  # 401 days before
    assert (match_lines(bank.entity, **BERT).applied, open_ones(bank)) == (1, [0, 0])


@pytest.mark.parametrize(
    ("paid", "owed"), [("2026002", "2026003"), ("RE-10001", "AB-10001")], ids=["a digit", "the letters"]
)
def test_an_invoice_paid_twice_does_not_pay_that_of_another_debtor(
    bank: Town, tmp_path: Path, paid: str, owed: str
) -> None:
    bank.account("SMITH")
    bank.item(paid, "MEYER", "99.00 EUR", "2026-02-01")
    bank.item(owed, "SMITH", "99.00 EUR", "2026-02-01")
    book(tmp_path, came("99.00", "2026-03-02", paid, ref="E2E-17"))
    assert match_lines(bank.entity, **BERT).applied == 1
    KnownPayer.objects.all().delete()
    book(tmp_path, came("99.00", "2026-03-06", f"Rechnung {paid}", ref="E2E-18", name="Agency"), name="later.xml")
    assert match_lines(bank.entity, **BERT).applied == 0
    assert bank.open(owed) == 9_900
