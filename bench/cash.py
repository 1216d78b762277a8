"""Cash application: what of the money is applied right, and without a person; and the time, beside its floor.

The floor is the least that finding numbers takes: capitals, the texts cut into words, and one join with the numbers.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import polars as pl

from bench.cash_lines import Ledger, Told, made_up, real, told
from bench.harness import measure, report
from dunwell.cash.match import Matched, match
from dunwell.cash.settings import Settings

SEED: Final = 20_200_504
REAL_LINES: Final = 0.6  # lines for each open item, since most pay one


def main(n: int = 100_000, items: int = 1_000_000) -> None:
    """Measure quality on the real books, or a made-up one, and the time at a hundred thousand lines."""
    ledgers = real() or [made_up(10_000)]
    counts = [
        (ledger, told(ledger, max(int(ledger.items.height * REAL_LINES), 1), SEED + place))
        for place, ledger in enumerate(ledgers)
    ]
    quality("cash: real items" if real() else "cash: made-up items", counts)
    floor = measure(bare, n, items, times=1)
    report(f"cash: numbers among {items:,}", n, floor)
    report(f"cash: lines with {items:,} items", n, measure(matched, n, items, times=1), floor)


def matched(n: int, items: int) -> Callable[[], object]:
    """Prepare to match `n` lines."""
    ledger = made_up(items)
    lines = told(ledger, n, SEED)
    return lambda: matches_of(ledger, lines)


def bare(n: int, items: int) -> Callable[[], object]:
    """Prepare the floor."""
    ledger = made_up(items)
    lines = told(ledger, n, SEED).lines.select("line_id", "text")
    numbers = ledger.items.select("item_id", "number")

    def run() -> pl.DataFrame:
        words = lines.select(
            "line_id", number=pl.col("text").str.to_uppercase().str.extract_all(r"[0-9A-Z/-]+")
        ).explode("number")
        return words.join(numbers.with_columns(pl.col("number").str.to_uppercase()), on="number")

    return run


def matches_of(ledger: Ledger, lines: Told) -> Matched:
    """Match the lines of a ledger under the usual settings."""
    return match(lines.lines, ledger.items, ledger.accounts, lines.references, ledger.payers, Settings())


def quality(name: str, counts: list[tuple[Ledger, Told]]) -> None:
    """Print how much is right and how many lines need no person: in all, by step, and by kind of line."""
    tables = [_judged(ledger, lines) for ledger, lines in counts]
    each = pl.concat(tables)
    _print(name, each)
    _print("  of those of debtors", each.filter(pl.col("kind") != "noise"))
    for column in ("step", "kind"):
        for value, part in sorted(each.group_by(column), key=lambda found: str(found[0][0])):
            _print(f"  {column} {value[0]}", part)


def _judged(ledger: Ledger, lines: Told) -> pl.DataFrame:
    """Each line with its kind, step, outcome, and what of the money went where it should."""
    found = matches_of(ledger, lines)
    went: dict[int, dict[int, int]] = defaultdict(dict)
    for line_id, item_id, amount in found.allocations.select("line_id", "item_id", "amount_minor").iter_rows():
        went[line_id][item_id] = amount
    rows = []
    for line_id, step, outcome, permille, applied, why in found.matches.select(
        "line_id", "step", "outcome", "confidence_permille", "applied_minor", "why"
    ).iter_rows():
        truth = lines.truth[line_id]
        right = sum(min(amount, truth.get(item_id, 0)) for item_id, amount in went[line_id].items())
        rows.append({
            "line_id": line_id, "kind": lines.kinds[line_id], "step": step, "outcome": outcome, "permille": permille,
            "why": why, "applied": applied, "right": right, "exact": went[line_id] == truth,
        })  # fmt: skip
    return pl.DataFrame(rows)


def _print(name: str, rows: pl.DataFrame) -> None:
    """One line: how many lines, how many of them applied, and what of the money and of the lines was right."""
    applied = rows.filter(pl.col("outcome") == "apply")
    money, right, exact = (int(applied[column].sum()) for column in ("applied", "right", "exact"))
    share = f"{right / money:9.3%} of the money right {exact / applied.height:8.2%} of the lines" if money else ""
    print(f"{name:32} {rows.height:>9,} lines {applied.height / rows.height:7.1%} applied {share}", flush=True)
