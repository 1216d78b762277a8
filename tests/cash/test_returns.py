"""What a bank takes back, and which earlier line that is."""

import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.cash.kinds import taking_back
from dunwell.cash.returns import MOVEMENTS, RETURN_GUESSES, RETURNS, Returned, find
from dunwell.cash.settings import Settings
from tests.cash.desk import minor
from tests.examples import examples

DAY = date(2026, 3, 2)
REASON: Final[dict[str, Any]] = {"return_reason": "AM04"}


@dataclass
class Account:
    """A bank account: what came in, and what the bank takes back; lines are called 1, 2, ..."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def line(self, amount: str, on: int = 0, *, account: int = 1, **given: Any) -> int:
        """Book a line, so many days after the first."""
        line_id = len(self.rows) + 1
        texts = {name: "" for name, kind in MOVEMENTS.items() if kind == pl.String}
        self.rows.append({
            **texts, "line_id": line_id, "bank_account_id": account, "currency": "EUR", "amount_minor": minor(amount),
            "booked_on": DAY + timedelta(days=on), "is_reversal": False, "taken_back": False, "charges_minor": 0,
            "instructed_minor": None, **given,
        })  # fmt: skip
        return line_id

    @property
    def frame(self) -> pl.DataFrame:
        """All lines."""
        return pl.DataFrame(self.rows, schema=MOVEMENTS)

    def find(self, seed: int | None = None, **given: Any) -> Returned:
        """What takes back another, and which one."""
        rows = self.frame if seed is None else self.frame.sample(fraction=1, shuffle=True, seed=seed)
        return find(taking_back(rows), rows.filter(~pl.col("is_reversal")), Settings(**given))

    def of(self, line_id: int) -> tuple[str, int | None, str]:
        """What was found for a line: outcome, the earlier line, and why."""
        row = self.find().returns.row(by_predicate=pl.col("line_id") == line_id, named=True)
        return str(row["outcome"]), row["of_id"], row["why"]


@pytest.fixture
def bank() -> Account:
    """An account with nothing on it."""
    return Account()


@pytest.mark.parametrize(
    ("came", "back"),
    [
        ({"end_to_end_ref": "E2E-17"}, {"end_to_end_ref": "E2E-17"}),
        ({"bank_ref": "B-2026-17"}, {"entry_ref": "B-2026-17"}),
        ({"reference": "RF18 5390 0754 7034"}, {"reference": "RF18539007547034"}),
        ({"end_to_end_ref": "PAY202617"}, {"text": "Return of PAY202617 account closed"}),
    ],
)
def test_a_reference_and_the_amount_are_certain(bank: Account, came: dict[str, Any], back: dict[str, Any]) -> None:
    first = bank.line("100.00", **came)
    bank.line("100.00", end_to_end_ref="ANOTHER")
    assert bank.of(bank.line("-100.00", 3, **back, **REASON)) == ("apply", first, "reference,amount")


@pytest.mark.parametrize(
    "text", ["REFUND RETURNED ITEM INV-2017000", "Erstattung zu INV-2017000 Chargeback", "RETURNED CHECK INV-2017000"]
)
def test_what_a_free_text_alone_tells_is_only_proposed(bank: Account, text: str) -> None:
    first = bank.line("100.00", end_to_end_ref="INV-2017000")
    assert bank.of(bank.line("-100.00", 3, text=text)) == ("propose", first, "reference,amount")


def test_a_mandate_and_the_amount_are_certain_within_two_months(bank: Account) -> None:
    first = bank.line("100.00", mandate_ref="M-77")
    soon = bank.line("-100.00", 56, mandate_ref="M-77", **REASON)
    assert bank.of(soon) == ("apply", first, "mandate,amount")
    bank.rows[soon - 1]["booked_on"] = DAY + timedelta(days=61)
    assert bank.of(soon)[0] == "exception"


def test_a_mandate_collects_many_times_and_another_collection_is_another(bank: Account) -> None:
    bank.line("100.00", mandate_ref="M-77", end_to_end_ref="JAN-2026")
    feb = bank.line("100.00", 28, mandate_ref="M-77", end_to_end_ref="FEB-2026")
    back = bank.line("-100.00", 31, mandate_ref="M-77", end_to_end_ref="FEB-2026", **REASON)
    assert bank.of(back) == ("apply", feb, "reference,amount")
    lost = bank.line("-100.00", 32, mandate_ref="M-77", end_to_end_ref="DEC-2025", **REASON)
    assert bank.of(lost)[0] == "propose"
    assert bank.of(lost)[2] == "mandate,amount,other_reference"


def test_who_paid_that_amount_is_only_likely(bank: Account) -> None:
    first = bank.line("100.00", party_iban="DE89 3704 0044 0532 0130 00")
    assert bank.of(bank.line("-100.00", 3, party_iban="DE89370400440532013000", **REASON)) == (
        "propose", first, "iban,amount",
    )  # fmt: skip
    second = bank.line("70.00", party_name="Meyer GmbH & Co. KG")
    assert bank.of(bank.line("-70.00", 3, party_name="MEYER", **REASON)) == ("propose", second, "name,amount")


def test_an_amount_alone_is_for_a_person_with_a_guess(bank: Account) -> None:
    first = bank.line("100.00", party_name="Meyer GmbH")
    back = bank.line("-100.00", 3, **REASON)
    assert bank.of(back) == ("exception", None, "amount")
    assert bank.find().guesses.select("line_id", "place", "of_id", "why").rows() == [(back, 1, first, "amount")]
    assert bank.of(bank.line("-55.00", 3, **REASON)) == ("exception", None, "nothing_fits")


@pytest.mark.parametrize(
    ("back", "given", "expected"),
    [
        ("-103.00", {"charges_minor": 300}, ("apply", "reference,charges", 300)),
        ("-103.00", {"instructed_minor": -100_00, "instructed_currency": "EUR"}, ("apply", "reference,charges", 300)),
        ("-97.00", {"charges_minor": 300}, ("propose", "reference,less_charges", -300)),
        ("-103.00", {}, ("propose", "reference,more", 300)),
        ("-40.00", {}, ("exception", "reference,other_amount", 0)),
        ("-300.00", {}, ("exception", "reference,other_amount", 0)),
    ],
)
def test_charges_of_the_return_explain_a_difference(
    bank: Account, back: str, given: dict[str, Any], expected: tuple[str, str, int]
) -> None:
    bank.line("100.00", end_to_end_ref="E2E-17")
    bank.line(back, 3, end_to_end_ref="E2E-17", **given, **REASON)
    row = bank.find().returns.row(0, named=True)
    assert (row["outcome"], row["why"], row["over_minor"]) == expected


def test_two_that_fit_as_well_are_for_a_person_and_the_later_is_proposed(bank: Account) -> None:
    bank.line("100.00", end_to_end_ref="RENT")
    later = bank.line("100.00", 28, end_to_end_ref="RENT")
    assert bank.of(bank.line("-100.00", 30, end_to_end_ref="RENT", **REASON)) == ("propose", later, "reference,amount")


def test_one_that_fits_a_little_better_is_not_certain_beside_another(bank: Account) -> None:
    bank.line("100.00", end_to_end_ref="RENT")
    bank.line("103.00", 1, end_to_end_ref="RENT")
    back = bank.line("-103.00", 30, end_to_end_ref="RENT", charges_minor=300, **REASON)
    assert bank.of(back)[:2] == ("propose", 2)


@pytest.mark.parametrize("sign", ["end_to_end_ref", "mandate_ref"])
def test_a_charge_that_nobody_told_could_make_it_another_line(bank: Account, sign: str) -> None:
    rent: dict[str, Any] = {sign: "RENT"}
    lower = bank.line("100.00", **rent)
    exact = bank.line("103.00", 28, **rent)
    back = bank.line("-103.00", 30, **rent, **REASON)
    assert bank.of(back)[:2] == ("propose", exact)
    other = bank.line("-100.00", 31, **rent, **REASON)  # that one is taken back, too
    assert [bank.of(each)[:2] for each in (back, other)] == [("apply", exact), ("apply", lower)]


@pytest.mark.parametrize("lower", [{"end_to_end_ref": "JAN"}, {}])
def test_a_line_that_the_reference_does_not_name_casts_no_doubt(bank: Account, lower: dict[str, Any]) -> None:
    bank.line("100.00", mandate_ref="M-77", **lower)
    exact = bank.line("103.00", 28, mandate_ref="M-77", end_to_end_ref="FEB-2026")
    back = bank.line("-103.00", 30, mandate_ref="M-77", end_to_end_ref="FEB-2026", **REASON)
    assert bank.of(back) == ("apply", exact, "reference,amount")


def test_two_returns_of_two_equal_lines_take_each_one_back_in_order(bank: Account) -> None:
    ones = [bank.line("100.00", on, end_to_end_ref="RENT") for on in (0, 28)]
    backs = [bank.line("-100.00", on, end_to_end_ref="RENT", **REASON) for on in (30, 31)]
    assert [bank.of(back) for back in backs] == [("apply", one, "reference,amount") for one in ones]


def test_a_second_return_of_one_line_finds_nothing(bank: Account) -> None:
    bank.line("100.00", end_to_end_ref="E2E-17")
    bank.line("-100.00", 3, end_to_end_ref="E2E-17", **REASON)
    assert bank.of(bank.line("-100.00", 4, end_to_end_ref="E2E-17", **REASON)) == ("exception", None, "nothing_fits")


def test_what_came_later_or_to_another_account_is_no_candidate(bank: Account) -> None:
    back = bank.line("-100.00", 3, end_to_end_ref="E2E-17", **REASON)
    bank.line("100.00", 4, end_to_end_ref="E2E-17")
    bank.line("100.00", end_to_end_ref="E2E-17", account=2)
    bank.line("-100.00", end_to_end_ref="E2E-17")
    assert bank.of(back) == ("exception", None, "nothing_fits")


def test_a_debit_of_our_own_that_is_reversed_is_only_shown(bank: Account) -> None:
    paid = bank.line("-80.00", end_to_end_ref="SALARY-9")
    bank.line("80.00", end_to_end_ref="SALARY-9")
    back = bank.line("80.00", 1, is_reversal=True, end_to_end_ref="SALARY-9")
    assert bank.of(back) == ("propose", paid, "reference,amount")


def test_what_a_person_said_is_no_return_of_it_is_only_proposed(bank: Account) -> None:
    first = bank.line("100.00", end_to_end_ref="E2E-17")
    back = bank.line("-100.00", 3, end_to_end_ref="E2E-17", taken_back=True, **REASON)
    assert bank.of(back) == ("propose", first, "reference,amount")


def test_a_creditor_may_ask_for_more_certainty(bank: Account) -> None:
    bank.line("100.00", mandate_ref="M-77")
    bank.line("-100.00", 3, mandate_ref="M-77", **REASON)
    assert bank.find(threshold_permille=980).returns["outcome"].to_list() == ["propose"]


def test_who_asks_for_less_still_leaves_to_a_person_what_no_reference_says(bank: Account) -> None:
    bank.line("100.00", party_name="Meyer GmbH")
    bank.line("-100.00", 3, party_name="Meyer GmbH", **REASON)
    assert bank.find(threshold_permille=500).returns["outcome"].to_list() == ["propose"]


def test_a_reference_that_everybody_writes_tells_nobody(bank: Account) -> None:
    for _ in range(201):
        bank.line("9.99", end_to_end_ref="SUBSCRIPTION")
    assert bank.of(bank.line("-9.99", 3, end_to_end_ref="SUBSCRIPTION", **REASON))[:2] == ("exception", None)


def test_a_reference_that_very_many_returns_have_tells_nobody(bank: Account) -> None:
    bank.line("9.99", end_to_end_ref="SUBSCRIPTION")
    for _ in range(201):
        bank.line("-9.99", 3, end_to_end_ref="SUBSCRIPTION", **REASON)
    assert bank.find().returns["outcome"].to_list() == ["exception"] * 201


def test_very_many_returns_take_no_longer_each(bank: Account) -> None:
    ones = 20_000
    for n in range(ones):
        bank.line("100.00", end_to_end_ref=f"E2E-{n}")
    for n in range(ones):
        bank.line("-100.00", 3, end_to_end_ref=f"E2E-{n}", **REASON)
    for _ in range(200):
        bank.line("5.00", end_to_end_ref="RENT")
    for _ in range(200):
        bank.line("-5.00", 3, end_to_end_ref="RENT", **REASON)
    began_s = time.process_time()
    found = bank.find()
    assert found.returns["outcome"].to_list() == ["apply"] * (ones + 200)
    assert time.process_time() - began_s < 12  # when each cost more the more there were: 17


def test_nothing_comes_of_nothing(bank: Account) -> None:
    found = bank.find()
    assert dict(found.returns.schema) == dict(pl.DataFrame(schema=RETURNS).schema)
    assert dict(found.guesses.schema) == dict(pl.DataFrame(schema=RETURN_GUESSES).schema)
    assert found.returns.is_empty()


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """A small account on which references and amounts get in each other's way."""
    bank = Account()
    for _ in range(draw(st.integers(0, 12))):
        amount = draw(st.sampled_from(["10.00", "10.00", "13.00", "20.00", "-10.00", "-10.00", "-13.00", "-20.00"]))
        bank.line(
            amount,
            draw(st.integers(0, 70)),
            end_to_end_ref=draw(st.sampled_from(["", "RENT", "E2E-1", "E2E-2"])),
            mandate_ref=draw(st.sampled_from(["", "M-77"])),
            party_name=draw(st.sampled_from(["", "Meyer GmbH"])),
            return_reason=draw(st.sampled_from(["", "AM04"])),
            is_reversal=draw(st.booleans()) and draw(st.booleans()),
            charges_minor=draw(st.sampled_from([0, 300])),
        )
    return bank


@settings(max_examples=examples(120), deadline=None)
@given(accounts(), st.integers(0, 1000))
def test_each_line_is_taken_back_once_whole_and_whatever_the_order_of_rows(bank: Account, seed: int) -> None:
    found, again = bank.find(), bank.find(seed)
    assert found.returns.equals(again.returns)
    assert found.guesses.equals(again.guesses)
    assert found.returns["line_id"].to_list() == taking_back(bank.frame)["line_id"].to_list()
    given_to = found.returns["of_id"].drop_nulls()
    assert given_to.n_unique() == given_to.len()
    certain = found.returns.filter(pl.col("outcome") == "apply")
    both = certain.join(bank.frame, on="line_id").join(bank.frame, left_on="of_id", right_on="line_id", suffix="_of")
    for row in both.iter_rows(named=True):
        assert row["amount_minor"] < 0 < row["amount_minor_of"]
        assert -row["amount_minor"] - row["amount_minor_of"] == row["over_minor"] in (0, row["charges_minor"])
        assert row["booked_on_of"] <= row["booked_on"]
