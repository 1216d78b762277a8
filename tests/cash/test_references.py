"""References in what payers write, and what only looks like one."""

from typing import Final

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunwell.cash.references import Found, found, plain
from dunwell.engine.references import SCHEMES, canonical, reference_of, shown, valid
from tests.cash.desk import Desk

RF: Final = Found("RF18539007547034", ("rf",), certain=True)
OGM: Final = Found("10806817183", ("ogm",), certain=True)
QRR: Final = Found("210000000003139471430009017", ("qrr",), certain=True)
property_of = settings(max_examples=200, derandomize=True, deadline=None, database=None)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("RF18539007547034", RF),
        ("rf18 5390 0754 7034", RF),
        ("RF18 5390 0754 7034 INVOICE 12", RF),
        ("RF18 5390 0754 7034, thank you", RF),
        ("EREF+RF18-5390-0754-7034", RF),
        ("RF18/5390/0754/7034", RF),
        ("RF18\N{NO-BREAK SPACE}5390\N{NO-BREAK SPACE}0754 \N{EN DASH} 7034", RF),
        ("RF1853900754\n7034 Kunde 1234", RF),
        ("R\r\nF18 5390 0754 7034", RF),
        ("payment RF18 5390\n0754 7034", RF),
        ("RF18539007547034RECHNUNG", RF),
        ("+++010/8068/17183+++", OGM),
        ("***010/8068/17183***", OGM),
        ("+++ 010 8068 17183 +++", OGM),
        ("010/8068/17183 facture", OGM),
        ("010/80\n68/17183", OGM),
        ("010 / 8068 / 17183", OGM),
        ("21 00000 00003 13947 14300 09017", QRR),
        ("21-00000-00003-13947-14300-09017", QRR),
        ("Zahlung 21 00000 00003 13947\n14300 09017 danke", QRR),
        ("KID 12344", Found("12344", ("kid10",), certain=True)),
        ("KID: 1234 5678 97 Faktura 12", Found("1234567897", ("kid10",), certain=True)),
        ("KID-nr 12343", Found("12343", ("kid11",), certain=True)),
        ("OCR 1234567897", Found("1234567897", ("ocr",), certain=True)),
        ("OCR-nummer 123456789023", Found("123456789023", ("ocr", "ocr_length"), certain=True)),
        ("Viitenumero 2023 0000 98", Found("2023000098", ("viite",), certain=True)),
        ("VIITE: 00000000002023000098", Found("2023000098", ("viite",), certain=True)),
    ],
)
def test_a_reference_of_its_own_form_is_certain(text: str, reference: Found) -> None:
    assert [each for each in found(text) if each.certain] == [reference]


@pytest.mark.parametrize(
    ("text", "reference", "scheme"),
    [
        ("010806817183", "10806817183", "ogm"),
        ("210000000003139471430009017", "210000000003139471430009017", "qrr"),
        ("3139471430009017 without its zeros", "3139471430009017", ""),
        ("1234565", "1234565", "qrr"),
        ("paid 2023000098 today", "2023000098", "viite"),
        ("paid 20230 00098 today", "2023000098", "viite"),
        ("paid 20230-\n00098 today", "2023000098", "viite"),
        ("1234567897", "1234567897", "ocr"),
        ("RF 18 5390 0754 7034", "RF18539007547034", "rf"),
    ],
)
def test_what_may_be_any_number_is_a_candidate(text: str, reference: str, scheme: str) -> None:
    named = {each.reference: each for each in found(text)}
    assert not any(each.certain for each in named.values())
    assert (scheme in named[reference].schemes) if scheme else reference not in named


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        "RF17539007547034",  # mistyped
        "SURF18539007547034",  # part of a word
        "RE1234567897",
        "1234567897A",
        "10.04.2023.000098",
        "2026-04-03",
        "2020.21 EUR",
        "1.234.567.897,00",
        "12 34",
        "9.12344",
    ],
)
def test_what_is_none_is_not_found(text: str) -> None:
    assert found(text) == []


def test_a_mistyped_reference_is_nothing_certain() -> None:
    assert not any(each.certain for each in found("RF17 5390 0754 7034 +++010/8068/17180+++ KID 12346"))


def test_a_number_is_never_found_within_a_longer_one() -> None:
    assert "1234567897" not in {each.reference for each in found("991234567897 12345678970")}


def test_what_is_part_of_a_certain_reference_is_nothing_besides() -> None:
    assert found("21 00000 00003 13947 14300 09017") == [QRR]
    assert found("RF18 5390 0754 7034") == [RF]


def test_two_ends_at_which_an_rf_reference_holds_are_two_candidates() -> None:
    longer = next(f"{number:04}" for number in range(10_000) if valid("rf", f"RF18539007547034{number:04}"))
    both = [each for each in found(f"RF18 5390 0754 7034 {longer}") if each.reference.startswith("RF")]
    assert [(each.reference, each.certain) for each in both] == [
        ("RF18539007547034", False),
        (f"RF18539007547034{longer}", False),
    ]


