"""What a payment says, whichever version of the standard its bank writes."""

from datetime import date
from pathlib import Path

import pytest

from dunwell.sources.bank.pieces import Document, Kind, Line, Opened, Party
from tests.sources.bank.camt_files import IBAN, balance, entry, line, lines, message, pieces

OTHER = "NL91ABNA0417164300"
OLD = (
    "<RltdPties><Dbtr><Nm>Meyer GmbH</Nm></Dbtr><DbtrAcct><Id><IBAN>NL91 ABNA 0417 1643 00</IBAN></Id></DbtrAcct>"
    "<UltmtDbtr><Nm>Meyer Nord</Nm></UltmtDbtr></RltdPties>"
    "<RltdAgts><DbtrAgt><FinInstnId><BIC>ABNANL2A</BIC></FinInstnId></DbtrAgt></RltdAgts>"
)
NEW = (
    "<RltdPties><Dbtr><Pty><Nm>Meyer GmbH</Nm></Pty></Dbtr>"
    "<DbtrAcct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></DbtrAcct>"
    "<UltmtDbtr><Pty><Nm>Meyer Nord</Nm></Pty></UltmtDbtr></RltdPties>"
    "<RltdAgts><DbtrAgt><FinInstnId><BICFI>ABNANL2A</BICFI></FinInstnId></DbtrAgt></RltdAgts>"
)
BOTH = (
    f"<RltdPties><Dbtr><Nm>We</Nm></Dbtr><DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id></DbtrAcct>"
    f"<Cdtr><Nm>They</Nm></Cdtr><CdtrAcct><Id><IBAN>{OTHER}</IBAN></Id></CdtrAcct></RltdPties>"
)


@pytest.mark.parametrize(
    ("version", "status", "parties"),
    [
        ("02", "BOOK", OLD),
        ("04", "BOOK", OLD),
        ("06", "BOOK", OLD),
        ("08", "<Cd>BOOK</Cd>", NEW),
        ("13", "<Cd>BOOK</Cd>", NEW),
        ("99", "<Cd>BOOK</Cd>", NEW),
    ],
)
def test_old_and_new_versions_say_the_same(tmp_path: Path, version: str, status: str, parties: str) -> None:
    found = line(
        tmp_path, entry("100.00", f"{parties}<RmtInf><Ustrd>A-17</Ustrd></RmtInf>", status=status), version=version
    )
    assert (found.amount_minor, found.currency, found.is_booked) == (10000, "EUR", True)
    assert (found.booked_on, found.valued_on) == (date(2026, 3, 2), date(2026, 3, 3))
    assert found.party == Party("Meyer GmbH", OTHER, "", "ABNANL2A")
    assert (found.on_behalf_of, found.text) == ("Meyer Nord", "A-17")


def test_a_local_namespace_or_none_is_read_as_well(tmp_path: Path) -> None:
    written = message(entry())
    iso = 'xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"'
    for namespace in (
        'xmlns="urn:swift:xsd:$camt.053.001.02"',
        'xmlns="http://www.six-interbank-clearing.com/de/camt.053.001.04.xsd"',
        "",
    ):
        found, problems = pieces(tmp_path, written.replace(iso, namespace))
        assert (len(found), problems) == (3, [])
    prefixed = written.replace("xmlns=", "xmlns:n=").replace("</", "</n:").replace("<", "<n:")
    found, problems = pieces(tmp_path, prefixed.replace("<n:?", "<?").replace("<n:/n:", "</n:"))
    assert (len(found), problems) == (3, [])


def test_a_message_is_found_in_its_envelope(tmp_path: Path) -> None:
    _, inner = message(entry()).split("\n", 1)
    found, problems = pieces(
        tmp_path, f'<Msg xmlns="urn:x"><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/>{inner}</Msg>'
    )
    assert (len(found), problems) == (3, [])


