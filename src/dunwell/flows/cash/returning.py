"""Take back what a bank takes back: a debit that was returned, a transfer recalled, an entry that was reversed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from dunwell.cash.kinds import taking_back
from dunwell.cash.settings import Settings
from dunwell.engine.money import format_minor
from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.applying import CERTAIN
from dunwell.flows.cash.exceptions import answered
from dunwell.flows.cash.holding import let_go
from dunwell.flows.cash.pay import take_back
from dunwell.flows.cash.payments import take_money_back
from dunwell.flows.cash.taking_back import found_for, lines_taking_back, movement
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Conflict, FlowError, Invalid, NotFound
from dunwell.flows.plausible import require_past
from dunwell.flows.progress import Progress, untold
from dunwell.records import audit
from dunwell.records.models import (
    BANK_LINE_WAITS,
    BankLine,
    BankLineState,
    BankMatch,
    Entity,
    Payment,
)


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """What a line took back: the earlier line, or a payment that no line had brought.

    `account`: whose money it had been, if anybody's. `over_minor`: what the bank took beyond what had come, such as its
    charges; below 0: less.
    """

    line: int
    of: int | None
    payment: int | None
    account: str
    amount_minor: int
    over_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class ReturnsReport:
    """How many lines took others back by themselves, what banks charged for it by currency, and how many wait."""

    returned: int = 0
    waiting: int = 0
    over: Mapping[str, int] = field(default_factory=dict)


def return_certain(
    entity: Entity, *, settings: Settings, apply: bool = True, by: str, at: datetime, progress: Progress = untold
) -> ReturnsReport:
    """Take back what is certain; without `apply` nothing."""
    progress("looking for what banks take back")
    lines = lines_taking_back(entity, on=local_day(entity, at))
    if lines.is_empty():
        return ReturnsReport()
    found = found_for(entity, lines, settings).returns if apply else None
    done, over = 0, dict[str, int]()
    for row in found.iter_rows(named=True) if found is not None else ():
        if row["outcome"] != CERTAIN:
            continue
        try:
            back = return_line(entity, row["line_id"], of=row["of_id"], by=by, at=at)
        except (FlowError, IntegrityError):
            continue  # somebody said otherwise meanwhile: it waits
        done += 1
        if back.over_minor:
            over[back.currency] = over.get(back.currency, 0) + back.over_minor
    return ReturnsReport(returned=done, waiting=lines.height - done, over=over)


def return_line(
    entity: Entity, line_id: int, *, of: int | None = None, payment: int | None = None, by: str, at: datetime
) -> TakenBack:
    """Take back with a line the earlier line `of`, or a payment that no line had brought; neither: what is proposed.

    What the money had paid is open again, as of the day on which the bank took it; who was learned to pay from where
    stays known. Saying the same again changes nothing. Errors: NotFound; Conflict for lines that do not wait, or that
    were taken back, or where nothing is proposed; Invalid for lines that cannot be about each other.
    """
    if of is not None and payment is not None:
        raise Invalid("a line takes back one line or one payment, not both")
    if payment is not None and (match := BankMatch.objects.filter(entity=entity, payment=payment).first()):
        of, payment = match.line_id, None
    with transaction.atomic():
        if of is None and payment is None:
            of = _proposed(entity, line_id)
        line, earlier = _locked(entity, line_id, of)
        if line.returns is not None and payment is None and of in (None, line.returns_id):
            return _told(line, of=line.returns)
        _require_taking(entity, line, at)
        if payment is not None:
            return _take_back_payment(entity, line, payment, by=by, at=at)
        if earlier is None:
            raise Conflict(
                f"nobody can tell what line {line_id} takes back: say which line it is with --of LINE, "
                "or which payment with --payment NUMBER"
            )
        return _take_back_line(entity, line, earlier, by=by, at=at)


def unreturn(entity: Entity, line_id: int, *, by: str, at: datetime) -> tuple[int, ...]:
    """Let a line that takes another back wait again, and that other one with it; return both.

    Either of the two may be named. Both are only proposed from then on. What the earlier one had paid stays open until
    it is applied again; a payment that no line had brought stays taken back. Errors: NotFound; Conflict.
    """
    with transaction.atomic():
        pair = BankLine.objects.filter(entity=entity, returned_by=line_id).values_list("pk", flat=True).first()
        later = BankLine.objects.filter(entity=entity, returns=line_id).values_list("pk", flat=True).first()
        line, earlier = _locked(entity, later or line_id, line_id if later else pair)
        if line.state != BankLineState.RETURNED or line.returns_id != (earlier.pk if earlier else None):
            raise Conflict(f"line {line_id} takes nothing back, and was not taken back")
        both = [line, *([earlier] if earlier else [])]
        line.returns = None
        for each in both:
            each.state, each.taken_back = BankLineState.OPEN, True
            each.save(update_fields=["state", "taken_back", "returns"])
        audit.record(by, "line.return_undone", line, at=at, entity_id=entity.pk, of=earlier.pk if earlier else None)
    return tuple(each.pk for each in both)


def _locked(entity: Entity, line_id: int, of: int | None) -> tuple[BankLine, BankLine | None]:
    """Two lines that nobody else moves meanwhile, locked in one order whoever asks. Errors: NotFound; Invalid."""
    if line_id == of:
        raise Invalid(f"line {line_id} cannot take itself back")
    ids = [line_id] if of is None else [line_id, of]
    locked = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk__in=ids).order_by("pk")
    found = {line.pk: line for line in locked}
    for wanted in ids:
        if wanted not in found:
            raise NotFound(f"there is no bank line {wanted} of {entity.code}")
    return found[line_id], None if of is None else found[of]


def _proposed(entity: Entity, line_id: int) -> int | None:
    """The earlier line that is proposed for one that waits, if any."""
    line = BankLine.objects.filter(entity=entity, pk=line_id).first()
    if line is None or line.state not in BANK_LINE_WAITS:
        return None
    said = taking_back(movement(line))
    found = found_for(entity, said, settings_of(entity)).returns if not said.is_empty() else said
    return None if found.is_empty() else found["of_id"].item()


def _require_taking(entity: Entity, line: BankLine, at: datetime) -> None:
    """Refuse a line that takes nothing back, or does not wait. Errors: Conflict, Invalid."""
    if line.state == BankLineState.RETURNED:
        what = f"takes line {line.returns_id} back" if line.returns_id else "is taken back, or takes a payment back"
        raise Conflict(f"line {line.pk} {what}: let both wait again with `dunwell cash returned {line.pk} --back`")
    if line.amount_minor > 0 and not line.is_reversal:
        raise Invalid(f"line {line.pk} is money that came in: it takes nothing back")
    if line.state == BankLineState.SET_ASIDE:
        raise Conflict(
            f"line {line.pk} is set aside: "
            f"let it wait again first with `dunwell cash set-aside {line.pk} --reason TEXT --back`"
        )
    require_past(f"line {line.pk} takes money back", line.booked_on, entity, at)


def _take_back_line(entity: Entity, line: BankLine, earlier: BankLine, *, by: str, at: datetime) -> TakenBack:
    _require_fitting(line, earlier)
    told, was = _told(line, of=earlier), earlier.state
    match = BankMatch.objects.filter(line=earlier).select_related("payment__account", "account").first()
    if match is not None and match.payment is not None:
        told = _told(line, of=earlier, account=match.payment.account.code)
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
    _done(entity, line, told, was=was, by=by, at=at)
    return told


def _take_back_payment(entity: Entity, line: BankLine, payment_id: int, *, by: str, at: datetime) -> TakenBack:
    """Take back a payment that somebody noted, and no line had brought. Errors: those of `take_back`; Invalid."""
    locked = Payment.objects.select_for_update(no_key=True, of=("self",))  # of two lines at once, one takes it back
    payment = locked.filter(entity=entity, pk=payment_id).select_related("item__account").first()
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
        line=line.pk, of=None, payment=payment_id, account=item.account.code, amount_minor=line.amount_minor,
        over_minor=-line.amount_minor - item.amount_minor, currency=line.currency,
    )  # fmt: skip
    _done(entity, line, told, was="payment", by=by, at=at)
    return told


def _require_fitting(line: BankLine, earlier: BankLine) -> None:
    """Refuse an earlier line that the later one cannot be about. Errors: Conflict, Invalid."""
    if earlier.state == BankLineState.RETURNED:
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

    Errors: Invalid.
    """
    over = abs(line.amount_minor) - minor
    is_ordered = line.instructed_currency == line.currency and abs(line.instructed_minor or 0) == minor
    if over == 0 or abs(over) == line.charges_minor or is_ordered:
        return
    took, came = format_minor(abs(line.amount_minor), line.currency), format_minor(minor, line.currency)
    if over < 0:
        raise Invalid(
            f"line {line.pk} is {took}, and {what} {came}: money is taken back whole; "
            "where only a part is gone, unapply it, set both lines aside, and note the rest with `dunwell pay`"
        )
    if taking_back(movement(line)).is_empty():
        raise Invalid(f"line {line.pk} is {took}, and {what} {came}, and the bank does not say that it takes any back")


def _done(entity: Entity, line: BankLine, told: TakenBack, *, was: str, by: str, at: datetime) -> None:
    """Close the work that the lines had been, and put on record what was done."""
    answered([told.line, told.of or told.line], by=by, at=at)
    audit.record(
        by, "line.returned", line, at=at, entity_id=entity.pk, of=told.of, payment=told.payment, was=was,
        account=told.account, amount_minor=told.amount_minor, over_minor=told.over_minor, currency=told.currency,
        reason=line.return_reason,
    )  # fmt: skip


def _told(line: BankLine, *, of: BankLine, account: str = "") -> TakenBack:
    return TakenBack(
        line=line.pk, of=of.pk, payment=None, account=account, amount_minor=line.amount_minor,
        over_minor=abs(line.amount_minor) - abs(of.amount_minor), currency=line.currency,
    )  # fmt: skip


def _reason(line: BankLine) -> str:
    said = f": {line.return_reason}" if line.return_reason else ""
    return f"bank line {line.pk} takes it back{said}"
