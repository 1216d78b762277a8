"""What policies would change on the live book: as a run would decide it, and without a trace."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from django.apps import apps
from django.db import connection

from dunwell.engine.policy.parse import parse_policy
from dunwell.flows.cash.pay import pay
from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.people.contacts import note_contact
from dunwell.flows.policy_plan import Change, Draft, Planned, entities_meant, plan_policies
from dunwell.flows.progress import Progress, untold
from dunwell.records.connect import is_postgresql
from dunwell.records.models import Entity, Notice, PolicyVersion, Run
from tests.flows.town import POLICY, Town, at_home, day, noon

LATER = POLICY.replace("days_past_due: 3,", "days_past_due: 5,").replace("fee: {EUR: 5.00}", "fee: {EUR: 7.50}")
LAWFUL = """\
policy: standard
interest: {rate: 7.3}
stages:
  - {stage: reminder, days_past_due: 3, interest: true, send: [email]}
"""
GENTLE = """\
policy: gentle
priority: 50
applies_to: "segment = 'key'"
stages: [{stage: greeting, days_past_due: 1, send: [email]}]
"""
ON = "2026-04-14"


@pytest.fixture
def busy(town: Town) -> Town:
    """One item each: two weeks late and reminded of, four days late, two weeks late, not due, and of a key account."""
    town.item("R-1", "MILLER", "300.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    town.account("MEYER", segment="smb")
    town.account("KEY", segment="key")
    town.item("A-1", "MEYER", "100.00 EUR", "2026-04-10")
    town.item("B-1", "SMITH", "200.00 EUR", "2026-03-31")
    town.item("C-1", "JONES", "400.00 EUR", "2026-05-31")
    town.item("K-1", "KEY", "500.00 EUR", "2026-04-12")
    return town


def draft(text: str, source: str = "p.yaml") -> Draft:
    return Draft(source, text, parse_policy(text, source))


def planned(
    *texts: str, on: str = ON, retired: tuple[str, ...] = (), of: Entity | None = None, progress: Progress = untold
) -> Planned:
    """The plan for what is in these files, for every entity or one."""
    asked = [of] if of else entities_meant(None)[1]
    drafts = [draft(text, f"{number}.yaml") for number, text in enumerate(texts, 1)]
    return plan_policies(Change(drafts, retired, of), [(each, day(on)) for each in asked], progress=progress)


def fees(run: Run) -> int:
    return sum(Notice.objects.filter(run=run).exclude(state="superseded").values_list("fee_minor", flat=True))


def test_before_is_what_is_proposed_now_and_after_what_is_proposed_once_it_is_applied(busy: Town) -> None:
    found = planned(LATER, GENTLE).difference
    for when in ("before", "after"):
        run = busy.propose(ON)
        assert found.notices[f"notices_{when}"].sum() == run.counts["notices"]
        stages = found.notices.group_by("stage").agg(pl.col(f"notices_{when}").sum()).filter(pl.last() > 0)
        assert dict(stages.iter_rows()) == run.counts["stages"]
        outcomes = found.outcomes.group_by("outcome").agg(pl.col(f"items_{when}").sum()).filter(pl.last() > 0)
        assert dict(outcomes.iter_rows()) == run.counts["outcomes"]
        assert found.charges[f"{when}_minor"].sum() == fees(run)
        busy.apply(LATER)
        busy.apply(GENTLE)


def test_who_hears_something_else_is_listed(busy: Town) -> None:
    found = planned(LATER, GENTLE)
    told = [(row["account"], row["hears"], row["stages_before"], row["stages_after"]) for row in found.rows("accounts")]
    assert sorted(told) == [
        ("KEY", "newly", None, "greeting"),
        ("MEYER", "no_more", "reminder", None),
        ("MILLER", "otherwise", "second_reminder", "second_reminder"),
    ]
    (charged,) = found.rows("charges")
    assert (charged["entity"], charged["before_minor"], charged["after_minor"]) == ("ACME", 500, 750)
    moved = {row["number"]: (row["policy_after"], row["stage_changes"]) for row in found.rows("items")}
    assert moved == {
        "R-1": ("standard", False),
        "A-1": ("standard", True),
        "C-1": ("standard", False),  # its day moves
        "K-1": ("gentle", True),
    }


def test_the_policy_in_force_changes_nothing_and_nothing_is_decided(busy: Town) -> None:
    steps: list[str] = []
    found = planned(POLICY, progress=lambda step, _done=0, _total=0: steps.append(step))
    assert (steps, found.difference.is_empty, found.difference.groups.height) == ([], True, 0)
    (told,) = found.entities
    assert (told.is_concerned, told.same) == (False, {"standard": 1})


def test_words_that_mean_the_same_are_decided_and_change_nothing(busy: Town) -> None:
    found = planned(POLICY + "title: The same\n")
    assert found.entities[0].replaced == {"standard": 1}
    assert (found.difference.is_empty, found.difference.groups["items"].sum()) == (True, 5)


def test_entities_with_a_version_of_their_own_keep_it_unless_they_are_meant(busy: Town) -> None:
    other = Town(busy.folder, "OTHER", policy=None)
    other.item("O-1", "MEYER", "100.00 EUR", "2026-04-10")
    other.apply(POLICY + "title: Our own\n", own=True)
    acme, own = planned(LATER).entities
    assert (acme.entity, acme.replaced, acme.kept) == ("ACME", {"standard": 1}, {})
    assert (own.entity, own.is_concerned, own.kept) == ("OTHER", False, {"standard": 2})
    (alone,) = planned(LATER, of=other.entity).entities
    assert (alone.entity, alone.replaced) == ("OTHER", {"standard": 2})
    (acme_alone,) = planned(LATER, of=busy.entity).entities
    assert (acme_alone.entity, acme_alone.replaced) == ("ACME", {"standard": 1})


def test_without_a_policy_what_it_applied_to_has_none(busy: Town) -> None:
    found = planned(retired=("standard",))
    assert found.entities[0].retired == {"standard": 1}
    assert sum(row["items_after"] for row in found.rows("outcomes") if row["outcome"] == "no_policy") == 5
    assert found.difference.notices["notices_after"].sum() == 0


def test_an_entity_that_retires_its_own_version_uses_that_for_every_one(busy: Town) -> None:
    busy.apply(LATER, own=True)
    found = planned(retired=("standard",), of=busy.entity)
    assert found.entities[0].retired == {"standard": 2}
    rows = {row["account"]: row["hears"] for row in found.rows("accounts")}
    assert rows == {"MEYER": "newly", "MILLER": "otherwise"}
    (kept,) = planned(retired=("standard",)).entities
    assert (kept.is_concerned, kept.kept) == (False, {"standard": 2})


def test_what_cannot_be_a_change_is_refused(busy: Town) -> None:
    with pytest.raises(NotFound, match="no policy 'gentle' for every entity is in force; in force: standard"):
        planned(retired=("gentle",))
    with pytest.raises(Invalid, match=r"1\.yaml and 2\.yaml are both about the policy standard"):
        planned(POLICY, LATER)
    with pytest.raises(Invalid, match=r"1\.yaml and --retire are both about the policy standard"):
        planned(LATER, retired=("standard",))
    PolicyVersion.objects.update(text="policy: standard\nstages: []\n")
    with pytest.raises(Invalid, match="a policy in force can no longer be read"):
        planned(LATER)


def test_a_tie_is_told_of_where_both_would_decide(busy: Town) -> None:
    (said,) = planned(GENTLE.replace("priority: 50", "priority: 100")).ties
    assert said.startswith("1.yaml: priority: standard is in force with the same priority, 100")
    assert planned(GENTLE.replace("priority: 50", "priority: 100"), LATER + "priority: 90\n").ties == []


def test_a_day_before_the_last_posted_run_and_one_to_come_can_be_looked_at(busy: Town) -> None:
    busy.run(ON)
    assert planned(LATER, on="2026-04-01").difference.groups["items"].sum() == 6  # with the fee that was charged
    assert planned(LATER, on="2030-01-01").difference.groups["items"].sum() == 6


def test_an_entity_without_items_and_a_book_without_entities_change_in_nothing(home: Path) -> None:
    found = planned(LATER)
    assert (found.entities, found.difference.is_empty) == ([], True)
    empty = Town(home, "EMPTY", policy=None)
    found = planned(LATER)
    assert (found.entities[0].added, found.difference.is_empty) == (["standard"], True)
    assert found.difference.groups.height == 0
    assert Run.objects.filter(entity=empty.entity).count() == 0


def test_shards_come_to_the_same_as_the_whole(busy: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = planned(LATER, GENTLE)
    at_home(busy.folder, monkeypatch, shard_items=2)
    told: list[tuple[str, int, int]] = []
    parts = planned(LATER, GENTLE, progress=lambda step, done=0, total=0: told.append((step, done, total)))
    for name in ("items", "groups", "outcomes", "moves", "notices", "charges", "tasks", "accounts"):
        assert parts.rows(name) == whole.rows(name)
    assert told[0] == ("reading the book of ACME (1 of 3)", 0, 12)
    assert [done for _step, done, _total in told] == list(range(12))


def test_a_policy_that_charges_by_law_knows_what_was_paid_meanwhile(busy: Town) -> None:
    """What is in force charges no interest, so that a run would not read the payments."""
    pay(busy.entity, "SMITH", amount="100.00", items=["B-1"], on=day("2026-04-04"), at=noon("2026-04-04"), by="anna")
    interest = sum(row["after_minor"] for row in planned(LAWFUL).rows("charges") if row["charge"] == "interest")
    busy.apply(LAWFUL)
    assert interest == fees(busy.propose(ON)) == 44


def test_a_policy_with_a_cap_knows_who_has_heard_from_us(busy: Town) -> None:
    note_contact(
        busy.entity, "MEYER", on=day(ON) - timedelta(days=1), channel="phone", note="called", at=noon(ON), by="anna"
    )
    capped = POLICY + "contact: {per_7_days: 1}\n"
    assert [(row["account"], row["hears"]) for row in planned(capped).rows("accounts")] == [("MEYER", "no_more")]


def everything() -> dict[str, int]:
    """How many rows each table has."""
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("records").get_models()}


@contextlib.contextmanager
def nothing_can_be_written() -> Iterator[None]:
    """A connection that may only read; on PostgreSQL in the name of somebody who was granted no more."""
    with connection.cursor() as cursor:
        if not is_postgresql():
            cursor.execute("PRAGMA query_only = ON")
            yield
            cursor.execute("PRAGMA query_only = OFF")
            return
        cursor.execute("CREATE ROLE plan_reader")
        try:
            cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plan_reader")
            cursor.execute("SET ROLE plan_reader")
            yield
        finally:
            cursor.execute("RESET ROLE; DROP OWNED BY plan_reader; DROP ROLE plan_reader")


def test_a_plan_is_made_with_the_right_to_read_alone_and_leaves_no_trace(busy: Town) -> None:
    before, files = everything(), sorted(busy.folder.rglob("*"))
    with nothing_can_be_written():
        assert not planned(LATER, GENTLE).difference.is_empty
    assert everything() == before
    assert sorted(busy.folder.rglob("*")) == files


@pytest.mark.parametrize("at", ["reading", "deciding for ACME by what is in force", "comparing"])
def test_interrupted_it_leaves_no_trace_either(busy: Town, at: str) -> None:
    def interrupt(step: str, done: int = 0, total: int = 0) -> None:
        if step.startswith(at):
            raise KeyboardInterrupt

    before, files = everything(), sorted(busy.folder.rglob("*"))
    with pytest.raises(KeyboardInterrupt):
        planned(LATER, progress=interrupt)
    assert everything() == before
    assert sorted(busy.folder.rglob("*")) == files
    assert busy.propose(ON).counts["items"] == 5


def test_a_database_of_another_release_is_refused(busy: Town) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_migrations SET name = '9999_from_the_future' WHERE app = 'records' AND name LIKE '0001%'"
        )
    with pytest.raises(Conflict, match="the database is of a newer release of Dunwell"):
        planned(LATER)
