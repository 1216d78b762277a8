"""All measures of some days on one page, beside those of the days before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import polars as pl

from dunwell.engine.history import History
from dunwell.flows.errors import Invalid
from dunwell.flows.reports.known import MONTHS_BACK, histories_of, history_of, yesterday
from dunwell.flows.reports.measures import MEASURES, Asked, default_days, notes_of
from dunwell.flows.reports.period import days_before
from dunwell.flows.reports.report import Report, Row, require_any, require_by, rows_of
from dunwell.insight.standing import standing
from dunwell.insight.trade import PARTY, Days, in_days
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
Group: TypeAlias = tuple[str | None, ...]  # a currency, and what else its figures are told apart by
Figures: TypeAlias = dict[Group, dict[str, Any]]


def overview(entities: Sequence[Entity], days: Days | None, *, at: datetime, by: str | None = None) -> Report:
    """Report every measure of entities over some days and the days before; a row a figure, currency and `by`.

    `value` and `before` are null where there is none. `by`: one of PARTY, of the account. Errors: Invalid, also where
    nothing is known of any entity then.
    """
    require_by("overview", by, PARTY)
    report = Report("overview", "Overview", ABOUT, [], by=by or "")
    refused: list[str] = []
    for entity in entities:
        try:
            own = days or default_days(entity, at)
            told, before = _told(entity, own, report.notes)
        except Invalid as error:
            refused.append(error.message)
            continue
        asked = Asked(own, yesterday(entity, at), by=(by,) if by else ())
        earlier = _figures(entity, before, replace(asked, days=days_before(own))) if before else {}
        rows = list(_rows(entity, _figures(entity, told, asked), earlier, by))
        report.rows.extend(rows)
        report.notes.extend(notes_of(entity, in_days(told, own), rows))
        report = report.of_days(entity, own)
    require_any(entities, refused)
    if any(row["value"] is None for row in report.rows):
        report.notes.append("- stands where there is nothing to divide by: the report of each measure says what")
    report.notes.extend(refused)
    return report


def _told(entity: Entity, days: Days, notes: list[str]) -> tuple[History, History | None]:
    """The histories that the days and those before them need, of one reading; without the latter where it is unknown.

    Errors: Invalid where nothing is known of the days.
    """
    try:
        return histories_of(entity, days, days_before(days), months_back=MONTHS_BACK)
    except (Invalid, OverflowError) as error:
        told = history_of(entity, days, months_back=MONTHS_BACK)
        notes.append(f"{entity.code}: there is nothing to compare with: {error}")
        return told, None


def _rows(entity: Entity, now: Figures, before: Figures, by: str | None) -> Iterator[Row]:
    for group in sorted({*now, *before}, key=lambda group: tuple((part is not None, part or "") for part in group)):
        currency, *party = group
        parties = dict(zip([by] if by else [], party, strict=True))
        for name, _measure in SHOWN:
            values = {"value": now.get(group, {}).get(name), "before": before.get(group, {}).get(name)}
            yield {"entity": entity.code, "currency": currency, **parties, "figure": name, **values}


def _figures(entity: Entity, told: History, asked: Asked) -> Figures:
    """By currency, what they are told apart by, and name. What no row tells of is nothing: no amount, and no ratio."""

    def by_group(frame: pl.DataFrame) -> Figures:
        return {tuple(row[key] for key in ("currency", *asked.by)): row for row in rows_of(frame, entity)}

    found = {name: by_group(MEASURES[name].of(told, asked)) for name in OF}
    stood = by_group(standing(told, asked.days.to_on, by=asked.by))
    figures: Figures = {}
    for group in {group for rows in [*found.values(), stood] for group in rows}:
        own = {name: found[of].get(group, {}).get(name, _nothing(name)) for name, of in SHOWN if of}
        figures[group] = own | {"overdue_percent": _overdue(stood.get(group, {}))}
    return figures


def _nothing(name: str) -> int | None:
    return 0 if name.endswith(("_minor", "_count")) else None


def _overdue(stood: Mapping[str, Any]) -> Decimal | None:
    """Which part of what is owed is past due, in percent, rounded half-up."""
    owed = stood.get("receivables_minor", 0)
    return None if not owed else Decimal((20_000 * stood["overdue_minor"] + owed) // (2 * owed)).scaleb(-2)
