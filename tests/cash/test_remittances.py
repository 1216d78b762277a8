"""Which bank line an advice goes with: by amount, day and payer, and never where there is a doubt."""

import resource
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.cash.remittances import ADVICES, going_with, in_reach
from dunwell.cash.settings import Settings
from dunwell.cash.tables import LINES
from tests.cash.desk import TODAY, Desk, minor

MEYER: Final = "Meyer GmbH"
FRIDAY: Final = date(2026, 3, 13)


class Post:
    """What payers advise, at a desk where MEYER owes 100, 50 and 30, and SMITH 150."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.advices: list[dict[str, Any]] = []
        for name, owed in ((MEYER, ("100.00", "50.00", "30.00")), ("Smith Ltd", ("150.00",))):
            self.desk.debtor(name)
            for amount in owed:
                self.desk.owes(name, f"INV-2026{len(self.desk.items) + 1}", amount)

    def advised(self, *numbers: str, total: str = "150.00", on: date | None = TODAY, **given: Any) -> int:
        """An advice of some invoices; of two it is MEYER's 100 and 50."""
        told = [{"number": number, "amount_minor": 1, "is_credit_note": False} for number in numbers or ("INV-20261",)]
        self.advices.append({
            "advice_id": 100 + len(self.advices), "account_id": None, "payer_name": "", "reference": "", "paid_on": on,
            "taken_on": TODAY, "currency": "EUR", "total_minor": minor(total), "documents": told, **given,
        })  # fmt: skip
        return 100 + len(self.advices) - 1

    def found(self, **allowed: Any) -> dict[int, tuple[int, str]]:
        """The line of each advice, and what says so."""
        lines, items, accounts, _references, payers = self.desk.frames()
        asked, settings_ = pl.DataFrame(self.advices, schema=ADVICES), Settings(**allowed)
        reach = in_reach(asked, lines, settings_)
        pairs = going_with(reach, asked, lines, items=items, accounts=accounts, payers=payers, settings=settings_)
        return {advice: (line, by) for advice, line, by in pairs.iter_rows()}


@pytest.fixture
def post() -> Post:
    """A desk, and its post."""
    return Post()


def test_amount_day_and_payer_are_enough(post: Post) -> None:
    line, advice = post.desk.comes("150.00", of=MEYER), post.advised()
    assert post.found() == {advice: (line, "payer")}


def test_five_working_days_are_near_and_six_are_not(post: Post) -> None:
    line, advice = post.desk.comes("150.00", of=MEYER, on=FRIDAY + timedelta(days=7)), post.advised(on=FRIDAY)
    assert post.found() == {advice: (line, "payer")}
    post.desk.lines[0]["booked_on"] = FRIDAY + timedelta(days=10)
    assert post.found() == {}
    post.desk.lines[0]["booked_on"] = FRIDAY - timedelta(days=7)
    assert post.found() == {advice: (line, "payer")}


def test_without_a_day_it_is_near_the_day_on_which_it_came(post: Post) -> None:
    line, advice = post.desk.comes("150.00", of=MEYER, on=TODAY - timedelta(days=30)), post.advised(on=None)
    assert post.found() == {advice: (line, "payer")}
    post.desk.lines[0]["booked_on"] = TODAY - timedelta(days=31)
    assert post.found() == {}


def test_what_banks_kept_may_be_missing(post: Post) -> None:
    post.desk.comes("140.00", of=MEYER)
    advice = post.advised()
    assert post.found() == {}
    assert post.found(charges_at_most={"EUR": 1_000}) == {advice: (1, "payer")}
    post.desk.lines[0]["charges_minor"] = 1_000
    assert post.found() == {advice: (1, "payer")}
    post.desk.lines[0] |= {"charges_minor": 0, "instructed_minor": 15_000, "instructed_currency": "EUR"}
    assert post.found() == {advice: (1, "payer")}
    line = post.desk.comes("150.00", of=MEYER)  # all of it is likelier than less
    assert post.found() == {advice: (line, "payer")}


def test_money_of_somebody_else_or_of_nobody_is_left_alone(post: Post) -> None:
    post.desk.comes("150.00", of="Smith Ltd")
    post.desk.comes("150.00", "thank you")
    post.advised()
    assert post.found() == {}


def test_who_advises_may_be_no_debtor_if_the_bank_calls_it_the_same(post: Post) -> None:
    post.desk.comes("150.00", of="Meyer GmbH Shared Services Holding")
    line = post.desk.comes("150.00", of="Buyin Pool SE")
    advice = post.advised(payer_name="BUYIN POOL")
    assert post.found() == {advice: (line, "name")}


def test_a_name_somewhere_in_the_text_is_enough_too(post: Post) -> None:
    post.desk.debtor("Fontaine Mécanique SARL")
    post.desk.owes("Fontaine Mécanique SARL", "INV-20269", "150.00")
    line, advice = post.desk.comes("150.00", "VIR FONTAINE MECANIQUE PARIS"), post.advised("INV-20269")
    assert post.found() == {advice: (line, "name")}
    post.desk.lines[0]["text"] = "VIR FONTAINES MECANIQUES"
    assert post.found() == {}
    post.advices[0] = post.advices[0] | {
        "documents": [{"number": "INV-20261", "amount_minor": 1, "is_credit_note": False}]
    }
    post.desk.lines[0]["text"] = "MEYER"  # too short for a text
    assert post.found() == {}


