"""A small file of items and its mapping, which tests spoil one place at a time."""

from pathlib import Path

import polars as pl
import pytest

from dunwell.sources.items import ItemFile, read_items
from dunwell.sources.mapping import ItemMapping, read_mapping
from dunwell.sources.problems import SourceError

HEADER = "company,customer,name,invoice,currency,amount,issued,due"
ROWS = (
    "ACME,00042,Meyer GmbH,A-17,EUR,100.00,2026-03-01,2026-03-31",
    "ACME,00042,Meyer GmbH,A-18,EUR,20.5,2026-03-02,2026-04-01",
    "ACME,00007,Sakura KK,A-19,JPY,1000,2026-03-02,2026-04-01",
)
MAPPING = """\
entity: {column: company}
account: {column: customer}
name: {column: name}
number: {column: invoice}
currency: {column: currency}
amount: {column: amount}
issued: {column: issued}
due: {column: due}
"""


def of_items(text: str = MAPPING) -> ItemMapping:
    """The mapping of a file of items."""
    mapping = read_mapping(text, "map.yaml")
    assert isinstance(mapping, ItemMapping)
    return mapping


def csv(*rows: str, header: str = HEADER) -> str:
    """A file of the usual columns."""
    return "\n".join([header, *(rows or ROWS)]) + "\n"


def read(folder: Path, content: str | bytes, more: str = "", mapping: str = MAPPING) -> ItemFile:
    """Read a file by the usual mapping and what `more` adds to it."""
    path = folder / "items.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_items(path, of_items(mapping + more))


def refused(folder: Path, content: str | bytes, more: str = "", mapping: str = MAPPING) -> list[str]:
    """What is wrong with a file, one text a problem."""
    with pytest.raises(SourceError) as caught:
        read(folder, content, more, mapping)
    assert caught.value.count >= len(caught.value.problems) > 0
    return [str(problem) for problem in caught.value.problems]


def every(found: ItemFile) -> pl.DataFrame:
    """All items of a file."""
    return pl.concat(found.parts)
