"""What people note that they told a debtor counts towards what policies allow in seven days."""

from typing import Any

import pytest

from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.people.contacts import note_contact
from dunwell.flows.runs.explain import explain_item
from dunwell.flows.runs.replay import replay_run
from dunwell.records.models import AuditEvent, NotedContact
from tests.flows.town import POLICY, Town, day, noon

BERT: dict[str, Any] = {"by": "bert", "at": noon("2026-04-03"), "on": day("2026-04-03")}
SELDOM = POLICY.replace("min_gap_days: 7", "min_gap_days: 0") + "contact: {per_7_days: 1}\n"


@pytest.fixture
def seldom(town: Town) -> Town:
    """A town whose debtors hear from it once in seven days."""
    town.apply(SELDOM)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    return town


def test_a_call_leaves_no_room_for_a_notice_for_seven_days(seldom: Town) -> None:
    number = note_contact(seldom.entity, "MEYER", channel="phone", note="will pay", **BERT)
    noted = NotedContact.objects.get(pk=number)
    assert (noted.account.code, noted.payer.code, noted.channel, noted.note) == ("MEYER", "MEYER", "phone", "will pay")
    assert AuditEvent.objects.get(action="contact.noted").detail["channel"] == "phone"
    run = seldom.propose("2026-04-09")
    assert run.counts["outcomes"] == {"contact_cap": 1}
    assert replay_run(run.pk).identical_bytes
    assert "contact_cap" in explain_item(seldom.entity, "A-17", as_of=day("2026-04-09")).sentences[0]
    assert seldom.propose("2026-04-10").counts["outcomes"] == {"dun": 1}


def test_who_pays_hears_from_us_whoever_was_called(seldom: Town) -> None:
    seldom.account("SOUTH", parent=seldom.get("A-17").account)
    note_contact(seldom.entity, "SOUTH", channel="visit", note="", **BERT)
    assert seldom.propose("2026-04-03").counts["outcomes"] == {"contact_cap": 1}


def test_a_call_between_the_decision_and_the_posting(seldom: Town) -> None:
    run = seldom.propose("2026-04-03")
    note_contact(seldom.entity, "MEYER", channel="phone", note="", **BERT)
    assert (seldom.post(run).posted, seldom.notice(run, "MEYER").reason) == (0, "changed_since")


def test_notices_count_when_they_were_sent_and_while_they_wait(seldom: Town) -> None:
    run = seldom.propose("2026-04-03")
    seldom.post(run)
    seldom.item("A-18", "MEYER", "50.00 EUR", "2026-04-04")
    assert seldom.propose("2026-04-20").counts["outcomes"] == {"contact_cap": 1, "pending": 1}
    seldom.deliver(run, "2026-04-21")
    assert seldom.propose("2026-04-27").counts["outcomes"] == {"contact_cap": 2}
    assert seldom.propose("2026-04-28").counts["outcomes"] == {"dun": 2}


def test_a_run_does_not_count_its_own_notices_against_those_approved_later(town: Town) -> None:
    town.apply(SELDOM.replace("per_7_days: 1", "per_7_days: 2"))
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("U-1", "MEYER", "100.00 USD", "2026-03-31")
    run = town.propose("2026-04-03")
    run.notices.filter(currency="USD").update(approvals=1)
    assert (town.post(run).posted, run.notices.filter(state="proposed").count()) == (1, 1)
    town.deliver(run)
    run.notices.filter(currency="USD").update(approvals=0)
    assert town.post(run).posted == 1


def test_what_cannot_be_a_contact(seldom: Town) -> None:
    with pytest.raises(Invalid, match="say how"):
        note_contact(seldom.entity, "MEYER", channel=" ", note="", **BERT)
    with pytest.raises(Invalid, match="yet to come"):
        note_contact(seldom.entity, "MEYER", channel="phone", note="", **(BERT | {"on": day("2026-04-04")}))
    with pytest.raises(NotFound):
        note_contact(seldom.entity, "NOBODY", channel="phone", note="", **BERT)
