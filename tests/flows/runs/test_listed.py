"""What a notice lists beside what it duns, in a real book: never what is paid by then, and never asked for."""

import pytest

from dunwell.flows.runs.replay import replay_run
from dunwell.records.models import AuditEvent, Notice, NoticeLine, Run
from tests.flows.town import Town

LISTING = """\
policy: standard
include: open
stages:
  - {stage: reminder, days_past_due: 5, send: [email]}
  - {stage: final, days_past_due: 30, days_since_previous: 7, send: [email, letter], approval: one}
"""


def lines(run: Run) -> dict[str, tuple[str, int]]:
    found = NoticeLine.objects.filter(notice__run=run).values_list("item__number", "role", "amount_minor")
    return {number: (role, amount) for number, role, amount in found}


@pytest.fixture
def proposed(town: Town) -> Run:
    """A notice over one item, with three others that are open, too."""
    town.apply(LISTING)
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-29")
    town.item("A-2", "MEYER", "50.00 EUR", "2026-04-01")
    town.item("A-3", "MEYER", "40.00 EUR", "2026-04-20")
    town.item("A-4", "MEYER", "30.00 EUR", "2026-04-20")
    return town.propose("2026-04-03")


def test_it_is_on_the_letter_and_in_no_sum(town: Town, proposed: Run) -> None:
    assert lines(proposed) == {
        "A-1": ("dunned", 10000), "A-2": ("listed", 5000), "A-3": ("listed", 4000), "A-4": ("listed", 3000),
    }  # fmt: skip
    assert not NoticeLine.objects.filter(role="listed", binding=True).exists()
    town.post(proposed)
    town.deliver(proposed)
    (letter,) = town.letters()
    assert all(number in letter for number in ("A-1", "A-2", "A-3", "A-4"))
    assert town.notice(proposed, "MEYER").total_minor == 10000
    assert [town.level(number) for number in ("A-1", "A-2", "A-3")] == [1, 0, 0]
    assert replay_run(proposed.pk).identical_bytes
    # The next notice duns what was listed: a listed line binds nothing.
    assert lines(town.run("2026-04-06"))["A-2"] == ("dunned", 5000)


def test_what_is_paid_before_posting_is_not_listed_and_the_notice_stands(town: Town, proposed: Run) -> None:
    town.pay("A-2", "50.00 EUR", "2026-04-03")
    town.pay("A-3", "10.00 EUR", "2026-04-03")
    assert town.post(proposed).posted == 1
    town.deliver(proposed)
    assert lines(proposed) == {
        "A-1": ("dunned", 10000), "A-2": ("withdrawn", 0), "A-3": ("listed", 3000), "A-4": ("listed", 3000),
    }  # fmt: skip
    (letter,) = town.letters()
    assert "A-2" not in letter
    assert town.notice(proposed, "MEYER").total_minor == 10000
    event = AuditEvent.objects.get(action="notice.rebuilt")
    assert event.detail["items"] == {str(town.get("A-2").pk): "settled", str(town.get("A-3").pk): "less is owed"}


def test_what_is_paid_after_posting_is_taken_off_and_the_notice_leaves(town: Town, proposed: Run) -> None:
    town.post(proposed)
    for number in ("A-2", "A-3", "A-4"):
        town.pay(number, "30.00 EUR", "2026-04-03")
    town.deliver(proposed)
    assert lines(proposed)["A-2"] == ("listed", 2000)
    assert lines(proposed)["A-4"] == ("withdrawn", 0)
    assert Notice.objects.get(run=proposed).state == "sent"