def test_the_reference_of_the_payment_counts_more_than_anything(post: Post) -> None:
    post.desk.comes("150.00", of=MEYER)
    line = post.desk.comes("150.00", "run PAY 4711/88 of today", of="Clearing Bank AG")
    advice = post.advised(reference="PAY-4711-88")
    assert post.found() == {advice: (line, "reference")}
    post.advices[0]["reference"] = "4711"  # too short to be met by chance
    assert post.found() == {advice: (1, "payer")}


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("20260", "order 20260 of March"),
        ("20260", "REF20260"),
        ("20260", "run 202 60."),  # broken by a bank
        ("20260", "99 20260 77"),
        ("ZL-2026-0001", "run ZL 2026 0001 4711"),
        ("ZL20260001", "4711 run ZL2026 0001 of today"),
        ("MIETE", "MIETE 3"),
    ],
)
def test_a_reference_stands_alone_whatever_parts_it(post: Post, reference: str, text: str) -> None:
    line, advice = post.desk.comes("150.00", text, of="Clearing Bank AG"), post.advised(reference=reference)
    assert post.found() == {advice: (line, "reference")}


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("20260", "order 2026077"),
        ("20260", "order 120260"),
        ("20260", "99 202 609 77"),
        ("20260", "202 60 9"),
        ("20260", "99 202 60"),
        ("MIETE", "VERMIETER"),
        ("MIETE", "AB MI ETE"),
        ("ZL-2026-0001", "VZL-2026-0001"),
    ],
)
def test_a_reference_is_no_part_of_something_longer(post: Post, reference: str, text: str) -> None:
    post.desk.comes("150.00", text, of="Clearing Bank AG")
    post.advised(reference=reference)
    assert post.found() == {}


def test_a_reference_does_not_give_an_advice_to_the_line_of_another_debtor(post: Post) -> None:
    line = post.desk.comes("150.00", "order 20260", of="Smith Ltd")
    advice = post.advised(reference="20260")
    assert post.found() == {}
    post.desk.debtor("Shop of Meyer", payer=MEYER)  # whose money is that of MEYER
    post.desk.lines[0]["party_name"] = "Shop of Meyer"
    assert post.found() == {advice: (line, "reference")}


def test_two_lines_or_two_advices_are_a_doubt(post: Post) -> None:
    post.desk.comes("150.00", of=MEYER)
    post.advised()
    post.advised("INV-20262")
    assert post.found() == {}
    post.advices.pop()
    post.desk.comes("150.00", of=MEYER)
    assert post.found() == {}


def test_the_same_advice_twice_is_one(post: Post) -> None:
    line, first = post.desk.comes("150.00", of=MEYER), post.advised()
    post.advised()
    assert post.found() == {first: (line, "payer")}


def test_the_account_that_is_told_counts_and_not_whose_number_it_also_is(post: Post) -> None:
    post.desk.owes("Smith Ltd", "INV-20261", "5.00")  # a number that both have
    line = post.desk.comes("150.00", of="Smith Ltd")
    advice = post.advised()
    assert post.found() == {advice: (line, "payer")}
    post.advices[0]["account_id"] = 1
    assert post.found() == {}


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ({"currency": "USD"}, {}),
        ({"documents": [{"number": "A", "amount_minor": 1, "is_credit_note": False}]}, {}),
        ({}, {"documents": [{"number": "X-99", "amount_minor": 15_000, "is_credit_note": False}]}),  # nothing is open
        ({}, {"documents": []}),
    ],
)
def test_what_cannot_belong_together_does_not(post: Post, line: dict[str, Any], advice: dict[str, Any]) -> None:
    post.desk.comes("150.00", of=MEYER, **line)
    post.advised(**advice)
    assert post.found() == {}


AMOUNTS: Final = st.sampled_from(["150.00", "80.00"])


@settings(deadline=None, max_examples=60)
@given(
    lines=st.lists(st.tuples(AMOUNTS, st.sampled_from([MEYER, "Smith Ltd", ""])), max_size=5),
    asked=st.lists(st.tuples(AMOUNTS, st.sampled_from(["INV-20261", "INV-20264"])), max_size=4),
    turned=st.booleans(),
)
def test_no_line_has_two_advices_and_the_order_does_not_matter(
    lines: list[tuple[str, str]], asked: list[tuple[str, str]], *, turned: bool
) -> None:
    post = Post()
    for amount, name in lines:
        post.desk.comes(amount, of=name)
    for total, number in asked:
        post.advised(number, total=total)
    found = post.found()
    assert len({line for line, _by in found.values()}) == len(found)
    totals = {each["advice_id"]: each["total_minor"] for each in post.advices}
    amounts = {each["line_id"]: each["amount_minor"] for each in post.desk.lines}
    assert all(totals[advice] == amounts[line] for advice, (line, _by) in found.items())
    if turned:
        post.desk.lines.reverse()
        post.advices.reverse()
        post.desk.items.reverse()
    assert post.found() == found


def test_many_advices_and_lines_are_held_to_those_of_near_amounts_only() -> None:
    advised, lines = 1_000, 50_000
    asked = pl.DataFrame(
        [
            {"advice_id": at, "currency": "EUR", "total_minor": 100_000 + 7 * at, "paid_on": FRIDAY, "taken_on": TODAY}
            for at in range(advised)
        ]
    )
    booked = pl.DataFrame({"line_id": range(lines), "amount_minor": range(100_000, 100_000 + lines)}).with_columns(
        currency=pl.lit("EUR"), booked_on=FRIDAY, charges_minor=0, instructed_minor=pl.lit(None, dtype=pl.Int64),
        instructed_currency=pl.lit(""), documents=pl.lit([], dtype=LINES["documents"]),
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reach = in_reach(asked, booked, Settings(charges_at_most={"EUR": 5}))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    told = reach.join(asked, on="advice_id").join(booked, on="line_id")
    assert set((told["total_minor"] - told["amount_minor"]).unique()) == set(range(6))
    assert reach.filter("is_exact").height == advised
    assert reach.height == 6 * advised - 5  # below the first there is no line
