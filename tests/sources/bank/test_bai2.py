"""BAI2: the samples, a file of our own, and what is wrong with it, one place at a time."""

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from dunwell.sources.bank import bai2
from dunwell.sources.bank.pieces import Kind, Party
from tests.sources.bank.reading import DATA, Heard, heard, needs

SAMPLES: Final = DATA / "bank-bai2-moov" / "test" / "testdata"
FILE: Final = """\
01,BANK,DUNWELL,260401,0600,1,80,,2/
02,DUNWELL,021000021,1,260331,2359,USD,2/
03,4711,,010,100000,,,015,109500,,,100,15000,1,,400,5500/
88,1,,/
16,195,15000,V,260402,1200,W-1,A-17,INVOICE A-17
88,AND A-18
16,475,5500,0,C-9,,CHECK 9/
49,250500,6/
98,250500,1,8/
99,250500,1,10/
"""


def _heard(folder: Path, content: str) -> Heard:
    path = folder / "report.bai"
    path.write_text(content, encoding="utf-8")
    return heard(bai2.read, path)


def test_an_account_opens_has_movements_and_closes(tmp_path: Path) -> None:
    read = _heard(tmp_path, FILE)
    assert read.told == []
    head = read.heads[0]
    assert (head.kind, head.account, head.currency, head.bank) == (Kind.STATEMENT, "4711", "USD", "021000021")
    assert (head.statement_id, head.opening_minor) == ("021000021 2026-03-31 2359", 100_000)
    assert (read.ends[0].closing_minor, read.ends[0].closing_on) == (109_500, date(2026, 3, 31))
    wire, check = read.lines
    assert (wire.amount_minor, wire.bank_ref, wire.end_to_end_ref) == (15_000, "W-1", "A-17")
    assert (wire.booked_on, wire.valued_on) == (date(2026, 3, 31), date(2026, 4, 2))
    assert (wire.text, wire.code) == ("INVOICE A-17\nAND A-18", "195")
    assert (check.amount_minor, check.valued_on, check.text) == (-5_500, date(2026, 3, 31), "CHECK 9")


def test_several_records_may_stand_in_a_line(tmp_path: Path) -> None:
    wide = FILE.replace("\n02", "   02").replace("\n98", "   98").replace("\n99", " 99").replace("/\n49", "/ 49")
    assert _heard(tmp_path, wide).told == []
    assert _heard(tmp_path, FILE.replace("\n98", "   98").replace("\n99", " 99")).told == []


@pytest.mark.parametrize("text", ["INV 3/ 49,99 EUR", "1/ 02,50, 3/ 16,50 EUR", "7/ 99,00, 8/ 03,10, 9/ 98,00"])
@pytest.mark.parametrize("between", ["\n", "   "])
def test_what_a_payer_writes_behind_a_slash_is_no_record(tmp_path: Path, text: str, between: str) -> None:
    read = _heard(tmp_path, FILE.replace("\n02", f"{between}02").replace("CHECK 9", text))
    assert (read.told, read.lines[1].text) == ([], text)


@pytest.mark.parametrize("text", ["1/ 88,00", "1/ 49,250500,6/", "1/ 16,195,15000,Z,,"])
def test_a_payer_can_write_no_record_into_a_file_of_one_to_a_line(tmp_path: Path, text: str) -> None:
    read = _heard(tmp_path, FILE.replace("CHECK 9/", f"{text} A-18"))
    assert (read.told, read.lines[1].text) == ([], f"{text} A-18")


def test_a_text_may_hold_slashes_commas_and_line_breaks(tmp_path: Path) -> None:
    read = _heard(tmp_path, FILE.replace("INVOICE A-17\n", "INV 08/18/26, A/17\nOF MARCH\n"))
    assert (read.told, read.lines[0].text) == ([], "INV 08/18/26, A/17 OF MARCH\nAND A-18")


def test_words_in_continuations_go_to_their_fields(tmp_path: Path) -> None:
    words = "88,EREF: E-1\n88,DBNM: Meyer Inc\n88,DACT: 815\n88,CRNM: Us\n88,REMI: A-17"
    file = FILE.replace("88,AND A-18", words).replace("49,250500,6", "49,250500,10")
    read = _heard(tmp_path, file.replace("98,250500,1,8", "98,250500,1,12").replace("1,10/", "1,14/"))
    line = read.lines[0]
    assert (read.told, line.party, line.end_to_end_ref) == ([], Party(name="Meyer Inc", account="815"), "E-1")
    assert line.text.splitlines() == ["INVOICE A-17", "A-17", "A-17", "CRNM: Us"]


@pytest.mark.parametrize(("currency", "minor"), [("", 15_000), ("JPY", 15_000), ("KWD", 15_000), ("CAD", 15_000)])
def test_amounts_stand_in_the_smallest_unit_of_the_currency(tmp_path: Path, currency: str, minor: int) -> None:
    read = _heard(tmp_path, FILE.replace("03,4711,,", f"03,4711,{currency},"))
    assert (read.told, read.lines[0].currency, read.lines[0].amount_minor) == ([], currency or "USD", minor)


@pytest.mark.parametrize(
    "funds", ["", "0", "1", "2", "Z", "S,1,2,3", "V,260402,", "D,2,0,10000,1,5000", "D,0"], ids=lambda funds: funds[:1]
)
def test_every_funds_type_is_read_with_what_belongs_to_it(tmp_path: Path, funds: str) -> None:
    read = _heard(tmp_path, FILE.replace("V,260402,1200", funds))
    assert (read.told, read.lines[0].bank_ref, read.lines[0].end_to_end_ref) == ([], "W-1", "A-17")


