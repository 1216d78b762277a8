"""Which claim a line makes good, and which lines come first where two want the same item."""

from dataclasses import dataclass

import polars as pl

from dunwell.cash.named import OPEN_ENDS
from dunwell.cash.settings import Settings
from dunwell.cash.tables import STEPS

RIVAL_MARGIN = 20  # permille: a claim so near says that it may be the other
BEYOND_RIVALS = 995  # from here on a claim has more than one thing that agrees, and only such rivals
GUESSES_MAX = 3
# Cases that rest on a number or a reference, and not on what else is open.
NAMING = ("reference", "number", "advised", "like", "short_number")
PRICED = ("one_item", "alike")  # an item of exactly the amount


@dataclass(frozen=True)
class Against:
    """What lines say that speaks against what they seem to pay.

    `named`: what they name that is open (line_id, item_id, payer_id, by); `paid`: whose paid items they name, and none
    that is open (line_id, payer_id); `outdone`: items that a paid one was meant instead of (line_id, item_id).
    """

    named: pl.DataFrame
    paid: pl.DataFrame
    outdone: pl.DataFrame


def ranked(rated: pl.DataFrame) -> pl.DataFrame:
    """Sort the claims of each line, the most certain first, one for each set of items: with `items` and `at`."""
    items = pl.col("item_ids").list.sort().cast(pl.List(pl.String)).list.join(",")
    ordered = rated.with_columns(items=items).sort(
        "line_id", pl.col("permille"), pl.col("step").to_physical(), "payer_id", "items", "case",
        descending=[False, True, False, False, False, False],
    )  # fmt: skip
    once = ordered.unique(["line_id", "payer_id", "items"], keep="first", maintain_order=True)
    return once.with_columns(at=pl.int_range(pl.len()).over("line_id"))


