"""Payment references with check digits: whether one holds, how it is printed, and the one of a notice.

A payer who quotes one names what is paid, and a mistyped one is noticed.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

RF: Final = "RF"
_MARKS: Final = re.compile(r"[+*/]")
_RF_MAX: Final = 21  # letters and digits behind RF and the check digits
_QR_IBAN: Final = re.compile(r"(?:CH|LI)[0-9]{2}3[01][0-9]{3}[0-9A-Z]{12}")  # of a bank numbered 30000 to 31999
_OWN_MIN: Final = 6  # digits of a notice's number within a reference of no fixed length
_TENS: Final = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)  # of modulo 10, recursive
_VALUES: Final = bytes(max(0, sign - ord("0")) if sign <= ord("9") else 0 for sign in range(256))
_DOUBLED: Final = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9, *range(10, 256)))  # the sum of the digits of the double


@dataclass(frozen=True)
class Scheme:
    """How the references of a scheme are written; `country` is that of the accounts they go with, empty for any.

    `written`: without blanks, in capitals. `base_max`: how many digits (of `rf` also letters) a number of one's own
    may have, and `base_min` up to how many it is filled with zeros. `check`: the check digits of such a number.
    """

    name: str
    country: str
    written: re.Pattern[str]
    base_min: int
    base_max: int
    check: Callable[[str], str]
    printed: Callable[[str], str]
    check_digits: int = 1
    is_rf: bool = False

    def holds(self, reference: str) -> bool:
        """Whether the check digits of a reference are right; it is as `written`, without marks."""
        if self.is_rf:
            return self.check(reference[4:]) == reference[2:4]
        return self.check(reference[: -self.check_digits]) == reference[-self.check_digits :]

    def made(self, base: str) -> str:
        """The reference of a number, with its check digits."""
        base = base.zfill(self.base_min)
        return f"{RF}{self.check(base)}{base}" if self.is_rf else base + self.check(base)


def rf_check(base: str) -> str:
    """Count the check digits of ISO 11649, modulo 97: 02 to 98. Others that come to the same are none."""
    return f"{98 - int(''.join(str(int(sign, 36)) for sign in base + 'RF00')) % 97:02}"


def recursive_check(base: str) -> str:
    """Count the check digit of a Swiss reference, modulo 10, recursive."""
    carried = 0
    for value in _values(base):
        carried = _TENS[(carried + value) % 10]
    return str((10 - carried) % 10)


def ogm_check(base: str) -> str:
    """Count the check digits of a Belgian structured communication, modulo 97: 01 to 97."""
    return f"{int(base) % 97 or 97:02}"


def weighted_check(base: str) -> str:
    """Count the check digit of a Finnish reference: weights 7, 3 and 1 from the right."""
    values = _values(base)
    return str(-(7 * sum(values[::-3]) + 3 * sum(values[-2::-3]) + sum(values[-3::-3])) % 10)


def luhn_check(base: str) -> str:
    """Count a check digit modulo 10, as of a KID and an OCR number: every other digit from the right is doubled."""
    values = _values(base)
    return str(-(sum(values[::-2].translate(_DOUBLED)) + sum(values[-2::-2])) % 10)


def length_check(base: str) -> str:
    """Count the last digit of an OCR number's length, and after it the check digit."""
    length = str((len(base) + 2) % 10)
    return length + luhn_check(base + length)


def eleven_check(base: str) -> str:
    """Count the check digit of a KID modulo 11: weights 2 to 7 from the right; a hyphen stands for 10."""
    values = _values(base)
    return "0123456789-"[-sum((at + 2) * sum(values[-1 - at :: -6]) for at in range(6)) % 11]


def _values(base: str) -> bytes:
    """The value of each digit."""
    return base.encode().translate(_VALUES)


def _fours(reference: str) -> str:
    return " ".join(reference[at : at + 4] for at in range(0, len(reference), 4))


def _fives_from_right(reference: str) -> str:
    first = len(reference) % 5 or 5
    return " ".join((reference[:first], *(reference[at : at + 5] for at in range(first, len(reference), 5))))


def _swiss(reference: str) -> str:
    return _fives_from_right(reference.zfill(27))


