"""Every code of docs/cash.md is said in words, and no other."""

import re

from dunwell.cash.returns import CERTAINTY
from dunwell.flows.cash.words import BACK_WORDS, WORDS, said, said_back
from tests.cash.test_docs import rows


def test_every_code_that_the_page_tells_has_its_words() -> None:
    told = {code for cells in rows("What `why` says") for code in re.findall(r"`(\w+)`", cells[0])}
    assert set(WORDS) == told | {"person"}
    assert len(set(WORDS.values())) == len(WORDS)


def test_codes_are_said_in_their_order_and_a_new_one_stays_readable() -> None:
    assert said("number,amount,payer_unknown") == (
        "it names these numbers; the amount is exactly what is open; nobody knows the payer"
    )
    assert said("amount,something_new") == "the amount is exactly what is open; something new"
    assert said("") == ""


def test_what_agrees_with_what_is_taken_back_has_its_words() -> None:
    fits = {fit for by in CERTAINTY.values() for fit in by}
    assert set(BACK_WORDS) == (set(CERTAINTY) - {"nothing"}) | fits | {"other_reference", "payment", "nothing_fits"}
    assert said_back("reference,other_amount") == "both are called the same; the amounts are different"
