"""A cash discount comes with the item, and is granted to who pays in time; a late one is for a person."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.book.importing import import_items
from dunwell.flows.cash.applying import apply_match, unapply
from dunwell.flows.cash.matching import MatchReport, match_lines
from dunwell.flows.cash.reading import open_items
from dunwell.flows.cash.review import waiting
from dunwell.flows.runs.explain import explain_item
from dunwell.records.models import BankLine, BankMatchPart, Item
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.town import Town, day
from tests.sources.bank.mt940_files import mt940
from tests.sources.files import HEADER, MAPPING, csv

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
TERMS: Final = "terms: {column: terms}\n"
TWO_TEN: Final = "2/10 net 30"


def comes_with(town: Town, folder: Path, *rows: str, on: str = "2026-02-20") -> None:
    """Import items: number, amount, day of issue, and terms."""
    lines = []
    for row in rows:
        number, amount, issued, terms = row.split(",")
        lines.append(f"ACME,MEYER,Meyer GmbH,{number},EUR,{amount},{issued},2026-04-30,{terms}")
    file, mapping = folder / "items.csv", folder / "map.yaml"
    file.write_text(csv(*lines, header=f"{HEADER},terms"))
    mapping.write_text(MAPPING + TERMS)
    import_items(file, mapping, by="anna", at=AT, on=day(on))


def discounts(number: str) -> tuple[int | None, date | None]:
    """The discount of an item, and its last day."""
    item = Item.objects.get(number=number, kind="invoice")
    return item.discount_minor, item.discount_until_on


@pytest.fixture
def bank(town: Town, tmp_path: Path) -> Town:
    """ACME with its bank account, and MEYER with three invoices: two of them with 2 % off within 10 days."""
    bank_account(town.entity)
    comes_with(
        town,
        tmp_path,
        f"INV-20170,100.00,2026-02-20,{TWO_TEN}",
        f"INV-20180,200.00,2026-02-10,{TWO_TEN}",
        "INV-20190,50.00,2026-02-20,net 30",
    )
    return town


def paid(bank: Town, folder: Path, *entries: str) -> MatchReport:
    """Money comes in, and is matched."""
    take(folder, mt940(entries, opens=0))
    return match_lines(bank.entity, **BERT)


def test_items_come_with_their_discount_and_a_later_file_changes_it(bank: Town, tmp_path: Path) -> None:
    assert discounts("INV-20170") == (200, day("2026-03-02"))
    assert not discounts("INV-20190")[0]
    comes_with(bank, tmp_path, "INV-20170,100.00,2026-02-20,3% 14 days", "INV-20180,200.00,2026-02-10,net 30")
    assert discounts("INV-20170") == (300, day("2026-03-06"))
    assert discounts("INV-20180")[0] == 0
    comes_with(bank, tmp_path, "INV-20170,100.00,2026-02-20,")
    assert discounts("INV-20170") == (300, day("2026-03-06"))


def test_what_matching_reads_has_the_discount_of_those_that_grant_one(bank: Town) -> None:
    items, _payers = open_items(bank.entity, on=day("2026-03-10"))
    told = items.select("number", "discount_minor", "discount_until_on").sort("number")
    assert told.rows() == [
        ("INV-20170", 200, day("2026-03-02")),
        ("INV-20180", 400, day("2026-02-20")),
        ("INV-20190", None, None),
    ]


def test_an_item_explains_which_discount_it_has(bank: Town) -> None:
    found = explain_item(bank.entity, "INV-20170", as_of=day("2026-03-01"))
    assert found.sentences[-1] == "who pays by 2026-03-02 may take off 2.00 EUR of cash discount"
    none = explain_item(bank.entity, "INV-20190", as_of=day("2026-03-01"))
    assert not any("discount" in sentence for sentence in none.sentences)


def test_who_pays_less_by_the_discount_in_time_owes_nothing(bank: Town, tmp_path: Path) -> None:
    report = paid(bank, tmp_path, "260302 98 //B1 INV-20170")
    assert (report.applied, bank.open("INV-20170")) == (1, 0)
    part = BankMatchPart.objects.get()
    assert (part.amount_minor, part.discount_minor) == (9_800, 200)
    assert part.credit is not None
    assert (part.credit.kind, part.credit.amount_minor, part.credit.open_minor) == ("credit", 200, 0)
    assert bank.get("INV-20170").closed_on == day("2026-03-02")


def test_taking_the_money_back_takes_the_discount_back(bank: Town, tmp_path: Path) -> None:
    paid(bank, tmp_path, "260302 98 //B1 INV-20170")
    unapply(bank.entity, BankLine.objects.get().pk, reason="it was for another invoice", **BERT)
    assert bank.open("INV-20170") == 10_000
    assert bank.get("INV-20170").closed_on is None
    match_lines(bank.entity, **BERT)
    apply_match(bank.entity, BankLine.objects.get().pk, **BERT)
    assert bank.open("INV-20170") == 0


@pytest.mark.parametrize(("on", "applied"), [("260305", 1), ("260306", 0)])
def test_a_discount_taken_after_the_days_of_grace_is_for_a_person(
    bank: Town, tmp_path: Path, on: str, applied: int
) -> None:
    take(tmp_path, mt940([f"{on} 98 //B1 INV-20170"], opens=0, on=(on, on)))
    assert match_lines(bank.entity, **BERT).applied == applied
    assert bank.open("INV-20170") == (0 if applied else 10_000)
    if not applied:
        (line,) = waiting(bank.entity, most=9).lines
        assert (line.outcome, "late_discount" in line.why) == ("propose", True)


def test_a_sum_takes_off_the_discounts_that_are_in_time_and_no_other(bank: Town, tmp_path: Path) -> None:
    report = paid(bank, tmp_path, "260302 348 //B1 INV-20170 INV-20180 INV-20190")
    assert (report.applied, [bank.open(f"INV-201{n}0") for n in (7, 8, 9)]) == (1, [0, 0, 0])
    granted = BankMatchPart.objects.filter(discount_minor__gt=0)
    assert [(part.item.number, part.discount_minor) for part in granted] == [("INV-20170", 200)]


def test_a_sum_that_takes_off_a_late_discount_too_is_for_a_person(bank: Town, tmp_path: Path) -> None:
    report = paid(bank, tmp_path, "260302 344 //B1 INV-20170 INV-20180 INV-20190")
    assert (report.applied, report.proposed) == (0, 1)
    assert [bank.open(f"INV-201{n}0") for n in (7, 8, 9)] == [10_000, 20_000, 5_000]
