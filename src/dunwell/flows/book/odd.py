"""Tasks for what is odd of a file but real: one of each sort, for what the book did not know before."""

from datetime import date
from typing import Final

import polars as pl

from dunwell.flows.book.items import ItemsWriter
from dunwell.records.models import Task
from dunwell.sources.items import ItemFile
from dunwell.sources.odd import ODD, SEVERAL_NAMES, TWO_KINDS, counted
from dunwell.sources.problems import listed
from dunwell.sources.tables import LINE

LINES_NAMED: Final = 20
COLUMNS: Final = ["entity_id", "odd", LINE, "text"]


def open_tasks(
    read: ItemFile, writer: ItemsWriter, ids: pl.DataFrame, touched: pl.Series, *, file: str, on: date
) -> int:
    """Open one task for each entity and sort of oddity, with its first lines; return how many.

    `ids`: every account's; `touched`: the accounts that are new or changed. What the book knew before opens none, nor
    does what an open task says, such as of two files that rename each other's accounts: the same file again asks
    nothing again.
    """
    names = read.several_names.join(ids, on=["entity", "account"]).filter(pl.col("account_id").is_in(touched.implode()))
    fresh = pl.concat([pl.Series(LINE, [], dtype=pl.Int64), *writer.fresh]).to_frame(LINE)
    codes = ids.select("entity", "entity_id").unique()
    kinds = read.two_kinds.join(fresh, on=LINE, how="semi").join(codes, on="entity")
    text = pl.format("line {} ({})", LINE, "text")
    found = [
        rows.rechunk().select("entity_id", LINE, odd=pl.lit(odd), text=text).select(COLUMNS)
        for odd, rows in {SEVERAL_NAMES: names, TWO_KINDS: kinds}.items()
    ]
    every = pl.concat([*found, *(rows.select(COLUMNS) for rows in writer.odd)]).sort("entity_id", "odd", LINE)
    odd_ones = {
        (entity_id, odd, _detail(file, str(odd), rows))
        for (entity_id, odd), rows in every.group_by("entity_id", "odd", maintain_order=True)
    }
    still_open = Task.objects.filter(entity__in=ids["entity_id"].unique().to_list(), kind__in=ODD, closed_at=None)
    new = sorted(odd_ones.difference(still_open.values_list("entity_id", "kind", "detail")))
    tasks = [Task(entity_id=entity_id, kind=odd, detail=detail, opened_on=on) for entity_id, odd, detail in new]
    return len(Task.objects.bulk_create(tasks))


def _detail(file: str, odd: str, rows: pl.DataFrame) -> str:
    lines = listed(rows["text"].head(LINES_NAMED).to_list(), LINES_NAMED, of=rows.height)
    taken = "the first of each is kept" if odd == SEVERAL_NAMES else "taken as they are"
    return f"{file}: {counted(rows.height, odd)}, {taken}: {lines}"
