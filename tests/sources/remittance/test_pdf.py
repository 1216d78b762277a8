"""PDFs of many layouts, made as payers' programs make them."""

import zlib
from datetime import date
from pathlib import Path
from typing import Final

import pypdf
import pytest

from dunwell.sources.remittance import apart, pdf_words
from dunwell.sources.remittance import pdf as pdf_reader
from tests.sources.remittance.advising import heard, pdf, table

ENGLISH: Final = """\
= Remittance advice
Payer: Meyer and Sons Ltd \\
Payment date: 12 March 2026 \\
Payment reference: PAY-4711 \\
Customer no.: 10023

"""


def test_a_simple_table(tmp_path: Path) -> None:
    rows = [["Invoice no.", "Invoice date", "Amount paid"], ["A-17", "01/02/2026", "1,234.50"],
            ["A-18", "02/02/2026", "50.00"], ["Total", "", "1,284.50"]]  # fmt: skip
    read = heard(pdf(tmp_path, ENGLISH + table(rows, "llr", columns="(1fr, 1fr, 1fr)")))
    assert read.amounts == {"A-17": 123_450, "A-18": 5_000}
    advice = read.one
    assert (advice.payer_name, advice.customer, advice.reference) == ("Meyer and Sons Ltd", "10023", "PAY-4711")
    assert advice.paid_on == date(2026, 3, 12)


def test_lines_around_the_cells_and_narrow_columns_make_no_difference(tmp_path: Path) -> None:
    rows = [["Facture", "Date", "Montant", "Escompte", "Net payé"],
            ["FA 2026 017", "01/02/2026", "1 234,50", "24,50", "1 210,00"],
            ["FA 2026 018", "02/02/2026", "50,00", "0,00", "50,00"],
            ["Total", "", "", "", "1 260,00"]]  # fmt: skip
    read = heard(pdf(tmp_path, table(rows, "llrrr", strokes="0.5pt")))
    assert read.amounts == {"FA 2026 017": 121_000, "FA 2026 018": 5_000}


def test_columns_that_all_but_touch(tmp_path: Path) -> None:
    rows = [["Rechnung Nr.", "Datum", "Betrag EUR"], ["RE-2026-17", "01.02.2026", "1.234,50"],
            ["RE 2026 18", "02.02.2026", "50,00"], ["Summe", "", "1.284,50"]]  # fmt: skip
    path = pdf(tmp_path, "#set table(inset: (x: 2.5pt))\n" + table(rows, "lll"))
    assert heard(path).amounts == {"RE-2026-17": 123_450, "RE 2026 18": 5_000}


def test_a_table_over_several_pages_with_its_heading_again_or_not(tmp_path: Path) -> None:
    rows = [["Rechnungsnummer", "Datum", "Betrag", "Skonto", "Zahlbetrag"]]
    paid = {f"RE-2026-{number:04}": 98_000 + 98 * number for number in range(120)}
    for number in range(120):
        whole, off = 100_000 + 100 * number, 2_000 + 2 * number
        rows.append([f"RE-2026-{number:04}", "01.02.2026", *(_german(minor) for minor in (whole, off, whole - off))])
    end = f"#v(1em)\nZahlbetrag: {_german(sum(paid.values()))} EUR \\\nSeite 3 von 3"
    for repeats in (True, False):
        read = heard(pdf(tmp_path, table(rows, "llrrr", columns="(auto, auto, 1fr, 1fr, 1fr)", repeats=repeats) + end))
        assert read.amounts == paid


def test_columns_side_by_side(tmp_path: Path) -> None:
    rows = [["Factura", "Importe", "Factura", "Importe"], ["F-1", "1,50", "F-2", "2,50"],
            ["F-3", "4,00", "F-4", "8,00"],
            ["Total", "", "", "16,00"]]  # fmt: skip
    read = heard(pdf(tmp_path, table(rows, "lrlr", columns="(1fr, 1fr, 1fr, 1fr)")))
    assert read.amounts == {"F-1": 150, "F-2": 250, "F-3": 400, "F-4": 800}


def test_credit_notes_and_a_payers_own_numbers(tmp_path: Path) -> None:
    rows = [["Beleg", "Ihr Beleg", "Art", "Datum", "Abzüge", "Bruttobetrag"],
            ["5100001", "RE-17", "RE", "01.02.2026", "2,00", "100,00"],
            ["5100002", "GS-4", "Gutschrift", "02.02.2026", "0,00", "30,00-"],
            ["Summe", "", "", "", "2,00", "70,00"]]  # fmt: skip
    end = "Überweisungsbetrag: 68,00 EUR"
    read = heard(pdf(tmp_path, table(rows, "llllrr", columns="(1fr,1fr,1fr,1fr,1fr,1fr)") + end))
    assert read.amounts == {"RE-17": 9_800, "GS-4": -3_000}


def test_a_heading_in_two_lines(tmp_path: Path) -> None:
    rows = [["Invoice number", "Gross amount", "Amount paid"], ["A-17", "100.00", "98.00"], ["A-18", "50.00", "50.00"]]
    read = heard(pdf(tmp_path, table(rows, "lrr", columns="(2.2cm, 2.2cm, 2.2cm)")))
    assert read.amounts == {"A-17": 9_800, "A-18": 5_000}


