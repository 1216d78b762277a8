"""The journal of an entity: each day of a charge's life, whatever brought it about."""

from datetime import date
from typing import Any

import pytest

from dunwell.engine.law.law import regime
from dunwell.flows.cash.pay import pay, take_back
from dunwell.flows.errors import Invalid
from dunwell.flows.journal import change_journal, journal_of, settings_of
from dunwell.flows.runs.reverse import reverse_run
from dunwell.records.models import AuditEvent, Charge
from tests.flows.town import Town, day, noon

KEEPING = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, fee: {EUR: 5.00}, send: [email]}
"""
WAIVING = f"{KEEPING}charges_when_paid: waive\n"


def on(text: str) -> dict[str, Any]:
    return {"on": day(text), "at": noon(text), "by": "bert"}


def told(town: Town, first: str = "2026-04-01", last: str = "2026-04-30") -> list[tuple[str, str, str, str, str]]:
    """Date, what, ledger account, debit and credit of each line."""
    lines = journal_of(town.entity, day(first), day(last)).lines
    return [(line.date[5:], line.what, line.ledger_account, line.debit, line.credit) for line in lines]


RAISED = [("04-03", "raised", "receivable", "5.00", "0.00"), ("04-03", "raised", "fee_income", "0.00", "5.00")]


def test_what_is_raised_is_of_the_day_of_its_run(town: Town) -> None:
    town.apply(KEEPING)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    assert told(town) == []  # nothing is charged yet
    town.post(run, "2026-04-05")
    assert told(town) == RAISED
    (line, _other) = journal_of(town.entity, day("2026-04-03"), day("2026-04-03")).lines
    charge = Charge.objects.get()
    named = (line.document, line.account, line.item, line.notice, line.currency, line.vat)
    assert named == (f"FEE-{charge.notice_id}", "MEYER", "A-17", charge.notice_id, "EUR", "outside")
    assert told(town, "2026-03-01", "2026-04-02") == told(town, "2026-04-04", "2026-04-30") == []


def test_what_is_reversed_is_of_the_day_on_which_it_is(town: Town) -> None:
    town.apply(KEEPING)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    reverse_run(run.pk, reason="too early", by="anna", at=noon("2026-04-04"))
    back = [("04-04", "reversed", "fee_income", "5.00", "0.00"), ("04-04", "reversed", "receivable", "0.00", "5.00")]
    assert told(town) == RAISED + back
    assert told(town, "2026-04-04") == back


def test_what_is_waived_and_owed_again_is_written_off_and_back(town: Town) -> None:
    town.apply(WAIVING)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    number = pay(town.entity, "MEYER", amount="100.00", items=["A-17"], **on("2026-04-06"))
    take_back(town.entity, number, reason="bounced", **on("2026-04-09"))
    assert told(town, "2026-04-04") == [
        ("04-06", "waived", "write_off", "5.00", "0.00"), ("04-06", "waived", "receivable", "0.00", "5.00"),
        ("04-09", "owed_again", "receivable", "5.00", "0.00"), ("04-09", "owed_again", "write_off", "0.00", "5.00"),
    ]  # fmt: skip


def test_a_fee_waived_and_then_taken_off_its_notice_is_owed_and_lost_by_nobody(town: Town) -> None:
    town.apply(WAIVING)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-30")
    town.item("A-18", "MEYER", "60.00 EUR", "2026-03-31")
    town.post(town.propose("2026-04-03"))
    pay(town.entity, "MEYER", amount="100.00", items=["A-17"], **on("2026-04-03"))
    sums: dict[str, float] = {}
    for _date, _what, account, debit, credit in told(town):
        sums[account] = sums.get(account, 0) + float(debit) - float(credit)
    assert sums == {"receivable": 0, "fee_income": 0, "write_off": 0}
    assert [what for _date, what, *_rest in told(town)][::2] == ["raised", "waived", "reversed"]


def test_another_entity_has_another_journal(town: Town) -> None:
    town.apply(KEEPING)
    other = Town(town.folder, "OTHER", policy=None)
    other.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    other.run("2026-04-03")
    assert (told(town), told(other)) == ([], RAISED)


def test_ledger_accounts_and_vat_codes_are_set_and_on_record(town: Town) -> None:
    town.apply(KEEPING)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    by: dict[str, Any] = {"by": "anna", "at": noon("2026-04-03")}
    change_journal(town.entity, {"receivable": "1400", "vat_fee": "U0"}, **by)
    change_journal(town.entity, {"receivable": "1400", "fee_income": "4839/2"}, **by)
    change_journal(town.entity, {"vat_fee": " "}, **by)
    assert {name: text for name, text in settings_of(town.entity).items() if text} == {
        "receivable": "1400", "fee_income": "4839/2",
    }  # fmt: skip
    assert [account for *_rest, account, _debit, _credit in told(town)] == ["1400", "4839/2"]
    events = AuditEvent.objects.filter(action="entity.changed").order_by("pk")
    changed = [event.detail["journal"] for event in events]
    assert changed == [{"receivable": "1400", "vat_fee": "U0"}, {"fee_income": "4839/2"}, {"vat_fee": ""}]
    with pytest.raises(Invalid, match="receivable: '=1\\+1' is none"):
        change_journal(town.entity, {"receivable": "=1+1"}, **by)


def test_vat_codes_are_those_of_the_law_under_which_it_was_decided(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.apply(f"{KEEPING}interest: {{regime: DE, class: business}}\n")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    town.apply(KEEPING, on="2026-04-04")  # which has no law
    german = regime("DE")
    other = german.model_copy(update={"vat": german.vat.model_copy(update={"fee": "DE-fee"})})
    monkeypatch.setattr("dunwell.engine.policy.model.regime", {"DE": other}.__getitem__)
    assert {line.vat for line in journal_of(town.entity, date(2026, 4, 1), date(2026, 4, 30)).lines} == {"DE-fee"}


def test_a_journal_that_ends_before_it_begins_is_refused(town: Town) -> None:
    with pytest.raises(Invalid, match="ends on 2026-04-01, before it begins on 2026-04-02"):
        journal_of(town.entity, day("2026-04-02"), day("2026-04-01"))


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("0001-01-01", "2026-04-30", "--from: 0001-01-01 is not between"),
        ("2026-04-01", "9999-12-31", "--to: 9999-12-31 is not between"),
    ],
)
def test_days_that_are_typing_errors_are_refused(town: Town, first: str, last: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        journal_of(town.entity, day(first), day(last))


def test_a_code_that_is_far_too_long_is_shown_in_part(town: Town) -> None:
    with pytest.raises(Invalid) as error:
        change_journal(town.entity, {"interest_income": "x" * 300}, by="anna", at=noon("2026-04-01"))
    assert "interest_income: 'xxx" in str(error.value)
    assert len(str(error.value)) < 200
