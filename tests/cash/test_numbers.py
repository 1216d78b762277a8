"""Numbers and references that payers write, and what only looks like one."""

from datetime import date

import pytest

from tests.cash.desk import Desk, minor

IBAN = "DE89370400440532013000"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.debtor("Meyer GmbH", iban=IBAN)
    desk.debtor("Schulze AG")
    desk.owes("Meyer GmbH", "RE-2026/00123", "119.00", reference="RF18539007547034")
    desk.owes("Meyer GmbH", "RE-2026/00124", "250.00")
    desk.owes("Schulze AG", "1930571429", "80.00")
    return desk


@pytest.mark.parametrize(
    "text",
    [
        "RE-2026/00123",
        "Rechnung re 2026 123",
        "INV. 2026/123, thank you",
        "RE202600123",
        "2026-00123",
        "Rg.Nr.:RE-2026/00123/Kd 4",
        "vom 01.02.2026 RE-2026/00123 ueber 119,00 EUR",
    ],
)
def test_a_number_is_found_however_it_is_written(desk: Desk, text: str) -> None:
    line = desk.comes("119.00", text, of="A third party")
    found = desk.match()
    assert found.applied(line) == {"RE-2026/00123": 11900}
    assert found.step(line) == "number"
    assert {"number", "amount", "payer_unknown"} <= found.why(line)


@pytest.mark.parametrize(
    "text",
    ["invoice 19305714291", "order 41930571429", "1930571428 1", "ref 193057142900"],
)
def test_a_number_is_never_found_within_a_longer_one(desk: Desk, text: str) -> None:
    line = desk.comes("10.00", text, of="A third party")
    found = desk.match()
    assert found.paid(line) == {}
    assert found.step(line) == "nothing"


def test_several_numbers_are_all_paid(desk: Desk) -> None:
    line = desk.comes("369.00", "RE-2026/00123 + RE-2026/00124", of="Meyer GmbH")
    assert desk.match().applied(line) == {"RE-2026/00123": 11900, "RE-2026/00124": 25000}


@pytest.mark.parametrize("written", ["RF18539007547034", "rf18 5390 0754 7034"])
def test_a_structured_reference_needs_no_payer(desk: Desk, written: str) -> None:
    line = desk.comes("119.00", reference=written)
    found = desk.match()
    assert found.applied(line) == {"RE-2026/00123": 11900}
    assert found.step(line) == "reference"


def test_a_reference_is_found_in_the_text_as_well(desk: Desk) -> None:
    line = desk.comes("119.00", "Ihre Referenz RF18 5390 0754 7034 danke")
    assert desk.match().step(line) == "reference"


def test_swiss_groups_of_a_reference_are_read_as_one(desk: Desk) -> None:
    desk.owes("Schulze AG", "55555", "77.00", reference="210000000003139471430009017")
    line = desk.comes("77.00", "21 00000 00003 13947 14300 09017")
    found = desk.match()
    assert found.step(line) == "reference"
    assert found.applied(line) == {"55555": 7700}


def test_a_reference_that_was_never_given_out_says_nothing(desk: Desk) -> None:
    line = desk.comes("119.00", reference="RF712348231")
    assert desk.match().outcome(line) == "exception"


def test_a_short_reference_is_met_by_chance_and_needs_payer_or_amount(desk: Desk) -> None:
    desk.owes("Schulze AG", "55555", "77.00", reference="1232")
    wrong = desk.comes("50.00", reference="1232", of="Somebody else")
    assert desk.match().applied(wrong) == {}
    right = desk.comes("77.00", reference="123 2")
    assert desk.match().applied(right) == {"55555": 7700}


def test_an_advice_says_what_of_each_document_is_paid(desk: Desk) -> None:
    advice = [
        {"number": "2026/123", "amount_minor": 10000, "is_credit_note": False},
        {"number": "RE-2026/00124", "amount_minor": 25000, "is_credit_note": False},
    ]
    line = desk.comes("350.00", documents=advice)
    found = desk.match()
    assert found.applied(line) == {"RE-2026/00123": 10000, "RE-2026/00124": 25000}
    assert "advised_amount" in found.why(line)


