"""What people note that they told a debtor."""

from dunwell.engine.book import Book, table
from dunwell.engine.consequences.refusals import only
from dunwell.engine.events import Contacted, Effects
from dunwell.engine.steps.parties import payer_of_family


def contacted(book: Book, event: Contacted) -> Effects:
    """Note a contact: it counts for the account's payer. Errors: BookError for an account that is not in the book."""
    account = only(book.accounts, "account_id", event.account_id)
    payer = payer_of_family(book.accounts, event.account_id)[event.account_id]
    row: dict[str, object] = {
        "contact_id": event.contact_id,
        "entity_id": account["entity_id"].item(),
        "account_id": event.account_id,
        "payer_id": event.account_id if payer is None else payer,  # in a circle of parents there is none
        "on": event.on,
        "channel": event.channel,
    }
    return Effects(changes={"contacts": table("contacts", [row])})
