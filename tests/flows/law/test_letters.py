"""What letters say of the law, from the decision to the outbox: interest, flat sums, warnings, and letters held."""

import re
from decimal import Decimal
from typing import Any

import pytest

from dunwell.flows.errors import Invalid
from dunwell.flows.law import paper
from dunwell.flows.law.working import Terms, work_item
from dunwell.flows.runs.edit import exclude_item
from dunwell.flows.runs.letters import letters_of
from dunwell.flows.runs.preview import preview_account
from dunwell.flows.runs.reading import print_notice, read_notice
from dunwell.flows.runs.replay import replay_run
from dunwell.letters import working
from dunwell.letters.notice import Charged
from dunwell.letters.notice import Notice as Letter
from dunwell.letters.working import WorkingPage, typeset_working
from dunwell.records.models import Charge, Delivery, Item, Notice, NoticeLine, Run, Task
from tests.flows.town import Town, day, noon

GERMAN = """\
policy: standard
interest: {regime: DE}
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: 10, send: [email]}
  - stage: escalation
    days_past_due: 30
    deadline_days: 10
    interest: true
    compensation: true
    fee: {EUR: 2.50}
    send: [email]
  - {stage: final, days_past_due: 60, deadline_days: 10, interest: true, compensation: true, send: [email]}
"""
DUTCH = """\
policy: standard
interest: {regime: NL, rate: 6}
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: DAYS, send: [email]}
  - {stage: escalation, days_past_due: 30, compensation: true, send: [email]}
"""


def letter_of(run: Run, notice: Notice) -> Letter:
    """What the letter of a notice says."""
    lines = list(NoticeLine.objects.filter(notice=notice).values("notice_id", "item_id", "role", "amount_minor"))
    row: dict[str, Any] = Notice.objects.filter(pk=notice.pk).values().get() | {"notice_id": notice.pk}
    found = letters_of(run.entity, [row], lines)[notice.pk]
    assert isinstance(found, Letter), found
    return found


def plain(text: str) -> str:
    """The words with single spaces between them."""
    return " ".join(text.split())


@pytest.fixture
def meyer(town: Town) -> Town:
    """A German business that has paid a part."""
    town.apply(GERMAN)
    town.account("MEYER", debtor_class="business", language="en", country="DE")
    town.item("A-17", "MEYER", "10000.00 EUR", "2025-03-31")
    town.pay("A-17", "4000.00 EUR", "2025-07-15")
    return town


def first_two(town: Town) -> tuple[Run, Run]:
    """The reminder, and the notice that charges."""
    return town.run("2025-08-01"), town.run("2025-09-30")


def test_a_letter_breaks_down_what_its_notice_charges(meyer: Town) -> None:
    _reminder, run = first_two(meyer)
    notice = meyer.notice(run, "MEYER")
    letter = letter_of(run, notice)
    (interest,) = letter.charged.interest
    assert (interest.number, interest.until_on) == ("A-17", day("2025-09-30"))
    assert [(each.from_on.isoformat(), each.days, each.principal_minor) for each in interest.periods] == [
        ("2025-04-01", 91, 1_000_000), ("2025-07-01", 15, 1_000_000), ("2025-07-16", 77, 600_000),
    ]  # fmt: skip
    exact = Decimal(10_000 * 91) * Decimal("11.27") + (Decimal(10_000 * 15) + 6_000 * 77) * Decimal("10.27")
    assert interest.amount_minor == round(exact / 365)
    assert (letter.charged.fee_minor, letter.charged.compensation_minor) == (250, 4_000)
    assert letter.total_minor == 600_000 + 250 + 4_000 + interest.amount_minor
    assert letter.charged.legal_basis == "BGB § 288(2), § 247; BGB § 288(5)"


