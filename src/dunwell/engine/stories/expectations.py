"""What a step expected, what it got, and why: the comparison and its report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

import polars as pl

from dunwell.engine.documents import hint
from dunwell.engine.explain import explain
from dunwell.engine.money import exponent, format_minor
from dunwell.engine.plan import OUTCOMES, Plan
from dunwell.engine.promising import PROMISE_STATES, promise_states
from dunwell.engine.stories.board import LEVELS, levels_of
from dunwell.engine.stories.format import Amount, Expect, known_amount
from dunwell.engine.stories.names import StoryError
from dunwell.engine.stories.story import Step
from dunwell.engine.stories.world import PostedNotice, World

EXPLAINED_MAX: Final = 5
FIELDS: Final = {
    "notices": ("account", "entity", "currency", "policy", "stage", "level", "total", "due", "charges", "fee",
                "deadline", "channels", "items", "listed"),
    "charges": ("item", "amount", "stage", "charge", "until", "first"),
    "tasks": ("item", "account", "task", "detail"),
    "actions": ("account", "action", "stage", "event", "policy"),
}  # fmt: skip


class NotAsked(Exception):
    """To compare, one must know what the engine says of the book after the step: ask, and compare again."""


@dataclass(frozen=True)
class Failure:
    """Where a story went another way than it was told to: expected, got, and why."""

    source: str
    line: int
    message: str
    expected: str = ""
    got: str = ""
    explanation: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.source}:{self.line}: {self.message}"]
        if self.expected or self.got:
            lines += [f"    expected  {self.expected}", f"    got       {self.got}"]
        return "\n".join([*lines, *(f"    | {line}" for line in self.explanation)])


@dataclass
class Day:
    """What one step brought about."""

    plan: Plan | None = None
    proposed: list[int] = field(default_factory=list)  # notice numbers of the plan
    posted: list[int] = field(default_factory=list)  # notice ids
    delivered: list[int] | None = None  # notice ids


class Seen:
    """A step's outcome in the words of the story."""

    def __init__(self, world: World, day: Day, on: date) -> None:
        self.world = world
        self.day = day
        self.on = on
        self.standing: Plan | None = None  # what the engine says of the book after the step, when it has been asked

    def _stands(self) -> Plan:
        if self.standing is None:
            raise NotAsked
        return self.standing

    @cached_property
    def decisions(self) -> dict[int, dict[str, Any]]:
        """The decision on each item: of the step's run, else of the book as it stands. Errors: NotAsked."""
        plan = self.day.plan or self._stands()
        return {row["item_id"]: row for row in plan.decisions.to_dicts()}

    @cached_property
    def account_names(self) -> dict[int, str]:
        """Account names by id."""
        return {number: name for name, number in self.world.accounts.items()}

    def decision(self, number: str) -> dict[str, Any]:
        """The decision on one item. Errors: StoryError."""
        item_id = self.world.id_of("item", number)
        if item_id not in self.decisions:
            raise StoryError(f"nothing was decided on {number!r}: it came after the run of this step")
        return self.decisions[item_id]

    def notices(self) -> list[dict[str, Any]]:
        """The notices delivered in the step, or proposed where it stops earlier."""
        if self.day.delivered is not None:
            return [self._notice(self.world.posted[notice_id]) for notice_id in self.day.delivered]
        if (plan := self.day.plan) is None:
            return []
        rows = [row for row in plan.notices.to_dicts() if row["notice_no"] in self.day.proposed]
        return [self._notice(notice) for notice in self.world.with_items(rows, plan.lines)]

    def _notice(self, notice: PostedNotice) -> dict[str, Any]:
        row = notice.row
        entities = {number: name for name, number in self.world.entities.items()}
        amounts = {key: Amount(row[f"{key}_minor"], row["currency"]) for key in ("total", "due", "charges", "fee")}
        return {
            "account": self.account_names[row["payer_id"]],
            "entity": entities[row["entity_id"]],
            **{key: row[key] for key in ("currency", "policy", "stage", "level")},
            **amounts,
            "deadline": row["deadline_on"],
            "channels": row["channels"].split(",") if row["channels"] else [],
            "items": notice.items,
            "listed": notice.listed,
        }

    def explanation(self, name: str) -> tuple[str, ...]:
        """Why an item, or the items of an account, stand as they do."""
        account = name.partition(":")[0]
        mine = [
            (self.world.numbers[item], row)
            for item, row in self.decisions.items()
            if self.world.numbers[item] == name or self.account_names.get(row["payer_id"]) == account
        ]
        return tuple(f"{number}: {line}" for number, row in mine for line in explain(row))

    def explanation_of(self, *entries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """Why the items and accounts that some entries name stand as they do."""
        names = {each.get("item") or each.get("account") for part in entries for each in part}
        if None in names:  # an entry that names nobody may mean anybody
            names = {self.world.numbers[item] for item in list(self.decisions)[:EXPLAINED_MAX]}
        return tuple(line for name in sorted(str(name) for name in names if name) for line in self.explanation(name))

    def level(self, name: str) -> int:
        """The level of an item, or of an account under `anchor: account` (`A:EUR` where it has several currencies).

        Errors: StoryError for a name that is not there, MoneyError for an unknown currency.
        """
        if name in self.world.ids["item"]:
            return self.world.item(name).level
        account, _colon, currency = name.partition(":")
        if account not in self.world.accounts:
            raise StoryError(
                f"there is no item or account {name!r}{hint(name, [*self.world.ids['item'], *self.world.accounts])}"
            )
        if currency:
            exponent(currency)  # refuses an unknown one, of which no account has a level
        payer, anchors = self.world.account(account), self._stands().anchors
        now = levels_of(zip(*(anchors[name] for name in LEVELS), strict=True))
        groups = self.world.board.levels().get(payer, {}) | now.get(payer, {})
        levels = [level for (_entity, of, _policy), level in groups.items() if currency in ("", of)]
        if len(levels) > 1:
            raise StoryError(f"account {account!r} has several levels; ask by currency, such as {account}:EUR")
        return levels[0] if levels else 0

    def charges(self) -> list[dict[str, Any]]:
        """What was charged in the step: by posted notices, or proposed where it stops earlier."""
        if self.day.plan is None:
            return []
        return [
            {
                "item": self.world.numbers[row["item_id"]],
                "amount": Amount(row["amount_minor"], row["currency"]),
                "stage": row["stage"],
                "charge": row["charge"],
                "until": row["until_on"],
                "first": row["first"],
            }
            for row in self.day.plan.charges.to_dicts()
            if row["notice_no"] in self.day.proposed
        ]

    def open_amount(self, number: str) -> Amount:
        """What is open of an item. Errors: StoryError."""
        item = self.world.item(number)
        return Amount(item.open_minor, item.currency)

    def promise(self, name: str) -> str:
        """How a promise or instalment stands on the day of the step. Errors: StoryError."""
        promise_id = self.world.id_of("promise", name)
        states = promise_states(self.world.board.book, pl.lit(self.on))
        return str(states.row(by_predicate=pl.col("promise_id") == promise_id, named=True)["state"])

    def waived_amount(self, number: str) -> Amount:
        """What was written off of a charge. Errors: StoryError."""
        item = self.world.item(number)
        return Amount(item.waived_minor, item.currency)

    def tasks(self) -> list[dict[str, Any]]:
        """The work the step left for people."""
        planned = [] if self.day.plan is None else self.day.plan.tasks.to_dicts()
        rows = planned + [
            {"item_id": task.item_id, "account_id": task.account_id, "task": task.task, "detail": task.detail}
            for task in self.world.tasks
        ]
        return [
            {
                "item": self.world.numbers.get(row["item_id"]),
                "account": self.account_names.get(row["account_id"]),
                "task": row["task"],
                "detail": row["detail"],
            }
            for row in rows
        ]

    def actions(self) -> list[dict[str, Any]]:
        """The actions asked for by the step's notices, and by event rules."""
        if self.day.plan is None:
            return []
        notices = {row["notice_no"]: row for row in self.day.plan.notices.to_dicts()}
        of_notices = [
            self._action(notice["payer_id"], action, notice)
            for notice_no, action in self.day.plan.actions.iter_rows()
            if (notice := notices[notice_no]) and notice_no in self.day.proposed
        ]
        of_rules = [
            self._action(alert["account_id"], action, alert)
            for alert in self.day.plan.alerts.to_dicts()
            for action in alert["actions"].split(",")
            if action
        ]
        return of_notices + of_rules

    def _action(self, account_id: int, action: str, of: Mapping[str, Any]) -> dict[str, Any]:
        names = {"account": self.account_names[account_id], "action": action}
        return names | {key: of.get(key) for key in ("stage", "event", "policy")}


def compare(step: Step, expect: Expect, seen: Seen, source: str) -> list[Failure]:
    """Hold what a step brought about against what it expected. Errors: StoryError for a name that is not there."""
    found = [*_compare_lists(expect, seen), *_compare_values(expect, seen)]
    return [Failure(source, step.line, f"{step.on}: {what}", expected, got, why) for what, expected, got, why in found]


_Difference = tuple[str, str, str, tuple[str, ...]]


def _compare_lists(expect: Expect, seen: Seen) -> Iterator[_Difference]:
    """Lists are complete and in any order; each entry is a subset of fields."""
    if expect.notices is not None:
        yield from _matched("notices", expect.notices, seen.notices(), seen)
    if isinstance(expect.charges, list):
        yield from _matched("charges", expect.charges, seen.charges(), seen)
    elif expect.charges is not None:
        expected = [{"item": item, "amount": amount} for item, amount in expect.charges.items()]
        yield from _matched("charges", expected, seen.charges(), seen)
    if expect.tasks is not None:
        yield from _matched("tasks", expect.tasks, seen.tasks(), seen)
    if expect.actions is not None:
        yield from _matched("actions", expect.actions, seen.actions(), seen)


def _compare_values(expect: Expect, seen: Seen) -> Iterator[_Difference]:
    asked: tuple[tuple[str, Mapping[str, object] | None, Callable[[str], object], Sequence[str]], ...] = (
        ("outcome of", expect.outcomes, lambda name: seen.decision(name)["outcome"], OUTCOMES),
        ("by_law of", expect.by_law, lambda name: seen.decision(name)["by_law"], ()),
        ("next_on of", expect.next_on, lambda name: seen.decision(name)["next_on"], ()),
        ("level of", expect.levels, seen.level, ()),
        ("promise", expect.promises, seen.promise, PROMISE_STATES),
        ("open amount of", expect.open, seen.open_amount, ()),
        ("waived amount of", expect.waived, seen.waived_amount, ()),
    )
    for what, values, found, words in asked:
        for name, value in (values or {}).items():
            if words and value not in words:
                kind = what.split()[0]
                raise StoryError(f"there is no {kind} {value!r}{hint(str(value), words)}")
            if (got := found(name)) != value:
                yield f"{what} {name}", _shown(value), _shown(got), seen.explanation(name)


def _matched(
    what: str, expected: Sequence[Mapping[str, Any]], got: Sequence[Mapping[str, Any]], seen: Seen
) -> Iterator[_Difference]:
    # The most particular first: what is missing is then the vaguest of those that would fit.
    entries = sorted((_normal(what, entry) for entry in expected), key=len, reverse=True)
    fits = [
        [at for at, each in enumerate(got) if all(each.get(key) == value for key, value in entry.items())]
        for entry in entries
    ]
    place_of = paired(fits)
    missing = [entry for number, entry in enumerate(entries) if number not in place_of]
    taken = set(place_of.values())
    left = [each for at, each in enumerate(got) if at not in taken]
    if missing or left:
        fields = {key for entry in missing for key in entry} or {"account", "stage", "item", "task", "action", "event"}
        yield (
            what,
            _listed(missing),
            _listed([_only(each, fields) for each in left]),
            seen.explanation_of(missing, left),
        )


def paired(fits: Sequence[Sequence[int]]) -> dict[int, int]:
    """Pair as many entries as can be, each with one of the places that fit it; return the places by number of entry."""
    place_of: dict[int, int] = {}
    entry_of: dict[int, int] = {}
    for first in range(len(fits)):
        asked_by: dict[int, int] = {}  # the place, and the entry that would take it
        waiting = [first]
        for entry in waiting:
            new = [at for at in fits[entry] if at not in asked_by]
            asked_by |= dict.fromkeys(new, entry)
            free: int | None = next((at for at in new if at not in entry_of), None)
            if free is None:
                waiting += [entry_of[at] for at in new]  # they would have to give way
                continue
            while (
                free is not None
            ):  # each takes the place it asked for, and leaves its own to the one that asked for it
                mover = asked_by[free]
                entry_of[free], place_of[mover], free = mover, free, place_of.get(mover)
            break
    return place_of


def _normal(what: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Read an expected entry as the types it is compared with. Errors: StoryError for an unknown field."""
    result: dict[str, Any] = {}
    for key, value in entry.items():
        name = {"kind": "task"}.get(key, key)
        if name not in FIELDS[what]:
            raise StoryError(f"{what} have no field {key!r}{hint(key, FIELDS[what])}")
        result[name] = _value(name, value)
    return result


def _value(name: str, value: object) -> object:
    if name in {"total", "due", "charges", "fee", "amount"} and isinstance(value, str):
        return known_amount(value)
    if name in {"items", "channels", "listed"}:
        values = [str(each) for each in (value if isinstance(value, list) else [value])]
        return values if name == "channels" else sorted(values)
    return str(value) if name in {"account", "item"} and value is not None else value


def _only(entry: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key in fields}


def _listed(entries: Sequence[Mapping[str, Any]]) -> str:
    shown = [", ".join(f"{key}: {_shown(value)}" for key, value in entry.items()) for entry in entries]
    return "; ".join(f"{{{entry}}}" for entry in shown) or "nothing more"


def _shown(value: object) -> str:
    if isinstance(value, Amount):
        return format_minor(value.minor, value.currency)
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
