"""Every outcome and every problem has its sentence, and a decision reads like an answer on the phone."""

from datetime import date
from typing import Any

import pytest

from dunwell.engine.explain import explain, problem_text
from dunwell.engine.plan import BIT, OUTCOMES, PROBLEMS, SCHEMAS, reasons_of


def decision(**given: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMAS["decisions"])
    row |= {
        "currency": "EUR", "reasons": BIT["dun"], "open_minor": 10_000, "dunnable_minor": 10_000, "disputed_minor": 0,
        "in_flight_minor": 0, "promised_minor": 0, "credited_minor": 0, "level_before": 0, "level_after": 0,
    }  # fmt: skip
    return row | given


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_sentence_of_its_own(outcome: str) -> None:
    first = explain(decision(reasons=BIT[outcome]))[0]
    assert first.startswith(f"{outcome}: ")
    others = {explain(decision(reasons=BIT[other]))[0] for other in OUTCOMES if other != outcome}
    assert first not in others
    assert len(first.split()) > 3


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_problem_has_a_sentence_of_its_own(problem: str) -> None:
    assert explain(decision(reasons=BIT["exception"], problem=problem))[0] == f"exception: {problem_text(problem)}"
    assert len({problem_text(each) for each in PROBLEMS}) == len(PROBLEMS)


def test_all_reasons_are_told_and_the_first_is_the_outcome() -> None:
    lines = explain(decision(reasons=BIT["too_soon"] | BIT["disputed"] | BIT["legal"]))
    assert [line.split(":")[0] for line in lines[:3]] == ["legal", "also disputed", "also too_soon"]


def test_reasons_are_spelt_in_order_of_precedence() -> None:
    assert reasons_of(BIT["dun"] | BIT["exception"] | BIT["on_hold"]) == ["exception", "on_hold", "dun"]
    assert reasons_of(0) == []


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (1, "1 day past due"), (14, "14 days past due"), (0, "due today"), (-1, "due in 1 day"), (-7, "due in 7 days"),
    ],
)  # fmt: skip
def test_the_age_is_told_in_days(days: int, text: str) -> None:
    assert text in explain(decision(days_past_due=days))


def test_the_amounts_add_up_in_words() -> None:
    lines = explain(
        decision(
            disputed_minor=1_000, in_flight_minor=2_000, promised_minor=500, credited_minor=250, dunnable_minor=6_250
        )
    )
    assert lines[1] == (
        "open 100.00 EUR, 10.00 EUR disputed, 20.00 EUR under way, 5.00 EUR promised, 2.50 EUR covered by credits,"
        " leaves 62.50 EUR to dun"
    )
    assert explain(decision())[1] == "open 100.00 EUR"


def test_the_stage_and_the_dates_are_told() -> None:
    lines = explain(
        decision(
            policy="standard-b2b", stage="reminder", level_before=1, level_after=2, last_notice_on=date(2026, 3, 1),
            free_on=date(2026, 3, 8), next_on=date(2026, 3, 9),
        )
    )  # fmt: skip
    assert lines[2:] == [
        "policy standard-b2b, level 1 -> 2, stage reminder",
        "last notice on 2026-03-01",
        "the payer may hear from us again from 2026-03-08",
        "next: 2026-03-09, if nothing changes",
    ]


def test_an_item_that_stays_at_its_level_says_so_once() -> None:
    assert "policy p, level 2" in explain(decision(policy="p", level_before=2, level_after=2))


@pytest.mark.parametrize("currency", ["EUR", None])
def test_a_row_that_is_broken_is_explained_all_the_same(currency: str | None) -> None:
    row = dict.fromkeys(SCHEMAS["decisions"]) | {"currency": currency, "reasons": BIT["exception"]}
    assert explain(row | {"problem": "amount_missing"}) == [
        "exception: one of its amounts is missing",
        "open: unknown",
    ]
    priced = explain(row | {"problem": "due_date_missing", "open_minor": 5})
    assert priced[1] == ("open 0.05 EUR" if currency else "open 5 (minor units of an unknown currency)")


def test_what_the_law_left_out_is_told() -> None:
    lines = explain(decision(policy="p", by_law="fee_capped,costs_not_warned"))
    assert lines[-2:] == [
        "the fee is lowered to what the law allows",
        "no flat sum: its warning, with the term that the law wants, has not passed",
    ]
    (told,) = explain(decision(policy="p", by_law="costs_together"))[-1:]
    assert told == "the flat sum is its share in that of all claims of the notice, which the law adds up"


def test_a_series_that_lacks_a_rate_is_named() -> None:
    told = explain(decision(policy="p", problem="rates_missing", reasons=BIT["exception"], by_law="series:dk-lending"))
    assert told[0] == "exception: a rate that the law asks for is not known"
    assert told[-1] == "the series dk-lending does not say what the law asks of it"
