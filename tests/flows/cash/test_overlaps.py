"""Statements that overlap, are corrected, or come after a report of the day: no entry is there twice, none is lost."""

from pathlib import Path

import pytest

from tests.flows.cash.banking import kept, take
from tests.flows.town import Town
from tests.sources.bank.camt_files import balance, entry, message
from tests.sources.bank.mt940_files import IBAN, mt940


@pytest.mark.parametrize("refs", [("//R1 ", "//R2 ", "//R3 ", "//R4 "), ("", "", "", "")])
def test_a_day_that_comes_to_nothing_is_known_again(bank: Town, tmp_path: Path, refs: tuple[str, ...]) -> None:
    one, two, three, four = refs
    day = [f"260302 50 {two}A-18", f"260302 -50 {three}back A-18"]
    take(tmp_path, mt940([f"260301 100 {one}A-17", *day], opens=0, on=("260301", "260302")))
    later = mt940([*day, f"260303 10 {four}A-19"], opens=100, on=("260302", "260303"), statement="S2")
    (statement,) = take(tmp_path, later, "later.sta").statements
    assert (statement.lines, statement.known) == (1, 2)


def test_an_account_that_is_emptied_every_evening_has_no_day_twice(bank: Town, tmp_path: Path) -> None:
    first, second = (["260301 50 thanks", "260301 -50 sweep"], ["260302 50 thanks", "260302 -50 sweep"])
    take(tmp_path, mt940([*second, "260303 50 more"], opens=100, on=("260302", "260303")))
    (earlier,) = take(tmp_path, mt940(first + second, opens=100, on=("260301", "260302")), "earlier.sta").statements
    assert (earlier.lines, earlier.known) == (2, 2)


def test_the_rest_of_a_day_that_comes_to_nothing_is_new(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 50 thanks", "260302 -50 sweep"], opens=100))
    rest = mt940(["260302 70 thanks", "260302 -70 sweep"], opens=100, on=("260302", "260303"), statement="S2")
    (statement,) = take(tmp_path, rest, "rest.sta").statements
    assert (statement.lines, statement.known) == (2, 0)


def test_a_statement_that_is_corrected_brings_no_entry_again_that_its_bank_calls_the_same(
    bank: Town, tmp_path: Path
) -> None:
    take(tmp_path, mt940(["260302 50 //R1 A-17"], opens=100))
    (corrected,) = take(tmp_path, mt940(["260302 50 //R1 A-17"], opens=90), "corrected.sta").statements
    assert (corrected.lines, corrected.known) == (0, 1)


def test_the_rest_of_a_day_with_what_was_there_already_brings_what_is_new(bank: Town, tmp_path: Path) -> None:
    day = ["260302 50 //R2 A-18", "260302 -50 //R3 back A-18"]
    take(tmp_path, mt940(["260301 100 //R1 A-17", *day], opens=0, on=("260301", "260302")))
    whole = mt940([*day, "260302 30 //R5 A-19"], opens=100, on=("260302", "260303"), statement="S2")
    (statement,) = take(tmp_path, whole, "whole.sta").statements
    assert (statement.lines, statement.known) == (1, 2)


def test_a_reference_that_one_statement_has_twice_tells_no_entry_from_others(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 50 //BATCH A-17", "260302 50 //BATCH A-18"], opens=100))
    rest = mt940(["260302 50 //BATCH A-19"], opens=200, statement="S2")
    (statement,) = take(tmp_path, rest, "rest.sta").statements
    assert (statement.lines, statement.known) == (1, 0)


def test_statements_that_overlap_in_one_file_are_those_of_two_files(bank: Town, tmp_path: Path) -> None:
    one = mt940(["260301 100 //R1 A-17", "260302 50 A-18"], opens=0, on=("260301", "260302"))
    two = mt940(["260302 50 A-18", "260303 10 //R3 A-19"], opens=100, on=("260302", "260303"), statement="S2")
    first, second = take(tmp_path, one + two).statements
    assert (first.lines, second.lines, second.known) == (2, 1, 1)


def test_an_entry_of_a_report_without_its_day_is_that_of_the_statement(bank: Town, tmp_path: Path) -> None:
    head, movement = f":20:S\r\n:25:{IBAN}\r\n:28C:1/1\r\n", "C50,00NTRFNONREF//R1\r\n:86:A-17\r\n"
    report = f"{head}:34F:EUR0,\r\n:13D:2603021200+0100\r\n:61:260303{movement}:90D:0EUR0,\r\n:90C:1EUR50,\r\n-\r\n"
    day = f"{head}:60F:C260301EUR0,\r\n:61:2603030302{movement}:62F:C260302EUR50,\r\n-\r\n"
    (early,) = take(tmp_path, report, "report.sta").statements
    (statement,) = take(tmp_path, day, "day.sta").statements
    assert (early.lines, statement.lines, statement.known) == (1, 0, 1)


def test_an_entry_that_a_report_called_by_its_only_payment_is_that_of_the_statement(bank: Town, tmp_path: Path) -> None:
    part = "<Refs><AcctSvcrRef>T-1</AcctSvcrRef></Refs><RmtInf><Ustrd>A-17</Ustrd></RmtInf>"
    take(tmp_path, message(entry("100.00", part), kind="052"), "report.xml")
    day = entry("100.00", part, before="<AcctSvcrRef>E-1</AcctSvcrRef>")
    whole = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), day)
    (statement,) = take(tmp_path, whole, "statement.xml").statements
    again = take(tmp_path, whole.replace("E-1", "E-1 "), "again.xml").statements[0]
    assert [(each.lines, each.known) for each in (statement, again)] == [(0, 1), (0, 1)]


def test_an_advice_that_calls_only_the_payment_of_an_entry_is_of_that_entry(bank: Town, tmp_path: Path) -> None:
    part = "<Refs><AcctSvcrRef>T-1</AcctSvcrRef></Refs><RmtInf><Ustrd>A-17</Ustrd></RmtInf>"
    day = entry("100.00", part, before="<AcctSvcrRef>E-1</AcctSvcrRef>")
    take(tmp_path, message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), day), "statement.xml")
    (advice,) = take(tmp_path, message(entry("100.00", part), kind="054"), "advice.xml").statements
    assert (advice.lines, advice.known) == (0, 1)


def test_an_advice_of_one_payment_says_whose_it_is(bank: Town, tmp_path: Path) -> None:
    called = "<AcctSvcrRef>B-1</AcctSvcrRef>"
    whole = message(balance("OPBD", "0.00"), balance("CLBD", "100.00"), entry("100.00", before=called))
    detail = message(entry("100.00", "<RmtInf><Ustrd>A-17</Ustrd></RmtInf>", before=called), kind="054")
    take(tmp_path, whole, "statement.xml")
    (advice,) = take(tmp_path, detail, "advice.xml").statements
    assert (advice.lines, advice.detailed) == (0, 1)
    assert [text for _on, _minor, text in kept()] == ["A-17"]
    (again,) = take(tmp_path, whole.replace("100.00", "100.0"), "again.xml").statements
    assert (again.lines, again.detailed, again.known) == (0, 0, 1)


def test_a_statement_reaches_to_the_day_of_its_last_balance(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940([], opens=100, on=("260301", "260331")))
    (april,) = take(tmp_path, mt940(["260402 50 x"], opens=700, on=("260401", "260402")), "april.sta").statements
    (warning,) = april.warnings
    assert warning.startswith("it begins with 700.00 EUR, and the last one before it, of 2026-03-31, ended with 100.00")
