"""One flat sum for the claims of a notice, where the law adds their principals up, and the share of each in it."""

from typing import Final

import polars as pl

from dunwell.engine.law.series import AllSeries
from dunwell.engine.steps.compensation import flats_of, worked_out
from dunwell.engine.steps.procedures import Procedures

TOGETHER: Final = ["notice_no", "flat"]
CODE: Final = "costs_together"


def together(lines: pl.DataFrame, procedures: Procedures, series: AllSeries) -> pl.DataFrame:
    """Give lines that have one flat sum with others their share of it in `flat_minor`, and CODE in `flat_code`.

    `lines` of notices whose flat sums are worked out one by one. Taken together are those of a notice that are to have
    one now. Claims in another currency than the sum's are converted at the rates of the last of their days.
    """
    flats, flat = flats_of(procedures)
    places = [place for place, each in enumerate(flats) if each.together]
    if not places:
        return lines
    owing = lines.with_columns(flat=flat).filter(
        "wants_compensation", pl.col("flat").is_in(places), pl.col("flat_principal_minor") > 0
    )
    owing = owing.filter(pl.len().over(TOGETHER) > 1)
    sums = owing.group_by(TOGETHER).agg(
        pl.col("currency").first(), pl.col("flat_on").max(), pl.col("flat_principal_minor").sum()
    )
    sums = worked_out(sums, flats, series).select(
        *TOGETHER, sum_minor="flat_minor", principals_minor="flat_principal_minor"
    )
    shared = _shared(owing.select("row", "item_id", *TOGETHER, "flat_principal_minor").join(sums, on=TOGETHER))
    return lines.join(shared, on="row", how="left", maintain_order="left").with_columns(
        flat_minor=pl.coalesce("share_minor", "flat_minor"),
        flat_code=pl.when(pl.col("share_minor").is_not_null()).then(pl.lit(CODE)).otherwise("flat_code"),
    )


def _shared(claims: pl.DataFrame) -> pl.DataFrame:
    """Share `sum_minor` out by principals, to the last unit by largest remainder: `row`, `share_minor`.

    Of claims that differ in nothing the smaller item_id comes first. A share of nothing would be no charge, and its
    claim would have a sum of its own with the next notice: it gets the smallest unit, off the largest share.
    """
    exact = pl.col("sum_minor").cast(pl.Int128) * pl.col("flat_principal_minor")
    whole, share = pl.col("principals_minor").cast(pl.Int128), pl.col("share_minor")
    by_rest = claims.with_columns(share_minor=exact // whole, rest=exact % whole).sort(
        *TOGETHER, "rest", "item_id", descending=[False, False, True, False]
    )
    place = pl.int_range(pl.len()).over(TOGETHER)
    missing = pl.col("sum_minor") - share.sum().over(TOGETHER)
    shares = by_rest.with_columns(share_minor=(share + (place < missing).cast(pl.Int128)).cast(pl.Int64))
    by_share = shares.sort(*TOGETHER, "share_minor", "item_id", descending=[False, False, True, False])
    is_none = share == 0
    to_give = pl.min_horizontal(is_none.sum().over(TOGETHER).cast(pl.Int64), share.first().over(TOGETHER) - 1)
    is_given = is_none & (is_none.cum_sum().over(TOGETHER) <= to_give)
    return by_share.select(
        "row",
        share_minor=pl.when(place == 0).then(share - to_give).when(is_given).then(1).otherwise(share),
    )
