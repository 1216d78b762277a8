"""`dunwell report`: figures over the book, today, on a day of the past, and over some days."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Final

import typer

from dunwell.cli import clock, trend
from dunwell.cli.command import Command
from dunwell.cli.doors import Json, day, entities_of, refuses
from dunwell.cli.showing import AllOrOne, Csv, Excel, show

app = typer.Typer(
    help="Figures over the book: ageing, DSO, CEI and others.", no_args_is_help=True, rich_markup_mode=None
)

From = Annotated[date | None, typer.Option("--from", parser=day, metavar="DATE", help="The first day.")]
To = Annotated[date | None, typer.Option("--to", parser=day, metavar="DATE", help="The last day. [default: yesterday]")]
Month = Annotated[str | None, typer.Option("--month", metavar="MONTH", help="The days of a month, such as 2026-03.")]
LastDays = Annotated[int | None, typer.Option("--days", metavar="N", help="The last N days, to yesterday.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Apart by segment or country of the account.")]
ByNotice = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Apart by stage, policy, channel, segment or country."),
]
Within = Annotated[int, typer.Option("--within", metavar="N", help="How many days count from the sending.")]

# What each command says of itself.
OVER_DAYS: Final = {
    "dso": "Show days sales outstanding, by countback, best possible and net.",
    "cei": "Show how much was collected of what could have been (CEI).",
    "lateness": "Show how many days late money came, weighed by amount.",
    "promises": "Show how many promises to pay were kept, and how much.",
    "roll": "Show how money rolled on from bucket to bucket in a month.",
    "turnover": "Show how often receivables turned over.",
}
AFTER_NOTICES: Final = {
    "success": "Show how much money came within some days of notices.",
    "responses": "Show how many notices were answered within some days.",
}
ABOUT_DAYS: Final = "Of the last three whole months, unless told of other days."


@app.callback()
def report() -> None:
    """Figures over the book: ageing, DSO, CEI and others."""


@app.command(cls=Command)
@refuses
def ageing(
    *,
    entity: AllOrOne = None,
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=day, metavar="DATE", help="At the end of this day. [default: today, so far]"),
    ] = None,
    by: By = None,
    json: Json = False,
    csv: Csv = None,
    excel: Excel = None,
) -> None:
    """Show what is owed, by how long it is past due.

    By currency, with open credits apart. On a day of the past, what was open then; on one to come, what is open today.
    """
    chosen = entities_of(entity)
    from dunwell.flows.reports.ageing import ageing_report

    show(ageing_report(chosen, as_of=as_of, at=clock.now(), by=by), json=json, csv=csv, excel=excel)


@app.command(cls=Command)
@refuses
def overview(
    *,
    entity: AllOrOne = None,
    from_: From = None,
    to: To = None,
    month: Month = None,
    days: LastDays = None,
    by: By = None,
    json: Json = False,
    csv: Csv = None,
    excel: Excel = None,
) -> None:
    """Show all measures on one page, beside the days before.

    Of the last three whole months, unless told of other days.
    """
    chosen = entities_of(entity)
    from dunwell.flows.reports.overview import overview as of
    from dunwell.flows.reports.period import days_asked

    asked = days_asked(chosen, clock.now(), from_on=from_, to_on=to, month=month, days=days)
    show(of(chosen, asked, at=clock.now(), by=by), json=json, csv=csv, excel=excel)


def _over_days(name: str, text: str) -> Callable[..., None]:
    def command(
        *,
        entity: AllOrOne = None,
        from_: From = None,
        to: To = None,
        month: Month = None,
        days: LastDays = None,
        by: By = None,
        json: Json = False,
        csv: Csv = None,
        excel: Excel = None,
    ) -> None:
        chosen = entities_of(entity)
        from dunwell.flows.reports.measures import measure
        from dunwell.flows.reports.period import days_asked

        asked = days_asked(chosen, clock.now(), from_on=from_, to_on=to, month=month, days=days)
        show(measure(name, chosen, asked, at=clock.now(), by=by), json=json, csv=csv, excel=excel)

    command.__doc__ = f"{text}\n\n{ABOUT_DAYS}"
    return command


def _after_notices(name: str, text: str) -> Callable[..., None]:
    def command(
        *,
        entity: AllOrOne = None,
        from_: From = None,
        to: To = None,
        month: Month = None,
        days: LastDays = None,
        by: ByNotice = None,
        within: Within = 14,
        json: Json = False,
        csv: Csv = None,
        excel: Excel = None,
    ) -> None:
        chosen = entities_of(entity)
        from dunwell.flows.reports.measures import measure
        from dunwell.flows.reports.period import days_asked

        asked = days_asked(chosen, clock.now(), from_on=from_, to_on=to, month=month, days=days)
        found = measure(name, chosen, asked, at=clock.now(), by=by, within_days=within)
        show(found, json=json, csv=csv, excel=excel)

    command.__doc__ = f"{text}\n\n{ABOUT_DAYS}"
    return command


for _name, _text in OVER_DAYS.items():
    app.command(_name, cls=Command)(refuses(_over_days(_name, _text)))
for _name, _text in AFTER_NOTICES.items():
    app.command(_name, cls=Command)(refuses(_after_notices(_name, _text)))
app.command(cls=Command)(trend.snapshot)
app.command(cls=Command)(trend.trend)
