"""Every regime is whole and says its sources; one that contradicts itself is refused with the key."""

from datetime import date
from typing import Any, get_args

import pytest

from dunwell.engine.data import regime_names, series_names
from dunwell.engine.documents import DocumentError, read_as, read_document
from dunwell.engine.law.law import law_of, regime
from dunwell.engine.law.regime import DebtorClass, Regime

WANTED = "UK IE DE AT CH FR NL BE LU IT ES PT PL SE NO DK FI EU"
NO_INTEREST = {("UK", "consumer"), ("IE", "consumer"), ("EU", "consumer")}
NO_FIGURES = {
    *("at-basiszinssatz", "be-legal", "cz-repo", "dk-lending", "es-legal", "fr-legal", "hu-base", "hu-mnb-eur"),
    *(
        "it-legal",
        "lu-legal",
        "nl-wettelijke-rente",
        "no-collection-rate",
        "no-compensation",
        "no-late-payment",
        "pl-nbp-eur",
    ),
    *("pl-nbp-reference", "ro-reference", "se-reference"),
}


def test_every_country_that_is_promised_is_there() -> None:
    assert set(WANTED.split()) <= set(regime_names())


@pytest.mark.parametrize("name", regime_names())
def test_a_regime_is_whole(name: str) -> None:
    found = regime(name)
    assert found.regime == name
    assert found.checked_on == date(2026, 11, 28)
    assert found.not_covered
    assert found.notes
    classes = set(get_args(DebtorClass))
    assert {(name, each) for each in classes - set(found.interest)} <= NO_INTEREST
    assert "consumer" not in found.flat or name in {"NL", "BE"}  # flat sums are for businesses but by these scales
    assert bool(found.appropriation) == (name not in {"UK", "IE", "EU"})
    assert not found.appropriation or found.appropriation[-1] == "principal"


def test_the_series_without_figures_are_these() -> None:
    asked = {name for each in regime_names() for name in regime(each).series}
    assert asked - set(series_names()) == NO_FIGURES


def test_what_the_law_forbids_consumers_to_be_charged() -> None:
    assert regime("FR").fees["consumer"].count_max == 0
    assert regime("NL").fees["consumer"].count_max == 0
    assert regime("BE").fees["consumer"].first_notice_free


def test_consumers_of_these_countries_owe_interest_only_from_a_day_that_is_given() -> None:
    waiting = {each for each in regime_names() for rule in regime(each).interest.values() if rule.starts == "given"}
    assert waiting == {"BE", "ES", "FR", "LU"}


def test_a_law_counts_days_as_its_regime_does_unless_told_otherwise() -> None:
    assert law_of("CH").day_count == "30/360"
    assert law_of("CH", day_count="act/365").day_count == "act/365"
    with pytest.raises(KeyError):
        law_of("XX")


WHOLE: dict[str, str] = {
    "regime": "XX",
    "title": "Some Act",
    "country": "Somewhere",
    "currency": "EUR",
    "checked_on": "2026-11-28",
}
RULE = "source: s"
FLAT = "currency: EUR, source: s"


def refusal(**keys: str) -> str:
    text = "".join(f"{key}: {value}\n" for key, value in (WHOLE | keys).items())
    with pytest.raises(DocumentError) as refused:
        read_as(read_document(text, "xx.yaml"), Regime)
    return str(refused.value)


