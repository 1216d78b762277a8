"""What a bank takes back opens again what it had paid, once, and a person says what is not certain."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash import taking_back
from dunwell.flows.cash.applying import apply_match, apply_to, set_aside, unapply
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.pay import pay
from dunwell.flows.cash.returning import NUMBER_MAX, Undone, return_line, unreturn
from dunwell.flows.cash.review import payers, waiting
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.people.promises import promise, promises
from dunwell.records.models import Alert, AuditEvent, BankLine, BankMatch, Item, Payment, Task
from tests.flows.cash.banking import AT, bank_account
from tests.flows.cash.camt_returns import THEIRS, back, book, came, line_of, reversed_debit, states
from tests.flows.town import Town, day, noon

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
PAID: Final = came("100.00", "2026-03-02", "INV-20170", ref="E2E-17")
RETURNED: Final = back("100.00", "2026-03-05", ref="E2E-17")


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account, and MEYER and SMITH who owe."""
    bank_account(town.entity)
    town.account("MEYER")
    town.account("SMITH")
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    town.item("INV-30990", "SMITH", "80.00 EUR", "2026-02-05")
    return town


def test_a_returned_debit_opens_again_what_it_had_paid(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID)
    assert match_lines(bank.entity, **BERT).applied == 1
    book(tmp_path, RETURNED, name="later.xml")
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.returns_waiting, report.lines) == (1, 0, 0)
    assert (bank.open("INV-20170"), states()) == (10_000, [(10_000, "returned"), (-10_000, "returned")])
    payment = Payment.objects.get()
    assert (payment.state, payment.item.open_minor, BankMatch.objects.count()) == ("reversed", 0, 0)
    assert BankLine.objects.get(pk=line_of(-10_000)).returns_id == line_of(10_000)
    event = AuditEvent.objects.get(action="line.returned")
    assert (event.detail["of"], event.detail["was"], event.detail["reason"]) == (line_of(10_000), "applied", "AM04")
    assert f"line {line_of(-10_000)} takes it back: AM04" in AuditEvent.objects.get(action="payment.reversed").detail[
        "reason"
    ]  # fmt: skip
    assert match_lines(bank.entity, **BERT).returned == 0


def test_money_that_comes_and_goes_before_anybody_looked_pays_nothing(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.lines, report.applied, Payment.objects.count()) == (1, 0, 0, 0)


