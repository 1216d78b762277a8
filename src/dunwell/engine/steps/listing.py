"""What a notice lists beside what it duns: what else is open, for the debtor to see and not to pay now."""

import polars as pl

from dunwell.engine.steps.charges import PARTY
from dunwell.engine.steps.group import split_by_text
from dunwell.engine.steps.procedures import Procedures
from dunwell.engine.steps.rows import collected


def listed(rows: pl.DataFrame, notices: pl.DataFrame, procedures: Procedures) -> pl.DataFrame | None:
    """Find what the notices list, by their policy's `include`; None where no policy lists anything.

    Rows that are decided, of the notice's entity, payer and currency and whatever policy: what no notice duns, nothing
    blocks, and credits leave something of. Each notice lists by its own policy, so a row may be on several.
    Columns: `notice_no`, `item_id`, `version`, `dunnable_minor`.
    """
    manners = list(dict.fromkeys((p.include, p.split_by) for p in procedures.policies if p.include != "dunned"))
    if not manners:
        return None
    manner_of = procedures.of_policy(
        lambda p: manners.index((p.include, p.split_by)) if p.include != "dunned" else None, pl.UInt32
    )
    told = notices.lazy().select("notice_no", "policy_ix", "split", *PARTY).with_columns(manner=manner_of)
    is_other = pl.col("is_free") & (pl.col("dunnable_minor") > 0) & ~pl.col("outcome").is_in(["dun", "exception"])
    others = rows.lazy().drop("notice_no").filter(is_other)
    found = []
    for number, (include, split_by) in enumerate(manners):
        mine = others.filter("is_overdue") if include == "overdue" else others
        mine = mine.with_columns(split=split_by_text(split_by))
        own = told.filter(pl.col("manner") == number)
        found.append(mine.join(own, on=[*PARTY, "split"]).select("notice_no", "item_id", "version", "dunnable_minor"))
    return pl.concat(found).pipe(collected)
