"""What is said of an advice later: by a person, by matching again, and by two at once."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dunwell.flows.cash import matching
from dunwell.flows.cash import remittances as flow
from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.applying import apply_match
from dunwell.flows.cash.keeping import keep
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.remittances import advices, forget_advice, import_advice, link_waiting
from dunwell.flows.errors import Conflict, Invalid
from dunwell.records import audit
from dunwell.records.models import AuditEvent, BankLine, BankMatch, Entity, RemittanceAdvice, Task
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.cash.test_remittances import BERT, HEAD, OPEN, advised, bank, line_of
from tests.flows.runs.test_two_at_once import SECONDS_MAX, at_once, busy_town
from tests.flows.town import Town, day
from tests.sources.bank.mt940_files import mt940

__all__ = ["bank", "busy_town"]
MAP = "rows: advices\nnumber: {column: n}\namount: {column: a}\ncurrency: EUR\n"


def comes(folder: Path, *entries: str, name: str = "Meyer GmbH") -> None:
    """Money comes, from somebody."""
    take(folder, mt940(list(entries), opens=0, on=("260302", "260310")))
    BankLine.objects.update(party_name=name)


def test_what_was_found_before_an_advice_came_is_not_applied_for_it(bank: Town, tmp_path: Path) -> None:
    comes(tmp_path, "260302 150 //B1 hello")
    match_lines(bank.entity, apply=False, **BERT)
    line = line_of(15_000)
    assert set(BankMatch.objects.get(line=line).parts.values_list("item__number", flat=True)) == {
        "INV-20170", "INV-20180",
    }  # fmt: skip
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT).advices
    line.refresh_from_db()
    assert (advice.line, line.state) == (line.pk, "open")
    assert not Task.objects.filter(line=line, closed_at=None).exists()
    with pytest.raises(Conflict, match="nothing was found"):
        apply_match(bank.entity, line.pk, **BERT)
    match_lines(bank.entity, **BERT)
    assert {number for number in OPEN if not bank.open(number)} == {"INV-20190", "INV-20210"}


def test_an_advice_that_comes_while_lines_are_matched_is_heard(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.item("INV-29999", "MEYER", "150.00 EUR", "2026-02-01")  # what the line is for without it
    comes(tmp_path, "260302 150 //B1 hello", "260302 50 //B2 INV-20180")
    advice = advised(tmp_path, "INV-20190", "INV-20210")

    def meanwhile(*told: Any, **more: Any) -> None:
        import_advice(advice, bank.entity, **BERT)
        keep(*told, **more)

    monkeypatch.setattr(matching, "keep", meanwhile)
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, report.passed_by, BankMatch.objects.filter(line=line_of(15_000)).count()) == (1, 1, 0)
    match_lines(bank.entity, **BERT)
    found = BankMatch.objects.get(line=line_of(15_000)).parts.values_list("item__number", flat=True)
    assert (set(found), bank.open("INV-29999")) == ({"INV-20190", "INV-20210"}, 15_000)


def test_what_was_found_by_an_advice_is_forgotten_with_it(bank: Town, tmp_path: Path) -> None:
    comes(tmp_path, "260302 150 //B1 hello")
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT).advices
    match_lines(bank.entity, apply=False, **BERT)
    assert BankMatch.objects.exists()
    forget_advice(bank.entity, advice.advice, **BERT)
    line = line_of(15_000)
    assert (line.state, line.documents, BankMatch.objects.count()) == ("open", [], 0)
    with pytest.raises(Conflict, match="nothing was found"):
        apply_match(bank.entity, line.pk, **BERT)


def test_a_person_says_later_which_line_and_whose_it_is(bank: Town, tmp_path: Path) -> None:
    comes(tmp_path, "260310 150 //B1 hello", "260310 150 //B2 hello", name="somebody")
    path = advised(tmp_path, "INV-20190", "INV-20210", head=HEAD.replace("Kundennummer;MEYER\n", ""))
    one, other = BankLine.objects.order_by("pk")
    (advice,) = import_advice(path, bank.entity, **BERT).advices
    assert (advice.line, advice.account) == (None, "")
    again = import_advice(path, bank.entity, line=one.pk, account="MEYER", **BERT)
    assert (again.is_known, again.advices[0].line, again.advices[0].account) == (True, one.pk, "MEYER")
    assert AuditEvent.objects.get(action="advice.account_said").detail["account"] == "MEYER"
    for said in ({"line": one.pk}, {"account": "MEYER"}, {}):
        assert import_advice(path, bank.entity, **said, **BERT).advices == again.advices
    for said in ({"line": other.pk}, {"account": "SMITH"}):
        with pytest.raises(Conflict, match=f"goes with line {one.pk}: forget it first, then take the file in again"):
            import_advice(path, bank.entity, **said, **BERT)
    other.refresh_from_db()
    assert other.documents == []
    forget_advice(bank.entity, advice.advice, **BERT)
    assert import_advice(path, bank.entity, line=other.pk, **BERT).advices[0].line == other.pk
    one.refresh_from_db()
    assert one.documents == []


def test_a_line_of_another_sum_is_refused_with_the_difference(bank: Town, tmp_path: Path) -> None:
    comes(tmp_path, "260302 999 //B1 hello", "260302 149 //B2 hello")
    path = advised(tmp_path, "INV-20190", "INV-20210")
    said = "the advice is of 150.00 EUR and line {} of {}: {} is not said of any document"
    with pytest.raises(Invalid) as caught:
        import_advice(path, bank.entity, line=line_of(99_900).pk, **BERT)
    assert str(caught.value) == said.format(line_of(99_900).pk, "999.00 EUR", "849.00 EUR")
    with pytest.raises(Invalid, match=r"1\.00 EUR is not said of any document"):
        import_advice(path, bank.entity, line=line_of(14_900).pk, **BERT)
    BankLine.objects.filter(amount_minor=14_900).update(charges_minor=100)
    (advice,) = import_advice(path, bank.entity, line=line_of(14_900).pk, **BERT).advices
    assert advice.line == line_of(14_900).pk


def test_an_advice_of_long_ago_waits_for_no_line(bank: Town, tmp_path: Path) -> None:
    import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT)
    comes(tmp_path, "260302 150 //B1 hello")
    RemittanceAdvice.objects.update(imported_at=AT - timedelta(days=402))
    settings = settings_of(bank.entity)
    on = day("2026-03-02")
    assert link_waiting(bank.entity, on=AT.date(), settings=settings, by="bert", at=AT) == 0
    RemittanceAdvice.objects.update(imported_at=AT - timedelta(days=399))
    assert link_waiting(bank.entity, on=max(on, AT.date()), settings=settings, by="bert", at=AT) == 1


def test_one_who_forgets_an_advice_and_one_who_links_it_agree(
    busy_town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank_account(busy_town.entity)
    for number, amount in OPEN.items():
        busy_town.item(number, "MEYER", f"{amount}.00 EUR", "2026-02-01")
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), busy_town.entity, **BERT).advices
    comes(tmp_path, "260302 150 //B1 hello")
    record, forgetting, linking = audit.record, threading.Event(), threading.Event()

    def recorded(by: str, what: str, *args: Any, **given: Any) -> object:
        if what == "advice.forgotten":
            forgetting.set()
            linking.wait(2)  # whoever links now waits for us: this passes by itself
        return record(by, what, *args, **given)

    def link() -> int:
        forgetting.wait(SECONDS_MAX)
        try:
            return link_waiting(
                busy_town.entity, on=AT.date(), settings=settings_of(busy_town.entity), by="anna", at=AT
            )
        finally:
            linking.set()

    monkeypatch.setattr(audit, "record", recorded)
    results = at_once(lambda: forget_advice(busy_town.entity, advice.advice, **BERT), link)
    assert results == [None, 0]
    assert (RemittanceAdvice.objects.count(), line_of(15_000).documents) == (0, [])


def test_an_advice_that_is_linked_meanwhile_is_forgotten_with_what_its_line_says(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT).advices
    comes(tmp_path, "260302 150 //B1 hello")
    link_waiting(bank.entity, on=AT.date(), settings=settings_of(bank.entity), by="anna", at=AT)
    assert advices(bank.entity, most=1).advices[0].line is not None
    locked = flow._locked
    stale = iter([True])

    def late(entity: Entity, number: int) -> object:
        found, line = locked(entity, number)
        return (found, None) if next(stale, False) else (found, line)

    monkeypatch.setattr(flow, "_locked", late)
    forget_advice(bank.entity, advice.advice, **BERT)
    assert line_of(15_000).documents == []
