"""What of the book, and which rates, a run reads for what its policies charge: nothing where they charge by no law."""

import pytest

from dunwell.engine.law.needs import reads_charges, reads_payments, series_needed
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy


def policy(interest: str, stage: str) -> Policy:
    """A policy of one stage."""
    keys = f"interest: {interest}\n" if interest else ""
    return parse_policy(
        f"policy: p\n{keys}stages:\n  - {{stage: one, days_past_due: 1, send: [email], {stage}}}", "p.yaml"
    )


@pytest.mark.parametrize(
    ("interest", "stage", "payments", "charges"),
    [
        ("", "fee: {EUR: 5.00}", False, False),
        ("{regime: DE}", "deadline_days: 10", False, False),
        ("{regime: DE}", "fee: {EUR: 5.00}", False, True),
        ("{regime: DE}", "interest: true", True, True),
        ("{regime: DE}", "compensation: true", True, True),
        ("{rate: 8.0}", "interest: true", True, True),
    ],
)
def test_only_who_charges_by_a_law_reads_for_it(interest: str, stage: str, payments: bool, charges: bool) -> None:
    rules = [policy("", "deadline_days: 3"), policy(interest, stage)]
    assert (reads_payments(rules), reads_charges(rules)) == (payments, charges)


@pytest.mark.parametrize(
    ("interest", "stage", "currencies", "series"),
    [
        ("", "fee: {EUR: 5.00}", ["EUR"], set()),
        ("{regime: DE}", "fee: {EUR: 5.00}", ["EUR", "USD"], set()),
        ("{rate: 8.0}", "interest: true", ["EUR", "USD"], set()),
        ("{regime: DE}", "interest: true", ["EUR", "USD"], {"de-basiszinssatz"}),
        ("{regime: UK}", "interest: true", ["GBP"], {"boe-bank-rate"}),
        ("{regime: DE}", "compensation: true", ["EUR"], set()),
        ("{regime: DE}", "compensation: true", ["EUR", "CHF"], {"ecb-eur-chf"}),
        ("{regime: UK}", "compensation: true", ["EUR"], {"ecb-eur-gbp"}),
        ("{regime: UK}", "compensation: true", ["USD"], {"ecb-eur-gbp", "ecb-eur-usd"}),
        ("{regime: PL}", "compensation: true", ["PLN"], {"pl-nbp-eur", "ecb-eur-pln"}),
        ("{regime: PL}", "compensation: true", ["EUR"], {"pl-nbp-eur", "ecb-eur-pln"}),
        ("{regime: NO}", "compensation: true", ["NOK"], {"no-compensation"}),
        ("{regime: HU}", "compensation: true", ["EUR"], {"hu-mnb-eur", "ecb-eur-huf"}),
        ("{regime: DK}", "fee: {DKK: 100.00}", ["DKK"], set()),
        ("{regime: DK}", "fee: {EUR: 10.00}", ["EUR"], {"ecb-eur-dkk"}),
        ("{regime: DE}", "interest: true", [], {"de-basiszinssatz"}),
    ],
)
def test_only_the_series_that_may_be_asked(interest: str, stage: str, currencies: list[str], series: set[str]) -> None:
    assert series_needed([policy(interest, stage)], currencies) == series
