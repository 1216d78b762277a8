"""Tables that nobody has told the layout of: in the languages of payers, with their signs and totals."""

from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from tests.sources.remittance.advising import heard, text


@pytest.mark.parametrize(
    "content",
    [
        "Invoice No,Invoice date,Amount paid\nA-17,01/02/2026,\"1,234.50\"\nA-18,02/02/2026,50.00\n",
        "Rechnungsnummer;Datum;Zahlbetrag\nA-17;01.02.2026;1.234,50\nA-18;02.02.2026;50,00\n",
        "Beleg\tBelegdatum\tBetrag\nA-17\t01.02.2026\t1.234,50 €\nA-18\t02.02.2026\t50,00 €\n",
        "N° de facture;Date;Montant réglé\nA-17;01/02/2026;1 234,50\nA-18;02/02/2026;50,00\n",
        "Factura;Fecha;Importe\nA-17;01/02/2026;1.234,50\nA-18;02/02/2026;50,00\n",
        "Numero fattura;Data fattura;Importo\nA-17;01/02/2026;1.234,50\nA-18;02/02/2026;50,00\n",
        "Factuurnummer;Factuurdatum;Bedrag\nA-17;01-02-2026;1234,50\nA-18;02-02-2026;50,00\n",
        "Número da fatura;Data;Valor pago\nA-17;01/02/2026;1.234,50\nA-18;02/02/2026;50,00\n",
        "Our document|Your reference|Net amount\n5100001|A-17|CHF 1'234.50\n5100002|A-18|CHF 50.00\n",
    ],
)  # fmt: skip
def test_the_heading_says_what_is_what_in_every_language(tmp_path: Path, content: str) -> None:
    assert text(tmp_path, content).amounts == {"A-17": 123_450, "A-18": 5_000}


def test_labels_beside_the_table_say_whose_it_is_and_when(tmp_path: Path) -> None:
    advice = text(tmp_path, (
        "Zahlungsavis\n\nAuftraggeber:;Meyer & Söhne GmbH\nKundennummer;10023\nZahlungsdatum: 12. März 2026\n"
        "Zahlungsreferenz;PAY-4711\nRechnung;Betrag (CHF)\nA-17;100,00\nSumme;100,00\n"
    ), encoding="cp1252").one  # fmt: skip
    assert (advice.payer_name, advice.customer, advice.reference) == ("Meyer & Söhne GmbH", "10023", "PAY-4711")
    assert (advice.paid_on, advice.currency, advice.line) == (date(2026, 3, 12), "CHF", 8)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-12", date(2026, 3, 12)), ("12.03.2026", date(2026, 3, 12)), ("03/13/2026", date(2026, 3, 13)),
        ("13/03/26", date(2026, 3, 13)), ("12 mars 2026", date(2026, 3, 12)), ("Mar 5, 2026", date(2026, 3, 5)),
        ("03/04/2026", None), ("30.02.2026", None), ("soon", None),
    ],
)  # fmt: skip
def test_a_day_that_could_be_another_is_none(tmp_path: Path, written: str, day: date | None) -> None:
    assert text(tmp_path, f"Payment date;{written}\nInvoice;Amount\nA-17;1.00\n").one.paid_on == day


def test_another_day_of_the_file_says_which_is_the_month(tmp_path: Path) -> None:
    content = "Payment date;03/04/2026\nInvoice;Date;Amount\nA-17;{};1.00\n"
    assert text(tmp_path, content.format("25/02/2026")).one.paid_on == date(2026, 4, 3)
    assert text(tmp_path, content.format("02/25/2026")).one.paid_on == date(2026, 3, 4)
    assert text(tmp_path, content.format("02/02/2026")).one.paid_on is None


@pytest.mark.parametrize(
    ("heading", "currency"),
    [
        ("Amount (USD)", "USD"),
        ("Amount in CHF", "CHF"),
        ("GBP amount", "GBP"),
        ("Betrag $", "USD"),
        ("AMOUNT ALL", "EUR"),
    ],
)
def test_a_heading_may_name_the_currency(tmp_path: Path, heading: str, currency: str) -> None:
    assert text(tmp_path, f"Invoice;{heading}\nA-17;1.00\n").one.currency == currency


