"""Why an item stands as it does, and what its account would be sent."""

import shutil
from collections.abc import Callable

import pytest
from django.conf import settings

from dunwell.flows.errors import Conflict, Invalid, NotFound
from dunwell.flows.runs.explain import explain_item
from dunwell.flows.runs.preview import preview_account
from dunwell.records.models import Account, Contact, ItemState, Notice
from tests.flows.town import POLICY, Town, day


def why(town: Town, number: str, on: str) -> list[str]:
    """The sentences about an item as the book stands."""
    return explain_item(town.entity, number, as_of=day(on)).sentences


def test_as_the_book_stands(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    found = explain_item(town.entity, "A-17", as_of=day("2026-04-03"))
    assert (found.number, found.account, found.run, found.decision["outcome"]) == ("A-17", "MEYER", None, "dun")
    assert found.sentences[0] == "dun: a notice is due"
    assert "3 days past due" in found.sentences
    assert "policy standard, level 0 -> 1, stage reminder" in found.sentences
    assert why(town, "A-17", "2026-04-01")[0].startswith("not_due")
    assert "next: 2026-04-03, if nothing changes" in why(town, "A-17", "2026-04-01")
    town.hold("MEYER", "2026-04-03")
    assert why(town, "A-17", "2026-04-03")[0].startswith("on_hold")


def test_as_a_run_decided_it_whatever_came_after(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    town.pay("A-17", "100.00 EUR", "2026-04-04")
    then = explain_item(town.entity, "A-17", as_of=day("2026-05-01"), run_id=run.pk)
    assert (then.as_of, then.run, then.decision["outcome"]) == (day("2026-04-03"), run.pk, "dun")
    assert why(town, "A-17", "2026-05-01")[0] == "settled: nothing is open"


def test_what_a_run_did_not_decide_is_not_found(town: Town) -> None:
    run = town.run("2026-04-03")
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    with pytest.raises(NotFound, match=f"run {run.pk} decided nothing on A-17"):
        explain_item(town.entity, "A-17", as_of=day("2026-04-03"), run_id=run.pk)
    with pytest.raises(NotFound, match="there is no run 99 of ACME"):
        explain_item(town.entity, "A-17", as_of=day("2026-04-03"), run_id=99)
    with pytest.raises(NotFound, match="there is no item 'A-18' in the book of ACME"):
        explain_item(town.entity, "A-18", as_of=day("2026-04-03"))


def test_a_run_of_another_entity_is_not_found(town: Town) -> None:
    other = Town(town.folder, "OTHER", policy=None)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = other.run("2026-04-03")
    with pytest.raises(NotFound, match=f"there is no run {run.pk} of ACME"):
        explain_item(town.entity, "A-17", as_of=day("2026-04-03"), run_id=run.pk)


def test_a_lost_archive_is_said_so(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    shutil.rmtree(settings.CONFIG.archive_dir)
    with pytest.raises(Conflict, match=f"the archive {run.archive_digest[:12]} is not in .*: restore it from a backup"):
        explain_item(town.entity, "A-17", as_of=day("2026-04-03"), run_id=run.pk)


@pytest.mark.parametrize(
    "damage", [lambda kept: kept[: len(kept) // 2], lambda kept: kept[:-1] + b"x", lambda _kept: b""]
)
def test_a_damaged_archive_is_said_so(town: Town, damage: Callable[[bytes], bytes]) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.run("2026-04-03")
    file = settings.CONFIG.archive_dir / run.archive_digest / "plan-decisions.parquet"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(Conflict, match=f"{file} was altered: restore the archive from a backup"):
        explain_item(town.entity, "A-17", as_of=day("2026-04-03"), run_id=run.pk)


def test_what_is_owed_is_meant_before_what_is_paid(town: Town) -> None:
    town.item("7", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("7", "MEYER", "10.00 EUR", None, kind="credit")
    owed = explain_item(town.entity, "7", as_of=day("2026-04-03"))
    assert (owed.decision["open_minor"], owed.other_kinds) == (10000, ["credit"])
    paid = explain_item(town.entity, "7", as_of=day("2026-04-03"), kind="credit")
    assert (paid.decision["open_minor"], paid.other_kinds) == (1000, ["invoice"])
    with pytest.raises(NotFound, match="there is no payment '7'"):
        explain_item(town.entity, "7", as_of=day("2026-04-03"), kind="payment")
    town.item("7", "MEYER", "100.00 EUR", "2026-03-31", kind="instalment")
    with pytest.raises(Invalid, match="'7' is the number of several items"):
        explain_item(town.entity, "7", as_of=day("2026-04-03"))


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"draft": True}, "not_due"),
        ({"kind": "payment"}, "credit"),
        ({"kind": "charge"}, None),
        ({"open_minor": 0}, "settled"),
    ],
)
def test_every_kind_of_item_can_be_explained(town: Town, fields: dict[str, object], outcome: str | None) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31", **fields)
    found = explain_item(town.entity, "A-17", as_of=day("2026-04-03"))
    assert outcome in {None, found.decision["outcome"]}
    assert found.sentences


def test_without_a_policy_the_reason_is_said(town: Town) -> None:
    bare = Town(town.folder, "OTHER", policy=None)
    bare.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.apply("policy: standard\napplies_to: \"entity = 'ACME'\"\n" + POLICY.partition("\n")[2])
    assert why(bare, "A-17", "2026-04-03")[0] == "no_policy: no policy applies to it"


def test_a_preview_reads_as_the_message_will(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    (shown,) = preview_account(town.entity, "MEYER", as_of=day("2026-04-03"))
    assert (shown.stage, shown.channels, shown.recipients) == ("reminder", "email", "ap@meyer.example (email)")
    assert not Notice.objects.exists()
    assert not ItemState.objects.exists()
    town.run("2026-04-03")
    (sent,) = town.letters()
    assert sent.endswith(shown.text)
    assert f"Subject: {shown.subject}\n" in sent


def test_nothing_due_is_an_empty_preview(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    assert preview_account(town.entity, "MEYER", as_of=day("2026-04-01")) == []
    with pytest.raises(NotFound, match="there is no account 'MAYER' of ACME"):
        preview_account(town.entity, "MAYER", as_of=day("2026-04-03"))


def test_a_childs_preview_is_its_payers_message(town: Town) -> None:
    parent = town.account("MEYER")
    town.account("CHILD", parent=parent)
    town.item("A-17", "CHILD", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-31")
    (shown,) = preview_account(town.entity, "CHILD", as_of=day("2026-04-03"))
    assert shown.recipients == "ap@meyer.example (email)"
    assert "A-17" in shown.text
    assert "A-18" in shown.text


def test_the_first_contact_of_a_channel_is_the_one_that_is_reached(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    Contact.objects.create(account=Account.objects.get(), email="second@meyer.example")
    (shown,) = preview_account(town.entity, "MEYER", as_of=day("2026-04-03"))
    assert shown.recipients == "ap@meyer.example (email)"
    run = town.run("2026-04-03")
    assert run.notices.get().deliveries.get().recipient == "ap@meyer.example"
