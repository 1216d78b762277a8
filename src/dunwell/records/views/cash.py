"""Bank lines of an entity in a list: what waits, the largest first, with what is proposed for each, and why."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db.models import Case, Q, QuerySet, When
from django.db.models.functions import Abs

from dunwell.engine.money import MoneyError, to_minor
from dunwell.records.models import (
    BANK_LINE_WAITS,
    CAME_IN,
    Account,
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Item,
    Payment,
    PaymentState,
)

LINES_SHOWN: Final = 25
ITEMS_NAMED: Final = 5
OF_ACCOUNT_MAX: Final = 400
WAITS: Final = Q(state__in=BANK_LINE_WAITS)
# What a list can show, by the word in its address. Lines that wait come the largest first, the others the latest.
SHOWN: Final = {
    "": WAITS & CAME_IN,
    "proposed": Q(state=BankLineState.PROPOSED),
    "unknown": Q(state=BankLineState.OPEN) & CAME_IN,
    "taken_back": WAITS & CAME_IN & Q(taken_back=True),
    "applied": Q(state=BankLineState.APPLIED),
    "set_aside": Q(state=BankLineState.SET_ASIDE),
    "returned": Q(state=BankLineState.RETURNED),
}
BACK_WITH: Final = ("", "taken_back")  # lists that have the lines by which banks take back, too
BACK_MAX: Final = 5_000  # so many of these, the largest; more than a database takes in one question
# A whole number, with signs between its thousands or without, and cents; `1.234` can be either.
SUMS: Final = (r"(\d{1,3}(?:[.,']\d{3}){1,4})(?:[.,](\d{1,3}))?", r"(\d{1,15})(?:[.,](\d{1,3}))?")
LATEST_FIRST: Final = ("applied", "set_aside", "returned")


@dataclass(frozen=True)
class Wanted:
    """Which lines; what is empty asks for nothing. `show`: a key of SHOWN; `search`: of a party, a text or a sum."""

    show: str = ""
    currency: str = ""
    search: str = ""

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.show or self.currency or self.search)


@dataclass(frozen=True)
class GuessRow:
    """What a line could be for: items of an account, or without items its account alone."""

    account_id: int | None
    account: str
    name: str
    items: tuple[str, ...]
    open_minor: tuple[int, ...]  # of each item, in its order
    left_minor: int  # of the line, beyond what is open of them
    permille: int
    why: str

    @property
    def seen(self) -> tuple[tuple[str, int], ...]:
        """Each item with what is open of it."""
        return tuple(zip(self.items, self.open_minor, strict=True))

    @property
    def owners(self) -> str:
        """What to call who owes the items, where that is no one account."""
        return "Several payers" if "several_payers" in self.why.split(",") else "Somebody"

    @property
    def can_be_applied(self) -> bool:
        """Whether somebody is known, or named by items, and every item has a number to say it by."""
        return bool(self.account or self.items) and all(self.items)


@dataclass(frozen=True)
class LineRow:
    """A line in a list, with what was found; `outcome` is empty where nobody has looked yet."""

    id: int
    booked_on: date
    amount_minor: int
    currency: str
    party: str
    iban: str
    said: str
    state: str
    is_back: bool
    taken_back: bool
    outcome: str
    permille: int
    why: str
    account_id: int | None
    account: str
    account_name: str
    items: tuple[str, ...]
    items_more: int
    guesses: tuple[GuessRow, ...]
    held_until_on: date | None  # it holds its payer's reminders back through this day, unless that is over

    @property
    def is_proposed(self) -> bool:
        """Whether there is something that a person can say yes to."""
        return self.outcome in {"apply", "propose"}


@dataclass(frozen=True)
class LinePage:
    """One page of lines; `after`: behind what the next one begins, if there is one."""

    lines: list[LineRow]
    after: str


def lines(
    entity_id: int, wanted: Wanted, *, after: str = "", currencies: Sequence[str] = (), back: Sequence[int] = ()
) -> LinePage:
    """The lines of an entity that are asked for.

    `currencies`: those in which a sum is looked for; `back`: the lines that wait and take others back, the largest
    first.
    """
    show = wanted.show if wanted.show in SHOWN else ""
    found = BankLine.objects.filter(_with_back(SHOWN[show], show, back), entity_id=entity_id)
    if wanted.currency:
        found = found.filter(currency=wanted.currency)
    if wanted.search:
        found = found.filter(_search(wanted.search, currencies))
    return _page(found, after, is_by_size=show not in LATEST_FIRST)


def lines_of_account(entity_id: int, account_id: int, *, after: str = "") -> LinePage:
    """The lines that were applied to an account, or are proposed for it, the latest first."""
    paid = Payment.objects.filter(item__account=account_id, line__isnull=False, state=PaymentState.RECEIVED)
    ids = set(paid.order_by("-pk").values_list("line", flat=True)[:OF_ACCOUNT_MAX])
    is_of = Q(match__account=account_id) | Q(match__account=None, match__parts__item__account=account_id)
    waiting = BankLine.objects.filter(WAITS, is_of, entity_id=entity_id).order_by("-pk").distinct()
    ids |= set(waiting.values_list("pk", flat=True)[:OF_ACCOUNT_MAX])
    return _page(BankLine.objects.filter(entity_id=entity_id, pk__in=ids), after, is_by_size=False)


def next_waiting(entity_id: int, line: BankLine, *, back: Sequence[int] = ()) -> int | None:
    """The line that comes next in the list of those that wait, or the first where none does; `back` as in `lines`."""
    waits = _with_back(SHOWN[""], "", back)
    found = BankLine.objects.filter(waits, entity_id=entity_id).annotate(size=Abs("amount_minor"))
    size = abs(line.amount_minor)
    is_before = Case(When(Q(size__lt=size) | Q(size=size, pk__gt=line.pk), then=0), default=1)
    return found.exclude(pk=line.pk).order_by(is_before, "-size", "pk").values_list("pk", flat=True).first()


def _with_back(shown: Q, show: str, back: Sequence[int]) -> Q:
    """What a list shows, with the lines that take others back where it has these."""
    return shown | Q(pk__in=back[:BACK_MAX]) if show in BACK_WITH and back else shown


def guesses_of(matches: Sequence[BankMatch]) -> dict[int, tuple[GuessRow, ...]]:
    """The guesses of matches by their line, with what people call accounts and items: in two queries."""
    told = [guess for match in matches for guess in match.guesses]
    accounts = Account.objects.in_bulk({guess["account_id"] for guess in told} - {None})
    items = {item for guess in told for item in guess["item_ids"] or ()}
    found = Item.objects.in_bulk(items)
    return {match.line_id: tuple(_guess(match, each, accounts, found) for each in match.guesses) for match in matches}


def _guess(match: BankMatch, guess: dict[str, Any], accounts: dict[int, Account], found: dict[int, Item]) -> GuessRow:
    account = accounts.get(guess["account_id"])
    items = [found.get(item) for item in guess["item_ids"] or ()]
    open_minor = tuple(item.open_minor if item else 0 for item in items)
    return GuessRow(
        account_id=account.pk if account else None, account=account.code if account else "",
        name=account.name if account else "", permille=guess["confidence_permille"], why=guess["why"],
        items=tuple(item.number if item else "" for item in items), open_minor=open_minor,
        left_minor=max(0, match.line.amount_minor - sum(open_minor)),
    )  # fmt: skip


def _page(found: "QuerySet[BankLine]", after: str, *, is_by_size: bool) -> LinePage:
    """A page of lines: by size with the lower id first, or by id with the latest first."""
    size, pk = _place(after)
    if is_by_size:
        found = found.annotate(size=Abs("amount_minor")).order_by("-size", "pk")
        if after:
            found = found.filter(Q(size__lt=size) | Q(size=size, pk__gt=pk))
    else:
        found = found.order_by("-pk")
        if after:
            found = found.filter(pk__lt=pk)
    some = list(found.select_related("match__account", "hold")[: LINES_SHOWN + 1])
    shown = some[:LINES_SHOWN]
    last = f"{abs(shown[-1].amount_minor)}-{shown[-1].pk}" if len(some) > LINES_SHOWN else ""
    return LinePage(_rows(shown), last)


def _place(after: str) -> tuple[int, int]:
    """Read behind what a page begins; what is no place is the beginning."""
    told = re.fullmatch(r"(\d{1,18})-(\d{1,18})", after, re.ASCII)
    return (int(told[1]), int(told[2])) if told else (2**62, 0)


def _rows(found: Sequence[BankLine]) -> list[LineRow]:
    matches = {line.pk: line.match for line in found if hasattr(line, "match")}
    parts: dict[int, list[str]] = {}
    named = BankMatchPart.objects.filter(match__in=matches).order_by("pk")
    for line_id, number in named.values_list("match", "item__number"):
        parts.setdefault(line_id, []).append(number)
    guesses = guesses_of(list(matches.values()))
    return [_row(line, matches.get(line.pk), parts.get(line.pk, []), guesses.get(line.pk, ())) for line in found]


def _row(line: BankLine, match: BankMatch | None, items: list[str], guesses: tuple[GuessRow, ...]) -> LineRow:
    account = match.account if match else None
    return LineRow(
        id=line.pk, booked_on=line.booked_on, amount_minor=line.amount_minor, currency=line.currency,
        party=line.on_behalf_of or line.party_name, iban=line.party_iban or line.party_account,
        said=" ".join([line.reference, *line.text.split()]).strip() or line.return_reason, state=line.state,
        is_back=line.is_reversal or line.amount_minor < 0, taken_back=line.taken_back,
        outcome=match.outcome if match else "", permille=match.confidence_permille if match else 0,
        why=match.why if match else "", account_id=account.pk if account else None,
        account=account.code if account else "", account_name=account.name if account else "",
        items=tuple(items[:ITEMS_NAMED]), items_more=max(0, len(items) - ITEMS_NAMED), guesses=guesses,
        held_until_on=line.hold.until_on if line.hold and not line.hold.released_on else None,
    )  # fmt: skip


def _search(text: str, currencies: Sequence[str]) -> Q:
    """Who it came from, what they wrote, the line's own number, or its sum however it is written."""
    names = ("party_name", "on_behalf_of", "reference", "text", "end_to_end_ref")
    wanted = Q()
    for name in names:
        wanted |= Q(**{f"{name}__icontains": text})
    plain = re.sub(r"\s", "", text)
    wanted |= Q(party_iban__icontains=plain)  # people write IBANs in groups of four
    for currency in currencies:
        if minors := _minors(plain, currency):
            wanted |= Q(currency=currency, amount_minor__in=[*minors, *(-minor for minor in minors)])
    return wanted | Q(pk=int(text)) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else wanted


def _minors(text: str, currency: str) -> set[int]:
    """Read a sum as people and pages write it, but for spaces, in each way in which it can be meant.

    With a point or a comma before the cents, signs between thousands, and its currency before it or behind.
    """
    plain = text.upper().removeprefix(currency).removesuffix(currency).lstrip("-+\N{MINUS SIGN}")
    found = set()
    for form in SUMS:
        if told := re.fullmatch(form, plain, re.ASCII):
            whole = re.sub(r"\D", "", told[1])
            with suppress(MoneyError):  # more cents than the currency has
                found.add(to_minor(f"{whole}.{told[2] or 0}", currency))
    return found
