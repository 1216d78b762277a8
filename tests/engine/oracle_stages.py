"""The middle of docs/semantics.md in plain Python: level, stage, gap, `next_on`, and account-anchored procedures."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeAlias

from dunwell.engine.calendars import is_closed
from dunwell.engine.policy.model import Policy, Stage
from tests.engine.expression_pairs import true_of
from tests.engine.oracle_rows import Data, Row

AnchorKey: TypeAlias = tuple[int, int, str, str]


@dataclass(frozen=True)
class State:
    """What a procedure remembers, of an item or of an account-anchored group."""

    level: int
    stage: str | None
    last_notice_on: date | None
    last_deadline_on: date | None
    pending: bool
    repeats: int

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> "State":
        return cls(
            columns["level"],
            columns["stage"],
            columns["last_notice_on"],
            columns["last_deadline_on"],
            columns["pending_notice_id"] is not None,
            columns["repeats"],
        )

    def level_in(self, policy: Policy) -> int:
        return policy.position(self.stage) or min(self.level, len(policy.stages))


NO_STATE = State(0, None, None, None, pending=False, repeats=0)


@dataclass(frozen=True)
class Judgement:
    """What the stage rules say of one row: reasons, the stage's position (0: none), and when."""

    reasons: frozenset[str]
    position: int
    next_on: date | None
    lacks_currency: bool
    repeats: int = 0


