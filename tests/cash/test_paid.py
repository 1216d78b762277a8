"""Money that names what is paid already is for nothing else only because the amount is the same."""

from typing import Any

import polars as pl
import pytest

from dunwell.cash.match import read
from dunwell.cash.settings import Settings
from dunwell.engine.references import SCHEMES, reference_of, shown
from tests.cash.desk import Desk

THEIRS = "FR7630006000011234567890189"


@pytest.fixture
def desk() -> Desk:
    """MEYER has paid INV-20170, and owes INV-20171 of the same amount; others owe, too."""
    made = Desk()
    made.debtor("Meyer GmbH", number="10001", iban=THEIRS)
    made.debtor("Smith Ltd", number="10002")
    made.owes("Meyer GmbH", "INV-20171", "100.00")
    made.owes("Meyer GmbH", "INV-20899", "31.00")
    made.owes("Smith Ltd", "INV-30990", "80.00")
    made.has_paid("Meyer GmbH", "INV-20170", "100.00")
    return made


@pytest.mark.parametrize("text", ["paying INV-20170", "inv 20170", "Rg. 0020170 again", "INV-20170 thank you"])
@pytest.mark.parametrize("sign", [{"of": "Meyer GmbH"}, {"of": "Meyer GmbH", "party_iban": THEIRS}])
def test_money_that_names_a_paid_invoice_is_only_proposed_for_another(
    desk: Desk, text: str, sign: dict[str, Any]
) -> None:
    line = desk.comes("100.00", text, **sign)
    found = desk.match()
    assert (found.outcome(line), found.paid(line)) == ("propose", {"INV-20171": 10_000})
    assert found.why(line) >= {"amount", "named_paid"}


@pytest.mark.parametrize(
    ("amount", "text"),
    [("131.00", "INV-20170"), ("99.50", "INV-20170"), ("62.10", "INV-20170")],
    ids=["a sum", "slightly less", "nothing fits"],
)
def test_so_is_a_sum_and_what_is_nearly_the_amount(desk: Desk, amount: str, text: str) -> None:
    line = desk.comes(amount, text, of="Meyer GmbH", party_iban=THEIRS)
    found = desk.match()
    assert (found.outcome(line), "named_paid" in found.why(line)) == ("propose", True)


def test_nothing_goes_to_what_is_oldest(desk: Desk) -> None:
    line = desk.comes("62.10", "INV-20170", of="Meyer GmbH")
    assert desk.match(oldest_first=True).outcome(line) == "propose"


def test_a_number_that_was_paid_is_no_typing_error_of_another(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "INV-205501", "45.00")
    desk.owes("Smith Ltd", "INV-305501", "46.00")
    desk.has_paid("Meyer GmbH", "INV-205500", "45.00")
    paid = desk.comes("45.00", "INV-205500", of="Unheard Of Ltd")
    mistyped = desk.comes("46.00", "INV-305500", of="Unheard Of Ltd")
    found = desk.match()
    assert (found.outcome(paid), found.outcome(mistyped)) == ("propose", "apply")
    assert "named_paid" in found.why(paid)


def test_what_names_something_open_beside_it_goes_there(desk: Desk) -> None:
    line = desk.comes("100.00", "INV-20170 INV-20171", of="Meyer GmbH")
    assert desk.match().applied(line) == {"INV-20171": 10_000}


def test_what_another_has_paid_says_nothing(desk: Desk) -> None:
    line = desk.comes("80.00", "for 20170", of="Smith Ltd")
    assert desk.match().applied(line) == {"INV-30990": 8_000}


def test_a_short_number_counts_with_its_letters_or_the_amount(desk: Desk) -> None:
    desk.has_paid("Meyer GmbH", "RE-812", "100.00")
    desk.has_paid("Meyer GmbH", "RE-26", "55.00")
    by_amount = desk.comes("100.00", "Rechnung 812", of="Meyer GmbH")
    assert desk.match().outcome(by_amount) == "propose"
    desk.lines.clear()
    by_letters = desk.comes("31.00", "RE 812", of="Meyer GmbH")
    by_chance = desk.comes("100.00", "floor 26", of="Meyer GmbH")
    found = desk.match()
    assert (found.outcome(by_letters), found.outcome(by_chance)) == ("propose", "apply")


def test_an_advice_names_what_is_paid_too(desk: Desk) -> None:
    told = {"number": "INV-20170", "amount_minor": 10_000, "is_credit_note": False}
    line = desk.comes("100.00", "see our advice", of="Meyer GmbH", documents=[told])
    assert "named_paid" in desk.match().why(line)


