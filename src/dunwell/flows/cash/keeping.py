"""Keep what the ladder said of the lines that wait: what it says anew, and nothing of what it said before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

import polars as pl
from django.db import transaction

from dunwell.cash.match import Matched
from dunwell.cash.tables import LINES
from dunwell.flows.cash.exceptions import ask_about
from dunwell.flows.progress import Progress
from dunwell.records.models import BANK_LINE_WAITS, BankLine, BankLineState, BankMatch, BankMatchPart, Entity
from dunwell.records.pieces import in_pieces

EXCEPTION: Final = "exception"
_SAID: Final = ("step", "outcome", "confidence_permille", "account_id", "applied_minor", "left_minor", "why")
_OF_PART: Final = ("item_id", "amount_minor", "discount_minor", "charges_minor", "difference_minor")


def keep(
    entity: Entity, read: pl.DataFrame, found: Matched, *, on: date, by: str, at: datetime, progress: Progress
) -> None:
    """Keep what was said of lines that nobody has applied meanwhile, some at a time, with the tasks that they need.

    A line of which the same is said as before is left alone, and so is one whose documents are others than when it was
    `read`: of what an advice says that came meanwhile, the next look knows.
    """
    documents = dict(read.select("line_id", "documents").iter_rows())
    said = {row["line_id"]: row for row in found.matches.iter_rows(named=True)}
    parts = _by_line(found.allocations)
    guesses = _by_line(found.guesses.sort("line_id", "place").with_columns(pl.col("step").cast(pl.String)))
    for number, ids in enumerate(in_pieces(said)):
        progress("keeping", number * len(ids), len(said))
        with transaction.atomic():
            waiting = BankLine.objects.filter(pk__in=ids, state__in=BANK_LINE_WAITS).order_by("pk")
            locked = list(waiting.select_for_update(no_key=True))
            told = pl.Series([line.documents for line in locked], dtype=LINES["documents"])
            lines = [line for line, now in zip(locked, told.to_list(), strict=True) if now == documents[line.pk]]
            matches = {
                line.pk: BankMatch(
                    entity=entity, line=line, guesses=guesses.get(line.pk, []),
                    **{name: said[line.pk][name] for name in _SAID},
                )
                for line in lines
            }  # fmt: skip
            _keep_new(entity, matches, parts)
            _set_states(lines, matches)
            unknown = {line_id: match for line_id, match in matches.items() if match.outcome == EXCEPTION}
            ask_about(entity, lines, unknown, on=on, by=by, at=at)


def _keep_new(entity: Entity, matches: Mapping[int, BankMatch], parts: Mapping[int, list[dict[str, Any]]]) -> None:
    """Keep the matches that are not there to the letter, in the place of those that are."""
    kept = BankMatch.objects.filter(line__in=matches).prefetch_related("parts")
    same = {match.line_id for match in kept if _is_same(match, matches[match.line_id], parts.get(match.line_id, []))}
    new = {line_id: match for line_id, match in matches.items() if line_id not in same}
    BankMatch.objects.filter(line__in=new).delete()
    BankMatch.objects.bulk_create(new.values())
    BankMatchPart.objects.bulk_create(
        BankMatchPart(entity=entity, match_id=line_id, **{name: part[name] for name in _OF_PART})
        for line_id in new
        for part in parts.get(line_id, ())
    )


def _is_same(kept: BankMatch, match: BankMatch, parts: list[dict[str, Any]]) -> bool:
    told = [tuple(getattr(part, name) for name in _OF_PART) for part in kept.parts.all()]
    return (
        all(getattr(kept, name) == getattr(match, name) for name in _SAID)
        and kept.guesses == match.guesses
        and sorted(told) == sorted(tuple(part[name] for name in _OF_PART) for part in parts)
    )


def _set_states(lines: Iterable[BankLine], matches: Mapping[int, BankMatch]) -> None:
    changed = defaultdict(list)
    for line in lines:
        state = BankLineState.OPEN if matches[line.pk].outcome == EXCEPTION else BankLineState.PROPOSED
        if line.state != state:
            changed[state].append(line.pk)
    for state, ids in changed.items():
        BankLine.objects.filter(pk__in=ids).update(state=state)


def _by_line(rows: pl.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """Rows by their line, without it."""
    found = defaultdict(list)
    for row in rows.iter_rows(named=True):
        found[row.pop("line_id")].append(row)
    return found
