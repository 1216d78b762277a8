"""The guard: a run unlike the last ones waits until somebody has looked at it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.conf import settings

from dunwell.engine.money import format_minor
from dunwell.records.models import Entity, Run, RunState

RUNS_COMPARED: Final = 5
RUNS_MIN: Final = 3  # fewer say nothing about what is usual
NOTICES_MIN: Final = 20  # below it, a multiple is nothing unusual


def unlike_the_last(entity: Entity, counts: Mapping[str, Any]) -> str:
    """Say what is unusual about a run, by `Run.counts`: its notices or a sum beyond `guard_factor` times the largest.

    Nothing where the setting is 0, or too few runs have been posted to compare with.
    """
    posted = Run.objects.filter(entity=entity, posted_at__isnull=False).exclude(state=RunState.REVERSED).order_by("-pk")
    last = list(posted.values_list("counts", flat=True)[:RUNS_COMPARED])
    factor = settings.CONFIG.guard_factor
    if not factor or len(last) < RUNS_MIN:
        return ""
    return "; ".join(_unusual(counts, last, factor))


def _unusual(counts: Mapping[str, Any], last: list[Mapping[str, Any]], factor: float) -> Iterator[str]:
    most = max(each["notices"] for each in last)
    if counts["notices"] > factor * max(most, NOTICES_MIN):
        yield f"{counts['notices']:,} notices, after at most {most:,} in the last {len(last)} runs"
    for currency, total in counts["sums_minor"].items():
        sums = [each["sums_minor"][currency] for each in last if currency in each["sums_minor"]]
        if sums and total > factor * max(sums):
            shown = format_minor(total, currency)
            yield f"a sum of {shown}, after at most {format_minor(max(sums), currency)} in the last {len(last)} runs"
