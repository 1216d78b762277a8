"""What the law makes of a notice's charges: interest, flat sums, and bounds of fees, on every line by itself."""

from functools import partial

import polars as pl

from dunwell.engine.book import CHARGES, Book
from dunwell.engine.law.series import AllSeries
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.compensation import compensation
from dunwell.engine.steps.fee_bounds import fee_bounds
from dunwell.engine.steps.fees import line_fees
from dunwell.engine.steps.history import PAST, charged_before, paid
from dunwell.engine.steps.interest import first_day, interest
from dunwell.engine.steps.laws import BEYOND_BOUND, CLASS_LACKS, asks, has_law, law_slot
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.together import together

# What is asked of a row beside what every candidate has.
ASKED = ["interest_from_on", "disputed_minor", "credited_minor"]
TOLD = ["last_notice_on", "last_deadline_on"]  # when the item was last noticed, and until when it was to be paid
LACKS = {"fee": "fee_bound_lacks", "interest": "interest_lacks", "compensation": "flat_lacks"}
FOUND = [
    *("interest_minor", "interest_code", "flat_minor", "flat_code", "takes_off_fees", "fees_minor"),
    *("law_slot", "flat_principal_minor", "flat_on", "fee_code", "fee_bound_minor", *LACKS.values()),
]
MARKS = ["class_lacks", "charge_beyond", "rates_lack"]
PART = {"fee": "costs", "compensation": "costs", "interest": "interest"}


def with_law(
    found: pl.DataFrame, book: Book, procedures: Procedures, series: AllSeries, *, as_of: pl.Expr
) -> pl.DataFrame:
    """Add to candidates under a law what it makes of each kind of charge (FOUND), whatever their stage asks for.

    Of those only, whose account has a candidate at a stage from the first on that charges something.
    """
    rows = _concerned(found, book, procedures, as_of)
    came = paid(book, rows["item_id"])
    rows = first_day(rows, procedures)
    rows = interest(rows, came, procedures, series)
    rows = compensation(rows, came, procedures, series)
    rows = fee_bounds(rows, procedures, series)
    return found.join(rows.select("row", *FOUND), on="row", how="left", maintain_order="left")