def test_nothing_is_taken_back_by_itself_where_a_person_wants_to_see_it(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    report = match_lines(bank.entity, apply=False, **BERT)
    assert (report.returned, report.returns_waiting, report.lines) == (0, 1, 1)
    (taking, _paid) = sorted(waiting(bank.entity, most=9).lines, key=lambda line: line.amount_minor)
    assert (taking.takes_back, taking.of, taking.outcome, taking.why) == (
        True, line_of(10_000), "apply", "reference,amount",
    )  # fmt: skip
    (guess,) = taking.earlier
    assert (guess.line, guess.state, guess.accounts, guess.party) == (
        line_of(10_000), "proposed", ("MEYER",), "Meyer GmbH",
    )  # fmt: skip
    told = return_line(bank.entity, line_of(-10_000), **BERT)
    assert (told.of, told.accounts, BankMatch.objects.count()) == (line_of(10_000), (), 0)
    assert waiting(bank.entity, most=9).lines == ()


def test_stages_and_notices_follow_a_payment_and_its_return(bank: Town, tmp_path: Path) -> None:
    run = bank.propose("2026-03-04")
    bank.post(run)
    book(tmp_path, PAID)
    match_lines(bank.entity, by="bert", at=noon("2026-03-04"))
    assert (bank.notice(run, "MEYER").state, bank.level("INV-20170")) == ("withdrawn", 0)
    book(tmp_path, RETURNED, name="later.xml")
    match_lines(bank.entity, **BERT)
    again = bank.run("2026-03-10")
    assert (bank.notice(again, "MEYER").stage, bank.notice(again, "MEYER").total_minor) == ("reminder", 10_000)


def test_an_item_that_was_dunned_regains_its_level(bank: Town, tmp_path: Path) -> None:
    bank.run("2026-02-05")
    book(tmp_path, PAID, back("100.00", "2026-03-05", ref="E2E-17"))
    apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
    match_lines(bank.entity, **BERT)
    assert (bank.level("INV-20170"), bank.open("INV-20170")) == (1, 10_000)
    assert bank.notice(bank.run("2026-03-10"), "MEYER").stage == "second_reminder"


def test_a_promise_is_kept_and_then_it_is_not(bank: Town, tmp_path: Path) -> None:
    promise(
        bank.entity, "MEYER", amount="100.00", by_on=day("2026-03-04"), items=["INV-20170"], on=day("2026-03-01"),
        by="bert", at=noon("2026-03-01"),
    )  # fmt: skip
    book(tmp_path, PAID)
    match_lines(bank.entity, **BERT)
    assert [(each.paid_minor, each.state) for each in promises(bank.entity, on=day("2026-03-10"), most=9)] == [
        (10_000, "kept")
    ]
    book(tmp_path, RETURNED, name="later.xml")
    match_lines(bank.entity, **BERT)
    assert [(each.paid_minor, each.state) for each in promises(bank.entity, on=day("2026-03-10"), most=9)] == [
        (0, "broken")
    ]


def test_what_was_granted_beside_the_money_goes_back_with_it(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, came("99.50", "2026-03-02", "INV-20170", ref="E2E-17"), back("99.50", "2026-03-05", ref="E2E-17"))
    match_lines(bank.entity, apply=False, **BERT)
    apply_match(bank.entity, line_of(9_950), **BERT)
    assert bank.open("INV-20170") == 0
    assert match_lines(bank.entity, **BERT).returned == 1
    assert (bank.open("INV-20170"), Item.objects.get(kind="credit").open_minor) == (10_000, 0)


def test_who_was_learned_to_pay_stays_known_since_it_was_them(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
    match_lines(bank.entity, **BERT)
    assert [(each.value, each.account) for each in payers(bank.entity)] == [(THEIRS, "MEYER")]


def test_charges_of_the_return_are_told_and_not_asked_of_the_debtor(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, back("103.50", "2026-03-05", ref="E2E-17", charges="100.00"))
    apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.return_charges, bank.open("INV-20170")) == (1, {"EUR": 350}, 10_000)
    assert AuditEvent.objects.get(action="line.returned").detail["over_minor"] == 350
    assert not Item.objects.filter(kind="charge").exists()


def test_the_money_of_a_statement_is_applied_or_left_or_waits_or_is_gone(bank: Town, tmp_path: Path) -> None:
    book(
        tmp_path, PAID, RETURNED, came("120.00", "2026-03-03", "INV-30990", ref="E2E-18"),
        came("100.00", "2026-03-06", "INV-20170", ref="E2E-19"), came("9.00", "2026-03-06", "?", ref="E2E-20"),
    )  # fmt: skip
    report = match_lines(bank.entity, **BERT)
    by_state: dict[str, int] = {}
    for minor, state in states():
        by_state[state] = by_state.get(state, 0) + minor
    assert by_state == {"returned": 0, "applied": 10_000, "proposed": 12_900}
    assert report.sums == {"EUR": {"lines": 22_900, "applied": 10_000, "left": 0, "waiting": 12_900}}


def test_an_event_rule_is_told_of_a_return_and_not_of_a_correction(bank: Town, tmp_path: Path) -> None:
    bank.apply("policy: standard\nstages:\n  - {stage: reminder, days_past_due: 3, send: [email]}\n"
               "rules: [{on: payment_reversed, do: [call]}]\n")  # fmt: skip
    book(tmp_path, PAID)
    match_lines(bank.entity, **BERT)
    unapply(bank.entity, line_of(10_000), reason="to see", **BERT)
    assert not Alert.objects.exists()
    apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
    book(tmp_path, RETURNED, name="later.xml")
    match_lines(bank.entity, **BERT)
    bank.run("2026-03-10")
    assert list(Task.objects.values_list("kind", "detail")) == [("call", "a payment was taken back on 2026-03-05")]


def test_what_is_only_likely_waits_for_a_person(bank: Town, tmp_path: Path) -> None:
    more = f"<RltdPties><Dbtr><Nm>X</Nm></Dbtr><DbtrAcct><Id><IBAN>{THEIRS}</IBAN></Id></DbtrAcct></RltdPties>"
    book(tmp_path, PAID, back("100.00", "2026-03-05", ref="NOTPROVIDED", more=more))
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.returns_waiting, report.applied) == (0, 1, 1)
    (line,) = waiting(bank.entity, most=9).lines
    assert (line.outcome, line.of, line.why, line.account) == ("propose", line_of(10_000), "iban,amount", "MEYER")
    assert return_line(bank.entity, line.line, **BERT).accounts == ("MEYER",)
    assert bank.open("INV-20170") == 10_000


