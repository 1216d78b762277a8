"""Random policies, as YAML for the parser: every key the engine acts on, near the boundaries, hardly ever refused."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import polars as pl
import yaml
from hypothesis import assume
from hypothesis import strategies as st

from dunwell.engine.book import EVENTS
from dunwell.engine.documents import DocumentError
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy
from tests.engine.expression_pairs import ANY_ROW, STAGE_ROW

Keys: TypeAlias = dict[str, Any]

ATTRIBUTES: Final[dict[str, pl.DataType]] = {
    "attr_contract": pl.String(),  # on items
    "attr_score": pl.Int64(),  # on accounts
    "attr_vip": pl.Boolean(),
}
STAGE_NAMES: Final = ("first", "second", "third", "fourth")
LATE_DAYS: Final = (0, 1, 1, 3, 3, 5, 7, 10, 14, 30)
SENDS: Final[tuple[list[str], ...]] = (
    ["email"],
    ["letter"],
    ["email|letter"],
    ["letter|email", "sms"],
    ["sms|chat|webhook"],
    ["email", "letter", "email|sms"],
    [],
)
SENDING: Final = st.sampled_from(SENDS)
REGIMES: Final = ("DE", "UK", "NL", "NL", "DK", "DK", "FI", "FI", "NO", "NO", "PL", "BE", "BE", "LU", "SE", "FR")
SPLITS: Final = (("attr_contract",), ("segment",), ("due_on", "attr_contract"), ("account",))


@lru_cache(maxsize=None, typed=True)  # typed: 1 is not True
def pick(*choices: Any) -> st.SearchStrategy[Any]:
    """One of the choices; kept, since building a strategy costs more than drawing from it. Shrinks to the first."""
    return st.sampled_from(choices)


@lru_cache(maxsize=None, typed=True)  # typed: 1 is not True
def one_in(n: int) -> st.SearchStrategy[bool]:
    """True now and then; shrinks to False."""
    return st.sampled_from((False,) * (n - 1) + (True,))


@st.composite
def amounts(draw: st.DrawFn, sizes: tuple[int, ...] = (0, 1, 5, 10, 25, 50, 100)) -> Keys:
    """Amounts in major units by currency; now and then a currency is missing."""
    lacking = draw(pick("", "", "", "", "", "EUR", "JPY", "KWD"))
    size = draw(pick(*sizes))
    by_currency = {"EUR": size, "JPY": size * 20, "KWD": size / 2}
    return {currency: amount for currency, amount in by_currency.items() if currency != lacking}


@st.composite
def fees(draw: st.DrawFn) -> Keys | list[Keys]:
    """A fee in one of its forms."""
    form = draw(pick("notice", "item", "percent", "tiers", "list"))
    of = draw(pick("", "open", "original", "claim"))
    base = {"of": of} if of else {}
    if form in {"notice", "item"}:
        fixed: Keys = draw(amounts((0, 2, 5)))
        return fixed | ({"per": "item"} if form == "item" else {})
    if form == "percent":
        return {"percent": draw(pick(0, 0.5, 1.5, 15, 0.3333)), **base}
    tiers = [{"from": start, **draw(tier_prices())} for start in draw(pick((0, 50), (10, 100), (25,)))]
    return tiers if form == "list" else {"tiers": tiers, **base}


def tier_prices() -> st.SearchStrategy[Keys]:
    """What a tier costs: a percentage, or amounts by currency."""
    return st.sampled_from([{"percent": 1.5}, {"percent": 0.3}]) | amounts((0, 1, 2))


@st.composite
def stages(draw: st.DrawFn, name: str, *, position: int, may_expire: bool) -> Keys:
    """One stage."""
    stage: Keys = {"stage": name, **draw(conditions(position=position, may_expire=may_expire))}
    stage["send"] = list(
        draw(SENDING)
    )  # of its own: a list written twice would be an alias, which YAML has and we refuse
    if draw(one_in(3)):
        stage["deadline_days"] = draw(pick(0, 7, 10))
    if draw(one_in(2)):
        stage["fee"] = draw(fees())
    if draw(one_in(4)) or not stage["send"]:
        stage["do"] = list(draw(pick(("call",), ("call", "notify_owner"))))
    if draw(one_in(4)):
        stage["approval"] = draw(pick("one", "two"))
    if draw(one_in(4)):
        stage["repeat_every_days"] = draw(pick(1, 3, 7, 15))
        if draw(one_in(2)):
            stage["repeat_max"] = draw(pick(1, 2))
    return stage


@st.composite
def conditions(draw: st.DrawFn, *, position: int, may_expire: bool) -> Keys:
    """When a stage is reached; the first has no notice before it."""
    given: Keys = {}
    days = draw(pick(*LATE_DAYS, None, *((-7, -3, -1) if may_expire else ())))
    if days is not None:
        given["days_past_due"] = days
    if position > 1 and draw(one_in(2)):
        since = draw(pick("days_since_previous", "days_since_deadline"))
        given[since] = draw(pick(0, 1, 3, 7))
    if draw(one_in(5)):
        given["when"] = draw(pick(*STAGE_ROW))
    if draw(one_in(6)):
        given["min_overdue"] = draw(amounts())
    if not given:
        given["days_past_due"] = draw(pick(*LATE_DAYS))
    if draw(one_in(6)):
        given["month_end"] = True
    return given


@st.composite
def policies(draw: st.DrawFn, names: Sequence[str]) -> list[Keys]:
    """Policies as mappings, of which the last as a rule is for everything; priorities tie now and then."""
    ranks = draw(st.permutations((10, 50, 100)))
    keys = [draw(policy_keys(name)) for name in names]
    for policy, rank in zip(keys, ranks, strict=False):
        policy["priority"] = 50 if draw(one_in(12)) else rank
    if draw(pick(True, True, True, False)):
        keys[-1].pop("applies_to", None)
        keys[-1]["priority"] = 1000
    return keys


@st.composite
def calendars(draw: st.DrawFn) -> Keys:
    """Whose closed days count; the account's own one time out of two."""
    calendar: Keys = {"country": draw(pick("account", "account", "DE", "FR", "AE"))}
    if calendar["country"] == "DE" and draw(one_in(2)):
        calendar["region"] = draw(pick("BY", "BE"))
    calendar["roll"] = draw(pick("forward", "back"))
    calendar["due"] = draw(pick("keep", "roll"))
    return calendar


