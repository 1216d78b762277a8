"""What happened to an item, an account or a run, oldest first."""

import pytest

from dunwell.flows.audit.show import Happened, of_account, of_entity, of_item, of_run, of_series
from dunwell.flows.cash import pay as cash
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import NotFound
from dunwell.flows.journal import change_journal
from dunwell.flows.law.rates import add_rate
from dunwell.flows.people.holds import hold
from dunwell.flows.people.promises import promise
from dunwell.flows.runs.edit import exclude_account, exclude_item
from dunwell.records.models import Payment
from tests.flows.town import Town, day, noon


def told(happened: list[Happened]) -> list[tuple[str, str]]:
    return [(each.by, each.what) for each in happened]


def lived(town: Town) -> int:
    """An item that was left out of a run, dunned, held and paid; returns the second run."""
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-31")
    first = town.propose("2026-04-03")
    exclude_item(first.pk, "A-17", reason="in talks", by="carl", at=noon("2026-04-03"))
    second = town.run("2026-04-04")
    hold(town.entity, item="A-17", reason="in talks", on=day("2026-04-05"), by="bert", at=noon("2026-04-05"))
    pay(town.entity, "MEYER", amount="150.00", items=["A-17", "A-18"], on=day("2026-04-06"), by="bert",
        at=noon("2026-04-06"))  # fmt: skip
    return second.pk


def test_the_life_of_an_item(town: Town) -> None:
    lived(town)
    happened = of_item(town.entity, "A-17")
    assert told(happened) == [
        ("carl", "run.edited"),
        ("anna", "notice.posted"),
        ("anna", "notice.sent"),
        ("bert", "hold.placed"),
        ("bert", "payment.received"),
    ]
    assert happened[1].detail == {"amount": "100.00 EUR", "role": "dunned", "stage": "reminder"}
    assert happened[2].detail == {"channel": "email", "outcome": "sent"}


def test_what_of_its_account_names_an_item_is_its_own(town: Town) -> None:
    lived(town)
    payment = Payment.objects.get()
    cash.take_back(town.entity, payment.pk, reason="bounced", on=day("2026-04-07"), by="bert", at=noon("2026-04-07"))
    promise(town.entity, "MEYER", amount="10.00", items=["A-18"], by_on=day("2026-05-01"), on=day("2026-04-08"),
            by="bert", at=noon("2026-04-08"))  # fmt: skip
    exclude_account(town.propose("2026-04-12").pk, "MEYER", reason="he called", by="carl", at=noon("2026-04-12"))
    assert told(of_item(town.entity, "A-17"))[-3:] == [
        ("bert", "payment.received"), ("bert", "payment.reversed"), ("carl", "run.edited"),
    ]  # fmt: skip
    assert ("bert", "promise.made") in told(of_item(town.entity, "A-18"))


def test_the_life_of_an_account(town: Town) -> None:
    lived(town)
    assert told(of_account(town.entity, "MEYER")) == [
        ("anna", "notice.sent"),
        ("bert", "hold.placed"),
        ("bert", "payment.received"),
    ]


def test_the_life_of_a_run(town: Town) -> None:
    run = lived(town)
    assert told(of_run(run)) == [("anna", "run.proposed"), ("anna", "run.posted"), ("anna", "run.delivered")]


def test_what_is_not_there_is_not_found(town: Town) -> None:
    with pytest.raises(NotFound):
        of_item(town.entity, "A-99")
    with pytest.raises(NotFound):
        of_account(town.entity, "NOBODY")
    with pytest.raises(NotFound):
        of_run(99)


def test_what_was_done_to_rates_and_to_the_journal_can_be_read(town: Town) -> None:
    add_rate("at-basiszinssatz", day("2026-01-01"), "1.53", by="bert", at=noon("2026-04-03"))
    add_rate("at-basiszinssatz", day("2026-01-01"), "1.28", correct="misread", by="carl", at=noon("2026-04-04"))
    change_journal(town.entity, {"receivable": "1400"}, by="bert", at=noon("2026-04-05"))
    added, corrected = of_series("at-basiszinssatz")
    assert told([added, corrected]) == [("bert", "rates.added"), ("carl", "rates.corrected")]
    assert corrected.detail["reason"] == "misread"
    assert of_series("ecb-mro") == []
    with pytest.raises(NotFound, match="no series 'ecb-mroo'"):
        of_series("ecb-mroo")
    changed = of_entity(town.entity)[-1]
    assert (changed.by, changed.what, changed.detail) == ("bert", "entity.changed", {"journal": {"receivable": "1400"}})