def test_what_an_advice_says_of_one_document_in_several_places_is_one_amount(desk: Desk) -> None:
    said: list[tuple[str, int | None, bool]] = [
        ("RE-2026/00124", 3000, False),
        ("re 2026/124", 9000, False),
        ("RE-2026/00124", 3000, False),
    ]
    said += [("RE-2026/00124", 500, True), ("RE-2026/00123", None, False)]
    advice = [dict(zip(("number", "amount_minor", "is_credit_note"), each, strict=True)) for each in said]
    line = desk.comes("264.00", documents=advice)
    assert desk.match().applied(line) == {"RE-2026/00123": 11900, "RE-2026/00124": 14500}


@pytest.mark.parametrize(
    ("other", "advised", "amount", "outcome"),
    [("RE-2026/00124", -1000, "109.00", "propose"), ("GU-900017", 1000, "129.00", "apply")],
)
def test_nothing_goes_to_an_item_of_which_an_advice_says_the_other_sign(
    desk: Desk, other: str, advised: int, amount: str, outcome: str
) -> None:
    desk.owes("Meyer GmbH", "GU-900017", "19.00", kind="credit")
    amounts = {"RE-2026/00123": 11900, other: advised}
    advice = [{"number": each, "amount_minor": paid, "is_credit_note": False} for each, paid in amounts.items()]
    line = desk.comes(amount, documents=advice, of="Meyer GmbH")
    found = desk.match()
    assert (found.outcome(line), found.paid(line)) == (outcome, {"RE-2026/00123": min(11900, minor(amount))})


def test_a_credit_note_that_is_named_is_set_off(desk: Desk) -> None:
    desk.owes("Meyer GmbH", "GU-900017", "19.00", kind="credit")
    line = desk.comes("100.00", "RE-2026/00123 ./. GU-900017", of="Meyer GmbH")
    found = desk.match()
    assert found.applied(line) == {"RE-2026/00123": 11900, "GU-900017": -1900}
    assert found.of(line)["applied_minor"] == 10000


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("15032026", "Zahlung vom 15.03.2026"),
        ("20260315", "paid 2026-03-15"),
        ("150326", "paid 150326"),
        ("1234567", "Betrag 12345,67"),
        ("119000", "EUR 119000"),
        ("37040044", f"von {IBAN[:4]} {IBAN[4:8]} {IBAN[8:12]} {IBAN[12:16]} {IBAN[16:20]} {IBAN[20:]}"),
        ("0711123456", "Rueckfragen Tel. 0711 123456"),
    ],
)
def test_dates_amounts_accounts_and_telephones_are_no_numbers(number: str, text: str) -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", number, "119.00")
    line = desk.comes("119.00", text, of="Somebody else")
    assert desk.match().applied(line) == {}


def test_a_short_number_needs_payer_and_amount() -> None:
    desk = Desk()
    for name in ("Meyer GmbH", "Schulze AG"):
        desk.debtor(name)
        desk.owes(name, "12", "100.00")
        desk.owes(name, "13", "100.00")
    stranger = desk.comes("100.00", "invoice 12", of="Nobody we know")
    other_amount = desk.comes("60.00", "invoice 12", of="Schulze AG")
    meyer = desk.comes("100.00", "invoice 13", of="Meyer GmbH")
    found = desk.match()
    assert found.outcome(stranger) == "exception"
    assert found.applied(other_amount) == {}
    assert found.applied(meyer) == {"13": 10000}
    assert "short_number" in found.why(meyer)


def test_a_short_number_with_its_letters_and_the_amount_needs_no_payer() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "RE-117", "100.00")
    desk.owes("Meyer GmbH", "RE-17", "55.00")
    line, other = desk.comes("100.00", "RE 117"), desk.comes("100.00", "page 117")
    shorter = desk.comes("55.00", "RE 17")
    found = desk.match()
    assert found.applied(line) == {"RE-117": 10000}
    assert found.outcome(other) != "apply"
    assert found.outcome(shorter) != "apply"


