"""How to pay: to whom, how much, under what words, and the code that a banking app reads."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import segno

from dunwell.engine.references import is_structured, reference_of
from dunwell.letters.notice import Notice
from dunwell.letters.plain import one_line, shortened
from dunwell.letters.reader import Reader
from dunwell.letters.tables import overdue_and_upcoming
from dunwell.letters.wording import Words

REMITTANCE_MAX: Final = 140  # of the words that go with a transfer, in SEPA
_CODE_CURRENCY: Final = "EUR"
_CODE_MINOR_MAX: Final = 99_999_999_999
_CODE_NAME_MAX: Final = 70
_CODE_BYTES_MAX: Final = 331
# Any of the eight masks is valid. Trying all of them for the best pattern takes five times as long, and cameras read
# the codes of one as well as those of another.
_MASK: Final = 4


@dataclass(frozen=True)
class Payment:
    """Payee, account and amount as pairs of label and value; `code_text` is what the code says, empty without one."""

    details: tuple[tuple[str, str], ...]
    code_text: str = ""

    @cached_property
    def code(self) -> segno.QRCode | None:
        """The code of EPC069-12 for a SEPA transfer, at error correction M as the guideline wants."""
        if not self.code_text:
            return None
        return segno.make_qr(self.code_text, error="m", boost_error=False, mask=_MASK, encoding="utf-8")


def payment_of(notice: Notice, quoting: str, reader: Reader, words: Words) -> Payment | None:
    """Say how to pay what is due by now, or all where nothing is yet; None where the creditor names no bank account."""
    iban = one_line(notice.creditor.iban).replace(" ", "").upper()
    if not iban:
        return None
    late, early = overdue_and_upcoming(notice)
    later_minor = sum(line.amount_minor for line in early) if late else 0
    amount_minor = notice.total_minor - later_minor
    name, bic = one_line(notice.creditor.name), one_line(notice.creditor.bic).replace(" ", "").upper()
    details = (
        (words.payee, name),
        *(british(iban) if notice.currency == "GBP" else ()),
        ("IBAN", in_groups(iban)),
        ("BIC", bic),
        (words.bank, one_line(notice.creditor.bank_name)),
        (words.to_pay_now if later_minor else words.to_pay, reader.money(amount_minor, notice.currency)),
        (words.quoting, quoting),
    )
    scheme = notice.creditor.reference_scheme
    reference = reference_of(scheme, notice.notice_id) if is_structured(scheme) else ""
    text = epc_text(name, iban, bic, amount_minor, quoting="" if reference else quoting, reference=reference)
    is_codable = notice.currency == _CODE_CURRENCY and 1 <= amount_minor <= _CODE_MINOR_MAX
    fits = is_codable and len(text.encode()) <= _CODE_BYTES_MAX
    return Payment(tuple((label, value) for label, value in details if value), text if fits else "")


def epc_text(name: str, iban: str, bic: str, amount_minor: int, *, quoting: str, reference: str) -> str:
    """Write what the code of a SEPA transfer holds: EPC069-12, version 2, in UTF-8; nothing follows what is there.

    A structured `reference`, of ISO 11649 alone, goes without words to quote.
    """
    amount = f"EUR{amount_minor // 100}.{amount_minor % 100:02}"
    payee = shortened(name, _CODE_NAME_MAX)
    lines = ("BCD", "002", "1", "SCT", bic, payee, iban, amount, "", reference, quoting[:REMITTANCE_MAX])
    return "\n".join(lines).rstrip("\n")


def british(iban: str) -> tuple[tuple[str, str], ...]:
    """Take sort code and account number out of a British IBAN: that is what banks there ask for within the country."""
    if not re.fullmatch(r"GB\d\d[A-Z]{4}\d{14}", iban):
        return ()
    sort_code = "-".join((iban[8:10], iban[10:12], iban[12:14]))
    return (("Sort code", sort_code), ("Account number", iban[14:]))


def in_groups(iban: str) -> str:
    """Write an IBAN as people read it: in groups of four."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
