"""What the codes of `why` say to a person: one sentence for each code of docs/cash.md."""

from collections.abc import Mapping
from typing import Final

WORDS: Final = {
    "reference": "it quotes a reference that was given out",
    "number": "it names these numbers",
    "short_number": "a short number in the text fits the payer and the amount",
    "like_number": "a number in the text is nearly this one: cut off, or with one typing error",
    "amount": "the amount is exactly what is open",
    "advised_amount": "the amount is exactly what the payer's advice says of each document",
    "part": "less came than is open of the item named: the rest of it stays open",
    "over": "more came than is open: the rest stays on account",
    "slightly_over": "slightly more came than is named, within the tolerance",
    "some_of_them": "some of the items named are the amount together",
    "less_than_named": "less came than the items named, and nobody says for which: the oldest are proposed",
    "rest_by_amount": "it names some, and others are exactly the rest",
    "several_alike": "several items are of that amount",
    "subset": "items add up to the amount",
    "several_ways": "there is more than one way to add up, or too many items to tell",
    "due_run": "items that fall due one after the other are the amount together",
    "discount": "the gap is the cash discount that could be taken",
    "late_discount": "the gap is a cash discount, taken after its last day and the days of grace",
    "charges": "the gap is what banks kept back",
    "short": "slightly less came, within the tolerance",
    "other_currency": "what was ordered is the amount of an item in another currency",
    "oldest_first": "nothing is named and nothing fits: the oldest items first",
    "payer": "only the payer is known",
    "amount_of_nobody_known": "only the amount fits, and nobody knows the payer",
    "on_behalf_of": "the payer is known by on whose behalf the money comes",
    "iban": "the payer is known by its IBAN",
    "account": "the payer is known by its account",
    "customer_number": "the payer is known by its number as a customer in the text",
    "name": "the payer is known by its name",
    "core_name": "the payer is known by its name without the form of the company",
    "like_name": "the payer's name is much like that of a debtor",
    "third_party": "it comes from somebody else than the debtor",
    "several_payers": "the items named are of several debtors, and are the amount together",
    "payer_unknown": "nobody knows the payer",
    "rival": "something else is nearly as likely",
    "twice": "the same came before, by its words or the payer's reference: it may be one payment told twice",
    "taken": "another line took what this one was for",
    "named_paid": "it names what is paid already, and nothing that is open",
    "named_other": "it names something else that is open",
    "other_payer": "the customer's number is of one debtor, and the name of another",
    "nothing_fits": "nothing fits",
    "person": "a person said so",
}


# What they say of a line that takes back an earlier one, by how the two agree.
BACK_WORDS: Final = {
    "reference": "both are called the same",
    "mandate": "both are of the same mandate",
    "iban": "both are of the same account of the payer",
    "name": "both are of the same name",
    "amount": "the amount is the same",
    "charges": "it is more by what the bank charges",
    "less_charges": "it is less by what the bank charges",
    "more": "it is more, and nobody says why",
    "other_amount": "the amounts are different",
    "other_reference": "the payer's references are different",
    "payment": "a payment that no bank line had brought",
    "nothing_fits": "no earlier line fits",
}


def said_back(why: str) -> str:
    """Write the codes of why a line takes back another as `said` does."""
    return _clauses(why, BACK_WORDS)


def said(why: str) -> str:
    """Write the codes of `why` as clauses, parted by semicolons; a code that has no words stays one."""
    return _clauses(why, WORDS)


def _clauses(why: str, words: Mapping[str, str]) -> str:
    return "; ".join(words.get(code, code.replace("_", " ")) for code in why.split(",") if code)
