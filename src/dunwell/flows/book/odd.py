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


def of_names(several: pl.DataFrame, ids: pl.DataFrame, touched: pl.Series) -> pl.DataFrame:
    """Accounts of several names (as read) that are `touched`: new or changed. `ids`: every account's."""
    found = several.join(ids, on=["entity", "account"]).filter(pl.col("account_id").is_in(touched.implode()))
    return _as_odd(found, SEVERAL_NAMES)


def of_items(read: ItemFile, writer: ItemsWriter, ids: pl.DataFrame) -> pl.DataFrame:
    """What is odd of items whose dates or amount the book did not know."""
    fresh = pl.concat([pl.Series(LINE, [], dtype=pl.Int64), *writer.fresh]).to_frame(LINE)
    codes = ids.select("entity", "entity_id").unique()
    kinds = read.two_kinds.join(fresh, on=LINE, how="semi").join(codes, on="entity")
    return pl.concat([_as_odd(kinds, TWO_KINDS), *(rows.select(COLUMNS) for rows in writer.odd)])


def open_tasks(odd: pl.DataFrame, *, file: str, on: date) -> int:
    """Open one task for each entity and sort of oddity, with its first lines; return how many.

    What the book knew before is not among them. What an open task says opens none, such as of two files that rename
    each other's accounts: the same file again asks nothing again.
    """
    odd_ones = {
        (entity_id, kind, _detail(file, str(kind), rows))
        for (entity_id, kind), rows in odd.sort("entity_id", "odd", LINE).group_by(
            "entity_id", "odd", maintain_order=True
        )
    }
    concerned = odd["entity_id"].unique().to_list()
    still_open = Task.objects.filter(entity__in=concerned, kind__in=ODD, closed_at=None)
    new = sorted(odd_ones.difference(still_open.values_list("entity_id", "kind", "detail")))
    tasks = [Task(entity_id=entity_id, kind=kind, detail=detail, opened_on=on) for entity_id, kind, detail in new]
    return len(Task.objects.bulk_create(tasks))


def _as_odd(rows: pl.DataFrame, odd: str) -> pl.DataFrame:
    text = pl.format("line {} ({})", LINE, "text")
    return rows.rechunk().select("entity_id", LINE, odd=pl.lit(odd), text=text).select(COLUMNS)


def _detail(file: str, odd: str, rows: pl.DataFrame) -> str:
    lines = listed(rows["text"].head(LINES_NAMED).to_list(), LINES_NAMED, of=rows.height)
    taken = "the first of each is kept" if odd == SEVERAL_NAMES else "taken as they are"
    return f"{file}: {counted(rows.height, odd)}, {taken}: {lines}"
