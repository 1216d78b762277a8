"""Posting makes a proposal binding, once: levels rise, fees exist, deliveries wait."""

import shutil

import pytest

from dunwell.flows.errors import Conflict, NotFound
from dunwell.flows.runs.post import post_if_open, post_run
from dunwell.records.models import AuditEvent, Charge, Delivery, Item, ItemState, Notice, NoticeLine, Run
from tests.flows.town import Town, day, noon

JUMP = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: second_reminder, days_past_due: 14, send: [email]}
  - {stage: final, days_past_due: 30, send: ["letter|email"], approval: one}
escalate: jump
"""


def test_posting_raises_levels_and_queues_deliveries(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    result = town.post(run)
    assert (result.posted, result.waiting, result.changed_since) == (1, 0, 0)
    state = ItemState.objects.get()
    notice = town.notice(run, "MEYER")
    assert (state.level, state.stage, state.version, state.last_notice_on) == (1, "reminder", 1, None)
    assert (state.pending_notice_id, notice.state) == (notice.pk, "posted")
    assert town.deliveries(run) == [("MEYER", "email", "queued")]
    assert Delivery.objects.get().recipient == "ap@meyer.example"
    assert town.outbox == []
    run.refresh_from_db()
    assert (run.state, run.posted_by, run.posted_at) == ("posted", "anna", noon("2026-04-03"))
    event = AuditEvent.objects.get(action="run.posted")
    assert (event.subject_id, event.detail) == (run.pk, {"posted": 1, "waiting": 0})


def test_an_item_on_a_posted_notice_is_pending(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.post(town.propose("2026-04-03"))
    assert town.propose("2026-04-30").counts["outcomes"] == {"pending": 1}


def test_a_fee_becomes_a_charge_item_of_its_item(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    run = town.propose("2026-04-14")
    assert not Item.objects.filter(kind="charge").exists()
    town.post(run)
    fee = Item.objects.get(kind="charge")
    notice = town.notice(run, "MEYER")
    assert (fee.number, fee.amount_minor, fee.open_minor, fee.parent) == (
        f"FEE-{notice.pk}", 500, 500, town.get("A-17"),
    )  # fmt: skip
    assert (fee.account.code, fee.entity_id, fee.currency, fee.issued_on, fee.due_on) == (
        "MEYER", town.entity.pk, "EUR", day("2026-04-14"), day("2026-04-14"),
    )  # fmt: skip
    assert Charge.objects.get().charge_item == fee
    assert list(NoticeLine.objects.filter(notice=notice).order_by("role").values_list("role", "binding")) == [
        ("dunned", True), ("fee", False),
    ]  # fmt: skip


def test_fees_per_item_have_numbers_of_their_own(town: Town) -> None:
    town.apply(
        "policy: standard\nstages: [{stage: reminder, days_past_due: 3, fee: {EUR: 5.00, per: item}, send: [email]}]"
    )
    for number in ("A-17", "A-18"):
        town.item(number, "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    notice, items = town.notice(run, "MEYER"), [town.get("A-17"), town.get("A-18")]
    fees = Item.objects.filter(kind="charge").order_by("pk").values_list("number", "parent__number", "amount_minor")
    assert list(fees) == [(f"FEE-{notice.pk}-{item.pk}", item.number, 500) for item in items]
    assert notice.total_minor == 21000


def test_a_fee_whose_number_is_taken_has_its_items_id_behind_it(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-1", "SMITH", "70.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    run = town.propose("2026-04-14")
    taken, free = (f"FEE-{town.notice(run, account).pk}" for account in ("MEYER", "SMITH"))
    town.item(taken, "SMITH", "1.00 EUR", "2026-04-01", kind="charge")
    town.item(free, "SMITH", "1.00 EUR", "2026-04-01", kind="invoice")  # only a charge stands in its way
    town.post(run)
    fees = Item.objects.filter(kind="charge", parent__isnull=False)
    assert dict(fees.values_list("parent__number", "number")) == {
        "A-17": f"{taken}-{fees.get(parent__number='A-17').pk}",
        "B-1": free,
    }


def test_an_earlier_fee_rides_along_on_the_next_notice(town: Town) -> None:
    town.apply(
        JUMP.replace(
            "second_reminder, days_past_due: 14", "second_reminder, days_past_due: 14, fee: {EUR: 5.00}"
        ).replace(", approval: one", "")
    )
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-14")
    run = town.run("2026-04-30")
    notice = town.notice(run, "MEYER")
    assert (notice.due_minor, notice.charges_minor, notice.fee_minor, notice.total_minor) == (10000, 500, 0, 10500)


def test_a_run_in_the_future_is_not_posted(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    with pytest.raises(Conflict, match=r"2026-04-03, which is yet to come"):
        town.post(run, "2026-04-02")
    assert town.level("A-17") == 0
    assert town.post(run, "2026-04-03").posted == 1


def test_a_run_before_the_last_posted_one_is_not_posted(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    run = town.propose("2026-04-02")
    with pytest.raises(Conflict, match=r"before the last posted run \(2026-04-03\)"):
        town.post(run, "2026-04-20")
    again = town.propose("2026-04-03")  # the same date is fine
    assert town.post(again).posted == 0


def test_posting_twice_is_refused_and_changes_nothing(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    before = _everything()
    with pytest.raises(Conflict, match=f"run {run.pk} is posted; only a proposed run can be posted"):
        town.post(run)
    assert _everything() == before
    assert post_if_open(run.pk, today=lambda _zone: day("2026-04-03"), at=noon("2026-04-03"), by="anna").posted == 0


def test_an_unknown_run_is_not_found(town: Town) -> None:
    with pytest.raises(NotFound, match="there is no run 99"):
        post_run(99, today=day("2026-04-03"), at=noon("2026-04-03"), by="anna")
    with pytest.raises(NotFound, match="there is no run 99"):
        post_if_open(99, today=lambda _zone: day("2026-04-03"), at=noon("2026-04-03"), by="anna")


def test_without_its_archive_a_run_is_not_posted(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    shutil.rmtree(town.folder / "archive")
    with pytest.raises(Conflict, match=f"the archive {run.archive_digest[:12]} is not in"):
        town.post(run)
    assert town.level("A-17") == 0


def test_a_notice_that_needs_approval_waits_while_the_others_go(town: Town) -> None:
    town.apply(JUMP)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-1", "SMITH", "70.00 EUR", "2026-02-01")
    run = town.propose("2026-04-03")
    result = town.post(run)
    assert (result.posted, result.waiting) == (1, 1)
    assert (town.level("A-17"), town.level("B-1")) == (1, 0)
    assert town.notice(run, "SMITH").state == "proposed"
    assert town.deliver(run).sent == 1
    run.refresh_from_db()
    assert run.state == "posted"  # not done: something waits


def test_what_waits_for_approval_is_decided_anew_by_the_next_run(town: Town) -> None:
    town.apply(JUMP)
    town.item("B-1", "SMITH", "70.00 EUR", "2026-02-01")
    first = town.run("2026-04-03")
    second = town.run("2026-04-04")
    assert (town.notice(first, "SMITH").state, town.notice(second, "SMITH").state) == ("superseded", "proposed")
    assert NoticeLine.objects.count() == 1
    assert town.post(town.propose("2026-04-04")).waiting == 1


def test_a_notice_with_an_item_that_changed_falls_out_and_the_others_go(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "10.00 EUR", "2026-03-31")
    town.item("B-1", "SMITH", "70.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    ItemState.objects.create(item=town.get("A-17"), version=1)  # somebody else's notice came and was taken back
    result = town.post(run)
    assert (result.posted, result.changed_since) == (1, 1)
    dropped = town.notice(run, "MEYER")
    assert (dropped.state, dropped.reason) == ("superseded", "changed_since")
    assert (town.level("A-17"), town.level("A-18"), town.level("B-1")) == (0, 0, 1)
    assert not NoticeLine.objects.filter(notice=dropped).exists()
    assert town.deliver(run).sent == 1
    again = town.run("2026-04-03")
    assert town.notice(again, "MEYER").state == "sent"
    assert town.level("A-17") == 1


def test_a_notice_with_an_item_that_was_paid_in_part_falls_out(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-1", "SMITH", "70.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.pay("A-17", "1.00 EUR", "2026-04-03")
    result = town.post(run)
    assert (result.posted, result.changed_since) == (1, 1)
    assert town.notice(run, "MEYER").reason == "changed_since"
    assert town.deliveries(run) == [("SMITH", "email", "queued")]


def test_a_fee_of_a_notice_that_falls_out_is_not_charged(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    run = town.propose("2026-04-14")
    ItemState.objects.update(version=9)
    assert town.post(run).changed_since == 1
    assert not Item.objects.filter(kind="charge").exists()
    assert not Charge.objects.exists()


def test_a_day_of_22_runs_makes_one_notice_and_one_fee(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    for _ in range(22):
        town.run("2026-04-14")
    assert Notice.objects.filter(state="sent", as_of="2026-04-14").count() == 1
    assert Item.objects.filter(kind="charge").count() == 1
    assert len(town.outbox) == 2
    assert town.level("A-17") == 2
    assert set(Run.objects.values_list("state", flat=True)) == {"done"}


def _everything() -> list[object]:
    models = (Item, ItemState, Notice, NoticeLine, Charge, Delivery, Run, AuditEvent)
    return [list(model.objects.order_by("pk").values()) for model in models]
