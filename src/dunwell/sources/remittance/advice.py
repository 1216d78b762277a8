"""What a payer says a payment is for, whatever the file: the same for tables and PDFs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from dunwell.engine.money import AMOUNT_MINOR_MAX, format_minor
from dunwell.sources.bank.pieces import Document
from dunwell.sources.problems import Problems, shown

DOCUMENTS_MAX: Final = 10_000
NUMBER_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Advice:
    """A payment and the documents that it is for, which add up to `total_minor`.

    `customer` is the payer's number with the creditor, `reference` what the payer calls the payment; what is not told
    is an empty text or null. `place`: which one of the file, from 1; `line`: where it begins.
    """

    place: int
    line: int
    currency: str
    total_minor: int
    documents: tuple[Document, ...]
    payer_name: str = ""
    customer: str = ""
    reference: str = ""
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One row about a document: what is paid of it, negative where it is set off; `line` is where it stands."""

    line: int
    number: str
    minor: int
    is_credit_note: bool = False


def signed_minor(document: Document) -> int:
    """What a document is of the payment: a credit note lowers it."""
    minor = document.amount_minor or 0
    return -abs(minor) if document.is_credit_note else minor


def documents_of(rows: Iterable[Said]) -> tuple[Document, ...]:
    """Put rows about the same document together: an invoice and what is taken off it are one amount.

    What comes to nothing is left out.
    """
    sums: dict[tuple[str, bool], tuple[str, int]] = {}
    for row in rows:
        key = (_key(row.number), row.is_credit_note)
        number, before = sums.get(key, (row.number, 0))
        sums[key] = (number, before + row.minor)
    signed = [(number, -abs(minor) if is_credit else minor) for (_, is_credit), (number, minor) in sums.items()]
    return tuple(Document(number, abs(minor), is_credit_note=minor < 0) for number, minor in signed if minor)


def _key(number: str) -> str:
    """The same for a number however its parts are parted: `A 17` is `A-17`, and `1/12` is not `11/2`."""
    return "-".join(re.findall(r"\w+", number.upper()))


def whole(advice: Advice, problems: Problems, column: str = "") -> Advice | None:
    """The advice, if a bank can have booked it: something came in, within bounds."""
    total = advice.total_minor
    if not 0 < total <= AMOUNT_MINOR_MAX:
        problems.add(
            advice.line, column, f"the documents come to {format_minor(total, advice.currency)}: that is no payment"
        )
        return None
    if len(advice.documents) > DOCUMENTS_MAX:
        problems.add(advice.line, column, f"more than {DOCUMENTS_MAX:,} documents: this is no advice of one payment")
        return None
    for number in (document.number for document in advice.documents):
        if len(number) > NUMBER_CHARS_MAX:
            problems.add(advice.line, column, f"{shown(number)} is longer than {NUMBER_CHARS_MAX} characters")
            return None
    return advice


def not_the_sum(minor: int, total_minor: int, currency: str) -> str:
    """Say that documents are not the total that is stated, and by how much."""
    told, found, gap = (format_minor(each, currency) for each in (total_minor, minor, total_minor - minor))
    return f"the total is {told}, and the documents come to {found}: {gap} is not said of any document"