@pytest.mark.parametrize(("kind", "meant"), [("052", Kind.INTERIM), ("053", Kind.STATEMENT), ("054", Kind.ADVICE)])
def test_the_message_says_what_kind_it_is(tmp_path: Path, kind: str, meant: Kind) -> None:
    found, _ = pieces(tmp_path, message(entry(), kind=kind))
    assert isinstance(found[0], Opened)
    assert (found[0].kind, found[0].account, found[0].currency, found[0].statement_id) == (meant, IBAN, "EUR", "S1")


@pytest.mark.parametrize(
    ("refs", "end_to_end", "bank"),
    [
        ("<EndToEndId>E1</EndToEndId><TxId>T1</TxId>", "E1", "T1"),
        ("<AcctSvcrRef>B1</AcctSvcrRef><EndToEndId>NOTPROVIDED</EndToEndId><TxId>T1</TxId>", "", "B1"),
        ("<InstrId>I1</InstrId><EndToEndId>NOTPROVIDED</EndToEndId>", "I1", ""),
        ("<EndToEndId>notprovided</EndToEndId>", "", ""),
    ],
)
def test_a_reference_that_was_not_provided_is_none(tmp_path: Path, refs: str, end_to_end: str, bank: str) -> None:
    found = line(tmp_path, entry("100.00", f"<Refs>{refs}<MndtId>M1</MndtId></Refs>"))
    assert (found.end_to_end_ref, found.bank_ref, found.mandate_ref) == (end_to_end, bank, "M1")


def test_the_number_of_a_cheque_is_text(tmp_path: Path) -> None:
    found = line(tmp_path, entry("100.00", "<Refs><ChqNb>000123</ChqNb></Refs><RmtInf><Ustrd>A-1</Ustrd></RmtInf>"))
    assert found.text == "000123\nA-1"


def test_what_the_bank_calls_an_entry_is_what_it_calls_its_only_movement(tmp_path: Path) -> None:
    ref = "<AcctSvcrRef>B7</AcctSvcrRef>"
    found = line(tmp_path, entry("100.00", "<Refs><TxId>T1</TxId></Refs>", before=ref))
    assert (found.entry_ref, found.bank_ref) == ("B7", "B7")
    one, two = lines(
        tmp_path,
        entry(
            "100.00", '<Refs><TxId>T1</TxId></Refs><Amt Ccy="EUR">60.00</Amt>', '<Amt Ccy="EUR">40.00</Amt>', before=ref
        ),
    )
    assert [(part.entry_ref, part.bank_ref, part.part_no) for part in (one, two)] == [("B7", "T1", 1), ("B7", "", 2)]


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("<Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>", "PMNT/RCDT/ESCT"),
        ("<Prtry><Cd>NTRF+166+9070</Cd><Issr>DK</Issr></Prtry>", "NTRF+166+9070"),
    ],
)
def test_the_kind_of_movement_is_the_standards_code_or_the_banks(tmp_path: Path, code: str, meant: str) -> None:
    assert line(tmp_path, entry(before=f"<BkTxCd>{code}</BkTxCd>")).code == meant


def test_structured_and_free_texts_go_where_they_belong(tmp_path: Path) -> None:
    strd = (
        "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>A-17</Nb></RfrdDocInf>"
        '<RfrdDocAmt><DuePyblAmt Ccy="EUR">130.00</DuePyblAmt><RmtdAmt Ccy="EUR">120.00</RmtdAmt></RfrdDocAmt>'
        "<CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18539007547034</Ref></CdtrRefInf>"
        "<AddtlRmtInf>less discount</AddtlRmtInf></Strd>"
        "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CREN</Cd></CdOrPrtry></Tp><Nb>G-3</Nb></RfrdDocInf>"
        '<RfrdDocAmt><CdtNoteAmt Ccy="EUR">20.00</CdtNoteAmt></RfrdDocAmt>'
        "<CdtrRefInf><Ref>000000000000000000000000042</Ref></CdtrRefInf></Strd>"
    )
    rmt = f"<RmtInf><Ustrd>first</Ustrd><Ustrd> second </Ustrd>{strd}</RmtInf><AddtlTxInf>SEPA</AddtlTxInf>"
    found = line(tmp_path, entry("100.00", rmt, after="<AddtlNtryInf>credit</AddtlNtryInf>"))
    assert found.reference == "RF18539007547034"
    assert found.documents == (Document("A-17", 12000), Document("G-3", 2000, is_credit_note=True))
    assert found.text.split("\n") == [
        "first", "second", "less discount", "000000000000000000000000042", "SEPA", "credit",
    ]  # fmt: skip


