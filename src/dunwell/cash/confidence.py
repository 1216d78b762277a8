"""How certain each case is, and why: the one table that says so, in permille.

The columns say how the payer of the line is known: `sure` by its account, or on whose behalf it pays, by its `name` or
its number as a customer, by a name `alike`, `unclear` where several are as likely, `none` where nobody is known, and
`other` where somebody else is known than who owes the items. A case that is empty in a column is not made there.
The figures are what `bench/cash.py` shows to be right, and below the usual threshold of 950 for what a person decides.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from dunwell.cash.tables import STEPS

KNOWN: Final = ("sure", "name", "alike", "unclear", "none", "other")


@dataclass(frozen=True)
class Case:
    """A case of a step, the codes that say why, and its confidence by how the payer is known."""

    step: str
    why: str
    permille: tuple[int | None, int | None, int | None, int | None, int | None, int | None]


CASES: Final[dict[str, Case]] = {
    # An own reference with its check digits: nobody writes one by chance.
    "reference": Case("reference", "reference,amount", (999, 999, 999, 998, 998, 995)),
    "reference_part": Case("reference", "reference,part", (990, 988, 985, 980, 980, 960)),
    "reference_over": Case("over", "reference,over", (985, 980, 975, 955, 955, 930)),
    # A number and the amount: two things that agree. A third party may pay so.
    "number": Case("number", "number,amount", (999, 999, 998, 995, 990, 980)),
    "advised": Case("number", "number,advised_amount", (994, 992, 988, 972, 965, 952)),
    "number_part": Case("number", "number,part", (975, 970, 960, 955, 900, 850)),
    "number_rest": Case("number", "number,rest_by_amount", (980, 975, 970, 960, 958, 930)),
    "number_over": Case("over", "number,over", (970, 965, 955, 950, 880, 800)),
    "numbers_some": Case("number", "number,some_of_them", (965, 960, 955, 952, 900, 850)),
    "numbers_less": Case("number", "number,less_than_named", (900, 890, 880, 850, 800, 750)),
    # A short number, or one that may be a date, says something only beside the payer and the amount.
    "short_number": Case("number", "short_number,amount", (985, 980, 970, 960, 955, 930)),
    # A number that is cut off or mistyped: the amount says which it is.
    "like_number": Case("number", "like_number,amount", (990, 985, 980, 965, 960, 930)),
    # The amount alone, among the items of a known payer.
    "one_item": Case("one_item", "amount", (985, 978, 970, 952, None, None)),
    "alike": Case("one_item", "amount,several_alike", (900, 890, 880, 800, None, None)),
    "several_items": Case("several_items", "subset", (980, 972, 962, 951, None, None)),
    "several_discount": Case("several_items", "subset,discount", (970, 962, 952, 900, None, None)),
    "due_run": Case("several_items", "due_run", (975, 968, 958, 900, None, None)),
    "run_of_ways": Case("several_items", "due_run,several_ways", (940, 930, 920, 800, None, None)),
    "several_ways": Case("several_items", "subset,several_ways", (800, 790, 780, 600, None, None)),
    # Less or more came than is open, by an amount that something explains.
    "number_discount": Case("discount", "number,discount", (995, 993, 990, 975, 970, 955)),
    "number_late_discount": Case("discount", "number,late_discount", (930, 925, 920, 900, 890, 850)),
    "number_charges": Case("charges", "number,charges", (992, 990, 985, 970, 965, 940)),
    "number_short": Case("short", "number,short", (992, 990, 985, 970, 965, 940)),
    "number_slightly_over": Case("over", "number,slightly_over", (990, 985, 980, 970, 965, 940)),
    "item_discount": Case("discount", "amount,discount", (978, 970, 960, 900, None, None)),
    "item_charges": Case("charges", "amount,charges", (970, 960, 950, 880, None, None)),
    "item_short": Case("short", "amount,short", (965, 955, 940, 850, None, None)),
    "item_over": Case("over", "amount,over", (960, 950, 940, 850, None, None)),
    "item_exchange": Case("one_item", "amount,other_currency", (900, 890, 880, 800, None, None)),
    # Nothing fits.
    "oldest_first": Case("oldest_first", "oldest_first", (965, 958, 940, None, None, None)),
    "payer_only": Case("payer_only", "payer", (700, 690, 650, 300, 600, None)),
    "amount_only": Case("nothing", "amount_of_nobody_known", (None, None, None, None, 300, 250)),
}  # fmt: skip


def table() -> pl.DataFrame:
    """CASES as rows: case, known, step, codes, permille."""
    rows = [
        {"case": name, "known": known, "step": case.step, "codes": case.why, "permille": permille}
        for name, case in CASES.items()
        for known, permille in zip(KNOWN, case.permille, strict=True)
        if permille is not None
    ]
    return pl.DataFrame(rows).with_columns(pl.col("step").cast(pl.Enum(STEPS)), pl.col("permille").cast(pl.Int32))
