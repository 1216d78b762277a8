"""docs/semantics.md in plain Python: `judge` says for a book what `decide` must say. No frames, no cleverness.

The rules up to promises and credits stand in oracle_rows, stages and gaps in oracle_stages, the rest here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final, TypeAlias

from dunwell.engine.book import CHANNELS, Book
from dunwell.engine.calendars import is_closed
from dunwell.engine.plan import OUTCOMES
from dunwell.engine.policy.model import Close, Policy, Stage
from tests.engine.oracle_charges import Charged, Past, charges_of, refuse_by_law
from tests.engine.oracle_contacts import cap_contacts
from tests.engine.oracle_events import AlertKey, ClosingKey, alerts_of, closings_of, listed
from tests.engine.oracle_fees import base_minor, fee_minor
from tests.engine.oracle_promises import add_sums, apply_promises, note_what_resumes
from tests.engine.oracle_rows import (
    Data,
    Row,
    apply_credits,
    assign,
    block,
    note_parts,
    rows_of,
)
from tests.engine.oracle_stages import AnchorKey, State, judge_group, judge_item

APPROVALS: Final = {"none": 0, "one": 1, "two": 2}
GroupKey: TypeAlias = tuple[Any, ...]


@dataclass
class OraclePlan:
    """Plain tables. `decisions` holds only the columns that the rules define for the kind of row."""

    decisions: dict[int, Data] = field(default_factory=dict)
    notices: dict[frozenset[int], Data] = field(default_factory=dict)  # by the items dunned on it
    charges: set[Charged] = field(default_factory=set)
    actions: set[tuple[frozenset[int], str]] = field(default_factory=set)
    anchors: dict[AnchorKey, tuple[int | None, int]] = field(default_factory=dict)  # anchor_item_id, level
    closings: dict[ClosingKey, tuple[str, str, str]] = field(default_factory=dict)  # currency, channels, actions
    alerts: dict[AlertKey, tuple[date, bool, str]] = field(default_factory=dict)  # since when, is it over, actions


def judge(book: Book, policies: Sequence[Policy], as_of: date) -> OraclePlan:
    """Decide every item of `book` by the rules, one rule after the other."""
    rows, past = rows_of(book, as_of), Past.of(book)
    add_sums(rows, book)
    apply_promises(rows, book, as_of)
    note_what_resumes(rows, book, as_of)
    debits = judge_alone(rows, policies, book)
    apply_credits(rows)
    anchors = judge_stages(debits, policies, book)
    judge_minimums(debits, rows, past)
    cap_contacts(by_key(remaining(debits), notice_key), book, as_of)
    notices = grouped([row for row in debits if not row.reasons])
    plan = told(rows, notices, anchors, past)
    plan.closings, plan.alerts = closed(book, policies, as_of), alerts_of(book, policies, rows, as_of)
    return plan


def closed(book: Book, policies: Sequence[Policy], as_of: date) -> dict[ClosingKey, tuple[str, str, str]]:
    """What is said and done for payers with nothing overdue left."""
    close_of = {policy.policy: policy.close for policy in policies}
    channels = {account["account_id"]: account["channels"] for account in book.accounts.to_dicts()}
    return {
        key: (currency, ",".join(channels_of(close, channels[key[1]])), listed(set(close.do)))
        for key, currency in closings_of(book, policies, as_of).items()
        if (close := close_of[key[2]])
    }


def judge_alone(rows: Sequence[Row], policies: Sequence[Policy], book: Book) -> list[Row]:
    """The reasons up to 8; returns the open debit rows that can be judged further, drafts among them."""
    debits = []
    for row in rows:
        if row.bad_data:
            continue
        if row.item["open_minor"] == 0:
            row.reasons.add("settled")
        elif row.is_credit:
            row.reasons.add("credit")
        elif row.is_charge:
            block(row, book)
            note_parts(row)
        elif assign(row, policies):
            block(row, book)
            note_parts(row)
            debits.append(row)
    return debits


def judge_stages(
    debits: Sequence[Row], policies: Sequence[Policy], book: Book
) -> dict[AnchorKey, tuple[int | None, int]]:
    """Stage, gap and pending of every row; returns what changed in the account-anchored groups."""
    contacts = {(p["entity_id"], p["payer_id"]): p["last_contact_on"] for p in book.payers.to_dicts()}
    groups: dict[AnchorKey, list[Row]] = {}
    for row in debits:
        if row.policy is None:
            row.reasons |= {"not_due"} if row.item["draft"] else set()
            continue
        contact = contacts.get((row.item["entity_id"], row.payer["account_id"]))
        row.free_on = None if contact is None else contact + timedelta(days=row.policy.min_gap_days)
        if row.policy.anchor == "item":
            judge_item(row)
            as_set(row, book)
        else:
            groups.setdefault((*row.payer_group, row.policy.policy), []).append(row)
    return judge_groups(groups, book, {policy.policy: policy for policy in policies if policy.anchor == "account"})


def as_set(row: Row, book: Book) -> None:
    """A stage that a person set is reached, whatever its conditions and the calendar say."""
    stages = {each["item_id"]: each["stage"] for each in book.set_stages.to_dicts()}
    if row.item["draft"] or not (position := row.current_policy.position(stages.get(row.item_id))):
        return
    row.reasons -= {"not_due", "finished", "too_soon"}
    if row.problem == "minimum_lacks_currency":
        row.problem, row.reasons = None, row.reasons - {"exception"}
    row.position, row.repeats = position, 0


def judge_groups(
    groups: Mapping[AnchorKey, Sequence[Row]], book: Book, policies: Mapping[str, Policy]
) -> dict[AnchorKey, tuple[int | None, int]]:
    """Judge each account-anchored group once; a stored state whose group has no row left falls to 0."""
    stored_by_key = {(a["entity_id"], a["payer_id"], a["currency"], a["policy"]): a for a in book.anchors.to_dicts()}
    changes: dict[AnchorKey, tuple[int | None, int]] = {}
    for key in stored_by_key.keys() | groups.keys():
        if key[-1] not in policies:
            continue
        stored, rows = stored_by_key.get(key), groups.get(key)
        found = judge_group(rows, stored) if rows else (None, 0)
        if found is not None and differs(stored, *found, policies[key[-1]]):
            changes[key] = found
    return changes


def differs(stored: Data | None, anchor_item_id: int | None, level: int, policy: Policy) -> bool:
    """Whether a group's state is another than the one stored, as that reads under the policy of the day."""
    if stored is None:
        return (anchor_item_id, level) != (None, 0)
    return (anchor_item_id, level) != (stored["anchor_item_id"], State.of(stored).level_in(policy))


