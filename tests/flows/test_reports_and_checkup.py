"""Figures over a book, and whether everything is in order."""

import shutil
from pathlib import Path

import pytest
from django.db import connection

from dunwell.flows import policies
from dunwell.flows.checkup import check_up
from dunwell.flows.entities import entity_called
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.reports.ageing import ageing_of
from dunwell.records.models import Delivery, PolicyVersion, RunShard
from tests.flows.town import POLICY, Town, at_home, day, noon


def wrong() -> dict[str, str]:
    """What is not in order."""
    return {finding.what: finding.found for finding in check_up(at=noon("2026-05-01")) if not finding.is_fine}


def test_ageing_adds_up_what_is_open_by_currency(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "20.00 EUR", "2026-01-01")
    town.item("C-1", "MEYER", "5.00 EUR", None, kind="credit")
    town.item("B-1", "SAKURA", "1000 JPY", "2026-05-01")
    town.pay("A-17", "30.00 EUR", "2026-04-01")
    Town(town.folder, "OTHER", policy=None).item("X", "MEYER", "999.00 EUR", "2026-03-31")
    rows = {row["currency"]: row for row in ageing_of(town.entity, as_of=day("2026-04-03"), today=day("2026-04-03"))}
    assert set(rows) == {"EUR", "JPY"}
    assert (rows["EUR"]["days_1_30_minor"], rows["EUR"]["days_over_90_minor"]) == (7000, 2000)
    assert (rows["EUR"]["unapplied_minor"], rows["EUR"]["total_minor"], rows["EUR"]["open_count"]) == (-500, 8500, 2)
    assert rows["JPY"]["not_due_minor"] == 1000
    assert (
        ageing_of(Town(town.folder, "EMPTY", policy=None).entity, as_of=day("2026-04-03"), today=day("2026-04-03"))
        == []
    )


def test_a_sound_book_has_nothing_wrong(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    assert wrong() == {}
    found = {finding.what: finding.found for finding in check_up(at=noon("2026-05-01"))}
    assert found["policies of ACME"] == "standard"
    assert found["book"] == "1 entities, 1 open items, 1 runs posted"
    assert found["deliveries"] == "0 waiting, 0 being sent, 0 in doubt"


def test_every_run_has_its_archives_whole(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(town.folder, monkeypatch, shard_items=1)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-17", "SMITH", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    shards = sorted(RunShard.objects.filter(run=run).values_list("archive_digest", flat=True))
    assert wrong() == {}
    folder: Path = town.folder / "archive" / shards[1]
    (folder / "plan-lines.parquet").rename(town.folder / "lines")
    assert wrong() == {
        "runs' archives": f"1 of 3 not whole; first {folder / 'plan-lines.parquet'} is missing:"
        " restore the archive from a backup"
    }
    (town.folder / "lines").rename(folder / "plan-lines.parquet")
    (folder / "manifest.json").write_text("{}")
    assert f"{folder / 'manifest.json'} was altered" in wrong()["runs' archives"]
    shutil.rmtree(town.folder / "archive" / run.archive_digest)
    assert wrong()["runs' archives"].startswith("2 of 3 not whole; first ")
    at_home(town.folder, monkeypatch, archive_retention_days=20)
    assert wrong() == {}  # it may be gone by now


def test_a_delivery_in_doubt_is_for_a_person(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    Delivery.objects.update(state="in_doubt")
    assert wrong() == {"deliveries": "0 waiting, 0 being sent, 1 in doubt"}


def test_an_entity_without_a_policy_is_told_what_to_do(home: Path) -> None:
    Town(home, policy=None)
    assert wrong() == {"policies of ACME": "none in force: dunwell policy apply FILE"}


def test_a_book_without_an_entity_yet_is_told_which_policies_are_in_force(home: Path) -> None:
    assert wrong() == {"policies": "none in force: dunwell policy apply FILE"}
    policies.apply_policy(POLICY, "standard.yaml", by="anna", at=noon("2026-01-01"))
    assert wrong() == {}
    assert {finding.what: finding.found for finding in check_up(at=noon("2026-05-01"))}["policies"] == "standard"


def test_a_policy_that_cannot_be_read_is_shown_with_its_line(town: Town) -> None:
    PolicyVersion.objects.update(text=POLICY.replace("min_gap_days", "min_gap"))
    assert "standard (version 1):2: " in wrong()["policies of ACME"]


def test_missing_migrations_end_the_list(town: Town) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'records' AND name <> '0001_tables'")
    assert "migrations missing: run dunwell init" in wrong()["database"]
    assert check_up(at=noon("2026-05-01"))[-1].what == "outbox"


def test_a_file_where_the_outbox_should_be_is_wrong(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    (town.folder / "taken").write_text("")
    at_home(town.folder, monkeypatch, outbox_dir=town.folder / "taken")
    assert set(wrong()) == {"outbox"}


def test_which_entity_is_meant(home: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no entity yet: import a book first"):
        entity_called(None)
    acme = Town(home, policy=None).entity
    assert entity_called(None) == entity_called("ACME") == acme
    Town(home, "OTHER", policy=None)
    with pytest.raises(Invalid, match=r"say which with --entity \(ACME, OTHER\)"):
        entity_called(None)
    with pytest.raises(NotFound, match="there is no entity 'NOPE'; known: ACME, OTHER"):
        entity_called("NOPE")
