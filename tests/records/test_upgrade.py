"""A database of an earlier release is brought to this one with what it holds."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dunwell.records.models import Charge, Entity, Run, RunShard

BEFORE_SHARDS = [("records", "0003_approvals_and_edits")]
BEFORE_CHARGES = [("records", "0012_listed_and_waived")]


def test_runs_of_before_have_one_shard(db: str) -> None:
    MigrationExecutor(connection).migrate(BEFORE_SHARDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO records_entity"
            " (id, code, name, currency, country, language, time_zone, promise_tolerance_days)"
            " VALUES (1, 'ACME', 'Acme', 'EUR', '', 'en', 'UTC', 0)"
        )
        columns = (
            "entity_id, as_of, state, proposed_at, proposed_by, posted_at, posted_by, archive_digest, policy_digests,"
            " counts, reason, guard"
        )
        for state, posted in (("proposed", "NULL"), ("done", "'2026-04-03 12:00:00'")):
            cursor.execute(
                f"INSERT INTO records_run ({columns})"
                f" VALUES (1, '2026-04-03', '{state}', '2026-04-03 12:00:00', 'anna', {posted}, '', 'abc', '[]',"
                " '{}', '', '')"
            )
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("records"))
    entity = Entity.objects.get()
    assert (entity.run_at, entity.iban) == (None, "")
    assert set(Run.objects.values_list("shards", "by_workers")) == {(1, False)}
    shards = RunShard.objects.order_by("run").values_list("number", "archive_digest", "is_kept", "is_posted")
    assert list(shards) == [(0, "abc", True, False), (0, "abc", True, True)]


@pytest.mark.parametrize(
    ("was", "reversed_on"),
    [
        (("sent", "fee", None, 0), None),
        (("sent", "fee", date(2026, 4, 9), 500), None),
        (("posted", "fee", None, 0), None),
        (("sent", "withdrawn", date(2026, 4, 4), 0), date(2026, 4, 4)),
        (("sent", "withdrawn", date(2026, 4, 4), 500), None),
        (("withdrawn", "fee", date(2026, 4, 5), 0), date(2026, 4, 5)),
        (("failed", "fee", None, 0), date(2026, 4, 3)),
    ],
)
def test_fees_of_before_stand_unless_they_were_taken_off(
    db: str, was: tuple[str, str, date | None, int], reversed_on: date | None
) -> None:
    state, role, closed_on, paid_minor = was
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE_CHARGES)
    past = executor.loader.project_state(BEFORE_CHARGES).apps

    def add(model: str, **fields: object) -> int:
        return int(past.get_model("records", model).objects.create(**fields).pk)

    on, paid = date(2026, 4, 3), {"currency": "EUR", "amount_minor": 500}
    entity = add("Entity", code="ACME", name="Acme", currency="EUR")
    account = {"account_id": add("Account", entity_id=entity, code="MEYER", name="Meyer")}
    item = {"entity_id": entity, **account, "currency": "EUR"}
    invoice = add("Item", number="A-1", kind="invoice", amount_minor=10000, open_minor=10000, due_on=on, **item)
    fee = add(
        "Item", number="FEE-1", kind="charge", parent_id=invoice, amount_minor=500, open_minor=0, closed_on=closed_on,
        **item,
    )  # fmt: skip
    payment = add("Item", number="", kind="payment", amount_minor=500, open_minor=0, **item)
    run = add("Run", entity_id=entity, as_of=on, state="done", proposed_at=datetime(2026, 4, 3, 12, tzinfo=UTC))
    notice = add(
        "Notice", run_id=run, number=1, entity_id=entity, payer_id=account["account_id"], currency="EUR", policy="p",
        stage="first", level=1, as_of=on, total_minor=10500, state=state,
    )  # fmt: skip
    add("NoticeLine", notice_id=notice, item_id=fee, role=role, amount_minor=0 if role == "withdrawn" else 500)
    add("ProposedCharge", notice_id=notice, item_id=invoice, stage="first", charge_item_id=fee, **account, **paid)
    add("ProposedCharge", notice_id=notice, item_id=fee, stage="first", **account, **paid)  # proposed alone
    if paid_minor:
        add("Allocation", source_item_id=payment, item_id=fee, amount_minor=paid_minor, on=on)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("records"))
    charges = Charge.objects.order_by("pk").values_list("charge", "posted_on", "reversed_on", "first")
    assert list(charges) == [("fee", on, reversed_on, False), ("fee", None, None, False)]
