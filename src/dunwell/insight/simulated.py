"""Charts of a simulation: Vega-Lite specifications as plain data, each with a text for who cannot see it.

Colours are told apart by people who see them differently: stages go from light to dark, scenarios also have dashes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import polars as pl

from dunwell.engine.money import exponent
from dunwell.engine.policy.model import CLOSE
from dunwell.engine.simulation.result import NO_STAGE, NOT_DUE, Result

Spec: TypeAlias = dict[str, Any]

NEUTRAL: Final = {NOT_DUE: "#d4d7da", NO_STAGE: "#93a4b3", CLOSE: "#66a99c"}
LAST: Final = 1_000  # where the message that closes stands among the stages
STAGES: Final = ("#fed98e", "#fe9929", "#d95f0e", "#993404", "#5c1d02", "#000000")
SCENARIOS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#000000", "#999999")
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4], [1, 3], [6, 2, 2, 2])
DAILY_MAX: Final = 120  # days of a period of which every one is drawn
WIDTH: Final = 640
CURVE_FROM: Final = -30


@dataclass(frozen=True)
class Chart:
    """One picture: its title, what it shows in words, and its specification."""

    title: str
    alt: str
    spec: Spec


def charts(result: Result, currency: str | None) -> list[Chart]:
    """Draw what a simulation came to. `currency`: of the costs; without it, messages are counted instead."""
    drawn = [*_exposures(result), _contacts(result), _curve(result), _costs(result, currency)]
    return [chart for chart in drawn if chart]


def together(drawn: Sequence[Chart]) -> Spec:
    """All charts as one picture, one below the other."""
    parts = [{**chart.spec, "title": _title(chart.title)} for chart in drawn]
    return _framed(
        {"vconcat": parts, "spacing": 36, "resolve": {"scale": dict.fromkeys(("color", "strokeDash"), "independent")}}
    )


def alone(chart: Chart) -> Spec:
    """A chart by itself, without its title: whoever shows it has one."""
    return _framed(chart.spec)


def _framed(spec: Spec) -> Spec:
    labels = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 240}
    config = {
        "font": "Liberation Sans, Arial, sans-serif",
        "view": {"stroke": None},
        "axis": {**labels, "gridColor": "#e5e7eb", "domainColor": "#6b7280", "tickColor": "#6b7280"},
        "legend": {**labels, "symbolStrokeWidth": 2},
        "header": {"labelFontSize": 13, "labelFontWeight": "bold", "labelLimit": 400},
    }
    schema = "https://vega.github.io/schema/vega-lite/v5.json"
    return {"$schema": schema, "background": "white", "padding": 14, "config": config, **spec}


def _title(text: str) -> Spec:
    return {"text": text, "anchor": "start", "fontSize": 15, "offset": 10}


def _exposures(result: Result) -> Iterator[Chart]:
    """A chart of what is open for each currency: amounts of two are never added."""
    days = _days(result.from_on, result.until_on)
    for (currency,), rows in result.exposure.group_by("currency", maintain_order=True):
        yield _exposure(result, str(currency), rows.filter(pl.col("on").is_in(days.implode())), days)


def _days(from_on: date, until_on: date) -> pl.Series:
    """The days that are drawn: all, or those a week apart and the last."""
    days = pl.date_range(from_on, until_on, eager=True)
    return days if _is_daily(from_on, until_on) else days.gather_every(7).append(days.tail(1)).unique().sort()


def _is_daily(from_on: date, until_on: date) -> bool:
    return (until_on - from_on).days < DAILY_MAX


def _exposure(result: Result, currency: str, rows: pl.DataFrame, days: pl.Series) -> Chart:
    stages = _places(result).join(rows.select("stage").unique(), on="stage", how="semi")
    sums = rows.group_by("scenario", "stage", "on").agg(pl.col("open_minor").sum())
    places = pl.DataFrame({"scenario": range(len(result.scenarios))}, schema={"scenario": pl.Int32})
    grid = places.join(stages, how="cross").join(days.alias("on").to_frame(), how="cross")
    filled = grid.join(sums, on=["scenario", "stage", "on"], how="left").with_columns(
        amount=pl.col("open_minor").fill_null(0) / 10 ** exponent(currency)
    )
    area = {
        "mark": {"type": "area", "opacity": 1, "line": {"strokeWidth": 0.4, "color": "#ffffff"}},
        "width": WIDTH,
        "height": 190,
        "encoding": {
            "x": {"field": "on", "type": "temporal", "title": None, "axis": {"format": "%-d %b %Y", "tickCount": 6}},
            "y": {"field": "amount", "type": "quantitative", "stack": "zero", "title": f"open, {currency}",
                  "axis": {"format": ",~r", "tickCount": 5}},
            "color": _stages(result, stages["stage"]),
            "order": {"field": "rank", "type": "quantitative"},
        },
    }  # fmt: skip
    spec = {**_values(result, filled.select("scenario", "on", "stage", "rank", "amount")), **_rows(result, area)}
    by_week = "" if _is_daily(result.from_on, result.until_on) else ", by the week"
    return Chart(f"Open amounts by stage, {currency}{by_week}", _told_exposure(result, currency), spec)


def _told_exposure(result: Result, currency: str) -> str:
    ends = result.totals.filter(pl.col("currency") == currency)
    at_end = dict(ends.select("scenario", "overdue_minor").iter_rows())
    told = [
        f"{name} {(at_end.get(at) or 0) / 10 ** exponent(currency):,.0f}" for at, name in enumerate(result.scenarios)
    ]
    drawn = "" if _is_daily(result.from_on, result.until_on) else " One day of each week is drawn, and the last."
    return (
        f"Areas of what is open in {currency}, from {result.from_on} to {result.until_on}, by the stage of the last"
        f" notice, one panel a scenario.{drawn} Overdue at the end: {', '.join(told)}."
    )


def _contacts(result: Result) -> Chart | None:
    rows = result.messages.group_by("scenario", "month", "stage", "level").agg(pl.col("messages").sum())
    if rows.is_empty():
        return None
    rank = pl.when(pl.col("stage") == CLOSE).then(LAST).otherwise(pl.col("level").cast(pl.Int32))
    shown = rows.select("scenario", "month", "stage", "messages", rank=rank).sort("scenario", "month", "rank")
    bars = {
        "mark": {"type": "bar", "stroke": "#ffffff", "strokeWidth": 0.4},
        "width": WIDTH,
        "height": 130,
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "timeUnit": "yearmonth", "title": None,
                  "axis": {"format": "%b %y", "labelAngle": 0, "labelOverlap": True}},
            "y": {"field": "messages", "type": "quantitative", "title": "messages", "axis": {"tickCount": 4}},
            "color": _stages(result, shown["stage"]),
            "order": {"field": "rank", "type": "quantitative"},
        },
    }  # fmt: skip
    sums = dict(rows.group_by("scenario").agg(pl.col("messages").sum()).iter_rows())
    told = ", ".join(f"{name} {sums.get(at, 0):,}" for at, name in enumerate(result.scenarios))
    alt = f"Bars of the messages sent each month by stage, one panel a scenario. In all: {told}."
    return Chart("Messages a month, by stage", alt, {**_values(result, shown), **_rows(result, bars)})


def _curve(result: Result) -> Chart | None:
    rows = result.paid_by_day.filter(pl.col("days") >= CURVE_FROM)
    if rows.is_empty():
        return None
    line = {
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "days", "type": "quantitative", "title": "days after the due date",
                  "scale": {"domain": [CURVE_FROM, int(rows["days"].to_list()[-1])], "nice": False}},
            "y": {"field": "paid_share", "type": "quantitative", "title": "claims paid",
                  "axis": {"format": "%", "tickCount": 5}, "scale": {"domain": [0, 1]}},
            "color": _scenarios(result),
            "strokeDash": {"field": "name", "type": "nominal", "sort": None, "title": None,
                           "scale": {"domain": list(result.scenarios), "range": _dashes(result)}},
        },
    }  # fmt: skip
    due = {
        "data": {"values": [{"days": 0}]},
        "mark": {"type": "rule", "color": "#6b7280", "strokeDash": [3, 3]},
        "encoding": {"x": {"field": "days", "type": "quantitative"}},
    }
    spec = {**_values(result, rows), "layer": [due, line], "width": WIDTH, "height": 210}
    at_30 = dict(rows.filter(pl.col("days") == 30).select("scenario", "paid_share").iter_rows())
    told = ", ".join(f"{name} {at_30[at]:.0%}" for at, name in enumerate(result.scenarios) if at in at_30)
    alt = "Lines of the share of claims that are paid by each day after the due date, one a scenario."
    return Chart("Claims paid, by the day after the due date", f"{alt} By day 30: {told}." if told else alt, spec)


def _costs(result: Result, currency: str | None) -> Chart | None:
    is_priced = bool(currency) and bool(result.costs["cost_minor"].sum())
    if result.costs.is_empty():
        return None
    value = pl.col("cost_minor") / 10 ** exponent(currency or "EUR") if is_priced else pl.col("messages")
    rows = result.costs.select("scenario", "channel", value=value)
    channels = rows["channel"].unique().sort().to_list()
    what = f"cost, {currency}" if is_priced else "messages"
    spec = {
        **_values(result, rows),
        "mark": {"type": "bar", "height": {"band": 0.65}},
        "width": WIDTH,
        "height": {"step": 34},
        "encoding": {
            "y": {"field": "name", "type": "nominal", "sort": list(result.scenarios), "title": None},
            "x": {"field": "value", "type": "quantitative", "title": what, "axis": {"tickCount": 6}},
            "color": {"field": "channel", "type": "nominal", "title": "channel",
                      "scale": {"domain": channels, "range": list(SCENARIOS[: len(channels)])}},
        },
    }  # fmt: skip
    sums = dict(rows.group_by("scenario").agg(pl.col("value").sum()).iter_rows())
    told = ", ".join(f"{name} {sums.get(at, 0):,.2f}" for at, name in enumerate(result.scenarios))
    title = "Cost of the messages" if is_priced else "Messages, by channel"
    return Chart(title, f"Bars of the {what} of each scenario by channel: {told}.", spec)


def _rows(result: Result, panel: Spec) -> Spec:
    """One panel a scenario, one below the other, on the same scales."""
    facet = {"field": "name", "type": "nominal", "sort": list(result.scenarios), "title": None,
             "header": {"labelAnchor": "start", "labelOrient": "top"}}  # fmt: skip
    inner = {key: panel[key] for key in ("mark", "encoding", "width", "height")}
    return {"facet": {"row": facet}, "spec": inner, "spacing": 14}


def _values(result: Result, rows: pl.DataFrame) -> Spec:
    names = pl.lit(pl.Series(list(result.scenarios), dtype=pl.String))
    named = rows.with_columns(name=names.gather(pl.col("scenario").cast(pl.UInt32))).drop("scenario")
    dates = [name for name, dtype in named.schema.items() if dtype == pl.Date]
    return {"data": {"values": named.with_columns(pl.col(dates).dt.to_string("%Y-%m-%dT12:00:00")).to_dicts()}}


def _places(result: Result) -> pl.DataFrame:
    """Each stage once, in order, with its `rank`: the latest place that any of the policies gives it."""
    known = pl.concat([result.exposure.select("level", "stage"), result.messages.select("level", "stage")])
    return known.group_by("stage").agg(rank=pl.col("level").max()).sort("rank", "stage")


def _stages(result: Result, shown: pl.Series) -> Spec:
    """The stages of a chart from light to dark, in the order of their places: each has one colour in all charts."""
    said = [stage for stage in _places(result)["stage"] if stage not in NEUTRAL]
    dark = {stage: STAGES[min(at, len(STAGES) - 1)] for at, stage in enumerate(said)}
    order = [each for each in (NOT_DUE, NO_STAGE, *said, CLOSE) if each in set(shown)]
    scale = {"domain": order, "range": [NEUTRAL.get(stage) or dark[stage] for stage in order]}
    return {"field": "stage", "type": "nominal", "title": "stage", "scale": scale}


def _scenarios(result: Result) -> Spec:
    scale = {"domain": list(result.scenarios), "range": list(SCENARIOS[: len(result.scenarios)])}
    return {"field": "name", "type": "nominal", "sort": None, "title": None, "scale": scale}


def _dashes(result: Result) -> list[list[int]]:
    return list(DASHES[: len(result.scenarios)])
