"""MT940 and MT942: statements of our own, and what is wrong with them, one place at a time."""

from datetime import date
from pathlib import Path

import pytest

from dunwell.sources.bank import mt940
from dunwell.sources.bank.mt940_fields import FIELD_CHARS_MAX
from dunwell.sources.bank.pieces import Kind, Party
from dunwell.sources.bank.text_lines import LINE_BYTES_MAX
from tests.sources.bank.reading import Heard, heard

STATEMENT = """\
:20:STARTUMS
:25:DE89370400440532013000
:28C:00017/001
:60F:C260330EUR1000,00
:61:2603310331C150,NTRFNONREF//B-1
:86:Invoice A-17
:61:2603310331D50,5NCHGNONREF//B-2
:86:Fees
:62F:C260331EUR1099,50
:64:C260331EUR1099,50
-
"""
REPORT = """\
:20:VM1
:25:DE89370400440532013000
:28C:00017/001
:34F:EUR0,
:13D:2603311200+0100
:61:2603310331C150,NTRFNONREF//B-1
:86:Invoice A-17
:90D:0EUR0,
:90C:1EUR150,
-
"""


def _heard(folder: Path, content: str | bytes) -> Heard:
    path = folder / "statement.sta"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return heard(mt940.read, path)


def _line_of(folder: Path, movement: str, text: str = "") -> Heard:
    """A statement of one movement, whatever its balances."""
    path = folder / "statement.sta"
    begins = STATEMENT.partition(":61:")[0]
    path.write_text(f"{begins}:61:{movement}\n{text}\n:62F:C260331EUR0,\n-\n", encoding="utf-8")
    return heard(mt940.read, path, adding_up=False)


def test_a_statement_opens_has_lines_and_closes(tmp_path: Path) -> None:
    read = _heard(tmp_path, STATEMENT)
    assert read.told == []
    head, end = read.heads[0], read.ends[0]
    assert (head.kind, head.account, head.currency) == (Kind.STATEMENT, "DE89370400440532013000", "EUR")
    assert (head.statement_id, head.from_on, head.opening_minor) == ("STARTUMS 00017/001", date(2026, 3, 30), 100_000)
    assert (end.line, end.closing_minor, end.closing_on) == (9, 109_950, date(2026, 3, 31))
    assert [(line.line, line.entry_no, line.amount_minor, line.bank_ref, line.text) for line in read.lines] == [
        (5, 1, 15_000, "B-1", "Invoice A-17"),
        (7, 2, -5_050, "B-2", "Fees"),
    ]
    assert {(line.booked_on, line.valued_on) for line in read.lines} == {(date(2026, 3, 31), date(2026, 3, 31))}


@pytest.mark.parametrize(
    "content",
    [
        STATEMENT.replace("\n", "\r\n"),
        STATEMENT.replace("\n", "\r\r\n"),
        STATEMENT.replace("\n", "\r"),
        STATEMENT.replace("\n", "\n\n"),
        "{1:F01BANKDEFFXXXX0000000000}{2:O9401200260331BANKDEFFXXXX00000000002603311200N}{4:\n"
        + STATEMENT.removesuffix("-\n")
        + "-}{5:}\n",
        "\x01" + STATEMENT.removesuffix("-\n") + "\x03",
        "\ufeff" + STATEMENT,
        STATEMENT.removesuffix("\n-\n"),
    ],
    ids=["CRLF", "CR CRLF", "CR", "blank lines", "SWIFT", "control signs", "byte order mark", "no end sign"],
)
def test_however_it_is_wrapped_a_statement_is_the_same(tmp_path: Path, content: str) -> None:
    read, plain = _heard(tmp_path, content), _heard(tmp_path, STATEMENT)
    assert (read.told, [line.amount_minor for line in read.lines]) == ([], [15_000, -5_050])
    assert [line.text for line in read.lines] == [line.text for line in plain.lines]
    assert read.ends[0].closing_minor == 109_950


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_umlauts_are_read_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    read = _heard(tmp_path, STATEMENT.replace("Fees", "Gebühr für März").encode(encoding))
    assert (read.told, read.lines[1].text) == ([], "Gebühr für März")


@pytest.mark.parametrize(
    ("mark", "minor", "is_reversal", "is_booked"),
    [("C", 100, False, True), ("D", -100, False, True), ("RC", -100, True, True), ("RD", 100, True, True),
     ("CR", 100, False, True), ("DR", -100, False, True), ("RCR", -100, True, True),
     ("EC", 100, False, False), ("ED", -100, False, False)],
)  # fmt: skip
def test_the_mark_says_which_way_the_money_went(
    tmp_path: Path, mark: str, minor: int, is_reversal: bool, is_booked: bool
) -> None:
    line = _line_of(tmp_path, f"2603310331{mark}1,NTRFNONREF").lines[0]
    assert (line.amount_minor, line.is_reversal, line.is_booked) == (minor, is_reversal, is_booked)