def test_a_freight_or_any_other_word_is_no_sum_on_the_way(tmp_path: Path) -> None:
    told = text(tmp_path, "Invoice;Amount\nA-17;1.00\nTransport;2.00\n").told
    assert told == ["advice.csv:3: 'Transport 2.00' is not understood: a document has a number and an amount"]
    assert text(tmp_path, "Invoice;Amount\nA-17;1.00\nSub-carried-17;2.00\n").amounts["Sub-carried-17"] == 200


def test_a_discount_is_taken_off_where_no_column_has_what_is_paid(tmp_path: Path) -> None:
    read = text(tmp_path, "Rechnung;Rechnungsbetrag;Skonto\nA-17;100,00;2,00\nA-18;50,00;-1,00\nGS-1;-10,00;-0,20\n")
    assert read.amounts == {"A-17": 9_800, "A-18": 4_900, "GS-1": -980}
    paid = text(tmp_path, "Rechnung;Brutto;Skonto %;Skonto;Netto\nA-17;100,00;2,00;2,00;98,00\n")
    assert paid.amounts == {"A-17": 9_800}
    taxed = text(tmp_path, "Rechnung;Netto;MwSt;Brutto\nA-17;100,00;19,00;119,00\n")
    assert taxed.amounts == {"A-17": 11_900}


@pytest.mark.parametrize(
    "row",
    ["GS-9;-10,00;", "GS-9;10,00-;", "GS-9;(10,00);", "GS-9;\u221210,00;", "GS-9;10,00 CR;", "GS-9;10,00;Gutschrift",
     "Gutschrift Nr. GS-9;10,00;", "GS-9;-10,00;Credit note", "GS-9;EUR -10,00;", "GS-9;-10,00 EUR;"],
)  # fmt: skip
def test_a_credit_note_is_set_off_however_it_is_written(tmp_path: Path, row: str) -> None:
    read = text(tmp_path, f"Rechnung;Betrag;Art\nA-17;100,00;Rechnung\n{row}\nSumme;90,00;\n")
    assert read.amounts == {"A-17": 10_000, "GS-9": -1_000}
    assert [document.is_credit_note for document in read.one.documents] == [False, True]


def test_a_number_in_two_rows_is_one_document(tmp_path: Path) -> None:
    read = text(tmp_path, "Rechnung;Betrag\nA-17;100,00\nA-18;5,00\nA 17;-2,00\nA-19;7,00\nA-19;-7,00\nSumme;103,00\n")
    assert read.amounts == {"A-17": 9_800, "A-18": 500}


def test_sums_on_the_way_are_no_documents_and_the_total_is_proved(tmp_path: Path) -> None:
    content = (
        "Rechnung;Betrag\nA-17;100,00\nZwischensumme Seite 1;100,00\nÜbertrag;100,00\nA-18;5,00\nGesamtbetrag;105,00\n"
    )
    assert text(tmp_path, content).amounts == {"A-17": 10_000, "A-18": 500}
    wrong = text(tmp_path, content.replace("105,00", "150,00"))
    said = "the total is 150.00 EUR, and the documents come to 105.00 EUR: 45.00 EUR is not said of any document"
    assert wrong.told == [f"advice.csv:6: {said}"]


def test_the_total_says_which_column_is_what_was_paid(tmp_path: Path) -> None:
    rows = "Invoice;Invoice amount;Open amount\nA-17;100.00;80.00\nA-18;50.00;50.00\n"
    assert text(tmp_path, f"{rows}Payment amount;;130.00\n").amounts == {"A-17": 8_000, "A-18": 5_000}
    assert text(tmp_path, f"{rows}Total;150.00;\n").amounts == {"A-17": 10_000, "A-18": 5_000}
    assert text(tmp_path, f"Payment amount: EUR 150.00\n{rows}").amounts == {"A-17": 10_000, "A-18": 5_000}
    told = text(tmp_path, rows).told
    assert told == ["advice.csv:2: several columns have amounts, and no total says which is what was paid"]


