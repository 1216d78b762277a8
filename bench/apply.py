"""Bank lines matched and applied on both databases; the floor is the rows that they leave, written in bulk alone."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bench import databases
from bench.harness import measure, report

if TYPE_CHECKING:
    from dunwell.records.models import BankLine, Item

AT: Final = datetime(2026, 4, 1, 12, tzinfo=UTC)
FIRST_ON: Final = date(2026, 3, 2)
DAYS: Final = 5
AT_ONCE: Final = 100  # rows of so many lines in a transaction, as the flow has it


def main(n: int = 10_000, items: int = 100_000) -> None:
    """Measure `n` lines, each with the number of one of `items` invoices and its amount."""
    with databases.both() as urls:
        for name, url in urls.items():
            measure(databases.filled, url, items, times=1)
            measure(taken_in, url, n, times=1)
            floor = measure(bare, url, n, times=1)
            report(f"apply {name}: its rows alone", n, floor)
            report(f"apply {name}: match and apply", n, measure(applied, url, times=1), floor)


def taken_in(url: str, n: int) -> Callable[[], object]:
    """Prepare to write the lines of a statement for the second half of the invoices."""
    databases.open_database(url)
    from dunwell.records import models as m

    def run() -> None:
        account = m.BankAccount.objects.create(entity_id=1, number="DE89370400440532013000", currency="EUR")
        statement = m.BankStatement.objects.create(
            entity_id=1, account=account, kind="statement", file="bench", digest="bench", imported_at=AT
        )
        m.BankLine.objects.bulk_create(
            (_line(item, place, n, account_id=account.pk, statement_id=statement.pk)
             for place, item in enumerate(_invoices("-pk", n))),
            batch_size=500,
        )  # fmt: skip

    return run


def bare(url: str, n: int) -> Callable[[], object]:
    """Prepare the floor, on other invoices: payments, what is open, the ledger, the trail, some in a transaction."""
    databases.open_database(url)
    from django.db import transaction

    from dunwell.records import models as m

    items = _invoices("pk", n)

    def write(some: "Sequence[Item]") -> None:
        payments = m.Item.objects.bulk_create(
            m.Item(entity_id=1, account_id=item.account_id, kind="payment", currency=item.currency,
                   number=f"F-{item.pk}", amount_minor=item.open_minor, open_minor=0, issued_on=FIRST_ON,
                   closed_on=FIRST_ON)
            for item in some
        )  # fmt: skip
        m.Payment.objects.bulk_create(m.Payment(item=each, entity_id=1, received_on=FIRST_ON) for each in payments)
        m.Allocation.objects.bulk_create(
            m.Allocation(source_item=payment, item=item, amount_minor=payment.amount_minor, on=FIRST_ON)
            for payment, item in zip(payments, some, strict=True)
        )
        m.Item.objects.filter(pk__in=[item.pk for item in some]).update(open_minor=0, closed_on=FIRST_ON)
        m.AuditEvent.objects.bulk_create(
            m.AuditEvent(at=AT, actor="bench", action="payment.received", subject_type="account", entity_id=1)
            for _item in some
        )

    def run() -> None:
        for start in range(0, n, AT_ONCE):
            with transaction.atomic():
                write(items[start : start + AT_ONCE])

    return run


def applied(url: str) -> Callable[[], object]:
    """Prepare to match all lines and apply them. Errors: AssertionError where few are."""
    databases.open_database(url)
    from dunwell.flows.cash.matching import match_lines
    from dunwell.records.models import Entity

    entity = Entity.objects.get(pk=1)

    def run() -> None:
        found = match_lines(entity, by="bench", at=AT)
        assert found.applied == found.lines > 0, found

    return run


def _invoices(order: str, n: int) -> "list[Item]":
    """So many invoices in euros, whose numbers are long enough to be found in a text."""
    from dunwell.records.models import Item

    found = Item.objects.filter(kind="invoice", currency="EUR", number__regex="[0-9]{5}$").order_by(order)
    return list(found[:n])


def _line(item: "Item", place: int, n: int, *, account_id: int, statement_id: int) -> "BankLine":
    from dunwell.records.models import BankLine

    return BankLine(
        entity_id=1, account_id=account_id, statement_id=statement_id, entry_key=str(place), occurrence=0, part_no=1,
        entry_minor=item.open_minor, amount_minor=item.open_minor, currency=item.currency,
        booked_on=FIRST_ON + timedelta(days=place * DAYS // n), text=f"Rechnung {item.number}", party_name="somebody",
    )  # fmt: skip
