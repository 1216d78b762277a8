"""From text to a `Policy`, or to every problem in it with file and line; and the warnings that are no errors."""

from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from dunwell.engine.book import ATTRIBUTE_TYPES
from dunwell.engine.calendars import countries
from dunwell.engine.data import regime_names
from dunwell.engine.documents import Document, DocumentError, Path, Problem, hint, read_as, read_document
from dunwell.engine.policy.expressions import COLUMNS, Expression
from dunwell.engine.policy.model import CLOSE, Calendar, Contact, Fee, Policy, Rule, Stage, Tier

STAGES_MAX: Final = 99
# Under which name the law of a country stands: the euro members without a regime of their own share one.
OTHER_NAMES: Final = {"GB": "UK"} | dict.fromkeys(
    ("BG", "CY", "EE", "EL", "GR", "HR", "LT", "LV", "MT", "SI", "SK"), "EU"
)
# Tasks that Dunwell opens, and closes, of its own accord; also `CHANNEL_held_up` and `vanished_KIND`.
OWN_TASKS: Final = {
    *("exception", "unreachable", "delivery_failed", "delivery_in_doubt", "run_refused"),
    *("due_before_issue", "amount_of_zero", "number_of_two_kinds", "several_names"),
    *("interest_to_check", "money_not_matched", "bank_line"),
}


def parse_policy(text: str, source: str, attributes: Mapping[str, pl.DataType] | None = None) -> Policy:
    """Read one policy; `attributes` are the declared `attr_*` columns with their types.

    Errors: DocumentError with a line for each problem.
    """
    return policy_of(read_document(text, source), attributes)


def policy_of(document: Document, attributes: Mapping[str, pl.DataType] | None = None) -> Policy:
    """Check a document that has been read. Errors: DocumentError."""
    if not isinstance(document.data, dict):
        raise DocumentError([document.problem((), "a policy is a mapping that begins with `policy: name`")])
    policy = read_as(document, Policy, {"attributes": attributes or {}})
    problems = [
        document.problem(path, message) for path, message in _contradictions(policy, {*COLUMNS, *(attributes or {})})
    ]
    if problems:
        raise DocumentError(problems)
    return policy


def warnings_of(policy: Policy, document: Document) -> list[Problem]:
    """Name what is allowed and probably not meant."""
    return [document.problem(path, message) for path, message in _doubts(policy, document)]


def attribute_types(names: Mapping[str, str]) -> dict[str, pl.DataType]:
    """Turn declared attributes, name to type word, into the columns expressions may use."""
    return {f"attr_{name}": ATTRIBUTE_TYPES[kind] for name, kind in names.items()}


def _contradictions(policy: Policy, columns: set[str]) -> Iterator[tuple[Path, str]]:
    names: set[str] = set()
    if not 1 <= len(policy.stages) <= STAGES_MAX:
        yield ("stages",), f"give 1 to {STAGES_MAX} stages"
    for index, stage in enumerate(policy.stages):
        at: Path = ("stages", index)
        if stage.stage in names:
            yield (*at, "stage"), f"two stages are called {stage.stage!r}"
        names.add(stage.stage)
        yield from _stage_contradictions(policy, index, stage, at)
    for index, column in enumerate(policy.split_by):
        if column not in columns:
            yield ("split_by", index), f"there is no column {column!r}{hint(column, columns)}"
    yield from _mode_contradictions(policy)
    yield from _action_contradictions(policy)
    yield from _close_contradictions(policy, names)
    for index, rule in enumerate(policy.rules):
        yield from _rule_contradictions(policy, index, rule)
    if policy.applies_to and _never(policy.applies_to):
        yield ("applies_to",), "it is never true, so the policy would apply to nothing"
    yield from _interest_contradictions(policy)
    yield from _calendar_contradictions(policy.calendar)
    yield from _contact_contradictions(policy.contact)


