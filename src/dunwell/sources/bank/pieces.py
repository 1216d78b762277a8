"""What a bank says, whatever the format: a statement opens, has lines, and closes.

A reader yields `Opened`, any number of `Line`s and `Closed`, once for every statement of a file. Money is in minor
units, positive for what came in and negative for what went out. What a bank does not say is an empty text or null.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What a bank's message is: the booked day, a look within the day, or the details of single entries."""

    STATEMENT = "statement"
    INTERIM = "interim"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Party:
    """The other side of a movement, as its bank names it; `account`: where it is no IBAN."""

    name: str = ""
    iban: str = ""
    account: str = ""
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice, or a credit note, that the payer names in a field of its own, with what they pay of it."""

    number: str
    amount_minor: int | None = None
    is_credit_note: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The head of a statement; `line` is where it begins in the file, from 1.

    `account`: the IBAN without blanks, or the number that the bank uses. The balances are those of booked money, and
    null where the message has none; where only its end says the last one, `Closed` has it.
    """

    line: int
    kind: Kind
    account: str
    currency: str
    statement_id: str = ""
    bank: str = ""
    from_on: date | None = None
    to_on: date | None = None
    opening_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A movement on the account; of an entry that a bank books in one sum for many payments, one of those.

    `entry_no` counts the statement's entries from 1, `entry_minor` is what the bank booked in one sum, `entry_ref` what
    it calls that; `part_no` counts within the entry. The parts of an entry add up to its sum. `bank_ref` is what the
    bank calls this movement, `end_to_end_ref` what the payer calls it. `reference` is the creditor's, from a field of
    its own; `text` is what the payer wrote, a line each. `is_reversal`: it takes back an earlier entry;
    `return_reason`: why a payment came back. `charges_minor`: what banks kept of it. `instructed_*`: what the payer
    ordered, where it differs.
    """

    line: int
    entry_no: int
    entry_minor: int
    part_no: int
    amount_minor: int
    currency: str
    booked_on: date | None
    valued_on: date | None
    is_booked: bool = True
    is_reversal: bool = False
    code: str = ""
    entry_ref: str = ""
    bank_ref: str = ""
    end_to_end_ref: str = ""
    mandate_ref: str = ""
    reference: str = ""
    text: str = ""
    documents: tuple[Document, ...] = ()
    party: Party = Party()
    on_behalf_of: str = ""
    return_reason: str = ""
    charges_minor: int = 0
    instructed_minor: int | None = None
    instructed_currency: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The end of a statement, with the last balance of booked money and its day, or null."""

    line: int
    closing_minor: int | None = None
    closing_on: date | None = None


Piece: TypeAlias = Opened | Line | Closed
Pieces: TypeAlias = Iterator[Piece]
