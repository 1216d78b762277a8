"""Money that waits holds the reminders of its payer back, as far as an entity allows it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Final, TypeAlias

import polars as pl
from django.db import transaction

from dunwell.cash.payers import SURE
from dunwell.cash.settings import Settings
from dunwell.engine.steps.parties import payers as payers_of
from dunwell.flows.entities import local_day
from dunwell.flows.people.holds import hold, release
from dunwell.records import frames
from dunwell.records.models import BANK_LINE_WAITS, CAME_IN, Account, BankLine, BankMatch, Entity, Hold, Item
from dunwell.records.pieces import in_pieces

CLAIMS: Final = ("invoice", "instalment", "charge")


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """A line that waits, whose payer is known; `until_on`: through which day it may hold reminders back."""

    line_id: int
    account_id: int
    currency: str
    amount_minor: int
    until_on: date


@dataclass(frozen=True)
class _Due:
    """What a payer owes in a currency: the days on which it is due, and the sums in minor units through each."""

    days: list[date]
    sums_minor: list[int]

    def through(self, day: date) -> int:
        """What is due on a day or before, in minor units."""
        place = bisect_right(self.days, day)
        return self.sums_minor[place - 1] if place else 0


_Owed: TypeAlias = Mapping[int, Mapping[str, _Due]]  # by payer and currency


def hold_back(entity: Entity, settings: Settings, *, by: str, at: datetime) -> None:
    """Let each line that waits hold its payer's reminders back where `settings` say so, and the others no more.

    What its last match says of its payer counts, and how many days are allowed by now. A line whose hold ran out, or
    was released by a person, has had its time. Only what is not as it should be is written, a line at a time.
    """
    today = local_day(entity, at)
    in_force = BankLine.objects.filter(entity=entity, hold__released_on=None, hold__until_on__gte=today)
    columns = ("pk", "hold", "hold__account", "hold__until_on")
    held = {line: (hold_id, (account, until)) for line, hold_id, account, until in in_force.values_list(*columns)}
    wanted: dict[int, _Waiting] = {}
    if settings.hold_back_days:
        wanted = {each.line_id: each for each in _wanted(entity, settings, held, today)}
    for line_id in sorted({*held, *wanted}):
        (hold_id, is_so), want = held.get(line_id, (None, None)), wanted.get(line_id)
        if is_so != ((want.account_id, want.until_on) if want else None):
            _move(entity, line_id, hold_id, want, by=by, at=at)


def let_go(entity: Entity, line: BankLine, *, by: str, at: datetime) -> None:
    """Release what a line holds back, in the caller's transaction, which has locked it: it waits no more.

    A hold that ran out, or that a person released, stays with its line, which is not to place another.
    """
    if line.hold_id is None:
        return
    today = local_day(entity, at)
    found = Hold.objects.filter(bank_line=line, released_on=None, until_on__gte=today).first()
    if found is None:
        return
    release(entity, found.pk, on=today, by=by, at=at)
    line.hold = None
    line.save(update_fields=["hold"])


def _move(entity: Entity, line_id: int, hold_id: int | None, want: _Waiting | None, *, by: str, at: datetime) -> None:
    """Release the hold of a line, and place another where one is wanted, unless somebody was there meanwhile."""
    with transaction.atomic():
        line = BankLine.objects.select_for_update(no_key=True).filter(pk=line_id).first()
        if line is None or line.hold_id != hold_id:
            return
        let_go(entity, line, by=by, at=at)
        if want is None or line.state not in BANK_LINE_WAITS:
            return
        line.hold_id = hold(
            entity, account=Account.objects.get(pk=want.account_id).code, until=want.until_on,
            reason=f"money came in on {line.booked_on}: bank line {line.pk}",
            on=local_day(entity, at), by=by, at=at,
        )  # fmt: skip
        line.save(update_fields=["hold"])


def _wanted(entity: Entity, settings: Settings, held: Collection[int], today: date) -> Iterator[_Waiting]:
    """The lines that are to hold reminders back; `held`: those that do."""
    lines = list(_waiting(entity, settings, held, today))
    money: dict[tuple[int, str], int] = defaultdict(int)
    for line in lines:
        money[line.account_id, line.currency] += line.amount_minor
    owed = _owed({line.account_id for line in lines}, max((line.until_on for line in lines), default=today))
    for line in lines:
        due = {currency: each.through(line.until_on) for currency, each in owed.get(line.account_id, {}).items()}
        least = due.pop(line.currency, 0) * settings.hold_back_share_percent
        # A hold is on all that its payer owes: none for a sum that says nothing about a debt in another currency.
        if least and not any(due.values()) and money[line.account_id, line.currency] * 100 >= least:
            yield line


def _waiting(entity: Entity, settings: Settings, held: Collection[int], today: date) -> Iterator[_Waiting]:
    """The lines that wait and whose payer is known, without those that have had their time."""
    lines = BankLine.objects.filter(
        CAME_IN, entity=entity, state__in=BANK_LINE_WAITS, booked_on__lte=today, match__isnull=False
    )
    guessed = dict(_guessed(entity))
    columns = ("pk", "hold", "match__account", "currency", "amount_minor", "booked_on")
    for line_id, hold_id, account_id, currency, amount_minor, booked_on in lines.values_list(*columns):
        payer = account_id or guessed.get(line_id)
        if payer and (hold_id is None or line_id in held):
            yield _Waiting(
                line_id=line_id, account_id=payer, currency=currency, amount_minor=amount_minor,
                until_on=max(today, booked_on + timedelta(days=settings.hold_back_days)),
            )  # fmt: skip


def _guessed(entity: Entity) -> Iterator[tuple[int, int]]:
    """Lines of which nothing is proposed, and the one payer that all guesses name, known by its account."""
    found = BankMatch.objects.filter(
        entity=entity, outcome="exception", account=None, line__state__in=BANK_LINE_WAITS
    ).exclude(guesses=[])
    for line_id, guesses in found.values_list("line", "guesses"):
        accounts = {guess["account_id"] for guess in guesses}
        if len(accounts) == 1 and guesses[0]["why"].rpartition(",")[2] in SURE:
            yield line_id, accounts.pop()


def _owed(account_ids: Iterable[int], until: date) -> _Owed:
    """What payers owe, with all that they pay for, as far as it is due through a day."""
    accounts = {each for some in in_pieces(account_ids) for each in frames.family(some)}
    rows = [row for some in in_pieces(accounts) for row in _parents(some)]
    table = pl.DataFrame(rows, schema={"account_id": pl.Int64, "parent_id": pl.Int64}, orient="row")
    payer_of = dict(payers_of(table).select("account_id", "payer_id").iter_rows())
    found: dict[int, dict[str, dict[date, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for some in in_pieces(accounts):
        claims = Item.objects.filter(
            account__in=some, kind__in=CLAIMS, closed_on=None, draft=False, open_minor__gt=0, due_on__lte=until
        ).values_list("account", "currency", "due_on", "open_minor")
        for account_id, currency, due_on, open_minor in claims:
            if due_on:
                found[payer_of[account_id]][currency][due_on] += open_minor
    return {payer: {currency: _due(each) for currency, each in of.items()} for payer, of in found.items()}


def _parents(account_ids: list[int]) -> Iterator[tuple[int, int | None]]:
    yield from Account.objects.filter(pk__in=account_ids).values_list("pk", "parent")


def _due(by_day: Mapping[date, int]) -> _Due:
    days = sorted(by_day)
    return _Due(days, list(accumulate(by_day[day] for day in days)))
