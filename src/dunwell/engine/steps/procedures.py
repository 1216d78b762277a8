"""The policies as small tables, so that ten million rows look their stage up instead of branching."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from dunwell.engine.policy.expressions import SUM_COLUMNS
from dunwell.engine.policy.model import Policy, Stage


@dataclass(frozen=True)
class Procedures:
    """Policies in order of priority. Rows name theirs by `policy_ix`, and a stage by its position from 1.

    A *slot* is one (policy, position): the policies' stages one after the other, each policy's position 0 first.
    """

    policies: tuple[Policy, ...]
    entities: tuple[frozenset[int] | None, ...]  # whose items each policy is for; None: every entity's

    @classmethod
    def of(cls, policies: Sequence[Policy], entities: Sequence[frozenset[int]] | None = None) -> "Procedures":
        """Order the policies by priority, then by name; `entities`, where given, has an entry for each policy."""
        order = sorted(range(len(policies)), key=lambda ix: (policies[ix].priority, policies[ix].policy))
        return cls(
            policies=tuple(policies[ix] for ix in order),
            entities=tuple(entities[ix] if entities else None for ix in order),
        )

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
    def columns(self) -> frozenset[str]:
        """Every column that some expression or `split_by` reads."""
        names: set[str] = set()
        for policy in self.policies:
            names.update(policy.split_by)
            if policy.applies_to:
                names.update(policy.applies_to.columns)
            for stage in policy.stages:
                if stage.when:
                    names.update(stage.when.columns)
        return frozenset(names)

    @cached_property
    def needs_sums(self) -> bool:
        """Whether anything looks at the account's sums."""
        return bool(self.columns & set(SUM_COLUMNS)) or any(
            policy.minimum.percent_of_open or any(stage.min_overdue for stage in policy.stages)
            for policy in self.policies
        )

    def applies(self, ix: int) -> pl.Expr:
        """Whether a policy is for the row's entity, and applies to the row."""
        entities, condition = self.entities[ix], self.policies[ix].applies_to
        holds = condition.holds if condition else pl.lit(value=True)
        return holds if entities is None else pl.col("entity_id").is_in(entities) & holds

    def ix_of_name(self) -> pl.Expr:
        """The `policy_ix` of the policy that a row of an entity names; null for a policy that is no longer there."""
        named = pl.lit(None, dtype=pl.UInt32)
        for ix, (policy, entities) in enumerate(zip(self.policies, self.entities, strict=True)):
            here = pl.col("policy") == policy.policy
            if entities is not None:
                here = here & pl.col("entity_id").is_in(entities)
            named = pl.when(here).then(pl.lit(ix, dtype=pl.UInt32)).otherwise(named)
        return named

    def any_stage(self, has: Callable[[Stage], object]) -> bool:
        """Whether some stage of some policy has something."""
        return any(has(stage) for policy in self.policies for stage in policy.stages)

    def of_policy(self, value: Callable[[Policy], object], dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
        """Look up a value of the row's policy by `policy_ix`."""
        return _lookup([value(policy) for policy in self.policies], pl.col("policy_ix"), dtype)

    @cached_property
    def stages_max(self) -> int:
        """How many stages the longest policy has."""
        return max((len(policy.stages) for policy in self.policies), default=0)

    def slot(self, position: pl.Expr) -> pl.Expr:
        """The slot of a position of the row's policy; null where either is."""
        return _lookup(self.offsets, pl.col("policy_ix"), pl.UInt32) + position.cast(pl.UInt32)

    def of_slot(
        self,
        value: Callable[[Policy, int, Stage | None], object],
        slot: pl.Expr,
        dtype: pl.DataType | type[pl.DataType],
    ) -> pl.Expr:
        """Look up a value of a stage by its slot."""
        return _lookup([value(*each) for each in self.slots], slot, dtype)

    def of_stage(
        self, value: Callable[[Stage], object], slot: pl.Expr, dtype: pl.DataType | type[pl.DataType]
    ) -> pl.Expr:
        """Look up a value of a stage by its slot; null at position 0."""
        return self.of_slot(lambda _policy, _position, stage: None if stage is None else value(stage), slot, dtype)

    def slots_where(self, has: Callable[[Stage], object]) -> list[tuple[int, Stage]]:
        """The slots whose stage has something, with the stage."""
        return [(at, stage) for at, (_policy, _position, stage) in enumerate(self.slots) if stage and has(stage)]


def _lookup(values: Sequence[object], index: pl.Expr, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """Take from a small table; the same value everywhere becomes a literal."""
    if not values:
        return pl.lit(None, dtype=dtype)
    if len(set(values)) == 1:
        return pl.when(index.is_not_null()).then(pl.lit(values[0], dtype=dtype))
    return pl.lit(pl.Series(values, dtype=dtype)).gather(index)
