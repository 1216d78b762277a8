"""The mapping file of a bank's table: which column holds what of a movement, and how its texts are written."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from dunwell.engine.documents import DocumentError, read_as, read_document
from dunwell.sources.mapping import Given, Layout, Lines, Read
from dunwell.sources.wording import in_words


def _columns(value: object) -> object:
    """One column is a text of one line."""
    return {"columns": [value["column"]]} if isinstance(value, dict) and set(value) == {"column"} else value


class BankMapping(Layout):
    """How one layout of a table becomes movements on an account of the entity's own.

    The amount is signed, or parted into `debit` and `credit`, or `direction` says which of the two words it is.
    """

    required: ClassVar[tuple[str, ...]] = ("account", "currency", "booked")

    rows: Literal["movements"]
    account: Given
    currency: Given
    booked: Read
    valued: Read | None = None
    amount: Read | None = None
    debit: Read | None = None
    credit: Read | None = None
    direction: Read | None = None
    balance: Read | None = None
    name: Read | None = None
    iban: Read | None = None
    reference: Read | None = None
    end_to_end_ref: Read | None = None
    bank_ref: Read | None = None
    code: Read | None = None
    text: Annotated[Lines | None, BeforeValidator(_columns)] = None

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if (self.amount is None) == (self.debit is None and self.credit is None):
            raise ValueError("name the column of the amount, or those of `debit` and `credit`")
        if self.amount is None and (self.debit is None or self.credit is None):
            raise ValueError("`debit` and `credit` are named together")
        if self.direction is not None and self.amount is None:
            raise ValueError("`direction` says what `amount` is: with `debit` and `credit` there is none")
        return self


def read_bank_mapping(text: str, source: str) -> BankMapping:
    """Read a mapping file; `source` is its name in messages. Errors: DocumentError with the line of every problem."""
    document = read_document(text, source)
    if not isinstance(document.data, dict) or document.data.get("rows") != "movements":
        raise DocumentError([document.problem(("rows",), "a bank's table is mapped with `rows: movements`")])
    try:
        return read_as(document, BankMapping)
    except DocumentError as error:
        raise in_words(error) from None
