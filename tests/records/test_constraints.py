"""What the tables refuse, whoever writes to them."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction

from dunwell.records.models import (
    AttributeType,
    Hold,
    Item,
    Notice,
    NoticeLine,
    Payment,
    Policy,
    PolicyVersion,
    Promise,
    Run,
    Task,
)
from tests.records import sample
from tests.records.sample import DAY, NOON


@pytest.fixture
def entity_id(db: str) -> int:
    """The entity of the sample, saved."""
    entity = sample.entity()
    sample.save(sample.tables(entity.id))
    return int(entity.id)


def refused(write: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


def run(entity_id: int, state: str = "proposed") -> Run:
    return Run.objects.create(entity_id=entity_id, as_of=DAY, state=state, proposed_at=NOON, proposed_by="test")


def line(run: Run, number: int, *, version: int = 4, binding: bool = True) -> NoticeLine:
    notice = Notice.objects.create(
        run=run, number=number, entity_id=run.entity_id, payer_id=1, currency="EUR", policy="p", stage="s", level=1,
        as_of=DAY, total_minor=1,
    )  # fmt: skip
    return NoticeLine.objects.create(notice=notice, item_id=101, amount_minor=1, version=version, binding=binding)


def test_one_open_run_per_entity(entity_id: int) -> None:
    first = run(entity_id)
    refused(lambda: run(entity_id))
    refused(lambda: run(entity_id, "approved"))
    for state in ("posted", "done", "cancelled", "superseded", "reversed"):
        run(entity_id, state)
    run(sample.entity("OTHER").id)
    Run.objects.filter(pk=first.pk).update(state="superseded")
    run(entity_id)


def test_a_state_nobody_knows(entity_id: int) -> None:
    refused(lambda: run(entity_id, "finished"))


def test_one_binding_line_per_item_and_version(entity_id: int) -> None:
    posted = run(entity_id, "posted")
    first = line(posted, 1)
    line(posted, 2, binding=False)  # a proposal that was superseded is in nobody's way
    line(posted, 3, binding=False)
    refused(lambda: line(posted, 4))
    line(posted, 5, version=5)
    NoticeLine.objects.filter(pk=first.pk).update(binding=False)
    line(posted, 6)


def test_only_dunned_lines_with_a_version_bind(entity_id: int) -> None:
    first = line(run(entity_id, "posted"), 1)
    refused(lambda: NoticeLine.objects.filter(pk=first.pk).update(role="charge"))
    refused(lambda: NoticeLine.objects.filter(pk=first.pk).update(version=None))


def test_one_open_task_of_a_kind_per_subject(entity_id: int) -> None:
    def task(**subject: int | None) -> Task:
        return Task.objects.create(entity_id=entity_id, kind="call", opened_on=DAY, **subject)

    first = task(account_id=1, item_id=101)
    refused(lambda: task(account_id=1, item_id=101))
    task(account_id=1, item_id=102)
    task(account_id=1)
    refused(lambda: task(account_id=1))
    task(account_id=1, notice_id=1)
    refused(lambda: task(account_id=1, notice_id=1))
    Task.objects.filter(pk=first.pk).update(closed_at=NOON, closed_by="me")
    task(account_id=1, item_id=101)


def test_a_hold_is_on_an_account_or_an_item(entity_id: int) -> None:
    refused(lambda: Hold.objects.create(entity_id=entity_id, from_on=DAY))
    refused(lambda: Hold.objects.create(entity_id=entity_id, from_on=DAY, account_id=1, item_id=101))


def test_numbers_are_unique_where_there_is_one(entity_id: int) -> None:
    def item(number: str, kind: str) -> Item:
        return Item.objects.create(
            entity_id=entity_id, account_id=2, number=number, kind=kind, currency="EUR", amount_minor=1, open_minor=1
        )

    refused(lambda: item("A-17", "invoice"))
    item("A-17", "credit")
    item("", "payment")
    refused(lambda: item("B-1", "voucher"))


def test_amounts_are_never_negative(entity_id: int) -> None:
    refused(lambda: Item.objects.filter(pk=101).update(open_minor=-1))


def test_a_payment_comes_once_and_has_its_date(entity_id: int) -> None:
    Payment.objects.create(item_id=109, entity_id=entity_id, state="pending", external_id="bank-1")
    refused(lambda: Payment.objects.filter(pk=109).update(state="received"))
    other = Item.objects.create(
        entity_id=entity_id, account_id=2, kind="payment", currency="EUR", amount_minor=1, open_minor=1
    )
    refused(lambda: Payment.objects.create(item=other, entity_id=entity_id, received_on=DAY, external_id="bank-1"))
    Payment.objects.create(item=other, entity_id=entity_id, received_on=DAY)


def test_one_version_of_a_policy_is_in_force(entity_id: int) -> None:
    policy = Policy.objects.create(name="standard")

    def version(number: int, entity_id: int | None) -> PolicyVersion:
        return PolicyVersion.objects.create(
            policy=policy, number=number, entity_id=entity_id, text="", digest="", applied_at=NOON, applied_by="me"
        )

    version(1, None)
    refused(lambda: version(2, None))
    version(3, entity_id)
    refused(lambda: version(4, entity_id))
    PolicyVersion.objects.update(retired_at=NOON)
    refused(lambda: version(3, None))
    version(5, None)


def test_a_promise_is_not_for_the_past(entity_id: int) -> None:
    refused(lambda: Promise.objects.filter(pk=1).update(by_on="2020-01-01"))


@pytest.mark.parametrize("name", ["Region", "re gion", "1st", "x'; DROP TABLE records_item; --", ""])
def test_an_attribute_is_named_like_a_column(db: str, name: str) -> None:
    refused(lambda: AttributeType.objects.create(subject="item", name=name, type="text"))


def test_an_account_that_is_nowhere(entity_id: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():  # it is checked when the transaction ends
        Item.objects.filter(pk=101).update(account_id=12345)


def test_the_state_table_leaves_room_on_its_pages(postgresql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'records_itemstate'")
        assert cursor.fetchone() == (["fillfactor=60"],)
