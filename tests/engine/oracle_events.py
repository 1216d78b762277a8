"""Closings and event rules of docs/semantics.md in plain Python: what follows once all items are decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

from dunwell.engine.book import Book
from dunwell.engine.calendars import calendar_of, is_closed
from dunwell.engine.policy.model import Policy, Rule
from tests.engine.oracle_promises import is_broken, over_on
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
    closing = {policy.policy: policy for policy in policies if policy.close}
    found = {}
    for row in book.closings.to_dicts():
        payer_id = row["payer_id"]
        if not row["is_open"] or row["policy"] not in closing or payer_id not in accounts:
            continue
        if payer_of(payer_id, accounts)[0] != payer_id or is_held(payer_id, book, as_of):
            continue
        calendar = closing[row["policy"]].calendar
        if calendar and is_closed(as_of, calendar.name or calendar_of(accounts[payer_id]["country"])):
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


@dataclass
class Situation:
    """What rules are judged by."""

    book: Book
    as_of: date
    claims: Sequence[Row]
    accounts: Mapping[int, Data]
    payers: Mapping[int, int | None]

    def is_under(self, policy: str, entity_id: int, account_id: int) -> bool:
        """Whether an account, or one it pays for, has an open claim under the policy."""
        return any(
            row.policy is not None
            and row.policy.policy == policy
            and row.item["entity_id"] == entity_id
            and account_id in (row.item["account_id"], row.payer["account_id"])
            for row in self.claims
        )


def alerts_of(
    book: Book, policies: Sequence[Policy], rows: Sequence[Row], as_of: date
) -> dict[AlertKey, tuple[date, bool, str]]:
    """What is new and what is over, by key: since when, whether it is over, and the actions asked for."""
    accounts = {row["account_id"]: row for row in book.accounts.to_dicts()}
    payers = {account_id: payer_of_any(account_id, accounts) for account_id in accounts}
    here = Situation(book, as_of, [row for row in rows if row.is_claim], accounts, payers)
    told = {tuple(row[name] for name in KEY): row for row in book.alerts.to_dicts()}
    new, so = Wanted(), Wanted()
    for policy in policies:
        for rule in policy.rules:
            happened(new, policy, rule, here)
            states(so, policy, rule, here)
    result = {key: (new.since[key], False, listed(actions)) for key, actions in new.actions.items() if key not in told}
    for key, actions in so.actions.items():
        if actions and not (key in told and goes_on(told[key])):
            result[key] = (as_of, False, listed(actions))
    for key, row in told.items():
        if payers.get(row["account_id"]) is None:
            continue
        if row["acted_on"] is None:
            result[key] = (row["since_on"], False, listed(raised(row, policies, here)))
        elif goes_on(row) and key not in so.actions:
            result[key] = (row["since_on"], True, "")
    return result


def goes_on(alert: Data) -> bool:
    """Whether it is a state that was so at the last run."""
    is_state = alert["event"] in {"risk_above", "credit_limit_exceeded"}
    return is_state and alert["acted_on"] is not None and alert["over_on"] is None


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


def is_first_broken(promise: Data, here: Situation) -> bool:
    """Whether a promise is broken; of a plan, the first of its instalments that is."""
    plan_id = promise["plan_id"]
    others = [each for each in here.book.promises.to_dicts() if plan_id and each["plan_id"] == plan_id] or [promise]
    broken = [(over_on(each), each["promise_id"]) for each in others if is_broken(each, here.as_of)]
    return min(broken, default=None) == (over_on(promise), promise["promise_id"])


def happened(found: Wanted, policy: Policy, rule: Rule, here: Situation) -> None:
    """Promises that are broken, and disputes that have been open too long."""
    if rule.on == "promise_broken":
        for promise in here.book.promises.to_dicts():
            account_id = promise["account_id"]
            if not is_first_broken(promise, here) or here.payers.get(account_id) is None:
                continue
            entity_id = here.accounts[account_id]["entity_id"]
            if here.is_under(policy.policy, entity_id, account_id):
                subject_id = -promise["plan_id"] if promise["plan_id"] else promise["promise_id"]
                key = (entity_id, account_id, policy.policy, rule.on, subject_id, "")
                found.add(key, over_on(promise) + timedelta(days=1), rule.do)
    if rule.on == "dispute_overdue":
        for dispute in here.book.disputes.to_dicts():
            since_on = dispute["opened_on"] + timedelta(days=rule.after_days or 0)
            for row in here.claims:
                is_it = row.item_id == dispute["item_id"] and row.policy is policy
                if is_it and dispute["resolved_on"] is None and since_on <= here.as_of:
                    account = (row.item["entity_id"], row.item["account_id"])
                    key = (*account, policy.policy, rule.on, dispute["dispute_id"], str(rule.after_days))
                    found.add(key, since_on, rule.do)


def states(found: Wanted, policy: Policy, rule: Rule, here: Situation) -> None:
    """What is so today, with the actions asked for where the account is under the policy, else without."""
    for account_id, account in here.accounts.items():
        if here.payers[account_id] is None:
            continue
        entity_id = account["entity_id"]
        if rule.on == "risk_above" and account["risk"] is not None and account["risk"] > float(rule.above or 0):
            is_judged = here.is_under(policy.policy, entity_id, account_id)
            key = (entity_id, account_id, policy.policy, rule.on, account_id, rule.measure)
            found.add(key, here.as_of, rule.do if is_judged else ())
        if rule.on == "credit_limit_exceeded" and account["credit_limit_minor"] is not None:
            mine = [c for c in here.claims if (c.item["entity_id"], c.payer["account_id"]) == (entity_id, account_id)]
            for currency in {row.item["currency"] for row in mine}:
                owed = [row for row in mine if row.item["currency"] == currency]
                if sum(row.item["open_minor"] for row in owed) > account["credit_limit_minor"]:
                    is_judged = any(row.policy is policy for row in owed)
                    key = (entity_id, account_id, policy.policy, rule.on, account_id, currency)
                    found.add(key, here.as_of, rule.do if is_judged else ())


def raised(alert: Data, policies: Sequence[Policy], here: Situation) -> set[str]:
    """The actions asked for about what an event raised: of the policy it is about, else of all of the account's."""
    actions: set[str] = set()
    for policy in policies:
        if alert["policy"] not in ("", policy.policy):
            continue
        if here.is_under(policy.policy, alert["entity_id"], alert["account_id"]):
            for rule in policy.rules:
                actions |= set(rule.do) if rule.on == alert["event"] else set()
    return actions
