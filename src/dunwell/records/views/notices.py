"""The notices of a run in a list, and one with its items and what became of its messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db.models import Count, Q, QuerySet, Sum

from dunwell.engine.book import CHARGES
from dunwell.records.models import Account, Approval, Attempt, Charge, Delivery, Notice, NoticeLine

NOTICES_SHOWN: Final = 50
LINES_SHOWN: Final = 200
CHARGE_ROLES: Final = ("fee", "charge")  # of what a notice raises, and of what was raised before


@dataclass(frozen=True)
class Wanted:
    """Which notices of a run; what is empty asks for nothing. `search`: how an account begins, or part of its name."""

    stage: str = ""
    currency: str = ""
    state: str = ""
    search: str = ""

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.stage or self.currency or self.state or self.search)


@dataclass(frozen=True)
class NoticeRow:
    """A notice in a list."""

    id: int
    number: int
    run_id: int
    account_id: int
    account: str
    name: str
    stage: str
    level: int
    currency: str
    total_minor: int
    channels: str
    state: str
    reason: str
    approvals: int
    given: int
    as_of: date
    sent_on: date | None

    @property
    def lacks_approval(self) -> bool:
        """Whether it waits for somebody."""
        return self.state == "proposed" and self.given < self.approvals


@dataclass(frozen=True)
class NoticeList:
    """One page of notices; `after`: where the next one begins, if there is one."""

    notices: list[NoticeRow]
    after: int | None


@dataclass(frozen=True)
class LineRow:
    """An item on a notice; `level` None where the notice does not dun it, `charge` empty where it is no charge."""

    number: str
    kind: str
    due_on: date | None
    amount_minor: int
    role: str
    level_before: int | None
    level: int | None
    charge: str


@dataclass(frozen=True)
class DeliveryRow:
    """A message over one channel, and how its last attempt went."""

    channel: str
    recipient: str
    state: str
    sent_at: datetime | None
    attempts: int
    error: str


@dataclass(frozen=True)
class NoticePage:
    """A notice with all there is to know of it; of very many lines the first LINES_SHOWN, and how many more.

    `charged`: what of its charges is a fee, interest and compensation.
    """

    notice: NoticeRow
    policy: str
    deadline_on: date | None
    due_minor: int
    charges_minor: int
    fee_minor: int
    charged: dict[str, int]
    lines: list[LineRow]
    lines_more: int
    deliveries: list[DeliveryRow]
    approved_by: list[str]
    actions: list[str]


def notices(entity_id: int, run_id: int, wanted: Wanted, *, after: int = 0) -> NoticeList:
    """The notices of a run, in their order."""
    found = Notice.objects.filter(run_id=run_id, entity_id=entity_id, number__gt=after).filter(
        _asked(entity_id, wanted)
    )
    some = _rows(found.order_by("number")[: NOTICES_SHOWN + 1])
    more = some[NOTICES_SHOWN - 1].number if len(some) > NOTICES_SHOWN else None
    return NoticeList(some[:NOTICES_SHOWN], more)


def notices_to(entity_id: int, account_ids: list[int], *, most: int) -> list[NoticeRow]:
    """The latest notices to some accounts that are more than proposals, the latest first."""
    found = Notice.objects.filter(payer_id__in=account_ids, entity_id=entity_id)
    return _rows(found.exclude(state__in=["proposed", "superseded", "excluded"]).order_by("-pk")[:most])


def notice(entity_id: int, run_id: int, notice_id: int) -> NoticePage | None:
    """A notice of a run with its lines and messages."""
    found = Notice.objects.filter(pk=notice_id, run_id=run_id, entity_id=entity_id)
    if not (rows := _rows(found)):
        return None
    full = found.get()
    lines = NoticeLine.objects.filter(notice_id=notice_id).select_related("item").order_by("role", "item__due_on", "pk")
    some = list(lines[: LINES_SHOWN + 1])
    kinds = dict(Charge.objects.filter(charge_item__in=[line.item_id for line in some if line.role in CHARGE_ROLES])
                 .values_list("charge_item", "charge"))  # fmt: skip
    return NoticePage(
        notice=rows[0],
        policy=full.policy,
        deadline_on=full.deadline_on,
        due_minor=full.due_minor,
        charges_minor=full.charges_minor,
        fee_minor=full.fee_minor,
        charged=charged(notice_id, full.fee_minor),
        lines=[_line(line, kinds) for line in some[:LINES_SHOWN]],
        lines_more=max(lines.count() - LINES_SHOWN, 0) if len(some) > LINES_SHOWN else 0,
        deliveries=deliveries([notice_id]).get(notice_id, []),
        approved_by=sorted(full.given_approvals.values_list("by", flat=True)),
        actions=sorted(full.actions.values_list("action", flat=True)),
    )


def charged(notice_id: int, all_minor: int) -> dict[str, int]:
    """What a notice charges by its kind; what nobody has put down as anything is a fee."""
    found = Charge.objects.filter(notice=notice_id, reversed_on=None, charge__in=["interest", "compensation"])
    sums = dict(found.values("charge").annotate(n=Sum("amount_minor")).values_list("charge", "n"))
    kinds = {"fee": all_minor - sum(sums.values()), **{kind: sums.get(kind, 0) for kind in CHARGES if kind != "fee"}}
    return {kind: amount for kind, amount in kinds.items() if amount}


def duns(notice_id: int, number: str) -> bool:
    """Whether a notice asks for an item."""
    return NoticeLine.objects.filter(notice_id=notice_id, role="dunned", item__number=number).exists()


def deliveries(notice_ids: list[int]) -> dict[int, list[DeliveryRow]]:
    """The messages of some notices, by notice."""
    found = list(Delivery.objects.filter(notice_id__in=notice_ids).order_by("pk"))
    attempts: dict[int, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(delivery__in=found).order_by("number"):
        attempts.setdefault(attempt.delivery_id, []).append(attempt)
    rows: dict[int, list[DeliveryRow]] = {}
    for each in found:
        tried = attempts.get(each.pk, [])
        error = tried[-1].error if tried else ""
        row = DeliveryRow(each.channel, each.recipient, each.state, each.sent_at, len(tried), error)
        rows.setdefault(each.notice_id, []).append(row)
    return rows


def _asked(entity_id: int, wanted: Wanted) -> Q:
    asked = Q(**{name: value for name in ("stage", "currency", "state") if (value := getattr(wanted, name))})
    if wanted.search:
        called = Q(code__istartswith=wanted.search) | Q(name__icontains=wanted.search)
        # One walk through the accounts is sooner done than a look at the account of every notice.
        asked &= Q(payer__in=Account.objects.filter(called, entity_id=entity_id).values("pk"))
    return asked


def _rows(found: "QuerySet[Notice]") -> list[NoticeRow]:
    some = list(found)
    # Not by a join: where it knows too little, PostgreSQL joins every notice of the run before it takes the first ones.
    payers = Account.objects.in_bulk({row.payer_id for row in some})
    ids = [row.pk for row in some if row.approvals]
    approvals = Approval.objects.filter(notice__in=ids).values("notice").annotate(n=Count("pk"))
    given = dict(approvals.values_list("notice", "n")) if ids else {}
    return [
        NoticeRow(
            id=row.pk,
            number=row.number,
            run_id=row.run_id,
            account_id=row.payer_id,
            account=payers[row.payer_id].code,
            name=payers[row.payer_id].name,
            stage=row.stage,
            level=row.level,
            currency=row.currency,
            total_minor=row.total_minor,
            channels=row.channels,
            state=row.state,
            reason=row.reason or "",
            approvals=row.approvals,
            given=given.get(row.pk, 0),
            as_of=row.as_of,
            sent_on=row.sent_on,
        )
        for row in some
    ]


def _line(line: NoticeLine, kinds: Mapping[int, str]) -> LineRow:
    item = line.item
    charge = kinds.get(line.item_id, "fee") if line.role in CHARGE_ROLES else ""
    return LineRow(
        item.number, item.kind, item.due_on, line.amount_minor, line.role, line.level_before, line.level, charge
    )
