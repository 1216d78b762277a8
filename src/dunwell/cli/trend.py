"""`dunwell report snapshot` and `report trend`: what is kept of every day, and how it went from month to month."""

from datetime import date
from typing import Annotated

import typer

from dunwell.cli import clock
from dunwell.cli.doors import Json, WrongUsage, day, entities_of, refuses
from dunwell.cli.showing import AllOrOne, Csv, Excel, show


@refuses
def snapshot(
    *,
    entity: AllOrOne = None,
    on: Annotated[
        date | None, typer.Option("--on", parser=day, metavar="DATE", help="Of this day. [default: yesterday]")
    ] = None,
    from_: Annotated[
        date | None, typer.Option("--from", parser=day, metavar="DATE", help="Of every day from this one on.")
    ] = None,
    to: Annotated[
        date | None, typer.Option("--to", parser=day, metavar="DATE", help="The last day. [default: yesterday]")
    ] = None,
    json: Json = False,
    csv: Csv = None,
    excel: Excel = None,
) -> None:
    """Measure days of the past, and keep their figures for trends.

    Workers keep each day by themselves once it is over. From what is on record by now; what was kept of these days
    before is replaced.
    """
    if on and (from_ or to):
        raise WrongUsage("--on is one day: give it, or --from and --to")
    chosen = entities_of(entity)
    from dunwell.flows.reports.period import days_asked
    from dunwell.flows.reports.snapshots import snapshot as keep

    days = days_asked(chosen, clock.now(), from_on=from_, to_on=to)
    show(keep(chosen, days or on, at=clock.now()), json=json, csv=csv, excel=excel)


@refuses
def trend(
    *,
    entity: AllOrOne = None,
    months: Annotated[int, typer.Option("--months", metavar="N", help="How many whole months back.")] = 12,
    json: Json = False,
    csv: Csv = None,
    excel: Excel = None,
) -> None:
    """Show DSO, overdue share and ageing from month to month.

    By the figures kept of every day. A day that was not kept is said, and never made up.
    """
    chosen = entities_of(entity)
    from dunwell.flows.reports.trend import trend as of

    show(of(chosen, months=months, at=clock.now()), json=json, csv=csv, excel=excel)
