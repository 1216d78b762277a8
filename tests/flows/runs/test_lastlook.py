"""The last look before sending: what came in since the run is not asked for, and the rest still is."""

import pytest

from dunwell.records.models import AuditEvent, Item, ItemState, Notice, NoticeLine, Run
from tests.flows.runs.test_deliver import ProcessLost, dies_after
from tests.flows.town import Town

PER_ITEM = """\
policy: standard
minimum: {item: {EUR: 5.00}, account: {EUR: 60.00}}
stages:
  - {stage: reminder, days_past_due: 3, fee: {EUR: 2.00, per: item}, deadline_days: 10, send: [email]}
  - {stage: final, days_past_due: 30, days_since_previous: 7, send: [email]}
"""


def two_items(town: Town, on: str = "2026-04-03") -> Run:
    """A posted run with one notice over two items that has not left."""
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-30")
    run = town.propose(on)
    town.post(run)
    return run


def lines(run: Run) -> dict[str, tuple[str, int]]:
    found = NoticeLine.objects.filter(notice__run=run).values_list("item__number", "role", "amount_minor")
    return {number: (role, amount) for number, role, amount in found}


def test_an_item_paid_since_is_taken_off_and_the_rest_is_asked_for(town: Town) -> None:
    run = two_items(town)
    town.pay("A-17", "100.00 EUR", "2026-04-03")
    assert town.deliver(run).sent == 1
    notice = town.notice(run, "MEYER")
    assert (notice.state, notice.due_minor, notice.total_minor) == ("sent", 5000, 5000)
    assert lines(run) == {"A-17": ("withdrawn", 0), "A-18": ("dunned", 5000)}
    (letter,) = town.letters()
    assert "A-18" in letter
    assert "A-17" not in letter
    assert "€50.00" in letter
    assert (town.level("A-17"), town.level("A-18")) == (0, 1)
    event = AuditEvent.objects.get(action="notice.rebuilt")
    assert (event.subject_id, event.detail["items"]) == (notice.pk, {str(town.get("A-17").pk): "settled"})


def test_a_part_paid_since_is_not_asked_for(town: Town) -> None:
    run = two_items(town)
    town.pay("A-17", "30.00 EUR", "2026-04-03")
    town.deliver(run)
    assert town.notice(run, "MEYER").total_minor == 12000
    assert lines(run) == {"A-17": ("dunned", 7000), "A-18": ("dunned", 5000)}
    assert "€120.00" in town.letters()[0]
    assert town.level("A-17") == 1


def test_an_item_that_was_taken_off_is_as_it_was_and_dunned_again(town: Town) -> None:
    run = two_items(town)
    before = ItemState.objects.get(item=town.get("A-17")).version
    town.pay("A-17", "100.00 EUR", "2026-04-03")
    town.deliver(run)
    state = ItemState.objects.get(item=town.get("A-17"))
    assert (state.level, state.stage, state.pending_notice_id, state.version) == (0, None, None, before + 1)
    Item.objects.filter(number="A-17").update(open_minor=10000, closed_on=None)  # charged back
    assert town.propose("2026-04-30").counts["outcomes"] == {"dun": 2}


def test_fees_of_lines_taken_off_are_not_raised(town: Town) -> None:
    town.apply(PER_ITEM)
    run = two_items(town)
    assert town.notice(run, "MEYER").total_minor == 15400
    town.pay("A-18", "50.00 EUR", "2026-04-03")
    town.deliver(run)
    notice = town.notice(run, "MEYER")
    assert (notice.due_minor, notice.fee_minor, notice.total_minor) == (10000, 200, 10200)
    fees = Item.objects.filter(kind="charge").values_list("parent__number", "open_minor")
    assert dict(fees) == {"A-17": 200, "A-18": 0}


def test_what_is_too_little_by_now_is_not_sent(town: Town) -> None:
    town.apply(PER_ITEM)
    run = two_items(town)
    town.pay("A-17", "96.00 EUR", "2026-04-03")  # 4.00 is left: below the item's minimum; 50.00 below the account's
    assert town.deliver(run).sent == 0
    notice = town.notice(run, "MEYER")
    assert (notice.state, notice.reason) == ("withdrawn", "below_account_minimum")
    assert (town.level("A-17"), town.level("A-18")) == (0, 0)
    assert [item.open_minor for item in Item.objects.filter(kind="charge")] == [0, 0]


def test_without_what_made_the_stage_the_notice_would_be_another(town: Town) -> None:
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-20")
    town.run("2026-03-23")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    run = town.propose("2026-04-03")  # A-18 at its second reminder, A-17 at its first
    town.post(run)
    assert town.notice(run, "MEYER").stage == "second_reminder"
    town.pay("A-18", "50.00 EUR", "2026-04-03")
    town.deliver(run)
    assert (town.notice(run, "MEYER").state, town.notice(run, "MEYER").reason) == ("withdrawn", "settled")
    assert town.level("A-17") == 0
    assert town.run("2026-04-03").counts["stages"] == {"reminder": 1}


@pytest.mark.parametrize("left", [0, 1], ids=["before it was written", "after it was written"])
def test_what_was_paid_while_a_process_was_lost_is_not_asked_for(town: Town, left: int) -> None:
    run = two_items(town)
    with pytest.raises(ProcessLost):
        town.deliver(run, clock=dies_after(2, "2026-04-03"))
    if not left:
        for path in town.outbox:  # as if it had ended a moment earlier
            path.unlink()
    town.pay("A-17", "100.00 EUR", "2026-04-03")
    town.pay("A-18", "50.00 EUR", "2026-04-03")
    town.deliver(run, "2026-04-04")
    assert len(town.outbox) == left
    assert Notice.objects.get(run=run).state == ("sent" if left else "withdrawn")
    assert town.deliveries(run) == [("MEYER", "email", "sent" if left else "withdrawn")]