def _interest_contradictions(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Charges that no law gives."""
    interest, known = policy.interest, regime_names()
    if interest and interest.regime is None:
        if interest.rate is None:
            yield ("interest",), "give a regime or a rate, or both"
        if interest.class_:
            yield ("interest", "class"), "a rate asks for no class; leave it out, or give a regime"
    elif interest and interest.regime not in known:
        yield (
            ("interest", "regime"),
            f"no regime is called {interest.regime!r}{_regime_hint(interest.regime)}; there are {', '.join(known)}",
        )
        return
    law = policy.law if interest and (interest.regime or interest.rate is not None) else None
    for index, stage in enumerate(policy.stages):
        asked = [key for key in ("interest", "compensation") if getattr(stage, key)]
        if interest is None and asked:
            yield ("stages", index, asked[0]), "the policy says by what law: give it `interest`, such as {regime: DE}"
        elif law and stage.compensation and not (law.regime and law.regime.flat):
            yield ("stages", index, "compensation"), "the policy's `interest` names no regime that has a flat sum"
        elif law and stage.interest and law.agreed_percent is None and law.regime and not law.regime.interest:
            yield ("stages", index, "interest"), f"the regime {law.regime.regime} gives no interest; give a `rate`"


def _regime_hint(name: str | None) -> str:
    """Offer the regime of a country that has none of its own name."""
    other = OTHER_NAMES.get(name or "")
    return f"; did you mean {other!r}?" if other in regime_names() else ""


def _calendar_contradictions(calendar: Calendar | None) -> Iterator[tuple[Path, str]]:
    if calendar is None:
        return
    known = countries()
    if calendar.country == "account":
        if calendar.region:
            yield ("calendar", "region"), "it is of one country; leave it out where the country is the account's"
    elif calendar.country not in known:
        yield ("calendar", "country"), f"no holidays are known of {calendar.country!r}{hint(calendar.country, known)}"
    elif calendar.region and calendar.region not in known[calendar.country]:
        regions = ", ".join(sorted(known[calendar.country])) or "none"
        yield (
            ("calendar", "region"),
            f"no region of {calendar.country} is called {calendar.region!r}; there are: {regions}",
        )


def _contact_contradictions(contact: Contact | None) -> Iterator[tuple[Path, str]]:
    if contact and contact.window and not contact.hours:
        yield ("contact", "window"), "it opens and closes at the same time; leave it out for all day"


def _mode_contradictions(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Ways of going on that exclude each other."""
    if policy.deescalate and policy.on_broken_promise == "next_stage":
        yield ("on_broken_promise",), "`deescalate` would take back at once the stage that a broken promise brings on"
    if policy.include != "dunned" and policy.one_notice_per != "account":
        yield (
            ("include",),
            "what else is open is listed on the one notice of an account: it needs `one_notice_per: account`",
        )


def _action_contradictions(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Actions that would be taken for what Dunwell asks itself."""
    asking: list[tuple[Path, tuple[str, ...]]] = [
        *((("stages", index), stage.do) for index, stage in enumerate(policy.stages)),
        *((("rules", index), rule.do) for index, rule in enumerate(policy.rules)),
        (("close",), policy.close.do if policy.close else ()),
    ]
    for at, actions in asking:
        for index, action in enumerate(actions):
            if action in OWN_TASKS or action.endswith("_held_up") or action.startswith("vanished_"):
                message = f"{action!r} is a task of Dunwell's own; call the action something else"
                yield (*at, "do", index), message


def _close_contradictions(policy: Policy, names: set[str]) -> Iterator[tuple[Path, str]]:
    if policy.close is None:
        return
    if policy.close.after_stage not in names:
        yield (
            ("close", "after_stage"),
            f"no stage is called {policy.close.after_stage!r}{hint(policy.close.after_stage, names)}",
        )
    if not policy.close.send and not policy.close.do:
        yield ("close",), "it does nothing: give it `send` or `do`"
    if at := policy.position(CLOSE):
        yield ("stages", at - 1, "stage"), f"in a policy with `close`, no stage is called {CLOSE!r}: its message is"


def _rule_contradictions(policy: Policy, index: int, rule: Rule) -> Iterator[tuple[Path, str]]:
    at: Path = ("rules", index)
    for key, event, example in (("above", "risk_above", "0.7"), ("after_days", "dispute_overdue", "30")):
        is_given = getattr(rule, key) is not None
        if rule.on == event and not is_given:
            yield at, f"{event} needs `{key}`, such as {key}: {example}"
        if rule.on != event and is_given:
            yield (*at, key), f"it belongs to {event}; leave it out"
    if not rule.do:
        yield (*at, "do"), "the rule does nothing: name an action"
    if any((rule.on, rule.measure) == (other.on, other.measure) for other in policy.rules[:index]):
        yield at, f"there is a rule on {rule.on} already: give that one all the actions"


def _stage_contradictions(policy: Policy, index: int, stage: Stage, at: Path) -> Iterator[tuple[Path, str]]:
    if index == 0:
        for key in ("days_since_previous", "days_since_deadline"):
            if getattr(stage, key) is not None:
                yield (*at, key), "the first stage has no notice before it, so it could never fire"
    if stage.when and _never(stage.when):
        yield (*at, "when"), "it is never true, so the stage can never fire"
    yield from _condition_contradictions(policy, index, stage, at)
    if not stage.send and not stage.do:
        yield at, "the stage does nothing: give it `send` or `do`"
    if stage.repeat_max is not None and stage.repeat_every_days is None:
        yield (*at, "repeat_max"), "it needs repeat_every_days"
    if stage.fee:
        yield from _fee_contradictions(stage.fee, (*at, "fee"))


def _condition_contradictions(policy: Policy, index: int, stage: Stage, at: Path) -> Iterator[tuple[Path, str]]:
    """Conditions that cannot be met, or are not there."""
    if stage.expires and policy.anchor == "account":
        yield (
            (*at, "days_past_due"),
            "an account-anchored policy judges overdue items only, so this stage can never fire",
        )
    if stage.expires and policy.escalate == "step" and any(not earlier.expires for earlier in policy.stages[:index]):
        yield (*at, "days_past_due"), "it comes after a stage of the time past due, so it can never fire"
    conditions = (
        stage.days_past_due,
        stage.days_since_previous,
        stage.days_since_deadline,
        stage.when,
        stage.min_overdue,
    )
    if all(condition is None for condition in conditions):
        yield (
            at,
            "give the stage a condition: days_past_due, days_since_previous, days_since_deadline, min_overdue or when",
        )


def _fee_contradictions(fee: Fee, at: Path) -> Iterator[tuple[Path, str]]:
    given = [fee.fixed is not None, fee.percent is not None, bool(fee.tiers)]
    if sum(given) != 1:
        yield at, "give exactly one of: amounts by currency, percent, tiers"
    if "of" in fee.model_fields_set and fee.fixed is not None:
        yield (*at, "of"), "a fixed fee is a part of nothing; leave `of` out"
    if "per" in fee.model_fields_set and fee.fixed is None:
        yield (*at, "per"), "percentages and tiers are per item anyway; leave `per` out"
    starts = [tier.from_ for tier in fee.tiers]
    if starts != sorted(set(starts)) or any(start < 0 for start in starts):
        yield at, "tiers start at rising amounts, from 0"
    if any((tier.fixed is None) == (tier.percent is None) for tier in fee.tiers):
        yield at, "a tier has either amounts by currency or a percentage"


def _never(expression: Expression) -> bool:
    """Whether an expression without columns is false."""
    return not expression.columns and not pl.select(expression.holds).item()


def _doubts(policy: Policy, document: Document) -> Iterator[tuple[Path, str]]:
    for index, stage in enumerate(policy.stages):
        if stage.days_since_deadline is not None and all(each.deadline_days is None for each in policy.stages[:index]):
            at = ("stages", index, "days_since_deadline")
            yield at, "no stage before it has deadline_days; without a deadline there is nothing to wait for"
        if stage.fee and stage.fee.fixed:
            yield from _currency_doubts(policy, index, stage.fee)
    if policy.interest and policy.interest.regime is None and not any(stage.interest for stage in policy.stages):
        yield ("interest",), "no stage has `interest: true`, so that nothing is charged at this rate"
    yield from _class_doubts(policy)
    if policy.escalate == "step" and policy.min_gap_days < 3:
        yield ("min_gap_days",), "with `escalate: step` a gap below 3 days can send an old item one stage a day"
    if not document.data.get("title"):
        yield ("policy",), "a title would help those who read reports"


def _class_doubts(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Charges that the law gives against no debtor of the class that the policy says."""
    law = policy.law
    if law is None or law.regime is None or law.default_class is None:
        return
    lacks = (("interest", law.rate_rule(law.default_class)), ("compensation", law.flat(law.default_class)))
    for key, rule in lacks:
        asking = [index for index, stage in enumerate(policy.stages) if getattr(stage, key)]
        if rule is None and asking:
            told = f"{law.regime.regime} gives {'no interest' if key == 'interest' else 'no flat sum'} against"
            whom = f"debtors of the class {law.default_class}, as `interest` calls those whose account says none"
            yield ("stages", asking[0], key), f"{told} {whom}"


def _currency_doubts(policy: Policy, index: int, fee: Fee | Tier) -> Iterator[tuple[Path, str]]:
    """Other parts of the policy name currencies that this fee lacks: items in them become exceptions."""
    named = {*(policy.minimum.item or {}), *(policy.minimum.account or {})}
    named.update(c for stage in policy.stages if stage.fee and stage.fee.fixed for c in stage.fee.fixed)
    if lacking := sorted(named - set(fee.fixed or {})):
        yield (
            ("stages", index, "fee"),
            f"no amount in {', '.join(lacking)}, which the policy names elsewhere: items in it become exceptions",
        )
