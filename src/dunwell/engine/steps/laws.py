"""The laws of the policies as small tables, by policy and class of debtor: a row looks up what holds for it."""

from collections.abc import Callable
from typing import Final

import polars as pl

from dunwell.engine.book import DEBTOR_CLASSES
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DebtorClass
from dunwell.engine.policy.model import Stage
from dunwell.engine.steps.procedures import Procedures, looked_up

CLASSES: Final[tuple[DebtorClass | None, ...]] = (*DEBTOR_CLASSES, None)
CLASS_LACKS: Final = "debtor_class"
BEYOND_BOUND: Final = "amount_beyond_bound"


def has_law(procedures: Procedures) -> bool:
    """Whether some policy says by what law it charges."""
    return any(policy.interest for policy in procedures.policies)


def asks(kind: str) -> Callable[[Stage], bool]:
    """Whether a stage asks for charges of a kind."""
    return {
        "fee": lambda stage: stage.fee is not None,
        "interest": lambda stage: stage.interest,
        "compensation": lambda stage: stage.compensation,
    }[kind]


def needs_class(law: Law, kind: str) -> bool:
    """Whether what holds of a kind of charge is another for each class of debtors."""
    if law.regime is None:
        return False
    if kind == "interest":
        return law.agreed_percent is None
    return bool(law.regime.flat if kind == "compensation" else law.regime.fees)


def by_class(
    procedures: Procedures,
    value: Callable[[Law, DebtorClass | None], object],
    dtype: pl.DataType | type[pl.DataType],
) -> pl.Expr:
    """Look up what the law of a row's policy says of its class of debtors, by `law_slot`; null without a law."""
    laws = [policy.law for policy in procedures.policies]
    values = [None if law is None else value(law, debtor_class) for law in laws for debtor_class in CLASSES]
    return looked_up(values, pl.col("law_slot"), dtype)


def is_warned(days: pl.Expr) -> pl.Expr:
    """Whether a row's last notice named a deadline of at least so many days, which has passed."""
    given = pl.col("last_deadline_on").cast(pl.Int32) - pl.col("last_notice_on").cast(pl.Int32)
    is_late = pl.col("last_notice_on") > pl.col("due_on")  # who is not late yet cannot be warned of what that costs
    warned = is_late & (given >= days) & (pl.col("last_deadline_on") < pl.col("until_on"))
    return warned.fill_null(value=False)


def law_slot(procedures: Procedures) -> pl.Expr:
    """The place of a row's policy and `debtor_class` in these tables: the account's class, else the policy's."""
    default = procedures.of_policy(lambda policy: policy.law and policy.law.default_class, pl.String)
    own = pl.coalesce(pl.col("debtor_class").cast(pl.String), default)
    places = {name: place for place, name in enumerate(DEBTOR_CLASSES)}
    place = own.replace_strict(places, default=len(DEBTOR_CLASSES), return_dtype=pl.UInt32)
    return pl.col("policy_ix") * len(CLASSES) + place
