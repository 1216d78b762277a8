"""Texts of which a bank's file shows by their form what they are: account numbers, bank codes, words for nothing."""

import re
from functools import lru_cache
from typing import Final

from schwifty import IBAN

from dunwell.sources.bank.pieces import Party

# What stands where there is no reference, or where it says that the reference stands in the text.
NO_REFERENCE: Final = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "KREF", "EREF", "MREF", "KREF+", "EREF+"})
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


class FieldError(ValueError):
    """What is wrong with a field, and what it should be."""


def reference_of(text: str) -> str:
    """A reference without the blanks around it, or nothing where a word for nothing stands."""
    plain = text.strip()
    return "" if plain.upper() in NO_REFERENCE else plain


@lru_cache(maxsize=10_000)  # a debtor pays more than once
def iban_of(text: str) -> str:
    """An IBAN without its blanks, or nothing where the form or the check digits are of none."""
    plain = re.sub(r"\s", "", text).upper()
    if not plain.isascii() or not _IBAN.fullmatch(plain):
        return ""
    return plain if IBAN(plain, allow_invalid=True).is_valid else ""


def party_of(name: str, account: str, bank: str) -> Party:
    """The other side of a movement, from what a bank says of it; a national bank code stands before the account."""
    iban, plain_bank = iban_of(account), bank.strip()
    is_bic = bool(_BIC.fullmatch(plain_bank))
    number = "" if iban else account.strip()
    if plain_bank and not is_bic and number:
        number = f"{plain_bank}/{number}"
    return Party(name=" ".join(name.split()), iban=iban, account=number, bic=plain_bank if is_bic else "")
