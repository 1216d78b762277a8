"""Who paid: by account, by name, and where it is not clear."""

import polars as pl
import pytest

from dunwell.cash import names
from tests.cash.desk import Desk

IBAN, OTHER_IBAN = "DE89370400440532013000", "FR7630006000011234567890189"


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.debtor("Müller & Söhne GmbH & Co. KG", iban=IBAN, number="700123", also="MUELLER GRUPPE")
    desk.debtor("Northwind Traders Ltd.")
    desk.debtor("Northgate Logistics Inc")
    desk.owes("Müller & Söhne GmbH & Co. KG", "RE-1", "100.00")
    desk.owes("Northwind Traders Ltd.", "RE-2", "200.00")
    desk.owes("Northgate Logistics Inc", "RE-3", "300.00")
    return desk


def test_an_account_tells_the_payer_whatever_name_it_is_under(desk: Desk) -> None:
    line = desk.comes("100.00", of="Treuhand Huber", party_iban="DE89 3704 0044 0532 0130 00")
    found = desk.match()
    assert found.applied(line) == {"RE-1": 10000}
    assert "iban" in found.why(line)


@pytest.mark.parametrize(
    ("name", "amount", "item", "how"),
    [
        ("MUELLER & SOEHNE GMBH & CO KG", "100.00", "RE-1", "name"),
        ("Mueller Gruppe", "100.00", "RE-1", "name"),
        ("Müller u. Söhne", "100.00", "RE-1", "like_name"),
        ("Northwind Traders", "200.00", "RE-2", "core_name"),
        ("NORTHWIND TRADERS LIMITED", "200.00", "RE-2", "core_name"),
        ("Nortwind Traders Ltd", "200.00", "RE-2", "like_name"),
        ("Traders Northwind", "200.00", "RE-2", "like_name"),
        ("Northwind Trade", "200.00", "RE-2", "like_name"),
        ("Southgate Logistik", "300.00", None, None),
    ],
)
def test_a_name_is_the_same_but_for_its_form_and_typing_errors(
    desk: Desk, name: str, amount: str, item: str | None, how: str | None
) -> None:
    line = desk.comes(amount, of=name)
    found = desk.match()
    assert list(found.applied(line)) == ([item] if item else [])
    assert how is None or how in found.why(line)


def test_the_number_of_the_customer_in_the_text_tells_the_payer(desk: Desk) -> None:
    line = desk.comes("100.00", "Kd-Nr. 700123", of="Paying Agent")
    assert "customer_number" in desk.match().why(line)


def test_on_whose_behalf_it_comes_counts_more_than_whose_account_it_is(desk: Desk) -> None:
    line = desk.comes(
        "200.00", of="Müller & Söhne GmbH & Co. KG", party_iban=IBAN, on_behalf_of="Northwind Traders Ltd."
    )
    assert desk.match().applied(line) == {"RE-2": 20000}


def test_an_account_under_the_name_of_another_debtor_is_less_certain(desk: Desk) -> None:
    alone = desk.comes("100.00", party_iban=IBAN)
    certain = desk.match().of(alone)["confidence_permille"]
    desk.lines[0]["party_name"] = "Northwind Traders Ltd."
    torn = desk.match()
    assert torn.applied(alone) == {"RE-1": 10000}
    assert torn.of(alone)["confidence_permille"] < certain


def test_a_child_is_paid_for_by_its_parent() -> None:
    desk = Desk()
    desk.debtor("Holding Ltd", iban=IBAN)
    desk.debtor("Branch North", payer="Holding Ltd")
    desk.owes("Branch North", "RE-1", "100.00")
    line = desk.comes("100.00", party_iban=IBAN)
    found = desk.match()
    assert found.applied(line) == {"RE-1": 10000}
    assert found.of(line)["account_id"] == 1


def test_the_same_amount_at_two_customers_of_one_name_is_for_a_person() -> None:
    desk = Desk()
    for number in ("1001", "1002"):
        desk.accounts.append({"account_id": int(number), "payer_id": int(number), "account": number, "name": "Spar"})
    desk.items.append({**_item(1, 1001), "number": "A"})
    desk.items.append({**_item(2, 1002), "number": "B"})
    line = desk.comes("100.00", of="Spar")
    found = desk.match()
    assert found.applied(line) == {}
    assert found.guesses(line)[:2] == [["A"], ["B"]]


def test_of_two_customers_of_one_name_the_amount_tells_which() -> None:
    desk = Desk()
    for number in ("1001", "1002"):
        desk.accounts.append({"account_id": int(number), "payer_id": int(number), "account": number, "name": "Spar"})
    desk.items.append({**_item(1, 1001), "number": "A", "open_minor": 12345})
    desk.items.append({**_item(2, 1002), "number": "B", "open_minor": 54321})
    line, whole = desk.comes("543.21", of="Spar"), desk.comes("77.77", of="Spar")
    found = desk.match()
    assert found.applied(line) == {"B": 54321}
    assert found.outcome(whole) == "exception"
    assert found.of(whole)["account_id"] is None


