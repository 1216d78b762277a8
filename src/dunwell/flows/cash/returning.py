"""Take back what a bank takes back: a debit that was returned, a transfer recalled, an entry that was reversed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, TypeAlias

import polars as pl
from django.db import IntegrityError, transaction
from django.db.models import Q

from dunwell.cash.kinds import taking_back
from dunwell.cash.returns import Returned
from dunwell.cash.settings import Settings
from dunwell.engine.money import format_minor
from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.applying import CERTAIN
from dunwell.flows.cash.exceptions import answered, ask_about_returns
from dunwell.flows.cash.holding import let_go
from dunwell.flows.cash.pay import take_back
from dunwell.flows.cash.payments import payments_of, take_money_back
from dunwell.flows.cash.taking_back import found_for, lines_taking_back, movement, shown
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Conflict, FlowError, Invalid, NotFound
from dunwell.flows.plausible import require_past
from dunwell.flows.progress import Progress, untold
from dunwell.records import audit
from dunwell.records.models import (
    BANK_LINE_WAITS,
    AuditEvent,
    BankLine,
    BankLineState,
    BankMatch,
    Entity,
    Payment,
    PaymentState,
)
from dunwell.records.pieces import in_pieces

NUMBER_MAX: Final = 2**63 - 1  # no row has a higher one
RETURNED: Final = "line.returned"
Check: TypeAlias = Callable[[BankLine], None]


def unchecked(_line: BankLine) -> None:
    """Refuse nothing."""


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What a line took back: the earlier line, or a payment that no line had brought.

    `accounts`: whose money it had been, if anybody's. `over_minor`: what the bank took beyond what had come, such as
    its charges; below 0: less. Where the earlier line had taken something back itself: `waits`, the line of that money,
    which waits again, or `note_again`, a payment that no line had brought, and that somebody has to note again.
    """

    line: int
    of: int | None
    payment: int | None
    accounts: tuple[str, ...]
    amount_minor: int
    over_minor: int
    currency: str
    waits: int | None = None
    note_again: int | None = None


@dataclass(frozen=True, kw_only=True)
class Undone:
    """The lines that wait again, the later one first; `set_aside`: the earlier one, where it had been set aside.

    `note_again`: a payment that no line had brought, and that stays taken back until somebody notes it again.
    """

    lines: tuple[int, ...]
    set_aside: int | None = None
    note_again: int | None = None


@dataclass(frozen=True, kw_only=True)
class ReturnsReport:
    """How many lines took others back by themselves, what banks charged for it by currency, and how many wait."""

    returned: int = 0
    waiting: int = 0
    over: Mapping[str, int] = field(default_factory=dict)


def return_certain(
    entity: Entity, *, settings: Settings, apply: bool = True, by: str, at: datetime, progress: Progress = untold
) -> ReturnsReport:
    """Take back what is certain; without `apply` nothing. What waits is asked of people, a task each."""
    progress("looking for what banks take back")
    today = local_day(entity, at)
    lines = lines_taking_back(entity, on=today)
    if lines.is_empty():
        return ReturnsReport()
    found = found_for(entity, lines, settings)
    certain = found.returns.filter(pl.col("outcome").cast(pl.String) == CERTAIN) if apply else found.returns.clear()
    done, over = set[int](), dict[str, int]()
    for row in certain.iter_rows(named=True):
        try:
            back = return_line(entity, row["line_id"], of=row["of_id"], by=by, at=at)
        except (FlowError, IntegrityError):
            continue  # somebody said otherwise meanwhile: it waits
        done.add(row["line_id"])
        if back.over_minor:
            over[back.currency] = over.get(back.currency, 0) + back.over_minor
    for some in in_pieces([line_id for line_id in lines["line_id"] if line_id not in done]):
        _ask(entity, found, some, on=today, by=by, at=at)
    return ReturnsReport(returned=len(done), waiting=lines.height - len(done), over=over)


