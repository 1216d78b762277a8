"""One item's decision out of the archive of a run; the floor reads the one part of the file that holds it."""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from bench.decide import AS_OF, OTHERS, made_up
from bench.harness import measure, report
from dunwell.engine.decide import decide
from dunwell.engine.explain import explain
from dunwell.engine.policy.parse import parse_policy

TIMES: Final = 50


def main(n: int = 10_000_000) -> None:
    """Measure the median over items all over the archive."""
    with tempfile.TemporaryDirectory(prefix="dunwell-bench-") as folder:
        report("explain: keep the archive", n, measure(kept, folder, n, times=1))
        floor = measure(bare, folder, times=TIMES, keep=statistics.median)
        report("explain: its part of the file", 1, floor)
        report("explain: an item", 1, measure(explained, folder, times=TIMES, keep=statistics.median), floor)


def kept(folder: str, n: int) -> Callable[[], object]:
    """Prepare to keep a run over `n` items."""
    from dunwell.records import archive  # noqa: PLC0415  # only the file, no database

    book = made_up(n)
    plan = decide(book, [parse_policy(OTHERS, "others")], AS_OF)
    return lambda: archive.write(Path(folder), book, plan, about={"as_of": AS_OF.isoformat()})


def bare(folder: str) -> Callable[[], object]:
    """Prepare the floor: a hundred thousand rows, read where they are known to be."""
    path, rows = _file(folder)
    wanted = iter(range(0, rows, rows // (TIMES + 1)))
    return lambda: pl.scan_parquet(path).slice(next(wanted) // 100_000 * 100_000, 100_000).collect()


def explained(folder: str) -> Callable[[], object]:
    """Prepare to explain one item after the other."""
    from dunwell.records import archive  # noqa: PLC0415  # only the file, no database

    path, rows = _file(folder)
    some = pl.scan_parquet(path).select("item_id", "account_id").collect().gather_every(rows // (TIMES + 1))
    wanted = some.iter_rows()

    def do() -> list[str]:
        item_id, account_id = next(wanted)
        decision = archive.decision(Path(folder), path.parent.name, item_id, account_id)
        assert decision is not None
        return explain(decision)

    return do


def _file(folder: str) -> tuple[Path, int]:
    path = next(Path(folder).glob("*/plan-decisions.parquet"))
    return path, pl.scan_parquet(path).select(pl.len()).collect().item()
