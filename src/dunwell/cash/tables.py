"""What matching reads and what it says, as frames with declared columns. All of one creditor.

Amounts are minor units; a line and what is applied of it are in one currency. A line's amount and what is open of an
item are positive, of credits too: their kind says which side they are on.
"""

from typing import Final

import polars as pl

from dunwell.engine.book import Schema

# The step of the ladder that found a match, from certain to merely likely.
STEPS: Final = (
    "reference", "number", "one_item", "several_items", "discount", "charges", "short", "over", "oldest_first",
    "payer_only", "nothing",
)  # fmt: skip
# apply: above the threshold; propose: for a person to confirm; exception: for a person to find out.
OUTCOMES: Final = ("apply", "propose", "exception")

LINES: Final[Schema] = {
    "line_id": pl.Int64,
    "currency": pl.String,
    "amount_minor": pl.Int64,
    "booked_on": pl.Date,
    "reference": pl.String,
    "text": pl.String,
    "documents": pl.List(pl.Struct({"number": pl.String, "amount_minor": pl.Int64, "is_credit_note": pl.Boolean})),
    "party_name": pl.String,
    "party_iban": pl.String,
    "party_account": pl.String,
    "on_behalf_of": pl.String,
    "end_to_end_ref": pl.String,
    "charges_minor": pl.Int64,
    "instructed_minor": pl.Int64,
    "instructed_currency": pl.String,
}
ITEMS: Final[Schema] = {
    "item_id": pl.Int64,
    "account_id": pl.Int64,
    "payer_id": pl.Int64,
    "number": pl.String,
    "kind": pl.String,
    "currency": pl.String,
    "issued_on": pl.Date,
    "due_on": pl.Date,
    "amount_minor": pl.Int64,
    "open_minor": pl.Int64,
    "discount_minor": pl.Int64,  # what a payer may take off until `discount_until_on`, or null
    "discount_until_on": pl.Date,
}
ACCOUNTS: Final[Schema] = {"account_id": pl.Int64, "payer_id": pl.Int64, "account": pl.String, "name": pl.String}
# The structured references that letters and invoices named, and the items that each stands for.
REFERENCES: Final[Schema] = {"reference": pl.String, "item_id": pl.Int64}
# What is known of who pays from where: `kind` iban, account or name; `value` as `plain_iban` or `plain` writes it.
PAYERS: Final[Schema] = {"kind": pl.String, "value": pl.String, "account_id": pl.Int64}
# Whose paid items are asked for, by the keys of `numbers` that lines of theirs name, and what is paid of them.
ASKED: Final[Schema] = {"payer_id": pl.Int64, "key": pl.String}
PAID: Final[Schema] = {
    "payer_id": pl.Int64,
    "number": pl.String,
    "currency": pl.String,
    "amount_minor": pl.Int64,
}
# What lines quote that may be the reference of a notice, and those references of which everything is paid.
QUOTED: Final[Schema] = {"line_id": pl.Int64, "reference": pl.String, "certain": pl.Boolean}
PAID_REFERENCES: Final[Schema] = {"reference": pl.String, "payer_id": pl.Int64}

MATCHES: Final[Schema] = {
    "line_id": pl.Int64,
    "step": pl.Enum(STEPS),
    "outcome": pl.Enum(OUTCOMES),
    "confidence_permille": pl.Int16,
    "account_id": pl.Int64,  # the payer's, or null where nobody is known
    "applied_minor": pl.Int64,
    "left_minor": pl.Int64,  # on account; applied and left are the line's amount
    "why": pl.String,  # codes, parted by commas: docs/cash.md says what each means
}
ALLOCATIONS: Final[Schema] = {
    "line_id": pl.Int64,
    "item_id": pl.Int64,
    "amount_minor": pl.Int64,  # negative: a credit that the payer set off; the sum over a line is what is applied
    "discount_minor": pl.Int64,  # granted beside the money, as are the next two
    "charges_minor": pl.Int64,
    "difference_minor": pl.Int64,
}
GUESSES: Final[Schema] = {
    "line_id": pl.Int64,
    "place": pl.Int8,  # 1 to 3, the best first
    "step": pl.Enum(STEPS),
    "confidence_permille": pl.Int16,
    "account_id": pl.Int64,
    "item_ids": pl.List(pl.Int64),
    "why": pl.String,
}