def return_line(
    entity: Entity, line_id: int, *, of: int | None = None, payment: int | None = None, check: Check = unchecked,
    by: str, at: datetime,
) -> TakenBack:  # fmt: skip
    """Take back with a line the earlier line `of`, or a payment that no line had brought; neither: what is proposed.

    What the money had paid is open again, as of the day on which the bank took it; who was learned to pay from where
    stays known. Where the earlier line is a return, and this one reverses it, the money that it had taken back waits
    again. Saying the same again changes nothing. `check` is asked of the locked line first, and may refuse. Errors:
    NotFound; Conflict for lines that do not wait, or that were taken back, or where nothing is proposed; Invalid for
    lines that cannot be about each other.
    """
    if of is not None and payment is not None:
        raise Invalid("a line takes back one line or one payment, not both")
    _require_numbers(entity, line_id, of=of, payment=payment)
    paid = payment
    if payment is not None and (brought := _line_of(entity, payment)):
        of, payment = brought, None
    with transaction.atomic():
        if of is None and payment is None:
            of = _proposed(entity, line_id)
        line, earlier = _pair_locked(entity, line_id, of)
        check(line)
        if (before := _said_before(line, of=of, payment=paid)) is not None:
            return before
        _require_taking(entity, line, at)
        if payment is not None:
            return _take_back_payment(entity, line, payment, by=by, at=at)
        if earlier is None:
            raise Conflict(
                f"nobody can tell what line {line_id} takes back: say which line it is, "
                "or which payment that no line had brought"
            )
        return _take_back_line(entity, line, earlier, by=by, at=at)


def unreturn(entity: Entity, line_id: int, *, check: Check = unchecked, by: str, at: datetime) -> Undone:
    """Let a line that takes another back wait again, and that other one with it.

    Either of the two may be named. Both are only proposed from then on; an earlier one that had been set aside is so
    again. What it had paid stays open until it is applied again; a payment that no line had brought stays taken back.
    `check` is asked of the later line, locked, first. Errors: NotFound; Conflict.
    """
    _require_numbers(entity, line_id)
    with transaction.atomic():
        pair = BankLine.objects.filter(entity=entity, returned_by=line_id).values_list("pk", flat=True).first()
        later = BankLine.objects.filter(entity=entity, returns=line_id).values_list("pk", flat=True).first()
        line, earlier = _pair_locked(entity, later or line_id, line_id if later else pair)
        if line.state != BankLineState.RETURNED or line.returns_id != (earlier.pk if earlier else None):
            raise Conflict(f"line {line_id} takes nothing back, and was not taken back")
        check(line)
        said = _told_last(line)
        line.state, line.taken_back, line.returns = BankLineState.OPEN, True, None
        line.save(update_fields=["state", "taken_back", "returns"])
        if earlier:
            earlier.state, earlier.taken_back = _before(said), True
            earlier.save(update_fields=["state", "taken_back"])
        audit.record(by, "line.return_undone", line, at=at, entity_id=entity.pk, of=earlier.pk if earlier else None)
    if earlier is None:
        return Undone(lines=(line.pk,), note_again=said.get("payment"))
    if earlier.state == BankLineState.SET_ASIDE:
        return Undone(lines=(line.pk,), set_aside=earlier.pk)
    return Undone(lines=(line.pk, earlier.pk))


def _ask(entity: Entity, found: Returned, line_ids: list[int], *, on: date, by: str, at: datetime) -> None:
    """Ask people about the lines of some that wait still, with what was found of them."""
    with transaction.atomic():
        lines = BankLine.objects.select_for_update(no_key=True).filter(pk__in=line_ids, state__in=BANK_LINE_WAITS)
        waiting = list(lines.order_by("pk").values_list("pk", flat=True))
        ask_about_returns(entity, shown(found, waiting), on=on, by=by, at=at)


def _require_numbers(entity: Entity, line_id: int, *, of: int | None = None, payment: int | None = None) -> None:
    """Refuse numbers that no database can look up. Errors: NotFound."""
    for what, number in (("bank line", line_id), ("bank line", of), ("payment", payment)):
        if number is not None and abs(number) > NUMBER_MAX:
            raise NotFound(f"there is no {what} {number} of {entity.code}")


def _pair_locked(entity: Entity, line_id: int, of: int | None) -> tuple[BankLine, BankLine | None]:
    """Two lines that nobody else moves meanwhile, locked in one order whoever asks, with what the second takes back.

    Errors: NotFound; Invalid; Conflict.
    """
    if line_id == of:
        raise Invalid(f"line {line_id} cannot take itself back")
    ids = [line_id] if of is None else [line_id, of]
    first = BankLine.objects.filter(entity=entity, returned_by=of).values_list("pk", flat=True) if of else ()
    locked = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk__in=[*ids, *first])
    found = {line.pk: line for line in locked.order_by("pk")}
    for wanted in ids:
        if wanted not in found:
            raise NotFound(f"there is no bank line {wanted} of {entity.code}")
    if of is None:
        return found[line_id], None
    if found[of].returns_id not in (None, *found):
        raise Conflict(f"line {of} was just said to take another back: look at it again")
    return found[line_id], found[of]


