"""Closings and event rules of docs/semantics.md in plain Python: what follows once all items are decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from dunwell.engine.book import Book
from dunwell.engine.policy.model import Policy, Rule
from tests.engine.oracle_rows import Data, Row, hold_is_on, payer_of

ClosingKey: TypeAlias = tuple[int, int, str]  # entity, payer, policy
AlertKey: TypeAlias = tuple[Any, ...]  # as KEYS has it
KEY: Final = ("entity_id", "account_id", "policy", "event", "subject_id", "measure")


@dataclass
class Wanted:
    """What rules ask for: the actions about each alert that is new, and when each began."""

    actions: dict[AlertKey, set[str]] = field(default_factory=dict)
    since: dict[AlertKey, date] = field(default_factory=dict)

    def add(self, key: AlertKey, since_on: date, actions: Sequence[str]) -> None:
        self.actions.setdefault(key, set()).update(actions)
        self.since[key] = since_on


def closings_of(book: Book, policies: Sequence[Policy], as_of: date) -> dict[ClosingKey, str]:
    """The payers to be told that nothing is overdue any more, by which policy, with the currency."""
    accounts = {account["account_id"]: account for account in book.accounts.to_dicts()}
    closing = {policy.policy for policy in policies if policy.close}
    found = {}
    for row in book.closings.to_dicts():
        payer_id = row["payer_id"]
        if not row["is_open"] or row["policy"] not in closing or payer_id not in accounts:
            continue
        if payer_of(payer_id, accounts)[0] != payer_id or is_held(payer_id, book, as_of):
            continue
        if not any(is_overdue_of(item, row["entity_id"], payer_id, accounts, as_of) for item in book.items.to_dicts()):
            found[row["entity_id"], payer_id, row["policy"]] = row["currency"]
    return found


def is_held(account_id: int, book: Book, as_of: date) -> bool:
    return any(hold["account_id"] == account_id and hold_is_on(hold, as_of) for hold in book.holds.to_dicts())


def is_overdue_of(item: Data, entity_id: int, payer_id: int, accounts: Mapping[int, Data], as_of: date) -> bool:
    """An open claim on the payer that is past due, or may be."""
    if item["kind"] not in {"invoice", "instalment"} or item["draft"] or item["open_minor"] == 0:
        return False
    if item["entity_id"] != entity_id or item["account_id"] not in accounts:
        return False
    is_late = item["due_on"] is None or item["due_on"] < as_of
    return is_late and payer_of(item["account_id"], accounts)[0] == payer_id


def alerts_of(
    book: Book, policies: Sequence[Policy], rows: Sequence[Row], as_of: date
) -> dict[AlertKey, tuple[date, bool, str]]:
    """What is new and what is over, by key: since when, whether it is over, and the actions asked for."""
    claims = [row for row in rows if row.is_claim]
    known = {row["account_id"]: row for row in book.accounts.to_dicts()}
    payers = {account_id: payer_of_any(account_id, known) for account_id in known}
    told = {tuple(row[name] for name in KEY): row for row in book.alerts.to_dicts()}
    new, so = Wanted(), Wanted()
    for policy in policies:
        for rule in policy.rules:
            happened(new, policy, rule, book, claims, payers, as_of)
            states(so, policy, rule, known, payers, claims, as_of)
    result = {}
    for key, actions in new.actions.items():
        if key not in told:
            result[key] = (new.since[key], False, listed(actions))
    for key, actions in so.actions.items():
        before = told.get(key)
        is_going_on = before is not None and before["over_on"] is None and before["acted_on"] is not None
        if actions and not is_going_on:
            result[key] = (as_of, False, listed(actions))
    for key, row in told.items():
        if payers.get(row["account_id"]) is None:
            continue
        if row["acted_on"] is None:
            result[key] = (row["since_on"], False, listed(raised(row, policies, claims)))
        elif (
            row["event"] in {"risk_above", "credit_limit_exceeded"} and row["over_on"] is None and key not in so.actions
        ):
            result[key] = (row["since_on"], True, "")
    return result


def payer_of_any(account_id: int, accounts: Mapping[int, Data]) -> int | None:
    """The payer, also one that is not in the book; none in a circle."""
    seen = {account_id}
    while account_id in accounts and (parent := accounts[account_id]["parent_id"]) is not None:
        if parent in seen:
            return None
        seen.add(parent)
        account_id = parent
    return account_id


def listed(actions: set[str]) -> str:
    return ",".join(sorted(actions))


def is_under(claims: Sequence[Row], policy: str, entity_id: int, account_id: int) -> bool:
    """Whether an account, or one it pays for, has an open claim under the policy."""
    return any(
        row.policy is not None
        and row.policy.policy == policy
        and row.item["entity_id"] == entity_id
        and account_id in (row.item["account_id"], row.payer["account_id"])
        for row in claims
    )


def happened(
    found: Wanted,
    policy: Policy,
    rule: Rule,
    book: Book,
    claims: Sequence[Row],
    payers: Mapping[int, int | None],
    as_of: date,
) -> None:
    """Promises that are broken, and disputes that have been open too long."""
    entity_of = {account["account_id"]: account["entity_id"] for account in book.accounts.to_dicts()}
    if rule.on == "promise_broken":
        for promise in book.promises.to_dicts():
            account_id = promise["account_id"]
            broken_on = promise["by_on"] + timedelta(days=promise["tolerance_days"] + 1)
            is_broken = broken_on <= as_of and promise["paid_minor"] < promise["amount_minor"]
            if account_id not in entity_of or payers[account_id] is None or not is_broken:
                continue
            if is_under(claims, policy.policy, entity_of[account_id], account_id):
                key = (entity_of[account_id], account_id, policy.policy, rule.on, promise["promise_id"], "")
                found.add(key, broken_on, rule.do)
    if rule.on == "dispute_overdue":
        for dispute in book.disputes.to_dicts():
            since_on = dispute["opened_on"] + timedelta(days=rule.after_days or 0)
            for row in claims:
                is_it = row.item_id == dispute["item_id"] and row.policy is policy
                if is_it and dispute["resolved_on"] is None and since_on <= as_of:
                    account = (row.item["entity_id"], row.item["account_id"])
                    key = (*account, policy.policy, rule.on, dispute["dispute_id"], str(rule.after_days))
                    found.add(key, since_on, rule.do)


def states(
    found: Wanted,
    policy: Policy,
    rule: Rule,
    known: Mapping[int, Data],
    payers: Mapping[int, int | None],
    claims: Sequence[Row],
    as_of: date,
) -> None:
    """What is so today, with the actions asked for where the account is under the policy, else without."""
    for account_id, account in known.items():
        if payers[account_id] is None:
            continue
        entity_id = account["entity_id"]
        risk = account["risk"]
        if rule.on == "risk_above" and risk is not None and risk == risk and risk > float(rule.above or 0):
            is_judged = is_under(claims, policy.policy, entity_id, account_id)
            key = (entity_id, account_id, policy.policy, rule.on, account_id, rule.measure)
            found.add(key, as_of, rule.do if is_judged else ())
        if rule.on == "credit_limit_exceeded" and account["credit_limit_minor"] is not None:
            mine = [c for c in claims if (c.item["entity_id"], c.payer["account_id"]) == (entity_id, account_id)]
            for currency in {row.item["currency"] for row in mine}:
                owed = [row for row in mine if row.item["currency"] == currency]
                if sum(row.item["open_minor"] for row in owed) > account["credit_limit_minor"]:
                    is_judged = any(row.policy is policy for row in owed)
                    key = (entity_id, account_id, policy.policy, rule.on, account_id, currency)
                    found.add(key, as_of, rule.do if is_judged else ())


def raised(alert: Data, policies: Sequence[Policy], claims: Sequence[Row]) -> set[str]:
    """The actions asked for about what an event raised: of the policy it is about, else of all of the account's."""
    actions: set[str] = set()
    for policy in policies:
        if alert["policy"] not in ("", policy.policy):
            continue
        if is_under(claims, policy.policy, alert["entity_id"], alert["account_id"]):
            for rule in policy.rules:
                actions |= set(rule.do) if rule.on == alert["event"] else set()
    return actions