def test_a_payment_service_pays_for_many_and_tells_nothing() -> None:
    desk = Desk()
    for number in range(30):
        desk.debtor(f"Customer {number:02d} Foods", iban=OTHER_IBAN)
    desk.owes("Customer 07 Foods", "RE-1", "123.45")
    line = desk.comes("123.45", of="PayFast", party_iban=OTHER_IBAN)
    assert desk.match().applied(line) == {}


def test_companies_that_differ_in_their_form_alone_are_told_apart_by_it() -> None:
    desk = Desk()
    desk.debtor("Becker GmbH")
    desk.debtor("Becker AG")
    desk.owes("Becker GmbH", "RE-1", "100.00")
    desk.owes("Becker AG", "RE-2", "100.00")
    with_form, without = desk.comes("100.00", of="BECKER AG"), desk.comes("100.00", of="Becker")
    found = desk.match()
    assert found.applied(with_form) == {"RE-2": 10000}
    assert found.applied(without) == {}


def test_a_payer_that_is_known_has_the_money_on_account(desk: Desk) -> None:
    line = desk.comes("42.00", "thanks", party_iban=IBAN)
    found = desk.match()
    assert (found.step(line), found.outcome(line)) == ("payer_only", "propose")
    assert (found.of(line)["account_id"], found.of(line)["left_minor"]) == (1, 4200)


def test_nobody_known_is_an_exception_with_guesses_that_are_not_applied(desk: Desk) -> None:
    line = desk.comes("300.00", "thanks", of="Somebody")
    found = desk.match()
    assert (found.step(line), found.outcome(line)) == ("nothing", "exception")
    assert found.guesses(line) == [["RE-3"]]
    assert found.paid(line) == {}


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Müller & Söhne", "MUELLER SOEHNE"),
        ("  o'Neill's  B.V. ", "ONEILLS BV"),
        ("Société Générale S.A.", "SOCIETE GENERALE SA"),
        ("Łódź/Gdańsk", "LODZ GDANSK"),
        ("", ""),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert pl.DataFrame({"name": [name]}).select(names.plain(pl.col("name"))).item() == plain


@pytest.mark.parametrize(
    ("one", "other", "at_least", "below"),
    [
        ("NORTHWIND TRADERS", "NORTWIND TRADERS", 88, 101),
        ("NORTHWIND TRADERS", "NORTHWIND", 88, 101),
        ("BECKER", "BECKMANN", 0, 88),
        ("US FOODS", "US STEEL", 0, 88),
        ("BECKER", "BECKER INTERNATIONAL LOGISTICS", 0, 88),
    ],
)
def test_names_that_are_alike(one: str, other: str, at_least: int, below: int) -> None:
    assert at_least <= names.alike(one, other) < below


def _item(item_id: int, account_id: int) -> dict[str, object]:
    desk = Desk()
    desk.debtor("any")
    desk.owes("any", "any", "100.00")
    return {**desk.items[0], "item_id": item_id, "account_id": account_id, "payer_id": account_id}


@pytest.mark.parametrize("numbers", [("10001", "10001"), ("A-10001", "B-10001")])
def test_of_two_debtors_as_likely_with_one_number_none_is_paid(numbers: tuple[str, str]) -> None:
    desk = Desk()
    for name, number in zip(("Meyer GmbH", "Schulz GmbH"), numbers, strict=True):
        desk.debtor(name, iban=IBAN)
        desk.owes(name, number, "100.00")
    line = desk.comes("100.00", "10001", of="Holding", party_iban=IBAN)
    found = desk.match()
    assert (found.outcome(line), "rival" in found.why(line)) == ("propose", True)


def test_a_reference_of_one_debtor_and_a_number_of_another_contradict_each_other(desk: Desk) -> None:
    desk.owes("Northwind Traders Ltd.", "RE-10002", "100.00", reference="RF18539007547034")
    desk.owes("Müller & Söhne GmbH & Co. KG", "RE-10001", "100.00")
    line = desk.comes("100.00", "RE-10001", reference="RF18539007547034", party_iban=IBAN)
    assert desk.match().outcome(line) == "propose"


@pytest.mark.parametrize("name", ["Northwind Traders Ltd.", "Northwind Traders", "Nortwind Traders Ltd"])
@pytest.mark.parametrize("amount", ["100.00", "150.37"], ids=["one item", "a sum"])
def test_a_customers_number_beside_the_name_of_another_says_nobody(desk: Desk, name: str, amount: str) -> None:
    desk.owes("Müller & Söhne GmbH & Co. KG", "RE-4", "50.37")
    line = desk.comes(amount, "order 700123", of=name)
    found = desk.match()
    assert found.outcome(line) == "propose"
    assert "other_payer" in found.why(line)


def test_it_does_say_who_it_is_beside_a_name_that_nobody_has_or_its_own(desk: Desk) -> None:
    desk.owes("Müller & Söhne GmbH & Co. KG", "RE-4", "50.37")
    stranger = desk.comes("100.00", "order 700123", of="Paying Agent")
    own = desk.comes("50.37", "order 700123", of="Müller u. Söhne")
    found = desk.match()
    assert (found.applied(stranger), found.applied(own)) == ({"RE-1": 10_000}, {"RE-4": 5_037})