@st.composite
def policy_keys(draw: st.DrawFn, name: str) -> Keys:
    """One policy as a mapping."""
    policy: Keys = {"policy": name, "title": name}
    if draw(one_in(2)):
        policy["applies_to"] = draw(pick(*ANY_ROW))
    for key, choices in {
        "anchor": ("item", "item", "account"),
        "escalate": ("step", "jump"),
        "deescalate": (False, False, True),
        "one_notice_per": ("account", "account", "item", "level"),
        "credits": ("net", "net", "ignore"),
        "on_broken_promise": ("resume", "resume", "next_stage"),
        "after_dispute": ("continue", "continue", "nearest", "restart"),
        "min_gap_days": (0, 0, 3, 7),
        "charges_when_paid": ("keep", "waive"),
    }.items():
        policy[key] = draw(pick(*choices))
    policy |= draw(limits())
    if policy["deescalate"]:
        policy["on_broken_promise"] = "resume"  # the other is refused
    if policy["one_notice_per"] == "account":
        policy["include"] = draw(pick("dunned", "dunned", "overdue", "open"))
    policy["stages"] = []
    may_expire = policy["anchor"] == "item"
    for position, stage_name in enumerate(STAGE_NAMES[: draw(pick(2, 1, 3, 4))], 1):
        stage = draw(stages(stage_name, position=position, may_expire=may_expire))
        may_expire = may_expire and (stage.get("days_past_due", 0) < 0 or policy["escalate"] == "jump")
        policy["stages"].append(stage)
    if draw(one_in(2)):
        draw(lawful(policy))
    if draw(one_in(2)):
        after = draw(pick(*(stage["stage"] for stage in policy["stages"])))
        send = list(draw(SENDING))  # its own list: a file knows no aliases
        policy["close"] = {"after_stage": after, "send": send, "do": ["restore"] if not send or draw(one_in(2)) else []}
    return policy


