"""Bank statements are taken in whole, and no entry of them twice, however files repeat it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from django.db import connection

from dunwell.flows.cash.accounts import add_account
from dunwell.flows.cash.entries import Entry, Known
from dunwell.flows.cash.heads import heads
from dunwell.flows.cash.lines import bank_accounts, bank_lines
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.statements import FileReport, import_statements
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.records.models import AuditEvent, BankLine, BankMatch, BankStatement, KnownPayer, Task
from dunwell.sources.bank.pieces import Closed, Kind, Line, Opened
from dunwell.sources.problems import Problems
from tests.flows.cash.banking import AT, bank_account, kept, take
from tests.flows.town import Town
from tests.sources.bank.camt_files import balance, entry, message
from tests.sources.bank.mt940_files import IBAN, mt940

ONE = mt940(["260302 50 //B1 invoice A-17", "260302 -20 //B2 rent"], opens=100)


def test_a_statement_is_taken_in_with_all_its_lines(bank: Town, tmp_path: Path) -> None:
    report = take(tmp_path, ONE)
    (statement,) = report.statements
    assert (statement.account, statement.entity, statement.kind) == (IBAN, "ACME", "statement")
    assert (statement.lines, statement.lines_minor, statement.known, statement.warnings) == (2, 3000, 0, [])
    assert kept() == [("2026-03-02", -2000, "rent"), ("2026-03-02", 5000, "invoice A-17")]
    event = AuditEvent.objects.get(action="statement.imported")
    assert (event.detail["bank_account"], event.detail["lines"], event.entity_id) == (IBAN, 2, bank.entity.pk)
    (account,) = bank_accounts(bank.entity)
    assert (account.lines, str(account.until_on), account.balance_minor) == (2, "2026-03-02", 13000)


def test_the_same_file_changes_nothing(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, ONE)
    assert take(tmp_path, ONE, "again.sta").is_known
    assert (BankLine.objects.count(), BankStatement.objects.count()) == (2, 1)


def test_a_longer_statement_of_the_same_days_brings_what_is_new(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, ONE)
    longer = ["260302 50 //B1 invoice A-17", "260302 -20 //B2 rent", "260303 7 //B3 more"]
    (statement,) = take(tmp_path, mt940(longer, opens=100, on=("260302", "260303"), statement="S2")).statements
    assert (statement.lines, statement.lines_minor, statement.known) == (1, 700, 2)
    assert BankLine.objects.count() == 3


def test_two_payments_alike_in_all_are_two_and_stay_two(bank: Town, tmp_path: Path) -> None:
    alike = ["260302 50 thanks", "260302 50 thanks"]
    take(tmp_path, mt940(alike, opens=0))
    (again,) = take(tmp_path, mt940([*alike, "260302 50 thanks"], opens=0, statement="S2"), "b.sta").statements
    assert (again.lines, again.known) == (1, 2)
    assert kept() == [("2026-03-02", 5000, "thanks")] * 3


def test_the_next_statement_of_the_day_shares_nothing_with_the_one_before(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 50 thanks"], opens=100))
    (after,) = take(tmp_path, mt940(["260302 50 thanks"], opens=150, statement="S2"), "b.sta").statements
    assert (after.lines, after.known) == (1, 0)


THREE = [mt940(["260302 50 thanks"], opens=opens, statement=f"S{opens}") for opens in (100, 150, 200)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_of_three_statements_of_a_day_none_loses_an_entry_in_whatever_order_they_come(
    bank: Town, tmp_path: Path, order: tuple[int, ...]
) -> None:
    for at in order:
        take(tmp_path, THREE[at], f"{at}.sta")
    again = [take(tmp_path, THREE[at] + "\r\n", f"{at}.sta").statements[0] for at in order]
    assert kept() == [("2026-03-02", 5000, "thanks")] * 3
    assert [(each.lines, each.known) for each in again] == [(0, 1)] * 3


def test_pages_of_a_statement_in_one_file_share_nothing(bank: Town, tmp_path: Path) -> None:
    first = THREE[0].replace(":28C:1/1", ":28C:1/1").replace(":62F:", ":62M:")
    second = THREE[1].replace(":28C:1/1", ":28C:1/2").replace(":60F:", ":60M:").replace("S150", "S100")
    report = take(tmp_path, first + second)
    assert sum(each.lines for each in report.statements) == 2
    assert kept() == [("2026-03-02", 5000, "thanks")] * 2
    again = take(tmp_path, first + second + "\r\n", "again.sta")
    assert [(each.lines, each.known) for each in again.statements] == [(0, 1)] * 2


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (date(226, 3, 2), "it was booked on 0226-03-02, which is not between 1900 and 2199"),
        (None, "an entry without the day on which it was booked"),
    ],
)
def test_a_line_of_a_day_that_is_none_is_refused_with_its_place(bank: Town, on: date | None, said: str) -> None:
    problems = Problems("bank.sta")
    line = Line(5, 1, 5000, 1, 5000, "EUR", on, None)
    told = list(heads(iter([Opened(1, Kind.STATEMENT, IBAN, "EUR"), line, Closed(6)]), bank.entity, problems))
    (problem,) = map(str, problems.listed)
    assert problem.startswith(f"bank.sta:5: {said}")
    assert [head.to_on for head in told] == [None]


def test_overlapping_statements_that_begin_with_the_same_balance_by_chance_are_no_next_ones(
    bank: Town, tmp_path: Path
) -> None:
    take(tmp_path, mt940(["260302 50 thanks", "260303 -50 rent"], opens=100, on=("260301", "260303")))
    overlap = mt940(
        ["260302 50 thanks", "260303 -50 rent", "260304 9 x"], opens=100, on=("260302", "260304"), statement="S2"
    )
    (second,) = take(tmp_path, overlap, "b.sta").statements
    assert (second.lines, second.known) == (1, 2)


def test_a_hole_between_two_statements_is_told(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, ONE)
    (later,) = take(tmp_path, mt940(["260305 1 x"], opens=500, on=("260305", "260305")), "b.sta").statements
    (warning,) = later.warnings
    assert warning.startswith(
        "it begins with 500.00 EUR, and the last one before it, of 2026-03-02, ended with 130.00 EUR"
    )
    assert warning.endswith("a statement between them is missing")


def test_a_statement_of_the_week_after_those_of_its_days_has_no_hole_before_it(bank: Town, tmp_path: Path) -> None:
    days = ["260302 50 //B1 a", "260303 7 //B2 b"]
    take(tmp_path, mt940(days[:1], opens=100), "1.sta")
    (second,) = take(tmp_path, mt940(days[1:], opens=150, on=("260303", "260303")), "2.sta").statements
    week = mt940([*days, "260306 1 //B3 c"], opens=100, on=("260302", "260306"))
    (whole,) = take(tmp_path, week, "week.sta").statements
    (again,) = take(tmp_path, mt940(days[1:], opens=150, on=("260303", "260303"), statement="S9"), "3.sta").statements
    assert (second.warnings, whole.warnings, again.warnings) == ([], [], [])
    assert (whole.lines, whole.known, again.known) == (1, 2, 1)


def test_statements_of_one_day_in_any_order_have_no_hole_between_or_behind_them(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 30 //B2 b"], opens=150), "late.sta")
    (early,) = take(tmp_path, mt940(["260302 50 //B1 a"], opens=100, statement="S0"), "early.sta").statements
    (after,) = take(tmp_path, mt940(["260303 1 //B3 c"], opens=180, on=("260303",) * 2), "next.sta").statements
    assert (early.warnings, after.warnings) == ([], [])


def test_a_statement_in_another_format_that_brings_the_same_sum_is_told(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 100 A-17"], opens=0), "day.sta")
    whole = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), entry("100.00"))
    (statement,) = take(tmp_path, whole, "day.xml").statements
    (warning,) = statement.warnings
    assert warning.startswith("day.sta brought a statement until 2026-03-02 with the same balances")


def test_an_advice_says_in_detail_what_the_statement_booked_in_one_sum(bank: Town, tmp_path: Path) -> None:
    ref = "<AcctSvcrRef>B-1</AcctSvcrRef>"
    part = "<AmtDtls><TxAmt><Amt Ccy='EUR'>{}</Amt></TxAmt></AmtDtls><RmtInf><Ustrd>{}</Ustrd></RmtInf>"
    parts = [part.format("60.00", "A-17"), part.format("40.00", "A-18")]
    whole = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), entry(after="", before=ref))
    advice = message(entry("100.00", *parts, before=ref), kind="054")
    take(tmp_path, whole, "statement.xml")
    (detail,) = take(tmp_path, advice, "advice.xml").statements
    assert (detail.lines, detail.detailed, detail.known) == (0, 2, 0)
    assert kept() == [("2026-03-02", 4000, "A-18"), ("2026-03-02", 6000, "A-17")]
    (again,) = take(tmp_path, whole.replace("<MsgId>M", "<MsgId>N"), "again.xml").statements
    assert (again.lines, again.detailed, again.known) == (0, 0, 1)


def test_a_report_without_the_banks_references_waits_for_the_statement(bank: Town, tmp_path: Path) -> None:
    (report,) = take(tmp_path, message(entry("100.00"), kind="052"), "report.xml").statements
    assert (report.lines, report.without_reference) == (0, 1)
    (pending,) = take(tmp_path, message(entry("100.00", status="<Cd>PDNG</Cd>"), kind="052"), "pending.xml").statements
    assert (pending.lines, pending.not_booked) == (0, 1)
    assert kept() == []


def test_the_number_that_a_message_gives_an_entry_is_no_reference_of_the_bank(bank: Town, tmp_path: Path) -> None:
    counted = [f"<NtryRef>{number}</NtryRef>" for number in (1, 2)]
    (report,) = take(tmp_path, message(entry("100.00", before=counted[0]), kind="052"), "report.xml").statements
    assert (report.lines, report.without_reference) == (0, 1)
    day = [entry("20.00", before=counted[0]), entry("100.00", before=counted[1])]
    balances = balance("OPBD", "0.00"), balance("CLBD", "120.00")
    (statement,) = take(tmp_path, message(*balances, *day), "statement.xml").statements
    renumbered = [entry("20.00", before=counted[1]), entry("100.00", before=counted[0])]
    (again,) = take(tmp_path, message(*balances, *renumbered), "again.xml").statements
    assert (statement.lines, again.lines, again.known) == (2, 0, 2)


def test_the_reference_of_the_only_payment_of_an_entry_is_that_of_the_entry(bank: Town, tmp_path: Path) -> None:
    part = "<Refs><AcctSvcrRef>T-1</AcctSvcrRef></Refs><RmtInf><Ustrd>{}</Ustrd></RmtInf>"
    report = message(entry("100.00", part.format("A-17"), before="<NtryRef>1</NtryRef>"), kind="052")
    (early,) = take(tmp_path, report, "report.xml").statements
    day = entry("100.00", part.format("A-17 and more"), before="<NtryRef>2</NtryRef>")
    whole = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), day)
    (statement,) = take(tmp_path, whole, "statement.xml").statements
    assert (early.lines, statement.lines, statement.known) == (1, 0, 1)


def test_an_advice_of_a_sum_without_its_banks_reference_waits_as_a_whole(bank: Town, tmp_path: Path) -> None:
    part = "<Refs>{}</Refs><AmtDtls><TxAmt><Amt Ccy='EUR'>{}</Amt></TxAmt></AmtDtls>"
    parts = [part.format("<AcctSvcrRef>T-1</AcctSvcrRef>", "60.00"), part.format("", "40.00")]
    (advice,) = take(tmp_path, message(entry("100.00", *parts), kind="054"), "advice.xml").statements
    assert (advice.lines, advice.without_reference) == (0, 2)


def test_a_file_that_is_known_is_refused_for_another_entity_all_the_same(bank: Town, tmp_path: Path) -> None:
    other = Town(tmp_path, "OTHER", policy=None)
    take(tmp_path, ONE)
    with pytest.raises(Invalid) as refused:
        take(tmp_path, ONE, entity=other.entity)
    assert f"{IBAN} is of ACME, not of OTHER" in "\n".join(refused.value.problems)
    assert take(tmp_path, ONE, entity=bank.entity).is_known


SUM_REF = "<AcctSvcrRef>B-1</AcctSvcrRef>"
SUM = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), entry(before=SUM_REF))
PART = "<AmtDtls><TxAmt><Amt Ccy='EUR'>{}</Amt></TxAmt></AmtDtls>"
DETAIL = message(entry("100.00", PART.format("60.00"), PART.format("40.00"), before=SUM_REF), kind="054")


def test_an_advice_takes_the_place_of_a_line_that_is_only_proposed(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, SUM, "statement.xml")
    line = BankLine.objects.get()
    BankLine.objects.update(state="proposed")
    BankMatch.objects.create(
        entity=bank.entity, line=line, step="payer", outcome="propose", confidence_permille=500, applied_minor=0,
        left_minor=10000,
    )  # fmt: skip
    (detail,) = take(tmp_path, DETAIL, "advice.xml").statements
    assert (detail.detailed, [minor for _, minor, _ in kept()]) == (2, [4000, 6000])
    assert not BankMatch.objects.exists()


def test_what_is_asked_of_a_sum_ends_when_its_advice_comes_and_what_a_person_took_back_stays_theirs(
    bank: Town, tmp_path: Path
) -> None:
    take(tmp_path, SUM, "statement.xml")
    match_lines(bank.entity, by="bert", at=AT)
    assert Task.objects.get().closed_at is None
    BankLine.objects.update(taken_back=True)
    take(tmp_path, DETAIL, "advice.xml")
    assert list(BankLine.objects.values_list("taken_back", flat=True)) == [True, True]
    task = Task.objects.get()
    assert (task.line, task.closed_at, task.closed_by) == (None, AT, "bert")


def test_a_sum_that_taught_us_its_payer_and_waits_again_gives_way_to_its_details(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, SUM, "statement.xml")
    known = KnownPayer.objects.create(
        entity=bank.entity, kind="iban", value="DE1", account=bank.account("MEYER"), since_on=AT.date(),
        line=BankLine.objects.get(),
    )  # fmt: skip
    take(tmp_path, DETAIL, "advice.xml")
    known.refresh_from_db()
    assert (known.line, BankLine.objects.count()) == (None, 2)


def test_a_line_that_is_applied_while_its_advice_is_read_stays(
    bank: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(tmp_path, SUM, "statement.xml")
    told = Known.tell

    def tell(known: Known, entries: Sequence[Entry]) -> None:
        told(known, entries)
        BankLine.objects.update(state="applied")

    monkeypatch.setattr(Known, "tell", tell)
    (detail,) = take(tmp_path, DETAIL, "advice.xml").statements
    assert (detail.detailed, detail.known, [minor for _, minor, _ in kept()]) == (0, 1, [10000])


def test_an_account_that_is_nobodys_or_anothers_is_refused_and_nothing_is_written(town: Town, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        take(tmp_path, ONE)
    assert f"{IBAN} is not known as an entity's bank account; known: none" in "\n".join(refused.value.problems)
    other = Town(tmp_path, "OTHER", policy=None)
    bank_account(town.entity)
    with pytest.raises(Invalid) as refused:
        take(tmp_path, ONE, entity=other.entity)
    assert f"{IBAN} is of ACME, not of OTHER" in "\n".join(refused.value.problems)
    assert not BankStatement.objects.exists()


def test_a_statement_in_another_currency_than_the_account_is_refused(town: Town, tmp_path: Path) -> None:
    bank_account(town.entity, currency="USD")
    with pytest.raises(Invalid) as refused:
        take(tmp_path, ONE)
    assert "is kept in USD, not in EUR" in "\n".join(refused.value.problems)


def test_a_file_of_which_one_statement_does_not_add_up_brings_nothing(bank: Town, tmp_path: Path) -> None:
    wrong = mt940(["260303 1 x"], opens=130, statement="S2").replace("EUR131,", "EUR132,")
    with pytest.raises(Invalid) as refused:
        take(tmp_path, ONE + wrong)
    assert "it opens with 130.00 EUR, its lines come to 1.00 EUR, and it closes with 132.00 EUR" in str(
        refused.value.problems
    )
    assert (BankLine.objects.count(), BankStatement.objects.count()) == (0, 0)


def test_what_is_no_bank_file_and_what_is_not_there_are_told(bank: Town, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        take(tmp_path, "number,amount\nA-17,100.00\n")
    with pytest.raises(NotFound):
        import_statements(tmp_path / "absent.sta", by="bert", at=AT)


def test_two_at_once_count_an_entry_once(bank: Town, tmp_path: Path) -> None:
    files = [mt940(["260302 50 thanks"], opens=100, statement=name) for name in ("S1", "S2")]

    def taken(number: int) -> FileReport:
        try:
            return take(tmp_path, files[number], f"{number}.sta")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(taken, range(2)))
    assert kept() == [("2026-03-02", 5000, "thanks")]


def test_a_bank_account_is_known_once(town: Town) -> None:
    add_account(town.entity, "de89 3704 0044 0532 0130 00", by="bert", at=AT)
    with pytest.raises(Conflict, match=f"{IBAN} is known, as an account of ACME"):
        add_account(town.entity, IBAN, by="bert", at=AT)
    with pytest.raises(Invalid, match="'EURO' is not a currency"):
        add_account(town.entity, "1", currency="EURO", by="bert", at=AT)
    with pytest.raises(Invalid, match="say the IBAN"):
        add_account(town.entity, "  ", by="bert", at=AT)
    with pytest.raises(Invalid, match="DE00370400440532013000 has the form of an IBAN, and its check digits are wrong"):
        add_account(town.entity, "DE00 3704 0044 0532 0130 00", by="bert", at=AT)
    add_account(town.entity, "US00 3704 0044 0532 0130 00", by="bert", at=AT)  # a country without IBANs


def test_lines_are_listed_newest_first(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 50 first", "260303 7 second"], opens=0, on=("260302", "260303")))
    found = bank_lines(bank.entity, state="open", most=1)
    assert ([line.text for line in found.lines], found.more) == (["second"], 1)
    with pytest.raises(Invalid, match="'lost' is no state of a line"):
        bank_lines(state="lost", most=1)