def test_an_amount_of_several_documents_is_that_of_none(tmp_path: Path) -> None:
    numbers = "".join(f"<RfrdDocInf><Nb>A-{i}</Nb></RfrdDocInf>" for i in (1, 2))
    strd = f'<Strd>{numbers}<RfrdDocAmt><RmtdAmt Ccy="EUR">100.00</RmtdAmt></RfrdDocAmt></Strd>'
    found = line(tmp_path, entry("100.00", f"<RmtInf>{strd}</RmtInf>"))
    assert found.documents == (Document("A-1"), Document("A-2"))


def test_the_swiss_reference_is_kept_as_it_is_written(tmp_path: Path) -> None:
    kind, number = "<Tp><CdOrPrtry><Prtry>QRR</Prtry></CdOrPrtry></Tp>", "210000000003139471430009017"
    told = f"<Strd><CdtrRefInf>{kind}<Ref>{number}</Ref></CdtrRefInf></Strd>"
    found = line(tmp_path, entry("100.00", f"<RmtInf>{told}</RmtInf>"))
    assert (found.reference, found.text) == (number, "")


def test_the_other_side_is_the_payer_of_a_credit_and_the_payee_of_a_debit(tmp_path: Path) -> None:
    sides = (
        "<RltdPties><Dbtr><Nm>Payer</Nm></Dbtr><DbtrAcct><Id><Othr><Id>12-3</Id></Othr></Id></DbtrAcct>"
        "<Cdtr><Nm>Payee</Nm></Cdtr></RltdPties>"
    )
    assert line(tmp_path, entry("100.00", sides)).party == Party("Payer", "", "12-3")
    assert line(tmp_path, entry("100.00", sides, sign="DBIT")).party == Party("Payee")


def test_a_name_or_bank_that_was_not_provided_is_none(tmp_path: Path) -> None:
    sides = (
        "<RltdPties><Dbtr><Nm>NOTPROVIDED</Nm></Dbtr></RltdPties>"
        "<RltdAgts><DbtrAgt><FinInstnId><BIC>NOTPROVIDED</BIC></FinInstnId></DbtrAgt></RltdAgts>"
    )
    assert line(tmp_path, entry("100.00", sides)).party == Party()


def test_a_party_without_a_name_is_called_by_its_address(tmp_path: Path) -> None:
    sides = "<RltdPties><Dbtr><PstlAdr><AdrLine>Meyer</AdrLine><AdrLine>Bern</AdrLine></PstlAdr></Dbtr></RltdPties>"
    assert line(tmp_path, entry("100.00", sides)).party == Party("Meyer")


@pytest.mark.parametrize("sign", ["CRDT", "DBIT"])
def test_a_bank_can_be_the_other_side(tmp_path: Path, sign: str) -> None:
    role = "Dbtr" if sign == "CRDT" else "Cdtr"
    sides = f"<RltdPties><{role}><Agt><FinInstnId><Nm>Bank</Nm></FinInstnId></Agt></{role}></RltdPties>"
    assert line(tmp_path, entry("100.00", sides, sign=sign)).party == Party("Bank")


def test_who_was_invoiced_is_on_whose_behalf_it_is_paid(tmp_path: Path) -> None:
    told = "<RmtInf><Strd><Invcee><Nm>Meyer Nord</Nm></Invcee></Strd></RmtInf>"
    sides = "<RltdPties><Dbtr><Nm>Meyer Holding</Nm></Dbtr></RltdPties>"
    found = line(tmp_path, entry("100.00", sides + told))
    assert (found.party.name, found.on_behalf_of) == ("Meyer Holding", "Meyer Nord")