def test_what_is_paid_is_the_total_where_others_are_stated_too(tmp_path: Path) -> None:
    rows = "Invoice;Amount;Discount\nA-17;100.00;2.00\n"
    assert text(tmp_path, f"{rows}Gross total;100.00\nDiscount;2.00\nNet payment;98.00\n").amounts == {"A-17": 9_800}
    wrong = text(tmp_path, f"{rows}Total;100.00\nAmount paid;97.00\n").told
    assert "the total is 97.00 EUR, and the documents come to 98.00 EUR" in wrong[0]


@pytest.mark.parametrize(
    ("content", "amounts"),
    [
        ("Invoice;Amount;Discount\nA-17;100.00;2.00\nA-18;50.00;1.00\nTotal;150.00;3.00\n", [9_800, 4_900]),
        ("Rechnung;Bruttobetrag;Skonto\nA-17;100,00;-2,00\nA-18;50,00;\nSumme;150,00;-2,00\n", [9_800, 5_000]),
        ("Invoice;Amount;Discount\nA-17;100.00;2.00\nA-18;50.00;1.00\nTotal;147.00;3.00\n", [9_800, 4_900]),
        ("Invoice;Amount;Discount\nA-17;100.00;0.00\nA-18;50.00;0.00\nTotal;150.00;0.00\n", [10_000, 5_000]),
        ("Invoice;Amount;Discount;Paid\nA-17;100.00;2.00;98.00\nA-18;50.00;1.00;49.00\nTotal;150.00;3.00;\n",
         [9_800, 4_900]),
    ],
)  # fmt: skip
def test_a_total_of_amounts_and_of_discounts_says_that_the_rest_is_paid(
    tmp_path: Path, content: str, amounts: list[int]
) -> None:
    assert list(text(tmp_path, content).amounts.values()) == amounts


def test_a_total_of_amounts_and_of_other_discounts_proves_nothing(tmp_path: Path) -> None:
    told = text(tmp_path, "Invoice;Amount;Discount\nA-17;100.00;2.00\nTotal;100.00;3.00\n").told
    assert "the total is 97.00 EUR, and the documents come to 98.00 EUR" in told[0]


