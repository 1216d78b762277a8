"""A payment applied to one account of a large book, at once; the floor is its rows, written and committed alone."""

import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bench import databases
from bench.harness import measure, report

if TYPE_CHECKING:
    from dunwell.records.models import Item

AT: Final = datetime(2026, 4, 1, 12, tzinfo=UTC)
EVENTS: Final = 200
STAGES: Final = """
policy: bench
stages:
  - {stage: reminder, days_past_due: 100, send: [email]}
  - {stage: final, days_past_due: 130, send: [email]}
"""


def main(n: int = 1_000_000) -> None:
    """Measure the median of EVENTS payments on both databases: to accounts for which nothing waits, and something."""
    with databases.both() as urls:
        for name, url in urls.items():
            measure(databases.filled, url, n, times=1)
            floor = measure(bare, url, times=EVENTS, keep=statistics.median)
            report(f"event {name}: its rows alone", 1, floor)
            report(f"event {name}: a payment", 1, measure(paid, url, times=EVENTS, keep=statistics.median), floor)
            waiting = measure(paid_while_waiting, url, times=EVENTS, keep=statistics.median)
            report(f"event {name}: and a notice waits", 1, waiting, floor)


def paid(url: str) -> Callable[[], object]:
    """Prepare to pay an item of another account each time."""
    databases.open_database(url)
    return _paying(_items())


def paid_while_waiting(url: str) -> Callable[[], object]:
    """Prepare the same for items on posted notices that have not left."""
    databases.open_database(url)
    from django.conf import settings

    from bench.fill import AS_OF
    from dunwell.engine.decide import decide
    from dunwell.engine.policy.parse import parse_policy
    from dunwell.flows.policies import apply_policy
    from dunwell.flows.runs.post import post_run
    from dunwell.flows.runs.proposal import KEPT, keep
    from dunwell.records import archive, frames, models

    apply_policy(STAGES, "bench", by="bench", at=AT)
    book = frames.book(1, as_of=AS_OF)
    plan = decide(book, [parse_policy(STAGES, "bench")], AS_OF)
    digest = archive.write(settings.CONFIG.archive_dir, book, plan, about={})
    run = models.Run.objects.create(
        entity_id=1, as_of=AS_OF, proposed_at=AT, proposed_by="bench", archive_digest=digest
    )
    models.RunShard.objects.create(run=run, number=0, archive_digest=digest, is_kept=True)
    keep(run, {name: getattr(plan, name) for name in KEPT})
    post_run(run.pk, today=AS_OF, at=AT, by="bench")
    return _paying(_items(state__pending_notice_id__isnull=False))


def bare(url: str) -> Callable[[], object]:
    """Prepare the floor: the payment, what is open of its item, the ledger and the audit trail, in one transaction."""
    databases.open_database(url)
    from django.db import transaction

    from bench.fill import AS_OF
    from dunwell.records import models as m

    items = _items()

    def do() -> None:
        item = next(items)
        with transaction.atomic():
            payment = m.Item.objects.create(
                entity_id=1, account_id=item.account_id, kind="payment", currency=item.currency, number=f"F-{item.pk}",
                amount_minor=100, open_minor=0, issued_on=AS_OF, closed_on=AS_OF,
            )  # fmt: skip
            m.Payment.objects.create(item=payment, entity_id=1, received_on=AS_OF)
            m.Allocation.objects.create(source_item=payment, item=item, amount_minor=100, on=AS_OF)
            m.Item.objects.filter(pk=item.pk).update(open_minor=item.open_minor - 100)
            m.AuditEvent.objects.create(
                at=AT, actor="bench", action="payment.received", subject_type="account", subject_id=item.account_id
            )

    return do


def _paying(items: "Iterator[Item]") -> Callable[[], object]:
    from bench.fill import AS_OF
    from dunwell.flows.cash.pay import pay
    from dunwell.records.models import Entity

    entity = Entity.objects.get(pk=1)

    def do() -> None:
        item = next(items)
        pay(entity, item.account.code, amount="1.00", currency=item.currency, items=[item.number], on=AS_OF,
            by="bench", at=AT)  # fmt: skip

    return do


def _items(**which: object) -> "Iterator[Item]":
    """Open invoices, each of another account."""
    from dunwell.records.models import Item

    found = (
        Item.objects.filter(kind="invoice", open_minor__gt=100_00, **which).select_related("account").order_by("-pk")
    )
    accounts: set[int] = set()
    chosen = []
    for item in found.select_related("account").iterator():
        if item.account_id not in accounts:
            accounts.add(item.account_id)
            chosen.append(item)
        if len(chosen) > EVENTS:
            break
    return iter(chosen)
