"""Money that waits holds the reminders of its payer back, as far as an entity allows it."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from dunwell.flows.people.holds import NewHold, end, place
from dunwell.records import frames
from dunwell.records.connect import share
from dunwell.records.models import BANK_LINE_WAITS, CAME_IN, Account, BankLine, BankMatch, Entity, Hold, Item
from dunwell.records.pieces import in_pieces

AT_ONCE: Final = 100  # lines in a transaction, for which others wait
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
    was released by a person, has had its time. Only what is not as it should be is written, some lines at a time.
    """
    today = local_day(entity, at)
    in_force = BankLine.objects.filter(entity=entity, hold__released_on=None, hold__until_on__gte=today)
    columns = ("pk", "hold", "hold__account", "hold__until_on")
    held = {line: (hold_id, (account, until)) for line, hold_id, account, until in in_force.values_list(*columns)}
    wanted: dict[int, _Waiting] = {}
    if settings.hold_back_days:
        wanted = {each.line_id: each for each in _wanted(entity, settings, held, today)}
    moves: dict[int, tuple[int | None, _Waiting | None]] = {}
    for line_id in sorted({*held, *wanted}):
        (hold_id, is_so), want = held.get(line_id, (None, None)), wanted.get(line_id)
        if is_so != ((want.account_id, want.until_on) if want else None):
            moves[line_id] = (hold_id, want)
    ids = list(moves)
    for start in range(0, len(ids), AT_ONCE):
        _move(entity, {line_id: moves[line_id] for line_id in ids[start : start + AT_ONCE]}, by=by, at=at)


def let_go(entity: Entity, line: BankLine, *, by: str, at: datetime) -> None:
    """Release what a line holds back, in the caller's transaction, which has locked it: it waits no more.

    A hold that ran out, or that a person released, stays with its line, which is not to place another.
    """
    if line.hold_id is not None:
        _let_go(entity, [line], by=by, at=at)


def _move(entity: Entity, moves: Mapping[int, tuple[int | None, _Waiting | None]], *, by: str, at: datetime) -> None:
    """Release the holds of lines, and place others where they are wanted, unless somebody was there meanwhile.

    `moves`: by line, the hold that it has, and what it is to hold back.
    """
    with transaction.atomic():
        locked = BankLine.objects.select_for_update(no_key=True).filter(pk__in=moves).order_by("pk")
        lines = [line for line in locked if line.hold_id == moves[line.pk][0]]
        _lock(entity, lines, [want for _hold, want in moves.values() if want])
        _let_go(entity, [line for line in lines if line.hold_id is not None], by=by, at=at)
        wants = {line: want for line in lines if line.state in BANK_LINE_WAITS and (want := moves[line.pk][1])}
        accounts = Account.objects.in_bulk({want.account_id for want in wants.values()})
        new = [
            NewHold(accounts[want.account_id], want.until_on, f"money came in on {line.booked_on}: bank line {line.pk}")
            for line, want in wants.items()
        ]
        if not new:
            return
        for line, hold_id in zip(wants, place(entity, new, on=local_day(entity, at), by=by, at=at), strict=True):
            line.hold_id = hold_id
        BankLine.objects.bulk_update(wants, ["hold"])


def _lock(entity: Entity, lines: Sequence[BankLine], wants: Sequence[_Waiting]) -> None:
    """Lock whom lines hold back, and whom they are to, at once: who applies money of both locks them in one order."""
    held = Hold.objects.filter(bank_line__in=lines, account__isnull=False).values_list("account", flat=True)
    share(Entity, entity.pk)  # an import may be moving items between accounts
    frames.lock_payers({*held, *(want.account_id for want in wants)})


def _let_go(entity: Entity, lines: Sequence[BankLine], *, by: str, at: datetime) -> None:
    """Release what lines hold back that is in force, in the caller's transaction, which has locked them."""
    today = local_day(entity, at)
    in_force = Hold.objects.filter(bank_line__in=lines, released_on=None, until_on__gte=today)
    holds = list(in_force.select_related("account", "item").order_by("pk"))
    if not holds:
        return
    end(entity, holds, on=today, by=by, at=at)
    ended = {each.pk for each in holds}
    gone = [line for line in lines if line.hold_id in ended]
    for line in gone:
        line.hold = None
    BankLine.objects.filter(pk__in=[line.pk for line in gone]).update(hold=None)


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