def test_only_the_schemes_that_are_asked_for_are_found() -> None:
    text = "RF18539007547034, 010806817183, 1234567897"
    assert [each.reference for each in found(text, ("ogm",))] == ["10806817183"]
    assert found(text, ("rf",)) == [RF]
    assert found(text, ("ocr",)) == [Found("1234567897", ("ocr",), certain=False)]
    assert found(text, ()) == []


def test_several_references_are_all_found_certain_ones_first() -> None:
    text = "2023000098, RF18539007547034 and +++010/8068/17183+++ and again RF18 5390 0754 7034"
    assert [each.reference for each in found(text, ("rf", "ogm", "viite"))] == [
        "10806817183", "RF18539007547034", "2023000098",
    ]  # fmt: skip


@property_of
@given(
    scheme=st.sampled_from(SCHEMES),
    notice_id=st.integers(1, 10**7),
    before=st.sampled_from(["", "Invoice ", "thank you, ", "REF: "]),
    after=st.sampled_from(["", " thank you", ", Acme", "; 12.50 EUR"]),
    is_grouped=st.booleans(),
    place=st.integers(1, 40),
)
def test_what_a_letter_asks_to_quote_is_found_wherever_the_line_ends(
    *, scheme: str, notice_id: int, before: str, after: str, is_grouped: bool, place: int
) -> None:
    reference = reference_of(scheme, notice_id)
    text = before + (shown(scheme, reference) if is_grouped else reference) + after
    for written in (text, f"{text[:place]}\n{text[place:]}"):
        by_text = {each.reference: each for each in found(written)}
        assert scheme in by_text[canonical(reference)].schemes


@property_of
@given(text=st.text(max_size=200) | st.text("RF0123456789 /-+*\nKIDOCR", max_size=120))
def test_whatever_is_written_what_is_found_holds(text: str) -> None:
    listed = found(text)
    assert len({each.reference for each in listed}) == len(listed)
    for each in listed:
        for scheme in each.schemes:
            length = {"qrr": 27, "ogm": 12, "viite": 4}.get(scheme, 2)
            assert valid(scheme, each.reference.zfill(length)) or scheme == "ocr_length"


def test_a_long_text_takes_time_by_its_length_alone() -> None:
    numbers = " ".join(str(number) for number in range(1000, 6000))
    assert len(found(numbers, ("ocr",))) < 7 * 5000
    assert found("RF" * 50_000) == []
    assert found("9" * 100_000) == []
    assert found("1/" * 50_000, ("ogm", "rf")) == []


@given(st.lists(st.text("RF0123456789 -/+ab", max_size=14) | st.sampled_from(["1230-", "00012300-", "RF180000"])))
@property_of
def test_references_are_written_alike_one_by_one_and_all_at_once(texts: list[str]) -> None:
    assert plain(pl.Series(texts, dtype=pl.String)).to_list() == [canonical(text) for text in texts]


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("RF18539007547034", "Ihre Referenz RF18-5390-0754-7034 danke"),
        ("RF18539007547034", "payment RF1853900754\n7034"),
        ("010806817183", "+++010/8068/17183+++"),
        ("+++010/8068/17183+++", "10806817183 facture"),
        ("210000000003139471430009017", "order 7 21 00000 00003 13947 14300 09017 12345"),
        ("1234567897", "KID: 1234 5678 97 Faktura 12"),
        ("2023000098", "Viitenumero 2023 0000 98"),
        ("10000123", "OCR 10000123"),
        ("2023000098", "lasku 00000000002023000098 kiitos 12345678"),
    ],
)
def test_a_reference_that_was_given_out_is_found_in_what_payers_write(reference: str, text: str) -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "N-1", "119.00", reference=reference)
    desk.owes("Meyer GmbH", "N-2", "119.00")
    line = desk.comes("119.00", text, of="Somebody else")
    found = desk.match()
    assert (found.step(line), found.applied(line)) == ("reference", {"N-1": 11900})


def test_a_short_reference_that_nothing_calls_so_says_as_much_as_a_number() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "N-1", "119.00", reference="10000123")
    line = desk.comes("119.00", "10000123", of="Somebody else")
    found = desk.match()
    assert (found.step(line), found.applied(line)) == ("number", {"N-1": 11900})


def test_a_reference_with_a_wrong_digit_is_none() -> None:
    desk = Desk()
    desk.debtor("Meyer GmbH")
    desk.owes("Meyer GmbH", "N-1", "119.00", reference="1234567897")
    line = desk.comes("119.00", "KID 1234567896", of="Somebody else")
    assert desk.match().outcome(line) == "exception"