def test_a_refund_of_ours_is_no_return_only_because_it_names_what_was_paid(bank: Town, tmp_path: Path) -> None:
    words = "<RmtInf><Ustrd>REFUND RETURNED ITEM INV-20170</Ustrd></RmtInf>"
    refund = RETURNED.replace("<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>", words)
    book(tmp_path, PAID, refund)
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.returns_waiting, bank.open("INV-20170")) == (0, 1, 0)
    (line,) = waiting(bank.entity, most=9).lines
    assert (line.outcome, line.of) == ("propose", line_of(10_000))


def test_an_amount_that_many_have_is_looked_for_with_its_payer_or_reference(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_back, "SHARED_MAX", 1)
    more = f"<RltdPties><Dbtr><Nm>X</Nm></Dbtr><DbtrAcct><Id><IBAN>{THEIRS}</IBAN></Id></DbtrAcct></RltdPties>"
    others = [came("100.00", "2026-03-01", "x", ref=f"OTHER-{n}", name=f"N{n}", iban="") for n in range(2)]
    book(
        tmp_path, PAID, *others, back("100.00", "2026-03-05", ref="OTHER-1"),
        back("100.00", "2026-03-06", ref="NOTPROVIDED", more=more),
    )  # fmt: skip
    found = [each for each in waiting(bank.entity, most=9).lines if each.takes_back]
    assert [(each.why, each.earlier[0].party) for each in found] == [
        ("reference,amount", "N1"), ("iban,amount", "Meyer GmbH"),
    ]  # fmt: skip
    assert "N0" not in {guess.party for each in found for guess in each.earlier}


def test_a_line_that_nobody_can_tell_is_said_by_a_person(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, back("55.00", "2026-03-05", ref="OTHER"), back("100.00", "2026-03-06", ref="NEW"))
    match_lines(bank.entity, **BERT)
    with pytest.raises(Conflict, match=r"nobody can tell what line \d+ takes back: say which line"):
        return_line(bank.entity, line_of(-10_000), **BERT)
    with pytest.raises(Invalid, match=r"is 55\.00 EUR, and line \d+ 100\.00 EUR: money is taken back whole"):
        return_line(bank.entity, line_of(-5_500), of=line_of(10_000), **BERT)
    told = return_line(bank.entity, line_of(-10_000), of=line_of(10_000), **BERT)
    assert return_line(bank.entity, line_of(-10_000), of=line_of(10_000), **BERT).of == told.of
    assert return_line(bank.entity, line_of(-10_000), **BERT).of == told.of
    assert AuditEvent.objects.filter(action="line.returned").count() == 1
    with pytest.raises(Conflict, match=r"was taken back by line \d+ already"):
        return_line(bank.entity, line_of(-5_500), of=line_of(10_000), **BERT)


def test_a_payment_that_no_line_brought_is_taken_back_by_one(bank: Town, tmp_path: Path) -> None:
    number = pay(bank.entity, "MEYER", amount="100.00", items=["INV-20170"], on=day("2026-03-01"), **BERT)
    book(tmp_path, RETURNED)
    match_lines(bank.entity, **BERT)
    (line,) = waiting(bank.entity, most=9).lines
    (guess,) = line.earlier
    assert (line.outcome, guess.payment, guess.accounts) == ("exception", number, ("MEYER",))
    told = return_line(bank.entity, line.line, payment=number, **BERT)
    assert (told.payment, told.over_minor, bank.open("INV-20170")) == (number, 0, 10_000)
    assert (Payment.objects.get().state, states()) == ("reversed", [(-10_000, "returned")])
    assert return_line(bank.entity, line.line, payment=number, **BERT) == told
    assert return_line(bank.entity, line.line, **BERT) == told
    assert AuditEvent.objects.filter(action="line.returned").count() == 1
    other = pay(bank.entity, "MEYER", amount="100.00", on=day("2026-03-02"), **BERT)
    with pytest.raises(Conflict, match="is taken back, or takes a payment back: let both wait again"):
        return_line(bank.entity, line.line, payment=other, **BERT)
    assert unreturn(bank.entity, line.line, **BERT) == Undone(lines=(line.line,), note_again=number)
    assert (states(), bank.open("INV-20170")) == ([(-10_000, "open")], 10_000)


