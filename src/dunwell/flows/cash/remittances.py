"""Advices that payers send of their own: kept once, and brought together with the bank lines that they are of."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import polars as pl
from django.db import IntegrityError, transaction
from django.db.models import Case, QuerySet, Value, When

from dunwell.cash.remittances import ADVICES, going_with, in_reach
from dunwell.cash.settings import Settings
from dunwell.engine.money import format_minor
from dunwell.flows.book.tables import mapped_by, refusing
from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.applying import line_locked
from dunwell.flows.cash.exceptions import answered
from dunwell.flows.cash.reading import debtors, known_payers, open_items, waiting_lines
from dunwell.flows.cash.statements import digest_of
from dunwell.flows.entities import account_called, local_day
from dunwell.flows.errors import Conflict, FlowError, Invalid, NotFound
from dunwell.records import audit
from dunwell.records.models import (
    BANK_LINE_WAITS,
    Account,
    BankLine,
    BankLineState,
    BankMatch,
    Entity,
    RemittanceAdvice,
)
from dunwell.sources.problems import Problems
from dunwell.sources.remittance.advice import Advice
from dunwell.sources.remittance.mapping import read_advice_mapping
from dunwell.sources.remittance.read import reader

LAPSED_DAYS: Final = 400  # after which an advice waits for no line any more
TRIES_MAX: Final = 5


@dataclass(frozen=True, kw_only=True)
class ShownAdvice:
    """An advice; `line`: the bank line that it goes with, or null as long as none is found."""

    advice: int
    file: str
    account: str
    payer: str
    reference: str
    paid_on: date | None
    total_minor: int
    currency: str
    documents: int
    line: int | None


@dataclass(frozen=True, kw_only=True)
class AdviceReport:
    """What a file brought. `is_known`: it was taken in before, and only what a person says of it was done."""

    file: str
    is_known: bool
    advices: tuple[ShownAdvice, ...]


@dataclass(frozen=True, kw_only=True)
class FoundAdvices:
    """The first advices of those asked for, and how many more there are."""

    advices: tuple[ShownAdvice, ...]
    more: int


def import_advice(
    path: Path, entity: Entity, *, account: str | None = None, mapping: Path | None = None, line: int | None = None,
    by: str, at: datetime,
) -> AdviceReport:  # fmt: skip
    """Take in what a payer says a payment is for, once, and look which bank line it goes with.

    `account`: whose it is, where the file does not say so; `line`: the bank line that a person says it goes with, also
    of a file that was taken in before; `mapping`: a file that says which column of a table is what. Errors: NotFound;
    Invalid with every problem and its place, or for a line of another sum; Conflict for a line that does not wait, or
    has documents or an advice already, and for an advice that goes with another.
    """
    layout = None if mapping is None else mapped_by(mapping, read_advice_mapping)
    about = account_called(entity, account) if account else None
    try:
        digest = digest_of(path, mapping)
        before = RemittanceAdvice.objects.filter(entity=entity, digest=digest).order_by("place")
        if before.exists():
            _say_more(before, path.name, about, line, by=by, at=at)
            return AdviceReport(file=path.name, is_known=True, advices=_shown(before.all()))
        problems = Problems(path.name)
        with refusing(path):
            found = reader(layout, currency=entity.currency)(path, problems)
            problems.refuse()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from None
    _require_one(path.name, len(found), line)
    with transaction.atomic():
        kept = [_keep(entity, advice, path.name, digest, about, by=by, at=at) for advice in found]
        if line is not None:
            _link_by_hand(kept[0], _free(entity, line), by=by, at=at)
    link_waiting(entity, on=local_day(entity, at), settings=settings_of(entity), by=by, at=at)
    return AdviceReport(file=path.name, is_known=False, advices=_shown(before.all()))


def link_waiting(entity: Entity, *, on: date, settings: Settings, by: str, at: datetime) -> int:
    """Bring advices that wait together with lines that wait, where there is no doubt; return how many."""
    asked = _waiting(entity, on=on)
    if asked.is_empty():
        return 0
    lines = waiting_lines(entity, on=on)
    taken = RemittanceAdvice.objects.filter(entity=entity, line__isnull=False).values_list("line", flat=True)
    lines = lines.filter(~pl.col("line_id").is_in(list(taken)))
    reach = in_reach(asked, lines, settings)
    if reach.is_empty():
        return 0
    items, payers = open_items(entity, on=on)
    found = going_with(
        reach, asked, lines, items=items, accounts=debtors(entity, payers), payers=known_payers(entity),
        settings=settings,
    )  # fmt: skip
    return sum(_linked(entity, *row, by=by, at=at) for row in found.iter_rows())


def advices(entity: Entity, *, most: int) -> FoundAdvices:
    """List what payers advised: what waits for its bank line first, then the newest."""
    found = RemittanceAdvice.objects.filter(entity=entity)
    count, is_linked = found.count(), Case(When(line=None, then=Value(0)), default=Value(1))
    shown = _shown(found.order_by(is_linked, "-pk")[:most])
    return FoundAdvices(advices=shown, more=max(count - most, 0))


def forget_advice(entity: Entity, number: int, *, by: str, at: datetime) -> None:
    """Forget an advice; what it said leaves its bank line. Errors: NotFound; Conflict where that is applied."""
    for _ in range(TRIES_MAX):
        with transaction.atomic():
            advice, line = _locked(entity, number)
            if advice.line_id != (line.pk if line else None):
                continue  # linked, or parted from its line, while we waited
            if line is not None and line.state == BankLineState.APPLIED:
                raise Conflict(f"line {line.pk} is applied by what the advice says: take that back first")
            if line is not None and line.documents == advice.documents:
                _say(line, [], by=by, at=at)
            audit.record(
                by, "advice.forgotten", advice, at=at, entity_id=entity.pk, file=advice.file, digest=advice.digest,
                line=advice.line_id,
            )  # fmt: skip
            advice.delete()
            return
    raise Conflict(f"advice {number} is being brought together with a bank line: try again")


def _locked(entity: Entity, number: int) -> tuple[RemittanceAdvice, BankLine | None]:
    """An advice and the line that it went with a moment ago, the line locked first, as all do. Errors: NotFound."""
    told = RemittanceAdvice.objects.filter(entity=entity, pk=number).values_list("line", flat=True).first()
    line = None if told is None else BankLine.objects.select_for_update(no_key=True).filter(pk=told).first()
    advice = RemittanceAdvice.objects.select_for_update().filter(entity=entity, pk=number).first()
    if advice is None:
        raise NotFound(f"there is no advice {number} of {entity.code}")
    return advice, line


def _require_one(file: str, count: int, line: int | None) -> None:
    """Refuse one bank line for several payments. Errors: Invalid."""
    if line is not None and count != 1:
        raise Invalid(f"{file} has {count:,} payments, and a bank line is one of them: take it in without it")


def _say_more(
    found: QuerySet[RemittanceAdvice], file: str, about: Account | None, line: int | None, *, by: str, at: datetime
) -> None:
    """Take what a person says of advices that were taken in before: whose those that wait are, and the bank line."""
    _require_one(file, len(found), line)
    with transaction.atomic():
        free = None
        if line is not None and found[0].line_id != line:
            free = _free(found[0].entity, line)
        for advice in found.select_for_update():
            is_new = about is not None and advice.account_id != about.pk
            if advice.line_id is not None and (is_new or free is not None):
                raise Conflict(
                    f"advice {advice.pk} goes with line {advice.line_id}: forget it first, then take the file in again"
                )
            if is_new and about is not None:
                advice.account = about
                advice.save(update_fields=["account"])
                audit.record(by, "advice.account_said", advice, at=at, entity_id=advice.entity_id, account=about.code)
            if free is not None:
                _link_by_hand(advice, free, by=by, at=at)
    entity = found[0].entity
    link_waiting(entity, on=local_day(entity, at), settings=settings_of(entity), by=by, at=at)


def _keep(
    entity: Entity, advice: Advice, source: str, digest: str, about: Account | None, *, by: str, at: datetime
) -> RemittanceAdvice:
    """Put an advice into the book, in the caller's transaction."""
    account = about or _customer(entity, advice.customer)
    try:
        with transaction.atomic():
            row = RemittanceAdvice.objects.create(
                entity=entity, account=account, payer_name=advice.payer_name, reference=advice.reference,
                paid_on=advice.paid_on, currency=advice.currency, total_minor=advice.total_minor,
                documents=[asdict(each) for each in advice.documents], file=source, digest=digest, place=advice.place,
                imported_at=at,
            )  # fmt: skip
    except IntegrityError:
        raise Conflict(f"{source} is being taken in by somebody else") from None
    audit.record(
        by, "advice.taken", row, at=at, entity_id=entity.pk, file=source, digest=digest, currency=row.currency,
        total_minor=row.total_minor, documents=len(advice.documents), account=account.code if account else "",
    )  # fmt: skip
    return row


