"""Policies that speak for a whole account: their state is kept between runs, and falls when the oldest is paid."""

from dunwell.records.models import AnchorState, Notice
from tests.flows.town import Town, day

POLICY = """\
policy: key
anchor: account
escalate: jump
deescalate: true
stages:
  - {stage: reminder, days_past_due: 3, send: [email]}
  - {stage: second_reminder, days_past_due: 14, deadline_days: 10, send: [email]}
  - {stage: escalation, days_past_due: 30, send: [email]}
"""


def key_town(town: Town) -> Town:
    """A town where only the account's policy holds."""
    town.apply(POLICY.replace("policy: key", "policy: standard"))
    return town


def test_the_oldest_item_sets_the_level_for_all(town: Town) -> None:
    key_town(town)
    town.item("OLD", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("NEW", "MEYER", "20.00 EUR", "2026-04-01")
    run = town.run("2026-04-02")
    notice = town.notice(run, "MEYER")
    assert (notice.stage, notice.level, notice.anchored, notice.total_minor) == ("escalation", 3, True, 12000)
    anchor = AnchorState.objects.get()
    assert (anchor.level, anchor.stage, anchor.anchor_item, anchor.pending_notice_id) == (
        3, "escalation", town.get("OLD"), None,
    )  # fmt: skip
    assert (anchor.last_notice_on, anchor.payer.code, anchor.currency) == (day("2026-04-02"), "MEYER", "EUR")


def test_the_state_is_kept_between_runs(town: Town) -> None:
    key_town(town)
    town.item("OLD", "MEYER", "100.00 EUR", "2026-03-31")
    stages = [
        town.run(on).counts["stages"] for on in ("2026-04-03", "2026-04-04", "2026-04-14", "2026-04-30", "2026-05-30")
    ]
    assert stages == [{"reminder": 1}, {}, {"second_reminder": 1}, {"escalation": 1}, {}]
    assert AnchorState.objects.get().level == 3
    assert Notice.objects.filter(state="sent").count() == 3


def test_each_currency_has_a_state_of_its_own(town: Town) -> None:
    key_town(town)
    town.item("E", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("J", "MEYER", "1000 JPY", "2026-03-31")
    town.run("2026-04-03")
    assert dict(AnchorState.objects.values_list("currency", "level")) == {"EUR": 3, "JPY": 1}


def test_the_level_falls_in_silence_when_the_oldest_is_paid_and_rises_again_aloud(town: Town) -> None:
    key_town(town)
    town.item("OLD", "MEYER", "100.00 EUR", "2026-03-01")
    town.item("NEW", "MEYER", "20.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    town.pay("OLD", "100.00 EUR", "2026-04-04")
    run = town.run("2026-04-06")
    assert run.counts["notices"] == 0
    anchor = AnchorState.objects.get()
    assert (anchor.level, anchor.stage, anchor.anchor_item) == (1, "reminder", town.get("NEW"))
    again = town.run("2026-04-14")
    assert town.notice(again, "MEYER").stage == "second_reminder"
    assert AnchorState.objects.get().level == 2


def test_a_failed_notice_gives_the_accounts_level_back(town: Town) -> None:
    key_town(town)
    town.item("OLD", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    (town.folder / "outbox").rename(town.folder / "before")
    (town.folder / "outbox").write_text("a file where a folder should be")
    town.run("2026-04-14")
    anchor = AnchorState.objects.get()
    assert (anchor.level, anchor.stage, anchor.pending_notice_id, anchor.last_notice_on) == (
        1, "reminder", None, day("2026-04-03"),
    )  # fmt: skip


def test_a_level_given_back_after_the_proposal_is_not_raised_again_in_silence(town: Town) -> None:
    key_town(town)
    town.item("OLD", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    first = town.propose("2026-04-14")
    town.post(first)
    second = town.propose("2026-04-14")
    (town.folder / "outbox").rename(town.folder / "before")
    (town.folder / "outbox").write_text("a file where a folder should be")
    assert town.deliver(first).failed == 1
    assert AnchorState.objects.get().level == 1
    assert town.post(second).posted == 0
    assert (AnchorState.objects.get().level, AnchorState.objects.get().pending_notice_id) == (1, None)


def test_a_state_that_changed_since_the_proposal_drops_the_notice(town: Town) -> None:
    key_town(town)
    town.item("OLD", "MEYER", "100.00 EUR", "2026-03-31")
    town.run("2026-04-03")
    run = town.propose("2026-04-14")
    AnchorState.objects.update(version=9, level=3)  # somebody else's posting went first
    assert (town.post(run).posted, town.notice(run, "MEYER").reason) == (0, "changed_since")
    assert AnchorState.objects.get().level == 3
