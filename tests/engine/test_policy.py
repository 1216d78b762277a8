"""A policy file read: every key with its default, what the check warns of, and the schema for editors."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from dunwell.engine.data import SHIPPED_POLICIES, shipped_policy
from dunwell.engine.documents import read_document
from dunwell.engine.law.law import Law
from dunwell.engine.policy.model import Calendar, Close, Contact, Fee, Interest, Minimum, Policy, Stage, json_schema
from dunwell.engine.policy.parse import attribute_types, parse_policy, warnings_of

SAMPLE: Final = Path(__file__).parent / "sample" / "standard-b2b.yaml"
SHORTEST: Final = "{policy: p, stages: [{stage: one, days_past_due: 3, send: [email]}]}"


def policy(text: str) -> Policy:
    return parse_policy(text, "p.yaml")


def one_stage(keys: str) -> Stage:
    first = "{stage: first, days_past_due: 0, send: [email]}"
    return policy(f"{{policy: p, stages: [{first}, {{stage: two, days_past_due: 9, send: [email], {keys}}}]}}").stages[
        1
    ]


def warnings(text: str) -> list[str]:
    document = read_document(text, "p.yaml")
    return [str(each) for each in warnings_of(parse_policy(text, "p.yaml"), document)]


def test_every_key_of_a_policy_has_its_default() -> None:
    assert policy(SHORTEST).model_dump(exclude={"stages"}) == {
        "policy": "p", "title": "", "applies_to": None, "priority": 100, "anchor": "item", "escalate": "step",
        "deescalate": False, "one_notice_per": "account", "split_by": (), "include": "dunned", "credits": "net",
        "min_gap_days": 0, "minimum": {"item": None, "account": None, "percent_of_open": Decimal(0)},
        "calendar": None, "contact": None, "on_broken_promise": "resume", "after_dispute": "continue",
        "charges_when_paid": "keep", "interest": None, "close": None, "rules": (),
    }  # fmt: skip


def test_every_key_of_a_stage_has_its_default() -> None:
    assert policy(SHORTEST).stages[0].model_dump(exclude={"stage", "days_past_due", "send"}) == {
        "days_since_previous": None, "days_since_deadline": None, "month_end": False, "min_overdue": None,
        "when": None, "deadline_days": None, "fee": None, "interest": False, "compensation": False, "do": (),
        "approval": "none", "repeat_every_days": None, "repeat_max": None,
    }  # fmt: skip


def test_the_sample_of_the_design_is_read_key_by_key() -> None:
    read = policy(SAMPLE.read_text(encoding="utf-8"))
    assert (read.policy, read.title, read.priority, read.min_gap_days) == (
        "standard-b2b",
        "Standard B2B procedure",
        100,
        7,
    )
    assert read.applies_to is not None
    assert read.applies_to.columns == {"segment", "intercompany"}
    assert read.minimum == Minimum.model_validate({"item": {"EUR": 5}, "account": {"EUR": 25}})
    assert read.calendar == Calendar(country="DE", roll="forward", due="keep")
    assert read.contact == Contact(window="08:00-18:00", per_7_days=3)
    assert read.interest == Interest(regime="DE")
    assert read.close == Close(after_stage="final", send=("email",), do=("restore_service",))
    assert [stage.stage for stage in read.stages] == ["courtesy", "reminder", "second_reminder", "escalation", "final"]
    assert [stage.days_past_due for stage in read.stages] == [-7, 3, 14, 30, 60]
    assert [stage.approval for stage in read.stages] == ["none", "none", "none", "one", "two"]
    assert [stage.expires for stage in read.stages] == [True, False, False, False, False]
    second, escalation, final = read.stages[2:]
    assert (second.days_since_previous, second.deadline_days, second.send) == (7, 10, ("email|letter",))
    assert (second.min_overdue, second.fee) == ({"EUR": 5000}, Fee.model_validate({"fixed": {"EUR": 5}}))
    assert second.when is not None
    assert (escalation.interest, escalation.compensation, escalation.do) == (True, True, ("call", "notify_owner"))
    assert (final.repeat_every_days, final.repeat_max) == (30, 2)


def test_a_stage_is_found_by_its_name_and_otherwise_not() -> None:
    read = policy(SAMPLE.read_text(encoding="utf-8"))
    assert [read.position(name) for name in ("courtesy", "final", "no such stage", None)] == [1, 5, 0, 0]


@pytest.mark.parametrize(
    ("keys", "fee", "per_item"),
    [
        ("fee: {EUR: 5.00}", {"fixed": {"EUR": 500}}, False),
        ("fee: {EUR: 5.00, JPY: 800}", {"fixed": {"EUR": 500, "JPY": 800}}, False),
        ("fee: {EUR: 5.00, per: item}", {"fixed": {"EUR": 500}, "per": "item"}, True),
        ("fee: {percent: 1.5}", {"percent": Decimal("1.5")}, True),
        ("fee: {percent: 1.5, of: original}", {"percent": Decimal("1.5"), "of": "original"}, True),
        ("fee: {percent: 1.5, of: claim}", {"percent": Decimal("1.5"), "of": "claim"}, True),
    ],
)
def test_a_fee_is_fixed_or_per_item_or_a_percentage(keys: str, fee: dict[str, Any], per_item: bool) -> None:
    read = one_stage(keys).fee
    assert read is not None
    assert read.model_dump() == {"fixed": None, "per": "notice", "percent": None, "of": "open", "tiers": ()} | fee
    assert read.per_item is per_item


@pytest.mark.parametrize(
    "keys",
    [
        "fee: [{from: 100, EUR: 2.00}, {from: 1000, percent: 0.3}]",
        "fee: {tiers: [{from: 100, EUR: 2.00}, {from: 1000, percent: 0.3}]}",
    ],
)
def test_tiers_are_a_list_or_stand_under_their_key(keys: str) -> None:
    read = one_stage(keys).fee
    assert read is not None
    assert [(tier.from_, tier.fixed, tier.percent) for tier in read.tiers] == [
        (Decimal(100), {"EUR": 200}, None),
        (Decimal(1000), None, Decimal("0.3")),
    ]
    assert read.per_item


def test_tiers_may_be_over_another_base() -> None:
    read = one_stage("fee: {of: claim, tiers: [{from: 0, percent: 1}]}").fee
    assert read is not None
    assert read.of == "claim"


def test_amounts_are_in_the_minor_unit_of_their_currency() -> None:
    read = policy(SHORTEST.replace("stages", "minimum: {item: {EUR: 5, JPY: 5, KWD: 5.125}}, stages"))
    assert read.minimum.item == {"EUR": 500, "JPY": 5, "KWD": 5125}


def test_the_largest_amount_is_the_bound() -> None:
    read = policy(SHORTEST.replace("stages", "minimum: {item: {EUR: 10000000000.00}}, stages"))
    assert read.minimum.item == {"EUR": 10**12}


def test_an_attribute_is_known_where_it_is_declared() -> None:
    types = attribute_types({"contract": "text", "score": "integer"})
    text = SHORTEST.replace("stages", "split_by: [attr_contract], applies_to: attr_score > 3, stages")
    read = parse_policy(text, "p.yaml", types)
    assert read.split_by == ("attr_contract",)


@pytest.mark.parametrize(
    ("word", "value"), [("title: no", "no"), ("title: on", "on"), ("title: y", "y"), ("title: 'true'", "true")]
)
def test_yes_and_no_are_words(word: str, value: str) -> None:
    assert policy(SHORTEST.replace("stages", f"{word}, stages")).title == value


def test_norway_is_a_country() -> None:
    read = policy(SHORTEST.replace("stages", "calendar: {country: NO}, stages"))
    assert read.calendar is not None
    assert read.calendar.country == "NO"


def test_a_policy_with_nothing_doubtful_has_no_warnings() -> None:
    assert (
        warnings("{policy: p, title: t, min_gap_days: 3, stages: [{stage: one, days_past_due: 3, send: [email]}]}")
        == []
    )


def test_waiting_for_a_deadline_that_no_stage_names_is_doubtful() -> None:
    """It is no contradiction: without a deadline the condition counts as met for the stage that comes next."""
    text = (
        "policy: p\ntitle: t\nmin_gap_days: 3\nstages:\n"
        "  - {stage: one, days_past_due: 3, send: [email]}\n"
        "  - {stage: two, days_since_deadline: 3, deadline_days: 7, send: [email]}\n"
    )
    (only,) = warnings(text)
    assert only == (
        "p.yaml:6: stages[1].days_since_deadline: no stage before it has deadline_days;"
        " without a deadline there is nothing to wait for"
    )
    assert warnings(text.replace("past_due: 3", "past_due: 3, deadline_days: 7")) == []


def test_a_small_gap_with_single_steps_is_doubtful() -> None:
    text = "policy: p\ntitle: t\nmin_gap_days: 2\nstages: [{stage: one, days_past_due: 3, send: [email]}]"
    assert warnings(text) == [
        "p.yaml:3: min_gap_days: with `escalate: step` a gap below 3 days can send an old item one stage a day"
    ]
    assert warnings(text + "\nescalate: jump") == []


def test_a_policy_without_a_title_is_doubtful() -> None:
    text = "min_gap_days: 7\npolicy: p\nstages: [{stage: one, days_past_due: 3, send: [email]}]"
    assert warnings(text) == ["p.yaml:2: policy: a title would help those who read reports"]


def test_a_rate_that_no_stage_charges_is_doubtful() -> None:
    stages = "stages: [{stage: one, days_past_due: 3, send: [email]}]"
    text = f"policy: p\ntitle: t\nmin_gap_days: 7\ninterest: {{rate: 8}}\n{stages}"
    assert warnings(text) == [
        "p.yaml:4: interest: no stage has `interest: true`, so that nothing is charged at this rate"
    ]
    assert warnings(text.replace("days_past_due", "interest: true, days_past_due")) == []


def test_what_a_policy_says_takes_the_place_of_what_its_regime_says() -> None:
    text = "policy: p\ninterest: {%s}\nstages: [{stage: one, days_past_due: 3, send: [email]}]"
    statutory = parse_policy(text % "regime: DE", "p.yaml").law
    assert statutory is not None
    assert statutory.regime is not None
    assert (statutory.day_count, statutory.rounding) == (statutory.regime.day_count, statutory.regime.rounding)
    keys = "regime: DE, rate: 7.5, day_count: act/360, rounding: daily_rate_2dp, class: consumer"
    agreed = parse_policy(text % keys, "p.yaml").law
    assert agreed == replace(
        statutory, agreed_percent=Decimal("7.5"), day_count="act/360", rounding="daily_rate_2dp",
        default_class="consumer",
    )  # fmt: skip
    rule = agreed.rate_rule("business")
    assert rule is not None
    assert (rule.mode, rule.rate) == ("constant", Decimal("7.5"))
    assert parse_policy(text % "rate: 8", "p.yaml").law == Law(agreed_percent=Decimal(8))


def test_a_fee_without_a_currency_that_the_policy_names_elsewhere_is_doubtful() -> None:
    text = (
        "policy: p\ntitle: t\nmin_gap_days: 7\nminimum: {account: {EUR: 25, CHF: 25}}\nstages:\n"
        "  - {stage: one, days_past_due: 3, send: [email], fee: {EUR: 5}}\n"
        "  - {stage: two, days_past_due: 9, send: [email], fee: {EUR: 9, USD: 9, CHF: 9}}\n"
    )
    (only,) = warnings(text)
    assert only == (
        "p.yaml:6: stages[0].fee: no amount in CHF, USD, which the policy names elsewhere:"
        " items in it become exceptions"
    )


@pytest.mark.parametrize("name", SHIPPED_POLICIES)
def test_the_shipped_policies_are_valid_and_beyond_doubt(name: str) -> None:
    assert policy(shipped_policy(name)).policy == name
    assert warnings(shipped_policy(name)) == []


def as_json(text: str) -> object:
    """A document as an editor hands it to a JSON Schema: decimals are numbers, dates text."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {key: plain(part) for key, part in value.items()}
        if isinstance(value, list):
            return [plain(part) for part in value]
        return float(value) if isinstance(value, Decimal) else value

    return plain(read_document(text, "p.yaml").data)