@dataclass(frozen=True)
class Clock:
    """One row with the state, level and gap its stages are judged with."""

    row: Row
    policy: Policy
    state: State
    level: int
    free_on: date | None

    @property
    def as_of(self) -> date:
        return self.row.as_of

    def live(self, stage: Stage) -> bool:
        return stage.days_past_due is None or stage.days_past_due >= 0 or self.row.due_on > self.as_of

    def first_day(self, stage: Stage, *, is_first: bool, since: bool = True, again: bool = False) -> date | None:
        """The day from which the dated conditions hold; None when one of them has no date to count from."""
        if since and is_first and not again and self.waived_on is not None and not stage.expires:
            return self.waived_on
        days = [self.row.due_on + timedelta(days=1 if stage.days_past_due is None else stage.days_past_due)]
        counted = (
            (stage.days_since_previous, self.state.last_notice_on),
            (stage.days_since_deadline, self.state.last_deadline_on),
        )
        for wait_days, start in counted if since else ():
            if wait_days is not None and start is not None:
                days.append(start + timedelta(days=wait_days))
            elif wait_days is not None and not is_first:
                return None
        if again and self.state.last_notice_on is not None:
            days.append(self.state.last_notice_on + timedelta(days=stage.repeat_every_days or 0))
        day = max(days)
        day = day.replace(day=monthrange(day.year, day.month)[1]) if stage.month_end else day
        calendar = self.policy.calendar
        return self.moved_back(day) if calendar and calendar.roll == "back" else day

    def moved_back(self, day: date) -> date:
        """The open day before a closed one; a stage of the due date or of the time after it stays so."""
        back = day
        while self.row.calendar and is_closed(back, self.row.calendar):
            back -= timedelta(days=1)
        if day == self.row.due_on and back != day:
            return day
        deadline_on = self.state.last_deadline_on
        if deadline_on is not None and day > deadline_on >= back:
            return day
        return day if day > self.row.due_on >= back else back

    def since_last_notice(self, day: date | None) -> bool:
        """Whether something came about after the last notice."""
        return day is not None and (self.state.last_notice_on is None or self.state.last_notice_on < day)

    @property
    def waived_on(self) -> date | None:
        """When a promise was broken, so that the next stage waits for no day."""
        goes_on = self.policy.on_broken_promise == "next_stage" and self.row.overdue
        return self.row.broken_on if goes_on and self.since_last_notice(self.row.broken_on) else None

    @property
    def dispute_is_over(self) -> bool:
        return self.since_last_notice(self.row.dispute_over_on)

    @property
    def from_level(self) -> int:
        """The level that stages are counted from."""
        return 0 if self.policy.after_dispute == "restart" and self.dispute_is_over else self.level

    @property
    def jumps(self) -> bool:
        return self.policy.escalate == "jump" or (self.policy.after_dispute == "nearest" and self.dispute_is_over)

    @property
    def cap(self) -> int:
        """The position of the last stage that the row may get."""
        names = (self.row.item["max_stage"], self.row.account["max_stage"], self.row.payer["max_stage"])
        return min((p for name in names if (p := self.policy.position(name))), default=len(self.policy.stages))

    @property
    def may_repeat(self) -> bool:
        """Whether the stage that was said last may be said again, at some time."""
        if not self.level or self.from_level != self.level or self.level > self.cap:
            return False
        stage = self.policy.stages[self.level - 1]
        below = stage.repeat_max is None or self.state.repeats < stage.repeat_max
        return bool(stage.repeat_every_days) and below and self.live(stage)

    def asks(self, stage: Stage) -> bool:
        """Whether the conditions that are no dates hold."""
        currency = self.row.item["currency"]
        wanted = (stage.min_overdue or {}).get(currency, 0)
        enough: bool = self.row.sums["account_overdue_minor"] >= wanted
        return enough and (stage.when is None or true_of(stage.when.sql, self.row.columns()))

    def holds(self, stage: Stage, *, is_first: bool, again: bool = False) -> bool:
        day = self.first_day(stage, is_first=is_first, again=again)
        return self.live(stage) and day is not None and self.as_of >= day and self.asks(stage)

    def holds_by_age(self, stage: Stage) -> bool:
        """For a fall: `days_since_*` left aside, and expired stages hold."""
        if not self.live(stage):
            return True
        day = self.first_day(stage, is_first=True, since=False)
        return day is not None and self.as_of >= day and self.asks(stage)

    def fallen_level(self) -> int:
        holding = [p for p, stage in enumerate(self.policy.stages, 1) if self.holds_by_age(stage)]
        return min(self.level, max(holding, default=0))

    def live_positions(self) -> list[int]:
        return [
            p for p, stage in enumerate(self.policy.stages, 1) if self.from_level < p <= self.cap and self.live(stage)
        ]

    def judge(self) -> Judgement:
        """Find the stage, and say whether it is reached and what the calendar has against it."""
        pending = {"pending"} if self.state.pending else set()
        positions = self.live_positions()
        if not positions and not self.may_repeat:
            return Judgement(frozenset({"finished"} | pending), 0, None, lacks_currency=False)
        stages = self.policy.stages
        holding = [p for p in positions if self.holds(stages[p - 1], is_first=p == positions[0])]
        if not self.jumps:
            holding = [p for p in holding if p == positions[0]]
        repeats = 0
        if not holding and self.may_repeat and self.holds(stages[self.level - 1], is_first=True, again=True):
            holding, repeats = [self.level], self.state.repeats + 1
        if not holding:
            next_one = positions[0] if positions else self.level
            return Judgement(frozenset({"not_due"} | pending), next_one, self.next_on(), lacks_currency=False)
        stage = stages[holding[-1] - 1]
        lacks = stage.min_overdue is not None and self.row.item["currency"] not in stage.min_overdue
        if self.too_soon(stage):
            return Judgement(frozenset({"too_soon"} | pending), holding[-1], self.next_on(), lacks, repeats)
        return Judgement(frozenset(pending), holding[-1], None, lacks, repeats)

    def too_soon(self, stage: Stage) -> bool:
        in_gap = self.free_on is not None and self.free_on > self.as_of and not stage.expires
        noticed = self.state.last_notice_on is not None and self.state.last_notice_on >= self.as_of
        return in_gap or noticed or self.row.closed

    def next_on(self) -> date | None:
        """The first later date on which a notice would be due if nothing changed."""
        positions = self.live_positions()
        days = []
        for position in positions:
            stage = self.policy.stages[position - 1]
            earlier = [self.policy.stages[p - 1] for p in positions if p < position]
            # Once the stages before it have expired, it is the first live one.
            comes_first = all(before.expires for before in earlier) and (not stage.expires or not earlier)
            if not self.jumps and not comes_first:
                continue
            day = self.day_of_notice(stage, is_first=comes_first)
            if day is not None:
                days.append(day)
            if not self.jumps and (day is not None or not stage.expires):
                break
        if self.may_repeat and not self.is_reached(positions):
            again = self.day_of_notice(self.policy.stages[self.level - 1], is_first=True, again=True)
            days += [] if again is None else [again]
        return min(days, default=None)

    def is_reached(self, positions: list[int]) -> bool:
        """Whether a further stage is reached, so that the one before it is not said again."""
        candidates = positions if self.jumps else positions[:1]
        return any(self.holds(self.policy.stages[p - 1], is_first=p == positions[0]) for p in candidates)

    def day_of_notice(self, stage: Stage, *, is_first: bool, again: bool = False) -> date | None:
        day = self.first_day(stage, is_first=is_first, again=again)
        if day is None or not self.asks(stage):
            return None
        day = max(day, self.as_of + timedelta(days=1))
        if self.state.last_notice_on is not None:
            day = max(day, self.state.last_notice_on + timedelta(days=1))
        if self.free_on is not None and not stage.expires:
            day = max(day, self.free_on)
        day = first_open(self.row, day)
        return None if stage.expires and day >= self.row.due_on else day


