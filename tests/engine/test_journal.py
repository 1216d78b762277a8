"""Journal lines: debits equal credits in every entry, and what is owed is what the charges say."""

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.journal import COLUMNS, GRANTS, Movement, What, journal, rows
from dunwell.engine.law.regime import Vat

D: Final = [date(2026, 4, day) for day in range(1, 31)]


def moved(what: What, amount_minor: int = 5_00, *, on: date = D[2], charge: str = "fee", **more: Any) -> Movement:
    given: dict[str, Any] = {"document_id": 9, "document": "FEE-1", "currency": "EUR"} | more
    return Movement(on=on, what=what, charge=charge, account="MEYER", item="A-17", notice_id=1,
                    amount_minor=amount_minor, **given)  # fmt: skip


def posted(*movements: Movement, **more: Any) -> list[tuple[int, str, str, str]]:
    """Entry, ledger account, debit and credit of each line."""
    return [(line.entry, line.ledger_account, line.debit, line.credit) for line in journal(movements, **more)]


def test_a_charge_is_owed_and_earned() -> None:
    assert posted(moved("raised")) == [(1, "receivable", "5.00", "0.00"), (1, "fee_income", "0.00", "5.00")]
    assert posted(moved("raised", 18_53, charge="interest"))[1] == (1, "interest_income", "0.00", "18.53")
    assert posted(moved("raised", 40_00, charge="compensation"))[1] == (1, "compensation_income", "0.00", "40.00")


def test_reversed_it_is_neither() -> None:
    assert posted(moved("reversed")) == [(1, "fee_income", "5.00", "0.00"), (1, "receivable", "0.00", "5.00")]


def test_written_off_it_is_a_loss_until_it_is_owed_again() -> None:
    assert posted(moved("waived", 3_00)) == [(1, "write_off", "3.00", "0.00"), (1, "receivable", "0.00", "3.00")]
    assert posted(moved("owed_again", 3_00)) == [(1, "receivable", "3.00", "0.00"), (1, "write_off", "0.00", "3.00")]


def test_what_is_reversed_is_no_loss_either() -> None:
    lines = posted(moved("reversed", waived_minor=5_00))
    assert lines == [(1, "fee_income", "5.00", "0.00"), (1, "write_off", "0.00", "5.00")]


def granted(what: What, charge: str, amount_minor: int = 2_00, **more: Any) -> Movement:
    """A grant, or what is taken back of one: a credit, on no notice."""
    given: dict[str, Any] = {"document_id": 7, "document": "BL1-7", "on": D[2]} | more
    return replace(moved(what, amount_minor), charge=charge, notice_id=None, **given)


@pytest.mark.parametrize("kind", GRANTS)
def test_what_is_granted_is_owed_no_more_until_it_is_taken_back(kind: str) -> None:
    assert posted(granted("granted", kind)) == [
        (1, f"{kind}_granted", "2.00", "0.00"),
        (1, "receivable", "0.00", "2.00"),
    ]
    assert posted(granted("taken_back", kind)) == [
        (1, "receivable", "2.00", "0.00"), (1, f"{kind}_granted", "0.00", "2.00"),
    ]  # fmt: skip


def test_what_is_granted_has_no_vat_code_but_the_creditors_own() -> None:
    told = granted("granted", "discount")
    assert [line.vat for line in journal([told])] == ["", ""]
    own = journal([told], vat={"discount": "U19"}, codes={"discount_granted": "4736"})
    assert [(line.ledger_account, line.vat) for line in own] == [("4736", "U19"), ("receivable", "U19")]
    assert [(line.document, line.notice) for line in own] == [("BL1-7", None)] * 2


def test_grants_of_one_day_have_one_order_whatever_order_they_are_told_in() -> None:
    told = [
        granted("taken_back", "discount"), granted("granted", "difference"), granted("granted", "discount"),
        granted("granted", "discount", document_id=6), granted("taken_back", "discount", on=D[1], document_id=5),
    ]  # fmt: skip
    lines = journal(told)
    assert journal(reversed(told)) == lines
    assert [(line.date[-2:], line.what, line.charge) for line in lines][::2] == [
        ("02", "taken_back", "discount"), ("03", "granted", "discount"), ("03", "granted", "difference"),
        ("03", "granted", "discount"), ("03", "taken_back", "discount"),
    ]  # fmt: skip


