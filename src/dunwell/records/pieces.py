"""Many keys, some at a time: SQLite takes 250,000 values in a statement, and no more."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

Key = TypeVar("Key", int, str)
IDS_PER_STATEMENT: Final = 500


def in_pieces(ids: Iterable[Key]) -> Iterator[list[Key]]:
    """The keys in rising order, as many at a time as go into one statement."""
    rising = sorted(ids)
    for start in range(0, len(rising), IDS_PER_STATEMENT):
        yield rising[start : start + IDS_PER_STATEMENT]
