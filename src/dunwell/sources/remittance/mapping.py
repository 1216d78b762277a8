"""The mapping file of an advice's table: which column holds what of a document and of its payment."""

from typing import ClassVar, Literal

from dunwell.engine.documents import DocumentError, read_as, read_document
from dunwell.sources.mapping import Given, Layout, Read, Source
from dunwell.sources.wording import in_words


class AdviceMapping(Layout):
    """How one layout of a table becomes advices: a document a row.

    Rows that agree in all that is said of the payment are one advice. `amount` is what is paid of the document, less
    `discount` where that is named.
    """

    required: ClassVar[tuple[str, ...]] = ("currency",)

    rows: Literal["advices"]
    number: Read
    amount: Read
    currency: Given
    discount: Read | None = None
    kind: Given = Source(constant="invoice")
    name: Given | None = None
    account: Given | None = None
    reference: Given | None = None
    paid: Read | None = None
    total: Read | None = None


def read_advice_mapping(text: str, source: str) -> AdviceMapping:
    """Read a mapping file; `source` is its name in messages. Errors: DocumentError with the line of every problem."""
    document = read_document(text, source)
    if not isinstance(document.data, dict) or document.data.get("rows") != "advices":
        raise DocumentError([document.problem(("rows",), "an advice's table is mapped with `rows: advices`")])
    try:
        return read_as(document, AdviceMapping)
    except DocumentError as error:
        raise in_words(error) from None
