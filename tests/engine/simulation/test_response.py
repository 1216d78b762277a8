"""The stated response model: one luck for all scenarios, and more pressure never pays later."""

from dataclasses import replace
from datetime import date, timedelta
from math import exp
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunwell.engine.book import Book
from dunwell.engine.data import shipped_policy
from dunwell.engine.documents import DocumentError
from dunwell.engine.policy.parse import parse_policy
from dunwell.engine.simulation.response import (
    SCALE,
    Boost,
    Hazard,
    Model,
    Response,
    drawn,
    read_model,
)

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "response-model.yaml"
POLICY = parse_policy(shipped_policy("standard-b2b"), "standard-b2b.yaml")
DUE = date(2026, 3, 31)
DAY = timedelta(days=1)
PAYS = """
model: m
pays:
  - {from_days: -5, percent_a_day: 2}
  - {from_days: 1, percent_a_day: 10}
  - {from_days: 30, percent_a_day: 1}
"""


def model_of(text: str) -> Model:
    return read_model(text, "m.yaml", [POLICY])


def boosts() -> st.SearchStrategy[list[Boost]]:
    """Notices around the due date, each of some days."""
    one = st.builds(
        lambda start, days, times: Boost(DUE + start * DAY, DUE + (start + days) * DAY, times),
        st.integers(-20, 90), st.integers(0, 30), st.integers(100, 1000),
    )  # fmt: skip
    return st.lists(one, max_size=5)


def day_by_day(model: Model, need: int, begins_on: date, boosted: list[Boost]) -> date | None:
    """When enough is laid up, by going through the days."""
    hazard = Hazard(model)
    day = begins_on
    while day < DUE + 2000 * DAY:
        rate = 0
        for at, each in zip(hazard.from_days, hazard.rates, strict=True):
            rate = each if (day - DUE).days >= at else rate
        need -= rate * max([100, *(boost.times for boost in boosted if boost.from_on <= day <= boost.until_on)])
        if need <= 0:
            return day
        day += DAY
    return None


@given(st.integers(1, 5 * SCALE * 100), st.integers(-40, 60), boosts())
def test_the_day_of_payment_is_that_of_a_count_day_by_day(need: int, begins: int, boosted: list[Boost]) -> None:
    model = model_of(PAYS)
    begins_on = DUE + begins * DAY
    assert Hazard(model).paid_on(need, begins_on, DUE, boosted) == day_by_day(model, need, begins_on, boosted)


@given(st.text(max_size=20), st.integers(0, 100), boosts(), boosts())
def test_more_pressure_never_pays_later(name: str, seed: int, some: list[Boost], more: list[Boost]) -> None:
    model = model_of(PAYS + "never_percent: 10\nparts: {percent_of_claims: 30, first_percent: 50}\n")
    hazard = Hazard(model)
    for need in drawn(model, seed, name).needs:
        usual, pressed = (hazard.paid_on(need, DUE - 30 * DAY, DUE, each) for each in (some, [*some, *more]))
        assert pressed is not None
        assert usual is not None
        assert pressed <= usual


def test_the_same_seed_and_name_have_the_same_luck_on_every_machine() -> None:
    luck = drawn(model_of(PAYS), 7, "MEYER:invoice:A-1")
    assert luck == drawn(model_of(PAYS), 7, "MEYER:invoice:A-1")
    assert luck.needs == (156_642_685_385_670,)  # -ln of the bytes 16 to 24 of the SHA-256, in 1e-14
    assert luck != drawn(model_of(PAYS), 8, "MEYER:invoice:A-1")


def test_shares_and_chances_come_out_as_stated() -> None:
    model = model_of(PAYS + "never_percent: 10\nparts: {percent_of_claims: 20, first_percent: 50}\n")
    luck = [drawn(model, 1, str(number)) for number in range(20_000)]
    assert sum(not each.needs for each in luck) / 20_000 == pytest.approx(0.10, abs=0.01)
    paying = [each for each in luck if each.needs]
    assert sum(each.in_parts for each in paying) / len(paying) == pytest.approx(0.20, abs=0.01)
    waits = sorted(each.needs[0] / SCALE / 100 for each in paying)
    for share in (0.1, 0.5, 0.9):
        assert 1 - exp(-waits[int(share * len(waits))]) == pytest.approx(share, abs=0.02)


