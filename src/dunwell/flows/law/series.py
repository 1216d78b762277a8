"""Every series of rates there is: those that come with Dunwell, continued by what people have added, and their own."""

from collections.abc import Collection
from dataclasses import dataclass

from dunwell.engine.data import series_names
from dunwell.engine.law.series import Series
from dunwell.engine.law.shipped import shipped_file
from dunwell.records.models import Rate, RateSeries


@dataclass(frozen=True)
class KnownSeries:
    """A series, what it is, and who says so; `kept`: at least a part of it is on record here."""

    series: Series
    title: str
    source: str
    kept: bool = False


def known_series(names: Collection[str] | None = None) -> dict[str, Series]:
    """Return the series of these names, or all there are; a name that nobody has given is left out.

    A shipped series is as it was shipped up to its end, and goes on with what is on record here.
    """
    return {name: known.series for name, known in described_series(names).items()}


def described_series(names: Collection[str] | None = None) -> dict[str, KnownSeries]:
    """Return series as `known_series` does, with what they are, in order of their names."""
    found = shipped_series(names)
    kept = RateSeries.objects.all() if names is None else RateSeries.objects.filter(pk__in=sorted(names))
    rows: dict[str, list[Rate]] = {each.pk: [] for each in kept}
    for rate in Rate.objects.filter(series__in=list(rows)).order_by("series_id", "from_on"):
        rows[rate.series_id].append(rate)
    for each in kept:
        found[each.pk] = _continued(found.get(each.pk), each, rows[each.pk])
    return dict(sorted(found.items()))


def shipped_series(names: Collection[str] | None = None) -> dict[str, KnownSeries]:
    """Return what comes with Dunwell of these series, or all of it; needs no book."""
    files = {name: shipped_file(name) for name in series_names() if names is None or name in names}
    return {name: KnownSeries(each.series, each.title, each.source) for name, each in files.items()}


def _continued(shipped: KnownSeries | None, kept: RateSeries, rows: list[Rate]) -> KnownSeries:
    """A series with what is on record after the end of what was shipped; of what lies before, the shipped holds."""
    if shipped is None:
        days, values = tuple(each.from_on for each in rows), tuple(each.value_millionths for each in rows)
        return KnownSeries(Series(kept.pk, kept.complete_until_on, days, values), kept.title, kept.source, kept=True)
    known = shipped.series
    new = [each for each in rows if each.from_on > known.complete_until_on]
    until_on = max(known.complete_until_on, kept.complete_until_on)
    series = Series(
        known.name,
        until_on,
        (*known.days, *(each.from_on for each in new)),
        (*known.values, *(each.value_millionths for each in new)),
    )
    return KnownSeries(series, shipped.title, "; ".join(filter(None, (shipped.source, kept.source))), kept=True)
