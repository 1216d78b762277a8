"""Charts of a simulation: what they show, what they say to who cannot see them, and that they need no network."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from dunwell.engine.simulation.result import NO_STAGE, NOT_DUE, SCHEMAS, Result
from dunwell.insight.page import Figure, Table, page
from dunwell.insight.pictures import png, svg
from dunwell.insight.simulated import STAGES, alone, charts, together

FROM = date(2026, 1, 1)
NAMES = ("now", "<b>later</b>")


def result(days: int = 60, names: tuple[str, ...] = NAMES, currencies: tuple[str, ...] = ("EUR",)) -> Result:
    """Two scenarios, of which the second sends half as much."""
    until = FROM + timedelta(days=days - 1)
    stages = ((NOT_DUE, -1, 500), (NO_STAGE, 0, 100), ("first", 1, 200), ("second", 2, 300))
    exposure = [
        {"scenario": at, "on": FROM + timedelta(days=day), "currency": currency, "stage": stage, "level": level,
         "open_minor": minor * 100 + day}
        for at in range(len(names)) for day in range(days) for currency in currencies for stage, level, minor in stages
    ]  # fmt: skip
    messages = [
        {"scenario": at, "month": FROM, "stage": stage, "level": level, "channel": "email", "messages": 10 // (at + 1)}
        for at in range(len(names))
        for stage, level in (("first", 1), ("close", 0))
    ]
    rows: dict[str, list[dict[str, object]]] = {
        "exposure": exposure,
        "messages": messages,
        "costs": [{"scenario": at, "channel": "email", "messages": 9, "cost_minor": 18} for at in range(len(names))],
        "paid_by_day": [
            {"scenario": at, "days": day, "paid_share": min(1.0, (day + 30) / 90)}
            for at in range(len(names))
            for day in range(-30, 61)
        ],
        "totals": [{"scenario": at, "currency": "EUR", "overdue_minor": 60000} for at in range(len(names))],
    }
    tables = {name: _frame(name, rows.get(name, [])) for name in SCHEMAS}
    return Result(names, FROM, until, **tables)


def _frame(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    given = pl.DataFrame(rows, infer_schema_length=None)
    columns = [
        pl.col(column).cast(dtype) if column in given.columns else pl.lit(None, dtype=dtype).alias(column)
        for column, dtype in SCHEMAS[name].items()
    ]
    return given.select(columns) if rows else pl.DataFrame(schema=SCHEMAS[name])


def test_four_charts_each_with_words_for_who_cannot_see_them() -> None:
    drawn = charts(result(), "EUR")
    assert [each.title for each in drawn] == [
        "Open amounts by stage, EUR", "Messages a month, by stage", "Claims paid, by the day after the due date",
        "Cost of the messages",
    ]  # fmt: skip
    assert "Overdue at the end: now 600, <b>later</b> 600" in drawn[0].alt
    assert "now 20, <b>later</b> 10" in drawn[1].alt
    assert "By day 30: now 67%" in drawn[2].alt
    assert "now 0.18" in drawn[3].alt


def test_each_currency_has_a_chart_of_its_own() -> None:
    titles = [each.title for each in charts(result(currencies=("EUR", "JPY")), None)]
    assert titles[:2] == ["Open amounts by stage, EUR", "Open amounts by stage, JPY"]
    assert titles[-1] == "Messages, by channel"  # nobody said what they cost


def test_a_stage_has_one_colour_in_all_charts() -> None:
    exposure, messages = charts(result(), "EUR")[:2]
    scales = [each.spec["spec"]["encoding"]["color"]["scale"] for each in (exposure, messages)]
    colours = [dict(zip(each["domain"], each["range"], strict=True)) for each in scales]
    assert colours[0]["first"] == colours[1]["first"] == STAGES[0]
    assert scales[0]["domain"] == [NOT_DUE, NO_STAGE, "first", "second"]
    assert scales[1]["domain"] == ["first", "close"]


def test_a_stage_that_two_policies_have_at_different_places_has_one_place_and_one_row_a_day() -> None:
    found = result(days=2)
    shorter = {"scenario": 1, "on": FROM, "currency": "EUR", "stage": "second", "level": 1, "open_minor": 700}
    early = {**shorter, "stage": "a-first", "level": 1, "scenario": 0}
    rows = _frame("exposure", [shorter, early])
    drawn = charts(replace(found, exposure=pl.concat([found.exposure, rows])), None)[0]
    domain = drawn.spec["spec"]["encoding"]["color"]["scale"]["domain"]
    assert domain == [NOT_DUE, NO_STAGE, "a-first", "first", "second"]
    values = drawn.spec["data"]["values"]
    assert len(values) == len({(row["name"], row["on"], row["stage"]) for row in values})
    # On its first day 300.00 of the second policy's at its own level, and 7.00 at another one.
    assert [row["amount"] for row in values if (row["name"], row["on"][:10], row["stage"]) == (
        NAMES[1], str(FROM), "second")] == [307]  # fmt: skip
    assert {row["stage"]: row["rank"] for row in values}["second"] == 2


def test_a_long_period_is_drawn_by_the_week_and_its_last_day() -> None:
    drawn = charts(result(days=200), None)[0]
    days = {row["on"][:10] for row in drawn.spec["data"]["values"]}
    assert len(days) == 30
    assert str(FROM + timedelta(days=199)) in days
    assert drawn.title == "Open amounts by stage, EUR, by the week"
    assert "One day of each week is drawn, and the last." in drawn.alt
    assert "each week" not in charts(result(days=120), None)[0].alt


def test_what_was_never_sent_has_no_chart() -> None:
    silent = result()
    empty = Result(
        silent.scenarios, silent.from_on, silent.until_on,
        **{name: pl.DataFrame(schema=schema) for name, schema in SCHEMAS.items()},
    )  # fmt: skip
    assert charts(empty, "EUR") == []


def test_pictures_show_their_words_and_ask_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    drawn = charts(result(), "EUR")
    text = svg(together(drawn))
    for words in ("Open amounts by stage, EUR", "no notice yet", "second", "days after the due date", "cost, EUR"):
        assert words in text
    assert "<b>" not in text
    assert set(re.findall(r"https?://[^\"' )]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    picture = png(alone(drawn[3]))
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5_000


def test_a_page_is_one_file_without_scripts(tmp_path: Path) -> None:
    drawn = charts(result(), "EUR")
    figures = [Figure(each.title, each.alt, svg(alone(each))) for each in drawn]
    tables = [Table("Contacts", ("", *NAMES), [["notices", "1,000", "7"]])]
    text = page("Simulation", "ACME", ["It <cannot> say"], figures, tables)
    assert "<script" not in text
    assert "src=" not in text
    assert "<b>later" not in text
    assert "&lt;b&gt;later&lt;/b&gt;" in text
    assert text.count('role="img"') >= 4
    assert "It &lt;cannot&gt; say" in text
    assert '<th scope="row">notices</th><td>1,000</td>' in text
