"""Apply a bank line to items, as the ladder or a person says, and take that back."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

import polars as pl
from django.db import transaction

from dunwell.cash.names import plain_iban
from dunwell.engine.money import format_minor
from dunwell.flows.cash.by_payer import OfPayer, by_payer
from dunwell.flows.cash.concerned import accounts_of_items, payer_of
from dunwell.flows.cash.exceptions import answered
from dunwell.flows.cash.holding import let_go
from dunwell.flows.cash.payments import Application, granted_minor, make_payments, take_money_back
from dunwell.flows.entities import account_called, local_day
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.plausible import require_owed, require_past
from dunwell.flows.runs.explain import item_called
from dunwell.flows.runs.seen import Changed
from dunwell.records import audit, frames
from dunwell.records.connect import share
from dunwell.records.models import (
    BANK_LINE_WAITS,
    CAME_IN,
    Account,
    BankLine,
    BankLineState,
    BankMatch,
    BankMatchPart,
    Entity,
    Hold,
    Item,
    KnownPayer,
)

PERSON = "person"
CERTAIN = "apply"
SET_ASIDE = "line.set_aside"
PROPOSED = "propose"


def apply_match(entity: Entity, line_id: int, *, by: str, at: datetime) -> list[OfPayer]:
    """Apply a line as its match says, since a person agrees; return the payments, one of each payer.

    Who pays from the line's IBAN is learned, where it is the money of one payer. Waiting notices follow in the same
    transaction. Errors: NotFound; Conflict for one that is applied, or without a match, or whose items have less open
    by now.
    """
    with transaction.atomic():
        line = _line(entity, line_id, at)
        match = BankMatch.objects.filter(line=line).select_related("account").first()
        if match is None:
            raise Conflict(f"nothing was found for line {line_id}: say for which items it is, or whose account")
        (parts,) = _parts_locked(entity, [match])
        if not parts and match.account is None:
            raise Conflict(f"nobody knows whose money line {line_id} is: say it with the items, or the account")
        if short := _with_less_open(parts, Counter()):
            raise Conflict(f"less is open of {short.number} than line {line_id} was matched with")
        match.outcome = PROPOSED  # however certain it was: a person has looked at it
        match.save(update_fields=["outcome"])
        _learn(entity, line, match.account, by=by, at=at)
        application = _as_matched(line, match, parts)
        make_payments(entity, [application], by=by, at=at)
        return application.payments


def apply_certain(entity: Entity, line_ids: Collection[int], *, by: str, at: datetime) -> set[int]:
    """Apply those of some lines whose match is still certain, and of whose items enough is open; return which.

    In one transaction, in which notices follow. Errors, of any of them: Invalid for what the book refuses; Conflict for
    money that does not go where its match says, since costs went first.
    """
    with transaction.atomic():
        waiting = BankLine.objects.filter(
            CAME_IN, entity=entity, pk__in=line_ids, state__in=BANK_LINE_WAITS, taken_back=False
        )
        lines = {line.pk: line for line in waiting.select_for_update(no_key=True).order_by("pk")}
        certain = BankMatch.objects.filter(line__in=lines, outcome=CERTAIN)
        matches = list(certain.select_related("account").order_by("line__booked_on", "line"))
        taken: Counter[int] = Counter()
        applications = [
            _as_matched(lines[match.line_id], match, parts)
            for match, parts in zip(matches, _parts_locked(entity, matches), strict=True)
            if not _with_less_open(parts, taken)
        ]
        left = [each.match.left_minor for each in applications]
        make_payments(entity, applications, by=by, at=at)
        for each, left_minor in zip(applications, left, strict=True):
            if each.match.left_minor > left_minor:
                raise Conflict(f"line {each.line.pk} does not pay what it was matched with")
        return {each.line.pk for each in applications}


def apply_to(
    entity: Entity, line_id: int, *, account: str | None = None, items: Sequence[str] = (),
    seen: Collection[tuple[str, int]] = (), by: str, at: datetime,
) -> list[OfPayer]:  # fmt: skip
    """Apply a line as a person says, to items in their order, or to an account; return the payments, one of each payer.

    `account`: whose money it is. What the items do not need stays there as a credit, or else with the payer of most of
    it. Who pays from the line's IBAN is learned, where the person says so, or the items are all of one payer. `seen`:
    what the person saw open of items, by their number, in minor units. Errors: NotFound; Changed where another sum is
    open by now of one that was chosen; Conflict; Invalid for items of another currency.
    """
    with transaction.atomic():
        line = _line(entity, line_id, at)
        numbers = list(dict.fromkeys(items))
        sender = account_called(entity, account) if account else None
        if not numbers and sender is None:
            raise Invalid("say for which items the money is, or whose account it is for")
        named = {item_called(entity, number).pk for number in numbers}
        _lock(entity, named, ({sender.pk} if sender else set()) | _held_back({line_id}))
        owed = [item_called(entity, number) for number in numbers]
        for item in owed:
            require_owed(item, currency=line.currency, what="a payment")
        _require_open_as_seen(numbers, owed, seen)
        match, parts = _said(entity, line, sender or _debtor_of(owed), owed)
        _learn(entity, line, match.account, by=by, at=at)
        application = Application(line, match, by_payer(line, match, parts))
        make_payments(entity, [application], by=by, at=at)
        return application.payments


def unapply(entity: Entity, line_id: int, *, reason: str, by: str, at: datetime) -> None:
    """Take back what a line was applied to; the line waits again, and is not applied by itself any more.

    Who was learned to pay from its IBAN is forgotten. Errors: NotFound; Conflict; Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("say why: money is taken back from items for a reason")
    with transaction.atomic():
        line = line_locked(entity, line_id)
        match = BankMatch.objects.filter(line=line).first()
        if match is None or line.state != BankLineState.APPLIED:
            raise Conflict(f"line {line_id} is not applied")
        on = local_day(entity, at)
        take_money_back(entity, line, match, reason=reason, is_correction=True, on=on, by=by, at=at)
        for known in line.known_payers.select_related("account"):
            forget_payer(known, by=by, at=at)
        line.state, line.taken_back = BankLineState.OPEN, True
        line.save(update_fields=["state", "taken_back"])