def test_what_it_says_stands_in_mail_text_and_on_paper(meyer: Town) -> None:
    _reminder, run = first_two(meyer)
    text = plain(meyer.letters()[-1])
    assert "Interest for late payment" in text
    assert "Flat sum for recovery costs" in text
    assert "Charge for this reminder" in text
    assert "Legal basis: BGB § 288(2), § 247; BGB § 288(5)" in text
    notice = meyer.notice(run, "MEYER")
    assert print_notice(notice.pk).startswith(b"%PDF")
    assert "Legal basis" in read_notice(notice.pk).message.html


def test_it_reads_the_same_after_money_has_come_and_more_was_charged(meyer: Town) -> None:
    _reminder, run = first_two(meyer)
    notice = meyer.notice(run, "MEYER")
    before = letter_of(run, notice).charged.interest
    meyer.pay("A-17", "1000.00 EUR", "2025-10-05")
    later = meyer.run("2025-12-01")
    assert letter_of(run, notice).charged.interest == before
    (more,) = letter_of(later, meyer.notice(later, "MEYER")).charged.interest
    # Costs and interest are paid before the principal: § 367 BGB.
    rest = 600_000 - (100_000 - 250 - 4_000 - before[0].amount_minor)
    assert (more.from_on, more.periods[-1].principal_minor) == (day("2025-10-01"), rest)


def test_earlier_charges_are_listed_by_their_kind(meyer: Town) -> None:
    first_two(meyer)
    later = meyer.run("2025-12-01")
    letter = letter_of(later, meyer.notice(later, "MEYER"))
    assert sorted(each.charge for each in letter.charges) == ["compensation", "fee", "interest"]
    assert letter.charged.compensation_minor == 0
    text = plain(meyer.letters()[-1])
    assert "Interest charged earlier INT-" in text
    assert "Recovery costs charged earlier COSTS-" in text
    assert "Earlier charge FEE-" in text


def test_credits_that_lower_what_bears_interest_are_found_in_the_archive(meyer: Town) -> None:
    meyer.run("2025-08-01")
    meyer.item("C-1", "MEYER", "1000.00 EUR", None, kind="credit")
    run = meyer.run("2025-09-30")
    (interest,) = letter_of(run, meyer.notice(run, "MEYER")).charged.interest
    assert interest.periods[-1].principal_minor == 500_000


def test_a_preview_says_what_the_letter_will(meyer: Town) -> None:
    meyer.run("2025-08-01")
    (shown,) = preview_account(meyer.entity, "MEYER", as_of=day("2025-09-30"), on_paper=True)
    assert shown.letter.startswith(b"%PDF")
    run = meyer.run("2025-09-30")
    sums = [line for line in shown.text.splitlines() if line.startswith(("Interest for late", "Flat sum", "Total"))]
    sent = plain(meyer.letters()[-1])
    assert len(sums) == 4  # the heading of the table of interest is one
    assert [line for line in sums if plain(line) not in sent] == []
    assert Charge.objects.filter(notice__run=run).count() == 3


def test_a_dutch_consumer_is_warned_of_the_costs_and_the_fourteen_days(town: Town) -> None:
    town.apply(DUTCH.replace("DAYS", "16"))
    town.account("JANSEN", debtor_class="consumer", language="en", country="NL")
    town.item("A-1", "JANSEN", "1000.00 EUR", "2026-03-01")
    run = town.run("2026-03-20")
    letter = letter_of(run, town.notice(run, "JANSEN"))
    assert (letter.charged.costs_to_come_minor, letter.charged.costs_days) == (15_000, 14)
    text = plain(town.letters()[-1])
    assert (
        "does not reach us by 5 April 2026 or, where that is later, within 14 days of the day after you received"
        in text
    )
    assert re.search(r"we will charge you collection costs of €\s?150[.,]00", text)
    charged = town.run("2026-04-10")
    assert letter_of(charged, town.notice(charged, "JANSEN")).charged.compensation_minor == 15_000