def test_entries_are_in_order_of_day_and_charge() -> None:
    told = [
        moved("reversed", on=D[5]), moved("raised", on=D[5], document_id=8, document="INT-1"),
        moved("waived", on=D[5]), moved("raised", on=D[4]),
    ]  # fmt: skip
    found = [(line.entry, line.date, line.document, line.what) for line in journal(told)][::2]
    assert found == [
        (1, "2026-04-05", "FEE-1", "raised"), (2, "2026-04-06", "INT-1", "raised"),
        (3, "2026-04-06", "FEE-1", "waived"), (4, "2026-04-06", "FEE-1", "reversed"),
    ]  # fmt: skip


def test_money_has_the_decimals_of_its_currency() -> None:
    assert posted(moved("raised", 500, currency="JPY"))[0] == (1, "receivable", "500", "0")
    assert posted(moved("raised", 1, currency="KWD"))[0] == (1, "receivable", "0.001", "0.000")


def test_ledger_accounts_and_vat_codes_are_the_creditors_own_where_it_has_some() -> None:
    told = moved("raised", vat=Vat(fee="DE-19"))
    assert posted(told, codes={"receivable": "1400"})[0][1] == "1400"
    assert [line.vat for line in journal([told])] == ["DE-19", "DE-19"]
    assert [line.vat for line in journal([told], vat={"fee": "U19", "interest": "X"})] == ["U19", "U19"]
    assert [line.vat for line in journal([told], vat={"fee": ""})] == ["DE-19", "DE-19"]
    assert journal([moved("raised")])[0].vat == "outside"


def test_rows_have_every_column() -> None:
    (first, _second) = rows(journal([moved("raised")]))
    assert tuple(first) == COLUMNS
    assert first == {
        "entry": 1, "date": "2026-04-03", "what": "raised", "document": "FEE-1", "charge": "fee", "account": "MEYER",
        "item": "A-17", "notice": 1, "ledger_account": "receivable", "debit": "5.00", "credit": "0.00",
        "currency": "EUR", "vat": "outside",
    }  # fmt: skip


lives = st.lists(
    st.tuples(
        st.sampled_from(["fee", "interest", "compensation"]), st.sampled_from(["EUR", "JPY", "KWD"]),
        st.integers(1, 10**12), st.lists(st.integers(0, 100), max_size=4), st.booleans(), st.integers(0, 20),
    ),
    max_size=8,
)  # fmt: skip


@given(lives)
def test_debits_equal_credits_and_what_is_owed_is_what_the_charges_say(lives: list[Any]) -> None:
    told, owed, lost = [], defaultdict[str, int](int), defaultdict[str, int](int)
    for number, (charge, currency, amount, shares, is_reversed, day) in enumerate(lives):
        one: dict[str, Any] = {"charge": charge, "currency": currency, "document_id": number}
        told.append(moved("raised", amount, on=D[day], **one))
        waived = 0
        for at, share in enumerate(shares):
            part = max(amount * share // 100, 1)
            what: What = "owed_again" if waived else "waived"
            told.append(moved(what, waived or part, on=D[day + at], **one))
            waived = 0 if waived else part
        if is_reversed:
            told.append(moved("reversed", amount, on=D[day + 5], waived_minor=waived, **one))
            waived = 0
        owed[currency] += 0 if is_reversed else amount - waived
        lost[currency] += waived
    found = journal(told)
    scale = {"EUR": 2, "JPY": 0, "KWD": 3}
    balance: dict[Any, Decimal] = defaultdict(Decimal)
    entries: dict[int, Decimal] = defaultdict(Decimal)
    for line in found:
        debit, credit = Decimal(line.debit), Decimal(line.credit)
        assert (debit == 0) != (credit == 0)
        entries[line.entry] += debit - credit
        balance[line.ledger_account, line.currency] += (debit - credit).scaleb(scale[line.currency])
    assert not any(entries.values())
    assert sorted(entries) == list(range(1, len(told) + 1))
    for currency in owed:
        assert balance["receivable", currency] == owed[currency]
        assert balance["write_off", currency] == lost[currency]
