"""What an entity allows matching to do by itself: its own settings, checked, on record, and obeyed."""

from pathlib import Path
from typing import Any, Final

import pytest

from dunwell.cash.settings import Settings
from dunwell.flows.cash.allowed import BOUNDS, USUAL, change_settings, list_settings, settings_of
from dunwell.flows.cash.matching import match_lines
from dunwell.flows.errors import Invalid
from dunwell.records.models import AuditEvent, Entity
from tests.flows.cash.banking import AT, bank_account, take
from tests.flows.town import Town
from tests.sources.bank.mt940_files import mt940

BERT: Final[dict[str, Any]] = {"by": "bert", "at": AT}


def put(town: Town, *usual: str, **given: str) -> None:
    """Change settings as people write them."""
    change_settings(town.entity, given, usual=usual, **BERT)


def refused(town: Town, *usual: str, **given: str) -> str:
    """What is said where a change is refused; nothing is changed then."""
    before = Entity.objects.get(pk=town.entity.pk).cash
    with pytest.raises(Invalid) as refusal:
        put(town, *usual, **given)
    assert Entity.objects.get(pk=town.entity.pk).cash == before
    return str(refusal.value)


def test_an_entity_that_says_nothing_has_the_usual(town: Town) -> None:
    assert settings_of(town.entity) == Settings()
    assert [(each.name, each.is_own) for each in list_settings(town.entity)] == [(name, False) for name in USUAL]


def test_what_is_changed_is_its_own_until_it_is_the_usual_again(town: Town) -> None:
    put(town, threshold_permille="98.5%", propose_permille="600", tolerances="eur:2.00, USD:0", oldest_first="Yes")
    found = settings_of(town.entity)
    assert (found.threshold_permille, found.propose_permille, found.oldest_first) == (985, 600, True)
    assert found.tolerances == {"EUR": 200, "USD": 0}
    assert settings_of(Entity.objects.get(pk=town.entity.pk)) == found
    told = {each.name: (each.written, each.usual) for each in list_settings(town.entity) if each.is_own}
    assert told["threshold_permille"] == ("98.5%", "95.0%")
    assert told["tolerances"][0] == "EUR:2.00,USD:0.00"
    put(town, "tolerances", threshold_permille="950")
    assert Entity.objects.get(pk=town.entity.pk).cash == {"propose_permille": 600, "oldest_first": True}


def test_what_is_listed_can_be_typed_again(town: Town) -> None:
    put(town, charges_at_most="JPY:500,KWD:0.125", hold_back_share_percent="25%", match_before_run="no")
    own = {each.name: each.written for each in list_settings(town.entity)}
    kept = town.entity.cash
    put(town, *USUAL)
    assert town.entity.cash == {}
    put(town, **own)
    assert town.entity.cash == kept


def test_a_change_is_on_record_with_what_was(town: Town) -> None:
    put(town, discount_grace_days="5")
    put(town, discount_grace_days="5")
    put(town, "discount_grace_days", charges_at_most="EUR:3")
    first, second = AuditEvent.objects.filter(action="cash.settings_changed").order_by("pk")
    assert (first.actor, first.subject_label) == ("bert", "ACME")
    assert first.detail == {"old": {"discount_grace_days": 3}, "new": {"discount_grace_days": 5}}
    assert second.detail["old"] == {"charges_at_most": {}, "discount_grace_days": 5}
    assert second.detail["new"] == {"charges_at_most": {"EUR": 300}, "discount_grace_days": 3}


def test_no_threshold_lets_a_guess_be_applied(town: Town) -> None:
    said = refused(town, threshold_permille="94%")
    assert "94.0% is too low: up to 94.0% are guesses" in said
    assert "never applied by themselves" in refused(town, threshold_permille="899")
    put(town, threshold_permille="94.1%")
    assert "is not between 94.1% and 100.0%" in refused(town, threshold_permille="1001")


def test_less_is_proposed_than_applied(town: Town) -> None:
    assert "96.0% is above threshold_permille, which is 95.0%" in refused(town, propose_permille="96%")
    put(town, threshold_permille="97%", propose_permille="96%")
    assert "96.0% is above threshold_permille" in refused(town, "threshold_permille")