@pytest.mark.parametrize(
    ("dates", "valued_on", "booked_on"),
    [("2512310102", date(2025, 12, 31), date(2026, 1, 2)), ("2601021231", date(2026, 1, 2), date(2025, 12, 31)),
     ("2802290229", date(2028, 2, 29), date(2028, 2, 29)), ("2703010229", None, None),
     ("2801020229", date(2028, 1, 2), date(2028, 2, 29)), ("260331", date(2026, 3, 31), date(2026, 3, 31)),
     ("260331    ", date(2026, 3, 31), date(2026, 3, 31)), ("9912311231", date(1999, 12, 31), date(1999, 12, 31))],
)  # fmt: skip
def test_an_entry_is_of_the_year_nearest_to_its_value_date(
    tmp_path: Path, dates: str, valued_on: date | None, booked_on: date | None
) -> None:
    read = _line_of(tmp_path, f"{dates}C1,NTRFNONREF")
    found = [(line.valued_on, line.booked_on) for line in read.lines]
    if "2703" in dates:
        assert found == [(date(2027, 3, 1), date(2028, 2, 29))]
    else:
        assert found == [(valued_on, booked_on)]


@pytest.mark.parametrize(
    ("dates", "booked_on"),
    [("2603310902", None), ("2603020203", None),  # half a year away, and a month and a day turned round
     ("2603310311", date(2026, 3, 11)), ("2512310330", date(2026, 3, 30)), ("2507010331", date(2026, 3, 31))],
)  # fmt: skip
@pytest.mark.parametrize("content", [STATEMENT, REPORT])
def test_a_day_far_from_the_value_date_is_one_of_the_statement(
    tmp_path: Path, content: str, dates: str, booked_on: date | None
) -> None:
    read = _heard(tmp_path, content.replace("2603310331", dates, 1))
    if booked_on:
        assert (read.told, read.lines[0].booked_on) == ([], booked_on)
    else:
        assert ":61:: it was booked on 202" in read.told[0]
        assert "not within the days of its statement: ask the bank for the right day" in read.told[0]


def test_german_texts_are_taken_apart(tmp_path: Path) -> None:
    text = (
        ":86:166?00GUTSCHRIFT?109230?20EREF+A-17 of 2026?21KREF+X1?22SVWZ+Rechnung A-17 und A-18\n"
        "?23 vom Maerz?24ABWA+Tochter GmbH?30COBADEFFXXX?31DE89370400440532013000?32Meyer Import und Export Gm\n"
        "b?33H?34000"
    )
    line = _line_of(tmp_path, "2603310331C1,NTRFNONREF", text).lines[0]
    assert (line.end_to_end_ref, line.on_behalf_of, line.code) == ("A-17 of 2026", "Tochter GmbH", "NTRF 166")
    assert line.text == "Rechnung A-17 und A-18 vom Maerz\nGUTSCHRIFT\nKREF+X1"
    assert line.party == Party(
        name="Meyer Import und Export GmbH", iban="DE89370400440532013000", account="", bic="COBADEFFXXX"
    )


def test_dutch_texts_are_taken_apart(tmp_path: Path) -> None:
    text = (
        ":86:/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/DE \n"
        "VRIES BV/REMI/USTD//Factuur A-17/EREF/NOTPROVIDED"
    )
    line = _line_of(tmp_path, "2603310331C1,NTRFEREF//B-9", text).lines[0]
    assert (line.party.name, line.party.iban, line.party.bic) == ("DE VRIES BV", "NL91ABNA0417164300", "ABNANL2A")
    assert (line.end_to_end_ref, line.bank_ref) == ("", "B-9")
    assert line.text.splitlines() == ["/TRTP/SEPA OVERBOEKING", "Factuur A-17"]


def test_a_reference_in_its_own_field_is_found(tmp_path: Path) -> None:
    text = ":86:/EREF/E1//CNTP/NL91ABNA0417164300/ABNANL2A/De Vries///REMI/STRD/CUR/RF18539007547034/"
    line = _line_of(tmp_path, "2603310331C1,NTRFEREF", text).lines[0]
    assert (line.reference, line.end_to_end_ref, line.party.name) == ("RF18539007547034", "E1", "De Vries")


def test_a_payment_that_came_back_says_why(tmp_path: Path) -> None:
    text = ":86:109?00RETOURE?20EREF+A-17?21MREF+M-1?34914"
    line = _line_of(tmp_path, "2603310331D1,NRTINONREF", text).lines[0]
    assert (line.return_reason, line.mandate_ref, line.end_to_end_ref) == ("914", "M-1", "A-17")