def best(order: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Choose the first claim of each line; one with a rival is for a person, however certain it is by itself."""
    chosen = order.filter(pl.col("at") == 0)
    others = order.filter(pl.col("at") > 0).join(
        chosen.select("line_id", "permille", "payer_id", "items", "item_ids"), on="line_id", suffix="_first"
    )
    is_near = (pl.col("items") != pl.col("items_first")) & (
        pl.col("permille") > pl.col("permille_first") - RIVAL_MARGIN
    )
    # What is named and the rest of the amount is no rival of what is named and money left over.
    is_part_of = (
        pl.col("case").is_in(OPEN_ENDS)
        & (pl.col("payer_id") == pl.col("payer_id_first"))
        & (pl.col("item_ids").list.set_difference("item_ids_first").list.len() == 0)
    )
    is_doubt = (pl.col("permille_first") < BEYOND_RIVALS) | (pl.col("permille") >= BEYOND_RIVALS)
    rivals = others.filter(is_near & is_doubt & ~is_part_of.fill_null(value=False))
    return _for_people(chosen, chosen.join(rivals, on="line_id", how="semi"), "rival", settings)


def said_otherwise(chosen: pl.DataFrame, against: Against, settings: Settings) -> pl.DataFrame:
    """Leave to a person the claims that something speaks against that the line itself says."""
    told = of_number(of_other(chosen, against.named, settings), settings)
    return of_paid(told, against.paid, against.outdone, settings)


def of_paid(chosen: pl.DataFrame, paid: pl.DataFrame, outdone: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Leave to a person the lines that name what is `paid`, and nothing that is open of that payer, or `outdone` items.

    The amount of another item proves nothing then, and neither does a number that is nearly the one named.
    """
    rests_on_it = ~_is_naming() | pl.col("case").str.starts_with("like")
    said = chosen.filter(rests_on_it).join(paid, on=["line_id", "payer_id"], how="semi").select("line_id", "at")
    instead = chosen.join(outdone, on="line_id").filter(pl.col("item_ids").list.contains(pl.col("item_id")))
    return _for_people(chosen, pl.concat([said, instead.select("line_id", "at")]), "named_paid", settings)


def of_other(chosen: pl.DataFrame, named: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Leave to a person the lines that name something open (line_id, item_id, payer_id, by), and would pay none of it.

    The amount of another item of that payer proves nothing then; beside a reference, nor does that of anybody's.
    """
    likely = pl.col("permille") >= settings.threshold_permille
    by_amount = chosen.filter(likely & ~_is_naming()).select("line_id", "at", "payer_id", "item_ids")
    beside = by_amount.join(named, on="line_id", suffix="_named")
    meant = beside.filter((pl.col("payer_id") == pl.col("payer_id_named")) | (pl.col("by") == "reference"))
    paid = meant.filter(pl.col("item_ids").list.contains(pl.col("item_id")))
    return _for_people(chosen, meant.join(paid, on=["line_id", "at"], how="anti"), "named_other", settings)


def of_number(chosen: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Leave to a person the amount of who is known by a customer's number alone, where another is as likely."""
    is_torn = (pl.col("how") == "customer_number") & (pl.col("known") == "unclear") & ~_is_naming()
    likely = chosen.filter(pl.col("permille") >= settings.threshold_permille)
    return _for_people(chosen, likely.filter(is_torn), "other_payer", settings)


def repeated(chosen: pl.DataFrame, again: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Say of lines that repeat another that they may be that payment once more; `again` is of `repeats.repeats`.

    A number says which of several payments of one amount it is, unless the other has it, too.
    """
    certain = chosen.filter(pl.col("permille") >= settings.threshold_permille).join(again, on="line_id")
    return _for_people(chosen, certain.filter(pl.col("is_same") | ~_is_naming()), "twice", settings)


def proposed(chosen: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Keep what may be proposed, and let none of it be applied."""
    return chosen.filter(pl.col("permille") >= settings.propose_permille).with_columns(permille=_below(settings))


def late(chosen: pl.DataFrame, came_late: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Say of lines that `came_late`, since another took what they were for: another item proves nothing by its amount.

    A line that could have been for several items, and for one since others were paid, did not come late.
    """
    is_late = pl.col("line_id").is_in(came_late["line_id"].to_list())
    return chosen.with_columns(
        permille=pl.when(_is_naming() | ~is_late).then("permille").otherwise(_below(settings)),
        codes=pl.when(is_late).then(pl.col("codes") + ",taken").otherwise("codes"),
    )


def priced(order: pl.DataFrame) -> pl.DataFrame:
    """The lines that could be for one item of exactly their amount: line_id."""
    return order.filter(pl.col("case").is_in(PRICED)).select("line_id").unique()


def no_more_priced(chosen: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Those of `lines` that could be for one item, and now, with that one gone, would be for something else."""
    others = chosen.filter(~pl.col("case").is_in(PRICED))
    return others.join(lines, on="line_id", how="semi").select("line_id")


def rivalled(chosen: pl.DataFrame) -> pl.DataFrame:
    """The lines that name something, and have a rival: line_id."""
    return chosen.filter(_is_naming() & pl.col("codes").str.ends_with(",rival")).select("line_id")


def doubted(chosen: pl.DataFrame, lines: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Leave to a person the `lines` that had a rival at first: the one that is left need not be the one meant."""
    certain = chosen.filter(pl.col("permille") >= settings.threshold_permille)
    return _for_people(chosen, certain.join(lines, on="line_id", how="semi"), "rival", settings)


def _for_people(chosen: pl.DataFrame, doubted: pl.DataFrame, code: str, settings: Settings) -> pl.DataFrame:
    """Say why of those of the chosen claims that are `doubted` (line_id, at), and apply none of them."""
    marks = doubted.select("line_id", "at", is_doubted=pl.lit(value=True)).unique()
    told = chosen.join(marks, on=["line_id", "at"], how="left", maintain_order="left")
    is_doubted = pl.col("is_doubted").fill_null(value=False)
    return told.with_columns(
        permille=pl.when(is_doubted).then(_below(settings)).otherwise("permille"),
        codes=pl.when(is_doubted).then(pl.col("codes") + f",{code}").otherwise("codes"),
    ).drop("is_doubted")


def _below(settings: Settings) -> pl.Expr:
    """How certain a claim is that is not to be applied."""
    return pl.min_horizontal("permille", pl.lit(settings.threshold_permille - 1))


def _is_naming() -> pl.Expr:
    return pl.any_horizontal(pl.col("case").str.starts_with(start) for start in NAMING)


def settled(chosen: pl.DataFrame, allocations: pl.DataFrame, lines: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Find the lines that get what they claim: the more certain first, then the earlier booked: line_id.

    A line gets all that it claims, or nothing. At least one of any lines that want the same does.
    """
    wants = (
        allocations.select(
            "line_id",
            "item_id",
            used=pl.sum_horizontal("amount_minor", "discount_minor", "charges_minor", "difference_minor").abs(),
        )
        .join(chosen.select("line_id", "permille"), on="line_id")
        .join(lines.select("line_id", "booked_on"), on="line_id")
        .join(stock.select("item_id", "open_minor"), on="item_id")
        .sort("permille", "booked_on", "line_id", "item_id", descending=[True, False, False, False], nulls_last=True)
        .with_columns(beyond=pl.col("used").cum_sum().over("item_id") > pl.col("open_minor"))
    )
    refused = wants.filter("beyond").select("line_id").unique()
    return chosen.select("line_id").join(refused, on="line_id", how="anti").sort("line_id")


def guesses(order: pl.DataFrame, lines: pl.DataFrame, against: Against, settings: Settings) -> pl.DataFrame:
    """Give the three best claims of `lines`, whatever became of them, as tables.GUESSES."""
    best_three = order.filter(pl.col("at") < GUESSES_MAX).join(lines.select("line_id"), on="line_id", how="semi")
    told = said_otherwise(best_three, against, settings).sort("line_id", -pl.col("permille"), "at")
    return told.select(
        "line_id",
        place=pl.int_range(1, pl.len() + 1).over("line_id").cast(pl.Int8),
        step=pl.col("step").cast(pl.Enum(STEPS)),
        confidence_permille=pl.col("permille").cast(pl.Int16),
        account_id="payer_id",
        item_ids=pl.col("item_ids"),
        why=pl.concat_str("codes", "how", separator=",", ignore_nulls=True),
    )
