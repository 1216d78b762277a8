"""The bank accounts of an entity, whose statements are taken in."""

from datetime import datetime

from django.db import transaction
from schwifty import IBAN
from schwifty.exceptions import InvalidChecksumDigits, SchwiftyException

from dunwell.engine.money import CURRENCIES, not_in_use
from dunwell.flows.errors import Conflict, Invalid
from dunwell.records import audit
from dunwell.records.models import BankAccount, Entity

NUMBER_CHARS_MAX = 70


def add_account(
    entity: Entity, number: str, *, currency: str | None = None, name: str = "", by: str, at: datetime
) -> BankAccount:
    """Make a bank account known as the entity's: its IBAN, or the number that its bank uses in its files.

    Errors: Invalid for no number or currency, and for an IBAN with a slip; Conflict for one that is known.
    """
    plain = "".join(number.split()).upper()
    if not 0 < len(plain) <= NUMBER_CHARS_MAX:
        raise Invalid(f"say the IBAN, or the number that the bank uses, in 1 to {NUMBER_CHARS_MAX} characters")
    if _is_mistyped(plain):
        said = "has the form of an IBAN, and its check digits are wrong"
        raise Invalid(f"{plain} {said}: take it as it stands in the bank's own papers")
    currency = currency or entity.currency
    if currency not in CURRENCIES:
        raise Invalid(not_in_use(currency))
    with transaction.atomic():
        found = BankAccount.objects.filter(number=plain).select_related("entity").first()
        if found:
            raise Conflict(f"{plain} is known, as an account of {found.entity.code}")
        account = BankAccount.objects.create(entity=entity, number=plain, currency=currency, name=name.strip())
        audit.record(
            by, "bank_account.added", account, at=at, entity_id=entity.pk, bank_account=plain, currency=currency
        )
    return account


def _is_mistyped(number: str) -> bool:
    """Whether a number has the country, length and form of an IBAN, and is none; any other may be a bank's own."""
    try:
        IBAN(number)
    except InvalidChecksumDigits:
        return True
    except SchwiftyException:
        return False
    return False
