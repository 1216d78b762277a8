"""An entry's parts add up to what the bank booked, whatever they are said in and whoever kept something of it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.sources.bank import camt_entries
from dunwell.sources.bank.pieces import Document, Line, Party
from tests.sources.bank.camt_files import entry, line, lines, refused

AMOUNT = '<Amt Ccy="{}">{}</Amt>'
CHARGES = '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">{}</TtlChrgsAndTaxAmt></Chrgs>'


def eur(amount: str, *more: str) -> str:
    return AMOUNT.format("EUR", amount) + "".join(more)


def charged(amount: str) -> str:
    return CHARGES.format(amount)


def amounts(found: list[Line]) -> list[int]:
    return [one.amount_minor for one in found]


@pytest.fixture(params=[1000, 2])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many parts are held: more than there are, and fewer."""
    monkeypatch.setattr(camt_entries, "PARTS_HELD_MAX", request.param)
    return int(request.param)


def test_an_entry_without_details_is_one_line(tmp_path: Path) -> None:
    found = line(tmp_path, entry("12.50", sign="DBIT", after="<AddtlNtryInf>account fee</AddtlNtryInf>"))
    assert (found.entry_no, found.part_no, found.entry_minor, found.amount_minor) == (1, 1, -1250, -1250)
    assert (found.text, found.party) == ("account fee", Party())


def test_a_batch_without_details_is_called_as_its_order_was(tmp_path: Path) -> None:
    batch = "<NtryDtls><Btch><MsgId>M9</MsgId><PmtInfId>P9</PmtInfId><NbOfTxs>20</NbOfTxs></Btch></NtryDtls>"
    assert line(tmp_path, entry("12.50", sign="DBIT", after=batch)).end_to_end_ref == "P9"


def test_a_batch_is_a_line_for_each_payment(tmp_path: Path, held: int) -> None:
    parts = [eur(f"{i}.00", f"<RmtInf><Ustrd>A-{i}</Ustrd></RmtInf>") for i in range(1, 6)]
    found = lines(tmp_path, entry("15.00", *parts, after="<AddtlNtryInf>5 payments</AddtlNtryInf>"), entry("1.00"))
    assert amounts(found) == [100, 200, 300, 400, 500, 100]
    assert [(one.entry_no, one.part_no) for one in found] == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1)]
    assert {one.entry_minor for one in found[:5]} == {1500}
    assert found[4].text == "A-5\n5 payments"


def test_parts_in_several_details_are_one_batch(tmp_path: Path) -> None:
    details = "".join(f"<NtryDtls><TxDtls>{eur(amount)}</TxDtls></NtryDtls>" for amount in ("60.00", "40.00"))
    assert amounts(lines(tmp_path, entry("100.00", before=details))) == [6000, 4000]


def test_a_part_may_go_the_other_way(tmp_path: Path) -> None:
    parts = (eur("130.00"), eur("30.00", "<CdtDbtInd>DBIT</CdtDbtInd>"))
    assert amounts(lines(tmp_path, entry("100.00", *parts))) == [13000, -3000]


@pytest.mark.parametrize("amount", ["", eur("0"), eur("0.00")])
def test_a_single_part_without_an_amount_has_the_entrys(tmp_path: Path, amount: str) -> None:
    assert amounts(lines(tmp_path, entry("100.00", amount))) == [10000]


@pytest.mark.parametrize(
    "said",
    [
        "<AmtDtls><TxAmt>{}</TxAmt></AmtDtls>",
        "<AmtDtls><InstdAmt>{}</InstdAmt></AmtDtls>",
        '<AmtDtls><TxAmt><Amt Ccy="USD">1.00</Amt></TxAmt><CntrValAmt>{}</CntrValAmt></AmtDtls>',
    ],
)
def test_old_versions_say_the_amount_of_a_part_in_its_details(tmp_path: Path, said: str) -> None:
    found = lines(tmp_path, entry("100.00", said.format(eur("70.00")), said.format(eur("30.00"))), version="02")
    assert amounts(found) == [7000, 3000]


