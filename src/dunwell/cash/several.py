"""Claims on several items of one payer that add up, found one line at a time in bounded work."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import gcd
from typing import Any, TypeAlias

import polars as pl

from dunwell.cash.claims import CHANCE_MAX, CLAIMS
from dunwell.cash.settings import Settings
from dunwell.cash.subsets import Found, search

Key: TypeAlias = tuple[int, str]
WHOLE_MINOR = 100  # amounts without cents are met by chance more often


@dataclass(frozen=True)
class Owed:
    """What a payer owes in one currency, the oldest first; credits negative; discounts with their last day."""

    item_ids: list[int]
    amounts: list[int]
    discounts: list[int]
    until: list[date | None]


class Searches:
    """The searches among the items of all payers, each payer with work of its own to spend."""

    def __init__(self, stock: pl.DataFrame, payers: pl.DataFrame, settings: Settings) -> None:
        """Take the stock of the payers in `payers` apart; a payer with too many items is not searched."""
        self.settings = settings
        self.owed = _owed(stock, payers)
        self.spent: dict[Key, int] = defaultdict(int)

    def find(self, key: Key, amounts: list[int], target_minor: int) -> Found:
        """Search once, unless the payer has too many items, or its work is done. Counts the work."""
        left = self.settings.payer_steps_max - self.spent[key]
        if len(amounts) > self.settings.subset_items_max or left <= 0:
            return Found(None, None, 0)
        found = search(amounts, target_minor, steps_max=min(self.settings.subset_steps_max, left))
        self.spent[key] += found.steps
        return found

    def lump(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        """Claims on items that are the line's amount together, as they are or less their discounts."""
        key = line["payer_id"], line["currency"]
        owed = self.owed.get(key)
        if owed is None or len(owed.amounts) < 2:
            return []
        whole = self.find(key, owed.amounts, line["amount_minor"])
        if whole.ways:
            return _lump(line, owed, whole)
        latest = line["booked_on"] - timedelta(days=self.settings.discount_grace_days)
        net = [
            amount - (discount if until is not None and until >= latest else 0)
            for amount, discount, until in zip(owed.amounts, owed.discounts, owed.until, strict=True)
        ]
        if net != owed.amounts:
            less = self.find(key, net, line["amount_minor"])
            if less.ways == 1 and less.places is not None:
                gap = sum(owed.amounts[place] - net[place] for place in less.places)
                told = _claim(line, owed, less.places, "several_discount", less.chance_permille)
                return [{**told, "gap": "discount", "gap_minor": gap}] if gap else []
        return _runs(line, owed, "due_run")

    def rest(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        """Claims on what is named and on other items of the payer that are the rest of the amount."""
        key = line["payer_id"], line["currency"]
        owed = self.owed.get(key)
        if owed is None:
            return []
        named = set(line["item_ids"])
        others = [place for place, item_id in enumerate(owed.item_ids) if item_id not in named]
        if not others:
            return []
        found = self.find(key, [owed.amounts[place] for place in others], -line["gap_open_minor"])
        if found.ways != 1 or found.places is None:
            return []
        told = _claim(line, owed, tuple(others[place] for place in found.places), "number_rest", found.chance_permille)
        told["item_ids"] = line["item_ids"] + told["item_ids"]
        told["caps_minor"] = line["caps_minor"] + told["caps_minor"]
        return [told]

    def some(self, line: dict[str, Any]) -> list[dict[str, Any]]:
        """Claims on those of the named items that are the amount, where there is one way."""
        key = line["payer_id"], line["currency"]
        found = self.find(key, line["caps_minor"], line["amount_minor"])
        if found.ways != 1 or found.places is None:
            return []
        named = Owed(line["item_ids"], line["caps_minor"], [], [])
        return [_claim(line, named, found.places, "numbers_some", found.chance_permille)]


def several_items(lumps: pl.DataFrame, ends: pl.DataFrame, stock: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Claim items that add up: for `lumps`, lines with their payer, and for `ends`, claims that leave a gap.

    Both have line_id, payer_id, how, known, currency, amount_minor, booked_on; `ends` what `claims_named` gives, too.
    """
    if lumps.is_empty() and ends.is_empty():
        return pl.DataFrame(schema=CLAIMS)
    payers = pl.concat([lumps.select("payer_id", "currency"), ends.select("payer_id", "currency")]).unique()
    searches = Searches(stock, payers, settings)
    found: list[dict[str, Any]] = []
    for line in ends.sort("line_id", "payer_id").iter_rows(named=True):
        found += searches.some(line) if line["gap_open_minor"] > 0 else searches.rest(line)
    for line in lumps.sort("line_id", "payer_id").iter_rows(named=True):
        found += searches.lump(line)
    return pl.DataFrame(found, schema=CLAIMS)


def _lump(line: dict[str, Any], owed: Owed, found: Found) -> list[dict[str, Any]]:
    places = found.places or ()
    if found.ways == 1:
        return [_claim(line, owed, places, "several_items", found.chance_permille)]
    return [*_runs(line, owed, "run_of_ways"), _claim(line, owed, places, "several_ways", 0)]


def _runs(line: dict[str, Any], owed: Owed, case: str) -> list[dict[str, Any]]:
    """Claims on neighbours in the order of their due days, as payment runs pay them."""
    target = line["amount_minor"]
    found = runs(owed.amounts, target)
    if not found or target in owed.amounts:  # one item is likelier meant than two
        return []
    if len(found) > 1:  # such as three of twelve equal instalments
        return [_claim(line, owed, found[0], "run_of_ways", 0)] if found[0][0] == 0 else []
    # As many runs as items could be the amount, and each is so by chance once in as many as an item has units.
    unit = max(gcd(target, *owed.amounts), WHOLE_MINOR if target % WHOLE_MINOR == 0 else 1)
    mean = max(sum(abs(amount) for amount in owed.amounts) // len(owed.amounts) // unit, 1)
    return [_claim(line, owed, found[0], case, 1000 * len(owed.amounts) // mean)]


def runs(amounts: list[int], target_minor: int) -> list[tuple[int, ...]]:
    """The places of two neighbours or more that are the target together, of at most two such runs, the first ones."""
    totals = [0, *accumulate(amounts)]
    begins: dict[int, list[int]] = {}
    found: list[tuple[int, ...]] = []
    if not {total - target_minor for total in totals} & set(totals):
        return found
    for end, total in enumerate(totals):
        found += [tuple(range(begin, end)) for begin in begins.get(total - target_minor, ()) if end - begin > 1]
        begins.setdefault(total, []).append(end)
        if len(found) > 1:
            break
    return found[:2]


def _claim(
    line: dict[str, Any], owed: Owed, places: tuple[int, ...], case: str, chance_permille: int
) -> dict[str, Any]:
    """A claim, less certain by how likely it is that the amount is met by chance; as `claims.by_chance` says."""
    by_chance = min(1000 * chance_permille // (4000 + chance_permille), CHANCE_MAX)
    return {
        "line_id": line["line_id"], "payer_id": line["payer_id"], "how": line["how"], "known": line["known"],
        "case": case, "gap": None, "gap_minor": 0, "minus_permille": by_chance,
        "item_ids": [owed.item_ids[place] for place in places],
        "caps_minor": [owed.amounts[place] for place in places],
    }  # fmt: skip


def _owed(stock: pl.DataFrame, payers: pl.DataFrame) -> dict[Key, Owed]:
    grouped = (
        stock.join(payers, on=["payer_id", "currency"], how="semi")
        .sort("place")
        .with_columns(discount=pl.when(pl.col("is_credit")).then(0).otherwise(
            pl.min_horizontal(pl.col("discount_minor").fill_null(0), "open_minor")
        ))
        .group_by("payer_id", "currency", maintain_order=True)
        .agg("item_id", "signed_minor", "discount", "discount_until_on")
    )  # fmt: skip
    return {
        (payer_id, str(currency)): Owed(ids, amounts, discounts, until)
        for payer_id, currency, ids, amounts, discounts, until in grouped.iter_rows()
    }