def _customer(entity: Entity, code: str) -> Account | None:
    """The account of the number that the payer says it has with the creditor."""
    return Account.objects.filter(entity=entity, code=code).first() if code else None


def _waiting(entity: Entity, *, on: date) -> pl.DataFrame:
    """The advices that no line is found for yet, as ADVICES; those of long ago are not looked for any more."""
    since = datetime.combine(on - timedelta(days=LAPSED_DAYS), time(), UTC)
    rows = RemittanceAdvice.objects.filter(entity=entity, line=None, imported_at__gte=since).order_by("pk")
    return pl.DataFrame(
        [
            (
                each.pk, each.account_id, each.payer_name, each.reference, each.paid_on,
                local_day(entity, each.imported_at), each.currency, each.total_minor, each.documents,
            )
            for each in rows
        ],
        schema=ADVICES, orient="row",
    )  # fmt: skip


def _linked(entity: Entity, advice_id: int, line_id: int, sign: str, *, by: str, at: datetime) -> bool:
    """Bring two together that still wait."""
    with transaction.atomic():
        try:
            line = _free(entity, line_id)
        except FlowError:
            return False  # applied meanwhile, or said in detail by another
        advice = RemittanceAdvice.objects.select_for_update().filter(pk=advice_id, line=None).first()
        if advice is None:
            return False
        _link(advice, line, sign, by=by, at=at)
    return True