def read(**keys: str) -> Regime:
    text = "".join(f"{key}: {value}\n" for key, value in (WHOLE | keys).items())
    return read_as(read_document(text, "xx.yaml"), Regime)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"interest": f"{{business: {{mode: constant, {RULE}}}}}"}, "a constant rate needs its `rate`"),
        ({"interest": f"{{business: {{mode: constant, rate: 5, margin: 1, {RULE}}}}}"}, "has no `series`, `margin`"),
        ({"interest": f"{{business: {{mode: floating, {RULE}}}}}"}, "floating needs the `series` that it asks"),
        ({"interest": f"{{business: {{mode: fixed_at_start, {RULE}}}}}"}, "fixed_at_start needs the `series`"),
        ({"interest": f"{{business: {{mode: floating, series: a, rate: 3, {RULE}}}}}"}, "has no `rate` of its own"),
        ({"interest": f"{{business: {{mode: floating, series: A b, {RULE}}}}}"}, "interest.business.series: "),
        ({"interest": "{business: {mode: constant, rate: 5}}"}, "the key 'source' is missing"),
        ({"interest": f"{{business: {{mode: constant, rate: -5, {RULE}}}}}"}, "interest.business.rate: "),
        ({"interest": f"{{business: {{mode: constant, rate: 0.1234567, {RULE}}}}}"}, "interest.business.rate: "),
        ({"interest": f"{{business: {{mode: floating, series: a, round_up_to: 0, {RULE}}}}}"}, "round_up_to: "),
        ({"interest": f"{{everybody: {{mode: constant, rate: 5, {RULE}}}}}"}, "everybody"),
        ({"flat": f"{{business: {{steps: [], {FLAT}}}}}"}, "in one of the two"),
        ({"flat": f"{{business: {{{FLAT}}}}}"}, "a flat sum stands in its `steps` or in an `amount_series`"),
        (
            {"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}], amount_series: a, {FLAT}}}}}"},
            "in one of the two",
        ),
        ({"flat": f"{{business: {{steps: [{{from: 5, amount: 40}}], {FLAT}}}}}"}, "the first of `steps` begins at 0"),
        ({"flat": f"{{business: {{steps: [{{from: 0}}], {FLAT}}}}}"}, "a step needs an `amount` or a `percent`"),
        ({"flat": f"{{business: {{steps: [{{from: 0, above: 0, amount: 1}}], {FLAT}}}}}"}, "not both"),
        (
            {"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}, {{above: 0, amount: 2}}], {FLAT}}}}}"},
            "`steps` rise: each begins beyond the one before",
        ),
        (
            {"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}], at_least: 5, at_most: 4, {FLAT}}}}}"},
            "`at_least` is more than `at_most`",
        ),
        (
            {"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}], together: true, less_fees: true, {FLAT}}}}}"},
            "has no `less_fees`",
        ),
        ({"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}], steps_in: EUR, {FLAT}}}}}"}, "`steps_in` is only"),
        ({"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}], exchange: a, {FLAT}}}}}"}, "needs `steps_in`"),
        (
            {"flat": f"{{business: {{steps: [{{from: 0, percent: 1}}], steps_in: PLN, {FLAT}}}}}"},
            "leave `steps_in` out",
        ),
        ({"flat": "{business: {steps: [{from: 0, amount: 1}], currency: EUX, source: s}}"}, "'EUX' is not a currency"),
        ({"fees": "{consumer: {source: s}}"}, "nothing is bounded: leave `fees` out"),
        ({"fees": "{consumer: {at_most: [5], source: s}}"}, "a bound needs its `currency`"),
        ({"fees": "{consumer: {currency: EUR, at_most: [5], at_most_series: a, source: s}}"}, "not in both"),
        ({"fees": "{consumer: {currency: EUR, at_most: [5], share: 0.5, source: s}}"}, "a `share` is one of what"),
        ({"fees": "{consumer: {count_max: -1, source: s}}"}, "fees.consumer.count_max: "),
        ({"letters": "{consumer: {says: [], source: s}}"}, "needs no rule"),
        ({"letters": "{consumer: {says: [breakdown], deadline_days: 3, source: s}}"}, "says its `deadline`"),
        ({"appropriation": "[costs, costs, principal]", "appropriation_source": "s"}, "names a part twice"),
        ({"appropriation": "[costs, interest]", "appropriation_source": "s"}, "goes to the principal"),
        ({"appropriation": "[interest, principal]"}, "needs its `appropriation_source`"),
        ({"currency": "EUX"}, "'EUX' is not a currency in use"),
        ({"regime": "Xx"}, "xx.yaml:1: regime: "),
        ({"checked_on": "soon"}, "checked_on: "),
        ({"day_count": "act/364"}, "day_count: "),
        ({"caps": "{}"}, "unknown key"),
    ],
)
def test_a_regime_that_contradicts_itself_is_refused(keys: dict[str, str], message: str) -> None:
    assert message in refusal(**keys)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"interest": f"{{business: {{mode: floating, series: a-b1, margin: -1, round_up_to: 0.5, {RULE}}}}}"},
        {"flat": f"{{business: {{steps: [{{from: 0, amount: 1}}, {{above: 5, amount: 2, percent: 3}}], {FLAT}}}}}"},
        {"flat": f"{{business: {{steps: [{{from: 0, percent: 1}}], at_least: 5, at_most: 5, {FLAT}}}}}"},
        {"flat": f"{{business: {{amount_series: a, {FLAT}}}}}"},
        {"fees": "{consumer: {currency: EUR, at_most_series: a, share: 0.05, source: s}}"},
        {"fees": "{consumer: {first_notice_free: true, source: s}}"},
        {"letters": "{consumer: {says: [deadline], deadline_days: 14, source: s}}"},
        {"appropriation": "[interest, principal]", "appropriation_source": "s"},
    ],
)
def test_a_regime_may_say_this(keys: dict[str, Any]) -> None:
    assert read(**keys).regime == "XX"
