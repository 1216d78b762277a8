"""What of the law a policy asks for does not go with the book."""

import pytest

from dunwell.engine.policy.parse import parse_policy
from dunwell.flows.law.rates import add_rate
from dunwell.flows.policy_doubts import doubts_in_book
from tests.flows.town import Town, day, noon

POLICY = """\
policy: standard
interest: {regime: REGIME}
stages:
  - {stage: reminder, days_past_due: 3, deadline_days: 13, send: [email]}
  - {stage: escalation, days_past_due: 30, interest: true, compensation: true, send: [email]}
"""


def doubts(town: Town, regime: str, on: str = "2026-04-01") -> list[str]:
    text = POLICY.replace("REGIME", regime)
    policy = parse_policy(text, "p.yaml")
    return [str(each) for each in doubts_in_book(policy, text, "p.yaml", town.entity, today=day(on))]


@pytest.fixture
def meyer(town: Town) -> Town:
    """One business that owes."""
    town.account("MEYER", debtor_class="business")
    town.item("A-1", "MEYER", "100.00 EUR", "2026-03-01")
    return town


def test_nothing_is_said_where_all_is_there(meyer: Town) -> None:
    assert doubts(meyer, "DE", on="2025-12-31") == []


def test_accounts_without_a_class_are_counted_where_they_owe(meyer: Town) -> None:
    meyer.account("IDLE")
    meyer.item("B-1", "NEW", "1.00 EUR", "2026-03-01")
    (told,) = doubts(meyer, "DE", on="2025-12-31")
    assert told.startswith("p.yaml:2: interest: 1 account with open items has no debtor_class: ")
    assert doubts(meyer, "DE, class: business", on="2025-12-31") == []


def test_a_series_that_ends_is_told_until_somebody_says_what_came_since(meyer: Town) -> None:
    (told,) = doubts(meyer, "DE")
    assert "the series de-basiszinssatz is known until 2025-12-31: `dunwell rates add` says what came since" in told
    add_rate("de-basiszinssatz", day("2026-01-01"), "1.27", by="anna", at=noon("2026-04-01"))
    assert doubts(meyer, "DE") == []


def test_a_series_that_nobody_has_given_is_told(meyer: Town) -> None:
    (told,) = doubts(meyer, "AT")
    assert "the series at-basiszinssatz is not there: `dunwell rates import` brings it in" in told


def test_an_agreed_rate_asks_for_no_series(meyer: Town) -> None:
    assert doubts(meyer, "AT, rate: 9.2") == []


def test_currencies_without_an_exchange_rate_are_told(meyer: Town) -> None:
    meyer.item("T-1", "MEYER", "100.00 TND", "2026-03-01")
    assert any("the series ecb-eur-tnd is not there" in told for told in doubts(meyer, "DE", on="2025-12-31"))


def test_a_term_too_short_before_costs_is_told(meyer: Town) -> None:
    (told,) = [each for each in doubts(meyer, "NL, rate: 6") if "stages[0]" in each]
    assert "p.yaml:4: stages[0]: the law wants a term of 14 days before the costs of stage escalation, for cons" in told
    assert told.endswith("give it `deadline_days: 14` or more, else its letter is held")


@pytest.mark.parametrize("key", ["one_notice_per: item", "one_notice_per: level", "split_by: [segment]"])
def test_a_demand_that_is_split_against_the_law_is_told(meyer: Town, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setattr(f"{__name__}.POLICY", POLICY.replace("stages:", f"{key}\nstages:"))
    (told,) = [each for each in doubts(meyer, "NL, rate: 6") if "one demand" in each]
    assert told.startswith(
        f"p.yaml:3: {key.partition(':')[0]}: the law wants one demand, and one flat sum, for the claims on a consumer"
    )
    assert not [each for each in doubts(meyer, "DE, rate: 6") if "one demand" in each]


def test_a_demand_for_all_of_an_account_is_not_doubted(meyer: Town) -> None:
    assert not [each for each in doubts(meyer, "NL, rate: 6") if "one demand" in each]