def judge_minimums(debits: Sequence[Row], rows: Sequence[Row], past: Past) -> None:
    """Minimums, charges and reach, in this order; each takes rows out of what follows."""
    for row in remaining(debits):
        below_minimum(row, row.current_policy.minimum.item, row.dunnable, "below_item_minimum")
    for group in by_key(remaining(debits), lambda row: (*row.payer_group, row.current_policy.policy)).values():
        dunnable = sum(row.dunnable for row in group)
        for row in group:
            below_minimum(row, row.current_policy.minimum.account, dunnable, "below_account_minimum")
    for row in remaining(debits):
        refuse_without_fee(row, stage_of(row), rows)
    for row in remaining(debits):
        refuse_by_law(row, stage_of(row), past)
    for group in by_key(remaining(debits), notice_key).values():
        below_percentage(group)
    judge_reach(debits)
    for row, stage in with_stage_of_notice(debits):
        refuse_without_fee(row, stage, rows)
    for row, stage in with_stage_of_notice(debits):
        refuse_by_law(row, stage, past)


def judge_reach(debits: Sequence[Row]) -> None:
    for row in remaining(debits):
        stage = stage_of(row)
        if stage.send and not channels_of(stage, row.payer["channels"]):
            row.reasons.add("unreachable")


def with_stage_of_notice(debits: Sequence[Row]) -> list[tuple[Row, Stage]]:
    """The rows that are left, with the highest stage on the notice that they would be on."""
    groups = by_key(remaining(debits), notice_key).values()
    return [(row, stage_of(max(group, key=lambda row: row.position))) for group in groups for row in group]


def refuse_without_fee(row: Row, stage: Stage, rows: Sequence[Row]) -> None:
    if stage.fee and fee_minor(stage.fee, base_minor(row, stage.fee, rows), row.item["currency"]) is None:
        row.problem_is("fee_lacks_currency")