def test_of_many_payments_of_an_amount_the_latest_that_can_be_it_are_guessed(bank: Town, tmp_path: Path) -> None:
    def noted(amount: str, on: str, external_id: str | None = None) -> int:
        return pay(bank.entity, "MEYER", amount=amount, on=day(on), external_id=external_id, **BERT)

    named = noted("55.00", "2025-12-01", "E2E-17")
    days = ("2026-01-03", "2026-01-04", "2026-02-01", "2026-02-01", "2026-03-05", "2026-03-06")
    *_early, first, second, same_day, later = [noted("100.00", on) for on in days]
    book(tmp_path, RETURNED, back("100.00", "2026-03-07", ref="OTHER"), back("100.00", "2026-03-04", ref="E2E-17"))
    found = {
        str(each.booked_on): [guess.payment for guess in each.earlier] for each in waiting(bank.entity, most=9).lines
    }
    assert found["2026-03-05"] == [same_day, second, first]
    assert found["2026-03-07"] == [later, same_day, second]
    Payment.objects.filter(pk__in=[first, second]).update(received_on=day("2026-01-02"))  # 61 days before
    (only,) = [each for each in waiting(bank.entity, most=9).lines if str(each.booked_on) == "2026-03-04"]
    assert [guess.payment for guess in only.earlier] == [_early[1], _early[0], named]


def test_a_payment_of_a_bank_line_goes_back_with_its_line(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, back("100.00", "2026-03-05", ref="OTHER"))
    match_lines(bank.entity, **BERT)
    number = Payment.objects.get().pk
    told = return_line(bank.entity, line_of(-10_000), payment=number, **BERT)
    assert (told.of, told.payment) == (line_of(10_000), None)
    assert return_line(bank.entity, line_of(-10_000), payment=number, **BERT) == told


def test_what_was_no_return_lets_both_lines_wait_and_is_not_done_again(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, PAID, RETURNED)
    apply_to(bank.entity, line_of(10_000), items=["INV-20170"], **BERT)
    match_lines(bank.entity, **BERT)
    assert unreturn(bank.entity, line_of(10_000), **BERT).lines == (line_of(-10_000), line_of(10_000))
    assert states() == [(10_000, "open"), (-10_000, "open")]
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.returns_waiting, report.applied, report.proposed) == (0, 1, 0, 1)
    apply_match(bank.entity, line_of(10_000), **BERT)
    assert bank.open("INV-20170") == 0
    with pytest.raises(Conflict, match="takes nothing back, and was not taken back"):
        unreturn(bank.entity, line_of(-10_000), **BERT)
    return_line(bank.entity, line_of(-10_000), **BERT)
    assert bank.open("INV-20170") == 10_000


def test_what_was_set_aside_changes_nothing_of_the_book(bank: Town, tmp_path: Path) -> None:
    book(tmp_path, came("7.00", "2026-03-02", "lottery", ref="E2E-9"), back("7.00", "2026-03-05", ref="E2E-9"))
    set_aside(bank.entity, line_of(700), reason="not ours", **BERT)
    assert match_lines(bank.entity, **BERT).returned == 1
    assert states() == [(700, "returned"), (-700, "returned")]
    undone = unreturn(bank.entity, line_of(-700), **BERT)
    assert undone == Undone(lines=(line_of(-700),), set_aside=line_of(700))
    assert states() == [(700, "set_aside"), (-700, "open")]


def test_other_money_that_goes_out_is_no_business_of_ours(bank: Town, tmp_path: Path) -> None:
    salary = RETURNED.replace("<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>", "")
    book(tmp_path, PAID, salary)
    report = match_lines(bank.entity, **BERT)
    assert (report.returned, report.returns_waiting, waiting(bank.entity, most=9).lines) == (0, 0, ())
    told = return_line(bank.entity, line_of(-10_000), of=line_of(10_000), **BERT)  # a person knows better
    assert (told.accounts, bank.open("INV-20170")) == (("MEYER",), 10_000)


