"""A bank's file read to its pieces, as the tests look at them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from dunwell.engine.money import exponent
from dunwell.sources.bank.balances import balanced
from dunwell.sources.bank.pieces import Closed, Line, Opened, Pieces
from dunwell.sources.problems import Problems
from dunwell.sources.tables import Progress

DATA: Final = Path(__file__).parents[4] / "shared" / "data"
Reader = Callable[[Path, Problems, Progress | None], Pieces]


def needs(folder: str) -> pytest.MarkDecorator:
    """Skip a test where the sample files of a folder are not there."""
    return pytest.mark.skipif(not (DATA / folder).exists(), reason=f"../shared/data/{folder} is not there")


@dataclass(frozen=True)
class Heard:
    """What was read of a file; `told` is what is wrong with it, one text a problem."""

    heads: list[Opened]
    lines: list[Line]
    ends: list[Closed]
    told: list[str]
    count: int


def heard(reader: Reader, path: Path, *, adding_up: bool = True) -> Heard:
    """Read a file; what is opened must be closed before the next one opens, where nothing is wrong."""
    problems = Problems(path.name)
    pieces = reader(path, problems, None)
    read = list(balanced(pieces, problems) if adding_up else pieces)
    if not problems.count:
        assert _in_order(read)
    return Heard(
        [piece for piece in read if isinstance(piece, Opened)],
        [piece for piece in read if isinstance(piece, Line)],
        [piece for piece in read if isinstance(piece, Closed)],
        [str(problem) for problem in problems.listed],
        problems.count,
    )


def _in_order(read: list[Opened | Line | Closed]) -> bool:
    """Whether each statement opens, has lines whose entries count from 1, and closes."""
    is_open, entry_no = False, 0
    for piece in read:
        if isinstance(piece, Opened) is is_open:
            return False
        if isinstance(piece, Line) and piece.entry_no not in {entry_no, entry_no + 1}:
            return False
        entry_no = piece.entry_no if isinstance(piece, Line) else 0
        is_open = not isinstance(piece, Closed)
    return not is_open


def units(minor: int | None, currency: str) -> Decimal | None:
    """Minor units as the amount that a person writes."""
    return None if minor is None else Decimal(minor).scaleb(-exponent(currency))