def _concerned(found: pl.DataFrame, book: Book, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """The candidates that the law is asked about, with their class and their past."""
    first_charging = procedures.of_policy(_first_charging, pl.Int16)
    highest = pl.col("position").max().over("entity_id", "payer_id", "currency", "policy_ix")
    rows = found.with_columns(until_on=as_of).filter((highest >= first_charging).fill_null(value=False))
    classes = book.accounts.select("account_id", "debtor_class")
    told = book.items.filter(pl.col("item_id").is_in(rows["item_id"].implode())).select("item_id", *TOLD)
    past = charged_before(book, rows["item_id"]).select(pl.col(name).cast(dtype) for name, dtype in PAST.items())
    base = pl.col("open_minor") - pl.col("disputed_minor") - pl.col("credited_minor")
    return (
        rows.drop(TOLD, strict=False)  # of an account-anchored policy the group's
        .join(told, on="item_id", how="left", maintain_order="left")
        .join(classes, on="account_id", how="left", maintain_order="left")
        .join(past, on="item_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("has_flat").fill_null(value=False),
            pl.col("fees_count", "fees_minor").fill_null(0),
            law_slot=law_slot(procedures),
            base_minor=pl.max_horizontal(base, 0),
        )
    )


def _first_charging(policy: Policy) -> int | None:
    """The position of the first stage that charges something; null without a law."""
    if policy.interest is None:
        return None
    charging = (place for place, stage in enumerate(policy.stages, 1) if any(asks(kind)(stage) for kind in CHARGES))
    return next(charging, None)


def law_lacks(candidates: pl.LazyFrame, procedures: Procedures, slot: pl.Expr) -> pl.LazyFrame:
    """Mark (MARKS) the rows of which the charges of the stage of `slot` cannot be told; `by_law` names the series.

    Asked of those left, first with their own stage, then with that of their notice: the row that gives a notice its
    stage has passed by then, so that the notice keeps it.
    """
    if not has_law(procedures):
        return candidates
    lacks = [pl.when(procedures.of_stage(asks(kind), slot, pl.Boolean)).then(name) for kind, name in LACKS.items()]
    is_left = pl.col("is_left")
    of_class = is_left & pl.any_horizontal(lack.eq_missing(pl.lit(CLASS_LACKS)) for lack in lacks)
    of_bound = is_left & ~of_class & pl.any_horizontal(lack.eq_missing(pl.lit(BEYOND_BOUND)) for lack in lacks)
    of_rates = is_left & ~of_class & ~of_bound & pl.any_horizontal(lack.is_not_null() for lack in lacks)
    each_once = [
        pl.when(~pl.any_horizontal(pl.lit(value=False), *(lack.eq_missing(before) for before in lacks[:at]))).then(lack)
        for at, lack in enumerate(lacks)
    ]
    marked = candidates.with_columns(
        class_lacks=pl.col("class_lacks") | of_class,
        charge_beyond=pl.col("charge_beyond") | of_bound,
        rates_lack=pl.col("rates_lack") | of_rates,
        by_law=pl.when(of_rates).then(pl.concat_str(each_once, separator=",", ignore_nulls=True)).otherwise("by_law"),
    )
    return marked.with_columns(is_left=is_left & ~pl.any_horizontal(MARKS))


def notice_law_lacks(candidates: pl.LazyFrame, procedures: Procedures, notice_key: list[str]) -> pl.LazyFrame:
    """`law_lacks` with the stage of the notice that the rows would be on."""
    highest = pl.col("position").filter("is_left").max().over(notice_key)
    return law_lacks(candidates, procedures, procedures.slot(highest)) if has_law(procedures) else candidates


def nothing_lacks(candidates: pl.LazyFrame) -> pl.LazyFrame:
    """Add what `law_lacks` marks, as long as nothing is marked."""
    marks = dict.fromkeys(MARKS, pl.lit(value=False))
    return candidates.with_columns(**marks, by_law=pl.lit(None, dtype=pl.String))


def charges(
    dunned: pl.DataFrame, notices: pl.DataFrame, procedures: Procedures, series: AllSeries
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Charge what the notices' stages ask for, and say what the law left out of it.

    Returns the plan's charges, with `fee_minor` for the amount, and `row` and `by_law` of the lines that have some.
    """
    fees, fee_codes = line_fees(dunned, notices, procedures)
    if not has_law(procedures):
        return fees, dunned.select("row", by_law=pl.lit(None, dtype=pl.String)).clear()
    slot = pl.col("notice_slot")
    wanted = {kind: procedures.of_stage(asks(kind), slot, pl.Boolean) for kind in ("interest", "compensation")}
    lines = (
        dunned.join(notices.select("notice_no", "notice_slot", "stage", until_on="as_of"), on="notice_no")
        .join(fees.select("item_id", own_fee_minor="fee_minor"), on="item_id", how="left")
        .join(fee_codes, on="row", how="left")
        .with_columns(
            wants_interest=wanted["interest"],
            wants_compensation=wanted["compensation"],
            waivable=procedures.of_policy(lambda policy: policy.charges_when_paid == "waive", pl.Boolean),
        )
    )
    lines = together(lines, procedures, series)
    fees_so_far = pl.col("fees_minor") + pl.col("own_fee_minor").fill_null(0)
    flat = pl.col("flat_minor") - pl.when("takes_off_fees").then(fees_so_far).otherwise(0)
    amounts = {"interest": pl.col("interest_minor"), "compensation": flat}
    found = pl.concat(
        [fees.drop("first"), *(_charged(lines, kind, amount) for kind, amount in amounts.items())], how="vertical"
    )
    codes = [
        pl.col("line_fee_code"),
        *(
            pl.when(f"wants_{kind}").then(code)
            for kind, code in (("interest", "interest_code"), ("compensation", "flat_code"))
        ),
    ]
    said = lines.select("row", by_law=pl.concat_str(codes, separator=",", ignore_nulls=True))
    return _with_first(found, dunned, procedures), said.filter(pl.col("by_law") != "")


def _charged(lines: pl.DataFrame, kind: str, amount: pl.Expr) -> pl.DataFrame:
    """The charges of a kind, those above 0."""
    charged = lines.filter(pl.col(f"wants_{kind}").fill_null(value=False)).select(
        "notice_no",
        "item_id",
        "account_id",
        "currency",
        "stage",
        fee_minor=amount,
        waivable="waivable",
        charge=pl.lit(kind),
        until_on=pl.col("until_on") if kind == "interest" else pl.lit(None, dtype=pl.Date),
    )
    return charged.filter(pl.col("fee_minor") > 0)


def _with_first(found: pl.DataFrame, dunned: pl.DataFrame, procedures: Procedures) -> pl.DataFrame:
    """Add `first`: whether the regime puts the charge before the principal."""
    first = pl.lit(value=False)
    rows = found.join(dunned.select("item_id", "policy_ix"), on="item_id", how="left")
    for kind, part in PART.items():
        comes_first = procedures.of_policy(partial(_comes_first, part=part), pl.Boolean)
        first = pl.when(pl.col("charge") == kind).then(comes_first).otherwise(first)
    return rows.with_columns(first=first).drop("policy_ix").select(*found.columns, "first")


def _comes_first(policy: Policy, part: str) -> bool:
    order: tuple[str, ...] = policy.law.order if policy.law else ()
    return part in order and order.index(part) < order.index("principal")
