"""The interest that candidates have run up since it was last charged."""

import polars as pl

from dunwell.engine.law.accrual import Terms, accrue
from dunwell.engine.law.law import Law
from dunwell.engine.law.regime import DebtorClass, RateRule
from dunwell.engine.law.series import AllSeries
from dunwell.engine.money import AMOUNT_MINOR_MAX
from dunwell.engine.steps.age import plus_days
from dunwell.engine.steps.laws import BEYOND_BOUND, CLASS_LACKS, by_class, needs_class
from dunwell.engine.steps.procedures import Procedures


def rule_of(law: Law, debtor_class: DebtorClass | None) -> RateRule | None:
    """How interest runs, where it is known without the class or with it."""
    if debtor_class is None and law.agreed_percent is None:
        return None
    return law.rate_rule(debtor_class or "business")


def first_day(rows: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Add `first_on`, the first day of the debt's interest; and `waits_for_day`, where the item is to say from when."""
    is_given = by_class(procedures, _starts_given, pl.Boolean)
    return rows.with_columns(
        first_on=pl.max_horizontal(plus_days(pl.col("due_on"), 1), "interest_from_on"),
        waits_for_day=is_given & pl.col("interest_from_on").is_null(),
    )


def _starts_given(law: Law, debtor_class: DebtorClass | None) -> bool:
    rule = rule_of(law, debtor_class)
    return rule is not None and rule.starts == "given"


def interest(rows: pl.DataFrame, paid: pl.DataFrame, procedures: Procedures, series: AllSeries) -> pl.DataFrame:
    """Add what interest comes to: `interest_minor`, `interest_code` (why there is none) and `interest_lacks`.

    `rows` have `first_on`, `until_on`, `base_minor` and the item's past; `paid` is what changed their principal.
    """
    terms, slots = _terms(procedures)
    has_no_rule = pl.col("terms").is_null()
    lacks_class = by_class(
        procedures, lambda law, debtor_class: debtor_class is None and needs_class(law, "interest"), pl.Boolean
    )
    after_last = pl.max_horizontal("first_on", plus_days(pl.col("charged_until_on"), 1))
    rows = rows.with_columns(terms=slots, from_on=after_last)
    rows = rows.with_columns(
        interest_code=pl.when(lacks_class)
        .then(None)
        .when(has_no_rule)
        .then(pl.lit("no_interest"))
        .when("waits_for_day")
        .then(pl.lit("interest_day_missing")),
        class_lack=pl.when(lacks_class).then(pl.lit(CLASS_LACKS)),
    )
    runs = rows.filter(pl.col("interest_code").is_null(), pl.col("class_lack").is_null())
    found = [
        accrue(
            part.select(pl.col("item_id").alias("claim"), "first_on", "from_on", "until_on", "base_minor"),
            paid.select(pl.col("item_id").alias("claim"), "on", "amount_minor"),
            terms[number],
            series,
        )
        for (number,), part in runs.partition_by("terms", as_dict=True).items()
    ]
    none = pl.DataFrame(schema={"claim": pl.Int64, "interest_minor": pl.Int64, "lacks": pl.String})
    worked = pl.concat([none, *found]).rename({"claim": "item_id"})
    return (
        rows.join(worked, on="item_id", how="left", maintain_order="left")
        .with_columns(
            interest_lacks=pl.coalesce(
                "class_lack",
                pl.lit("series:") + pl.col("lacks"),
                pl.when(pl.col("interest_minor") > AMOUNT_MINOR_MAX).then(pl.lit(BEYOND_BOUND)),
            )
        )
        .drop("terms", "class_lack", "lacks")
    )


def _terms(procedures: Procedures) -> tuple[list[Terms], pl.Expr]:
    """How interest runs, in all ways that differ, and the number of the row's own; null where it does not run."""
    known: dict[Terms, int] = {}

    def number(law: Law, debtor_class: DebtorClass | None) -> int | None:
        rule = rule_of(law, debtor_class)
        return None if rule is None else known.setdefault(Terms(rule, law.day_count, law.rounding), len(known))

    slots = by_class(procedures, number, pl.UInt32)
    return list(known), slots