def jansen(town: Town, more: str = "") -> None:
    """A Dutch consumer who owes 100.00 and 1,000.00, under stages that charge more than once."""
    town.apply(DUTCH.replace("DAYS", "16") + more)
    town.account("JANSEN", debtor_class="consumer", language="en", country="NL")
    town.item("A-1", "JANSEN", "100.00 EUR", "2026-03-01")
    town.item("A-2", "JANSEN", "1000.00 EUR", "2026-03-01")


def test_the_warning_names_the_costs_of_all_claims_together_as_they_are_charged(town: Town) -> None:
    jansen(town)
    (shown,) = preview_account(town.entity, "JANSEN", as_of=day("2026-03-20"))
    assert "collection costs of € 165,00" in plain(shown.text)
    run = town.run("2026-03-20")
    assert letter_of(run, town.notice(run, "JANSEN")).charged.costs_to_come_minor == 16_500
    charged = town.run("2026-04-10")
    assert letter_of(charged, town.notice(charged, "JANSEN")).charged.compensation_minor == 16_500
    shares = Charge.objects.order_by("item__number").values_list("item__number", "amount_minor")
    assert list(shares) == [("A-1", 1_500), ("A-2", 15_000)]
    # Read again, the warning says what it said.
    assert letter_of(run, town.notice(run, "JANSEN")).charged.costs_to_come_minor == 16_500


def test_a_claim_that_had_its_share_is_not_warned_of_again(town: Town) -> None:
    stage = "  - {stage: STAGE, days_past_due: 50, deadline_days: 16, compensation: true, send: [email]}\n"
    jansen(town, stage.replace("STAGE", "final") + stage.replace("STAGE", "last").replace("50", "70"))
    town.run("2026-03-20")
    charged = town.run("2026-04-10")
    letter = letter_of(charged, town.notice(charged, "JANSEN"))
    assert (letter.charged.costs_to_come_minor, letter.charged.costs_days, letter.charged.rule) == (0, 0, None)
    town.item("A-3", "JANSEN", "200.00 EUR", "2026-04-10")
    run = town.run("2026-04-20")
    notice = town.notice(run, "JANSEN")
    assert (notice.stage, letter_of(run, notice).charged.costs_to_come_minor) == ("final", 4_000)  # of A-3 alone
    assert len(town.letters()) == 3
    assert not Task.objects.filter(kind="delivery_failed").exists()


def test_a_claim_taken_off_takes_its_share_and_leaves_the_others_theirs(town: Town) -> None:
    jansen(town)
    town.run("2026-03-20")
    run = town.propose("2026-04-10")
    town.post(run)
    town.pay("A-2", "1000.00 EUR", "2026-04-10")
    town.deliver(run)
    letter = letter_of(run, town.notice(run, "JANSEN"))
    assert (letter.charged.compensation_minor, letter.total_minor) == (
        1_500,
        11_500,
    )  # 40.00 would be owed for 100.00 alone


def test_a_proposal_that_leaves_a_claim_out_shares_anew(town: Town) -> None:
    jansen(town)
    town.run("2026-03-20")
    run = town.propose("2026-04-10")
    exclude_item(run.pk, "A-2", reason="in talks", by="anna", at=noon("2026-04-10"))
    town.post(run)
    assert list(Charge.objects.values_list("item__number", "amount_minor")) == [("A-1", 4_000)]
    assert replay_run(run.pk).differences == []


def test_a_term_that_is_too_short_holds_the_letter_with_a_reason(town: Town) -> None:
    town.apply(DUTCH.replace("DAYS", "13"))
    town.account("JANSEN", debtor_class="consumer", language="en", country="NL")
    town.item("A-1", "JANSEN", "1000.00 EUR", "2026-03-01")
    town.run("2026-03-20")
    assert town.letters() == []
    delivery = Delivery.objects.get()
    assert delivery.state == "failed"
    task = Task.objects.get(kind="delivery_failed")
    assert "BW 6:96(6) wants a term of at least 14 days, not 13: give the stage `deadline_days: 14`" in task.detail


