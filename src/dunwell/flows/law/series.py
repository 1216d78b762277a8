"""Every series of rates there is: those that come with Dunwell, continued by what people have added, and their own."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from dunwell.engine.data import series_names
from dunwell.engine.law.series import Series
from dunwell.engine.law.shipped import shipped_file
from dunwell.flows.law.gaps import DAY, is_gap
from dunwell.records.models import Rate, RateSeries


@dataclass(frozen=True)
class Overruled:
    """Days of which people had said something else, in millionths, than the Dunwell says that came since."""

    from_on: date
    until_on: date
    added_millionths: int
    holds_millionths: int


@dataclass(frozen=True)
class KnownSeries:
    """A series, what it is, and who says so; `kept`: at least a part of it is on record here."""

    series: Series
    title: str
    source: str
    kept: bool = False
    overruled: tuple[Overruled, ...] = ()


def known_series(names: Collection[str] | None = None) -> dict[str, Series]:
    """Return the series of these names, or all there are; a name that nobody has given is left out.

    A shipped series is as it was shipped up to its end, and goes on with what is on record here. Where a newer Dunwell
    brings days of which people had said something else, what comes with Dunwell holds, and `overruled` says it.
    """
    return {name: known.series for name, known in described_series(names).items()}


def described_series(names: Collection[str] | None = None) -> dict[str, KnownSeries]:
    """Return series as `known_series` does, with what they are, in order of their names."""
    found = packaged_series(names)
    kept = RateSeries.objects.all() if names is None else RateSeries.objects.filter(pk__in=sorted(names))
    rows: dict[str, list[Rate]] = {each.pk: [] for each in kept}
    for rate in Rate.objects.filter(series__in=list(rows)).order_by("series_id", "from_on"):
        rows[rate.series_id].append(rate)
    for each in kept:
        found[each.pk] = _continued(found.get(each.pk), each, rows[each.pk])
    return dict(sorted(found.items()))


def packaged_series(names: Collection[str] | None = None) -> dict[str, KnownSeries]:
    """Return what comes with Dunwell of these series, or all of it; needs no book."""
    files = {name: shipped_file(name) for name in series_names() if names is None or name in names}
    return {name: KnownSeries(each.series, each.title, each.source) for name, each in files.items()}


def _continued(shipped: KnownSeries | None, kept: RateSeries, rows: list[Rate]) -> KnownSeries:
    """A series with what is on record after the end of what was shipped; of what lies before, the shipped holds.

    Where a day between the two has nobody who says what holds, as with an older Dunwell, the series ends before it.
    """
    own = Series(
        kept.pk,
        kept.complete_until_on,
        tuple(each.from_on for each in rows),
        tuple(each.value_millionths for each in rows),
    )
    if shipped is None:
        return KnownSeries(own, kept.title, kept.source, kept=True)
    known = shipped.series
    source = "; ".join(filter(None, (shipped.source, kept.source)))
    overruled = tuple(_overruled(own, known))
    added = _from(own, known.complete_until_on + DAY)
    if not added or is_gap(known.name, known.complete_until_on, min(added)):
        return KnownSeries(known, shipped.title, source, kept=True, overruled=overruled)
    if added[min(added)] == known.values[-1]:  # a day on which nothing changes says nothing
        del added[min(added)]
    return KnownSeries(
        _joined(known, added, until_on=own.complete_until_on), shipped.title, source, kept=True, overruled=overruled
    )


def _joined(known: Series, added: Mapping[date, int], *, until_on: date) -> Series:
    days = sorted(added)
    return Series(known.name, until_on, (*known.days, *days), (*known.values, *(added[day] for day in days)))


def _from(series: Series, first: date) -> dict[date, int]:
    """What a series says from a day on, with that day's value where it began to hold before."""
    if not series.days or first > series.complete_until_on:
        return {}
    added = {day: value for day, value in zip(series.days, series.values, strict=True) if day >= first}
    if series.days[0] <= first:
        added[first] = series.at(first)
    return added


def _overruled(own: Series, shipped: Series) -> Iterator[Overruled]:
    """The spans of days of which people said something else than what was shipped since."""
    last = min(own.complete_until_on, shipped.complete_until_on)
    first = max(own.days[0], shipped.days[0]) if own.days else date.max
    days = sorted({first, *own.days, *shipped.days})
    days = [day for day in days if first <= day <= last]
    for day, after in pairwise([*days, last + DAY]):
        if own.at(day) != shipped.at(day):
            yield Overruled(day, after - DAY, own.at(day), shipped.at(day))
