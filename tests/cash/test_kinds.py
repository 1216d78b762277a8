"""By what a bank says that it takes money back, and what only sounds like it."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.cash.kinds import CODES, NUMBERS, PHRASES, WORDS, own_money_back, taking_back
from tests.cash.test_returns import Account


def is_back(amount: str = "-100.00", **said: Any) -> bool:
    """Whether a line takes back another."""
    bank = Account()
    bank.line(amount, **said)
    return bool(taking_back(bank.frame).height)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"is_reversal": True}, id="camt's reversal, MT940's RC"),
        pytest.param({"return_reason": "MD06 refund asked for"}, id="a reason"),
        pytest.param({"code": "NRTI 109"}, id="SWIFT's type and the German number"),
        pytest.param({"code": "NMSC+108+9310"}, id="a German number alone"),
        pytest.param({"code": "PMNT/IDDT/UPDD"}, id="ISO 20022"),
        pytest.param({"code": "557"}, id="BAI2"),
        pytest.param({"code": "Rücklastschrift"}, id="the word of a table"),
        pytest.param({"text": "DEPOSITED ITEM RETURNED 0042"}, id="OFX, in words"),
        pytest.param({"text": "Chèque impayé"}, id="in French"),
    ],
)
def test_a_bank_says_in_many_ways_that_it_takes_money_back(said: dict[str, Any]) -> None:
    assert is_back(**said)


@pytest.mark.parametrize("code", [*CODES, *WORDS])
def test_every_code_and_word_is_one_however_it_stands(code: str) -> None:
    for around in ("{}", "ab {} cd", "/{}/"):
        assert is_back(code=around.format(code.replace("[NFS]", "N").lower()))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_number_of_a_code_is_the_kind_and_no_other(number: str) -> None:
    assert is_back(code=number)
    assert is_back(code=f"NTRF+{number}+9310")
    assert not is_back(code=f"NTRF+177+{number}+931")
    assert not is_back(code=f"MSC 555-{number}")


@given(st.from_regex("|".join(PHRASES), fullmatch=True))
def test_every_phrase_is_one_in_a_text(phrase: str) -> None:
    assert is_back(text=f"x: {phrase}, 12")


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("-100.00", {"code": "NTRF 116", "text": "Salary March"}),
        ("-100.00", {"code": "PMNT/ICDT/ESCT", "text": "Returned goods, your invoice 10955"}),
        ("-12.00", {"text": "RETURNED ITEM FEE"}),
        ("-15.00", {"text": "CHARGEBACK FEE"}),
        ("-15.00", {"code": "Chargeback fee"}),
        ("-3.00", {"text": "Entgelt Rücklastschrift RG-4711"}),
        ("100.00", {"return_reason": "AC04"}),  # a payment of our own that comes back
        ("100.00", {"code": "NRTI 159"}),
    ],
)
def test_other_money_takes_nothing_back(amount: str, said: dict[str, Any]) -> None:
    assert not is_back(amount, **said)


def test_money_of_our_own_that_comes_back_is_told_by_whole_words() -> None:
    own = ["257", "FRTI", "NRTI 159", "NTRF+159+9310", "PMNT/ICDT/RRTN"]
    others = ["", "2570", "NTRF+177+159", "PARTIAL", "Partial payment", "PMNT/RCDT/ESCT"]
    assert own_money_back([*others, *own]) == own
    assert pl.DataFrame({"code": own_money_back([])}).is_empty()
