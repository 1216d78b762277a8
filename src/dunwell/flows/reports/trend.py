"""How the figures of an entity went from month to month, by the snapshots of its days."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from dunwell.engine.money import fraction_half_up
from dunwell.flows.entities import local_day
from dunwell.flows.errors import Invalid
from dunwell.flows.reports.period import MONTHS, last_months, months_before
from dunwell.flows.reports.report import Report, Row
from dunwell.insight.daily import OWED
from dunwell.records.models import Entity, Snapshot

MONTHS_MAX: Final = 1_200
DAY: Final = timedelta(days=1)
ABOUT: Final = (
    "At each month end, by the snapshots kept day by day: DSO over its last three months, the part of what is owed that"
    " is overdue, and what is owed by age."
)


def trend(entities: Sequence[Entity], *, months: int, at: datetime) -> Report:
    """Report month ends by what was kept of their days; what was not kept is null and named, never made up.

    Of the last `months` whole months. Errors: Invalid for an absurd number of months, and where nothing was kept.
    """
    if not 1 <= months <= MONTHS_MAX:
        raise Invalid(f"--months: {months} is not between 1 and {MONTHS_MAX}")
    rows: list[Row] = []
    notes: list[str] = []
    for entity in entities:
        ends = _ends(local_day(entity, at), months)
        first = months_before(ends[0], MONTHS - 1)
        kept: dict[str, dict[date, Snapshot]] = {}
        for each in Snapshot.objects.filter(entity=entity, on__range=(first, ends[-1])).order_by("on", "currency"):
            kept.setdefault(each.currency, {})[each.on] = each
        if not kept:
            notes.append(f"{entity.code}: no day of these months was kept: workers keep each once it is over")
        for currency, days in sorted(kept.items()):
            rows += [_row(entity, currency, on, days) for on in ends]
        notes += _unkept(entity, ends, kept)
    if not rows:
        raise Invalid("there is no trend yet", [*notes, "`dunwell report snapshot --on DATE` keeps a day of the past"])
    whole = last_months(local_day(entities[0], at), months)
    return Report("trend", "Trend", ABOUT, rows, notes, from_on=whole.from_on, to_on=whole.to_on)


def _ends(today: date, months: int) -> list[date]:
    """The last month ends, the earliest first."""
    return [months_before(today, back) - DAY for back in reversed(range(months))]


def _row(entity: Entity, currency: str, on: date, days: Mapping[date, Snapshot]) -> Row:
    found: dict[str, Any] = {"entity": entity.code, "currency": currency, "month_end_on": on}
    at = days.get(on)
    window = [months_before(on, MONTHS - 1) + n * DAY for n in range((on - months_before(on, MONTHS - 1)).days + 1)]
    sold = [days[day].invoiced_minor - days[day].credited_minor for day in window if day in days]
    owed = sum(getattr(at, name) for name in OWED) if at else None
    receivables = owed - at.charges_minor if at and owed is not None else None
    overdue = owed - at.not_due_minor - at.no_due_date_minor if at and owed is not None else None
    found["receivables_minor"] = receivables
    found["sales_minor"] = sum(sold) if len(sold) == len(window) else None
    found["dso_days"] = _ratio(receivables, found["sales_minor"], len(window))
    found["overdue_percent"] = _ratio(overdue, owed, 100)
    for name in (*OWED, "unapplied_minor", "disputed_minor", "open_count", "promises_count", "promised_minor"):
        found[name] = getattr(at, name) if at else None
    month = [days[day] for day in window if day.month == on.month and day in days]
    for name in ("received_minor", "notices_count"):
        found[name] = sum(getattr(day, name) for day in month) if len(month) == on.day else None
    found["missing_count"] = len(window) - len(sold)
    return found


def _ratio(above: int | None, below: int | None, times: int) -> Decimal | None:
    """Rounded half-up to two places; None where something is not known, or there is nothing to divide by."""
    if above is None or below is None or below <= 0:
        return None
    return Decimal(fraction_half_up(Fraction(above * times * 100, below))).scaleb(-2)


def _unkept(entity: Entity, ends: Sequence[date], kept: Mapping[str, Collection[date]]) -> Iterator[str]:
    """Say which days were not kept; of each currency by itself, where they are not the same."""
    first = months_before(ends[0], MONTHS - 1)
    every = [first + n * DAY for n in range((ends[-1] - first).days + 1)]
    gone = {currency: tuple(on for on in every if on not in days) for currency, days in sorted(kept.items())}
    for days in dict.fromkeys(filter(None, gone.values())):
        of = [currency for currency, own in gone.items() if own == days]
        whose = " ".join([entity.code, *([] if len(of) == len(gone) else [", ".join(of)])])
        shown = f"from {days[0]} to {days[-1]}" if len(days) > 1 else f"{days[0]}"
        yield (
            f"{whose}: {len(days):,} of {len(every):,} days were not kept, {shown}: a month end among them shows"
            " nothing, and a DSO whose three months hold one is not told"
        )