@pytest.mark.parametrize(
    ("code", "sign"),
    [("115", 1), ("399", 1), ("400", -1), ("698", -1), ("720", 1), ("760", -1), ("920", 1), ("999", -1)],
)
def test_a_type_says_whether_money_came(tmp_path: Path, code: str, sign: int) -> None:
    assert _heard(tmp_path, FILE.replace("16,195", f"16,{code}")).lines[0].amount_minor == sign * 15_000


def test_a_report_of_the_same_day_is_no_statement(tmp_path: Path) -> None:
    assert _heard(tmp_path, FILE.replace("USD,2/", "USD,3/")).heads[0].kind is Kind.INTERIM


WRONG: Final = [
    ("16,195,15000", "16,195,15001", "report.bai:8: record 49: the account's control total is 250500, and 250501 are"),
    ("49,250500,6", "49,250500,7", "report.bai:8: record 49: the account's number of records is 7, and 6 are there"),
    ("98,250500,1", "98,250500,2", "report.bai:9: record 98: the group's number of accounts is 2, and 1 are there"),
    ("99,250500,1,10", "99,250500,1,11", "report.bai:10: record 99: the file's number of records is 11, and 10 are"),
    ("16,195,15000,V,260402", "16,195,15000,V,260230", "report.bai:5: record 16: '260230' is no day of the calendar"),
    ("16,195,15000", "16,195,150.00", "report.bai:5: record 16: amount: '150.00' is no whole number"),
    ("16,195,15000", "16,195,-15000", "report.bai:5: record 16: the amount -15000 has a sign"),
    ("16,195,15000,V", "16,195,15000,Q", "report.bai:5: record 16: 'Q' is no funds type"),
    ("16,195", "16,800", "report.bai:5: record 16: 800 is no type of movement that is known"),
    ("16,195", "16,19X", "report.bai:5: record 16: '19X' is no type of movement"),
    ("16,195,15000", "16,195,10000000000000", "report.bai:5: the amount is larger than any that is kept"),
    ("03,4711,,", "03,4711,XXX,", "report.bai:3: record 03: 'XXX' is not a currency in use"),
    ("03,4711,", "03,,", "report.bai:3: record 03: the account is empty"),
    ("1,260331,2359", "2,260331,2359", "report.bai:2: record 02: the group asks to delete what was reported"),
    ("1,260331,2359", "4,260331,2359", "report.bai:2: record 02: the group is a test"),
    ("015,109500", "015,109400", "report.bai:8: the statement does not add up"),
    ("49,250500,6/\n", "", "report.bai:8: record 98 stands where 16 or 49 is expected"),
    ("99,250500,1,10/\n", "", "report.bai:9: the file ends without its record 99"),
    ("02,DUN", "05,DUN", "report.bai:2: '05,DUNWELL,021000021,1,260331,2359,USD,2/' begins with no code"),
    ("01,BANK,DUNWELL,260401,0600,1,80,,2/\n", "", "report.bai:1: record 02 stands where 01 is expected"),
]


@pytest.mark.parametrize(("old", "new", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_what_is_wrong_has_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in FILE
    assert any(found.startswith(told) for found in _heard(tmp_path, FILE.replace(old, new, 1)).told)


def test_a_record_has_a_bound(tmp_path: Path) -> None:
    read = _heard(tmp_path, FILE.replace("88,AND A-18\n", f"88,{'A' * 1000}\n" * 101))
    assert read.told == ["report.bai:5: the record is longer than 100,000 signs: get the file again"]


@needs("bank-bai2-moov")
@pytest.mark.parametrize(
    ("name", "accounts", "movements", "came", "went"),
    [("sample1.txt", 2, 17, 320_000, 320_000), ("sample2.txt", 5, 4, 30_950_000, 0),
     ("sample3.txt", 15, 26, 39_713, 59_418)],
)  # fmt: skip
def test_samples_agree_with_their_control_totals(
    name: str, accounts: int, movements: int, came: int, went: int
) -> None:
    # Of the first and the third, what came and went is what their own records of types 100 and 400 say.
    read = heard(bai2.read, SAMPLES / name)
    amounts = [line.amount_minor for line in read.lines]
    assert (read.told, len(read.heads), len(read.lines)) == ([], accounts, movements)
    assert (sum(n for n in amounts if n > 0), -sum(n for n in amounts if n < 0)) == (came, went)


@needs("bank-bai2-moov")
@pytest.mark.parametrize(
    ("name", "movements"), [("sample4-continuations-newline-delimited.txt", 17), ("sample5-issue113.txt", 20)]
)
def test_samples_whose_totals_are_made_up_are_refused_by_them(name: str, movements: int) -> None:
    read = heard(bai2.read, SAMPLES / name)
    assert len(read.lines) == movements
    assert all("record 49" in told or "record 9" in told or "does not add up" in told for told in read.told)
    assert "the account's number of records is 26, and 18 are there" in read.told[1]
    wire = next(line for line in read.lines if line.bank_ref == "GI2228400005800")
    assert (wire.amount_minor, wire.party.name, wire.end_to_end_ref) == (50_050, "SAMPLE INC", "RTR60880840833")
    slashed = next(line for line in read.lines if line.bank_ref == "GI2323300009168")
    assert "Clearing Ref: 20230821MMQFMPU7004100" in slashed.text


@needs("bank-bai2-moov")
def test_the_sample_of_an_error_is_refused() -> None:
    read = heard(bai2.read, SAMPLES / "errors" / "sample-parseError.txt")
    assert [told.partition(":")[2][:40] for told in read.told] == ["1: '00,0004,1/2/345,06/0321,0829,001,80,"]
