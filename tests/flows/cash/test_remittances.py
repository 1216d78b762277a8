"""An advice of its own finds its bank line, and says what it is for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.flows.cash.applying import apply_to
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.cash.remittances import advices, forget_advice, import_advice
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.records.models import AuditEvent, BankLine, Item, RemittanceAdvice
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.town import Town
from tests.sources.bank.camt_files import balance, entry, message
from tests.sources.bank.mt940_files import mt940
from tests.sources.remittance.advising import pdf, table

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}
OPEN: Final[dict[str, int]] = {"INV-20170": 100, "INV-20180": 50, "INV-20190": 70, "INV-20200": 30, "INV-20210": 80}
HEAD: Final = "Kundennummer;MEYER\nZahlungsdatum;02.03.2026\n\nRechnung;Betrag\n"


@pytest.fixture
def bank(town: Town) -> Town:
    """ACME with its bank account, and MEYER, who owes five invoices, and SMITH, who owes one."""
    bank_account(town.entity)
    for number, amount in OPEN.items():
        town.item(number, "MEYER", f"{amount}.00 EUR", "2026-02-01")
    town.item("INV-30990", "SMITH", "150.00 EUR", "2026-02-05")
    return town


def advised(
    folder: Path, *numbers: str, head: str = HEAD, name: str = "avis.csv", paid: Mapping[str, int] = OPEN
) -> Path:
    """An advice of what MEYER pays of some of the invoices: all of it, or as told."""
    rows = [f"{number};{paid[number]},00" for number in numbers]
    total = sum(paid[number] for number in numbers)
    path = folder / name
    path.write_text(f"{head}{chr(10).join(rows)}\nSumme;{total},00\n", encoding="utf-8")
    return path


def line_of(amount_minor: int) -> BankLine:
    """The line of an amount."""
    return BankLine.objects.get(amount_minor=amount_minor)


def test_a_lump_sum_without_numbers_is_applied_by_its_advice(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 Meyer GmbH"], opens=0))
    BankLine.objects.update(party_name="Meyer GmbH")
    report = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT)
    (advice,) = report.advices
    assert (advice.account, advice.documents, advice.total_minor) == ("MEYER", 2, 15_000)
    assert advice.line == line_of(15_000).pk
    assert match_lines(bank.entity, **BERT).applied == 1
    assert {number: bank.open(number) for number in OPEN} == {
        "INV-20170": 10_000, "INV-20180": 5_000, "INV-20190": 0, "INV-20200": 3_000, "INV-20210": 0,
    }  # fmt: skip
    with pytest.raises(Conflict, match="is applied by what the advice says"):
        forget_advice(bank.entity, advice.advice, **BERT)


def test_an_advice_that_came_first_waits_for_its_line(bank: Town, tmp_path: Path) -> None:
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT).advices
    assert advice.line is None
    take(tmp_path, mt940(["260303 150 //B1 Meyer GmbH"], opens=0, on=("260303", "260303")))
    BankLine.objects.update(party_name="Meyer GmbH")
    assert match_lines(bank.entity, **BERT).applied == 1
    assert advices(bank.entity, most=9).advices[0].line == line_of(15_000).pk
    assert AuditEvent.objects.get(action="advice.linked").detail["sign"] == "payer"


def test_the_same_file_again_changes_nothing(bank: Town, tmp_path: Path) -> None:
    path = advised(tmp_path, "INV-20190", "INV-20210")
    assert not import_advice(path, bank.entity, **BERT).is_known
    again = import_advice(path, bank.entity, **BERT)
    assert (again.is_known, len(again.advices), RemittanceAdvice.objects.count()) == (True, 1, 1)


@pytest.mark.parametrize(
    "entries",
    [
        ["260302 151 //B1 hello"],  # another amount
        ["260310 150 //B1 hello"],  # six working days later
        ["260302 150 //B1 hello", "260303 150 //B2 hello"],  # two that it could be
    ],
)
def test_an_advice_goes_with_no_line_that_it_may_not_be_of(bank: Town, tmp_path: Path, entries: list[str]) -> None:
    take(tmp_path, mt940(entries, opens=0, on=("260302", "260310")))
    BankLine.objects.update(party_name="Meyer GmbH")
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT).advices
    assert advice.line is None
    assert not BankLine.objects.exclude(documents=[]).exists()


def test_an_advice_does_not_go_with_the_money_of_somebody_else(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 hello"], opens=0))
    BankLine.objects.update(party_name="Smith GmbH")
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210"), bank.entity, **BERT).advices
    assert advice.line is None


def test_the_payers_own_reference_says_which_of_two_lines_it_is(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 hello", "260302 150 //B2 pay run 4711-88"], opens=0))
    head = f"Zahlungsreferenz;4711-88\n{HEAD}"
    (advice,) = import_advice(advised(tmp_path, "INV-20190", "INV-20210", head=head), bank.entity, **BERT).advices
    assert advice.line == BankLine.objects.get(text__contains="4711").pk


def test_a_person_says_which_line_it_is_and_forgets_it_again(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 hello", "260302 40 //B2 hello", "260302 -5 //B3 fees"], opens=0))
    line = line_of(15_000)
    path = advised(tmp_path, "INV-20190", "INV-20210")
    with pytest.raises(NotFound):
        import_advice(path, bank.entity, line=999, **BERT)
    with pytest.raises(Invalid, match="is no money that came in"):
        import_advice(path, bank.entity, line=line_of(-500).pk, **BERT)
    assert not RemittanceAdvice.objects.exists()  # a file whose line cannot be is not taken in
    (advice,) = import_advice(path, bank.entity, line=line.pk, **BERT).advices
    line.refresh_from_db()
    assert (advice.line, len(line.documents)) == (line.pk, 2)
    other = advised(tmp_path, "INV-20170", name="other.csv")
    with pytest.raises(Conflict, match="has an advice already"):
        import_advice(other, bank.entity, line=line.pk, **BERT)
    forget_advice(bank.entity, advice.advice, **BERT)
    line.refresh_from_db()
    assert (line.documents, RemittanceAdvice.objects.count()) == ([], 0)
    with pytest.raises(NotFound):
        forget_advice(bank.entity, advice.advice, **BERT)
    apply_to(bank.entity, line.pk, account="MEYER", items=["INV-20170"], **BERT)
    with pytest.raises(Conflict, match="is applied already"):
        import_advice(path, bank.entity, line=line.pk, **BERT)


def test_a_line_keeps_documents_of_its_own(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 hello"], opens=0))
    own = [{"number": "INV-30990", "amount_minor": 15_000, "is_credit_note": False}]
    BankLine.objects.update(party_name="Meyer GmbH", documents=own)
    path = advised(tmp_path, "INV-20190", "INV-20210")
    (advice,) = import_advice(path, bank.entity, **BERT).advices
    assert advice.line is None
    with pytest.raises(Conflict, match="says itself which documents it is for"):
        import_advice(path, bank.entity, line=line_of(15_000).pk, **BERT)
    forget_advice(bank.entity, advice.advice, **BERT)
    assert line_of(15_000).documents == own


def test_a_part_that_is_advised_leaves_the_rest_open(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 145 //B1 hello"], opens=0))
    BankLine.objects.update(party_name="Meyer GmbH")
    import_advice(advised(tmp_path, "INV-20190", "INV-20210", paid=OPEN | {"INV-20190": 65}), bank.entity, **BERT)
    assert match_lines(bank.entity, **BERT).applied == 1
    assert (bank.open("INV-20190"), bank.open("INV-20210")) == (500, 0)
    assert (
        sum(Item.objects.filter(kind="invoice", account__code="MEYER").values_list("open_minor", flat=True)) == 18_500
    )


def test_a_file_that_cannot_be_taken_says_why(bank: Town, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read"):
        import_advice(tmp_path / "nothing.csv", bank.entity, **BERT)
    path = advised(tmp_path, "INV-20190", "INV-20210")
    path.write_text(path.read_text(encoding="utf-8").replace("150,00", "160,00"), encoding="utf-8")
    with pytest.raises(Invalid, match=r"avis\.csv:7: the total is 160\.00 EUR, and the documents come to 150\.00 EUR"):
        import_advice(path, bank.entity, **BERT)
    with pytest.raises(NotFound, match="there is no account 'NOBODY'"):
        import_advice(path, bank.entity, account="NOBODY", **BERT)
    assert not RemittanceAdvice.objects.exists()


def test_a_lump_sum_for_forty_invoices_is_applied_to_the_cent_by_a_pdf(bank: Town, tmp_path: Path) -> None:
    owed = {f"RE-2026-{number:05}": 10_000 + 37 * number for number in range(120)}
    for number, minor in owed.items():
        bank.item(number, "MEYER", f"{minor / 100:.2f} EUR", "2026-02-10")
    paid = {number: minor for number, minor in owed.items() if int(number[-5:]) % 3 == 0}
    rows = [["Rechnungsnummer", "Rechnungsdatum", "Zahlbetrag EUR"]]
    rows += [[number, "01.02.2026", f"{minor / 100:.2f}".replace(".", ",")] for number, minor in paid.items()]
    total = sum(paid.values())
    rows.append(["Summe", "", f"{total / 100:.2f}".replace(".", ",")])
    head = "Auftraggeber: Meyer GmbH \\\nZahlungsdatum: 27. Februar 2026 \\\n"
    path = pdf(tmp_path, head + table(rows, "llr", columns="(1fr, 1fr, 1fr)"))
    statement = mt940(["260302 1 //B1 Sammelzahlung"], opens=0)
    take(
        tmp_path,
        statement.replace("C1,00", f"C{total // 100},{total % 100:02}").replace(
            "EUR1,", f"EUR{total // 100},{total % 100:02}"
        ),
    )
    BankLine.objects.update(party_name="MEYER GMBH")
    (advice,) = import_advice(path, bank.entity, **BERT).advices
    assert (len(paid), advice.documents, advice.total_minor, advice.line) == (40, 40, total, line_of(total).pk)
    report = match_lines(bank.entity, **BERT)
    assert report.sums == {"EUR": {"lines": total, "applied": total, "left": 0, "waiting": 0}}
    assert {number: bank.open(number) for number in owed} == owed | dict.fromkeys(paid, 0)
    assert sum(bank.open(number) for number in OPEN) == 33_000


def test_an_advice_of_a_sum_that_is_said_in_detail_waits_again(bank: Town, tmp_path: Path) -> None:
    ref = "<AcctSvcrRef>B-1</AcctSvcrRef>"
    part = "<AmtDtls><TxAmt><Amt Ccy='EUR'>{}</Amt></TxAmt></AmtDtls><RmtInf><Ustrd>{}</Ustrd></RmtInf>"
    parts = [part.format("60.00", "hello"), part.format("90.00", "hello")]
    balances = balance("OPBD", "0.00"), balance("CLBD", "150.00")
    take(tmp_path, message(*balances, entry("150.00", after="", before=ref)), "statement.xml")
    path = advised(tmp_path, "INV-20190", "INV-20210")
    (advice,) = import_advice(path, bank.entity, line=line_of(15_000).pk, **BERT).advices
    take(tmp_path, message(entry("150.00", *parts, before=ref), kind="054"), "detail.xml")
    (found,) = advices(bank.entity, most=9).advices
    assert (found.advice, found.line) == (advice.advice, None)


def test_an_advice_is_of_one_entity(bank: Town, tmp_path: Path) -> None:
    other = Town(tmp_path, code="OTHER", policy=None)
    path = advised(tmp_path, "INV-20190", "INV-20210")
    (advice,) = import_advice(path, bank.entity, **BERT).advices
    assert advices(other.entity, most=9).advices == ()
    with pytest.raises(NotFound):
        forget_advice(other.entity, advice.advice, **BERT)
    (theirs,) = import_advice(path, other.entity, **BERT).advices
    assert (theirs.account, theirs.documents) == ("", 2)


def test_a_line_of_another_currency_has_no_such_advice(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 hello"], opens=0))
    path = advised(tmp_path, "INV-20190", "INV-20210", head=HEAD.replace("Betrag", "Betrag (USD)"))
    with pytest.raises(Invalid, match=r"is in EUR, and the advice in USD"):
        import_advice(path, bank.entity, line=line_of(15_000).pk, **BERT)


def test_several_payments_of_a_table_each_find_their_line(bank: Town, tmp_path: Path) -> None:
    take(tmp_path, mt940(["260302 150 //B1 hello", "260303 80 //B2 hello"], opens=0, on=("260302", "260303")))
    BankLine.objects.update(party_name="Meyer GmbH")
    (tmp_path / "map.yaml").write_text(
        "rows: advices\nnumber: {column: n}\namount: {column: a}\ncurrency: EUR\nreference: {column: run}\n"
    )
    path = tmp_path / "runs.csv"
    path.write_text("n,a,run\nINV-20170,100.00,1\nINV-20180,50.00,1\nINV-20210,80.00,2\n", encoding="utf-8")
    with pytest.raises(Invalid, match="has 2 payments, and a bank line is one of them"):
        import_advice(path, bank.entity, mapping=tmp_path / "map.yaml", line=1, **BERT)
    found = import_advice(path, bank.entity, mapping=tmp_path / "map.yaml", account="MEYER", **BERT).advices
    assert [each.line for each in found] == [line_of(15_000).pk, line_of(8_000).pk]
    assert match_lines(bank.entity, **BERT).applied == 2
    assert {number for number in OPEN if not bank.open(number)} == {"INV-20170", "INV-20180", "INV-20210"}