def _line_of(entity: Entity, payment_id: int) -> int | None:
    """The line that a payment came with, as long as it stands, or its bank has taken it back."""
    found = Payment.objects.filter(entity=entity, pk=payment_id)
    is_there = Q(state=PaymentState.RECEIVED) | Q(line__state=BankLineState.RETURNED)
    return found.filter(is_there).values_list("line", flat=True).first()


def _proposed(entity: Entity, line_id: int) -> int | None:
    """The earlier line that is proposed for one that waits, if any: beside all that wait, as it is shown."""
    lines = lines_taking_back(entity)
    if line_id not in lines["line_id"]:
        return None
    found = found_for(entity, lines, settings_of(entity)).returns
    of: int | None = found.filter(pl.col("line_id") == line_id)["of_id"].item()
    return of


def _told_last(line: BankLine) -> dict[str, Any]:
    """What was put on record when a line last took something back."""
    told = AuditEvent.objects.filter(subject_type="bankline", subject_id=line.pk, action=RETURNED)
    return told.order_by("-pk").values_list("detail", flat=True).first() or {}


def _before(said: Mapping[str, Any]) -> BankLineState:
    """What becomes of an earlier line that is not taken back after all: set aside if it was; else it waits."""
    return BankLineState.SET_ASIDE if said.get("was") == BankLineState.SET_ASIDE else BankLineState.OPEN


def _said_before(line: BankLine, *, of: int | None, payment: int | None) -> TakenBack | None:
    """What a line took back, where that is what somebody says again."""
    if not _took_back(line):
        return None
    said = _told_last(line)
    paid = (said.get("payment"), *said.get("payments", ()))
    is_same = payment in paid if payment is not None else of in (None, said.get("of"))
    if not said or not is_same:
        return None
    return TakenBack(
        line=line.pk, of=said["of"], payment=None if said["of"] else said["payment"],
        accounts=tuple(said.get("accounts") or filter(None, [said.get("account")])),
        amount_minor=said["amount_minor"], over_minor=said["over_minor"], currency=said["currency"],
    )  # fmt: skip


def _took_back(line: BankLine) -> bool:
    """Whether a line takes something back, and was not taken back itself."""
    return line.state == BankLineState.RETURNED and not hasattr(line, "returned_by")


def _require_taking(entity: Entity, line: BankLine, at: datetime) -> None:
    """Refuse a line that takes nothing back, or does not wait. Errors: Conflict, Invalid."""
    if line.state == BankLineState.RETURNED:
        what = f"takes line {line.returns_id} back" if line.returns_id else "is taken back, or takes a payment back"
        raise Conflict(f"line {line.pk} {what}: let both wait again first, where that is not so")
    if line.amount_minor > 0 and not line.is_reversal:
        raise Invalid(f"line {line.pk} is money that came in: it takes nothing back")
    if line.state == BankLineState.SET_ASIDE:
        raise Conflict(f"line {line.pk} is set aside: let it wait again first, for a reason")
    require_past(f"line {line.pk} takes money back", line.booked_on, entity, at)


def _take_back_line(entity: Entity, line: BankLine, earlier: BankLine, *, by: str, at: datetime) -> TakenBack:
    _require_fitting(line, earlier)
    told, was, payments = _told(line, of=earlier), earlier.state, payments_of(earlier)
    if earlier.state == BankLineState.RETURNED:
        waits, note_again = _return_undone(entity, earlier, by=by, at=at)
        told = replace(told, waits=waits, note_again=note_again)
    match = BankMatch.objects.filter(line=earlier).first()
    if match is not None and payments:
        told = replace(told, accounts=tuple(payment.item.account.code for payment in payments))
        take_money_back(
            entity, earlier, match, reason=_reason(line), is_correction=False, on=line.booked_on, by=by, at=at
        )
    elif match is not None:
        match.delete()
    let_go(entity, earlier, by=by, at=at)
    line.returns = earlier
    for each in (earlier, line):
        each.state = BankLineState.RETURNED
        each.save(update_fields=["state", "returns"])
    _done(entity, line, told, was=was, payments=[payment.pk for payment in payments], by=by, at=at)
    return told


def _return_undone(entity: Entity, earlier: BankLine, *, by: str, at: datetime) -> tuple[int | None, int | None]:
    """Let what a return had taken back wait again: the bank itself says that it was none, so no person has to.

    Return the line that waits, or the payment that has to be noted again.
    """
    said, first = _told_last(earlier), earlier.returns
    audit.record(by, "line.return_undone", earlier, at=at, entity_id=entity.pk, of=first.pk if first else None)
    earlier.returns = None
    earlier.save(update_fields=["returns"])
    if first is None:
        return None, said.get("payment")
    first.state = _before(said)
    first.save(update_fields=["state"])
    return first.pk if first.state == BankLineState.OPEN else None, None


