"""Letters warn of the costs that follow them, where the law wants it: of flat sums, and of fees alone."""

import pytest

from dunwell.engine.policy.parse import parse_policy
from dunwell.flows.cash.pay import pay
from dunwell.flows.law.rates import add_rate
from dunwell.flows.policy_doubts import doubts_in_book
from dunwell.flows.runs.preview import preview_account
from dunwell.letters.notice import Notice as Letter
from dunwell.records.models import Run, Task
from tests.flows.law.test_letters import letter_of, plain
from tests.flows.town import Town, day, noon

BELGIAN = """\
policy: standard
interest: {regime: BE, rate: 5}
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: 16, send: [email]}
  - {stage: second, days_past_due: 20, deadline_days: 16, fee: {EUR: 10.00}, send: [email]}
  - {stage: final, days_past_due: 40, deadline_days: 16, fee: {EUR: 5.00}, compensation: true, send: [email]}
"""


def peeters(town: Town, policy: str = BELGIAN, country: str = "BE") -> None:
    """A consumer who owes 1,000.00 and 200.00."""
    town.apply(policy)
    town.account("PEETERS", debtor_class="consumer", language="en", country=country)
    town.item("A-1", "PEETERS", "1000.00 EUR", "2026-03-01")
    town.item("A-2", "PEETERS", "200.00 EUR", "2026-03-01")


def letter(town: Town, run: Run) -> Letter:
    return letter_of(run, town.notice(run, "PEETERS"))


def test_a_belgian_consumer_is_warned_of_the_fee_that_follows_alone(town: Town) -> None:
    peeters(town)
    (shown,) = preview_account(town.entity, "PEETERS", as_of=day("2026-03-04"))
    assert "within 14 days of the day after you received this letter" in plain(shown.text)
    run = town.run("2026-03-04")
    told = letter(town, run)
    assert (told.charged.costs_to_come_minor, told.charged.costs_days, told.charged.legal_basis) == (
        750,
        14,
        "CEL Art. XIX.2",
    )  # not 10.00
    assert told.charged.rule is not None
    second = town.run("2026-03-21")
    assert letter(town, second).charged.fee_minor == 750
    assert letter(town, run).charged.costs_to_come_minor == 750  # read again


def test_fee_and_flat_sums_that_follow_are_warned_of_together(town: Town) -> None:
    peeters(town)
    town.run("2026-03-04")
    told = letter(town, second := town.run("2026-03-21"))
    assert told.charged.costs_to_come_minor == 500 + (3_000 + 3_500 + 2_500) + (3_000 + 500)
    assert told.charged.legal_basis == "CEL Art. XIX.2 and XIX.4; CEL Art. XIX.2"
    assert second.counts["notices"] == 1
    final = town.run("2026-04-10")
    assert (
        letter(town, final).charged.fee_minor + letter(town, final).charged.compensation_minor
        == told.charged.costs_to_come_minor
    )


@pytest.mark.parametrize(
    ("fee", "minor"),
    [
        ("{EUR: 5.00, per: item}", 1_000),
        ("{EUR: 10.00, per: item}", 1_500),
        ("{percent: 0.5}", 500 + 100),
        ("{percent: 0.5, of: claim}", 500 + 100),
        ("[{from: 0, EUR: 1.00}, {from: 500, percent: 0.6}]", 100 + 600),
        ("{EUR: 0.00}", 0),
    ],
)
def test_the_warning_names_the_fees_of_all_lines(town: Town, fee: str, minor: int) -> None:
    peeters(town, BELGIAN.replace("{EUR: 10.00}", fee))
    run = town.run("2026-03-04")
    assert letter(town, run).charged.costs_to_come_minor == minor
    assert letter(town, town.run("2026-03-21")).charged.fee_minor == minor
    assert len(town.letters()) == 2


