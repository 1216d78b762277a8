"""What of a line is whose: a payment for each payer of its items."""

from collections.abc import Sequence
from dataclasses import dataclass

from dunwell.cash.dividing import divided
from dunwell.flows.cash.concerned import payer_of
from dunwell.flows.errors import Conflict
from dunwell.records.models import Account, BankLine, BankMatch, BankMatchPart


@dataclass
class OfPayer:
    """The payment of one payer that comes with a line: on whose account, how much, for which items; once made its id.

    `parts` with their items.
    """

    about: Account
    amount_minor: int
    parts: Sequence[BankMatchPart]
    payment_id: int = 0


def by_payer(line: BankLine, match: BankMatch, parts: Sequence[BankMatchPart]) -> list[OfPayer]:
    """Divide a line among the payers that its items have by now; what is left is of the match's account, if any.

    That payer's money stands on the match's account, any other's on its own. Errors: Conflict where credits of a
    payer are no less than what it pays.
    """
    own = {part.item.account_id for part in parts} | ({match.account_id} if match.account_id else set())
    payer = payer_of(own)
    sender = payer[match.account_id] if match.account_id else None
    of_parts = [payer[part.item.account_id] for part in parts]
    amounts = zip(of_parts, (part.amount_minor for part in parts), strict=True)
    payments = divided(line.amount_minor, amounts, sender=sender)
    accounts = Account.objects.in_bulk(payments.keys() - {sender})
    if match.account and sender is not None:
        accounts[sender] = match.account
    for payer_id, minor in payments.items():
        if minor <= 0:
            raise Conflict(
                f"line {line.pk} pays nothing of {accounts[payer_id].code}: credits are set off against what their own "
                "payer owes; say it with the items that it pays"
            )
    return [
        OfPayer(
            about=accounts[payer_id], amount_minor=minor,
            parts=[part for part, of in zip(parts, of_parts, strict=True) if of == payer_id],
        )
        for payer_id, minor in payments.items()
    ]  # fmt: skip
