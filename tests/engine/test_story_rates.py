"""A story gives the rates it is about; two stories do not share what each says of a series."""

from pathlib import Path

import pytest

from dunwell.engine.stories.runner import run_files

STORY = """story: what it shows
policy:
  {{policy: p, interest: {{regime: DK}}, stages: [{{stage: one, days_past_due: 10, interest: true, send: [email]}}]}}
rates: {rates}
accounts: [{{account: A, debtor_class: business, email: a}}]
steps:
  - {{on: 2026-01-01, invoice: {{number: A-1, account: A, amount: 36500.00 DKK, due: 2026-01-31}}}}
  - {{on: 2026-02-10, run: {{}}, expect: {{charges: {{A-1: {amount} DKK}}}}}}
"""


def told(folder: Path, rates: str, amount: str = "0.00", name: str = "a-story") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(STORY.format(rates=rates, amount=amount), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ("[1]", "rates: give rates by series and day, such as {ecb-mro: {2026-01-01: 2.15}}"),
        ("{dk-lending: 2.0}", "rates.dk-lending: give rates by series and day, such as"),
        ("{dk-lending: {}}", "rates.dk-lending: give rates by series and day, such as"),
        ("{dk-lending: {january: 2.0}}", "rates.dk-lending.january: 'january' is no day, such as 2026-01-01"),
        ("{dk-lending: {2026-02-30: 2.0}}", "rates.dk-lending.2026-02-30: '2026-02-30' is no day"),
        ("{dk-lending: {2026-01-01: much}}", "rates.dk-lending.2026-01-01: 'much' is not a number"),
        ("{dk-lending: {2026-01-01: true}}", "rates.dk-lending.2026-01-01: True is not a number"),
        ("{dk-lending: {2026-01-01: 2.0000001}}", "rates.dk-lending.2026-01-01: a rate has at most six decimals"),
        ("{ecb-eur-sek: {2025-01-01: 0}}", "rates.ecb-eur-sek.2025-01-01: an exchange rate is above 0"),
        ("{ecb-eur-sek: {2025-01-01: -11.2}}", "rates.ecb-eur-sek.2025-01-01: an exchange rate is above 0"),
        ("{pl-nbp-eur: {2025-01-01: 0.0}}", "rates.pl-nbp-eur.2025-01-01: an exchange rate is above 0"),
        ("{dk-lending: {2026-01-01: 1e99}}", "rates.dk-lending.2026-01-01: a rate has at most six decimals"),
    ],
)
def test_rates_that_cannot_be_read_are_named(tmp_path: Path, rates: str, message: str) -> None:
    (failures,) = run_files([told(tmp_path, rates)])
    assert [each.message.startswith(message) for each in failures] == [True]
    assert failures[0].line == 4


def test_a_rate_of_interest_may_be_0_or_below(tmp_path: Path) -> None:
    none = told(tmp_path, "{dk-lending: {2026-01-01: 0}}", "80.00", "none")
    below = told(tmp_path, "{dk-lending: {2026-01-01: -1}}", "70.00", "below")
    assert run_files([none, below]) == [[], []]


def test_stories_of_different_rates_do_not_mix(tmp_path: Path) -> None:
    low = told(tmp_path, "{dk-lending: {2026-01-01: 2.0}}", "100.00", "low")
    high = told(tmp_path, "{dk-lending: {2025-07-01: 1.0, 2026-01-01: 12}}", "200.00", "high")
    assert run_files([low, high, low]) == [[], [], []]


def test_without_a_rate_an_item_is_an_exception_that_names_the_series(tmp_path: Path) -> None:
    (failures,) = run_files([told(tmp_path, "{}")])
    (only,) = failures
    assert "A-1: the series dk-lending does not say what the law asks of it" in only.explanation
