"""Random histories: what was issued, paid in parts, paid too early and taken back over some weeks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

from dunwell.engine.book import Book
from dunwell.engine.history import SCHEMAS, History
from dunwell.engine.law.series import tables
from dunwell.engine.simulation.play import Scenario
from tests.engine.past_strategies import series
from tests.engine.policy_strategies import Keys, one_in, parsed, pick, policies, yaml_of
from tests.engine.strategies import DATES, POLICY_NAMES, accounts, framed, items

DAYS = 16


@dataclass(frozen=True)
class Past:
    """A history, the first and last day to simulate, and the policies to do it by."""

    history: History
    from_on: date
    until_on: date
    scenarios: tuple[Scenario, ...]
    rates: dict[str, pl.DataFrame]
    files: tuple[str, ...]

    def __repr__(self) -> str:
        rows = [str(row) for table in (self.history.items, self.history.moves) for row in table.to_dicts()]
        return "\n".join([f"Past({self.from_on} to {self.until_on})", *self.files, *rows])

    def _repr_pretty_(self, printer: RepresentationPrinter, _cycle: bool) -> None:
        printer.text(repr(self))


@st.composite
def pasts(draw: st.DrawFn, *, scenarios: int = 2) -> Past:
    """A history with whatever may be in one, and scenarios of one to three policies each."""
    from_on = draw(pick(*DATES))
    owners = [{**owner, "entity_id": 1} for owner in draw(accounts())]
    rows = [{**row, "entity_id": 1} for row in draw(items(owners, from_on, plain=False)) if not row["draft"]]
    known = {owner["account_id"] for owner in owners}
    rows = [row for row in rows if row["account_id"] in known]  # a history knows the account of every item
    for row in rows:
        if draw(one_in(2)):
            row["issued_on"] = from_on + timedelta(days=draw(pick(*range(-3, DAYS))))
    kept = [{name: row[name] for name in row if name in SCHEMAS["items"] or name.startswith("attr_")} for row in rows]
    moves = [move for row in rows for move in draw(moves_of_one(row, from_on))]
    history = History.of(
        from_on - timedelta(days=1),
        accounts=framed(owners, ("attr_score", "attr_vip")),
        items=framed(kept, ("attr_contract", "attr_score")),
        moves=pl.DataFrame(moves, schema=SCHEMAS["moves"], orient="row").unique(["item_id", "on"], keep="first"),
    )
    sets = [draw(policies(POLICY_NAMES[: draw(pick(1, 1, 2, 3))])) for _ in range(scenarios)]
    read = tuple(Scenario(f"s{at}", tuple(map(parsed, keys))) for at, keys in enumerate(sets))
    rates = Book.of(**tables(draw(series(from_on + timedelta(days=DAYS)))))
    files = tuple(yaml_of(each) for keys in sets for each in keys)
    given = {"series": rates.series, "rates": rates.rates}
    return Past(history, from_on, from_on + timedelta(days=DAYS), read, given, files)


@st.composite
def moves_of_one(draw: st.DrawFn, row: Keys, from_on: date) -> Sequence[tuple[int, date, int]]:
    """Up to three moves of an item; the last may take one back."""
    amount = row["amount_minor"]
    if not amount or amount < 0:
        return []
    found = []
    left = amount
    for _ in range(draw(pick(0, 1, 1, 2, 3))):
        less = draw(pick(left, left, left // 2, 1)) if left else -draw(pick(amount, 1, amount // 2))
        if less:
            found.append((row["item_id"], from_on + timedelta(days=draw(pick(*range(-4, DAYS)))), less))
            left -= less
    days = sorted(on for _id, on, _less in found)
    return [(item_id, on, less) for (item_id, _on, less), on in zip(found, days, strict=True)]
