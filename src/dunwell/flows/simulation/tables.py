"""The figures of a simulation side by side: a row each, a column a scenario."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import polars as pl

from dunwell.engine.simulation.result import SOON_DAYS
from dunwell.flows.simulation.simulate import Simulated

Money: TypeAlias = Callable[[int, str], str]
Row: TypeAlias = Sequence[Any]
SHOWN_DAYS: Final = (0, 7, 14, 30, 60, 90)


def headline(found: Simulated) -> str:
    """Say whose history it is, which days, and where the payments come from."""
    by = "as they happened" if found.model is None else f"by the model {found.model}, seed {found.seed}"
    return f"{found.entity}, {found.result.from_on} to {found.result.until_on}, payments {by}"


def side_by_side(found: Simulated, money: Money) -> Iterator[tuple[str, list[Row]]]:
    """Yield tables with their titles: what is first in each row is its name, the rest is of the scenarios in order."""
    yield "Contacts", _contacts(found)
    if found.costs:
        yield f"Cost of the messages ({found.currency})", _costs(found, money)
    if not found.result.charges.is_empty():
        yield "Charges", _charges(found, money)
    for (currency,), rows in found.result.totals.group_by("currency", maintain_order=True):
        yield f"Claims in {currency}", _totals(found, rows, str(currency), money)
    if curve := _curve(found):
        yield "Paid by the day after the due date, of claims issued in the period (%)", curve
    segments = found.result.segments
    if segments["segment"].n_unique() > 1:
        yield "Segments", _segments(found, segments, money)


def _of(found: Simulated, rows: pl.DataFrame, column: str) -> list[Any]:
    """A column's value of each scenario, None where it has none."""
    values = dict(rows.select("scenario", column).iter_rows())
    return [values.get(at) for at in range(len(found.scenarios))]


def _contacts(found: Simulated) -> list[Row]:
    contacts, messages = found.result.contacts, found.result.messages
    rows: list[Row] = [
        ("notices", *_of(found, contacts, "notices")),
        (f"  watched for {SOON_DAYS} days after", *_of(found, contacts, "watched")),
        ("  of these, all paid by then", *_of(found, contacts, "soon_paid")),
        ("accounts written to", *_of(found, contacts, "accounts")),
        ("notices approved by a person", *_of(found, contacts, "approvals")),
    ]
    if contacts["silent"].sum():
        rows.append(("steps without a message", *_of(found, contacts, "silent")))
    sums = messages.group_by("scenario", "level", "stage", "channel").agg(pl.col("messages").sum())
    for (level, stage, channel), part in sums.sort("level", "stage", "channel").group_by(
        "level", "stage", "channel", maintain_order=True
    ):
        counts = [count or 0 for count in _of(found, part, "messages")]
        rows.append((f"  {level} {stage}, {channel}", *counts))
    return rows


def _costs(found: Simulated, money: Money) -> list[Row]:
    costs, currency = found.result.costs, found.currency or ""
    rows: list[Row] = [
        (str(channel), *(money(cost or 0, currency) for cost in _of(found, part, "cost_minor")))
        for (channel,), part in costs.group_by("channel", maintain_order=True)
    ]
    total = costs.group_by("scenario").agg(pl.col("cost_minor").sum())
    return [*rows, ("all", *(money(cost or 0, currency) for cost in _of(found, total, "cost_minor")))]


def _charges(found: Simulated, money: Money) -> list[Row]:
    return [
        (f"{charge} ({currency})", *(money(cost or 0, str(currency)) for cost in _of(found, part, "amount_minor")))
        for (currency, charge), part in found.result.charges.group_by("currency", "charge", maintain_order=True)
    ]


def _totals(found: Simulated, rows: pl.DataFrame, currency: str, money: Money) -> list[Row]:
    amounts = {
        "open at the start": "opening_minor",
        "issued": "booked_minor",
        "paid": "paid_minor",
        "open at the end": "closing_minor",
        "of it overdue": "overdue_minor",
    }
    counts = {
        "claims settled": "settled",
        "  in every scenario": "settled_in_all",
        "claims still open": "still_open",
        "days to pay": "days_to_pay",
        "days to pay, by amount": "days_to_pay_weighted",
        "days late": "days_late",
    }
    if found.model is None or len(found.scenarios) == 1:
        del counts["  in every scenario"]  # the same as those settled
    told: list[Row] = [
        (name, *(None if each is None else money(each, currency) for each in _of(found, rows, column)))
        for name, column in amounts.items()
    ]
    return told + [(name, *map(_count, _of(found, rows, column))) for name, column in counts.items()]


def _count(value: object) -> object:
    """Days with two places, as they are rounded."""
    return f"{value:.2f}" if isinstance(value, float) else value


def _curve(found: Simulated) -> list[Row]:
    curve = found.result.paid_by_day
    return [
        (f"after {days} days", *(None if s is None else f"{s * 100:.1f}" for s in _of(found, part, "paid_share")))
        for days in SHOWN_DAYS
        if not (part := curve.filter(pl.col("days") == days)).is_empty()
    ]


def _segments(found: Simulated, segments: pl.DataFrame, money: Money) -> list[Row]:
    rows: list[Row] = []
    for (segment, currency), part in segments.group_by("segment", "currency", maintain_order=True):
        name = f"{segment or 'no segment'} ({currency})"
        rows.append((f"{name}: notices", *_of(found, part, "notices")))
        overdue = _of(found, part, "overdue_minor")
        rows.append((f"{name}: overdue at the end", *(money(each or 0, str(currency)) for each in overdue)))
    return rows