def test_another_currency_is_what_the_payer_ordered(tmp_path: Path) -> None:
    exchange = "<CcyXchg><SrcCcy>USD</SrcCcy><TrgtCcy>EUR</TrgtCcy><XchgRate>0.9</XchgRate></CcyXchg>"
    details = (
        f'<AmtDtls><InstdAmt><Amt Ccy="USD">111.11</Amt></InstdAmt><TxAmt>{eur("100.00")}{exchange}</TxAmt></AmtDtls>'
    )
    found = line(tmp_path, entry("100.00", details))
    assert (found.amount_minor, found.instructed_minor, found.instructed_currency) == (10000, 11111, "USD")
    found = line(tmp_path, entry("100.00", AMOUNT.format("JPY", "16000"), sign="DBIT"))
    assert (found.amount_minor, found.instructed_minor, found.instructed_currency) == (-10000, -16000, "JPY")


def test_what_was_ordered_is_not_told_where_it_is_what_was_booked(tmp_path: Path) -> None:
    found = line(tmp_path, entry("100.00", eur("100.00", f"<AmtDtls><InstdAmt>{eur('100.00')}</InstdAmt></AmtDtls>")))
    assert (found.instructed_minor, found.instructed_currency) == (None, "")


def test_a_single_payment_is_what_was_booked_of_it(tmp_path: Path) -> None:
    found = line(tmp_path, entry("98.00", eur("100.00", charged("2.00"))))
    assert (found.amount_minor, found.charges_minor, found.instructed_minor) == (9800, 200, 10000)
    found = line(tmp_path, entry("102.00", eur("100.00"), sign="DBIT", before=charged("2.00")))
    assert (found.amount_minor, found.charges_minor, found.instructed_minor) == (-10200, 200, -10000)
    found = line(tmp_path, entry("98.00", eur("98.00", f"<AmtDtls><InstdAmt>{eur('100.00')}</InstdAmt></AmtDtls>")))
    assert (found.amount_minor, found.charges_minor, found.instructed_minor) == (9800, 0, 10000)


@pytest.mark.parametrize(
    "said",
    [
        charged("2.00"),
        f"<Chrgs>{eur('1.50')}</Chrgs><Chrgs>{eur('0.50')}</Chrgs>",
        f"<Chrgs><Rcrd>{eur('2.50')}</Rcrd><Rcrd>{eur('0.50')}<CdtDbtInd>CRDT</CdtDbtInd></Rcrd></Chrgs>",
        f"{charged('2.00').removesuffix('</Chrgs>')}{eur('1.00')}</Chrgs><Chrgs>{eur('1.00')}</Chrgs>",
    ],
)
def test_charges_are_the_total_or_the_sum_of_what_is_told(tmp_path: Path, said: str) -> None:
    assert line(tmp_path, entry("98.00", f"{eur('98.00')}{said}")).charges_minor == 200


def test_gross_parts_become_what_was_booked_of_each(tmp_path: Path) -> None:
    parts = (eur("100.00", charged("2.00")), eur("50.00"), eur("30.00", charged("1.00")))
    found = lines(tmp_path, entry("177.00", *parts))
    assert [(one.amount_minor, one.charges_minor, one.instructed_minor) for one in found] == [
        (9800, 200, 10000), (5000, 0, None), (2900, 100, 3000),
    ]  # fmt: skip


def test_net_parts_stay_as_they_are(tmp_path: Path, held: int) -> None:
    parts = [eur("98.00", charged("2.00")) for _ in range(4)]
    found = lines(tmp_path, entry("392.00", *parts))
    assert [(one.amount_minor, one.charges_minor) for one in found] == [(9800, 200)] * 4


def test_charges_of_the_whole_are_a_part_of_their_own(tmp_path: Path, held: int) -> None:
    found = lines(tmp_path, entry("297.00", *[eur("100.00")] * 3, before=charged("3.00")))
    assert [(one.amount_minor, one.code) for one in found] == [
        (10000, ""), (10000, ""), (10000, ""), (-300, "ACMT/MDOP/CHRG"),
    ]  # fmt: skip


def test_of_a_large_batch_charges_are_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt_entries, "PARTS_HELD_MAX", 2)
    found = lines(tmp_path, entry("294.00", *[eur("100.00", charged("2.00"))] * 3))
    assert amounts(found) == [10000, 10000, 10000, -600]


