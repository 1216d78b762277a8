"""What banks take back that waits, and which earlier line, or payment without one, each is about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
from django.db.models import Count, Q, QuerySet

from dunwell.cash import kinds
from dunwell.cash.kinds import taking_back
from dunwell.cash.returns import (
    DAYS_MAX,
    GUESSES_MAX,
    MOVEMENTS,
    SHARED_MAX,
    Returned,
    amounts_sought,
    find,
    sought,
)
from dunwell.cash.settings import Settings
from dunwell.engine.book import Schema
from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.noted import CALLED, Noted, noted_like
from dunwell.records.models import BANK_LINE_WAITS, BankLine, BankLineState, BankMatch, Entity, Payment, PaymentState
from dunwell.records.pieces import in_pieces

_COLUMNS: Final = ["pk", "account_id", *(name for name in MOVEMENTS if name not in ("line_id", "bank_account_id"))]
_SIGNS: Final = ("line_id", "amount_minor", "is_reversal", "return_reason", "code", "text")
_MAY_TAKE_BACK: Final = Q(state__in=BANK_LINE_WAITS) & (Q(amount_minor__lt=0) | Q(amount_minor__gt=0, is_reversal=True))
_PARTIES: Final = ("party_iban", "party_account", "party_name")
PAYMENT: Final = "payment"  # why: a payment that no line had brought
PAYMENT_PERMILLE: Final = 400


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What a line may take back: an earlier line in a state, or a payment that no line had brought.

    `accounts`: whose money that was, where somebody knows. `why` is in the codes of docs/cash.md.
    """

    line: int | None
    payment: int | None
    booked_on: date
    amount_minor: int
    party: str
    accounts: tuple[str, ...]
    state: str
    confidence_permille: int
    why: str

    @property
    def called(self) -> str:
        """What people call it."""
        return f"line {self.line}" if self.line else f"payment {self.payment}"


@dataclass(frozen=True, kw_only=True)
class TakingBack:
    """A line that waits and takes back another: `of` is the one that is proposed, `earlier` are the guesses."""

    line: BankLine
    outcome: str
    of: int | None
    confidence_permille: int
    why: str
    earlier: tuple[Earlier, ...]


@dataclass(frozen=True, kw_only=True)
class WaitingReturns:
    """The largest lines that take others back and wait, and how many there are in all."""

    lines: tuple[TakingBack, ...]
    count: int


def waiting_returns(entity: Entity, *, most: int) -> WaitingReturns:
    """List what banks take back and nobody has dealt with, with what each may be about, the largest first."""
    back = lines_taking_back(entity)
    largest = _largest_first(back).head(most).to_list()
    return WaitingReturns(lines=tuple(_about(entity, back, largest)), count=back.height)


class GoingBack:
    """The lines of an entity that wait and take others back, looked for once, for whoever shows some of them."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._back = lines_taking_back(entity)
        self.line_ids: tuple[int, ...] = tuple(_largest_first(self._back).to_list())

    def about(self, line_ids: Collection[int]) -> dict[int, TakingBack]:
        """What each of some lines may be about, by line; a line that takes nothing back is left out."""
        asked = set(line_ids)
        some = [line_id for line_id in self.line_ids if line_id in asked]
        return {each.line.pk: each for each in _about(self._entity, self._back, some)}


def _largest_first(back: pl.DataFrame) -> pl.Series:
    return back.sort(-pl.col("amount_minor").abs(), "line_id")["line_id"]


def _about(entity: Entity, back: pl.DataFrame, some: Sequence[int]) -> list[TakingBack]:
    """What some of the lines that take others back may be about, looked for together with all of them."""
    if not some:
        return []
    found = found_for(entity, back, settings_of(entity))
    return shown(found, some)


def shown(found: Returned, line_ids: Sequence[int]) -> list[TakingBack]:
    """Show of some lines what was found, in their order, with the payments that may be it."""
    said = {row["line_id"]: row for row in found.returns.iter_rows(named=True)}
    guesses = found.guesses.filter(_one_of(line_ids)).sort("line_id", "place")
    lines = {line.pk: line for line in BankLine.objects.filter(pk__in=[*line_ids, *guesses["of_id"]])}
    accounts = _accounts_of(lines)
    by_line: dict[int, list[Earlier]] = {line_id: [] for line_id in line_ids}
    for guess in guesses.iter_rows(named=True):
        earlier = lines[guess["of_id"]]
        by_line[guess["line_id"]].append(
            Earlier(
                line=earlier.pk, payment=None, booked_on=earlier.booked_on, amount_minor=earlier.amount_minor,
                party=earlier.party_name, accounts=accounts.get(earlier.pk, ()), state=earlier.state,
                confidence_permille=guess["confidence_permille"], why=guess["why"],
            )
        )  # fmt: skip
    unsaid = [lines[each] for each in line_ids if not said[each]["of_id"] and lines[each].amount_minor < 0]
    payments = _payments_like(unsaid)
    return [_shown(lines[each], said[each], by_line[each], payments.get(each, [])) for each in line_ids]


def _accounts_of(line_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Whose payments lines are applied as; of those that wait, whose money they are, where somebody knows."""
    said = BankMatch.objects.filter(line__in=line_ids, account__isnull=False).values_list("line", "account__code")
    found = {line_id: (code,) for line_id, code in said}
    paid = Payment.objects.filter(line__in=line_ids, state=PaymentState.RECEIVED).order_by("pk")
    applied: dict[int, tuple[str, ...]] = {}
    for line_id, code in paid.values_list("line", "item__account__code"):
        applied[line_id] = (*applied.get(line_id, ()), code)
    return found | applied