def _belgian(reference: str) -> str:
    whole = reference.zfill(12)
    return f"+++{whole[:3]}/{whole[3:7]}/{whole[7:]}+++"


def _together(reference: str) -> str:
    """Banks in Norway and Sweden print these without blanks, and not every form to fill in takes any."""
    return reference


_RF_WRITTEN: Final = re.compile(rf"RF[0-9]{{2}}[0-9A-Z]{{1,{_RF_MAX}}}")
_OGM_WRITTEN: Final = re.compile(r"(\+{3}|\*{3}|)(?:[0-9]{3}/[0-9]{4}/[0-9]{5}|[0-9]{12})\1")
_KID_WRITTEN: Final = re.compile(r"[0-9]{2,25}")
_ALL: Final = (
    Scheme("rf", "", _RF_WRITTEN, 1, _RF_MAX, rf_check, _fours, is_rf=True),
    Scheme("qrr", "CH", re.compile(r"[0-9]{27}"), 26, 26, recursive_check, _swiss),
    Scheme("ogm", "BE", _OGM_WRITTEN, 10, 10, ogm_check, _belgian, check_digits=2),
    Scheme("viite", "FI", re.compile(r"[0-9]{4,20}"), 3, 19, weighted_check, _fives_from_right),
    Scheme("viite_rf", "", re.compile(r"RF[0-9]{6,22}"), 3, 19, rf_check, _fours, is_rf=True),
    Scheme("kid10", "NO", _KID_WRITTEN, 1, 24, luhn_check, _together),
    Scheme("kid11", "NO", re.compile(r"[0-9]{1,24}[0-9-]"), 1, 24, eleven_check, _together),
    Scheme("ocr", "SE", _KID_WRITTEN, 1, 24, luhn_check, _together),
    Scheme("ocr_length", "SE", re.compile(r"[0-9]{3,25}"), 1, 23, length_check, _together, check_digits=2),
)  # fmt: skip
_BY_NAME: Final[Mapping[str, Scheme]] = {scheme.name: scheme for scheme in _ALL}
# rf: ISO 11649, in the whole of SEPA. qrr: on a Swiss QR bill. ogm: the Belgian structured communication. viite: the
# Finnish one, and viite_rf with RF around it. kid10 and kid11: Norwegian, as agreed with the bank. ocr: Swedish, and
# ocr_length with a digit of its length.
SCHEMES: Final = tuple(_BY_NAME)


def valid(scheme: str, text: str) -> bool:
    """Whether a text is a reference of a scheme, with blanks between its groups or without, and its check digits hold.

    A Belgian one has all its slashes and marks, or none. Errors: KeyError for a scheme that is none of SCHEMES.
    """
    form = _BY_NAME[scheme]
    written = _without_blanks(text)
    if not form.written.fullmatch(written):
        return False
    reference = _MARKS.sub("", written)
    if not reference.strip("0"):
        return False
    return form.holds(reference) and (scheme != "viite_rf" or _BY_NAME["viite"].holds(reference[4:]))


def schemes_of(number: str, schemes: Collection[str]) -> list[str]:
    """Return those of some schemes of which bare digits are a reference; a hyphen may follow them.

    Of a Swiss one, people leave out the zeros that lead it. Errors: KeyError for a scheme that is none of SCHEMES.
    """
    return [scheme for scheme in schemes if number.strip("0-") and _is_one(_BY_NAME[scheme], number)]


def _is_one(form: Scheme, number: str) -> bool:
    if form.name == "qrr":
        return len(number) <= form.base_max + 1 and number.isdigit() and form.holds(number)
    return not form.is_rf and bool(form.written.fullmatch(number)) and form.holds(number)


def canonical(text: str) -> str:
    """Write a reference, of whatever scheme, so that it is the same text however it was written.

    Capitals and digits alone, without the zeros that lead a number, which banks add and people drop; no check digit
    depends on them. The hyphen of a KID modulo 11 stays.
    """
    written = re.sub(r"[^0-9A-Z]", "", text.upper())
    if written.isdigit():
        is_hyphened = text.rstrip().endswith("-") and eleven_check(written) == "-"
        return written.lstrip("0") + "-" * is_hyphened
    return re.sub(r"^(RF[0-9]{2})0+(?=.)", r"\1", written)


