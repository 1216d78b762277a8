"""What waits for a person to say whose money it is, with what was found and why; and who is known to pay from where."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from django.db import transaction

from dunwell.flows.cash.applying import forget_payer
from dunwell.flows.cash.guessing import Guess, Names
from dunwell.flows.cash.taking_back import Earlier, TakingBack, waiting_returns
from dunwell.flows.errors import NotFound
from dunwell.records.models import BANK_LINE_WAITS, CAME_IN, BankLine, BankMatch, Entity, KnownPayer

RETURN: Final = "return"  # the step of a line that takes back another


@dataclass(frozen=True, kw_only=True)
class Share:
    """How much of a line is for an item of an account, and what is granted beside the money."""

    item: str
    account: str
    amount_minor: int
    discount_minor: int
    charges_minor: int
    difference_minor: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A line that waits, as its bank says it, with what is proposed, or the best guesses.

    `takes_back`: it takes back what had come in, and `earlier` are the guesses what that was; `of` is the line that is
    proposed. `held_until_on`: the last day for which it holds its payer's reminders back, or did, unless they were
    released.
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
    takes_back: bool = False
    of: int | None = None
    earlier: tuple[Earlier, ...] = ()


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
    """List what came in and is not applied, and what banks took back, the largest first."""
    found = BankLine.objects.filter(CAME_IN, entity=entity, state__in=BANK_LINE_WAITS)
    count = found.count()
    lines = list(found.select_related("hold").order_by("-amount_minor", "pk")[:most])
    found_matches = BankMatch.objects.filter(line__in=lines).select_related("account")
    matches = list(found_matches.prefetch_related("parts__item__account"))
    by_line = {match.line_id: match for match in matches}
    names = Names(matches)
    back = waiting_returns(entity, most=most)
    shown = [_waiting(line, by_line.get(line.pk), names) for line in lines]
    shown = sorted(
        [*shown, *(_taking_back(each, names) for each in back.lines)],
        key=lambda line: (-abs(line.amount_minor), line.line),
    )
    return FoundWaiting(lines=tuple(shown[:most]), more=max(count + back.count - most, 0))


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


def _taking_back(back: TakingBack, names: Names) -> Waiting:
    """A line that takes back another, with what that may be."""
    return replace(
        _waiting(back.line, None, names), outcome=back.outcome, step=RETURN, why=back.why, takes_back=True, of=back.of,
        confidence_permille=back.confidence_permille, account=", ".join(back.earlier[0].accounts) if back.of else "",
        earlier=back.earlier,
    )  # fmt: skip


def _waiting(line: BankLine, match: BankMatch | None, names: Names) -> Waiting:
    return Waiting(
        line=line.pk, booked_on=line.booked_on, amount_minor=line.amount_minor, currency=line.currency,
        party=line.party_name, iban=line.party_iban, reference=line.reference, text=line.text,
        outcome=match.outcome if match else "", step=match.step if match else "", why=match.why if match else "",
        confidence_permille=match.confidence_permille if match else 0,
        account=match.account.code if match and match.account else "",
        shares=tuple(
            Share(
                item=part.item.number, account=part.item.account.code, amount_minor=part.amount_minor,
                discount_minor=part.discount_minor, charges_minor=part.charges_minor,
                difference_minor=part.difference_minor,
            )
            for part in (match.parts.all() if match else ())
        ),
        left_minor=match.left_minor if match else line.amount_minor,
        held_until_on=line.hold.until_on if line.hold and not line.hold.released_on else None,
        guesses=names.guesses(match),
    )  # fmt: skip