def below_percentage(group: Sequence[Row]) -> None:
    percent = Fraction(group[0].current_policy.minimum.percent_of_open)
    if sum(row.dunnable for row in group) * 100 < percent * group[0].sums["account_open_minor"]:
        for row in group:
            row.reasons.add("below_percentage")


def remaining(debits: Sequence[Row]) -> list[Row]:
    return [row for row in debits if not row.reasons]


def below_minimum(row: Row, minimum: Mapping[str, int] | None, amount_minor: int, reason: str) -> None:
    if minimum is None:
        return
    if row.item["currency"] not in minimum:
        row.problem_is("minimum_lacks_currency")
    elif amount_minor < minimum[row.item["currency"]]:
        row.reasons.add(reason)


def stage_of(row: Row) -> Stage:
    return row.current_policy.stages[row.position - 1]


def channels_of(stage: Stage | Close, mask: int) -> list[str]:
    """The channels a notice of this stage leaves over: of each choice the first that reaches."""
    channels: list[str] = []
    for choice in stage.send:
        reached = [channel for channel in choice.split("|") if mask >> CHANNELS.index(channel) & 1]
        channels += [channel for channel in reached[:1] if channel not in channels]
    return channels


def notice_key(row: Row) -> GroupKey:
    policy = row.current_policy
    per: dict[str, object] = {"account": None, "item": row.item_id, "level": row.position}
    columns = row.columns()
    return (*row.payer_group, policy.policy, per[policy.one_notice_per], *(columns[name] for name in policy.split_by))


