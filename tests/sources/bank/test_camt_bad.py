"""What is wrong with a camt file is told with its place; nothing of it crashes, hangs, or takes all memory."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.sources.bank import camt
from dunwell.sources.bank.pieces import Closed, Line
from dunwell.sources.problems import Problems
from tests.sources.bank.camt_files import ACCOUNT, balance, entry, message, pieces, refused, whole

GOOD = message(
    balance("OPBD", "0.00"), balance("CLBD", "107.00"), entry("100.00", "<AddtlTxInf>a</AddtlTxInf>"), entry("7.00")
)
DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'
BOMB = (
    '<!DOCTYPE Document [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {name} "{f"&{of};" * 10}">' for of, name in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)


@pytest.mark.parametrize(
    "doctype",
    [
        BOMB,
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>',
        "<!DOCTYPE Document>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_in_its_line(tmp_path: Path, doctype: str, encoding: str) -> None:
    head = DECLARED.replace("UTF-8", encoding)
    written = GOOD.replace(DECLARED, f"{head}\n<!-- made by a bank -->\n{doctype}").replace(
        "<Id>S1</Id>", "<Id>&x;&j;</Id>"
    )
    found, problems = pieces(tmp_path, written.encode(encoding))
    assert found == []
    assert problems == ["a.xml:3: a document type (<!DOCTYPE>) begins here: no bank writes one, and none is read"]


def test_an_entity_that_nobody_declares_is_refused(tmp_path: Path) -> None:
    _, problems = pieces(tmp_path, GOOD.replace("<Id>S1</Id>", "<Id>&x;</Id>"))
    assert "a.xml:4: the file is damaged here" in problems[0]


@pytest.mark.parametrize(
    ("declared", "encoding", "bom"),
    [
        ("UTF-8", "utf-8", b"\xef\xbb\xbf"),
        ("UTF-16", "utf-16", b""),
        ("UTF-16", "utf-16-be", b"\xfe\xff"),
        ("ISO-8859-1", "latin-1", b""),
        ("windows-1252", "cp1252", b""),
        ("ISO-8859-15", "iso-8859-15", b""),
    ],
)
def test_the_encoding_is_the_one_that_is_declared(tmp_path: Path, declared: str, encoding: str, bom: bytes) -> None:
    written = message(entry("100.00", "<RmtInf><Ustrd>Müßig</Ustrd></RmtInf>")).replace("UTF-8", declared)
    found, problems = pieces(tmp_path, bom + written.encode(encoding))
    assert problems == []
    assert isinstance(found[1], Line)
    assert found[1].text == "Müßig"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "1: the file is empty"),
        (b" \n ", "1: the file is empty"),
        (b"\0" * 100, "1: this is no XML, or damaged: not well-formed (invalid token) at character 1"),
        (b"PK\x03\x04 a packed file", "1: this is no XML, or damaged"),
        (b":20:STARTUMS\n:25:1/2\n", "1: this is no XML, or damaged"),
        (b"<html><body>Sorry</body></html>", "1: this is XML ('html'), and no message of a bank: statements come as"),
        (GOOD.replace("UTF-8", "EBCDIC-XY").encode(), "1: the encoding that it names is not known"),
        (GOOD.replace("UTF-8", "Shift_JIS").encode(), "1: the encoding that it names is not known"),
        (GOOD.replace("UTF-8", "UTF-7").encode(), "1: the encoding that it names is not known"),
        (GOOD.replace("UTF-8", "UTF-16").encode(), "1: "),
        (GOOD.replace("<AddtlTxInf>a", "<AddtlTxInf>Müller").encode("latin-1"), "7: the file is damaged here"),
        (GOOD.replace("<AddtlTxInf>a", "<AddtlTxInf>\x01").encode(), "7: the file is damaged here"),
        (GOOD.replace("053.001.0", "053.001.0}").encode(), "2: the file is damaged here"),
        (GOOD.replace("BkToCstmrStmt", "BkToCstmrOther").encode(), "3: this is camt.053 ('BkToCstmrOther'), and no"),
    ],
)
def test_what_is_no_camt_message_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    _, problems = pieces(tmp_path, content)
    assert problems[0].startswith(f"a.xml:{problem}")


@pytest.mark.parametrize(
    ("name", "element", "called"),
    [
        ("pain.001.001.09", "CstmrCdtTrfInitn", "pain.001, an order to pay"),
        ("pain.002.001.10", "CstmrPmtStsRpt", "pain.002, a report on the state of orders"),
        ("pain.008.001.02", "CstmrDrctDbtInitn", "pain.008, an order of direct debits"),
        ("camt.029.001.09", "RsltnOfInvstgtn", "camt.029, the answer to a call for money back"),
        ("pacs.008.001.08", "FIToFICstmrCdtTrf", "pacs.008, a message between banks"),
        ("reda.001.001.01", "PricRptV04", "reda.001"),
    ],
)
def test_another_message_is_refused_by_its_name(tmp_path: Path, name: str, element: str, called: str) -> None:
    written = f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{name}">\n<{element}/></Document>'
    found, (problem,) = pieces(tmp_path, written)
    assert found == []
    assert problem.startswith(f"a.xml:2: this is {called} ('{element}'), and no message of what was booked: statements")


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR">1e2</Amt>', "Amt: '1e2' is no amount"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR">-100.00</Amt>', "Amt: '-100.00' has a sign"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR">1,000.00</Amt>', "Amt: '1,000.00' is no amount"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR">100.005</Amt>', "Amt: 100.005 has more decimals than EUR has"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR">100000000000.00</Amt>', "Amt: 100000000000.00 EUR is beyond"),
        ('<Amt Ccy="EUR">100.00</Amt>', f'<Amt Ccy="EUR">{"9" * 500}</Amt>', "Amt: '999999"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR">٣</Amt>', "Amt: '٣' is no amount"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUX">100.00</Amt>', "Amt: 'EUX' is not a currency in use"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="XAU">100.00</Amt>', "Amt: 'XAU' is not a currency in use"),
        ('<Amt Ccy="EUR">100.00</Amt>', "<Amt>100.00</Amt>", "Amt: the amount '100.00' has no currency (Ccy)"),
        ('<Amt Ccy="EUR">100.00</Amt>', "", "Amt: the entry has no amount"),
        ('<Amt Ccy="EUR">100.00</Amt>', '<Amt Ccy="EUR"/>', "Amt: the entry has no amount"),
        ("<CdtDbtInd>CRDT<", "<CdtDbtInd>C<", "CdtDbtInd: 'C' is neither CRDT nor DBIT"),
        ("<CdtDbtInd>CRDT</CdtDbtInd>", "", "CdtDbtInd: it is missing: CRDT or DBIT"),
        ("<Cd>BOOK</Cd>", "<Cd>BKKD</Cd>", "Sts/Cd: 'BKKD' is none of BOOK, PDNG, INFO, FUTR"),
        ("<Cd>BOOK</Cd>", "", "Sts: it is missing"),
        ("2026-03-02", "2026-02-30", "BookgDt/Dt: '2026-02-30' is no date of the calendar"),
        ("2026-03-02", "02.03.2026", "BookgDt/Dt: '02.03.2026' is no date: one is written as 2026-01-31"),
        ("2026-03-02", "0001-01-01", "BookgDt/Dt: '0001-01-01' is no date between 1900 and 2199"),
        ("<ValDt>", "<RvslInd>perhaps</RvslInd><ValDt>", "RvslInd: 'perhaps' is neither true nor false"),
        ("<Sts>", f"<AddtlNtryInf>{'x' * 10_001}</AddtlNtryInf><Sts>", "AddtlNtryInf: a text of 10,001 characters"),
    ],
)
def test_a_field_that_is_wrong_is_told_in_its_line(tmp_path: Path, good: str, bad: str, problem: str) -> None:
    written = message(entry("7.00"), entry("100.00").replace("><", ">\n<").replace(good, bad))
    places = [number for number, text in enumerate(written.split("\n"), 1) if bad and bad.partition("\n")[0] in text]
    found, problems = pieces(tmp_path, written)
    assert problem in problems[0]
    line = int(problems[0].split(":")[1])
    assert line in places if places else line in {6, 9}
    assert isinstance(found[-1], Closed)


def test_a_field_of_a_part_is_told_in_its_line(tmp_path: Path) -> None:
    (found,) = refused(tmp_path, entry("100.00", '\n<AmtDtls>\n<TxAmt>\n<Amt Ccy="EUR">x</Amt></TxAmt></AmtDtls>'))
    assert found.startswith("8: AmtDtls/TxAmt/Amt: 'x' is no amount")


def test_a_statement_of_no_account_is_refused(tmp_path: Path) -> None:
    _, problems = pieces(tmp_path, message(entry(), head="<Acct><Ccy>EUR</Ccy></Acct>"))
    assert problems == ["a.xml:4: Acct: the statement does not say of which account it is (Id)"]


def test_an_account_in_a_currency_that_is_none_is_refused(tmp_path: Path) -> None:
    _, problems = pieces(tmp_path, message(entry(), head=ACCOUNT.replace("EUR", "EUX")))
    assert "'EUX' is not a currency in use" in problems[0]


def test_a_message_of_no_statement_is_refused(tmp_path: Path) -> None:
    written = re.sub(r"<Stmt>.*</Stmt>", "", GOOD, flags=re.DOTALL)
    assert pieces(tmp_path, written) == ([], ["a.xml:1: Stmt: the message holds no statement of an account"])


def test_entries_of_another_currency_than_the_account_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, entry("100.00", currency="USD")) == [
        "5: the account is kept in EUR, and this line is in USD"
    ]


def test_balances_in_another_currency_than_the_account_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, balance("OPBD", "0.00", currency="USD"), entry("100.00")) == [
        "5: Bal/Amt: the account is kept in EUR, and its balances are in USD"
    ]


def test_a_file_of_two_kinds_of_message_is_refused(tmp_path: Path) -> None:
    one, other = (message(entry(), kind=kind).split("\n", 1)[1] for kind in ("053", "054"))
    _, problems = pieces(tmp_path, f"<a>\n{one}{other}</a>")
    assert problems == [
        "a.xml:10: a message of another kind, or of another version, begins here: keep each in a file of its own"
    ]
    found, problems = pieces(tmp_path, f"<a>\n{one}{one}</a>")
    assert (len(found), problems) == (6, [])


def test_a_wrong_entry_does_not_make_the_sums_wrong_too(tmp_path: Path) -> None:
    within = (
        balance("OPBD", "0.00"),
        balance("CLBD", "100.00"),
        "<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries></TtlNtries></TxsSummry>",
    )
    assert refused(tmp_path, *within, entry("100.00", sign="X")) == ["7: CdtDbtInd: 'X' is neither CRDT nor DBIT"]


@pytest.mark.parametrize("step", [1, 7])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, step: int) -> None:
    content = GOOD.rstrip().encode()
    for end in range(step, len(content), 17):
        _, problems = pieces(tmp_path, content[:end])
        assert problems, end


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    for depth in (200, 3000):
        deep = "<A>" * depth + "</A>" * depth
        _, problems = pieces(tmp_path, message(entry("100.00", deep)))
        assert depth == 200 or "the file is damaged here" in problems[0]


def test_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(GOOD)
    told: list[tuple[int, int]] = []
    list(camt.read(path, Problems("a.xml"), lambda done, size: told.append((done, size))))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    found, problems = pieces(folder, content)
    assert found == []
    assert problems


TAGS = sorted(set(re.findall(r"<(\w+)", GOOD)))
FUZZED = st.lists(
    st.one_of(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 3), st.binary(max_size=3)),
        st.tuples(
            st.sampled_from([found.start() for found in re.finditer("<|[^<>]+<", GOOD)]),
            st.integers(0, 40),
            st.sampled_from(
                [f"<{tag}>".encode() for tag in TAGS] + [f"</{tag}>".encode() for tag in TAGS] + [b"1", b"-"]
            ),
        ),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(FUZZED)
def test_spoilt_messages_are_read_whole_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, bytes]]
) -> None:
    content = GOOD.encode()
    for at, cut, put in changes:
        content = content[:at] + put + content[at + cut :]
    whole(tmp_path_factory.getbasetemp(), content)