def test_a_row_without_a_number_is_told_unless_the_total_proves_that_it_is_none(tmp_path: Path) -> None:
    rows = "Invoice;Amount\nA-17;100.00\nbank charges;-5.00\n"
    assert text(tmp_path, rows).told == [
        "advice.csv:3: 'bank charges -5.00' is not understood: a document has a number and an amount"
    ]
    assert len(text(tmp_path, f"{rows}Total;95.00\n").told) == 2
    assert text(tmp_path, f"{rows}Total;100.00\n").amounts == {"A-17": 10_000}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "advice.csv:1: the file is empty"),
        ("hello\nworld\n", "advice.csv:1: no table was found whose heading names"),
        ("Invoice;Amount\n", "advice.csv:1: below the heading no row has the number of a document and an amount"),
        ("Invoice;Amount\nA-17;1,234\n", "advice.csv:2: 1,234 can be read in two ways, and no other amount says which"),
        ("Invoice;Amount\nA-17;1,50\nA-18;1.50\n", "advice.csv:2: amounts are written in two ways, 1.50 and 1,50"),
        ("Invoice;Amount\nA-17;EUR 1.50\nA-18;USD 1.50\n", "advice.csv:2: amounts are in EUR, USD: a payment is"),
        ("Invoice;Amount\nA-17;-5.00\n", "advice.csv:2: the documents come to -5.00 EUR: that is no payment"),
        ("Invoice;Amount;Paid\nA-17;5.00;\nA-18;1.00;1.00\n", "advice.csv:2: the amount of A-17 is missing"),
        ("Invoice;Amount\nA-17;1.555\nA-18;1.50\n", "advice.csv:2: an amount of A-17 is not written as the others"),
        ("<html><table><tr><td>Invoice</td></tr>", "advice.csv:1: this is no advice that can be read; it is HTML"),
        ("\n" * 5 + "a\0b;c\n", "advice.csv:1: the file is damaged, or is no table"),
        ("x;y\n" * 31 + "Invoice;Amount\nA-17;5.00\n", "advice.csv:1: no table was found"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_where(tmp_path: Path, content: str, told: str) -> None:
    assert text(tmp_path, content).told[0].startswith(told)


def test_a_number_without_an_amount_is_told_unless_the_total_proves_that_it_is_none(tmp_path: Path) -> None:
    for row in ("A-18;", "A-18;see below"):
        content = f"Invoice;Amount\nA-17;100.00\n{row}\n"
        assert "is not understood: a document has a number and an amount" in text(tmp_path, content).told[0]
        assert text(tmp_path, f"{content}Total;100.00\n").amounts == {"A-17": 10_000}
    assert text(tmp_path, "Invoice;Amount\nA-17;100.00\nPhone 0231 4711;\n").amounts == {"A-17": 10_000}


def test_another_table_below_is_not_taken_for_documents(tmp_path: Path) -> None:
    content = "Invoice;Date;Amount\nA-17;;100.00\n\nInvoice;Tax amount;Amount\nA-17;16.00;100.00\n"
    assert "'A-17 16.00 100.00' is not understood" in text(tmp_path, content).told[0]
    assert text(tmp_path, f"Payment amount: EUR 100.00\n{content}").amounts == {"A-17": 10_000}
    again = "Invoice;Amount\nA-17;1.00\nInvoice;Amount\nA-18;2.00\n"
    assert text(tmp_path, again).amounts == {"A-17": 100, "A-18": 200}


def test_a_sum_that_is_a_count_is_no_total(tmp_path: Path) -> None:
    assert text(tmp_path, "Total invoices: 1\nInvoice;Amount\nA-17;100.00\n").amounts == {"A-17": 10_000}
    told = text(tmp_path, "Total invoices: 2\nInvoice;Amount;Paid\nA-17;1.00;\nA-18;2.00;2.00\n").told
    assert told == ["advice.csv:3: the amount of A-17 is missing"]


def test_a_currency_without_decimals_has_only_thousands_to_part(tmp_path: Path) -> None:
    read = text(tmp_path, "Invoice;Amount\nA-17;1,234\nA-18;500\n", currency="JPY")
    assert read.amounts == {"A-17": 1_234, "A-18": 500}


def test_excel_and_parquet_have_numbers_of_their_own(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Payment date", date(2026, 3, 12)], [], ["Invoice no.", "Date", "Paid"],
                [170, date(2026, 2, 1), 1234.5], ["A-18", date(2026, 2, 2), 50], [None, "Total", 1284.5]):  # fmt: skip
        sheet.append(row)
    book.save(tmp_path / "advice.xlsx")
    read = heard(tmp_path / "advice.xlsx")
    assert (read.amounts, read.one.paid_on, read.one.line) == ({"170": 123_450, "A-18": 5_000}, date(2026, 3, 12), 4)
    frame = pl.DataFrame({"invoice": ["A-17", "A-18"], "amount": [1234.5, 50.0]})
    frame.write_parquet(tmp_path / "advice.parquet")
    assert heard(tmp_path / "advice.parquet").amounts == {"A-17": 123_450, "A-18": 5_000}


def test_columns_side_by_side_are_read_both(tmp_path: Path) -> None:
    read = text(tmp_path, "Invoice;Amount;Invoice;Amount\nA-17;1.00;A-18;2.00\nA-19;4.00;;\nTotal;7.00;;\n")
    assert read.amounts == {"A-17": 100, "A-18": 200, "A-19": 400}


def test_two_numbers_that_begin_alike_are_not_one(tmp_path: Path) -> None:
    told = text(tmp_path, f"Invoice;Amount\nA{'1' * 210}-1;1.00\nA{'1' * 210}-2;2.00\nTotal;3.00\n").told
    assert "is longer than 200 characters" in told[0]
    read = text(tmp_path, "Invoice;Amount\n1/12;1.00\n11/2;2.00\nTotal;3.00\n")
    assert read.amounts == {"1/12": 100, "11/2": 200}
