"""What could be read in another way is not read, where nothing proves which."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest

from dunwell.sources.remittance.mapping import read_advice_mapping
from tests.sources.remittance.advising import heard, text


@pytest.mark.parametrize(
    "content",
    [
        "Invoice;Amount;Currency\nA-17;1.00;usd\n",
        "Invoice;Amount;Cur.\nA-17;1.00;USD\n",
        "Invoice;Amount;Document Currency\nA-17;1.00;USD\n",
        "Invoice;Amount in usd\nA-17;1.00\n",
        "Invoice;Amount (usd)\nA-17;1.00\n",
        "Currency: usd\nInvoice;Amount\nA-17;1.00\n",
    ],
)
def test_a_currency_may_be_said_in_small_letters(tmp_path: Path, content: str) -> None:
    assert text(tmp_path, content).one.currency == "USD"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("Invoice;Amount;Currency\nA-17;1.00;US Dollar\n", "US Dollar"),
        ("Invoice;Amount;Currency\nA-17;1.00;XXX\n", "XXX"),
        ("Invoice;Amount (Rs)\nA-17;1.00\n", "Rs"),
        ("Invoice;Amount (XXX)\nA-17;1.00\n", "XXX"),
        ("Invoice;Amount in \u20b9\nA-17;1.00\n", "\u20b9"),
        ("Currency: Taler\nInvoice;Amount\nA-17;1.00\n", "Taler"),
    ],
)
def test_a_currency_that_nobody_knows_is_not_taken_for_ours(tmp_path: Path, content: str, word: str) -> None:
    assert f"'{word}' is no currency that is known" in text(tmp_path, content).told[0]
    assert text(tmp_path, "Invoice;Amount (net)\nA-17;1.00\n").one.currency == "EUR"


@pytest.mark.parametrize(
    "heading",
    ["Payment terms", "Payment run", "Previously paid", "bereits gezahlt", "Not paid", "Zahlungsbedingungen"],
)
def test_what_is_about_a_payment_is_not_what_is_paid(tmp_path: Path, heading: str) -> None:
    assert text(tmp_path, f"Invoice;Amount;{heading}\nA-17;100.00;30\n").amounts == {"A-17": 10_000}


def test_a_payment_that_is_not_plainly_what_is_paid_needs_a_total(tmp_path: Path) -> None:
    content = "Invoice;Amount;Payment plan\nA-17;100.00;30.00\n"
    assert "several columns have amounts, and no total says" in text(tmp_path, content).told[0]
    assert text(tmp_path, f"{content}Total;;30.00\n").amounts == {"A-17": 3_000}
    assert text(tmp_path, "Invoice;Amount;Amount paid\nA-17;100.00;30.00\n").amounts == {"A-17": 3_000}


@pytest.mark.parametrize(
    "label", ["Due date", "Invoice date", "F\u00e4lligkeitsdatum", "Rechnungsdatum", "Payment due date"]
)
def test_the_day_of_a_document_is_not_that_of_the_payment(tmp_path: Path, label: str) -> None:
    content = f"{label};30.06.2026\n{{}}Invoice;Amount\nA-17;1.00\n"
    assert text(tmp_path, content.format("")).one.paid_on is None
    assert text(tmp_path, content.format("Date;30.03.2026\n")).one.paid_on == date(2026, 3, 30)


def test_an_amount_paid_that_cannot_be_read_is_no_reason_to_take_another(tmp_path: Path) -> None:
    rows = "Invoice;Amount;Paid\nA-17;200.00;5o.00\nA-18;100.00;100.00\n"
    for total in ("", "Total;300.00;\n", "Total;300.00;150.00\n"):
        told = text(tmp_path, rows + total).told
        assert told == ["advice.csv:2: '5o.00' is no amount, and stands where what is paid of A-17 should"]


def test_the_total_of_what_is_paid_counts_alone(tmp_path: Path) -> None:
    rows = "Invoice;Amount;Paid\nA-17;200.00;50.00\nA-18;100.00;100.00\n"
    assert text(tmp_path, f"{rows}Total;300.00;150.00\n").amounts == {"A-17": 5_000, "A-18": 10_000}
    assert (
        "the total is 160.00 EUR, and the documents come to 150.00"
        in text(tmp_path, f"{rows}Total;300.00;160.00\n").told[0]
    )


def test_letters_of_a_number_make_no_credit_note_unless_the_total_says_so(tmp_path: Path) -> None:
    company = "Invoice;Amount\nMEYER KG 1001;100.00\nA-17;500.00\n"
    assert text(tmp_path, company).amounts == {"MEYER KG 1001": 10_000, "A-17": 50_000}
    rows = "Invoice;Amount\nCN-1001;100.00\nA-17;500.00\n"
    assert "CN-1001 may be a credit note or an invoice, and no total says which" in text(tmp_path, rows).told[0]
    assert text(tmp_path, f"{rows}Total;600.00\n").amounts == {"CN-1001": 10_000, "A-17": 50_000}
    assert text(tmp_path, f"{rows}Total;400.00\n").amounts == {"CN-1001": -10_000, "A-17": 50_000}


def test_what_to_do_about_such_a_number_without_a_total_is_said_and_so(tmp_path: Path) -> None:
    rows = "Invoice;Amount;What\nCN-1001;100.00;GS\nA-17;500.00;RE\n"
    told = text(tmp_path, rows).told
    assert "no total says which: read a table by a mapping: its `kind` is the column that says it" in told[0]
    mapping = "rows: advices\nnumber: {column: Invoice}\namount: {column: Amount}\ncurrency: EUR\ndelimiter: ';'\n"
    kind = "kind: {column: What, values: {RE: invoice, GS: credit}}\n"
    path = tmp_path / "advice.csv"
    path.write_text(rows, encoding="utf-8")
    whole = {"CN-1001": 10_000, "A-17": 50_000}
    assert heard(path, read_advice_mapping(mapping, "map.yaml")).amounts == whole
    assert heard(path, read_advice_mapping(mapping + kind, "map.yaml")).amounts == whole | {"CN-1001": -10_000}
    path.write_text(rows.replace(";100", ";-100"), encoding="utf-8")
    assert heard(path, read_advice_mapping(mapping, "map.yaml")).amounts == whole | {"CN-1001": -10_000}


def test_formulas_without_values_and_long_typed_numbers_say_what_to_do(tmp_path: Path) -> None:
    book, path = openpyxl.Workbook(), tmp_path / "advice.xlsx"
    sheet = book.active
    assert sheet is not None
    for row in (["Invoice", "Amount"], ["A-17", "=50+50"], ["A-18", "=1+1"]):
        sheet.append(row)
    book.save(path)
    assert (
        "advice.xlsx:1: 2 formulas of the workbook keep no value: open it in Excel, and save it again"
        in heard(path).told
    )
    sheet["A2"], sheet["B2"] = 12345678901234567890.5, 100
    book.save(path)
    assert "advice.xlsx:2: a typed number keeps 15 digits and one here has more" in heard(path).told[0]
