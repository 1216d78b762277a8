"""One item's decision out of the archive of a run; the floor reads the one part of the file that holds it."""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Final

import polars as pl

from bench.decide import AS_OF, OTHERS, made_up
from bench.harness import measure, report
from dunwell.engine.decide import decide
from dunwell.engine.explain import explain
from dunwell.engine.policy.parse import parse_policy

TIMES: Final = 50
SHARDS: Final = 16


def main(n: int = 10_000_000) -> None:
    """Measure the median over items all over the archive."""
    with tempfile.TemporaryDirectory(prefix="dunwell-bench-") as folder:
        report("explain: decide and keep", n, measure(kept, folder, n, times=1))
        floor = measure(bare, folder, times=TIMES, keep=statistics.median)
        report("explain: its part of the file", 1, floor)
        report("explain: an item", 1, measure(explained, folder, times=TIMES, keep=statistics.median), floor)


def kept(folder: str, n: int) -> Callable[[], object]:
    """Prepare to keep a run over `n` items, in shards as a run of that size has them."""
    from dunwell.records import archive

    book, policies = made_up(n), [parse_policy(OTHERS, "others")]
    is_ours = pl.col("account_id") % SHARDS
    about = {"as_of": AS_OF.isoformat()}

    def do() -> None:
        digests = []
        for shard in range(SHARDS):
            accounts, items = (frame.filter(is_ours == shard) for frame in (book.accounts, book.items))
            mine = replace(book, accounts=accounts, items=items)
            digests.append(archive.write(Path(folder), mine, decide(mine, policies, AS_OF), about=about))
        archive.join(Path(folder), digests, about=about)

    return do


def bare(folder: str) -> Callable[[], object]:
    """Prepare the floor: a hundred thousand rows, read where they are known to be."""
    _digest, files = _archive(folder)
    wanted = cycle(files)
    return lambda: pl.scan_parquet(next(wanted)).head(100_000).collect()


def explained(folder: str) -> Callable[[], object]:
    """Prepare to explain one item after the other, out of all shards."""
    from dunwell.records import archive

    digest, files = _archive(folder)
    known = [pl.scan_parquet(file).select("item_id", "account_id").collect() for file in files]
    wanted = (
        rows.row(number * 7919 % rows.height) for number, rows in zip(range(TIMES + 1), cycle(known), strict=False)
    )

    def do() -> list[str]:
        item_id, account_id = next(wanted)
        decision = archive.decision(Path(folder), digest, item_id, account_id)
        assert decision is not None
        return explain(decision)

    return do


def _archive(folder: str) -> tuple[str, list[Path]]:
    """The digest of the whole, and the files of its shards."""
    files = sorted(Path(folder).glob("*/plan-decisions.parquet"))
    parts = {file.parent.name for file in files}
    (whole,) = (path.name for path in Path(folder).iterdir() if path.name not in parts)
    return whole, files
