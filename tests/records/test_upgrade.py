"""A database of an earlier release is brought to this one with what it holds."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dunwell.records.models import Entity, Run, RunShard

BEFORE_SHARDS = [("records", "0003_approvals_and_edits")]


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
