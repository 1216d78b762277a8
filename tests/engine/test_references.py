"""Payment references: published ones, those of a notice, and what is no reference."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import iso11649, luhn
from stdnum.be import ogm_vcs
from stdnum.ch import esr

from dunwell.engine.references import (
    SCHEMES,
    canonical,
    generate,
    is_qr_iban,
    misfit,
    notice_of,
    reference_of,
    shown,
    valid,
)

VECTORS: Final = Path(__file__).parents[3] / "shared" / "data" / "reference-numbers" / "vectors.json"
needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="../shared/data/reference-numbers is not there")
# By what they are called there. A KID of no named modulus is one of neither, and an OCR number is a KID modulo 10.
CALLED: Final = {
    "iso11649": ("rf",),
    "ch_esr_qrr": ("qrr",),
    "ch_qrr": ("qrr",),
    "be_ogm": ("ogm",),
    "fi_viite": ("viite",),
    "no_kid": ("kid10", "kid11"),
    "no_kid_mod10": ("kid10",),
    "no_kid_mod10/se_ocr": ("kid10", "ocr"),
    "no_kid_mod11": ("kid11",),
}
DE, BE, CH, QR = "DE02120300000000202051", "BE68539007547034", "CH9300762011623852957", "CH4431999123000889012"
property_of = settings(max_examples=200, derandomize=True, deadline=None, database=None)


def vectors(kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))[kind]
    return rows


@needs_vectors
def test_published_references_are_taken_and_refused_as_they_should_be() -> None:
    rows = vectors("validate")
    assert len(rows) == 179
    for row in rows:
        text = row["reference"]
        # Those of slips of before the QR bill go without the zeros at their front, as their note says.
        text = "".join(text.split()).zfill(27) if row["scheme"] == "ch_esr_qrr" else text
        for scheme in CALLED[row["scheme"]]:
            assert valid(scheme, text) == row["valid"], row


@needs_vectors
def test_published_numbers_become_the_references_they_should() -> None:
    rows = vectors("generate")
    assert len(rows) == 12
    for row in rows:
        (scheme,) = CALLED[row["scheme"]]
        if row["expected"] == "ERROR":
            with pytest.raises(ValueError, match="is made of 1 to"):
                generate(scheme, row["base"])
        else:
            assert generate(scheme, row["base"]) == row["expected"], row


@needs_vectors
def test_a_published_reference_is_printed_in_its_groups() -> None:
    for row in vectors("format"):
        assert shown("qrr", row["raw"]) == row["formatted"]


NOTICE: Final = [
    ("rf", "RF211004711", "RF21 1004 711"),
    ("qrr", "000000000000000000000047119", "00 00000 00000 00000 00000 47119"),
    ("ogm", "000000471155", "+++000/0004/71155+++"),
    ("viite", "10047118", "100 47118"),
    ("viite_rf", "RF5510047118", "RF55 1004 7118"),
    ("kid10", "10047116", "10047116"),
    ("kid11", "10047110", "10047110"),
    ("ocr", "10047116", "10047116"),
    ("ocr_length", "100471192", "100471192"),
]


@pytest.mark.parametrize(("scheme", "reference", "printed"), NOTICE)
def test_the_reference_of_notice_4711(scheme: str, reference: str, printed: str) -> None:
    assert reference_of(scheme, 4711) == reference
    assert shown(scheme, reference) == printed
    assert valid(scheme, printed)
    assert canonical(printed) == canonical(reference)


def test_every_scheme_has_its_notice_above() -> None:
    assert [scheme for scheme, _reference, _printed in NOTICE] == list(SCHEMES)


def test_without_a_scheme_a_notice_has_no_reference() -> None:
    assert reference_of("", 4711) == ""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_two_notices_share_a_reference_and_all_of_them_hold(scheme: str) -> None:
    numbers = (*range(1, 3000), *range(99_000, 101_000), *range(999_000, 1_001_000), 2_147_483_647)
    made = [reference_of(scheme, number) for number in numbers]
    assert all(valid(scheme, reference) for reference in made)
    assert len({canonical(reference) for reference in made}) == len(numbers)
    assert not any(reference.endswith("-") for reference in made)
    assert [notice_of(scheme, canonical(reference)) for reference in made] == list(numbers)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_other_number_is_read_as_that_of_a_notice(scheme: str) -> None:
    reference = canonical(reference_of(scheme, 4711))
    mistyped = reference[:-3] + str((int(reference[-3]) + 1) % 10) + reference[-2:]
    for other in (mistyped, "", "0", "RF", "RF21", "INV20170", "1" * 5_000, "\u0661" * 12):
        assert notice_of(scheme, other) is None, other


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_notice_without_a_number_has_no_reference(scheme: str) -> None:
    for number in (0, -1):
        with pytest.raises(ValueError, match="is made of 1 to"):
            reference_of(scheme, number)


@property_of
@given(scheme=st.sampled_from(SCHEMES), number=st.integers(1, 10**9), place=st.integers(0, 40), by=st.integers(1, 9))
def test_one_mistyped_digit_is_noticed(scheme: str, number: int, place: int, by: int) -> None:
    reference = reference_of(scheme, number)
    at = range(2 if reference.startswith("RF") else 0, len(reference))[place % (len(reference) - 2)]
    typed = f"{reference[:at]}{(int(reference[at]) + by) % 10}{reference[at + 1 :]}"
    assert not valid(scheme, typed)


@property_of
@given(scheme=st.sampled_from(("rf", "viite_rf", "ogm", "kid11")), number=st.integers(10, 10**9))
def test_two_digits_that_change_places_are_noticed(scheme: str, number: int) -> None:
    reference = reference_of(scheme, number)
    at = next((at for at in range(4, len(reference) - 1) if reference[at] != reference[at + 1]), None)
    if at is not None:
        assert not valid(scheme, reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :])


@property_of
@given(base=st.text("0123456789ABCXYZ", min_size=1, max_size=22), check=st.integers(0, 99))
def test_rf_agrees_with_another_hand_but_for_check_digits_that_nobody_gives(base: str, check: int) -> None:
    text = f"RF{check:02}{base}"
    assert valid("rf", text) == (iso11649.is_valid(text) and 2 <= check <= 98)
    if len(base) <= 21 and base.strip("0"):
        assert iso11649.is_valid(generate("rf", base))


@property_of
@given(base=st.integers(1, 10**10 - 1), check=st.integers(0, 99))
def test_the_belgian_and_swiss_ones_and_modulo_10_agree_with_another_hand(base: int, check: int) -> None:
    assert valid("ogm", f"{base:010}{check:02}") == ogm_vcs.is_valid(f"{base:010}{check:02}")
    assert valid("qrr", f"{base:026}{check % 10}") == esr.is_valid(f"{base:026}{check % 10}")
    assert valid("ocr", f"{base}{check % 10}") == luhn.is_valid(f"{base}{check % 10}")
    assert generate("ogm", base)[-2:] == ogm_vcs.calc_check_digits(f"{base:010}")


def test_the_length_is_the_last_digit_but_one_of_an_ocr_number_that_has_it() -> None:
    assert generate("ocr_length", "1234567890") == "123456789023"
    assert valid("ocr_length", "123456789023")
    assert valid("ocr", generate("ocr_length", "12345678"))
    assert not valid("ocr_length", generate("ocr", "1234567890"))


def test_a_hyphen_may_be_the_check_digit_of_a_kid_modulo_11() -> None:
    made = next(made for number in range(10, 99) if (made := generate("kid11", number)).endswith("-"))
    assert valid("kid11", made)
    assert canonical(made) == made
    assert canonical(f"{made[:-2]} {made[-2]} -") == made
    assert not valid("kid10", made)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("rf18 5390-0754 7034", "RF18539007547034"),
        ("RF33 0000 0000 0471 1", "RF334711"),
        ("+++010/8068/17183+++", "10806817183"),
        ("00000000002023000098", "2023000098"),
        ("21 00000 00003 13947 14300 09017", "210000000003139471430009017"),
        ("RE-2026/17", "RE202617"),
        (" 1234-", "1234"),
        ("", ""),
    ],
)
def test_a_reference_is_the_same_however_it_is_written(written: str, same: str) -> None:
    assert canonical(written) == same


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "text", ["", " ", "0", "0" * 27, "١٢٣٤٤", "\uff32\uff2618539007547034", "RF", "-", "12344\x00", "+++/+++"]
)
def test_what_is_no_reference_is_none(scheme: str, text: str) -> None:
    assert not valid(scheme, text)


def test_a_scheme_that_is_none_is_refused() -> None:
    for use in (valid, generate, shown):
        with pytest.raises(KeyError):
            use("iban", "1")


def test_a_qr_iban_is_one_of_a_bank_number_from_30000_to_31999() -> None:
    assert is_qr_iban(QR)
    assert is_qr_iban("LI44" + QR[4:])
    for other in (CH, DE, "", "CH44" + "29999" + QR[9:], "CH44" + "32000" + QR[9:]):
        assert not is_qr_iban(other)


@pytest.mark.parametrize(
    ("scheme", "iban", "said"),
    [
        ("", QR, ""),
        ("rf", DE, ""),
        ("rf", "", ""),
        ("rf", QR, "is a QR-IBAN, to which payments quote qrr alone: set qrr"),
        ("viite_rf", DE, ""),
        ("qrr", QR, ""),
        ("qrr", CH, "qrr needs a QR-IBAN"),
        ("qrr", "", "qrr needs a QR-IBAN"),
        ("ogm", BE, ""),
        ("ogm", "", ""),
        ("ogm", DE, "ogm goes with an account in BE, not with DE"),
        ("kid10", BE, "kid10 goes with an account in NO"),
        ("ocr", BE, "ocr goes with an account in SE"),
        ("viite", BE, "viite goes with an account in FI"),
    ],
)
def test_a_scheme_goes_with_an_account_that_takes_it(scheme: str, iban: str, said: str) -> None:
    found = misfit(scheme, iban)
    assert said in found if said else not found