def test_what_no_charges_explain_is_refused(tmp_path: Path, held: int) -> None:
    assert refused(tmp_path, entry("297.00", *[eur("100.00")] * 3, before=charged("2.00"))) == [
        "5: an entry of 297.00 EUR has parts that come to 300.00 EUR"
    ]


def test_a_part_that_goes_the_other_way_than_its_entry_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, entry("100.00", eur("100.00", "<CdtDbtInd>DBIT</CdtDbtInd>"))) == [
        "5: an entry of 100.00 EUR has parts that come to -100.00 EUR"
    ]


def test_parts_that_do_not_say_their_amounts_are_one_line_with_all_their_texts(tmp_path: Path, held: int) -> None:
    parts = [
        f"<Refs><EndToEndId>E{i}</EndToEndId><MndtId>M</MndtId></Refs>"
        f"<RltdPties><Dbtr><Nm>Payer {i % 2}</Nm></Dbtr></RltdPties><RmtInf><Ustrd>A-{i}</Ustrd></RmtInf>"
        for i in range(5)
    ]
    found = line(tmp_path, entry("100.00", *parts))
    assert (found.amount_minor, found.part_no, found.mandate_ref, found.party) == (10000, 1, "M", Party())
    told = found.text.split("\n")
    assert told[-1] == "(5 TxDtls)"
    assert set(told[:-1]) == {f"Payer {i % 2} E{i}" for i in range(5)} | {f"A-{i}" for i in range(5)}


def test_equal_amounts_of_one_document_in_such_parts_are_both_paid(tmp_path: Path) -> None:
    paid = '<RfrdDocAmt><RmtdAmt Ccy="EUR">30.00</RmtdAmt></RfrdDocAmt>'
    part = f"<RmtInf><Strd><RfrdDocInf><Nb>A-1</Nb></RfrdDocInf>{paid}</Strd></RmtInf>"
    assert line(tmp_path, entry("60.00", part, part)).documents == (Document("A-1", 3000), Document("A-1", 3000))


def test_what_such_parts_say_in_fields_is_not_lost(tmp_path: Path) -> None:
    document = "<RmtInf><Strd><RfrdDocInf><Nb>A-{}</Nb></RfrdDocInf></Strd></RmtInf>"
    account = "<RltdPties><DbtrAcct><Id><IBAN>NL91ABNA0417164300</IBAN></Id></DbtrAcct></RltdPties>"
    dollars = f"<AmtDtls><InstdAmt>{AMOUNT.format('USD', '30.00')}</InstdAmt></AmtDtls>"
    found = line(tmp_path, entry("100.00", eur("70.00") + document.format(1), dollars + account + document.format(2)))
    assert found.documents == (Document("A-1"), Document("A-2"))
    assert found.text.split("\n") == ["70.00 EUR", "30.00 USD NL91ABNA0417164300", "(2 TxDtls)"]


def test_a_large_batch_in_which_a_part_has_no_amount_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camt_entries, "PARTS_HELD_MAX", 2)
    found = refused(tmp_path, entry("400.00", *[eur("100.00")] * 3, AMOUNT.format("USD", "1.00")))
    assert found[0] == "5: Amt: in a batch of more than 2, this part does not say its amount in EUR"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 500)), min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from([1000, 2]),
)
def test_parts_always_add_up_to_the_entry(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]], is_net: bool, held: int
) -> None:
    """Gross parts whose charges were kept, and net ones, in batches held and not held."""
    whole = sum(minor - (0 if is_net else kept) for minor, kept in parts)
    written = [
        eur(
            f"{abs(minor) / 100:.2f}",
            f"<CdtDbtInd>{'DBIT' if minor < 0 else 'CRDT'}</CdtDbtInd>",
            charged(f"{kept / 100:.2f}"),
        )
        for minor, kept in parts
    ]
    sign = "DBIT" if whole < 0 else "CRDT"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camt_entries, "PARTS_HELD_MAX", held)
        folder = tmp_path_factory.mktemp("parts")
        if len(parts) == 1 and parts[0][0] * whole < 0:
            assert refused(folder, entry(f"{abs(whole) / 100:.2f}", *written, sign=sign))
            return
        found = lines(folder, entry(f"{abs(whole) / 100:.2f}", *written, sign=sign))
    assert sum(amounts(found)) == whole