def set_aside(entity: Entity, line_id: int, *, reason: str, back: bool = False, by: str, at: datetime) -> None:
    """Set a line aside that is none of ours, or let it wait again (`back`).

    Errors: NotFound; Conflict for one that does not wait, or is not set aside; Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("say why: a line is set aside for a reason, and comes back for one")
    with transaction.atomic():
        line = line_locked(entity, line_id)
        if back and line.state != BankLineState.SET_ASIDE:
            raise Conflict(f"line {line_id} is not set aside")
        if not back:
            _require_waiting(line)
        BankMatch.objects.filter(line=line).delete()
        answered([line.pk], by=by, at=at)
        line.state = BankLineState.OPEN if back else BankLineState.SET_ASIDE
        line.save(update_fields=["state"])
        let_go(entity, line, by=by, at=at)
        what = "line.taken_up" if back else SET_ASIDE
        audit.record(by, what, line, at=at, entity_id=entity.pk, reason=reason)


def line_locked(entity: Entity, line_id: int) -> BankLine:
    """A line that nobody else moves meanwhile. Errors: NotFound."""
    line = BankLine.objects.select_for_update(no_key=True).filter(entity=entity, pk=line_id).first()
    if line is None:
        raise NotFound(f"there is no bank line {line_id} of {entity.code}")
    return line


def _require_waiting(line: BankLine) -> None:
    """Refuse a line that is applied, or set aside. Errors: Conflict."""
    if line.state not in BANK_LINE_WAITS:
        raise Conflict(f"line {line.pk} is {line.get_state_display().lower()} already")


def _line(entity: Entity, line_id: int, at: datetime) -> BankLine:
    """A line that waits, locked. Errors: NotFound; Conflict; Invalid for money that went out."""
    line = line_locked(entity, line_id)
    _require_waiting(line)
    if line.amount_minor <= 0 or line.is_reversal:
        raise Invalid(f"line {line_id} is no money that came in")
    require_past(f"line {line_id} is applied", line.booked_on, entity, at)
    return line


def _debtor_of(owed: Sequence[Item]) -> Account | None:
    """The account of the first of some items, where they are all of one payer."""
    payers = set(payer_of(item.account_id for item in owed).values())
    return owed[0].account if len(payers) == 1 else None


def _said(
    entity: Entity, line: BankLine, about: Account | None, owed: Sequence[Item]
) -> tuple[BankMatch, list[BankMatchPart]]:
    """Keep what a person says of a line: whose money it is, and which items it pays, the first first.

    Errors: Conflict where nothing is open of any of them.
    """
    BankMatch.objects.filter(line=line).delete()
    match = BankMatch(
        entity=entity, line=line, step=PERSON, outcome=CERTAIN, confidence_permille=1000, account=about, why=PERSON,
        applied_minor=0, left_minor=0,
    )  # fmt: skip
    left, parts = line.amount_minor, []
    for item in owed:
        amount = min(left, item.open_minor)
        left -= amount
        if amount:
            parts.append(BankMatchPart(entity=entity, match=match, item=item, amount_minor=amount))
    if owed and not parts:
        raise Conflict(f"nothing is open of {', '.join(item.number for item in owed)}: it has been paid meanwhile")
    match.applied_minor, match.left_minor = line.amount_minor - left, left
    match.save()
    BankMatchPart.objects.bulk_create(parts)
    return match, parts


def _require_open_as_seen(numbers: Sequence[str], owed: Sequence[Item], seen: Collection[tuple[str, int]]) -> None:
    """Errors: Changed, where of an item another sum is open than somebody saw, who has chosen it."""
    now = dict(zip(numbers, owed, strict=True))
    for number, seen_minor in seen:
        item = now.get(number)
        if item is not None and item.open_minor != seen_minor:
            is_open, was = format_minor(item.open_minor, item.currency), format_minor(seen_minor, item.currency)
            raise Changed(f"{was} was open of {number} when you looked, and {is_open} is by now: look again")


def _as_matched(line: BankLine, match: BankMatch, parts: Sequence[BankMatchPart]) -> Application:
    """A line as its match says: the money of its account, or of the payers of its items, which were found together."""
    if match.account is None:
        return Application(line, match, by_payer(line, match, parts))
    return Application(line, match, [OfPayer(match.account, line.amount_minor, parts)])


def _parts_locked(entity: Entity, matches: Sequence[BankMatch]) -> list[list[BankMatchPart]]:
    """What lines are for, each's, as it is open now, and nobody else moves meanwhile."""
    parts = BankMatchPart.objects.filter(match__in=matches).order_by("pk")
    accounts = {match.account_id for match in matches if match.account_id is not None}
    accounts |= _held_back({match.line_id for match in matches})
    _lock(entity, set(parts.values_list("item_id", flat=True)), accounts)
    of_match: dict[int, list[BankMatchPart]] = {match.line_id: [] for match in matches}
    for part in parts.select_related("item"):
        of_match[part.match_id].append(part)
    return list(of_match.values())


