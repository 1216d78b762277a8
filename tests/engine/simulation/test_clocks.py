"""Days on which the clocks must look although nothing happens: fixed pasts, held to the plain fold."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from dunwell.engine.history import History
from dunwell.engine.policy.parse import parse_policy
from dunwell.engine.simulation.happenings import happenings
from dunwell.engine.simulation.play import Play, Scenario
from tests.engine.simulation.plain import Fold

FROM, UNTIL = date(2024, 1, 1), date(2024, 2, 28)
EVE = date(2023, 12, 31)
CLOSING = """
policy: p
calendar: {country: DE}
stages: [{stage: reminder, days_past_due: 1, send: [email]}]
close: {after_stage: reminder, send: [email]}
"""
ROLLED = """
policy: p
min_gap_days: 3
calendar: {country: DE, due: roll}
stages:
  - {stage: r1, days_past_due: 1, send: [email]}
  - {stage: r2, days_past_due: 8, when: "account_overdue_minor > 15000", send: [email]}
"""
SMALL = """
policy: small
applies_to: account_overdue_minor <= 15000
calendar: {country: DE, due: roll}
stages: [{stage: soft, days_past_due: 40, send: [email]}]
"""
LARGE = """
policy: large
priority: 1
applies_to: account_overdue_minor > 15000
stages: [{stage: firm, days_past_due: 1, send: [email]}]
"""


CHARGED = """
policy: p
stages:
  - {stage: reminder, days_past_due: 1, fee: {EUR: 5.00}, send: [email]}
  - {stage: final, days_past_due: 30, send: [email]}
"""


def jan(number: int) -> date:
    return date(2024, 1, number)


def item(item_id: int, due_on: date, kind: str = "invoice", **given: Any) -> dict[str, Any]:
    row = {"item_id": item_id, "account_id": 1, "entity_id": 1, "number": str(item_id), "kind": kind, "currency": "EUR",
           "issued_on": EVE, "due_on": due_on, "amount_minor": 10000, "open_minor": 10000}  # fmt: skip
    return {**row, **given}


def days_of(
    texts: list[str], items: list[dict[str, Any]], paid: list[tuple[int, date]], back: Sequence[tuple[int, date]] = ()
) -> list[tuple[date, str, int]]:
    """Play day by day and some at once, hold both to the plain fold, and return what was sent: day, stage and total.

    `paid`, and taken `back`, is each time the whole of an item.
    """
    account = {"account_id": 1, "entity_id": 1, "account": "A", "country": "DE", "intercompany": False, "channels": 7,
               "legal": False}  # fmt: skip
    both = [*((each, 10000) for each in paid), *((each, -10000) for each in back)]
    moves = [{"item_id": item_id, "on": on, "less_minor": less} for (item_id, on), less in both]
    happens = happenings(History.of(EVE, accounts=[account], items=items, moves=moves), FROM)
    policies = tuple(parse_policy(text, "p.yaml") for text in texts)
    plain = [(row[0], row[4], row[7]) for row in Fold(happens, policies, {}).to(UNTIL).notices]
    for turns_max in (1, 12):
        play = Play(happens, [Scenario("one", policies)], entities={1: "N"})
        play.turns_max = turns_max
        play.until(UNTIL)
        assert play.played().notices.select("on", "stage", "total_minor").rows() == plain
    return plain


def test_a_closing_waits_for_an_open_day_beside_an_old_credit() -> None:
    # Paid on a Saturday: what closes goes out on Monday, whatever credit is older.
    claim = item(1, jan(2))
    for others in ([], [item(2, jan(2), "credit", amount_minor=1000, open_minor=1000)]):
        sent = days_of([CLOSING], [claim, *others], [(1, jan(13))])
        assert (jan(15), "close") in [row[:2] for row in sent]


def test_a_closing_waits_for_an_open_day_beside_a_claim_due_on_a_closed_one() -> None:
    # The second claim is overdue on Sunday by its date, and on Tuesday by its calendar.
    days_of([CLOSING.replace("DE}", "DE, due: roll}")], [item(1, jan(2)), item(2, jan(13))], [(1, jan(11))])
    days_of([CLOSING.replace("DE}", "DE, due: roll}")], [item(1, jan(2)), item(2, jan(20))], [(1, jan(20))])


def test_a_sum_of_what_is_overdue_grows_on_the_due_date_that_a_calendar_moves() -> None:
    sent = days_of([ROLLED], [item(1, jan(3)), item(2, jan(20))], [])
    assert (jan(22), "r2", 10000) in sent


def test_a_policy_by_what_is_overdue_changes_on_the_due_date_that_a_calendar_moves() -> None:
    sent = days_of([SMALL, LARGE], [item(1, jan(10)), item(2, jan(13))], [])
    assert (jan(14), "firm", 20000) in sent


def test_a_fee_is_still_owed_when_the_payment_of_its_item_is_taken_back_later() -> None:
    sent = days_of([CHARGED], [item(1, jan(2))], [(1, jan(10))], [(1, jan(15))])
    assert [row[1:] for row in sent] == [("reminder", 10500), ("final", 10500)]
    sent = days_of([CHARGED], [item(1, jan(2))], [(1, jan(10)), (1, jan(20))], [(1, jan(15))])
    assert [row[1] for row in sent] == ["reminder"]
