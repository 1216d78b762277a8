"""What earlier runs, one a week, would have done to the sample book's items, by the stages of the shipped policies."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

from dunwell.engine.data import shipped_policy
from dunwell.engine.policy.model import Stage
from dunwell.engine.policy.parse import parse_policy
from dunwell.sources.sample.customers import Customer
from dunwell.sources.sample.invoices import Row

WEEK: Final = timedelta(days=7)
WEEKS_BACK: Final = 26


WEEKS_TO_APPROVE: Final = 3  # what asked for an approval since then still waits for it


@dataclass(frozen=True)
class State:
    """Where an item stands after its last notice."""

    level: int
    stage: str
    last_notice_on: date
    last_deadline_on: date | None
    notices: int
    is_contact: bool


@cache
def stages_of(policy: str) -> tuple[Stage, ...]:
    """The stages of a shipped policy."""
    return parse_policy(shipped_policy(policy), policy).stages


def policy_of(customer: Customer) -> str:
    """The shipped policy that applies to a customer's items."""
    if customer.segment == "key":
        return "key-accounts"
    return "consumer" if customer.debtor_class == "consumer" else "standard-b2b"


def state_of(policy: str, *, due_on: date, issued_on: date, as_of: date, has_email: bool) -> State | None:
    """Follow one item through weekly runs up to a week before `as_of`, one stage at a time; None: never noticed."""
    state: State | None = None
    for week in range(WEEKS_BACK, 0, -1):
        run_on = as_of - week * WEEK
        level = state.level if state else 0
        late = (run_on - due_on).days
        for position, stage in enumerate(stages_of(policy)[level:], start=level + 1):
            if stage.expires and (late >= 0 or not has_email):
                continue
            waited = state is None or (run_on - state.last_notice_on).days >= (stage.days_since_previous or 0)
            approved = stage.approval == "none" or week > WEEKS_TO_APPROVE
            if run_on >= issued_on and late >= (stage.days_past_due or 0) and waited and approved:
                deadline = None if stage.deadline_days is None else run_on + timedelta(days=stage.deadline_days)
                notices = state.notices + 1 if state else 1
                state = State(position, stage.stage, run_on, deadline, notices, not stage.expires)
            break
    return state


def give_history(
    rows: Sequence[Row], reached: dict[int, bool], *, as_of: date
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Set level, stage and last notice of the open claims; return the `payers` and `anchors` rows that follow.

    `reached`: the payers that have an address at all, and whether email is among them; the others never heard from us.
    """
    contacts: dict[tuple[int, int], date] = {}
    groups: dict[tuple[int, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.is_claim or row.due_on is None or not row.open_minor or row.customer.payer_id not in reached:
            continue
        policy = policy_of(row.customer)
        if policy == "key-accounts":
            groups[row.customer.entity_id, row.customer.payer_id, str(row.columns["currency"])].append(row)
            continue
        has_email = reached[row.customer.payer_id]
        if state := state_of(policy, due_on=row.due_on, issued_on=row.issued_on, as_of=as_of, has_email=has_email):
            _set(row, state)
            _contact(contacts, row, state)
    anchors = [_anchor(key, group, contacts, as_of) for key, group in groups.items()]
    payers: list[dict[str, object]] = [
        {"entity_id": entity_id, "payer_id": payer_id, "last_contact_on": on}
        for (entity_id, payer_id), on in contacts.items()
    ]
    return payers, [anchor for anchor in anchors if anchor is not None]


def _anchor(
    key: tuple[int, int, str], group: list[Row], contacts: dict[tuple[int, int], date], as_of: date
) -> dict[str, object] | None:
    """Set the state of a key account's items by its oldest; return the `anchors` row, if it was ever noticed."""
    anchor = min(group, key=lambda row: (row.due_on or as_of, -row.amount_minor, row.item_id))
    due_on = anchor.due_on or as_of
    state = state_of("key-accounts", due_on=due_on, issued_on=anchor.issued_on, as_of=as_of, has_email=True)
    if state is None:
        return None
    for row in group:
        if row.due_on and row.due_on < state.last_notice_on:
            _set(row, state)
    _contact(contacts, anchor, state)
    entity_id, payer_id, currency = key
    return {
        "entity_id": entity_id, "payer_id": payer_id, "currency": currency, "policy": "key-accounts",
        "anchor_item_id": anchor.item_id, "level": state.level, "stage": state.stage,
        "last_notice_on": state.last_notice_on, "last_deadline_on": state.last_deadline_on, "version": state.notices,
    }  # fmt: skip


def _set(row: Row, state: State) -> None:
    row.columns |= {
        "level": state.level,
        "stage": state.stage,
        "last_notice_on": state.last_notice_on,
        "last_deadline_on": state.last_deadline_on,
        "version": state.notices,
    }


def _contact(contacts: dict[tuple[int, int], date], row: Row, state: State) -> None:
    if state.is_contact:
        key = (row.customer.entity_id, row.customer.payer_id)
        contacts[key] = max(contacts.get(key, state.last_notice_on), state.last_notice_on)
