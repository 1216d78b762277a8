"""The letter on paper, looked at with the tools of others: its tags, its text, its pages, the code upon it."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

import pypdf
import pypdfium2
import pytest
import zxingcpp
from fontTools.ttLib import TTFont

from dunwell.letters.fonts.printing import FOLDER, MISSING, printable
from dunwell.letters.layouts import pdf as pdf_layout
from dunwell.letters.notice import ChargeLine, Notice
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.write import OTHER_STAGE, STAGES, typeset, write, write_out
from tests.letters.sample import CREDITOR, closing, line, notice, one, several

HOSTILE = ('#read("/etc/passwd")', "$x$", "*bold* _u_ `r`", "<b>", "{{7*7}}", "= head", "\\u{41}", "@ref", "//", "#[")

OTHER_SCRIPTS = (
    "شركة النور للتجارة",
    "חברת שלום בע״מ",
    "株式会社日本商事",
    "北京贸易有限公司",
    "서울상사 주식회사",
    "Компания «Восток»",
    "Αφοί Παπαδόπουλοι",
    "บริษัท ไทย",
    "मेरा व्यापार",
    "Հայաստան",
    "საქართველო",
)


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def pages(pdf: bytes) -> list[str]:
    """The text of each page as a program reads it, with plain spaces."""
    return [page.extract_text().replace("\N{NO-BREAK SPACE}", " ") for page in reader(pdf).pages]


def flowed(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(pages(pdf)).replace("\N{ZERO WIDTH SPACE}", ""))


def codes(pdf: bytes) -> list[str]:
    """What a telephone reads off the pages."""
    found = []
    for page in pypdfium2.PdfDocument(pdf):
        picture = page.render(scale=200 / 72, grayscale=True)
        dots = memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))
        found += [code.text for code in zxingcpp.read_barcodes(dots)]
    return found


def tags(pdf: bytes) -> list[str]:
    """The names of the tags, in the order in which a screen reader comes to them."""

    def walk(node: object) -> list[str]:
        if isinstance(node, pypdf.generic.IndirectObject):
            return walk(node.get_object())
        if isinstance(node, list):
            return [name for each in node for name in walk(each)]
        if not isinstance(node, dict) or "/S" not in node:
            return []
        return [str(node["/S"]).removeprefix("/"), *walk(node.get("/K", []))]

    root = reader(pdf).root_object["/StructTreeRoot"]
    assert isinstance(root, dict)
    return walk(root["/K"])


def many(count: int, language: str = "de") -> Notice:
    items = [line(f"RE-{number:04}", days=count - number, amount=100 + number) for number in range(count)]
    return notice(*items, language=language, fee=500)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_that_asks_for_nothing_has_neither_table_nor_payment(language: str) -> None:
    found = closing(language)
    names = tags(typeset(found))
    assert (names.count("H1"), names.count("H2")) == (1, 0)
    assert not {"Table", "Figure"} & set(names)
    assert "<table" not in write(found).html
    assert "IBAN" not in write(found).text


@pytest.mark.parametrize(("language", "stage", "make"), [*product(LANGUAGES, (*STAGES, OTHER_STAGE), (one, several))])
def test_every_letter_is_for_the_archive_and_for_screen_readers(language: str, stage: str, make: object) -> None:
    assert callable(make)
    found = make(language, stage)
    pdf = typeset(found)
    read = reader(pdf)
    said = (read.xmp_metadata and read.xmp_metadata.stream.get_data().decode()) or ""
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in said
    assert "<pdfuaid:part>1</pdfuaid:part>" in said
    assert str(read.root_object["/Lang"])[:2] == language
    assert read.metadata
    assert read.metadata.creation_date == datetime(2026, 4, 3, tzinfo=UTC)
    names = tags(pdf)
    assert names.count("H1") == 1
    assert {"Table", "THead", "TH", "TBody", "TD", "P", "Figure"} <= set(names)
    assert "None" not in flowed(pdf)
    assert len(read.pages) <= 2


@pytest.mark.parametrize(
    ("language", "country", "total"),
    [
        ("de", "AT", "€ 14.978,17"), ("de", "CH", "EUR 14'978.17"), ("fr", "BE", "14 978,17 €"),
        ("fr-CH", "CH", "14'978,17 €"), ("en", "US", "€14,978.17"), ("en", "IN", "€14,978.17"),
        (None, None, "€14,978.17"), ("it", "IT", "14.978,17 €"), ("de", None, "14.978,17 €"),
    ],
)  # fmt: skip
def test_money_on_paper_is_as_the_reader_writes_it(language: str | None, country: str | None, total: str) -> None:
    found = replace(several("de", "final"), language=language, country=country)
    assert total in flowed(typeset(found)).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def test_the_words_come_in_the_order_in_which_a_letter_is_read() -> None:
    said = flowed(typeset(one("de", "reminder")))
    wanted = (
        "Müller & Söhne KG", "3. April 2026", "4711", "Zahlungserinnerung: Rechnung RE-2026-0017", "Sehr geehrte Damen",
        "überfällig. Vielleicht", "Zu zahlen", "22.03.2026", "Gesamtbetrag 119,00 €", "bis zum 13. April 2026",
        "DE02 1203 0000 0000 2020 51", "betrachten Sie dieses Schreiben", "Mit freundlichen Grüßen", "HRB 12345",
    )  # fmt: skip
    places = [said.find(words) for words in wanted]
    assert -1 not in places
    assert places == sorted(places)


def test_the_code_says_what_the_letter_says() -> None:
    (code,) = codes(typeset(one("de", "reminder")))
    assert code.split("\n") == [
        "BCD", "002", "1", "SCT", "BYLADEM1001", "Nordlicht Handels GmbH", "DE02120300000000202051", "EUR119.00", "",
        "", "RE-2026-0017",
    ]  # fmt: skip


def test_the_code_asks_for_what_is_due_by_now() -> None:
    pdf = typeset(several("de", "final"))
    assert "EUR2632.50" in codes(pdf)[0]
    assert "Jetzt zu zahlen 2.632,50 €" in flowed(pdf)


@pytest.mark.parametrize("change", ["currency", "iban", "amount"])
def test_there_is_a_code_only_where_a_bank_takes_it(change: str) -> None:
    found = one("en", "reminder")
    if change == "currency":
        found = replace(found, currency="GBP")
    elif change == "iban":
        found = replace(found, creditor=replace(CREDITOR, iban=""))
    else:
        found = notice(line("A-17", days=12, amount=100_000_000_000))
    pdf = typeset(found)
    assert codes(pdf) == []
    assert "Figure" not in tags(pdf)
    assert ("How to pay" in flowed(pdf)) == (change != "iban")


def test_the_largest_sum_of_a_code_has_one() -> None:
    assert "EUR999999999.99" in codes(typeset(notice(line("A-17", days=12, amount=99_999_999_999))))[0]


def test_a_message_carries_its_letter_where_it_is_asked_for() -> None:
    found = several("fr", "final")
    assert write(found).letter == b""
    assert write_out(found) == replace(write(found), letter=typeset(found))


def test_a_page_that_typst_refuses_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_layout, "page", lambda: b'#panic("broken")')
    with pytest.raises(ValueError, match="the letter cannot be set"):
        typeset(one("de", "final"))


def test_letters_are_set_by_several_threads_at_once() -> None:
    found = [replace(several("de", "final"), notice_id=number) for number in range(12)]
    wanted = [typeset(each) for each in found]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(typeset, found)) == wanted


def test_a_british_account_is_told_as_banks_there_ask_for_it() -> None:
    british = replace(CREDITOR, iban="GB33BUKB20201555555555", bic="")
    said = flowed(typeset(replace(one("en", "reminder"), creditor=british, currency="GBP")))
    assert "Sort code 20-20-15 Account number 55555555 IBAN GB33 BUKB 2020 1555 5555 55" in said
    assert "Sort code" not in flowed(typeset(replace(one("en", "reminder"), creditor=british)))


def test_the_same_letter_is_the_same_file() -> None:
    found = several("fr", "second_reminder")
    assert typeset(found) == typeset(found)
    assert typeset(found) != typeset(replace(found, as_of=date(2026, 4, 4)))


@pytest.mark.parametrize("count", [1, 3, 12, 20, 21, 60, 300])
def test_however_many_items_there_are_the_pages_break_well(count: int) -> None:
    found = pages(typeset(many(count)))
    rows = [re.findall(r"^RE-(\d{4}) ", text, re.MULTILINE) for text in found]
    assert [int(number) for page in rows for number in page] == list(range(count))
    for number, (text, listed) in enumerate(zip(found, rows, strict=True), 1):
        assert (f"Seite {number} von {len(found)}" in text) == (len(found) > 1)
        assert ("Fällig am" in text) == bool(listed), "a heading stands above rows, and above nothing else"
    (last,) = [text for text in found if "Gesamtbetrag" in text and "Bitte überweisen Sie" in text]
    assert "Mahngebühr" in last
    assert "Mit freundlichen Grüßen" in found[-1]
    assert "Haben Sie die Zahlung" in found[-1] or "Verwendungszweck" in found[-1]


def test_each_page_of_a_long_list_says_what_it_carries_over() -> None:
    *before, _last = [text for text in pages(typeset(many(300))) if re.search(r"^RE-\d{4} ", text, re.MULTILINE)]
    for text in before:
        last = int(re.findall(r"^RE-(\d{4}) ", text, re.MULTILINE)[-1])
        cents = sum(100 + number for number in range(last + 1))
        assert re.search(rf"Übertrag {cents // 100},{cents % 100:02} €", text)


def test_many_charges_are_listed_line_by_line() -> None:
    charges = tuple(ChargeLine(number=f"M-{number}", amount_minor=500) for number in range(80))
    said = flowed(typeset(notice(line("A-17", days=12), language="de", charges=charges)))
    assert re.findall(r"Frühere Gebühr M-(\d+) 5,00 €", said) == [str(number) for number in range(80)]


@pytest.mark.parametrize("text", HOSTILE)
def test_data_are_never_read_as_markup(text: str) -> None:
    found = replace(
        notice(line(text, days=12), charges=(ChargeLine(description=text, amount_minor=100),)),
        creditor=replace(CREDITOR, name=text, address_lines=(text,), bank_name=text, email=text, footer_lines=(text,)),
        debtor_name=text,
        address_lines=(text,),
        account=text,
    )
    assert flowed(typeset(found)).count(text) >= 8


@pytest.mark.parametrize("name", OTHER_SCRIPTS)
def test_names_in_other_scripts_are_printed(name: str) -> None:
    assert printable(name) == name
    pdf = typeset(replace(notice(line(name, days=12)), debtor_name=name, address_lines=(name,)))
    assert MISSING not in flowed(pdf)


def test_a_sign_that_no_font_has_is_shown_as_missing() -> None:
    pdf = typeset(replace(notice(line("A-17", days=12)), debtor_name="Fa. \U0001f600\ufe0f \u1200\u200d GmbH"))
    assert f"Fa. {MISSING}" in flowed(pdf)


def test_the_list_of_signs_is_what_the_fonts_have() -> None:
    signs = {0x00AD, 0x200B}  # Typst breaks words at these, and draws nothing
    for path in FOLDER.glob("*.ttf"):
        signs |= {sign for sign in TTFont(path).getBestCmap() if sign >= 0x20}
    every = "".join(chr(sign) for sign in range(0x20, 0x110000) if not 0xD800 <= sign < 0xE000)
    shown = printable(every)
    assert {ord(sign) for sign in shown} == signs


@pytest.mark.parametrize("name", ["X" * 500, "Gesellschaft für Handel " * 21, "漢" * 500, "W-" * 250])
def test_a_long_name_breaks_no_page(name: str) -> None:
    found = replace(
        several("de", "final"), debtor_name=name, account=name, creditor=replace(CREDITOR, name=name, bank_name=name)
    )
    pdf = typeset(replace(found, lines=(replace(found.lines[0], number=name), *found.lines[1:])))
    for page in pypdfium2.PdfDocument(pdf):
        left, _bottom, right, _top = bounds(page)
        assert left >= 0
        assert right <= page.get_width() - 20, "nothing runs out of the page"


def test_a_large_foot_stays_on_the_page() -> None:
    lines = tuple(f"Registereintrag Nummer {number} bei einem Gericht mit langem Namen" for number in range(8))
    for footer in (lines[:5], lines):
        large = replace(CREDITOR, footer_lines=footer, address_lines=lines[:4], bank_name="Bank " * 20)
        for page in pypdfium2.PdfDocument(typeset(replace(several("de", "final"), creditor=large))):
            assert bounds(page)[1] > 14, "half a centimetre of paper that no printer reaches"


def bounds(page: pypdfium2.PdfPage) -> tuple[float, float, float, float]:
    """The box around all text of a page, in points."""
    text = page.get_textpage()
    boxes = [text.get_rect(at) for at in range(text.count_rects())]
    return (
        min(box[0] for box in boxes), min(box[1] for box in boxes), max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )  # fmt: skip


def test_a_letter_of_more_lines_than_can_be_set_is_refused_at_once() -> None:
    many = notice(*(line(f"RE-{number}", days=12) for number in range(pdf_layout.LINES_MAX + 1)))
    with pytest.raises(
        ValueError, match=r"a letter of 10,001 lines is not set, only of at most 10,000: let the policy"
    ):
        typeset(many)


def test_a_letter_of_a_thousand_lines_carries_over_on_every_page_but_the_last() -> None:
    read = pypdf.PdfReader(
        io.BytesIO(typeset(notice(*(line(f"RE-{n:04}", days=12, amount=100) for n in range(1_000)))))
    )
    texts = [page.extract_text() for page in read.pages]
    words = "Carried forward"
    numbers = [re.findall(r"RE-(\d{4})", text) for text in texts]
    carried = [re.findall(rf"{words}\D*([\d,]+\.\d\d)", text) for text in texts]
    upto = [int(found[-1]) + 1 for found in numbers if found]
    assert upto[-1] == 1_000
    assert [float(sums[0].replace(",", "")) for sums in carried if sums] == [float(n) for n in upto[:-1]]