def _free(entity: Entity, line_id: int) -> BankLine:
    """A line that waits and that says nothing of documents yet, locked. Errors: NotFound; Conflict; Invalid."""
    line = line_locked(entity, line_id)
    if line.state not in BANK_LINE_WAITS:
        raise Conflict(f"line {line_id} is {line.get_state_display().lower()} already")
    if line.amount_minor <= 0 or line.is_reversal:
        raise Invalid(f"line {line_id} is no money that came in")
    if RemittanceAdvice.objects.filter(line=line).exists():
        raise Conflict(f"line {line_id} has an advice already")
    if line.documents:
        raise Conflict(f"line {line_id} says itself which documents it is for")
    return line


def _link_by_hand(advice: RemittanceAdvice, line: BankLine, *, by: str, at: datetime) -> None:
    """Let a line say what its advice says, as a person says. Errors: Invalid for another currency or sum."""
    if line.currency != advice.currency:
        raise Invalid(f"line {line.pk} is in {line.currency}, and the advice in {advice.currency}")
    kept = advice.total_minor - line.amount_minor
    at_most = settings_of(advice.entity).charges_at_most.get(line.currency, 0)
    is_told = line.instructed_minor == advice.total_minor and line.instructed_currency == line.currency
    if kept < 0 or not (is_told or kept == line.charges_minor or kept <= at_most):
        told, came, gap = (
            format_minor(minor, line.currency) for minor in (advice.total_minor, line.amount_minor, abs(kept))
        )
        raise Invalid(f"the advice is of {told} and line {line.pk} of {came}: {gap} is not said of any document")
    _link(advice, line, "person", by=by, at=at)


def _link(advice: RemittanceAdvice, line: BankLine, sign: str, *, by: str, at: datetime) -> None:
    """Let a line that says nothing of documents say what its advice says."""
    _say(line, advice.documents, by=by, at=at)
    advice.line = line
    advice.save(update_fields=["line"])
    audit.record(by, "advice.linked", advice, at=at, entity_id=line.entity_id, line=line.pk, sign=sign)


def _say(line: BankLine, documents: object, *, by: str, at: datetime) -> None:
    """Change which documents a line is for: what was found of it before is of another reading, and nobody's guess."""
    line.documents = documents
    if line.state in BANK_LINE_WAITS:
        line.state = BankLineState.OPEN
        BankMatch.objects.filter(line=line).delete()
        answered([line.pk], by=by, at=at)
    line.save(update_fields=["documents", "state"])


def _shown(found: QuerySet[RemittanceAdvice]) -> tuple[ShownAdvice, ...]:
    return tuple(
        ShownAdvice(
            advice=each.pk, file=each.file, account=each.account.code if each.account else "", payer=each.payer_name,
            reference=each.reference, paid_on=each.paid_on, total_minor=each.total_minor, currency=each.currency,
            documents=len(each.documents), line=each.line_id,
        )
        for each in found.select_related("account")
    )  # fmt: skip