@pytest.mark.parametrize(
    ("movement", "said", "ordered"),
    [
        ("2603310331D103,5NRTINONREF", "?24COAM+     3,50?25OAMT+     100,00?26SVWZ+Ruecklastschrift", -10_000),
        ("2603310331D103,5NRTINONREF", "?25OAMT+EUR100,?26SVWZ+x", -10_000),
        ("2603310331D100,NRTINONREF", "?25OAMT+100,00?26SVWZ+x", None),  # no more than it had come to
        ("2603310331D103,5NRTINONREF", "?25OAMT+hundred?26SVWZ+x", None),
        ("2603310331D103,5NRTINONREF", "?25OAMT+QQQ100,00?26SVWZ+x", None),
        ("2603310331C103,5NTRFNONREF", "?25OAMT+100,00?26SVWZ+x", None),
    ],
)
def test_what_a_returned_debit_had_come_to_is_told_from_charges(
    tmp_path: Path, movement: str, said: str, ordered: int | None
) -> None:
    line = _line_of(tmp_path, movement, f":86:109?00RETOURE?20EREF+E2E-17{said}").lines[0]
    assert (line.end_to_end_ref, line.instructed_minor) == ("E2E-17", ordered)
    assert line.instructed_currency == ("EUR" if ordered else "")


def test_what_was_ordered_abroad_and_what_banks_kept(tmp_path: Path) -> None:
    line = _line_of(tmp_path, "2603310331C90,NTRFNONREF\n/OCMT/USD105,//CHGS/EUR2,50/").lines[0]
    assert (line.instructed_minor, line.instructed_currency, line.charges_minor) == (10_500, "USD", 250)


def test_a_text_no_bank_marks_stays_as_it_is(tmp_path: Path) -> None:
    text = ":86:?20 is no German text,\nnor is /EREF/ here, 049-30\n:12:30 o'clock"
    read = _line_of(tmp_path, "2603310331C1,NTRFA-17//B-1\nMEYER GMBH", text)
    assert read.lines[0].text.splitlines() == [
        "?20 is no German text,", "nor is /EREF/ here, 049-30", ":12:30 o'clock", "MEYER GMBH",
    ]  # fmt: skip
    assert read.lines[0].end_to_end_ref == "A-17"


def test_pages_of_a_statement_follow_each_other(tmp_path: Path) -> None:
    first = STATEMENT.replace(":62F:", ":62M:")
    second = (
        ":20:STARTUMS\n:25:DE89370400440532013000\n:28C:00017/002\n:60M:C260331EUR1099,50\n:62F:C260331EUR1099,50\n-\n"
    )
    assert _heard(tmp_path, first + second).told == []
    gap = _heard(tmp_path, first + second.replace("1099,50", "1200,"))
    assert [told.partition(": ")[2] for told in gap.told] == [
        ":60M:: the page before it ended with 1099.50 EUR, and this one begins with 1200.00 EUR: a page is missing"
    ]


def test_a_report_within_the_day_has_no_balances(tmp_path: Path) -> None:
    read = _heard(tmp_path, REPORT)
    assert (read.told, read.heads[0].kind, read.heads[0].opening_minor) == ([], Kind.INTERIM, None)
    assert (read.heads[0].to_on, read.ends[0].closing_minor) == (date(2026, 3, 31), None)


def test_a_total_counts_all_messages_of_its_report(tmp_path: Path) -> None:
    first = REPORT.replace(":90D:0EUR0,\n:90C:1EUR150,\n", "")
    second = REPORT.replace("17/001", "17/002").replace(":90C:1EUR150,", ":90C:2EUR300,")
    assert _heard(tmp_path, first + second).told == []
    assert "counts 2 of 300.00 EUR, and there are 1 of 150.00 EUR" in _heard(tmp_path, second + REPORT.replace(
        ":90C:1EUR150,", ":90C:2EUR300,")).told[0]  # fmt: skip


