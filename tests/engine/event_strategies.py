"""Random closings and alerts: what earlier runs and events left of `close` and `rules`."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import strategies as st

from dunwell.engine.book import EVENTS, KEYS, STATES
from tests.engine.policy_strategies import Keys, one_in, pick

POLICIES = ("p1", "p1", "p2", "p3")


@st.composite
def closing_rows(draw: st.DrawFn, owners: Sequence[Keys], as_of: date) -> list[Keys]:
    """Payers to whom a late stage was sent, told so or not."""
    rows: dict[tuple[object, ...], Keys] = {}
    for owner in owners:
        if draw(one_in(2)):
            row = {
                "entity_id": owner["entity_id"],
                "payer_id": owner["account_id"],
                "policy": draw(pick(*POLICIES)),
                "currency": draw(pick("EUR", "JPY")),
                "reached_on": as_of - timedelta(days=draw(pick(1, 10))),
                "is_open": draw(pick(True, True, True, False)),
                "notice_id": None,
            }
            rows[tuple(row[name] for name in KEYS["closings"])] = row
    return list(rows.values())


@st.composite
def alert_rows(
    draw: st.DrawFn, owners: Sequence[Keys], promises: Sequence[Keys], disputes: Sequence[Keys], as_of: date
) -> list[Keys]:
    """What has come up before: judged or not, over or not."""
    rows: dict[tuple[object, ...], Keys] = {}
    for _ in range(draw(pick(0, 0, 1, 2, 4))):
        owner = owners[draw(pick(*range(len(owners))))]
        event = draw(pick(*EVENTS))
        row = {
            "entity_id": owner["entity_id"],
            "account_id": owner["account_id"],
            "policy": "" if event == "payment_reversed" else draw(pick(*POLICIES)),
            "event": event,
            **draw(subjects(event, owner, promises, disputes)),
            "since_on": as_of - timedelta(days=draw(pick(1, 10))),
        }
        is_raised = event in {"payment_reversed", "delivery_failed"}
        row["acted_on"] = None if is_raised and draw(pick(True, False)) else as_of - timedelta(days=1)
        row["over_on"] = as_of - timedelta(days=1) if event in STATES and draw(one_in(3)) else None
        rows[tuple(row[name] for name in KEYS["alerts"])] = row
    return list(rows.values())


@st.composite
def subjects(draw: st.DrawFn, event: str, owner: Keys, promises: Sequence[Keys], disputes: Sequence[Keys]) -> Keys:
    """What an alert is about, with what rules measure it by."""
    if event in STATES:
        measure = draw(pick("EUR", "JPY") if event == "credit_limit_exceeded" else pick("0.2", "0.5"))
        return {"subject_id": owner["account_id"], "measure": measure}
    if event == "dispute_overdue" and disputes:
        return {"subject_id": draw(pick(*(d["dispute_id"] for d in disputes))), "measure": draw(pick("0", "3"))}
    known = [p["promise_id"] for p in promises] if event == "promise_broken" else []
    return {"subject_id": draw(pick(*(known or (5, 6)))), "measure": ""}


@st.composite
def contact_rows(draw: st.DrawFn, owners: Sequence[Keys], as_of: date) -> tuple[list[Keys], list[Keys]]:
    """What payers have heard from us: notices, and what people have noted; around the first of seven days."""
    notices, contacts = [], []
    for number in range(1, draw(pick(0, 0, 1, 2, 4)) + 1):
        owner = owners[draw(pick(*range(len(owners))))]
        on = as_of - timedelta(days=draw(pick(0, 1, 6, 7, 8, -1)))
        heard = {"entity_id": owner["entity_id"], "payer_id": owner["account_id"]}
        if draw(one_in(3)):
            contacts.append({"contact_id": number, "account_id": owner["account_id"], "on": on, **heard})
        else:
            state = draw(pick("sent", "sent", "posted", "failed", "withdrawn"))
            sent_on = on if state == "sent" else None
            notice = {"notice_id": number, "as_of": on - timedelta(days=1), "state": state, "sent_on": sent_on}
            notices.append({**notice, **heard, "channels": draw(pick("email", "email,letter", ""))})
    return notices, contacts


@st.composite
def set_stages(draw: st.DrawFn, rows: Sequence[Keys], policies: Sequence[Keys]) -> list[Keys]:
    """Stages that a person set, also such as an item's policy does not have."""
    if not rows or not draw(one_in(3)):
        return []
    names = sorted({stage["stage"] for policy in policies for stage in policy["stages"]} | {"no-such-stage"})
    chosen = {draw(pick(*(row["item_id"] for row in rows))): draw(pick(*names)) for _ in range(draw(pick(1, 2, 5)))}
    return [{"item_id": item_id, "stage": stage} for item_id, stage in chosen.items()]