def test_a_reversed_debit_of_our_own_is_shown_and_pays_nobody(bank: Town, tmp_path: Path) -> None:
    paid = back("80.00", "2026-03-02", ref="SALARY-9").replace("<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>", "")
    book(tmp_path, paid, reversed_debit("80.00", "2026-03-03", ref="SALARY-9"))
    report = match_lines(bank.entity, **BERT)
    assert (report.lines, report.returned, report.returns_waiting) == (0, 0, 1)
    (line,) = waiting(bank.entity, most=9).lines
    assert (line.amount_minor, line.takes_back, line.of) == (8_000, True, line_of(-8_000))
    return_line(bank.entity, line.line, **BERT)
    assert states() == [(-8_000, "returned"), (8_000, "returned")]


@pytest.mark.parametrize("code", ["", "NRTI 159", "NTRF+159+9310", "PMNT/ICDT/RRTN", "257"])
def test_a_transfer_of_our_own_that_comes_back_pays_no_invoice_by_itself(bank: Town, tmp_path: Path, code: str) -> None:
    book(tmp_path, PAID)
    BankLine.objects.update(code=code, return_reason="" if code else "AC04")
    report = match_lines(bank.entity, **BERT)
    assert (report.applied, report.proposed, bank.open("INV-20170")) == (0, 1, 10_000)


@pytest.mark.parametrize("code", ["Partial payment", "PARTIAL", "NTRF+177+159"])
def test_money_of_a_debtor_is_applied_whatever_its_code_happens_to_hold(bank: Town, tmp_path: Path, code: str) -> None:
    book(tmp_path, PAID)
    BankLine.objects.update(code=code)
    assert (match_lines(bank.entity, **BERT).applied, bank.open("INV-20170")) == (1, 0)


def test_lines_that_cannot_be_about_each_other_are_refused(bank: Town, tmp_path: Path) -> None:
    bank_account(bank.entity, "GB29NWBK60161331926819")
    book(tmp_path, PAID, RETURNED, came("30.00", "2026-03-08", "x", ref="E2E-30"),
         back("500.00", "2026-03-06", ref="BIG").replace("<RtrInf><Rsn><Cd>AM04</Cd></Rsn></RtrInf>", ""))  # fmt: skip
    entity, paid, taking = bank.entity, line_of(10_000), line_of(-10_000)
    for line, of, error, said in (
        (taking, 999, NotFound, "there is no bank line 999"),
        (999, taking, NotFound, "there is no bank line 999"),
        (taking, taking, Invalid, "cannot take itself back"),
        (taking, line_of(-50_000), Invalid, "went the same way"),
        (paid, taking, Invalid, "is money that came in: it takes nothing back"),
        (taking, line_of(3_000), Invalid, "was booked on 2026-03-08, after line"),
        (line_of(-50_000), paid, Invalid, "the bank does not say that it takes any back"),
    ):
        with pytest.raises(error, match=said):
            return_line(entity, line, of=of, **BERT)
    with pytest.raises(Invalid, match="one line or one payment, not both"):
        return_line(entity, taking, of=paid, payment=1, **BERT)
    with pytest.raises(NotFound, match="no payment 999"):
        return_line(entity, taking, payment=999, **BERT)
    with pytest.raises(Invalid, match="2026-03-05 is yet to come"):
        return_line(entity, taking, of=paid, by="bert", at=noon("2026-03-04"))
    for huge in (NUMBER_MAX, NUMBER_MAX + 1, 10**22, -(10**22)):
        with pytest.raises(NotFound, match=f"there is no bank line {huge} of ACME"):
            return_line(entity, huge, **BERT)
        with pytest.raises(NotFound, match=f"there is no bank line {huge} of ACME"):
            return_line(entity, taking, of=huge, **BERT)
        with pytest.raises(NotFound, match=f"there is no payment {huge} of ACME"):
            return_line(entity, taking, payment=huge, **BERT)
        with pytest.raises(NotFound, match=f"there is no bank line {huge} of ACME"):
            unreturn(entity, huge, **BERT)
    set_aside(entity, taking, reason="x", **BERT)
    with pytest.raises(Conflict, match="is set aside: let it wait again first, for a reason"):
        return_line(entity, taking, of=paid, **BERT)
    assert states() == [(10_000, "open"), (-10_000, "set_aside"), (-50_000, "open"), (3_000, "open")]