def test_a_term_too_short_before_a_fee_holds_the_letter_and_is_told_before(town: Town) -> None:
    short = BELGIAN.replace("days_past_due: 3, deadline_days: 16", "days_past_due: 3, deadline_days: 13")
    policy = parse_policy(short, "p.yaml")
    peeters(town, short)
    (told,) = [str(each) for each in doubts_in_book(policy, short, "p.yaml", town.entity, today=day("2026-04-01"))]
    assert "stages[0]: the law wants a term of 14 days before the costs of stage second, for consumer" in told
    town.run("2026-03-04")
    assert town.letters() == []
    assert "CEL Art. XIX.2 wants a term of at least 14 days, not 13" in Task.objects.get(kind="delivery_failed").detail


def test_who_is_not_late_yet_is_warned_of_nothing(town: Town) -> None:
    peeters(town, BELGIAN.replace("days_past_due: 3, deadline_days: 16", "days_past_due: -3"))
    run = town.run("2026-02-27")
    assert (letter(town, run).charged.costs_to_come_minor, letter(town, run).charged.rule) == (0, None)
    assert len(town.letters()) == 1


def test_after_a_fee_no_letter_needs_a_term_before_the_next(town: Town) -> None:
    peeters(town, BELGIAN.replace("20, deadline_days: 16", "20, deadline_days: 7").replace(" compensation: true,", ""))
    town.run("2026-03-04")
    run = town.run("2026-03-21")
    assert (letter(town, run).charged.fee_minor, letter(town, run).charged.costs_to_come_minor) == (750, 0)
    assert letter(town, town.run("2026-04-10")).charged.fee_minor == 500
    assert len(town.letters()) == 3


def test_no_law_asks_for_a_warning_of_a_norwegian_fee(town: Town) -> None:
    peeters(town, BELGIAN.replace("BE", "NO").replace("deadline_days: 16", "deadline_days: 7", 1), country="NO")
    run = town.run("2026-03-04")
    assert (letter(town, run).charged.costs_to_come_minor, letter(town, run).charged.rule) == (0, None)
    assert len(town.letters()) == 1


FLAT = """\
policy: standard
interest: {regime: REGIME}
stages:
  - {stage: reminder, days_past_due: 5, deadline_days: 15, FEE send: [email]}
  - {stage: final, days_past_due: 25, deadline_days: 15, compensation: true, send: [email]}
"""


def test_the_flat_sum_named_is_less_the_fee_of_the_letter_once(town: Town) -> None:
    for name, value in (("no-compensation", "460"), ("no-late-payment", "12"), ("no-collection-rate", "700")):
        add_rate(name, day("2026-01-01"), value, until_on=day("2026-06-30"), by="anna", at=noon("2026-01-02"))
    town.apply(
        FLAT.replace("REGIME", '"NO"')
        .replace("FEE", "fee: {NOK: 35.00},")
        .replace("25,", "40,")
        .replace(": 5,", ": 15,")
    )
    town.account("NORD", debtor_class="business", language="en", country="NO")
    town.item("N-1", "NORD", "10000.00 NOK", "2026-03-01")
    (shown,) = preview_account(town.entity, "NORD", as_of=day("2026-03-16"))
    run = town.run("2026-03-16")
    told = letter_of(run, town.notice(run, "NORD"))
    assert "425" in shown.text
    assert told.charged.costs_to_come_minor == 42_500
    later = town.run("2026-04-15")
    assert letter_of(later, town.notice(later, "NORD")).charged.compensation_minor == 42_500


@pytest.mark.parametrize("item", ["", "C-1"])
def test_money_before_the_letter_lowers_the_costs_it_names(town: Town, item: str) -> None:
    town.apply(FLAT.replace("REGIME", "BE").replace("FEE ", ""))
    town.account("BELG", debtor_class="consumer", language="en", country="BE")
    town.item("C-1", "BELG", "1000.00 EUR", "2026-03-01")
    pay(town.entity, "BELG", amount="500.00", items=[item] if item else [], on=day("2026-03-01"), by="anna",
        at=noon("2026-03-01"))  # fmt: skip
    run = town.run("2026-03-10")
    assert letter_of(run, town.notice(run, "BELG")).charged.costs_to_come_minor == 6_500
    later = town.run("2026-04-01")
    assert letter_of(later, town.notice(later, "BELG")).charged.compensation_minor == 6_500