WRONG = [
    (STATEMENT, ":61:260331", ":61:260230", "statement.sta:5: :61:: '260230' is no day of the calendar"),
    (STATEMENT, "0331C150", "0331X150", "statement.sta:5: :61:: 'X' says neither that money came nor that it went"),
    (STATEMENT, "C150,N", "C1.50N", "statement.sta:5: :61:: '2603310331C1.50NTRFNONREF//B-1' is no movement"),
    (STATEMENT, "C150,N", "C150,123N", "statement.sta:5: :61:: 150.123 has more decimals than EUR has (2)"),
    (STATEMENT, "C150,N", "C10000000000000,N", "statement.sta:5: :61:: 10000000000000. EUR is beyond the bound"),
    (STATEMENT, "C150,N", f"C{'9' * 40},N", "statement.sta:5: :61:: 9999999999999999999999999999"),
    (STATEMENT, "EUR1000,00", "EUX1000,00", "statement.sta:4: :60F:: 'EUX' is not a currency in use"),
    (STATEMENT, "C260330EUR", "X260330EUR", "statement.sta:4: :60F:: 'X260330EUR1000,00' is no balance"),
    (STATEMENT, "C260330EUR", "C261330EUR", "statement.sta:4: :60F:: '261330' is no day of the calendar"),
    (STATEMENT, ":62F:C260331EUR", ":62F:C260331USD", "statement.sta:9: :62F:: it is in USD, and the statement in EUR"),
    (STATEMENT, "1099,50\n:64", "1099,51\n:64", "statement.sta:9: the statement does not add up"),
    (STATEMENT, ":62F:C260331EUR1099,50\n:64:C260331EUR1099,50\n-\n", "",
     "statement.sta:8: the statement ends without its closing balance"),
    (STATEMENT, ":25:DE89370400440532013000\n", "", "statement.sta:1: the message lacks the account (:25:)"),
    (STATEMENT, ":60F:C260330EUR1000,00\n", "", "statement.sta:1: the message lacks the opening balance (:60F:)"),
    (STATEMENT, ":28C:", ":25:", "statement.sta:3: :25:: it stands twice"),
    (STATEMENT, ":86:Fees", ":25:Fees", "statement.sta:8: :25:: it stands after the head of its message"),
    (STATEMENT, ":64:C", ":64:", "statement.sta:10: :64:: '260331EUR1099,50' is no balance"),
    (STATEMENT, ":64:", ":62F:", "statement.sta:10: :62F:: the statement has two closing balances"),
    (STATEMENT, ":64:C260331EUR1099,50", ":61:260331C1,NTRF", "statement.sta:10: :61:: a movement stands"),
    (STATEMENT, "Fees", "Fe\0es", "statement.sta:8: there is a NUL byte"),
    (REPORT, "1EUR150,", "2EUR150,", "statement.sta:9: :90C:: the bank counts 2 of 150.00 EUR, and there are 1"),
    (REPORT, "1EUR150,", "1EUR151,", "statement.sta:9: :90C:: the bank counts 1 of 151.00 EUR, and there are 1"),
    (REPORT, ":34F:EUR0,\n", "", "statement.sta:1: the message lacks the currency (:34F:)"),
    (REPORT, ":90D:0EUR0,\n:90C:1EUR150,\n-\n", "", "statement.sta:7: the file ends within a message"),
    (REPORT, ":13D:26", ":13D:xx", "statement.sta:5: :13D:: 'xx03311200+0100' does not begin with a date"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "old", "new", "told"), WRONG, ids=[told for *_, told in WRONG])
def test_what_is_wrong_has_its_place(tmp_path: Path, content: str, old: str, new: str, told: str) -> None:
    assert old in content
    read = _heard(tmp_path, content.replace(old, new, 1))
    assert read.told
    assert read.told[0].startswith(told)


def test_a_line_and_a_field_have_bounds(tmp_path: Path) -> None:
    long = _heard(tmp_path, STATEMENT.replace("Fees", "F" * LINE_BYTES_MAX))
    assert long.told[0].startswith("statement.sta:8: the line is longer than 20,000 bytes")
    many = _heard(tmp_path, STATEMENT.replace("Fees", "F" * 60 + ("\n" + "F" * 60) * (FIELD_CHARS_MAX // 50)))
    assert many.told[0].startswith("statement.sta:8: :86:: the field is longer than 20,000 signs")


@pytest.mark.parametrize("field", [":86:", ":86:a", ":NS:01", ":86:a\n:NS:01a"])
def test_the_fields_of_one_movement_have_a_bound_together(tmp_path: Path, field: str) -> None:
    read = _heard(tmp_path, STATEMENT.replace(":86:Fees", f"{field}\n" * (FIELD_CHARS_MAX + 1)))
    assert (len(read.lines), read.count) == (1, 1)
    assert "its movement has more than 20,000 signs of text, which no bank writes: get the file again" in read.told[0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "statement.sta:1: there is no MT940"),
        ("booked,amount\n" * 9, "statement.sta:1: there is no MT940"),
        ("booked,amount\n" * 99, "statement.sta:21: more than 20 lines are of no field"),
        ("{1:F01B}{2:O1031200B}{4:\n:20:X\n:25:1\n-}\n", "statement.sta:1: this is an MT103"),
        ("{1:F01B}{2:O9401200B}{4:\n" + STATEMENT.removesuffix("-\n"), "statement.sta:11: the file ends within"),
        (STATEMENT.encode("utf-16"), "statement.sta:1: there is a NUL byte"),
    ],
)
def test_what_is_no_statement_is_refused(tmp_path: Path, content: str | bytes, told: str) -> None:
    assert _heard(tmp_path, content).told[0].startswith(told)
