"""What changed between a decision and its posting: the notices that rest on it fall out, and are decided anew."""

from collections.abc import Collection
from typing import Final, NamedTuple

import polars as pl

from dunwell.engine.book import KEYS

# What a decision rests on of an item, besides its version.
AMOUNTS: Final = ("open_minor", "disputed_minor", "in_flight_minor")


class Known(NamedTuple):
    """What notices rest on, as they were decided upon or as it is now: columns of the book's tables.

    `items`: `item_id` and AMOUNTS, now with `version`, which the lines have of then; `anchors`: the key and `version`;
    `payers`: the key and `last_contact_on`; `used`: what `contacts.used` counts now, without the run's own notices.
    """

    items: pl.DataFrame
    anchors: pl.DataFrame
    payers: pl.DataFrame
    used: pl.DataFrame | None = None


def fallen_out(
    notices: pl.DataFrame, lines: pl.DataFrame, then: Known, now: Known, *, told: Collection[int] = ()
) -> pl.DataFrame:
    """Return the notices of a plan with an item, a group or a payer that is not as it was decided upon.

    A payer counts who was sent something since: the gap runs anew. So does one who may hear from us no more within
    seven days. `told`: the payers this run itself has written to.
    """
    spoken_to = _spoken_to(then.payers, now.payers).filter(~pl.col("payer_id").is_in(list(told)))
    moved = then.anchors.join(unmoved(then.anchors, now.anchors), on=KEYS["anchors"], how="anti")
    asked = lines.filter(pl.col("role") != "listed")  # what is listed only, the last look corrects before it is read
    return pl.concat(
        [
            notices.join(_changed(asked, then.items, now.items), on="notice_no", how="semi"),
            notices.filter("anchored").join(moved, on=KEYS["anchors"], how="semi"),
            notices.filter("contact").join(spoken_to, on=KEYS["payers"], how="semi"),
            _beyond_cap(notices, now.used),
        ]
    ).unique("notice_no")


def _beyond_cap(notices: pl.DataFrame, used: pl.DataFrame | None) -> pl.DataFrame:
    """The notices whose payer has heard from us too often by now."""
    if used is None or used.is_empty():
        return notices.clear()
    return (
        notices.join(used.filter(pl.col("used") > 0), on=KEYS["payers"])
        .filter(pl.col("used") > pl.col("contacts_max"))
        .drop("used")
    )


def unmoved(anchors: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Return the decided states of account-anchored groups that are still as they were decided upon."""
    known = anchors.join(now.select(*KEYS["anchors"], version_now="version"), on=KEYS["anchors"], how="left")
    return known.filter(pl.col("version") == pl.col("version_now").fill_null(0)).drop("version_now")


def _changed(lines: pl.DataFrame, then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    same = pl.col("version") == pl.col("version_now")
    for name in AMOUNTS:
        same = same & (pl.col(name) == pl.col(f"{name}_now"))
    decided = lines.join(then.select("item_id", *AMOUNTS), on="item_id", how="left")
    return decided.join(now.select("item_id", "version", *AMOUNTS), on="item_id", how="left", suffix="_now").filter(
        ~same
    )


def _spoken_to(then: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    both = now.join(then, on=KEYS["payers"], how="left", suffix="_then")
    return both.filter(pl.col("last_contact_on").ne_missing(pl.col("last_contact_on_then")))
