"""What earlier runs, one a week, would have done to the sample book's items, by the stages of the shipped policies."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from dunwell.sources.sample.invoices import Row

WEEK: Final = timedelta(days=7)
WEEKS_BACK: Final = 26


@dataclass(frozen=True)
class Step:
    """A stage as far as history needs it; `approved` false: nobody has given the approval it asks for."""

    stage: str
    days_past_due: int
    days_since_previous: int = 0
    deadline_days: int | None = None
    approved: bool = True


PROCEDURES: Final = {
    "standard-b2b": (
        Step("courtesy", -7), Step("reminder", 3, deadline_days=10), Step("second_reminder", 14, 7, 10),
        Step("escalation", 30, 10, 10), Step("final", 60, 14, 14, approved=False),
    ),
    "consumer": (
        Step("courtesy", -3), Step("reminder", 7, deadline_days=14), Step("second_reminder", 24, 14, 14),
        Step("final", 45, 14, 14, approved=False),
    ),
    "key-accounts": (
        Step("reminder", 10), Step("second_reminder", 30, 14, 14), Step("escalation", 60, 21, 14, approved=False),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """Where an item stands after its last notice."""

    level: int
    stage: str
    last_notice_on: date
    last_deadline_on: date | None
    notices: int
    is_contact: bool


def state_of(policy: str, *, due_on: date, issued_on: date, as_of: date, has_email: bool) -> State | None:
    """Follow one item through weekly runs up to a week before `as_of`, one stage at a time; None: never noticed."""
    state: State | None = None
    for week in range(WEEKS_BACK, 0, -1):
        run_on = as_of - week * WEEK
        level = state.level if state else 0
        late = (run_on - due_on).days
        for position, step in enumerate(PROCEDURES[policy][level:], start=level + 1):
            is_courtesy = step.days_past_due < 0
            if is_courtesy and (late >= 0 or not has_email):
                continue
            waited = state is None or (run_on - state.last_notice_on).days >= step.days_since_previous
            if run_on >= issued_on and late >= step.days_past_due and waited and step.approved:
                deadline = None if step.deadline_days is None else run_on + timedelta(days=step.deadline_days)
                notices = state.notices + 1 if state else 1
                state = State(position, step.stage, run_on, deadline, notices, not is_courtesy)
            break
    return state


def give_history(rows: Sequence[Row], *, as_of: date) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Set level, stage and last notice of the claims; return the `payers` and `anchors` rows that follow from them."""
    contacts: dict[tuple[int, int], date] = {}
    groups: dict[tuple[int, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.is_claim or row.due_on is None or row.columns["open_minor"] == 0:
            continue
        if row.customer.segment == "key" and row.customer.debtor_class != "consumer":
            groups[row.customer.entity_id, row.customer.payer_id, str(row.columns["currency"])].append(row)
            continue
        policy = "consumer" if row.customer.debtor_class == "consumer" else "standard-b2b"
        has_email = bool(row.customer.contact["email"])
        state = state_of(policy, due_on=row.due_on, issued_on=row.issued_on, as_of=as_of, has_email=has_email)
        if state:
            _set(row, state)
            _contact(contacts, row, state)
    anchors = []
    for (entity_id, payer_id, currency), group in groups.items():
        anchor = min(group, key=lambda row: (row.due_on or as_of, -row.amount_minor, row.item_id))
        state = state_of(
            "key-accounts", due_on=anchor.due_on or as_of, issued_on=anchor.issued_on, as_of=as_of, has_email=True
        )
        if state is None:
            continue
        for row in group:
            if row.due_on and row.due_on < state.last_notice_on:
                _set(row, state)
        _contact(contacts, anchor, state)
        anchors.append({
            "entity_id": entity_id, "payer_id": payer_id, "currency": currency, "policy": "key-accounts",
            "anchor_item_id": anchor.item_id, "level": state.level, "stage": state.stage,
            "last_notice_on": state.last_notice_on, "last_deadline_on": state.last_deadline_on, "version": state.notices,
        })  # fmt: skip
    payers: list[dict[str, object]] = [
        {"entity_id": entity_id, "payer_id": payer_id, "last_contact_on": on} for (entity_id, payer_id), on in contacts.items()
    ]
    return payers, anchors


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