def test_a_chance_is_paid_by_as_stated() -> None:
    hazard = Hazard(model_of("model: m\npays: [{from_days: 0, percent_a_day: 10}]\n"))
    paid = [hazard.paid_on(drawn(model_of(PAYS), 3, str(n)).needs[0], DUE, DUE, []) for n in range(20_000)]
    first_week = sum(on is not None and on < DUE + 7 * DAY for on in paid) / 20_000
    assert first_week == pytest.approx(1 - 0.9**7, abs=0.01)


def test_without_a_chance_nobody_pays() -> None:
    hazard = Hazard(model_of("model: m\npays: [{from_days: 0, percent_a_day: 0}]\n"))
    assert hazard.paid_on(1, DUE, DUE, [Boost(DUE, DUE + DAY, 500)]) is None


def test_the_example_is_valid_and_says_which_notices_it_means() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    model = model_of(text)
    assert model.model == "example"
    assert model.after_notice[0].fits("courtesy", 1)
    assert not model.after_notice[0].fits("reminder", 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("after_notice: [{stage: reminders, times: 2, days: 7}]", "7: after_notice[0].stage: no policy has a stage"),
        ("after_notice: [{times: 0.5, days: 7}]", "raises the chance 1 to 100 times"),
        ("after_notice: [{times: 1.555, days: 7}]", "at most two decimals"),
        ("never_percent: 100", "from 0 to below 100"),
        ("never_percent: true", "is not a number"),
        ("never_percent: 1.23456", "more than four decimals"),
        ("costs: {e-mail: 1}", "no channel is called 'e-mail'; did you mean 'email'?"),
        ("nevr_percent: 2", "unknown key; did you mean 'never_percent'?"),
    ],
)
def test_what_is_wrong_with_a_model_is_named_with_its_line(text: str, says: str) -> None:
    with pytest.raises(DocumentError) as error:
        model_of(f"{PAYS}{text}\n")
    assert "m.yaml:7" in str(error.value)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "model: m\npays: []",
        "model: m\npays: [{from_days: 1, percent_a_day: 2}, {from_days: 1, percent_a_day: 3}]",
    ],
)
def test_a_model_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        model_of(text)


def test_of_a_notice_the_first_line_that_fits_counts() -> None:
    model = model_of(PAYS + "after_notice:\n  - {stage: final, times: 3, days: 5}\n  - {times: 2, days: 7}\n")
    fitting = [next(each.days for each in model.after_notice if each.fits(*said)) for said in (("final", 5), ("x", 1))]
    assert fitting == [5, 7]


def test_boosts_do_not_add_up() -> None:
    hazard = Hazard(model_of(PAYS))
    one = Boost(DUE + DAY, DUE + 20 * DAY, 200)
    twice = [one, replace(one, times=150)]
    assert hazard.paid_on(10**14, DUE, DUE, [one]) == hazard.paid_on(10**14, DUE, DUE, twice)


def test_a_claim_without_a_number_has_the_same_luck_in_every_book() -> None:
    item = {"account_id": 1, "entity_id": 1, "kind": "invoice", "currency": "EUR", "issued_on": DUE - 30 * DAY,
            "due_on": DUE, "open_minor": 10000}  # fmt: skip
    rows = [{**item, "item_id": at, "amount_minor": 10000 + at // 2} for at in range(40)]
    again = [{**row, "item_id": 900 + at} for at, row in enumerate(rows)]

    def paid(items: list[dict[str, Any]]) -> list[Any]:
        response = Response(model_of(PAYS), 1, {1: "MEYER"}, 1, DUE - 30 * DAY)
        return response.at_first(Book.of(items=items).items)["on"].to_list()

    assert paid(rows) == paid(again)
    assert len(set(paid(rows))) > 1
