"""What the ladder guesses of lines that it cannot tell, in the names of people."""

from collections.abc import Iterable
from dataclasses import dataclass

from dunwell.records.models import Account, BankMatch, Item
from dunwell.records.pieces import in_pieces


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a line could be for; `why` is in the codes of docs/cash.md."""

    account: str
    items: tuple[str, ...]
    confidence_permille: int
    why: str


class Names:
    """What people call the accounts and items that guesses name, looked up for many matches at once."""

    def __init__(self, matches: Iterable[BankMatch]) -> None:
        guesses = [guess for match in matches for guess in match.guesses]
        accounts = {guess["account_id"] for guess in guesses} - {None}
        items = {item for guess in guesses for item in guess["item_ids"] or ()}
        self.account = {
            key: code
            for ids in in_pieces(accounts)
            for key, code in Account.objects.filter(pk__in=ids).values_list("pk", "code")
        }
        self.item = {
            key: number
            for ids in in_pieces(items)
            for key, number in Item.objects.filter(pk__in=ids).values_list("pk", "number")
        }

    def guesses(self, match: BankMatch | None) -> tuple[Guess, ...]:
        """The guesses of a match, the best first."""
        return tuple(
            Guess(
                account=self.account.get(guess["account_id"], ""), why=guess["why"],
                items=tuple(self.item.get(item, str(item)) for item in guess["item_ids"] or ()),
                confidence_permille=guess["confidence_permille"],
            )
            for guess in (match.guesses if match else ())
        )  # fmt: skip