def judge_item(row: Row) -> None:
    """A row of an item-anchored policy."""
    state = State.of(row.item)
    policy = row.current_policy
    row.level_before = row.level = state.level_in(policy)
    if row.item["draft"]:
        row.reasons.add("not_due")
        return
    note_credit(row)
    take_over(row, Clock(row, policy, state, row.level, row.free_on).judge())


def take_over(row: Row, judgement: Judgement) -> None:
    row.reasons |= judgement.reasons
    row.position = judgement.position
    row.next_on = judgement.next_on
    row.repeats = judgement.repeats
    if judgement.lacks_currency and not row.reasons:
        row.problem_is("minimum_lacks_currency")


def note_credit(row: Row) -> None:
    if row.credited and row.dunnable <= 0:
        row.reasons.add("covered_by_credit")


def judge_group(rows: Sequence[Row], stored: Data | None) -> tuple[int | None, int] | None:
    """The rows of one account-anchored group; returns its anchor and its level before a notice; None: as stored."""
    state = State.of(stored) if stored else NO_STATE
    policy = rows[0].current_policy
    level = state.level_in(policy)
    for row in rows:
        row.level_before, row.last_notice_on = level, state.last_notice_on
    overdue = [row for row in rows if row.overdue and not row.item["draft"]]
    blocked = [row for row in overdue if row.reasons]
    free = [row for row in overdue if not row.reasons and row.dunnable > 0]
    anchor = min(free, key=lambda row: (row.due_on, -row.dunnable, row.item_id), default=None)
    judgement = None
    if anchor is not None:
        moved = stored is not None and stored["anchor_item_id"] not in {None, anchor.item_id}
        if moved or policy.deescalate:
            fallen = Clock(anchor, policy, state, level, anchor.free_on).fallen_level()
            state = state if fallen == level else replace(state, repeats=0)
            anchor.level_before = level = fallen
        judgement = Clock(anchor, policy, state, level, anchor.free_on).judge()
    elif not blocked:
        level = 0
    for row in rows:
        row.level_before = row.level = level
        judge_member(row, state, judgement, is_free=row in free)
    if anchor is None and blocked:
        return None
    return (anchor.item_id if anchor else None), level


def judge_member(row: Row, state: State, judgement: Judgement | None, *, is_free: bool) -> None:
    """What holds for the anchor holds for every row that could be it; the others wait, or say why by themselves."""
    if row.item["draft"]:
        row.reasons.add("not_due")
        return
    if row.item["pending_notice_id"] is not None:
        row.reasons.add("pending")
    note_credit(row)
    if judgement is not None and is_free:
        take_over(row, judgement)
        if judgement.position > Clock(row, row.current_policy, state, 0, None).cap:
            go_no_further(row, judgement)
    if not row.overdue:
        row.reasons.add("not_due")
        if judgement is None:
            as_new_anchor(row)


def go_no_further(row: Row, judgement: Judgement) -> None:
    """A row with a `max_stage` before the group's stage stays behind."""
    row.reasons = (row.reasons - {"not_due", "too_soon"}) | {"finished"}
    row.position, row.next_on = 0, None
    if judgement.lacks_currency and row.problem == "minimum_lacks_currency":
        row.problem, row.reasons = None, row.reasons - {"exception"}


def as_new_anchor(row: Row) -> None:
    """What a row that is not overdue would give as a new anchor, which it can be from the day after it is due."""
    before = row.level_before, row.last_notice_on
    row.level_before, row.last_notice_on = 0, None
    clock = Clock(row, row.current_policy, NO_STATE, 0, row.free_on)
    row.position, day = clock.judge().position, clock.next_on()
    row.level_before, row.last_notice_on = before
    row.next_on = None if day is None else first_open(row, max(day, row.due_on + timedelta(days=1)))


def first_open(row: Row, day: date) -> date:
    """The day, or the first after it on which something leaves."""
    while row.calendar and is_closed(day, row.calendar):
        day += timedelta(days=1)
    return day