def test_a_preview_of_a_letter_that_lacks_what_the_law_wants_is_refused(town: Town) -> None:
    town.apply(DUTCH.replace("DAYS", "13"))
    town.account("JANSEN", debtor_class="consumer", language="en", country="NL")
    town.item("A-1", "JANSEN", "1000.00 EUR", "2026-03-01")
    for on_paper in (True, False):
        with pytest.raises(Invalid, match="BW 6:96"):
            preview_account(town.entity, "JANSEN", as_of=day("2026-03-20"), on_paper=on_paper)


def test_a_dutch_business_needs_no_warning(town: Town) -> None:
    town.apply(DUTCH.replace("DAYS", "13"))
    town.account("BV", debtor_class="business", language="en", country="NL")
    town.item("A-1", "BV", "1000.00 EUR", "2026-03-01")
    run = town.run("2026-03-20")
    letter = letter_of(run, town.notice(run, "BV"))
    assert (letter.charged.costs_to_come_minor, letter.charged.rule) == (0, None)
    assert len(town.letters()) == 1


def test_a_policy_without_a_law_reads_as_before(town: Town) -> None:
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    town.run("2026-03-10")
    run = town.run("2026-03-20")
    letter = letter_of(run, town.notice(run, "MEYER"))
    assert letter.charged == Charged(fee_minor=500)


def test_what_was_charged_before_is_not_worked_out_again(meyer: Town) -> None:
    first_two(meyer)
    found = work_item(meyer.entity, "A-17", until_on=day("2025-10-31"), terms=Terms())
    (only,) = found.working.periods
    assert (only.from_on, only.days, only.principal_minor) == (day("2025-10-01"), 31, 600_000)
    assert (found.has_flat, found.flat_minor, found.by_law) == (True, 0, ())
    assert not any("288(5)" in source for source in found.working.sources)  # the flat sum's, which is not asked again
    other = work_item(meyer.entity, "A-17", until_on=day("2025-10-31"), terms=Terms(rate="5", day_count="30/360"))
    assert other.working.interest_minor == 600_000 * 5 * 30 // 36_000
    assert found.printed("de").startswith(b"%PDF")


def test_what_is_owed_in_all_has_what_was_charged_before(meyer: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    first_two(meyer)
    found = work_item(meyer.entity, "A-17", until_on=day("2025-10-31"), terms=Terms())
    open_minor = dict(Item.objects.filter(kind="charge").values_list("number", "open_minor"))
    assert {each.number: each.amount_minor for each in found.charges} == open_minor
    assert {each.charge for each in found.charges} == {"fee", "interest", "compensation"}
    pages: list[WorkingPage] = []

    def kept(page: WorkingPage) -> bytes:
        pages.append(page)
        return b""

    monkeypatch.setattr(paper, "typeset_working", kept)
    found.printed("en")
    monkeypatch.setattr(working, "working_pdf", lambda data, _day: repr(data).encode())
    owed = meyer.open("A-17") + sum(open_minor.values()) + found.working.interest_minor
    assert f"€{owed / 100:,.2f}')]" in typeset_working(pages[0]).decode()


def test_nothing_is_worked_out_where_all_is_charged(meyer: Town) -> None:
    first_two(meyer)
    found = work_item(meyer.entity, "A-17", until_on=day("2025-09-30"), terms=Terms())
    assert (found.working.interest_minor, found.working.periods) == (0, ())


def test_an_item_that_bears_no_interest_is_refused(meyer: Town) -> None:
    first_two(meyer)
    number = Item.objects.get(kind="charge", number__startswith="INT-").number
    with pytest.raises(Invalid, match="bears no interest: it is a charge"):
        work_item(meyer.entity, number, until_on=day("2025-10-31"), terms=Terms())
