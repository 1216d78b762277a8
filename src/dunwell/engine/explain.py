"""A decision in plain words: what a collector reads when a debtor calls and asks why."""

from collections.abc import Mapping
from typing import Any

from dunwell.engine.money import format_minor
from dunwell.engine.plan import reasons_of

_WORDS = {
    "exception": "it cannot be decided",
    "settled": "nothing is open",
    "credit": "it is a credit, which is set off and never dunned",
    "intercompany": "the account belongs to the group",
    "no_policy": "no policy applies to it",
    "legal": "the account is in legal hands",
    "on_hold": "the item, its account or its payer is on hold",
    "disputed": "all that is left is disputed",
    "promised": "all that is left is promised",
    "in_plan": "it is in an instalment plan",
    "payment_in_flight": "a payment for all that is left is under way",
    "not_due": "the conditions of the next stage are not met",
    "finished": "no stage of the policy is left",
    "pending": "a notice with this item is posted and not yet sent",
    "covered_by_credit": "credits of the account cover all that is left",
    "too_soon": "the stage is reached, but a notice went out too short a time ago",
    "below_item_minimum": "it is below the policy's minimum for an item",
    "below_account_minimum": "the account's sum is below the policy's minimum",
    "below_percentage": "the notice would be too small a part of what the account owes",
    "unreachable": "none of the stage's channels reaches the payer",
    "contact_cap": "the payer has heard from us as often as is allowed",
    "dun": "a notice is due",
}
_PROBLEMS = {
    "account_unknown": "its account, or who pays for it, is not in the book",
    "parent_cycle": "the parents of its account go round in a circle: correct the account's parent",
    "currency_unknown": "its currency is not one in use (ISO 4217)",
    "due_date_missing": "it has no due date",
    "amount_missing": "one of its amounts is missing",
    "amount_negative": "one of its amounts is negative: book it as a credit",
    "amount_beyond_bound": "one of its amounts is beyond the bound of 10^12 minor units",
    "policies_tie": "two policies of the same priority both apply: give one of them a lower priority",
    "minimum_lacks_currency": "a minimum of the policy has no amount in its currency",
    "fee_lacks_currency": "the stage's fee has no amount in its currency",
    "debtor_class_missing": "the law asks whether the debtor is a business, consumer or public: say so of its account",
    "rates_missing": "a rate that the law asks for is not known",
}
_BY_LAW = {
    "fee_forbidden": "no fee: the law allows none",
    "fee_count": "no fee: as many as the law allows have been charged",
    "fee_first_notice": "no fee: the law allows none with the first notice after the due date",
    "fee_not_warned": "no fee: no reminder has left the days yet that the law wants before one",
    "fee_in_flat": "no fee: the flat sum that was charged stands for it",
    "fee_too_early": "no fee: too few days after the due date for the law, or none",
    "fee_spacing": "no fee: too few days after the last one for the law",
    "fee_capped": "the fee is lowered to what the law allows",
    "no_interest": "no interest: the law gives none against this class of debtors",
    "interest_day_missing": "no interest: the law has it run from a day that the item does not say",
    "no_compensation": "no flat sum: the law gives none against this class of debtors",
    "costs_not_warned": "no flat sum: its warning, with the term that the law wants, has not passed",
    "costs_together": "the flat sum is its share in that of all claims of the notice, which the law adds up",
    "compensation_too_early": "no flat sum: interest does not run yet",
}
_PARTS = (
    ("disputed_minor", "disputed"),
    ("in_flight_minor", "under way"),
    ("planned_minor", "in an instalment plan"),
    ("promised_minor", "promised"),
    ("credited_minor", "covered by credits"),
)


def problem_text(problem: str) -> str:
    """Say what is wrong with a row, and what to do."""
    return _PROBLEMS[problem]


def by_law_text(code: str) -> str:
    """Say what the law left out of the charges, or which series lacks a rate."""
    kind, _colon, series = code.partition(":")
    return f"the series {series} does not say what the law asks of it" if kind == "series" else _BY_LAW[code]


def explain(decision: Mapping[str, Any]) -> list[str]:
    """Turn a row of the plan's decisions into sentences: outcome, stage, amounts, and when it goes on."""
    reasons = reasons_of(decision["reasons"])
    words = dict(_WORDS)
    if decision["problem"]:
        words["exception"] = _PROBLEMS[decision["problem"]]
    if decision.get("closed_by"):
        words["too_soon"] = f"the stage is reached, but the day is closed ({decision['closed_by']})"
    lines = [f"{reasons[0]}: {words[reasons[0]]}", *(f"also {reason}: {words[reason]}" for reason in reasons[1:])]
    if decision["days_past_due"] is not None:
        lines.append(_age(decision["days_past_due"]))
    lines.append(_amounts(decision))
    if decision["policy"]:
        lines.append(_stage(decision))
    lines += [by_law_text(code) for code in (decision.get("by_law") or "").split(",") if code]
    if decision["last_notice_on"]:
        lines.append(f"last notice on {decision['last_notice_on']}")
    if decision["free_on"]:
        lines.append(f"the payer may hear from us again from {decision['free_on']}")
    if decision["next_on"]:
        lines.append(f"next: {decision['next_on']}, if nothing changes")
    return lines


def _age(days: int) -> str:
    if days > 0:
        return f"{days} day{'s' * (days != 1)} past due"
    return "due today" if days == 0 else f"due in {-days} day{'s' * (days != -1)}"


def _amounts(decision: Mapping[str, Any]) -> str:
    currency = decision["currency"]
    if decision["open_minor"] is None:
        return "open: unknown"
    text = f"open {format_minor(decision['open_minor'], currency)}"
    parts = [f"{format_minor(decision[name], currency)} {word}" for name, word in _PARTS if decision[name]]
    if decision["dunnable_minor"] is not None and decision["dunnable_minor"] != decision["open_minor"]:
        parts.append(f"leaves {format_minor(decision['dunnable_minor'], currency)} to dun")
    return ", ".join([text, *parts])


def _stage(decision: Mapping[str, Any]) -> str:
    text = f"policy {decision['policy']}, level {decision['level_before']}"
    if decision["level_after"] != decision["level_before"]:
        text += f" -> {decision['level_after']}"
    return text + (f", stage {decision['stage']}" if decision["stage"] else "")
