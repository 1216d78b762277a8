"""Every series of rates: what it is, until when it is known, who asks for it; also those that nobody has given."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dunwell.engine.data import series_names
from dunwell.engine.law.flat import euro_series
from dunwell.flows.errors import NotFound
from dunwell.flows.law.given import points
from dunwell.flows.law.series import KnownSeries
from dunwell.flows.law.uses import asked_series, is_exchange


@dataclass(frozen=True)
class ListedOverruled:
    """Days of which something else was added here than a newer Dunwell says, which holds."""

    from_on: date
    until_on: date
    added: str
    holds: str


@dataclass(frozen=True)
class ListedSeries:
    """A series as people see it; one that nobody has given has no days and no value."""

    series: str
    title: str
    source: str
    from_on: date | None
    until_on: date | None
    value: str
    regimes: tuple[str, ...]
    comes_with_dunwell: bool
    added_here: bool
    rates: tuple[tuple[date, str], ...] = ()
    overruled: tuple[ListedOverruled, ...] = ()


def listed(known: Mapping[str, KnownSeries], name: str | None = None) -> list[ListedSeries]:
    """List every series, or one with all its rates. Errors: NotFound."""
    asked = {series: tuple(sorted(each.regimes)) for series, each in asked_series().items()}
    names = sorted({*known, *asked})
    if name is not None and name not in names:
        raise NotFound(f"there is no series {name!r}; there are {', '.join(_without_currencies(names))}")
    shown = names if name is None else [name]
    return [_listed(each, known.get(each), asked.get(each, ()), whole=name is not None) for each in shown]


def _listed(name: str, known: KnownSeries | None, regimes: tuple[str, ...], *, whole: bool) -> ListedSeries:
    if known is None:
        return ListedSeries(name, "", "", None, None, "", regimes, comes_with_dunwell=False, added_here=False)
    series = known.series
    rates = tuple((day, points(value)) for day, value in zip(series.days, series.values, strict=True))
    return ListedSeries(
        series=name,
        title=known.title,
        source=known.source,
        from_on=series.days[0] if series.days else None,
        until_on=series.complete_until_on,
        value=rates[-1][1] if rates else "",
        regimes=regimes,
        comes_with_dunwell=name in series_names(),
        added_here=known.kept,
        rates=rates if whole else (),
        overruled=overruled_of(known),
    )


def overruled_of(known: KnownSeries) -> tuple[ListedOverruled, ...]:
    """The days of a series of which something else was added than comes with Dunwell by now, as people see them."""
    return tuple(
        ListedOverruled(each.from_on, each.until_on, points(each.added_millionths), points(each.holds_millionths))
        for each in known.overruled
    )


def _without_currencies(names: list[str]) -> list[str]:
    rest = [name for name in names if not is_exchange(name)]
    return [*rest, f"{euro_series('USD')} ..."] if len(rest) < len(names) else rest
