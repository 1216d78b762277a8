"""The policies as small tables, so that ten million rows look their stage up instead of branching."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Final, TypeAlias

import polars as pl

from dunwell.engine.money import CURRENCIES
from dunwell.engine.policy.expressions import SUM_COLUMNS
from dunwell.engine.policy.model import Policy, Stage

COMPARED_MAX: Final = 4  # to compare with so many takes a tenth of what it takes to look one up
Amounts: TypeAlias = Mapping[str, int]  # minor units by currency


@dataclass(frozen=True)
class Procedures:
    """Policies in order of priority. Rows name theirs by `policy_ix`, and a stage by its position from 1.

    A *slot* is one (policy, position): the policies' stages one after the other, each policy's position 0 first.
    A *roster* is the policies that a row may be under, in their order: one for all rows, or each row names its own.
    """

    policies: tuple[Policy, ...]
    rosters: tuple[tuple[int, ...], ...]
    roster: pl.Expr  # the number of a row's roster

    @classmethod
    def of(cls, policies: Sequence[Policy]) -> "Procedures":
        """Let every row be under the same policies."""
        return cls.apart([policies], pl.lit(0, dtype=pl.UInt32))

    @classmethod
    def apart(cls, rosters: Sequence[Sequence[Policy]], roster: pl.Expr) -> "Procedures":
        """Let rows be under the policies of the roster whose number, from 0, `roster` gives."""
        shared = {id(policy): policy for policies in rosters for policy in policies}
        ordered = sorted(shared.values(), key=lambda policy: (policy.priority, policy.policy))
        place = {id(policy): ix for ix, policy in enumerate(ordered)}
        return cls(tuple(ordered), tuple(tuple(sorted(place[id(each)] for each in own)) for own in rosters), roster)

    @cached_property
    def offsets(self) -> list[int]:
        """The slot of each policy's position 0."""
        result, at = [], 0
        for policy in self.policies:
            result.append(at)
            at += len(policy.stages) + 1
        return result

    @cached_property
    def slots(self) -> list[tuple[Policy, int, Stage | None]]:
        """Policy, position and stage of each slot; no stage at position 0."""
        return [
            (policy, position, policy.stages[position - 1] if position else None)
            for policy in self.policies
            for position in range(len(policy.stages) + 1)
        ]

    @cached_property
    def stages(self) -> list[Stage | None]:
        """The stage of each slot."""
        return [stage for _policy, _position, stage in self.slots]

    @cached_property
    def columns(self) -> frozenset[str]:
        """Every column that some expression or `split_by` reads."""
        assigning = [policy.applies_to.columns for policy in self.policies if policy.applies_to]
        return self.later_columns.union(*assigning)

    @cached_property
    def later_columns(self) -> frozenset[str]:
        """Those that something reads of rows whose policy is known."""
        conditions = [stage.when.columns for policy in self.policies for stage in policy.stages if stage.when]
        return frozenset().union(*(policy.split_by for policy in self.policies), *conditions)

    @cached_property
    def sums(self) -> frozenset[str]:
        """Which of the account's sums anything looks at."""
        names = self.columns & SUM_COLUMNS.keys()
        if any(policy.minimum.percent_of_open for policy in self.policies):
            names |= {"account_open_minor"}
        return names | {"account_overdue_minor"} if self.any_stage(lambda stage: stage.min_overdue) else names

    @cached_property
    def names(self) -> pl.DataFrame:
        """The `policy_ix` of each `policy` by name, for each `roster`."""
        rows = [(number, self.policies[ix].policy, ix) for number, own in enumerate(self.rosters) for ix in own]
        return pl.DataFrame(rows, {"roster": pl.UInt32, "policy": pl.String, "policy_ix": pl.UInt32}, orient="row")

    def of_roster(
        self, value: Callable[[int | None], object], place: int, dtype: pl.DataType | type[pl.DataType]
    ) -> pl.Expr:
        """Look up a value of the policy at a place of the row's roster: of its `policy_ix`, or None beyond the end."""
        at_place = [own[place] if place < len(own) else None for own in self.rosters]
        return looked_up([value(ix) for ix in at_place], self.roster, dtype)

    def any_stage(self, has: Callable[[Stage], object]) -> bool:
        """Whether some stage of some policy has something."""
        return any(has(stage) for policy in self.policies for stage in policy.stages)

    def of_policy(self, value: Callable[[Policy], object], dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
        """Look up a value of the row's policy by `policy_ix`."""
        return looked_up([value(policy) for policy in self.policies], pl.col("policy_ix"), dtype)

    @cached_property
    def stages_max(self) -> int:
        """How many stages the longest policy has."""
        return max((len(policy.stages) for policy in self.policies), default=0)

    def slot(self, position: pl.Expr) -> pl.Expr:
        """The slot of a position of the row's policy; null where either is."""
        # No position is negative; to have that checked would take ten times as long.
        return looked_up(self.offsets, pl.col("policy_ix"), pl.UInt32) + position.cast(pl.UInt32, wrap_numerical=True)

    def of_slot(
        self,
        value: Callable[[Policy, int, Stage | None], object],
        slot: pl.Expr,
        dtype: pl.DataType | type[pl.DataType],
    ) -> pl.Expr:
        """Look up a value of a stage by its slot."""
        return looked_up([value(*each) for each in self.slots], slot, dtype)

    def of_stage(
        self, value: Callable[[Stage], object], slot: pl.Expr, dtype: pl.DataType | type[pl.DataType]
    ) -> pl.Expr:
        """Look up a value of a stage by its slot; null at position 0."""
        return looked_up([None if stage is None else value(stage) for stage in self.stages], slot, dtype)

    def stage_is(self, has: Callable[[Stage], object], slot: pl.Expr) -> pl.Expr:
        """Whether the stage of a slot has something; never null: not where there is none."""
        return looked_up([bool(stage and has(stage)) for stage in self.stages], slot, pl.Boolean).fill_null(value=False)

    def slots_where(self, has: Callable[[Stage], object]) -> list[tuple[int, Stage]]:
        """The slots whose stage has something, with the stage."""
        return [(at, stage) for at, stage in enumerate(self.stages) if stage and has(stage)]

    def policy_amount(self, amounts: Callable[[Policy], Amounts | None]) -> tuple[pl.Expr, pl.Expr]:
        """Look up an amount of the row's policy in the row's currency, see `_amount`."""
        return _amount([amounts(policy) for policy in self.policies], pl.col("policy_ix"))

    def stage_amount(self, amounts: Callable[[Stage], Amounts | None], slot: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
        """Look up an amount of a stage in the row's currency, see `_amount`."""
        return _amount([None if stage is None else amounts(stage) for stage in self.stages], slot)


def looked_up(values: Sequence[object], index: pl.Expr, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """Take from a small table; the same value everywhere becomes a literal, and what few places have is compared."""
    if not values:
        return pl.lit(None, dtype=dtype)
    known = set(values)
    if len(known) == 1:
        return pl.when(index.is_not_null()).then(pl.lit(values[0], dtype=dtype))
    if dtype == pl.Boolean and None not in known:
        rarer = sum(map(bool, values)) * 2 <= len(values)
        places = [place for place, value in enumerate(values) if value is rarer]
        if len(places) <= COMPARED_MAX:
            is_one = reduce(or_, (index == place for place in places))
            return is_one if rarer else ~is_one
    return pl.lit(pl.Series(values, dtype=dtype)).gather(index)


def _amount(given: Sequence[Amounts | None], index: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """An amount in the row's currency, null where none is given in it; and whether only others are given."""
    currencies = sorted({currency for amounts in given for currency in amounts or {}})
    if not currencies:
        return pl.lit(None, dtype=pl.Int64), pl.lit(value=False)
    columns = [currencies.index(currency) if currency in currencies else len(currencies) for currency in CURRENCIES]
    column = looked_up(columns, pl.col("currency").to_physical(), pl.UInt32)
    table = [(amounts or {}).get(currency) for amounts in given for currency in (*currencies, "")]
    amount = looked_up(table, index * (len(currencies) + 1) + column, pl.Int64)
    return amount, looked_up([bool(amounts) for amounts in given], index, pl.Boolean).fill_null(
        value=False
    ) & amount.is_null()
