"""A proposal: everything decided, nothing binding, and a person may look at it."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from django.conf import settings
from django.db import connection

from dunwell.flows.errors import Conflict
from dunwell.records import archive
from dunwell.records.models import AuditEvent, Charge, Delivery, ItemState, Notice, NoticeLine, Run, Task
from tests.flows.town import Town, at_home, noon


def test_a_proposal_counts_what_it_found(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "50.00 EUR", "2026-04-30")
    town.item("B-1", "SAKURA", "1000 JPY", "2026-03-31")
    run = town.propose("2026-04-03")
    assert run.counts == {
        "items": 3,
        "outcomes": {"not_due": 1, "dun": 2},
        "notices": 2,
        "stages": {"reminder": 2},
        "sums_minor": {"EUR": 10000, "JPY": 1000},
    }
    assert (run.state, run.as_of, run.proposed_by) == ("proposed", date(2026, 4, 3), "anna")
    notice = town.notice(run, "MEYER")
    assert (notice.stage, notice.total_minor, notice.state, notice.deadline_on) == (
        "reminder", 10000, "proposed", date(2026, 4, 13),
    )  # fmt: skip


def test_nothing_comes_of_a_proposal(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.propose("2026-04-20")
    assert not ItemState.objects.exists()
    assert not Delivery.objects.exists()
    assert town.outbox == []


def test_the_next_proposal_takes_the_place_of_the_one_before(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    first = town.propose("2026-04-03")
    second = town.propose("2026-04-03")
    first.refresh_from_db()
    assert (first.state, second.state) == ("superseded", "proposed")
    assert town.notice(first, "MEYER").state == "superseded"
    assert not NoticeLine.objects.filter(notice__run=first).exists()
    assert NoticeLine.objects.filter(notice__run=second, binding=True).count() == 1
    assert second.archive_digest == first.archive_digest  # the same content is kept once
    with pytest.raises(Conflict, match=f"run {first.pk} is superseded"):
        town.post(first)


def test_one_entitys_proposal_leaves_anothers_alone(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    other = Town(town.folder, "OTHER", policy=None)
    other.item("A-17", "MEYER", "30.00 EUR", "2026-03-31")
    first, second = town.propose("2026-04-03"), other.propose("2026-04-03")
    assert town.post(first).posted == other.post(second).posted == 1
    assert (first.counts["sums_minor"], second.counts["sums_minor"]) == ({"EUR": 10000}, {"EUR": 3000})


def test_without_a_policy_nothing_is_proposed(home: Path) -> None:
    bare = Town(home, policy=None)
    with pytest.raises(Conflict, match=r"no policy is in force for ACME: .*dunwell policy apply FILE"):
        bare.propose("2026-04-03")
    assert not Run.objects.exists()


def test_an_empty_book_comes_to_an_empty_run(town: Town) -> None:
    run = town.propose("2026-04-03")
    assert run.counts == {"items": 0, "outcomes": {}, "notices": 0, "stages": {}, "sums_minor": {}}
    assert (town.post(run).posted, town.deliver(run).sent) == (0, 0)


def test_a_task_is_opened_once_and_again_after_it_was_closed(town: Town) -> None:
    town.account("SILENT", email="")
    town.item("A-1", "SILENT", "100.00 EUR", "2026-03-31")
    town.item("A-2", "SILENT", "100.00 EUR", "2026-03-31")
    town.item("A-3", "MEYER", "100.00 EUR", None)
    for on in ("2026-04-03", "2026-04-04"):
        town.propose(on)
        tasks = set(Task.objects.values_list("kind", "account__code", "item__number", "opened_on"))
        assert tasks == {
            ("unreachable", "SILENT", None, date(2026, 4, 3)),
            ("exception", "MEYER", "A-3", date(2026, 4, 3)),
        }
    assert Task.objects.get(kind="exception").detail == "it has no due date"
    Task.objects.filter(kind="exception").update(closed_at=noon("2026-04-05"))
    town.propose("2026-04-06")
    assert Task.objects.filter(kind="exception").count() == 2
    assert Task.objects.filter(kind="unreachable").count() == 1


def test_what_cannot_be_decided_stops_nothing_else(town: Town) -> None:
    town.item("BAD", "MEYER", "100.00 EUR", None)
    town.item("GOOD", "MEYER", "40.00 EUR", "2026-03-31")
    town.item("OTHER", "SMITH", "40.00 EUR", "2026-03-31")
    town.item("NO-FEE", "SAKURA", "1000 JPY", "2026-03-01")
    town.run("2026-04-03")
    run = town.run("2026-04-20")  # JPY lacks a fee by now
    assert run.counts["outcomes"] == {"exception": 2, "dun": 2}
    assert {name: town.level(name) for name in ("BAD", "GOOD", "OTHER", "NO-FEE")} == {
        "BAD": 0, "GOOD": 2, "OTHER": 2, "NO-FEE": 1,
    }  # fmt: skip


def test_the_archive_holds_what_was_read_and_decided(town: Town) -> None:
    item = town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    folder = settings.CONFIG.archive_dir
    found = archive.decision(folder, run.archive_digest, item.pk, item.account_id)
    assert found is not None
    assert (found["outcome"], found["level_after"], found["dunnable_minor"]) == ("dun", 1, 10000)
    assert archive.decision(folder, run.archive_digest, item.pk + 1, item.account_id) is None
    assert archive.table(folder, run.archive_digest, "plan-notices").height == 1
    content = b"".join(path.read_bytes() for path in (folder / run.archive_digest).iterdir())
    assert b"meyer.example" not in content.lower()
    assert b"meyer gmbh" not in content.lower()
    assert pl.read_parquet(folder / run.archive_digest / "book-items.parquet")["number"].to_list() == ["A-17"]
    assert [path.name for path in folder.iterdir()] == [run.archive_digest]  # nothing half written


def test_a_proposal_is_on_record(town: Town) -> None:
    run = town.propose("2026-04-03")
    event = AuditEvent.objects.get(action="run.proposed")
    assert (event.actor, event.subject_type, event.subject_id, event.entity_id) == (
        "anna", "run", run.pk, town.entity.pk,
    )  # fmt: skip
    assert event.detail == {"as_of": "2026-04-03", "digest": run.archive_digest}


def test_a_fee_is_proposed_on_its_item(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    run = town.propose("2026-04-14")
    notice = town.notice(run, "MEYER")
    assert (notice.due_minor, notice.fee_minor, notice.total_minor) == (10000, 500, 10500)
    charge = Charge.objects.get(notice=notice)
    assert (charge.item.number, charge.amount_minor, charge.charge_item) == ("A-17", 500, None)


def test_a_date_in_the_future_can_be_looked_at(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    assert town.propose("2027-01-01").counts["stages"] == {"second_reminder": 1}
    assert Notice.objects.filter(state="proposed").count() == 1


def test_postgresql_knows_the_notices_as_soon_as_they_are_proposed(
    postgresql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home(tmp_path, monkeypatch)
    town = Town(tmp_path)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.propose("2026-04-03")
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'records_notice'")
        assert cursor.fetchone() == (1.0,)
