"""No payer hears from us more often than allowed: of a run's notices, the highest levels go first."""

from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from dunwell.engine.book import KEYS, Book
from dunwell.engine.contacts import ledger, used
from dunwell.engine.policy.model import Policy
from dunwell.engine.steps.group import NOTICE
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected

PAYER = KEYS["payers"]


def has_caps(procedures: Procedures) -> bool:
    """Whether some policy limits how often a payer hears from us."""
    return any(map(_cap, procedures.policies))


def contact_cap(candidates: pl.LazyFrame, book: Book, procedures: Procedures, *, as_of: pl.Expr) -> pl.LazyFrame:
    """Mark `contact_cap`: the rows of notices for which their payer has no room left in the seven days to `as_of`.

    `contacts_max`: with how many contacts before it in these days a notice may still leave, whatever else does; null
    where its policy has no cap, or it leaves over no channel, and so is no contact.
    """
    if not has_caps(procedures):
        return candidates.with_columns(contact_cap=pl.lit(value=False))
    rows = candidates.pipe(collected)
    found = _let_through(_notices(rows, procedures, as_of), book)
    capped = rows.lazy().join(found.lazy(), on=NOTICE, how="left", maintain_order="left", nulls_equal=True)
    is_over = pl.col("is_left") & pl.col("is_over").fill_null(value=False)
    return capped.with_columns(contact_cap=is_over, is_left=pl.col("is_left") & ~is_over)


def _cap(policy: Policy) -> int | None:
    return policy.contact.per_7_days if policy.contact else None


def _notices(rows: pl.DataFrame, procedures: Procedures, as_of: pl.Expr) -> pl.DataFrame:
    """The notices that leave over a channel, in the order in which their payers get them; `cap` is their policy's."""
    sends = procedures.of_stage(lambda stage: bool(stage.send), procedures.slot(pl.col("level")), pl.Boolean)
    names = sorted(policy.policy for policy in procedures.policies)
    return (
        rows.lazy()
        .filter("is_left")
        .group_by(NOTICE)
        .agg(level=pl.col("position").max(), as_of=as_of.first())
        .filter(sends)
        .with_columns(
            cap=procedures.of_policy(_cap, pl.Int32),
            rank=procedures.of_policy(lambda policy: names.index(policy.policy), pl.UInt32),
        )
        .sort(*PAYER, -pl.col("level"), pl.col("currency").to_physical(), "rank", "split")
        .pipe(collected)
    )


def _let_through(notices: pl.DataFrame, book: Book) -> pl.DataFrame:
    """NOTICE with `is_over` and `contacts_max`."""
    contacts = ledger(book).join(notices.select(*PAYER, "as_of").unique(), on=PAYER)
    asked = notices.join(used(contacts, pl.col("as_of")), on=PAYER, how="left", maintain_order="left")
    room = asked.select(*PAYER, pl.col("used").fill_null(0), "cap").iter_rows()
    found = pl.DataFrame(list(_in_turn(room)), {"is_over": pl.Boolean, "contacts_max": pl.Int16}, orient="row")
    return asked.select(NOTICE).hstack(found)


def _in_turn(notices: Iterable[tuple[Any, ...]]) -> Iterator[tuple[bool, int | None]]:
    """Go through the notices of one payer after the other, and count those that are let through."""
    before: tuple[Any, ...] = ()
    let_through = 0
    for entity, payer, contacts, cap in notices:
        if (entity, payer) != before:
            before, let_through = (entity, payer), 0
        is_over = cap is not None and contacts + let_through >= cap
        yield is_over, None if cap is None or is_over else cap - 1 - let_through
        let_through += not is_over