@pytest.mark.parametrize("sign", ["CRDT", "DBIT"])
def test_the_accounts_own_side_is_never_the_other(tmp_path: Path, sign: str) -> None:
    assert line(tmp_path, entry("100.00", BOTH, sign=sign)).party == Party("They", OTHER)


@pytest.mark.parametrize("back", ["<RvslInd>true</RvslInd>", ""])
def test_a_debit_that_comes_back_has_the_debtor_on_the_other_side(tmp_path: Path, back: str) -> None:
    sides = "<RltdPties><Dbtr><Nm>Meyer</Nm></Dbtr><Cdtr><Nm>We</Nm></Cdtr></RltdPties>"
    reason = "<RtrInf><Rsn><Cd>AM04</Cd></Rsn><AddtlInf>no funds</AddtlInf></RtrInf>"
    found = line(tmp_path, entry("100.00", sides + reason, sign="DBIT", before=back))
    assert (found.amount_minor, found.party.name) == (-10000, "Meyer")
    assert (found.is_reversal, found.return_reason) == (bool(back), "AM04 no funds")


def test_times_count_as_the_day_that_the_banks_clock_says(tmp_path: Path) -> None:
    written = entry().replace("<Dt>2026-03-02</Dt>", "<DtTm>2026-03-02T23:30:00+01:00</DtTm>")
    written = written.replace("<Dt>2026-03-03</Dt>", "<Dt>2026-03-03+02:00</Dt>")
    found = line(tmp_path, written)
    assert (found.booked_on, found.valued_on) == (date(2026, 3, 2), date(2026, 3, 3))


def test_what_is_pending_or_for_information_is_not_booked(tmp_path: Path) -> None:
    states = ("PDNG", "<Cd>INFO</Cd>", "<Cd>FUTR</Cd>", "BOOK")
    found = lines(
        tmp_path, balance("OPBD", "0.00"), balance("CLBD", "100.00"), *(entry(status=status) for status in states)
    )
    assert [one.is_booked for one in found] == [False, False, False, True]


def test_the_first_version_had_other_names(tmp_path: Path) -> None:
    written = message(
        '<Ntry><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<TxDtls><RtrInf><RtrRsn><Cd>AC01</Cd></RtrRsn></RtrInf><RmtInf><Strd><RfrdDocInf><RfrdDocTp><Cd>CREN</Cd>"
        "</RfrdDocTp><RfrdDocNb>G-1</RfrdDocNb></RfrdDocInf><CdtrRefInf><CdtrRef>RF1</CdtrRef></CdtrRefInf></Strd></RmtInf>"
        "</TxDtls></Ntry>",
        version="01",
        head="<Acct><Id><PrtryAcct><Id>4711</Id></PrtryAcct></Id></Acct>",
    ).replace("BkToCstmrStmt", "BkToCstmrStmtV01")
    found, problems = pieces(tmp_path, written)
    assert problems == []
    opened, one, _ = found
    assert isinstance(opened, Opened)
    assert isinstance(one, Line)
    assert (opened.account, opened.currency) == ("4711", "EUR")
    assert (one.reference, one.return_reason) == ("RF1", "AC01")
    assert one.documents == (Document("G-1", is_credit_note=True),)


def test_what_a_bank_adds_of_its_own_is_passed_over(tmp_path: Path) -> None:
    own = '<SplmtryData><Envlp><Ntry><Amt Ccy="EUR">1.00</Amt><TxDtls/><Bal/></Ntry><Stmt/></Envlp></SplmtryData>'
    found = lines(tmp_path, entry("100.00", f"<RmtInf><Ustrd>A-1</Ustrd></RmtInf>{own}", after=own), entry("7.00"), own)
    assert [(one.amount_minor, one.text) for one in found] == [(10000, "A-1"), (700, "")]


def test_comments_and_sections_are_text_as_any_other(tmp_path: Path) -> None:
    found = line(
        tmp_path, entry("100.00", "<RmtInf><Ustrd>A<!-- x -->-<?y z?>1<![CDATA[7 <b>]]> &amp; &#233;</Ustrd></RmtInf>")
    )
    assert found.text == "A-17 <b> & é"
