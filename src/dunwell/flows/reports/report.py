"""What every report is made of: rows that say what they are, and what has to be said beside them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import polars as pl

from dunwell.flows.errors import Invalid
from dunwell.insight.trade import Days
from dunwell.records.models import Entity

Row: TypeAlias = dict[str, Any]
HUNDREDTHS: Final = "_hundredths"

NAMED: Final = {
    "open_count": "open items",
    "unapplied_count": "unapplied credits",
    "undecidable_count": "items in no sum",
    "notices_count": "notices",
    "answered_count": "answered",
    "waiting_count": "not over yet",
    "promises_count": "promises",
    "kept_count": "promises kept",
    "partly_kept_count": "partly kept",
    "broken_count": "broken",
    "ended_count": "taken back",
    "missing_count": "days not kept",
    "days_count": "days",
    "kept_minor": "amount kept",
    "paid_percent": "paid %",
    "kept_count_percent": "promises kept %",
    "kept_amount_percent": "amount kept %",
    "turnover_times": "turnover, times",
    "turnover_a_year_times": "turnover a year, times",
    "days_late_of_late": "days late of late money",
}


@dataclass(frozen=True)
class Report:
    """Rows in order, by entity and currency.

    A name that ends in `_minor` is an amount in minor units, in `_count` a number; `_days`, `_percent` and `_times` are
    decimals of two places, null where there is nothing to divide by. `about`: the definition; `notes`: what is left
    out, and why a figure is missing.
    """

    name: str
    title: str
    about: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    from_on: date | None = None
    to_on: date | None = None
    by: str = ""

    def of_days(self, entity: Entity, days: Days) -> "Report":
        """Add of which days the rows of an entity are: those of the first head the report."""
        if self.from_on is None:
            return replace(self, from_on=days.from_on, to_on=days.to_on)
        if (days.from_on, days.to_on) != (self.from_on, self.to_on):
            self.notes.append(f"{entity.code}: its days are {days.from_on} to {days.to_on}")
        return self


def require_by(title: str, by: str | None, known: Sequence[str]) -> None:
    """Errors: Invalid for something by which a report is not told apart."""
    if by is not None and by not in known:
        raise Invalid(f"--by: {by!r} tells no {title} apart: {', '.join(known)} do")


def require_any(entities: Sequence[Entity], refused: Sequence[str]) -> None:
    """Errors: Invalid, with why, where there is an entity and none that could be measured."""
    if refused and len(refused) == len(entities):
        raise Invalid(refused[0], refused[1:])


def rows_of(frame: pl.DataFrame, entity: Entity) -> list[Row]:
    """Turn a measure's frame of one entity into rows: its code first, hundredths as decimals."""
    return [{"entity": entity.code} | _plain(row) for row in frame.drop("entity_id").to_dicts()]


def missing(rows: Sequence[Row], why_not: Mapping[str, str], by: str = "") -> list[str]:
    """Say which figures are missing of which rows, and why: a line for each set of figures and reason."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        reasons: dict[str, list[str]] = {}
        for name, reason in why_not.items():
            plain = name.removesuffix(HUNDREDTHS)
            if plain in row and row[plain] is None:
                reasons.setdefault(reason, []).append(label(plain))
        whose = " ".join(str(row[part] or "unknown") for part in ("entity", "currency", *([by] if by else [])))
        for reason, names in reasons.items():
            told.setdefault((", ".join(names), reason), []).append(whose)
    return [f"no {names} of {', '.join(whose)}: {reason}" for (names, reason), whose in told.items()]


def label(name: str) -> str:
    """What a figure is called for people."""
    if name in NAMED:
        return NAMED[name]
    if bounds := re.fullmatch(r"days_(over_)?(\d+)(_(\d+))?(_minor)?", name):
        over, low, _, high, _ = bounds.groups()
        return f"over {low} days" if over else f"{low}-{high} days"
    words = name.removesuffix("_minor").removesuffix("_count").replace("percent", "%").split("_")
    return " ".join(word.upper() if word in {"dso", "cei"} else word for word in words)


def _plain(row: Mapping[str, Any]) -> Row:
    return {
        name.removesuffix(HUNDREDTHS): _decimal(value) if name.endswith(HUNDREDTHS) else value
        for name, value in row.items()
    }


def _decimal(hundredths: int | None) -> Decimal | None:
    return None if hundredths is None else Decimal(hundredths).scaleb(-2)