def _held_back(line_ids: Collection[int]) -> set[int]:
    """The accounts that lines hold back: what follows when they are let go moves with the rest."""
    return set(Hold.objects.filter(bank_line__in=line_ids, account__isnull=False).values_list("account", flat=True))


def _with_less_open(parts: Sequence[BankMatchPart], taken: Counter[int]) -> Item | None:
    """The first item of which less is open than a line wants, beside what others have `taken`; else it takes that."""
    wanted = {part.item: abs(part.amount_minor) + granted_minor(part) for part in parts}
    for item, minor in wanted.items():
        if item.open_minor < minor + taken[item.pk]:
            return item
    taken.update({item.pk: minor for item, minor in wanted.items()})
    return None


def _lock(entity: Entity, item_ids: set[int], account_ids: set[int]) -> None:
    """Let nobody else move what these items and accounts owe, until the transaction ends."""
    share(Entity, entity.pk)  # an import may be moving items between accounts
    frames.lock_payers(accounts_of_items(item_ids) | account_ids)


def _learn(entity: Entity, line: BankLine, account: Account | None, *, by: str, at: datetime) -> None:
    """Remember who pays from the line's IBAN: nobody, where it is for several payers and no one says whose it is."""
    if not line.party_iban or account is None:
        return
    value = pl.select(plain_iban(pl.lit(line.party_iban))).item()
    _known, is_new = KnownPayer.objects.get_or_create(
        entity=entity, kind="iban", value=value, account=account,
        defaults={"since_on": local_day(entity, at), "line": line},
    )  # fmt: skip
    if is_new:
        audit.record(by, "payer.learned", account, at=at, entity_id=entity.pk, kind="iban", value=value, line=line.pk)


def forget_payer(known: KnownPayer, *, by: str, at: datetime) -> None:
    """Forget that somebody pays from somewhere, in the caller's transaction."""
    detail = {"kind": known.kind, "value": known.value}
    audit.record(by, "payer.forgotten", known.account, at=at, entity_id=known.entity_id, **detail)
    known.delete()