CHECK: Final = """\
ACME INDUSTRIES INC                         Date      : 03/13/2026
Chicago IL 60601                            Check No  : 0004711

Invoice        Inv Date    PO Number     Gross Amt   Disc Taken     Net Amt
------------   ---------   ----------   ----------   ----------   ---------
INV-2026-001   02/01/26    450001234      1,200.00        24.00    1,176.00
CM-9           02/07/26                    -100.00         0.00     -100.00
                     Check Totals         1,100.00        24.00    1,076.00
"""
SAP: Final = """\
Ihr Konto bei uns: 0000700123        Unser Konto bei Ihnen: 10023
Datum: 12.03.2026

Beleg        Ihr Beleg     Datum         Abzüge        Bruttobetrag
5100000123   RE-2026-17    01.02.2026      20,00           1.000,00
5100000125   GS-2026-4     03.02.2026       0,00              50,00-
Summe                                      20,00             950,00

Zahlbetrag CHF                                               930,00
"""


def test_columns_parted_by_blanks_in_letters_of_one_width(tmp_path: Path) -> None:
    read = heard(pdf(tmp_path, f"```\n{CHECK}\n```"), currency="USD")
    assert read.amounts == {"INV-2026-001": 117_600, "CM-9": -10_000}
    assert (read.one.reference, read.one.paid_on) == ("0004711", date(2026, 3, 13))
    read = heard(pdf(tmp_path, f"```\n{SAP}\n```"))
    assert read.amounts == {"RE-2026-17": 98_000, "GS-2026-4": -5_000}
    assert (read.one.customer, read.one.currency) == ("10023", "CHF")


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_that_is_turned_is_read_as_it_is_looked_at(tmp_path: Path, turn: int) -> None:
    path = pdf(tmp_path, f"#rotate(-{turn}deg, reflow: true)[{table([['Invoice', 'Amount'], ['A-17', '5.00']], 'lr')}]")
    writer = pypdf.PdfWriter(clone_from=path)
    for page in writer.pages:
        page.rotate(turn)
    writer.write(path)
    assert heard(path).amounts == {"A-17": 500}


def test_what_is_no_sum_is_refused_with_the_difference_and_its_page(tmp_path: Path) -> None:
    rows = [["Invoice", "Amount"], ["A-17", "100.00"], ["Total", "110.00"]]
    told = heard(pdf(tmp_path, table(rows, "lr"))).told
    said = "the total is 110.00 EUR, and the documents come to 100.00 EUR: 10.00 EUR is not said of any document"
    assert told == [f"advice.pdf:3: page 1: {said}"]


def test_a_scan_a_password_and_damage_are_refused(tmp_path: Path) -> None:
    scan = heard(pdf(tmp_path, "#rect(width: 5cm, height: 5cm, fill: black)")).told
    assert scan == [
        "advice.pdf:1: there is no text in it: it is a scan or a picture; ask for a PDF of text, or a table"
    ]
    path = pdf(tmp_path, table([["Invoice", "Amount"], ["A-17", "100.00"]], "lr"))
    whole = path.read_bytes()
    writer = pypdf.PdfWriter(clone_from=path)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(path)
    assert heard(path).told == ["advice.pdf:1: the PDF cannot be read: it has a password: ask for one without"]
    path.write_bytes(whole[: len(whole) // 3])
    assert heard(path).told == ["advice.pdf:1: the PDF cannot be read: it is damaged, or no PDF: ask for it again"]


def test_a_pdf_that_takes_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = pdf(tmp_path, "a #pagebreak() " * (pdf_words.PAGES_MAX + 1))
    assert heard(many).told == ["advice.pdf:1: the PDF cannot be read: it has 202 pages, and at most 200 are read"]
    program = tmp_path / "endless.py"
    program.write_text("while True: pass\n", encoding="utf-8")
    monkeypatch.setattr(pdf_reader, "PROGRAM", program)
    monkeypatch.setattr(apart, "SECONDS_MAX", 1)
    assert heard(many).told[0].startswith("advice.pdf:1: it was not read within 1 seconds")
    program.write_text("import os\nos.abort()\n", encoding="utf-8")
    assert heard(many).told[0].startswith("advice.pdf:1: reading it takes more memory or time than a file may")
    monkeypatch.setattr(pdf_reader, "BYTES_MAX", 10)
    assert "bytes, and of a PDF at most 10 are read" in heard(many).told[0]


def _german(minor: int) -> str:
    return f"{minor / 100:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


def test_a_pdf_that_unpacks_to_more_than_a_file_may_take_is_refused(tmp_path: Path) -> None:
    packed = zlib.compress(b"q " * 20_000_000)
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed),
    ]
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (number, part) for number, part in enumerate(parts, 1))
    path = tmp_path / "advice.pdf"
    path.write_bytes(b"%PDF-1.4\n" + body + b"trailer << /Size 5 /Root 1 0 R >>\n%%EOF\n")
    assert path.stat().st_size < 50_000
    assert heard(path).told[0].startswith("advice.pdf:1: reading it takes more memory or time than a file may")
