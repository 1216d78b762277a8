"""What happens to a book whoever dunns it: what is owed on the eve, what is booked, and what was paid."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from dunwell.engine.book import SCHEMAS, table
from dunwell.engine.history import MOVES, History
from dunwell.engine.steps.parties import payers

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Happenings:
    """A period of a history without what an earlier policy made of it: no charges, no notices, and all at level 0.

    `parties`: `account_id` and its `party_id`, the payer. `opening`: items of the eve, `booked`: those that came later,
    on their `issued_on`, both as the book's; `moves`: `item_id`, `on`, `less_minor`, none before its item is there.
    """

    from_on: date
    accounts: pl.DataFrame
    parties: pl.DataFrame
    opening: pl.DataFrame
    booked: pl.DataFrame
    moves: pl.DataFrame

    def claims(self) -> "Happenings":
        """The same with claims alone, none of which is paid: for payments that answer by a model."""
        is_claim = pl.col("kind").is_in(["invoice", "instalment"])
        still_owed = self.opening.filter(is_claim, pl.col("open_minor") > 0)
        return Happenings(
            self.from_on, self.accounts, self.parties, still_owed, self.booked.filter(is_claim), self.moves.clear()
        )


def happenings(history: History, from_on: date) -> Happenings:
    """Tell what happens from `from_on` on. Errors: ValueError where the history begins after the eve of it."""
    eve = from_on - DAY
    left = pl.col("kind") != "charge"  # what an earlier policy charged
    there = history.issued_by(eve).filter(left)
    later = history.items.filter(left, pl.col("issued_on") > eve)
    begins = pl.concat([there.select("item_id", begins_on=pl.lit(from_on)), later.select("item_id", "issued_on")
                        .rename({"issued_on": "begins_on"})])  # fmt: skip
    moves = history.moves.join(there.select("item_id"), on="item_id", how="anti").vstack(
        history.moves.filter(pl.col("on") > eve).join(there.select("item_id"), on="item_id", how="semi")
    )
    dated = moves.join(begins, on="item_id").with_columns(on=pl.max_horizontal("on", "begins_on"))
    summed = dated.group_by("item_id", "on").agg(pl.col("less_minor").sum()).filter(pl.col("less_minor") != 0)
    still = (pl.col("open_minor") > 0) | pl.col("item_id").is_in(summed["item_id"].implode())
    opening = there.filter(still)
    accounts = history.accounts
    found = payers(accounts)
    return Happenings(
        from_on,
        accounts,
        found.select("account_id", party_id=pl.coalesce("payer_id", "account_id")),
        _as_booked(opening),
        _as_booked(later.with_columns(open_minor="amount_minor")),
        summed.select(list(MOVES)).sort("on", "item_id"),
    )


def one_by_one(moves: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield moves in frames that have one of each item, the earliest first. `moves`: sorted by item and day."""
    if moves["item_id"].is_unique().all():
        yield moves
        return
    nth = moves.with_columns(nth=pl.int_range(pl.len()).over("item_id"))
    for _number, each in sorted(nth.partition_by("nth", as_dict=True, include_key=False).items()):
        yield each


def _as_booked(items: pl.DataFrame) -> pl.DataFrame:
    """Rows of the book's items that nothing has been said about."""
    kept = [name for name in items.columns if name in SCHEMAS["items"] or name.startswith("attr_")]
    return table("items", items.select(kept).with_columns(waived_minor=0)).sort("item_id")
