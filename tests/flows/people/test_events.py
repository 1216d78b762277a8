"""What people say of one account is applied at once, and what waits for it follows."""

from typing import Any

import pytest

from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.people.disputes import dispute, resolve
from dunwell.flows.people.holds import hold, release
from dunwell.flows.people.promises import promise
from dunwell.records.models import Account, AuditEvent, Dispute, Hold, Promise
from tests.flows.town import Town, day, noon

BERT: dict[str, Any] = {"by": "bert", "at": noon("2026-04-03"), "on": day("2026-04-03")}


def posted(town: Town) -> None:
    """A notice over two items that waits to leave."""
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-30")
    town.post(town.propose("2026-04-03"))


def waiting(town: Town) -> list[tuple[str, int]]:
    """State and total of the account's notices."""
    return list(Account.objects.get(code="MEYER").notice_set.values_list("state", "total_minor"))


def test_a_hold_withdraws_what_waits_until_it_is_released(town: Town) -> None:
    posted(town)
    number = hold(town.entity, account="MEYER", reason="in talks", until=day("2026-04-10"), **BERT)
    assert waiting(town) == [("withdrawn", 15000)]
    assert Hold.objects.get(pk=number).reason == "in talks"
    assert town.propose("2026-04-10").counts["outcomes"] == {"on_hold": 2}
    release(town.entity, number, **BERT)
    assert town.propose("2026-04-10").counts["outcomes"] == {"dun": 2}
    event = AuditEvent.objects.get(action="hold.placed")
    assert (event.actor, event.subject_label, event.detail["until"]) == ("bert", "MEYER", "2026-04-10")
    with pytest.raises(Conflict, match="was released on 2026-04-03"):
        release(town.entity, number, **BERT)


def test_a_hold_on_an_item_takes_it_off_what_waits(town: Town) -> None:
    posted(town)
    hold(town.entity, item="A-17", reason="credit to come", **BERT)
    assert waiting(town) == [("posted", 5000)]
    assert (town.level("A-17"), town.level("A-18")) == (0, 1)


def test_a_dispute_takes_its_part_off_what_waits(town: Town) -> None:
    posted(town)
    number = dispute(town.entity, "A-17", amount="40.00", reason="two boxes missing", **BERT)
    assert waiting(town) == [("posted", 11000)]
    assert town.get("A-17").disputed_minor == 4000
    assert Dispute.objects.get(pk=number).reason == "two boxes missing"
    resolve(town.entity, number, **BERT)
    assert town.get("A-17").disputed_minor == 0
    assert waiting(town) == [("posted", 11000)]  # what left the notice comes with the next one
    with pytest.raises(Conflict, match="was resolved on"):
        resolve(town.entity, number, **BERT)


def test_a_promise_takes_what_it_covers_off_what_waits(town: Town) -> None:
    posted(town)
    number = promise(
        town.entity, "MEYER", amount="100.00", by_on=day("2026-04-20"), items=["A-17"], note="by phone", **BERT
    )
    assert waiting(town) == [("posted", 5000)]
    assert Promise.objects.get(pk=number).note == "by phone"
    assert town.propose("2026-04-20").counts["outcomes"] == {"pending": 1, "promised": 1}


def test_what_cannot_be_is_refused_and_leaves_nothing(town: Town) -> None:
    posted(town)
    entity, later = town.entity, day("2026-04-20")
    with pytest.raises(Invalid, match="an account or an item"):
        hold(entity, reason="x", **BERT)
    with pytest.raises(Invalid, match="an account or an item"):
        hold(entity, account="MEYER", item="A-17", reason="x", **BERT)
    with pytest.raises(Invalid, match="say why"):
        hold(entity, account="MEYER", reason=" ", **BERT)
    with pytest.raises(Invalid, match="which is over"):
        hold(entity, account="MEYER", reason="x", until=day("2026-04-02"), **BERT)
    with pytest.raises(NotFound, match="no account 'NOBODY'"):
        hold(entity, account="NOBODY", reason="x", **BERT)
    with pytest.raises(NotFound, match="no item 'A-99'"):
        dispute(entity, "A-99", reason="x", **BERT)
    with pytest.raises(Invalid, match="a dispute is of more than 0"):
        dispute(entity, "A-17", amount="0.00", reason="x", **BERT)
    with pytest.raises(Invalid, match="more decimals than EUR"):
        dispute(entity, "A-17", amount="1.005", reason="x", **BERT)
    with pytest.raises(Invalid, match="cannot be for 2026-04-02, which is over"):
        promise(entity, "MEYER", amount="10.00", by_on=day("2026-04-02"), **BERT)
    with pytest.raises(Invalid, match="cannot be for A-17, which is in EUR"):
        promise(entity, "MEYER", amount="10.00", currency="USD", by_on=later, items=["A-17"], **BERT)
    with pytest.raises(NotFound, match="no hold 99"):
        release(entity, 99, **BERT)
    with pytest.raises(NotFound, match="no dispute 99"):
        resolve(entity, 99, **BERT)
    assert (Hold.objects.count(), Dispute.objects.count(), Promise.objects.count()) == (0, 0, 0)
    assert waiting(town) == [("posted", 15000)]


@pytest.mark.parametrize("on", ["1899-12-31", "2200-01-01"])
def test_a_day_that_is_a_typing_error_is_refused(town: Town, on: str) -> None:
    posted(town)
    entity, then = town.entity, BERT | {"on": day(on)}
    said = f"{on} is not between 1900 and 2199"
    with pytest.raises(Invalid, match=f"a hold begins: {said}"):
        hold(entity, account="MEYER", reason="x", **then)
    with pytest.raises(Invalid, match="a dispute begins"):
        dispute(entity, "A-17", reason="x", **then)
    with pytest.raises(Invalid, match="a promise is made"):
        promise(entity, "MEYER", amount="1.00", by_on=day("2026-05-01"), **then)
    if day(on) > BERT["on"]:
        with pytest.raises(Invalid, match=f"a hold ends: {said}"):
            hold(entity, account="MEYER", reason="x", until=day(on), **BERT)
    with pytest.raises(Invalid, match=f"a promise is for a day: {said}"):
        promise(entity, "MEYER", amount="1.00", by_on=day(on), **BERT)
    held = hold(entity, account="MEYER", reason="x", **BERT)
    with pytest.raises(Invalid, match=f"a hold is released: {said}"):
        release(entity, held, **then)


def test_no_more_is_disputed_than_an_item_is_of(town: Town) -> None:
    posted(town)
    with pytest.raises(Invalid, match=r"A-17 is of 100\.00 EUR: no more than that can be disputed"):
        dispute(town.entity, "A-17", amount="100.01", reason="x", **BERT)
    assert dispute(town.entity, "A-17", amount="100.00", reason="x", **BERT)


def test_a_promise_is_for_items_of_its_account(town: Town) -> None:
    posted(town)
    town.item("B-1", "SMITH", "100.00 EUR", "2026-03-31")
    with pytest.raises(Invalid, match="B-1 is not of account MEYER: it is of SMITH"):
        promise(town.entity, "MEYER", amount="1.00", items=["B-1"], by_on=day("2026-05-01"), **BERT)