def test_whoever_means_the_open_one_gets_it_before_it_is_proposed(desk: Desk) -> None:
    again = desk.comes("100.00", "INV-20170", of="Meyer GmbH", party_iban=THEIRS)
    silent = desk.comes("100.00", "hello", of="Meyer GmbH", party_iban=THEIRS)
    found = desk.match()
    assert (found.applied(silent), found.applied(again)) == ({"INV-20171": 10_000}, {})


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("field", ["reference", "text"])
def test_money_that_quotes_a_notice_of_which_all_is_paid_is_only_proposed(desk: Desk, scheme: str, field: str) -> None:
    reference = reference_of(scheme, 4711)
    desk.has_settled("Meyer GmbH", reference)
    quoted = {"reference": reference, "text": f"thanks, {shown(scheme, reference)}"}
    said: dict[str, Any] = {field: quoted[field]}
    line = desk.comes("31.00", of="Meyer GmbH", party_iban=THEIRS, **said)
    found = desk.match()
    assert (found.outcome(line), found.paid(line)) == ("propose", {"INV-20899": 3_100})
    assert found.why(line) >= {"amount", "named_paid"}


def test_whoever_quotes_it_paid_for_that(desk: Desk) -> None:
    desk.has_settled("Smith Ltd", "RF211004711")
    certain = desk.comes("31.00", of="Meyer GmbH", reference="RF211004711")
    assert "named_paid" in desk.match().why(certain)


def test_a_number_that_may_be_a_reference_is_one_of_its_own_payer(desk: Desk) -> None:
    desk.has_settled("Smith Ltd", "10047116")
    theirs = desk.comes("31.00", "order 10047116", of="Meyer GmbH")
    own = desk.comes("80.00", "order 10047116", of="Smith Ltd")
    found = desk.match()
    assert (found.outcome(theirs), found.outcome(own)) == ("apply", "propose")


def test_who_quotes_a_paid_notice_and_an_open_invoice_pays_that(desk: Desk) -> None:
    desk.has_settled("Meyer GmbH", "RF211004711")
    line = desk.comes("31.00", "INV-20899", of="Meyer GmbH", reference="RF211004711")
    assert desk.match().applied(line) == {"INV-20899": 3_100}


def test_guesses_say_so_too(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "INV-20900", "31.00")
    line = desk.comes("31.00", "INV-20170", of="Meyer GmbH")
    guesses = desk.match().found.guesses.filter(pl.col("line_id") == line)
    fitting = guesses.filter(pl.col("item_ids").list.len() > 0)
    assert fitting.height == 2
    assert all("named_paid" in why for why in fitting["why"])
    assert fitting.filter(pl.col("confidence_permille") >= Settings().threshold_permille).is_empty()


@pytest.mark.parametrize(
    ("owed", "written", "asked"),
    [
        ("2026003", "Rechnung 2026002", "2026002"),
        ("RE-2026/00123", "re 2026 00122", "RE-2026/00122"),
        ("2026003", "no. 202603", "202603"),
        ("AB-10001", "Rechnung RE-10001", "RE-10001"),
        ("10001", "Zahlung INV 10001", "INV-10001"),
    ],
)
def test_a_number_that_may_be_one_that_is_paid_is_asked_for(desk: Desk, owed: str, written: str, asked: str) -> None:
    desk.owes("Smith Ltd", owed, "99.00")
    desk.comes("99.00", written, of="Meyer GmbH")
    assert asked in read(*desk.frames(), Settings()).asked_numbers()


def test_what_is_named_to_the_letter_asks_for_nothing(desk: Desk) -> None:
    desk.comes("100.00", "INV-20171", of="Meyer GmbH")
    assert read(*desk.frames(), Settings()).asked_numbers() == set()


@pytest.mark.parametrize("name", ["Meyer GmbH", "Unheard Of Ltd"])
@pytest.mark.parametrize(
    ("paid", "owed", "written"),
    [("2026002", "2026003", "2026002"), ("RE-10001", "AB-10001", "RE 10001"), ("RE-812", "AB-812", "RE 812")],
)
def test_a_number_that_somebody_has_paid_is_not_that_of_another(
    desk: Desk, name: str, paid: str, owed: str, written: str
) -> None:
    desk.owes("Smith Ltd", owed, "99.00")
    desk.has_paid("Meyer GmbH", paid, "99.00")
    line = desk.comes("99.00", written, of=name)
    found = desk.match()
    assert found.applied(line) == {}
    assert found.paid(line) == {} or "named_paid" in found.why(line)


def test_of_two_numbers_with_the_same_digits_that_which_the_payer_has_paid_is_meant(desk: Desk) -> None:
    desk.owes("Smith Ltd", "AB-10001", "99.00")
    desk.has_paid("Meyer GmbH", "RE-10001", "99.00")
    theirs = desk.comes("99.00", "10001", of="Meyer GmbH")
    assert desk.match().applied(theirs) == {}
    desk.lines.clear()
    own = desk.comes("99.00", "10001", of="Smith Ltd")
    assert desk.match().applied(own) == {"AB-10001": 9_900}


def test_a_number_with_its_letters_is_meant_beside_one_that_is_paid(desk: Desk) -> None:
    desk.owes("Smith Ltd", "AB-10001", "99.00")
    desk.has_paid("Meyer GmbH", "RE-10001", "99.00")
    line = desk.comes("99.00", "AB-10001, RE-10001", of="Meyer GmbH")
    assert desk.match().applied(line) == {"AB-10001": 9_900}
