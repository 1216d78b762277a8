"""The journal of an entity: its charges raised, reversed, written off and owed again, and what it grants."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Final, NamedTuple

from django.db import transaction
from django.db.models import Q

from dunwell.engine.book import CHARGES
from dunwell.engine.journal import CODES, GRANTS, OUTSIDE, Line, Movement, What, journal
from dunwell.engine.law.regime import Vat
from dunwell.flows import policies
from dunwell.flows.cash.granted import grants
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.plausible import require_day
from dunwell.records import audit
from dunwell.records.connect import snapshot
from dunwell.records.models import AuditEvent, Charge, Entity, Item, Run
from dunwell.records.pieces import in_pieces
from dunwell.sources.problems import shown

KINDS: Final = (*CHARGES, *GRANTS)
VAT: Final = tuple(f"vat_{kind}" for kind in KINDS)
SETTINGS: Final = (*CODES, *VAT)
CODE_CHARS_MAX: Final = 40
WAIVED: Final[dict[str, What]] = {"charge.waived": "waived", "charge.owed_again": "owed_again"}  # by the audit trail


@dataclass(frozen=True)
class Journal:
    """The journal of an entity for some days, both counted."""

    entity: str
    from_on: date
    to_on: date
    lines: list[Line]


def journal_of(entity: Entity, from_on: date, to_on: date) -> Journal:
    """Return the journal of what was charged and granted from one day to another, as far as it is on record by now.

    A charge is of the date of its run, what is granted of the day of its bank line, what becomes of either later of the
    day on which it does. Errors: Invalid.
    """
    require_day("--from", from_on)
    require_day("--to", to_on)
    if to_on < from_on:
        raise Invalid(f"the journal ends on {to_on}, before it begins on {from_on}")
    own = settings_of(entity)
    vat = {kind: own[f"vat_{kind}"] for kind in KINDS}
    with snapshot():
        found = chain(_charged(entity, from_on, to_on), grants(entity, from_on, to_on))
        moved = [each for each in found if from_on <= each.on <= to_on]
    lines = journal(moved, codes={code: own[code] for code in CODES if own[code]}, vat=vat)
    return Journal(entity.code, from_on, to_on, lines)


def settings_of(entity: Entity) -> dict[str, str]:
    """Return the ledger accounts and VAT codes that an entity has of its own, by SETTINGS; empty where it has none."""
    return {name: str(entity.journal.get(name, "")) for name in SETTINGS}


def default_of(name: str) -> str:
    """What stands in a journal, by a name in SETTINGS, until an entity has a code of its own."""
    if name in CODES:
        return name
    return "as the law says" if name.removeprefix("vat_") in CHARGES else "none: the item's own"


def change_journal(entity: Entity, changes: Mapping[str, str], *, by: str, at: datetime) -> dict[str, str]:
    """Set what is given, by its name in SETTINGS; an empty text takes it away. Errors: Invalid."""
    found = {name: text.strip() for name, text in changes.items()}
    if wrong := [
        f"{name}: {shown(text)} is none: letters, digits and . - _ /, at most {CODE_CHARS_MAX}"
        for name, text in found.items()
        if text and not re.fullmatch(rf"\w[\w./-]{{0,{CODE_CHARS_MAX - 1}}}", text)
    ]:
        raise Invalid(f"{entity.code}: nothing is changed", wrong)
    with transaction.atomic():
        locked = Entity.objects.select_for_update(no_key=True).get(pk=entity.pk)
        changed = {name: text for name, text in found.items() if text != locked.journal.get(name, "")}
        locked.journal = {name: text for name, text in {**locked.journal, **changed}.items() if text}
        if changed:
            locked.save(update_fields=["journal"])
            audit.record(by, "entity.changed", entity, at=at, entity_id=entity.pk, journal=changed)
    entity.refresh_from_db()
    return settings_of(entity)


def _charged(entity: Entity, from_on: date, to_on: date) -> Iterator[Movement]:
    """What happened to charges, at least in these days."""
    days = (from_on, to_on)
    known = list(_charges(Q(posted_on__range=days) | Q(reversed_on__range=days), notice__entity=entity))
    law = _Law(entity)
    standing = _standing([raised.item.pk for raised in known if raised.charge.reversed_on])
    for raised in known:
        yield law.movement(raised, "raised", raised.posted_on)
        if reversed_on := raised.charge.reversed_on:
            yield law.movement(raised, "reversed", reversed_on, waived_minor=standing[raised.item.pk])
    about_midnight = timedelta(days=1)  # the day there begins at another instant
    began, ended = (datetime.combine(day, time(), UTC) for day in days)
    told = AuditEvent.objects.filter(
        action__in=WAIVED, entity=entity, at__range=(began - about_midnight, ended + 2 * about_midnight)
    )
    waivers = list(told.order_by("pk"))
    by_item = {
        raised.item.pk: raised
        for some in in_pieces(sorted({event.subject_id for event in waivers if event.subject_id}))
        for raised in _charges(charge_item__in=some)
    }
    for event in waivers:
        if event.subject_id in by_item:
            on, amount_minor = local_day(entity, event.at), int(event.detail["amount_minor"])
            yield law.movement(by_item[event.subject_id], WAIVED[event.action], on, amount_minor=amount_minor)


class _Raised(NamedTuple):
    """A charge that was posted, and the item it is since then."""

    charge: Charge
    item: Item
    posted_on: date


def _charges(*which: Q, **also: object) -> Iterator[_Raised]:
    """Charges that were posted, with what an entry names of them."""
    found = Charge.objects.filter(*which, **also).select_related("notice__run", "charge_item", "item", "account")
    for charge in found.order_by("pk"):
        if charge.charge_item and charge.posted_on:
            yield _Raised(charge, charge.charge_item, charge.posted_on)


def _standing(item_ids: Sequence[int]) -> dict[int, int]:
    """How much of charges stood written off at the end, in minor units."""
    found = dict.fromkeys(item_ids, 0)
    for some in in_pieces(item_ids):
        told = AuditEvent.objects.filter(action__in=WAIVED, subject_type="item", subject_id__in=some)
        for item_id, action, detail in told.values_list("subject_id", "action", "detail"):
            sign = 1 if WAIVED[action] == "waived" else -1
            found[int(item_id or 0)] += sign * int(detail["amount_minor"])
    return found


class _Law:
    """Knows the VAT codes of the law under which a notice was decided."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._of_runs: dict[tuple[str, ...], dict[str, Vat]] = {}

    def movement(self, raised: _Raised, what: What, on: date, **amounts: int) -> Movement:
        """What happened to a charge; without an amount it is all of it."""
        charge = raised.charge
        vat = self._of_run(charge.notice.run).get(charge.notice.policy, OUTSIDE)
        return Movement(
            on=on,
            what=what,
            document_id=raised.item.pk,
            document=raised.item.number,
            charge=charge.charge,
            account=charge.account.code,
            item=charge.item.number,
            notice_id=charge.notice_id,
            currency=charge.currency,
            vat=vat,
            **{"amount_minor": charge.amount_minor, **amounts},
        )

    def _of_run(self, run: Run) -> dict[str, Vat]:
        """By policy. Of one that can no longer be read, such as after an upgrade, what holds without a regime."""
        digests = tuple(run.policy_digests)
        if digests not in self._of_runs:
            with suppress(Invalid):
                rules = policies.parsed(policies.versions_with(digests, self._entity))
                laws = {rule.policy: rule.law.regime for rule in rules if rule.law and rule.law.regime}
                self._of_runs[digests] = {name: regime.vat for name, regime in laws.items()}
        return self._of_runs.setdefault(digests, {})
