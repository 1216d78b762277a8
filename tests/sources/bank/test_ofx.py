"""OFX of both syntaxes: the samples, statements of our own, and what is wrong with them, one place at a time."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from dunwell.sources.bank import ofx
from dunwell.sources.bank.ofx import MOVEMENT_CHARS_MAX
from dunwell.sources.bank.ofx_events import PIECE_CHARS_MAX
from dunwell.sources.bank.pieces import Kind, Party
from tests.sources.bank.reading import DATA, Heard, heard, needs, units

SAMPLES: Final = DATA / "bank-ofx"
XML: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
<OFX>
<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS></SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>
<STMTRS>
<CURDEF>USD</CURDEF>
<BANKACCTFROM><BANKID>021000021</BANKID><ACCTID>4711</ACCTID><ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>
<BANKTRANLIST>
<DTSTART>20260301</DTSTART>
<DTEND>20260331</DTEND>
<STMTTRN>
<TRNTYPE>CREDIT</TRNTYPE>
<DTPOSTED>20260331233000.000[-5:EST]</DTPOSTED>
<DTAVAIL>20260402</DTAVAIL>
<TRNAMT>150.00</TRNAMT>
<FITID>F-1</FITID>
<NAME>Meyer &amp; Sons</NAME>
<MEMO>INVOICE A-17</MEMO>
</STMTTRN>
</BANKTRANLIST>
<LEDGERBAL>
<BALAMT>1150.00</BALAMT>
<DTASOF>20260331</DTASOF>
</LEDGERBAL>
</STMTRS>
</STMTTRNRS></BANKMSGSRSV1>
</OFX>
"""
SGML: Final = """\
OFXHEADER:100
DATA:OFXSGML
VERSION:102
ENCODING:USASCII
CHARSET:1252

<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260331</SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>USD
<BANKACCTFROM><BANKID>021000021<ACCTID>4711<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260331<DTAVAIL>20260402<TRNAMT>150.00<FITID>F-1<NAME>Meyer &amp; Sons
<MEMO>INVOICE A-17</STMTTRN></BANKTRANLIST><LEDGERBAL><BALAMT>1150.00<DTASOF>20260331</LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def _heard(folder: Path, content: str | bytes) -> Heard:
    path = folder / "statement.ofx"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return heard(ofx.read, path)


@pytest.mark.parametrize("content", [XML, SGML, XML.replace("\n", "\r\n"), XML.replace("\n", "")])
def test_both_syntaxes_say_the_same(tmp_path: Path, content: str) -> None:
    read = _heard(tmp_path, content)
    assert read.told == []
    head, line, end = read.heads[0], read.lines[0], read.ends[0]
    assert (head.kind, head.account, head.bank, head.currency) == (Kind.STATEMENT, "4711", "021000021", "USD")
    assert (head.from_on, head.to_on, head.opening_minor) == (date(2026, 3, 1), date(2026, 3, 31), None)
    assert (line.amount_minor, line.bank_ref, line.code) == (15_000, "F-1", "CREDIT")
    assert (line.booked_on, line.valued_on) == (date(2026, 3, 31), date(2026, 4, 2))
    assert (line.party, line.text) == (Party(name="Meyer & Sons"), "INVOICE A-17")
    assert (end.closing_minor, end.closing_on) == (115_000, date(2026, 3, 31))


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1", "utf-8-sig"])
def test_umlauts_are_read_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    content = XML.replace("Meyer &amp; Sons", "Müller Söhne").encode(encoding)
    read = _heard(tmp_path, content)
    assert (read.told, read.lines[0].party.name) == ([], "Müller Söhne")


def test_a_letter_on_the_edge_of_two_chunks_is_one(tmp_path: Path) -> None:
    for blanks in range(3):
        head = "\n" * ((1 << 16) - len(XML.partition("Meyer")[0]) - 2 + blanks)
        read = _heard(tmp_path, head + XML.replace("Meyer &amp; Sons", "Müller Söhne"))
        assert (read.told, read.lines[0].party.name) == ([], "Müller Söhne")


def test_a_text_may_hold_signs_of_markup(tmp_path: Path) -> None:
    memo = "<MEMO><![CDATA[A-17 <paid> & done]]><!-- not <this> --> 3 < 4 &#252;&euro;</MEMO>"
    read = _heard(tmp_path, XML.replace("<MEMO>INVOICE A-17</MEMO>", memo))
    assert (read.told, read.lines[0].text) == ([], "A-17 <paid> & done 3 < 4 ü&euro;")


def test_names_and_accounts_of_the_other_side(tmp_path: Path) -> None:
    more = (
        "<PAYEE><NAME>Meyer GmbH</NAME><CITY>Bonn</CITY></PAYEE><BANKACCTTO><BANKID>37040044</BANKID>"
        "<ACCTID>DE89370400440532013000</ACCTID></BANKACCTTO><CHECKNUM>319</CHECKNUM><REFNUM>R-1</REFNUM>"
        "<ORIGCURRENCY><CURRATE>1.1</CURRATE><CURSYM>EUR</CURSYM></ORIGCURRENCY>"
    )
    line = _heard(tmp_path, XML.replace("<MEMO>", f"{more}<MEMO>")).lines[0]
    assert line.party == Party(name="Meyer GmbH", iban="DE89370400440532013000")
    assert line.end_to_end_ref == "R-1"
    assert line.text.splitlines() == ["INVOICE A-17", "Meyer & Sons", "ORIGCURRENCY EUR", "319"]


@pytest.mark.parametrize(
    ("text", "minor"), [("150", 15_000), ("-.5", -50), ("+1,5", 150), ("1000000", 100_000_000), ("1200.0000", 120_000)]
)
def test_amounts_have_a_point_or_a_comma(tmp_path: Path, text: str, minor: int) -> None:
    assert _heard(tmp_path, XML.replace("150.00</TRNAMT>", f"{text}</TRNAMT>")).lines[0].amount_minor == minor


def test_what_is_not_booked_is_left_out(tmp_path: Path) -> None:
    pending = "<BANKTRANLISTP><STMTTRNP><TRNTYPE>DEBIT</TRNTYPE><TRNAMT>-9</TRNAMT></STMTTRNP></BANKTRANLISTP>"
    broker = "<INVSTMTMSGSRSV1><INVSTMTRS><STMTTRN><TRNAMT>1</TRNAMT></STMTTRN></INVSTMTRS></INVSTMTMSGSRSV1>"
    read = _heard(tmp_path, XML.replace("<LEDGERBAL>", f"{pending}<LEDGERBAL>").replace("</OFX>", f"{broker}</OFX>"))
    assert (read.told, [line.amount_minor for line in read.lines]) == ([], [15_000])


WRONG: Final = [
    ("150.00", "$150", "statement.ofx:16: TRNAMT: '$150' is no amount"),
    ("150.00", "1,500.00", "statement.ofx:16: TRNAMT: '1,500.00' is no amount"),
    ("150.00", "1.5050505", "statement.ofx:16: TRNAMT: 1.5050505 has more decimals than USD has (2)"),
    ("150.00", "1,200", "statement.ofx:16: TRNAMT: '1,200' may be thousands behind a mark that parts them"),
    ("150.00", "-1.000", "statement.ofx:16: TRNAMT: '-1.000' may be thousands behind a mark that parts them"),
    ("150.00", "10000000000000", "statement.ofx:16: TRNAMT: 10000000000000 USD is beyond the bound"),
    ("150.00", "", "statement.ofx:16: TRNAMT: the amount is missing or empty"),
    ("20260331233000", "20260230233000", "statement.ofx:14: DTPOSTED: '20260230233000.000[-5:EST]' is no day"),
    ("<DTPOSTED>20260331233000.000[-5:EST]</DTPOSTED>", "", "statement.ofx:12: DTPOSTED: the day of the movement is"),
    ("20260402", "2026-04-02", "statement.ofx:15: DTAVAIL: '2026-04-02' is no day"),
    ("<CURDEF>USD", "<CURDEF>XXX", "statement.ofx:7: CURDEF: 'XXX' is not a currency in use"),
    ("<CURDEF>USD</CURDEF>", "", "statement.ofx:6: CURDEF: the currency is missing or empty"),
    ("<ACCTID>4711", "<ACCTID>", "statement.ofx:8: ACCTID: the account is missing or empty"),
    ("1150.00", "1150.0.0", "statement.ofx:23: BALAMT: '1150.0.0' is no amount"),
    ("<MEMO>", "<CORRECTFITID>F-0</CORRECTFITID><MEMO>", "statement.ofx:19: CORRECTFITID: it corrects an earlier"),
    ("<MEMO>", "<CURRENCY><CURSYM>EUR</CURSYM></CURRENCY><MEMO>", "statement.ofx:19: CURSYM: the amount is in EUR"),
    ("</STMTTRN>", "", "statement.ofx:21: </BANKTRANLIST> stands where </STMTTRN> is expected"),
    ("</MEMO>", "</NAME>", "statement.ofx:19: <MEMO> is closed as </NAME>"),
    ("<NAME>", "<SEVERITY>", "statement.ofx:18: <SEVERITY> is closed as </NAME>"),
    ("</STATUS>\n", "<MESSAGE>No</MESSAGE></STATUS>\n", ""),
    ("<SEVERITY>INFO</SEVERITY></STATUS>\n", "<SEVERITY>ERROR</SEVERITY><MESSAGE>No</MESSAGE></STATUS>\n",
     "statement.ofx:5: STATUS: the bank refused: 'No' (code 0)"),
    ("</OFX>\n", "", "statement.ofx:27: the file ends within <OFX>"),
    ("<OFX>", "<!DOCTYPE OFX [<!ENTITY a 'b'>]><OFX>", "statement.ofx:3: a document type or entity is declared"),
    ("<OFX>", "<OXF>", "statement.ofx:4: <SIGNONMSGSRSV1> stands before <OFX>"),
    ("<LEDGERBAL>", "</LEDGERBAL>", "statement.ofx:22: </LEDGERBAL> stands where </STMTRS> is expected"),
    ("INVOICE", "IN\0VOICE", "statement.ofx:19: there is a NUL byte"),
    ("INVOICE", "I" * PIECE_CHARS_MAX, "statement.ofx:19: a value is longer than 20,000 signs"),
    ("INVOICE", "<![CDATA[" + "a<" * PIECE_CHARS_MAX, "statement.ofx:19: a value is longer than 20,000 signs"),
    ("<OFX>", "<OFX>" * 60, "statement.ofx:3: more than 50 groups stand in each other"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), WRONG, ids=[told or "a message" for *_, told in WRONG])
def test_what_is_wrong_has_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in XML
    read = _heard(tmp_path, XML.replace(old, new, 1))
    assert read.told[0].startswith(told) if told else read.told == []


@pytest.mark.parametrize("value", ["<MEMO>", f"<MEMO>{'I' * 99}", "<NAME>a"])
def test_the_values_of_one_movement_have_a_bound_together(tmp_path: Path, value: str) -> None:
    read = _heard(tmp_path, XML.replace("<MEMO>", f"{value}\n" * MOVEMENT_CHARS_MAX + "<MEMO>"))
    assert (len(read.lines), read.count) == (0, 1)
    assert "its movement has more than 20,000 signs, which no bank writes: get the file again" in read.told[0]


# Statements, movements, their sum, and the balance of the last statement.
READ: Final = {
    "ofxparse/fixtures/anzcc.ofx": (1, 1, "-5.50", "-123.45"),
    "ofxparse/fixtures/bank_medium.ofx": (1, 3, "-345.27", "382.34"),
    "ofxparse/fixtures/checking.ofx": (1, 3, "-59.50", "100.99"),
    "ofxparse/fixtures/fail_nice/empty_balance.ofx": (1, 1, "120.00", None),  # it says nothing, and need not
    "ofxparse/fixtures/multiple_accounts.ofx": (2, 0, "0", "222"),
    "ofxparse/fixtures/multiple_accounts2.ofx": (2, 0, "0", "222"),
    "ofxparse/fixtures/suncorp.ofx": (1, 1, "-16.85", "1234.12"),
    "ofxtools/data/br_nubank_cc.ofx": (1, 6, "-1280.91", "-1280.91"),  # which forgets to close its list
    "ofxtools/data/stmtrs.ofx": (1, 2, "-500.00", "200.29"),
    "ofxtools/data/stmtrs_euro.ofx": (1, 2, "-500.00", "200.29"),
}
NO_STATEMENT = "there is no statement of a bank account or a card"
REFUSED: Final = {
    "ofxparse/fixtures/account_listing_aggregation.ofx": "it has SIGNUPMSGSRSV1",
    "ofxparse/fixtures/bank_small.ofx": NO_STATEMENT,
    "ofxparse/fixtures/error_message.ofx": "the bank refused: 'General Server Error' (code 2000)",
    "ofxparse/fixtures/fail_nice/date_missing.ofx": ":33: DTPOSTED: the day of the movement is missing or empty",
    "ofxparse/fixtures/fail_nice/decimal_error.ofx": ":37: TRNAMT: '$120' is no amount",
    "ofxparse/fixtures/fidelity-savings.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/fidelity.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/investment_401k.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/investment_medium.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/ofx-v102-empty-tags.ofx": ":23: CURDEF: the currency is missing or empty",
    "ofxparse/fixtures/signon_fail.ofx": "the bank refused: 'Your request could not be processed",
    "ofxparse/fixtures/signon_success.ofx": NO_STATEMENT,
    "ofxparse/fixtures/signon_success_no_message.ofx": NO_STATEMENT,
    "ofxparse/fixtures/td_ameritrade.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/tiaacref.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/vanguard.ofx": "it has INVSTMTMSGSRSV1",
    "ofxparse/fixtures/vanguard401k.ofx": "it has INVSTMTMSGSRSV1",
    "ofxtools/data/invstmtrs.ofx": "it has INVSTMTMSGSRSV1",
    "ofxtools/data/profrs.ofx": "the bank refused: 'Signon invalid' (code 15500)",
}


@needs("bank-ofx")
def test_every_sample_is_read_or_refused() -> None:
    names = {str(path.relative_to(SAMPLES)) for path in SAMPLES.rglob("*.ofx")}
    assert (len(names), names) == (29, set(READ) | set(REFUSED))


@needs("bank-ofx")
@pytest.mark.parametrize("name", READ)
def test_a_sample_has_its_movements(name: str) -> None:
    statements, movements, total, closing = READ[name]
    read = heard(ofx.read, SAMPLES / name)
    assert (read.told, len(read.heads), len(read.lines)) == ([], statements, movements)
    currency = read.heads[-1].currency
    assert sum((units(line.amount_minor, currency) or Decimal(0) for line in read.lines), Decimal(0)) == Decimal(total)
    assert units(read.ends[-1].closing_minor, currency) == (None if closing is None else Decimal(closing))


@needs("bank-ofx")
@pytest.mark.parametrize("name", REFUSED)
def test_a_sample_that_is_no_statement_is_refused(name: str) -> None:
    assert REFUSED[name] in heard(ofx.read, SAMPLES / name).told[0]
