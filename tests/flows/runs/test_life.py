"""The life of a run between proposal and posting, and after: changed, approved, cancelled, reversed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings

from dunwell.flows.errors import Conflict, Forbidden, Invalid, NotFound
from dunwell.flows.runs import approve, edit
from dunwell.flows.runs.cancel import cancel_run
from dunwell.flows.runs.explain import explain_item
from dunwell.flows.runs.reverse import ReverseResult, reverse_run
from dunwell.flows.runs.show import list_runs, run_detail
from dunwell.records.models import (
    AnchorState,
    AuditEvent,
    Delivery,
    Item,
    ItemState,
    Notice,
    NoticeLine,
    PayerContact,
    Run,
    RunEdit,
)
from tests.flows.town import Town, at_home, noon

BY_ACCOUNT = """\
policy: by-account
anchor: account
escalate: jump
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: final, days_past_due: 30, send: [email], approval: one}
"""
FOUR_EYES = """\
policy: standard
stages:
  - {stage: reminder, days_past_due: 3, send: [email], approval: two}
"""


def approved(run: Run, by: str, *accounts: str) -> approve.ApproveResult:
    return approve.approve_run(run.pk, by=by, at=noon(run.as_of), accounts=accounts)


def final(town: Town, number: str = "A-17", account: str = "MEYER") -> Run:
    """A proposal whose notice needs one approval."""
    town.item(number, account, "100.00 EUR", "2026-01-01")
    ItemState.objects.create(item=town.get(number), level=2, stage="second_reminder", version=2)
    return town.propose("2026-04-03")


# Approval


def test_a_notice_that_needs_approval_waits_for_somebody_else(town: Town) -> None:
    run = final(town)
    assert town.post(run).waiting == 1
    for name in ("anna", "Anna"):
        with pytest.raises(Forbidden, match=f"{name} proposed run"):
            approved(run, name)
    assert [each["given"] for each in run_detail(run.pk).waiting] == [0]
    assert approved(run, "bert") == approve.ApproveResult(approved=1, waiting=0, guard_approved=False)
    assert run_detail(run.pk).waiting == []
    result = town.post(run)
    assert (result.posted, result.waiting) == (1, 0)
    assert town.level("A-17") == 3
    town.deliver(run)
    assert len(town.outbox) == 1
    with pytest.raises(Conflict):
        town.post(run)


def test_an_approval_before_posting_lets_all_go_at_once(town: Town) -> None:
    run = final(town)
    town.item("B-1", "SMITH", "10.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    approved(run, "bert")
    run.refresh_from_db()
    assert run.state == "approved"
    assert town.post(run).posted == 2


def test_four_eyes_are_those_of_two_people(town: Town) -> None:
    town.apply(FOUR_EYES)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    assert approved(run, "bert").waiting == 1
    assert approved(run, "bert") == approve.ApproveResult(approved=0, waiting=1, guard_approved=False)
    assert town.post(run).posted == 0
    assert approved(run, "BERT") == approve.ApproveResult(approved=0, waiting=1, guard_approved=False)
    assert approved(run, "carl").waiting == 0
    assert town.post(run).posted == 1


def test_approval_can_be_given_to_some_accounts(town: Town) -> None:
    final(town)
    run = final(town, "B-1", "SMITH")
    assert approved(run, "bert", "SMITH") == approve.ApproveResult(approved=1, waiting=1, guard_approved=False)
    town.post(run)
    assert (town.level("A-17"), town.level("B-1")) == (2, 3)
    with pytest.raises(NotFound, match="no account 'NOBODY'"):
        approved(run, "bert", "NOBODY")


def test_which_accounts_wait_for_an_approval_is_said_where_another_is_named(town: Town) -> None:
    final(town)
    town.item("B-1", "SMITH", "10.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    with pytest.raises(
        Conflict, match=f"no notice of run {run.pk} to SMITH waits for approval; those that do are to MEYER"
    ):
        approved(run, "bert", "SMITH")
    with pytest.raises(NotFound, match="no account 'NOBODY'"):
        approved(run, "anna", "NOBODY")  # before whose run it is


def test_a_run_that_is_done_is_said_to_be_so_first(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    with pytest.raises(Conflict, match="is done, and nothing of it waits for approval"):
        approved(town.run("2026-04-03"), "anna")


def test_nothing_to_approve_is_said_to_be_so(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    with pytest.raises(Conflict, match="is proposed, and nothing of it waits"):
        approved(town.propose("2026-04-03"), "bert")


def test_an_account_whose_notice_waits_keeps_its_state_until_it_is_approved(town: Town) -> None:
    town.apply(BY_ACCOUNT)
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31", attributes={})
    # only the account-anchored policy is to apply
    town.apply("policy: standard\npriority: 999\nstages: [{stage: one, days_past_due: 3, send: [email]}]\n")
    town.run("2026-04-03")
    assert AnchorState.objects.get().level == 1
    run = town.propose("2026-05-04")
    town.post(run)
    assert AnchorState.objects.get().level == 1
    approved(run, "bert")
    assert town.post(run).posted == 1
    assert AnchorState.objects.get().level == 2


# The guard


def unlike_the_last_ones(town: Town) -> Run:
    """A run of 10,000 euros, proposed after three of 100 each."""
    for month in ("01", "02", "03"):
        town.item(f"A-{month}", "MEYER", "100.00 EUR", f"2026-{month}-01")
        town.run(f"2026-{month}-05")
    town.item("A-99", "SMITH", "10000.00 EUR", "2026-03-31")
    return town.propose("2026-04-05")


def test_a_run_unlike_the_last_ones_needs_a_look(town: Town) -> None:
    run = unlike_the_last_ones(town)
    assert "a sum of 10" in run.guard
    with pytest.raises(Conflict, match="unlike the last ones"):
        town.post(run)
    with pytest.raises(Forbidden):
        approved(run, "anna")
    assert approved(run, "bert").guard_approved
    assert town.post(run).posted > 0


def test_the_guard_can_be_switched_off(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(town.folder, monkeypatch, guard_factor=0)
    for month in ("01", "02", "03"):
        town.item(f"A-{month}", "MEYER", "100.00 EUR", f"2026-{month}-01")
        town.run(f"2026-{month}-05")
    town.item("A-99", "SMITH", "10000.00 EUR", "2026-03-31")
    assert town.propose("2026-04-05").guard == ""
    assert settings.CONFIG.guard_factor == 0


# Changes


def two_items(town: Town) -> Run:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-30")
    return town.propose("2026-04-03")


def test_an_item_left_out_leaves_the_rest_of_its_notice(town: Town) -> None:
    run = two_items(town)
    result = edit.exclude_item(run.pk, "A-17", reason="in talks", by="carl", at=noon("2026-04-03"))
    assert result.notices == 1
    assert town.post(run).posted == 1
    notice = Notice.objects.get(run=run, state="posted")
    assert (notice.total_minor, list(notice.lines.values_list("item__number", flat=True))) == (5000, ["A-18"])
    assert (town.level("A-17"), town.level("A-18")) == (0, 1)
    assert list(Notice.objects.filter(state="excluded").values_list("reason", flat=True)) == ["in talks"]
    event = AuditEvent.objects.get(action="run.edited")
    assert (event.actor, event.detail) == ("carl", {"what": "excluded", "of": "A-17", "reason": "in talks"})


def test_the_figures_of_a_run_are_those_with_its_changes(town: Town) -> None:
    town.item("B-1", "SMITH", "70.00 EUR", "2026-03-31")
    run = two_items(town)
    assert (run.counts["notices"], run.counts["sums_minor"]) == (2, {"EUR": 22000})
    edit.exclude_item(run.pk, "A-17", reason="in talks", by="carl", at=noon("2026-04-03"))
    edit.exclude_account(run.pk, "SMITH", reason="in talks", by="carl", at=noon("2026-04-03"))
    edit.set_stage(run.pk, "A-18", "final", reason="last word", by="carl", at=noon("2026-04-03"))
    run.refresh_from_db()
    assert run.counts == {
        "items": 3,
        "outcomes": {"dun": 1, "on_hold": 2},
        "notices": 1,
        "stages": {"final": 1},
        "sums_minor": {"EUR": 5000},
    }
    (listed,) = list_runs(town.entity, most=20)
    assert (listed.notices, listed.waiting) == (1, 1)
    approved(run, "bert")
    (listed,) = list_runs(town.entity, most=20)
    assert (listed.notices, listed.waiting) == (1, 0)


def test_a_run_that_is_usual_again_once_changed_needs_no_look(town: Town) -> None:
    run = unlike_the_last_ones(town)
    edit.exclude_item(run.pk, "A-99", reason="in talks", by="anna", at=noon("2026-04-05"))
    run.refresh_from_db()
    assert (run.guard, run.state) == ("", "proposed")
    assert town.post(run).waiting == 1  # for the approval of its stage


def test_what_was_left_out_of_a_run_is_in_the_next(town: Town) -> None:
    run = two_items(town)
    edit.exclude_account(run.pk, "MEYER", reason="in talks", by="anna", at=noon("2026-04-03"))
    assert town.post(run).posted == 0
    assert town.propose("2026-04-04").counts["notices"] == 1


def test_changes_of_one_payer_add_up(town: Town) -> None:
    run = two_items(town)
    for number in ("A-17", "A-18"):
        result = edit.exclude_item(run.pk, number, reason="in talks", by="anna", at=noon("2026-04-03"))
    assert result.notices == 0
    assert town.post(run).posted == 0
    assert RunEdit.objects.count() == 2


def test_a_stage_that_is_set_is_reached_whatever_its_conditions(town: Town) -> None:
    run = two_items(town)
    result = edit.set_stage(run.pk, "A-17", "second_reminder", reason="she asked", by="anna", at=noon("2026-04-03"))
    assert (result.notices, result.outcome) == (1, "dun")
    town.post(run)
    assert (town.level("A-17"), town.level("A-18")) == (2, 1)
    assert Item.objects.get(kind="charge").amount_minor == 500  # the fee of the second reminder
    found = explain_item(town.entity, "A-17", as_of=run.as_of, run_id=run.pk)
    assert found.sentences[-1] == "stage set to second_reminder by anna: she asked"
    assert found.decision["level_after"] == 2


def test_who_changed_a_notice_does_not_approve_it(town: Town) -> None:
    run = two_items(town)
    edit.set_stage(run.pk, "A-17", "final", reason="last word", by="bert", at=noon("2026-04-03"))
    for name in ("bert", "Bert"):
        with pytest.raises(Forbidden, match=f"{name} changed these notices"):
            approved(run, name)
    assert approved(run, "carl").approved == 1


def test_an_approved_notice_that_is_changed_needs_approval_anew(town: Town) -> None:
    run = final(town)
    town.item("A-18", "MEYER", "50.00 EUR", "2026-03-30")
    run = town.propose("2026-04-03")
    approved(run, "bert")
    edit.exclude_item(run.pk, "A-18", reason="in talks", by="carl", at=noon("2026-04-03"))
    run.refresh_from_db()
    assert run.state == "proposed"
    assert town.post(run).posted == 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda run: edit.exclude_item(run, "A-99", reason="x", by="a", at=noon("2026-04-03")), NotFound, "no item"),
        (lambda run: edit.exclude_account(run, "X", reason="x", by="a", at=noon("2026-04-03")), NotFound, "no account"),
        (lambda run: edit.exclude_item(run, "A-17", reason=" ", by="a", at=noon("2026-04-03")), Invalid, "say why"),
        (
            lambda run: edit.set_stage(run, "A-17", "finale", reason="x", by="a", at=noon("2026-04-03")),
            Invalid,
            "standard has no stage 'finale'; A-17 can be at reminder, second_reminder, final",
        ),
        (lambda run: cancel_run(run, reason="", by="a", at=noon("2026-04-03")), Invalid, "say why"),
        (lambda run: reverse_run(run, reason="", by="a", at=noon("2026-04-03")), Invalid, "say why"),
        (lambda run: reverse_run(run, reason="x", by="a", at=noon("2026-04-03")), Conflict, "only a posted run"),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_leaves_all_as_it_was(
    town: Town, change: Callable[[int], object], error: type[Exception], message: str
) -> None:
    run = two_items(town)
    with pytest.raises(error, match=message):
        change(run.pk)
    assert RunEdit.objects.count() == 0
    assert town.post(run).posted == 1


def test_a_posted_run_is_changed_no_more(town: Town) -> None:
    run = two_items(town)
    town.post(run)
    with pytest.raises(Conflict, match="is posted; only a proposed run can be changed"):
        edit.exclude_account(run.pk, "MEYER", reason="x", by="anna", at=noon("2026-04-03"))


# Cancelled


def test_a_cancelled_run_brings_nothing_and_another_may_follow(town: Town) -> None:
    run = two_items(town)
    assert cancel_run(run.pk, reason="wrong book", by="anna", at=noon("2026-04-03")).state == "cancelled"
    with pytest.raises(Conflict):
        town.post(run)
    assert NoticeLine.objects.count() == 0
    assert town.post(town.propose("2026-04-03")).posted == 1


# Reversed


def state(town: Town, number: str = "A-17") -> tuple[object, ...]:
    return ItemState.objects.filter(item=town.get(number)).values_list("level", "stage", "last_notice_on").get()


def test_a_reversed_run_leaves_nothing_behind_and_is_decided_again(town: Town) -> None:
    two_items(town)
    town.run("2026-04-03")
    before = state(town), list(PayerContact.objects.values_list("last_contact_on", flat=True))
    run = town.propose("2026-04-14")
    town.post(run)
    assert town.level("A-17") == 2
    assert reverse_run(run.pk, reason="wrong day", by="bert", at=noon("2026-04-14")) == ReverseResult(1, 0)
    after = state(town), list(PayerContact.objects.values_list("last_contact_on", flat=True))
    assert after == before
    assert [(i.open_minor, i.closed_on is not None) for i in Item.objects.filter(kind="charge")] == [(0, True)]
    assert town.deliveries(run) == [("MEYER", "email", "withdrawn")]
    assert town.deliver(run).sent == 0
    run.refresh_from_db()
    assert (run.state, run.reason) == ("reversed", "wrong day")
    again = town.run("2026-04-14")
    assert (town.level("A-17"), town.notice(again, "MEYER").state) == (2, "sent")
    assert len(town.outbox) == 2  # of the first run and the last


def test_what_has_left_cannot_be_taken_back(town: Town) -> None:
    two_items(town)
    run = town.run("2026-04-03")
    with pytest.raises(Conflict, match=r"every notice of run \d+ has left"):
        reverse_run(run.pk, reason="wrong day", by="bert", at=noon("2026-04-03"))
    run.refresh_from_db()
    assert (run.state, town.level("A-17")) == ("done", 1)


def test_of_a_run_that_has_left_in_part_the_rest_is_withdrawn(town: Town) -> None:
    town.item("A-17", "MEYER", "100.00 EUR", "2026-03-31")
    town.item("B-1", "SMITH", "100.00 EUR", "2026-03-31")
    town.item("C-1", "WEISS", "100.00 EUR", "2026-03-31")
    run = town.propose("2026-04-03")
    town.post(run)
    noon_of = noon("2026-04-03")
    Delivery.objects.filter(notice__payer__code="SMITH").update(state="claimed", lease_until_at=noon_of + timedelta(1))
    Delivery.objects.filter(notice__payer__code="WEISS").update(state="in_doubt")
    assert reverse_run(run.pk, reason="wrong day", by="bert", at=noon_of) == ReverseResult(withdrawn=1, left=2)
    assert [town.level(number) for number in ("A-17", "B-1", "C-1")] == [0, 1, 1]
