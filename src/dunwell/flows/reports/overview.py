"""All measures of some days on one page, beside those of the days before."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from dunwell.engine.history import History
from dunwell.flows.errors import Invalid
from dunwell.flows.reports.known import MONTHS_BACK, history_of, notes_on, yesterday
from dunwell.flows.reports.measures import MEASURES, NOTHING, Asked, default_days
from dunwell.flows.reports.period import days_before
from dunwell.flows.reports.report import Report, Row, rows_of
from dunwell.insight.standing import standing
from dunwell.insight.trade import Days, in_days
from dunwell.records.models import Entity

ABOUT: Final = "Every measure of the days, beside as many days before. What each means: docs/kpi.md."
# What the page shows, in order, and of which measure it is.
SHOWN: Final = (
    ("receivables_minor", "dso"), ("overdue_percent", ""), ("sales_minor", "dso"), ("dso_days", "dso"),
    ("countback_dso_days", "dso"), ("best_possible_dso_days", "dso"), ("average_days_delinquent", "dso"),
    ("net_dso_days", "dso"), ("cei_percent", "cei"), ("turnover_a_year_times", "turnover"), ("paid_minor", "lateness"),
    ("days_late", "lateness"), ("late_percent", "lateness"), ("notices_count", "responses"),
    ("success_percent", "success"), ("response_percent", "responses"), ("promises_count", "promises"),
    ("kept_count_percent", "promises"), ("kept_amount_percent", "promises"),
)  # fmt: skip
OF: Final = tuple(dict.fromkeys(name for _figure, name in SHOWN if name))
Figures: TypeAlias = dict[str, dict[str, Any]]


def overview(entities: Sequence[Entity], days: Days | None, *, at: datetime) -> Report:
    """Report every measure of entities over some days and the days before; a row a figure.

    `value` and `before` are null where there is none. Errors: Invalid where nothing is known of any entity then.
    """
    report = Report("overview", "Overview", ABOUT, [])
    refused: list[str] = []
    for entity in entities:
        try:
            own = days or default_days(entity, at)
            told = history_of(entity, own, months_back=MONTHS_BACK)
        except Invalid as error:
            refused.append(error.message)
            continue
        before = _before(entity, own, at, report.notes)
        rows = list(_rows(entity, _figures(entity, told, own, at), before))
        report.rows.extend(rows)
        report.notes.extend(
            f"{entity.code}: {note}" for note in [*notes_on(in_days(told, own)), *([] if rows else [NOTHING])]
        )
        report = report.of_days(entity, own)
    if refused and len(refused) == len(entities):
        raise Invalid(refused[0], refused[1:])
    if any(row["value"] is None for row in report.rows):
        report.notes.append("- stands where there is nothing to divide by: the report of each measure says what")
    report.notes.extend(refused)
    return report


def _before(entity: Entity, days: Days, at: datetime, notes: list[str]) -> Figures:
    try:
        earlier = days_before(days)
        return _figures(entity, history_of(entity, earlier, months_back=MONTHS_BACK), earlier, at)
    except (Invalid, OverflowError) as error:
        notes.append(f"{entity.code}: there is nothing to compare with: {error}")
        return {}


def _rows(entity: Entity, now: Figures, before: Figures) -> Iterator[Row]:
    for currency in sorted({*now, *before}):
        for name, _measure in SHOWN:
            values = {"value": now.get(currency, {}).get(name), "before": before.get(currency, {}).get(name)}
            yield {"entity": entity.code, "currency": currency, "figure": name, **values}


def _figures(entity: Entity, told: History, days: Days, at: datetime) -> Figures:
    """By currency and name. What no row tells of is nothing: no amount, and no ratio."""
    asked = Asked(days, yesterday(entity, at))
    found = {name: {row["currency"]: row for row in rows_of(MEASURES[name].of(told, asked), entity)} for name in OF}
    stood = {row["currency"]: row for row in rows_of(standing(told, days.to_on), entity)}
    figures: Figures = {}
    for currency in {currency for rows in [*found.values(), stood] for currency in rows}:
        own = {name: found[of].get(currency, {}).get(name, _nothing(name)) for name, of in SHOWN if of}
        figures[currency] = own | {"overdue_percent": _overdue(stood.get(currency, {}))}
    return figures


def _nothing(name: str) -> int | None:
    return 0 if name.endswith(("_minor", "_count")) else None


def _overdue(stood: Mapping[str, Any]) -> Decimal | None:
    """Which part of what is owed is past due, in percent, rounded half-up."""
    owed = stood.get("receivables_minor", 0)
    return None if not owed else Decimal((20_000 * stood["overdue_minor"] + owed) // (2 * owed)).scaleb(-2)
