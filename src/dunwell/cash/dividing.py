"""How a line that is for items of several payers becomes a payment of each."""

from collections.abc import Iterable


def divided(amount_minor: int, parts: Iterable[tuple[int, int]], *, sender: int | None) -> dict[int, int]:
    """Divide a line among the payers of its items: what each one's take, in minor units, in the order of the parts.

    `parts`: payer and minor units of each item, negative for a credit. What is left stays with the `sender`, or where
    nobody knows who that is, with the payer whose items take most, the first of several. Together they are the line;
    one that is 0 or less sets off as much as it is to pay. Without a part and a sender there is nobody to pay.
    """
    payments: dict[int, int] = {}
    for payer, minor in parts:
        payments[payer] = payments.get(payer, 0) + minor
    left_minor = amount_minor - sum(payments.values())
    if left_minor:
        keeps = max(payments, key=lambda payer: payments[payer]) if sender is None else sender
        payments[keeps] = payments.get(keeps, 0) + left_minor
    return payments