def test_everything_that_is_wrong_is_said_at_once(town: Town) -> None:
    said = refused(town, "tolerance", oldest_first="perhaps", thresold_permille="960", name_margin="0").splitlines()
    assert said[0] == "ACME: nothing is changed"
    assert sorted(said[1:]) == [
        "name_margin: 0 is not between 1 and 50",
        "oldest_first: 'perhaps' is not yes or no",
        "thresold_permille: there is no such setting; did you mean 'threshold_permille'?",
        "tolerance: there is no such setting; did you mean 'tolerances'?",
    ]
    assert "it is set and to be the usual at once" in refused(town, "name_margin", name_margin="7")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("threshold_permille", "98.55%", "'98.55%' is finer than 0.1 %"),
        ("threshold_permille", "0.985", "'0.985' is finer than a whole number"),
        ("threshold_permille", "high", "'high' is no number, such as 98.5%"),
        ("threshold_permille", "1e3", "is no number"),
        ("threshold_permille", "٩٨٥", "is no number"),
        ("hold_back_share_percent", "0", "0% is not between 1% and 100%"),
        ("hold_back_days", "5%", "'5%' is no number"),
        ("hold_back_days", "-1", "'-1' is no number"),
        ("hold_back_days", "", "'' is no number"),
        ("subset_steps_max", "999999999", "is not between 1000 and 1000000"),
        ("tolerances", "EUR", "'EUR' is no amount of a currency, such as EUR:2.00"),
        ("tolerances", "EUR:1,eur:2", "EUR is said twice"),
        ("tolerances", "EUR:-1", "EUR:-1 is less than nothing"),
        ("tolerances", "EUR:0.005", "more decimals than EUR"),
        ("tolerances", "XXY:1", "'XXY' is not a currency in use"),
        ("charges_at_most", "EUR:1e3", "'1e3' is no amount"),
        ("tolerances", "EUR:100.01", "tolerances: 100.01 EUR is more than 100.00 EUR"),
        ("charges_at_most", "GBP:2,EUR:900", "charges_at_most: 900.00 EUR is more than 100.00 EUR"),
        ("tolerances", "JPY:10000001", "is more than 10000000 JPY"),
        ("match_before_run", "1", "'1' is not yes or no"),
    ],
)
def test_a_value_that_can_be_none_is_refused(town: Town, name: str, text: str, said: str) -> None:
    assert said in refused(town, **{name: text})


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"treshold_permille": 960}, "treshold_permille: there is no such setting; did you mean 'threshold_permille'?"),
        ({"threshold_permille": "960"}, "threshold_permille: '960' is no whole number"),
        ({"threshold_permille": True}, "threshold_permille: True is no whole number"),
        ({"threshold_permille": 800}, "threshold_permille: 80.0% is too low"),
        ({"oldest_first": 1}, "oldest_first: 1 is not yes or no"),
        ({"tolerances": 100}, "tolerances: 100 are no amounts by currency"),
        ({"tolerances": {"EUR": 1.5}}, "tolerances: 1.5 is no amount of EUR"),
        ({"tolerances": {"EUR": 90_000}}, "tolerances: 900.00 EUR is more than 100.00 EUR"),
        ({"tolerances": {"EUX": 1}}, "tolerances: 'EUX' is not a currency in use"),
        ({"propose_permille": 960}, "propose_permille: 96.0% is above threshold_permille"),
        ([], "is no list of settings"),
    ],
)
def test_what_is_kept_and_can_be_none_stops_matching_by_its_name(town: Town, kept: object, said: str) -> None:
    town.entity.cash = kept
    town.entity.save()
    with pytest.raises(Invalid) as refusal:
        match_lines(town.entity, **BERT)
    assert said in str(refusal.value)


def test_what_can_be_none_is_mended_by_letting_it_be_the_usual(town: Town) -> None:
    town.entity.cash = {"treshold_permille": 960, "name_margin": 8}
    town.entity.save()
    assert "treshold_permille: there is no such setting" in refused(town, name_margin="9")
    put(town, "treshold_permille")
    assert town.entity.cash == {"name_margin": 8}


def test_matching_does_what_its_entity_allows(town: Town, tmp_path: Path) -> None:
    bank_account(town.entity)
    town.item("INV-20170", "MEYER", "100.00 EUR", "2026-02-01")
    take(tmp_path, mt940(["260302 95 //B1 INV-20170"], opens=0))
    put(town, tolerances="EUR:1.00")
    assert match_lines(town.entity, apply=False, **BERT).sums["EUR"]["waiting"] == 9_500
    put(town, tolerances="EUR:5.00")
    assert match_lines(town.entity, **BERT).applied == 1
    assert town.open("INV-20170") == 0


def test_one_entity_does_not_set_what_another_allows(town: Town) -> None:
    other = Town(town.folder, "OTHER", policy=None)
    put(town, oldest_first="yes")
    assert not settings_of(other.entity).oldest_first


def test_the_usual_is_within_the_bounds() -> None:
    assert {name for name, value in USUAL.items() if type(value) is int} == set(BOUNDS)
    assert all(least <= USUAL[name] <= most for name, (least, most) in BOUNDS.items())