@pytest.mark.parametrize(
    "text", ["inv 19305714", "invoice 0571429", "invoice 1930571492", "invoice 193057142", "19305771429"]
)
def test_a_number_cut_off_or_mistyped_counts_with_the_amount(desk: Desk, text: str) -> None:
    line = desk.comes("80.00", text, of="Somebody else")
    found = desk.match()
    assert found.applied(line) == {"1930571429": 8000}
    assert "like_number" in found.why(line)


def test_a_mistyped_number_without_the_amount_is_nothing(desk: Desk) -> None:
    line = desk.comes("70.00", "invoice 1930571492", of="Somebody else")
    assert desk.match().paid(line) == {}


def test_a_typing_error_that_is_the_number_of_another_is_not_applied_to_either() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.debtor("Schulze AG")
    desk.owes("Meyer GmbH", "1000231", "100.00")
    desk.owes("Schulze AG", "1000213", "75.00")
    line = desk.comes("100.00", "invoice 1000213", of="Somebody else")
    assert desk.match().applied(line) == {}


def test_a_typing_error_that_is_the_number_of_another_does_no_harm_where_the_payer_is_known() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.debtor("Schulze AG")
    desk.owes("Meyer GmbH", "1000231", "100.00")
    desk.owes("Schulze AG", "1000213", "75.00")
    line = desk.comes("100.00", "invoice 1000213", of="Meyer GmbH")
    assert desk.match().applied(line) == {"1000231": 10000}


def test_the_same_number_at_two_customers_goes_to_the_one_who_paid() -> None:
    desk = Desk()
    for name in ("Meyer GmbH", "Schulze AG"):
        desk.debtor(name)
        desk.owes(name, "2026-77001", "100.00")
    line = desk.comes("100.00", "2026-77001", of="Schulze AG")
    nobody = desk.comes("100.00", "2026-77001", of="Somebody else")
    found = desk.match()
    assert found.of(line)["account_id"] == 2
    assert found.outcome(line) == "apply"
    assert found.outcome(nobody) == "propose"


def test_letters_tell_an_invoice_from_a_credit_note_of_the_same_number() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "RE-100200", "100.00")
    desk.owes("Meyer GmbH", "GU-100200", "30.00", kind="credit")
    line = desk.comes("100.00", "RE100200", of="Somebody else")
    assert desk.match().applied(line) == {"RE-100200": 10000}


def test_a_third_party_pays_with_the_number_where_the_amount_agrees() -> None:
    desk = Desk()
    desk.debtor("Branch Ltd")
    desk.debtor("Holding Ltd", iban=IBAN)
    desk.owes("Branch Ltd", "777001", "500.00")
    right = desk.comes("500.00", "777001", of="Holding Ltd", party_iban=IBAN)
    less = desk.comes("120.00", "777001", of="Holding Ltd", party_iban=IBAN, on=date(2026, 3, 17))
    found = desk.match()
    assert found.applied(right) == {"777001": 50000}
    assert "third_party" in found.why(right)
    assert found.outcome(less) != "apply"


def test_a_name_alone_does_not_say_that_a_third_party_pays() -> None:
    """The name may be that of a sister of the debtor: only an account makes the payer somebody else."""
    desk = Desk()
    desk.debtor("Branch Ltd")
    desk.debtor("Holding Ltd", iban=IBAN)
    desk.owes("Branch Ltd", "777001", "500.00")
    line = desk.comes("499.50", "777001", of="Holding Ltd")
    assert desk.match().applied(line) == {"777001": 49950}
    desk.lines[0]["party_iban"] = IBAN
    assert desk.match().outcome(line) == "propose"


def test_numbers_with_letters_among_their_digits_are_found_whole() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "7F3-A9C2", "100.00")
    line, other = desk.comes("100.00", "payment 7f3a9c2"), desk.comes("100.00", "payment X7f3a9c2")
    found = desk.match()
    assert found.applied(line) == {"7F3-A9C2": 10000}
    assert found.paid(other) == {}