@st.composite
def lawful(draw: st.DrawFn, policy: Keys) -> None:
    """Let a policy charge by a law: a regime, an agreed rate, or both."""
    interest: Keys = {}
    if draw(one_in(5)):
        interest["rate"] = draw(pick(0, 8, 8.25))
    if not interest or draw(one_in(2)):
        interest["regime"] = draw(pick(*REGIMES))
        if draw(one_in(3)):
            interest["class"] = draw(pick("business", "consumer", "public"))
    if draw(one_in(4)):
        interest["day_count"] = draw(pick("act/365", "act/act", "30/360", "act/360"))
    if draw(one_in(6)):
        interest["rounding"] = draw(pick("exact", "daily_rate_2dp"))
    policy["interest"] = interest
    for stage in policy["stages"]:
        stage["interest"] = draw(pick(True, True, False))
        stage["compensation"] = "regime" in interest and draw(pick(True, False))


def dutch(policy: Keys) -> None:
    """Have every stage ask for the collection costs of Dutch consumers, who pay for a demand by its sum."""
    policy["interest"] |= {"regime": "NL", "class": "consumer"}
    for stage in policy["stages"]:
        stage["compensation"] = True


@st.composite
def charging(draw: st.DrawFn, policy: Keys) -> None:
    """Let a policy charge by a law, and nothing but the days say when."""
    policy |= {"min_gap_days": 0, "anchor": draw(pick("item", "item", "account"))}
    policy.pop("calendar", None)
    draw(lawful(policy))
    for stage in policy["stages"]:
        if draw(pick(True, True, False)):
            size = draw(pick(5, 20, 200))
            each = {"per": "item"} if draw(pick(True, False)) else {}
            stage["fee"] = {"EUR": size, "JPY": size * 150, "KWD": size / 2, **each}


@st.composite
def limits(draw: st.DrawFn) -> Keys:
    """When a notice leaves, how often, what is split, and what is too small for one."""
    policy: Keys = {}
    if draw(one_in(3)):
        policy["calendar"] = draw(calendars())
    if draw(one_in(3)):
        policy["contact"] = {"per_7_days": draw(pick(1, 1, 2, 3))}
    if draw(one_in(4)):
        policy["split_by"] = list(draw(pick(*SPLITS)))
    minimum: Keys = {key: draw(amounts()) for key in ("item", "account") if draw(one_in(6))}
    if draw(one_in(6)):
        minimum["percent_of_open"] = draw(pick(10, 50, 33.3333))
    if minimum:
        policy["minimum"] = minimum
    if draw(one_in(2)):
        policy["rules"] = draw(rules())
    return policy


@st.composite
def rules(draw: st.DrawFn) -> list[Keys]:
    """What is to be done about events; no two rules on the same."""
    given = draw(st.lists(pick(*EVENTS), unique=True, min_size=1, max_size=4))
    found = [{"on": event, "do": list(draw(pick(("call",), ("call", "ask"), ("block",))))} for event in given]
    for rule in list(found):
        if rule["on"] == "risk_above":
            rule["above"] = 0.2
            found += [rule | {"above": 0.5, "do": ["call"]}] if draw(one_in(3)) else []
        if rule["on"] == "dispute_overdue":
            rule["after_days"] = draw(pick(0, 3))
            found += [rule | {"after_days": 4, "do": ["escalate"]}] if draw(one_in(3)) else []
    return found


def without_what_changes(policy: Keys) -> None:
    """Leave only what stays the same from one day to the next, beside the dates."""
    policy.pop("applies_to", None)
    policy.pop("minimum", None)
    policy.pop("contact", None)
    policy["deescalate"] = False
    for stage in policy["stages"]:
        stage.pop("when", None)
        for key in ("fee", "interest", "compensation"):
            stage.pop(key, None)
        if stage.pop("min_overdue", None):
            stage.setdefault("days_past_due", 5)


def parsed(keys: Keys) -> Policy:
    """Read the policy as its author's file; one that the parser refuses is not looked at."""
    try:
        return parse_policy(yaml_of(keys), "policy.yaml", ATTRIBUTES)
    except DocumentError:
        assume(condition=False)
        raise


def yaml_of(keys: Keys) -> str:
    """Write the policy's file."""
    text: str = yaml.safe_dump(keys, sort_keys=False, default_flow_style=None, width=120)
    return text
