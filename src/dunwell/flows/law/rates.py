"""Rates that people add: held against what is known, kept as a whole or not at all, and put on record."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from django.db import transaction

from dunwell.engine.law.needs import series_needed
from dunwell.engine.law.series import Series
from dunwell.flows import policies
from dunwell.flows.errors import Invalid
from dunwell.flows.law.gaps import DAY, end_of_half_year, is_for_half_years, is_gap, without_old_holes
from dunwell.flows.law.given import Given, differences, points, problems_of, shipped_until
from dunwell.flows.law.series import described_series
from dunwell.flows.runs.proposal import book_changed
from dunwell.records import audit
from dunwell.records.models import Entity, Item, Rate, RateSeries
from dunwell.sources.problems import SourceError
from dunwell.sources.rates import RateFile, RateRow, read_rates, value_millionths

PROBLEMS_MAX: Final = 50
SOURCE_MAX: Final = 2000
TITLE_MAX: Final = 200


@dataclass(frozen=True)
class Kept:
    """What came of rates for one series: what is new, what was corrected, and until when it is known now.

    `resumes_on`: the day from which a correction ends and the `resumes` value of before holds again.
    """

    series: str
    added: int
    corrected: int
    until_on: date
    resumes_on: date | None = None
    resumes: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return bool(self.added or self.corrected)


def add_rate(
    name: str,
    from_on: date,
    value: str,
    *,
    until_on: date | None = None,
    source: str = "",
    correct: str = "",
    by: str,
    at: datetime,
) -> Kept:
    """Say what a series is from a day on, through `until_on`; the same again changes nothing.

    What waits unposted of entities whose policies ask it is superseded.

    Without `until_on` it is the day itself, or, of a first day of January or July, all of its half-year where regimes
    ask for half-years alone. Errors: Invalid for a name nobody asks for, what cannot be, what contradicts a known
    value, and a gap before the day.
    """
    millionths = value_millionths(value)
    if isinstance(millionths, str):
        raise Invalid(f"{name}: {millionths}")
    end = until_on or _end(name, from_on)
    if end < from_on:
        raise Invalid(f"{name}: it cannot hold until {end}: that is before {from_on}")
    file = RateFile(name, "", source, end, (RateRow(1, from_on, millionths),))
    return _keep([Given(file)], correct=correct, by=by, at=at)[0]


def import_rates(
    path: Path, *, name: str | None = None, until_on: date | None = None, correct: str = "", by: str, at: datetime
) -> list[Kept]:
    """Take all rates of a file, or none of them; the same file again changes nothing. Supersedes as `add_rate` does.

    Errors: Invalid, with line and what to do of each problem; OSError.
    """
    try:
        files = read_rates(path, series=name, until_on=until_on)
    except SourceError as error:
        raise Invalid(f"{path.name}: nothing is taken", str(error).splitlines()) from None
    if not files:
        raise Invalid(f"{path.name} has no series {name}")
    files = [file if file.says_until else replace(file, until_on=_end(file.series, file.until_on)) for file in files]
    return _keep([Given(without_old_holes(file), path.name) for file in files], correct=correct, by=by, at=at)


def _end(name: str, day: date) -> date:
    """Until when a value is known of which nobody says so: of a rate for half-years its end."""
    is_first = day.day == 1 and day.month in {1, 7}
    return end_of_half_year(day) if is_first and is_for_half_years(name) else day


def _keep(given: Sequence[Given], *, correct: str, by: str, at: datetime) -> list[Kept]:
    if correct and not correct.strip():
        raise Invalid("--correct: say why it was wrong")
    with transaction.atomic():
        names = sorted(each.file.series for each in given)
        list(RateSeries.objects.select_for_update().filter(pk__in=names).order_by("pk"))
        known = {name: described.series for name, described in described_series(names).items()}
        problems = [
            problem
            for each in given
            for problem in problems_of(each, known.get(each.file.series), is_corrected=bool(correct), at=at)
        ]
        if problems:
            more = [f"and {len(problems) - PROBLEMS_MAX:,} more problems"] if len(problems) > PROBLEMS_MAX else []
            raise Invalid("nothing is taken", [*problems[:PROBLEMS_MAX], *more])
        kept = [_kept(each.file, known.get(each.file.series), correct=correct, by=by, at=at) for each in given]
        _decide_anew({each.series for each in kept if each.changed})
        return kept


def _decide_anew(series: Collection[str]) -> None:
    """Drop what waits unposted where a policy in force asks these series: it was decided by what was known before."""
    for entity in Entity.objects.select_for_update(no_key=True).order_by("pk") if series else ():
        if _asks(entity, series):
            book_changed(entity, "rates were changed that it was decided by")


def _asks(entity: Entity, series: Collection[str]) -> bool:
    """Whether a policy in force may ask one of these series, or one that cannot be read any more might."""
    try:
        rules = policies.parsed(policies.versions_in_force(entity))
    except Invalid:
        return True
    if not any(policy.law for policy in rules):
        return False
    items = Item.objects.filter(entity=entity, closed_on=None).order_by()
    currencies = items.values_list("currency", flat=True).distinct()
    return not series_needed(rules, list(currencies)).isdisjoint(series)


def _kept(file: RateFile, known: Series | None, *, correct: str, by: str, at: datetime) -> Kept:
    """Write what is new of a series, and what is corrected; what comes with Dunwell stays as it is."""
    until_on = max(file.until_on, known.complete_until_on) if known else file.until_on
    package_until = shipped_until(file.series)
    own_before = _own(dict(zip(known.days, known.values, strict=True)) if known else {}, package_until)
    own_after = _own(_spliced(file, known), package_until)
    corrected = sum(1 for _ in differences(file, known)) if known else 0
    is_longer = known is None or until_on > known.complete_until_on
    added = len(own_after.keys() - own_before.keys()) + (own_before == own_after and is_longer)
    if own_before == own_after and not is_longer:
        return Kept(file.series, 0, 0, until_on)
    before = RateSeries.objects.filter(pk=file.series).first()
    if before and known and before.complete_until_on > known.complete_until_on:
        _require_joined(before, known, file)
    changed: dict[str, object] = {"complete_until_on": max(until_on, before.complete_until_on) if before else until_on}
    texts = {"source": file.source[:SOURCE_MAX], "title": file.title[:TITLE_MAX]}
    changed |= {name: text for name, text in texts.items() if text}
    series, _new = RateSeries.objects.update_or_create(pk=file.series, defaults=changed)
    _write(series, _from_end_of_package(_spliced(file, known), package_until), until_on=until_on)
    _record(series, file, own_before, own_after, correct=correct if corrected else "", by=by, at=at)
    resumes_on, resumes = _resumed(file, known) if corrected and known else (None, "")
    return Kept(file.series, max(added - corrected, 0), corrected, until_on, resumes_on, resumes)


def _resumed(file: RateFile, known: Series) -> tuple[date | None, str]:
    """The day after what is given, and the value that holds on it as before; none where nothing changes on it."""
    after = file.until_on + DAY
    if after > known.complete_until_on or after in known.days or known.at(after) == file.rows[-1].value_millionths:
        return None, ""
    return after, points(known.at(after))


def _require_joined(kept: RateSeries, known: Series, file: RateFile) -> None:
    """Days that an older Dunwell does not bring any more are said up to what was added after them. Errors: Invalid."""
    first = kept.rates.filter(from_on__gt=known.complete_until_on).order_by("from_on").values_list("from_on", flat=True)
    follows = first[0] if first else kept.complete_until_on + DAY
    if file.until_on >= follows or is_gap(file.series, file.until_on, follows):
        raise Invalid(
            f"{file.series}: what was added here holds from {follows}, and nobody says what holds from"
            f" {known.complete_until_on + DAY}: say what does until {follows - DAY}, with --until"
        )


def _own(rows: Mapping[date, int], package_until: date | None) -> dict[date, int]:
    return {day: value for day, value in rows.items() if package_until is None or day > package_until}


def _spliced(file: RateFile, known: Series | None) -> dict[date, int]:
    """What holds from which day on, with what is given in the place of what is known of the same days."""
    said = {row.from_on: row.value_millionths for row in file.rows}
    if known is None:
        return said
    first, last = file.rows[0].from_on, file.until_on
    outside = {day: value for day, value in zip(known.days, known.values, strict=True) if day < first or day > last}
    resumes = last + DAY
    if known.days and known.days[0] <= resumes <= known.complete_until_on:
        outside.setdefault(resumes, known.at(resumes))
    found = {**outside, **said}
    merged: dict[date, int] = {}
    for day in sorted(found):  # a day on which nothing changes says nothing
        if not merged or next(reversed(merged.values())) != found[day]:
            merged[day] = found[day]
    return merged


def _from_end_of_package(rows: Mapping[date, int], package_until: date | None) -> dict[date, int]:
    """What is to be on record: all after what comes with Dunwell, and the first such day even where nothing changes.

    A newer Dunwell may bring a change before that day, after which what was said here holds again.
    """
    own = _own(rows, package_until)
    if package_until and package_until < date.max:
        before = [day for day in rows if day <= package_until + DAY]
        own[package_until + DAY] = rows[max(before)]
    return own


def _write(series: RateSeries, rows: Mapping[date, int], *, until_on: date) -> None:
    """Let the rows on record be these; what was said of days before or after them stays."""
    within = series.rates.filter(from_on__gte=min(rows), from_on__lte=until_on)
    there = {rate.from_on: rate for rate in within}
    series.rates.filter(from_on__in=[day for day in there if rows.get(day) != there[day].value_millionths]).delete()
    Rate.objects.bulk_create(
        Rate(series=series, from_on=day, value_millionths=value)
        for day, value in rows.items()
        if day not in there or there[day].value_millionths != value
    )


def _record(
    series: RateSeries,
    file: RateFile,
    before: Mapping[date, int],
    after: Mapping[date, int],
    *,
    correct: str,
    by: str,
    at: datetime,
) -> None:
    new = {day.isoformat(): points(value) for day, value in after.items() if before.get(day) != value}
    gone = {day.isoformat(): points(value) for day, value in before.items() if after.get(day) != value}
    detail = {"until": series.complete_until_on.isoformat(), "rates": new, "source": file.source}
    if correct:
        detail |= {"instead_of": gone, "reason": correct}
    audit.record(by, "rates.corrected" if correct else "rates.added", series, at=at, entity_id=None, **detail)