def by_key(rows: Sequence[Row], key: Callable[[Row], GroupKey]) -> dict[GroupKey, list[Row]]:
    groups: dict[GroupKey, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def grouped(dunned: Sequence[Row]) -> list[list[Row]]:
    """One list of rows per notice, the leading item first, in order of entity, payer, currency, policy, split."""
    for row in dunned:
        row.reasons.add("dun")
        row.level = row.position
    groups = by_key(dunned, notice_key)
    ordered = sorted(groups, key=lambda key: [(part is not None, part or 0) for part in key])
    return [
        sorted(groups[key], key=lambda row: (-row.position, row.due_on, -row.dunnable, row.item_id)) for key in ordered
    ]


def told(
    rows: Sequence[Row],
    notices: Sequence[Sequence[Row]],
    anchors: dict[AnchorKey, tuple[int | None, int]],
    past: Past,
) -> OraclePlan:
    """Put into plain tables what was found."""
    plan = OraclePlan(anchors=anchors)
    riding = ride(rows, notices)
    for lines in notices:
        key = frozenset(row.item_id for row in lines)
        stage = stage_of(lines[0])
        charged = charges_of(lines, stage, rows, past)
        plan.charges |= set(charged)
        plan.actions |= {(key, action) for action in stage.do}
        plan.notices[key] = notice_of(
            lines, stage, riding[lines[0].item_id], sum(each.amount_minor for each in charged)
        )
        plan.notices[key]["lines"] |= {
            (row.item_id, "listed", row.dunnable, 0, None, 0, 0) for row in listed_on(lines[0], rows)
        }
    for row in rows:
        plan.decisions[row.item_id] = decision_of(row)
    return plan


def notice_of(lines: Sequence[Row], stage: Stage, charges: Sequence[Row], fee_minor: int) -> Data:
    leading = lines[0]
    due = sum(row.dunnable for row in lines)
    earlier = sum(row.dunnable for row in charges)
    return {
        "entity_id": leading.item["entity_id"],
        "payer_id": leading.payer["account_id"],
        "currency": leading.item["currency"],
        "policy": leading.current_policy.policy,
        "stage": stage.stage,
        "level": leading.position,
        "anchored": leading.current_policy.anchor == "account",
        "contact": any(not stage_of(row).expires for row in lines),
        "deadline_on": deadline_of(lines, stage),
        "calendar": calendar_of_notice(lines),
        "due_minor": due,
        "charges_minor": earlier,
        "fee_minor": fee_minor,
        "total_minor": due + earlier + fee_minor,
        "channels": ",".join(channels_of(stage, leading.payer["channels"])),
        "approvals": APPROVALS[stage.approval],
        "repeats": max(row.repeats for row in lines),
        "closing": "reached" if reaches_close(leading) else None,
        "lines": {
            (row.item_id, "dunned", row.dunnable, row.position, stage_of(row).stage, row.item["level"], row.repeats)
            for row in lines
        }
        | {(row.item_id, "charge", row.dunnable, 0, None, 0, 0) for row in charges},
    }


def listed_on(leading: Row, rows: Sequence[Row]) -> list[Row]:
    """What a notice lists beside what it duns: rows of its payer that nothing blocks and no notice duns."""
    policy = leading.current_policy
    if policy.include == "dunned":
        return []
    blocks = set(OUTCOMES[: OUTCOMES.index("not_due")]) | {"dun"}
    return [
        row
        for row in rows
        if row.is_claim
        and row.payer_group == leading.payer_group
        and not row.reasons & blocks
        and row.dunnable > 0
        and (row.overdue or policy.include == "open")
        and all(row.columns()[name] == leading.columns()[name] for name in policy.split_by)
    ]


def calendar_of_notice(lines: Sequence[Row]) -> str | None:
    return min((row.calendar for row in lines if row.calendar), default=None)


def deadline_of(lines: Sequence[Row], stage: Stage) -> date | None:
    """So many days later, and then the first open day."""
    if stage.deadline_days is None:
        return None
    day, calendar = lines[0].as_of + timedelta(days=stage.deadline_days), calendar_of_notice(lines)
    while calendar and is_closed(day, calendar):
        day += timedelta(days=1)
    return day


def reaches_close(leading: Row) -> bool:
    """Whether the policy's `close` waits for who is sent this."""
    policy = leading.current_policy
    return policy.close is not None and leading.position >= policy.position(policy.close.after_stage)


def ride(rows: Sequence[Row], notices: Sequence[Sequence[Row]]) -> dict[int, list[Row]]:
    """Settle what becomes of open charges; returns the charges that ride, by the leading item of their notice."""
    by_id = {row.item_id: row for row in rows}
    leading_of = {row.item_id: lines[0] for lines in notices for row in lines}
    riding: dict[int, list[Row]] = {lines[0].item_id: [] for lines in notices}
    for row in rows:
        if not row.is_charge or row.bad_data:
            continue
        if row.item["draft"] and "settled" not in row.reasons:
            row.reasons.add("not_due")
        if row.reasons:
            continue
        item = by_id.get(row.item["parent_item_id"])
        if item is not None and (item.reasons == {"settled"} or item.payer_group != row.payer_group):
            item = None
        if item is None:
            leading = next((lines[0] for lines in notices if lines[0].payer_group == row.payer_group), None)
        else:
            leading = leading_of.get(item.item_id)
        if leading is not None:
            row.reasons.add("dun")
            riding[leading.item_id].append(row)
            leading_of[row.item_id] = leading  # should a charge be raised on a charge
        elif item is None:
            row.reasons.add("not_due")
        else:
            row.reasons, row.next_on = set(item.reasons), item.next_on
    return riding


def outcome_of(row: Row) -> str:
    return next(outcome for outcome in OUTCOMES if outcome in row.reasons)


def decision_of(row: Row) -> Data:
    """What the rules say of one row, and nothing they do not."""
    outcome = outcome_of(row)
    told: Data = {
        "outcome": outcome,
        "reasons": frozenset(row.reasons),
        "next_on": row.next_on if outcome in {"not_due", "too_soon"} else None,
        "by_law": row.by_law,
    }
    if row.is_charge and not row.bad_data:
        return told
    told["problem"] = row.problem
    if row.is_credit or row.bad_data or outcome == "settled":
        return told
    told |= {"planned_minor": row.planned, "promised_minor": row.promised}
    told |= {"credited_minor": row.credited, "dunnable_minor": max(row.dunnable, 0)}
    told["policy"] = row.policy.policy if row.policy else None
    if row.policy is None or row.item["draft"]:
        return told
    told |= {"stage": stage_of(row).stage if row.position else None, "free_on": row.free_on}
    told["closed_by"] = row.calendar if row.closed else None
    return told | {"level_before": row.level_before, "level_after": row.level}
