"""What waits for a person to say whose money it is, with what was found and why; and who is known to pay from where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from dunwell.flows.cash.applying import forget_payer
from dunwell.flows.errors import NotFound
from dunwell.records.models import BANK_LINE_WAITS, Account, BankLine, BankMatch, Entity, Item, KnownPayer


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of a line is for an item, and what is granted beside the money."""

    item: str
    amount_minor: int
    discount_minor: int
    charges_minor: int
    difference_minor: int


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a line could be for; `why` is in the codes of docs/cash.md."""

    account: str
    items: tuple[str, ...]
    confidence_permille: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A line that waits, as its bank says it, with what is proposed, or the best guesses.

    `held_until_on`: the last day for which it holds its payer's reminders back, or did, unless they were released.
    """

    line: int
    booked_on: date
    amount_minor: int
    currency: str
    party: str
    iban: str
    reference: str
    text: str
    outcome: str
    step: str
    confidence_permille: int
    why: str
    account: str
    shares: tuple[Share, ...]
    left_minor: int
    guesses: tuple[Guess, ...]
    held_until_on: date | None


@dataclass(frozen=True, kw_only=True)
class FoundWaiting:
    """The first lines that wait, the largest first, and how many more there are."""

    lines: tuple[Waiting, ...]
    more: int


@dataclass(frozen=True, kw_only=True)
class ShownPayer:
    """Who was learned to pay from an IBAN or an account, or under a name."""

    number: int
    kind: str
    value: str
    account: str
    since_on: date


def waiting(entity: Entity, *, most: int) -> FoundWaiting:
    """List what came in and is not applied, the largest first."""
    found = BankLine.objects.filter(entity=entity, state__in=BANK_LINE_WAITS, amount_minor__gt=0, is_reversal=False)
    count = found.count()
    lines = list(found.select_related("hold").order_by("-amount_minor", "pk")[:most])
    found_matches = BankMatch.objects.filter(line__in=lines).select_related("account")
    matches = list(found_matches.prefetch_related("parts__item"))
    by_line = {match.line_id: match for match in matches}
    names = _Names(matches)
    return FoundWaiting(
        lines=tuple(_waiting(line, by_line.get(line.pk), names) for line in lines), more=count - len(lines)
    )


def payers(entity: Entity) -> list[ShownPayer]:
    """List who is known to pay from where."""
    found = KnownPayer.objects.filter(entity=entity).select_related("account").order_by("account__code", "pk")
    return [
        ShownPayer(number=each.pk, kind=each.kind, value=each.value, account=each.account.code, since_on=each.since_on)
        for each in found
    ]


def forget(entity: Entity, number: int, *, by: str, at: datetime) -> None:
    """Forget that somebody pays from somewhere; what was applied stays so. Errors: NotFound."""
    with transaction.atomic():
        found = KnownPayer.objects.filter(entity=entity, pk=number).select_related("account").first()
        if found is None:
            raise NotFound(f"there is no known payer {number} of {entity.code}")
        forget_payer(found, by=by, at=at)


class _Names:
    """What people call the accounts and items that guesses name."""

    def __init__(self, matches: Sequence[BankMatch]) -> None:
        guesses = [guess for match in matches for guess in match.guesses]
        accounts = {guess["account_id"] for guess in guesses}
        items = {item for guess in guesses for item in guess["item_ids"]}
        self.account = dict(Account.objects.filter(pk__in=accounts).values_list("pk", "code"))
        self.item = dict(Item.objects.filter(pk__in=items).values_list("pk", "number"))


def _waiting(line: BankLine, match: BankMatch | None, names: _Names) -> Waiting:
    return Waiting(
        line=line.pk, booked_on=line.booked_on, amount_minor=line.amount_minor, currency=line.currency,
        party=line.party_name, iban=line.party_iban, reference=line.reference, text=line.text,
        outcome=match.outcome if match else "", step=match.step if match else "", why=match.why if match else "",
        confidence_permille=match.confidence_permille if match else 0,
        account=match.account.code if match and match.account else "",
        shares=tuple(
            Share(
                item=part.item.number, amount_minor=part.amount_minor, discount_minor=part.discount_minor,
                charges_minor=part.charges_minor, difference_minor=part.difference_minor,
            )
            for part in (match.parts.all() if match else ())
        ),
        left_minor=match.left_minor if match else line.amount_minor,
        held_until_on=line.hold.until_on if line.hold and not line.hold.released_on else None,
        guesses=tuple(
            Guess(
                account=names.account.get(guess["account_id"], ""), why=guess["why"],
                items=tuple(names.item.get(item, str(item)) for item in guess["item_ids"] or ()),
                confidence_permille=guess["confidence_permille"],
            )
            for guess in (match.guesses if match else ())
        ),
    )  # fmt: skip