def _take_back_payment(entity: Entity, line: BankLine, payment_id: int, *, by: str, at: datetime) -> TakenBack:
    """Take back a payment that somebody noted, and no line had brought. Errors: those of `take_back`; Invalid."""
    payment = Payment.objects.filter(entity=entity, pk=payment_id).select_related("item__account").first()
    if payment is None:
        raise NotFound(f"there is no payment {payment_id} of {entity.code}")
    item = payment.item
    if line.amount_minor > 0:
        raise Invalid(f"line {line.pk} reverses a debit: it takes no payment back")
    if item.currency != line.currency:
        raise Invalid(f"line {line.pk} is in {line.currency}, and payment {payment_id} in {item.currency}")
    _require_amount(line, item.amount_minor, f"payment {payment_id}")
    take_back(entity, payment_id, reason=_reason(line), on=line.booked_on, by=by, at=at)
    line.state = BankLineState.RETURNED
    line.save(update_fields=["state"])
    told = TakenBack(
        line=line.pk, of=None, payment=payment_id, accounts=(item.account.code,), amount_minor=line.amount_minor,
        over_minor=-line.amount_minor - item.amount_minor, currency=line.currency,
    )  # fmt: skip
    _done(entity, line, told, was="payment", payments=[], by=by, at=at)
    return told


def _require_fitting(line: BankLine, earlier: BankLine) -> None:
    """Refuse an earlier line that the later one cannot be about. Errors: Conflict, Invalid."""
    is_reversed_return = line.amount_minor > 0 and _took_back(earlier)
    if earlier.state == BankLineState.RETURNED and not is_reversed_return:
        how = f"was taken back by line {earlier.returned_by.pk}" if hasattr(earlier, "returned_by") else "took one back"
        raise Conflict(f"line {earlier.pk} {how} already")
    if earlier.account_id != line.account_id:
        raise Invalid(f"line {earlier.pk} is of another bank account than line {line.pk}")
    if (earlier.amount_minor > 0) == (line.amount_minor > 0):
        raise Invalid(f"lines {earlier.pk} and {line.pk} went the same way: one cannot take the other back")
    if earlier.booked_on > line.booked_on:
        raise Invalid(f"line {earlier.pk} was booked on {earlier.booked_on}, after line {line.pk}")
    _require_amount(line, abs(earlier.amount_minor), f"line {earlier.pk}")


def _require_amount(line: BankLine, minor: int, what: str) -> None:
    """Refuse an amount that is not taken back whole, or more where the bank does not say that it takes anything back.

    Where it does, at most twice as much, unless it says why. Errors: Invalid.
    """
    over = abs(line.amount_minor) - minor
    is_ordered = line.instructed_currency == line.currency and abs(line.instructed_minor or 0) == minor
    if over == 0 or abs(over) == line.charges_minor or is_ordered:
        return
    took, came = format_minor(abs(line.amount_minor), line.currency), format_minor(minor, line.currency)
    if over < 0:
        raise Invalid(
            f"line {line.pk} is {took}, and {what} {came}: money is taken back whole; "
            "where only a part is gone, take back what it paid, set both lines aside, and note the rest as a payment"
        )
    if taking_back(movement(line)).is_empty():
        raise Invalid(f"line {line.pk} is {took}, and {what} {came}, and the bank does not say that it takes any back")
    if over > minor:
        raise Invalid(f"line {line.pk} is {took}, and {what} {came}: more than twice as much is no return of it")


def _done(
    entity: Entity, line: BankLine, told: TakenBack, *, was: str, payments: list[int], by: str, at: datetime
) -> None:
    """Close the work that the lines had been, and put on record what was done; `payments`: those of the earlier."""
    answered([told.line, told.of or told.line], by=by, at=at)
    audit.record(
        by, RETURNED, line, at=at, entity_id=entity.pk, of=told.of, payment=told.payment, payments=payments, was=was,
        accounts=told.accounts, amount_minor=told.amount_minor, over_minor=told.over_minor, currency=told.currency,
        reason=line.return_reason,
    )  # fmt: skip


def _told(line: BankLine, *, of: BankLine) -> TakenBack:
    return TakenBack(
        line=line.pk, of=of.pk, payment=None, accounts=(), amount_minor=line.amount_minor,
        over_minor=abs(line.amount_minor) - abs(of.amount_minor), currency=line.currency,
    )  # fmt: skip


def _reason(line: BankLine) -> str:
    said = f": {line.return_reason}" if line.return_reason else ""
    return f"bank line {line.pk} takes it back{said}"