VALIDATOR: Final = jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [*map(shipped_policy, SHIPPED_POLICIES), SAMPLE.read_text(encoding="utf-8"), SHORTEST])
def test_the_schema_takes_what_the_check_takes(text: str) -> None:
    VALIDATOR.validate(as_json(text))


@pytest.mark.parametrize(
    "keys",
    [
        "fee: [{from: 100, EUR: 2.00}, {from: 1000, percent: 0.3}]",
        "fee: {tiers: [{from: 100, EUR: 2.00}]}",
        "fee: {percent: 1.5, of: claim}",
        "fee: {EUR: 5, per: item}",
    ],
)
def test_the_schema_takes_every_form_of_a_fee(keys: str) -> None:
    VALIDATOR.validate(as_json(f"{{policy: p, stages: [{{stage: one, days_past_due: 3, send: [email], {keys}}}]}}"))


@pytest.mark.parametrize(
    "text",
    [
        "{policy: p}",
        "{policy: p, stages: [{days_past_due: 3}]}",
        "{policy: p, stages: [], prioritty: 3}",
        "{policy: p, stages: [], priority: low}",
        "{policy: p, stages: [], anchor: acount}",
        "{policy: p, stages: [], min_gap_days: -1}",
        "{policy: p, stages: [], minimum: {item: {EUR: -5}}}",
        "{policy: p, stages: [], minimum: {item: {euro: 5}}}",
        "{policy: p, stages: [], applies_to: 5}",
        "{policy: p, stages: [], calendar: {country: Germany}}",
        "{policy: p, stages: [{stage: one, days_past_due: 3, send: [email], fee: 5}]}",
        "{policy: p, stages: [{stage: one, days_past_due: 3, send: [email], fee: {EUR: -5}}]}",
        "{policy: p, stages: [{stage: one, days_past_due: 3, send: [email], fee: [{EUR: 5}]}]}",
        "{policy: p, stages: [{stage: one, days_past_due: 3, send: [email], approval: three}]}",
        "{policy: p, stages: [{stage: one, days_past_due: 3.5, send: [email]}]}",
        "{policy: p, stages: [{stage: two words, days_past_due: 3, send: [email]}]}",
    ],
)
def test_the_schema_refuses_what_is_broken(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(as_json(text))


@pytest.mark.parametrize(
    ("law", "lacks"),
    [
        ("{regime: UK, class: consumer}", ["no interest", "no flat sum"]),
        ("{regime: UK, class: consumer, rate: 4}", ["no flat sum"]),
        ("{regime: UK, class: business}", []),
        ("{regime: UK}", []),
    ],
)
def test_charges_that_the_law_never_gives_are_doubted(law: str, lacks: list[str]) -> None:
    stage = "{stage: first, days_past_due: 3, interest: true, compensation: true, send: [email]}"
    told = warnings(f"{{policy: p, title: T, min_gap_days: 5, interest: {law}, stages: [{stage}]}}")
    assert [each.partition("UK gives ")[2].partition(" against")[0] for each in told] == lacks