def lines_taking_back(entity: Entity, *, on: date | None = None) -> pl.DataFrame:
    """The lines that wait and take back another, as far as they are booked by a day: MOVEMENTS, the earlier first."""
    waiting = BankLine.objects.filter(_MAY_TAKE_BACK, entity=entity)
    waiting = waiting.filter(booked_on__lte=on) if on else waiting
    ids = taking_back(_signs(waiting.order_by("pk")))["line_id"].to_list()
    return movements([row for some in in_pieces(ids) for row in _rows(BankLine.objects.filter(pk__in=some))])


def how_many_take_back() -> dict[int, int]:
    """How many lines of each entity wait and take back another, by entity; of one without any, nothing."""
    found = taking_back(_signs(BankLine.objects.filter(_MAY_TAKE_BACK)))
    return dict(found.group_by("entity_id").len().iter_rows())


def _signs(waiting: QuerySet[BankLine]) -> pl.DataFrame:
    """What tells of lines whether they take back others, and whose they are."""
    schema: Schema = {"entity_id": pl.Int64, **{name: MOVEMENTS[name] for name in _SIGNS}}
    rows = waiting.values_list("entity", "pk", *_SIGNS[1:]).iterator(chunk_size=10_000)
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def found_for(entity: Entity, lines: pl.DataFrame, settings: Settings) -> Returned:
    """Say which earlier line each of `lines` (MOVEMENTS) takes back, of all that have not been taken back yet."""
    ids = lines.sort("booked_on", "line_id")["line_id"].to_list()
    rows = {row[0]: row for some in in_pieces(ids) for row in _earlier(entity, lines.filter(_one_of(some)))}
    return find(lines, movements([rows[pk] for pk in sorted(rows)]), settings)


def movements(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Lines as MOVEMENTS."""
    return pl.DataFrame(rows, schema=MOVEMENTS, orient="row").sort("booked_on", "line_id")


def movement(line: BankLine) -> pl.DataFrame:
    """One line as MOVEMENTS."""
    return movements([_row(line)])


def own_money_back(entity: Entity) -> QuerySet[BankLine]:
    """The lines that wait with what we had paid, and banks sent back: no debtor paid that, unless a person says so."""
    waiting = BankLine.objects.filter(entity=entity, state__in=BANK_LINE_WAITS, amount_minor__gt=0)
    codes = kinds.own_money_back(set(waiting.values_list("code", flat=True).order_by().distinct()))
    return waiting.filter(~Q(return_reason="") | Q(code__in=codes))


def _shown(line: BankLine, said: Mapping[str, Any], guesses: list[Earlier], payments: list[Earlier]) -> TakingBack:
    """A line with its guesses; where none of them is proposed, payments that no line had brought may be it as well."""
    return TakingBack(
        line=line, outcome=str(said["outcome"]), of=said["of_id"], confidence_permille=said["confidence_permille"],
        why=said["why"], earlier=tuple([*guesses, *payments][:GUESSES_MAX]),
    )  # fmt: skip


def _payments_like(lines: Sequence[BankLine]) -> dict[int, list[Earlier]]:
    """The payments without a bank line that lines may take back, by line, the latest first."""
    sought_of = amounts_sought(movements([_row(line) for line in lines])).group_by("line_id").agg("amount_minor")
    found = noted_like(lines, dict(sought_of.iter_rows()))
    return {line_id: [_paid(each) for each in payments] for line_id, payments in found.items()}


def _paid(noted: Noted) -> Earlier:
    return Earlier(
        line=None, payment=noted.payment, booked_on=noted.received_on, amount_minor=noted.amount_minor,
        party=noted.external_id, accounts=(noted.account,), state=PaymentState.RECEIVED,
        confidence_permille=PAYMENT_PERMILLE, why=PAYMENT,
    )  # fmt: skip


def _earlier(entity: Entity, lines: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The lines of the same bank accounts that some others may take back.

    Those of an amount that many have, such as a subscription's, only where they are of the same payer or are named.
    """
    first, last = lines["booked_on"].min(), lines["booked_on"].max()
    is_free = Q(is_reversal=False) & ~Q(state=BankLineState.RETURNED)
    if (lines["amount_minor"] > 0).any():  # a reversal may be of a return that is dealt with
        is_free |= Q(amount_minor__lt=0, state=BankLineState.RETURNED, returned_by=None)
    found = BankLine.objects.filter(
        is_free, entity=entity, account__in=lines["bank_account_id"].unique().to_list(),
        booked_on__gte=first - timedelta(days=DAYS_MAX), booked_on__lte=last,  # type: ignore[operator]  # days, as the column says
    )  # fmt: skip
    what = sought(lines)
    counts = found.filter(amount_minor__in=what.amounts_minor).values_list("amount_minor").annotate(n=Count("pk"))
    many = {minor for minor, n in counts.order_by() if n > SHARED_MAX}
    like = Q(amount_minor__in=what.amounts_minor - many)
    for name in CALLED:
        like |= Q(**{f"{name}__in": what.references})
    for name in _PARTIES:
        like |= Q(amount_minor__in=many, **{f"{name}__in": set(lines[name]) - {""}})
    return _rows(found.filter(like))


def _row(line: BankLine) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in _COLUMNS)


def _rows(found: QuerySet[BankLine]) -> list[tuple[Any, ...]]:
    return list(found.order_by("pk").values_list(*_COLUMNS))


def _one_of(ids: Sequence[int]) -> pl.Expr:
    return pl.col("line_id").is_in(ids)
