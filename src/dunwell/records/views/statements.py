"""Statements that were taken in, with holes between them; and who was learned to pay from where."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from dunwell.records.models import BankStatement, KnownPayer

STATEMENTS_SHOWN: Final = 50
PAYERS_SHOWN: Final = 50
WHOLE: Final = "statement"  # a report within the day, or an advice, says no last word


@dataclass(frozen=True)
class Hole:
    """What is missing between two statements: since when, and with what the earlier one ended."""

    since_on: date
    ended_minor: int


@dataclass(frozen=True)
class StatementRow:
    """A statement; `missing_since_on`: the last day before a hole, where the one before it is missing."""

    id: int
    account: str
    currency: str
    kind: str
    name: str
    from_on: date | None
    to_on: date | None
    opening_minor: int | None
    closing_minor: int | None
    lines: int
    file: str
    at: datetime
    missing_since_on: date | None


@dataclass(frozen=True)
class StatementPage:
    """One page of statements; `before`: where the next one begins, if there is one."""

    statements: list[StatementRow]
    before: int | None


@dataclass(frozen=True)
class PayerRow:
    """Who was learned to pay from an IBAN or another account, or under a name; `line`: from which line."""

    id: int
    kind: str
    value: str
    account_id: int
    account: str
    name: str
    since_on: date
    line: int | None


@dataclass(frozen=True)
class PayerPage:
    """One page of payers; `after`: behind which one the next begins, if there is one."""

    payers: list[PayerRow]
    after: int | None


def statements(entity_id: int, *, before: int | None = None) -> StatementPage:
    """The statements of an entity, the latest taken in first."""
    found = BankStatement.objects.filter(entity_id=entity_id).select_related("account").order_by("-pk")
    if before is not None:
        found = found.filter(pk__lt=before)
    some = list(_with_before(found)[: STATEMENTS_SHOWN + 1])
    more = some[STATEMENTS_SHOWN - 1].pk if len(some) > STATEMENTS_SHOWN else None
    return StatementPage([_statement(each) for each in some[:STATEMENTS_SHOWN]], more)


def hole_before(statement_id: int) -> Hole | None:
    """What is missing before a statement, where it begins with something else than the one before it ended with."""
    return _hole(_with_before(BankStatement.objects.filter(pk=statement_id)).get())


def payers(entity_id: int, search: str = "", *, after: int = 0) -> PayerPage:
    """Who is known to pay from where, in the order in which it was learned, or those that are searched for."""
    found = KnownPayer.objects.filter(entity_id=entity_id, pk__gt=after).order_by("pk")
    if search:
        where = Q(value__icontains="".join(search.split())) | Q(value__icontains=search)
        found = found.filter(where | Q(account__code__istartswith=search) | Q(account__name__icontains=search))
    some = [_payer(each) for each in found.select_related("account")[: PAYERS_SHOWN + 1]]
    return PayerPage(some[:PAYERS_SHOWN], some[PAYERS_SHOWN - 1].id if len(some) > PAYERS_SHOWN else None)


def payer(entity_id: int, payer_id: int) -> PayerRow | None:
    """One of them by its number."""
    found = KnownPayer.objects.filter(entity_id=entity_id, pk=payer_id).select_related("account").first()
    return _payer(found) if found else None


def _with_before(found: "QuerySet[BankStatement]") -> "QuerySet[BankStatement]":
    """Statements with `before_on` and `before_minor`, of the last one before each, and `is_covered` by another.

    A hole is where what the one before it ended with is not what it begins with, and no other, of the day on which it
    begins, says what was before it, goes on past or begins with what it ended with. Of two of one day, the first that
    was taken in is the one before, and any of the last day before may be the one that it goes on from.
    """
    others = BankStatement.objects.filter(account=OuterRef("account"), kind=WHOLE, closing_minor__isnull=False)
    others = others.exclude(pk=OuterRef("pk"))
    begin, opening = OuterRef("from_on"), OuterRef("opening_minor")
    earlier = Q(to_on__lt=begin) | Q(to_on=begin, pk__lt=OuterRef("pk"))
    before = others.filter(earlier).order_by("-to_on", "-pk")
    goes_on = Q(to_on__gt=begin) | Q(opening_minor__in=[opening, OuterRef("closing_minor")]) | Q(closing_minor=opening)
    covers = others.filter(goes_on, from_on__lte=begin, to_on__gte=begin)
    found = found.annotate(
        before_on=Subquery(before.values("to_on")[:1]), before_minor=Subquery(before.values("closing_minor")[:1])
    )
    joins = others.filter(to_on=OuterRef("before_on"), closing_minor=opening)
    return found.annotate(is_covered=Exists(covers) | Exists(joins))


def _statement(each: BankStatement) -> StatementRow:
    hole = _hole(each)
    return StatementRow(
        id=each.pk, account=each.account.number, currency=each.account.currency, kind=each.kind,
        name=each.statement_id, from_on=each.from_on, to_on=each.to_on, opening_minor=each.opening_minor,
        closing_minor=each.closing_minor, lines=each.lines_count, file=each.file, at=each.imported_at,
        missing_since_on=hole.since_on if hole else None,
    )  # fmt: skip


def _hole(each: BankStatement) -> Hole | None:
    since_on: date | None = getattr(each, "before_on", None)
    ended_minor: int | None = getattr(each, "before_minor", None)
    if each.kind != WHOLE or each.opening_minor is None or since_on is None or ended_minor is None:
        return None
    is_covered: bool = getattr(each, "is_covered", False)
    return None if is_covered or ended_minor == each.opening_minor else Hole(since_on, ended_minor)


def _payer(each: KnownPayer) -> PayerRow:
    return PayerRow(
        id=each.pk, kind=each.kind, value=each.value, account_id=each.account_id, account=each.account.code,
        name=each.account.name, since_on=each.since_on, line=each.line_id,
    )  # fmt: skip