def shown(scheme: str, reference: str) -> str:
    """Write a reference as it is printed, in groups where its scheme has any.

    Errors: KeyError for a scheme that is none of SCHEMES.
    """
    return _BY_NAME[scheme].printed(_MARKS.sub("", _without_blanks(reference)))


def generate(scheme: str, number: int | str) -> str:
    """Make the reference of a number of one's own, without groups; one of a fixed length is filled with zeros.

    Errors: KeyError for a scheme that is none of SCHEMES; ValueError for a number that is too long, is nothing but
    zeros or, but in `rf`, is more than digits.
    """
    form = _BY_NAME[scheme]
    base = _without_blanks(str(number))
    signs, said = (r"[0-9A-Z]", "letters and digits") if scheme == "rf" else (r"[0-9]", "digits")
    if not re.fullmatch(rf"{signs}{{1,{form.base_max}}}", base) or not base.strip("0"):
        raise ValueError(f"a reference of {scheme} is made of 1 to {form.base_max} {said}, not of {str(number)!r}")
    return form.made(_BY_NAME["viite"].made(base) if scheme == "viite_rf" else base)


def reference_of(scheme: str, notice_id: int) -> str:
    """Make the reference that the payment of a notice is to quote; empty without a scheme.

    Where the length is not fixed, a 1 leads the number, filled to six digits: nobody then drops zeros, and no
    reference is so short that any number would do for one. It is a 2 where a hyphen would be the check digit.
    Errors: KeyError for a scheme that is none of SCHEMES; ValueError for a notice that has no number yet.
    """
    if not scheme:
        return ""
    if scheme in {"qrr", "ogm"} or notice_id < 1:
        return generate(scheme, notice_id)
    reference = generate(scheme, f"1{notice_id:0{_OWN_MIN}}")
    return generate(scheme, f"2{notice_id:0{_OWN_MIN}}") if reference.endswith("-") else reference


def notice_of(scheme: str, reference: str) -> int | None:
    """Return the notice whose reference this is, as `reference_of` makes it, or none; it is as `canonical` writes it.

    Errors: KeyError for a scheme that is none of SCHEMES.
    """
    form = _BY_NAME[scheme]
    base = reference[4:] if form.is_rf else reference[: -form.check_digits]
    base = base[: -_BY_NAME["viite"].check_digits] if scheme == "viite_rf" else base
    number = base if scheme in {"qrr", "ogm"} else base[1:]
    is_in_form = reference.startswith(RF) == form.is_rf and len(base) <= form.base_max
    is_number = is_in_form and number.isascii() and number.isdigit()
    notice_id = int(number) if is_number else 0
    return notice_id if notice_id and canonical(reference_of(scheme, notice_id)) == reference else None


def is_structured(scheme: str) -> bool:
    """Whether the references of a scheme go into the field for structured references of a SEPA transfer."""
    return bool(scheme) and _BY_NAME[scheme].is_rf


def is_qr_iban(iban: str) -> bool:
    """Whether an IBAN, without blanks, is a Swiss one that takes payments with a QR reference alone."""
    return bool(_QR_IBAN.fullmatch(iban))


def misfit(scheme: str, iban: str) -> str:
    """Why payments to an account, by its IBAN or none, cannot quote references of a scheme, and what to do; or nothing.

    Errors: KeyError for a scheme that is neither empty nor one of SCHEMES.
    """
    if not scheme:
        return ""
    country = _BY_NAME[scheme].country
    if scheme == "qrr":
        to_do = "set the one that your bank gave you beside the usual IBAN, or another scheme, such as rf"
        return "" if is_qr_iban(iban) else f"qrr needs a QR-IBAN, of a Swiss bank number from 30000 to 31999: {to_do}"
    if is_qr_iban(iban):
        return f"{iban} is a QR-IBAN, to which payments quote qrr alone: set qrr, or the usual IBAN of the account"
    if country and iban and iban[:2] != country:
        return (
            f"{scheme} goes with an account in {country}, not with {iban}: set another scheme; rf goes with any account"
        )
    return ""


def _without_blanks(text: str) -> str:
    return "".join(text.split()).upper() if text.isascii() else "".join(text.split())
