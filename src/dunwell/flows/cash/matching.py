"""Let the ladder say whose money bank lines are, and apply what is certain enough."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import polars as pl
from django.db import IntegrityError

from dunwell.cash.match import Matched, read
from dunwell.cash.settings import Settings
from dunwell.flows.cash.allowed import settings_of
from dunwell.flows.cash.applying import CERTAIN, apply_certain
from dunwell.flows.cash.holding import hold_back
from dunwell.flows.cash.keeping import keep
from dunwell.flows.cash.reading import (
    debtors,
    earlier_lines,
    given_references,
    known_payers,
    open_items,
    paid_items,
    paid_numbers,
    paid_references,
    reference_forms,
    waiting_lines,
)
from dunwell.flows.cash.remittances import link_waiting
from dunwell.flows.cash.returning import return_certain
from dunwell.flows.cash.taking_back import own_money_back
from dunwell.flows.entities import local_day
from dunwell.flows.errors import FlowError
from dunwell.flows.progress import Progress, untold
from dunwell.records.models import BankLine, BankLineState, Entity

AT_ONCE: Final = 100  # lines in a transaction, for which others wait


@dataclass(frozen=True, kw_only=True)
class MatchReport:
    """How many lines there were, and what became of them; sums in minor units by currency.

    The sum of the lines is what was applied, what is left on accounts of it, and what waits for a person.
    """

    entity: str
    lines: int
    applied: int
    proposed: int
    exceptions: int
    passed_by: int  # applied by somebody else meanwhile, or not possible any more
    sums: Mapping[str, Mapping[str, int]]
    returned: int = 0  # lines that took an earlier one back by themselves: neither of the two is among the lines
    returns_waiting: int = 0  # those that a person has to look at
    return_charges: Mapping[str, int] = field(default_factory=dict)  # what banks took beyond, by currency


def match_lines(
    entity: Entity, *, apply: bool = True, settings: Settings | None = None, by: str, at: datetime,
    progress: Progress = untold,
) -> MatchReport:  # fmt: skip
    """Look at all lines that wait, apply what is certain enough, and propose the rest. Without `apply`, propose all.

    What banks take back is taken back first. What is left holds reminders back, as far as the settings say: those of
    the entity, where none are given. Errors: Invalid for kept settings that can be none.
    """
    today, settings = local_day(entity, at), settings or settings_of(entity)
    back = return_certain(entity, settings=settings, apply=apply, by=by, at=at, progress=progress)
    progress("reading")
    link_waiting(entity, on=today, settings=settings, by=by, at=at)
    lines = waiting_lines(entity, on=today)
    items, payers = open_items(entity, on=today)
    progress("matching")
    accounts, given, known = debtors(entity, payers), given_references(entity), known_payers(entity)
    said = read(lines, items, accounts, given, known, settings)
    quotes = said.quoted(reference_forms(entity))
    settled = paid_references(entity, quotes["reference"], accounts, on=today)
    by_payer = paid_items(said.asked(), accounts, on=today)
    by_number = paid_numbers(entity, said.asked_numbers(), accounts, on=today)
    matched = said.match(pl.concat([by_payer, by_number]).unique(), quotes, settled, earlier_lines(entity, lines))
    found = _for_people(entity, matched)
    keep(entity, lines, found, on=today, by=by, at=at, progress=progress)
    certain = found.matches.filter(pl.col("outcome") == CERTAIN)["line_id"].to_list() if apply else []
    done = _apply(entity, lines, certain, by=by, at=at, progress=progress)
    hold_back(entity, settings, by=by, at=at)
    report = _report(entity, lines, found, done, len(certain))
    return replace(report, returned=back.returned, returns_waiting=back.waiting, return_charges=back.over)


def _for_people(entity: Entity, found: Matched) -> Matched:
    """Leave to a person what a person took back, and what we paid ourselves."""
    taken_back = BankLine.objects.filter(entity=entity, taken_back=True).exclude(state=BankLineState.APPLIED)
    asked = [*taken_back.values_list("pk", flat=True), *own_money_back(entity).values_list("pk", flat=True)]
    is_theirs = pl.col("line_id").is_in(asked)
    outcome = pl.col("outcome").cast(pl.String)
    only = pl.when(is_theirs & (outcome == CERTAIN)).then(pl.lit("propose")).otherwise(outcome)
    return replace(found, matches=found.matches.with_columns(outcome=only))


def _apply(
    entity: Entity, lines: pl.DataFrame, certain: list[int], *, by: str, at: datetime, progress: Progress
) -> set[int]:
    """Apply lines, the earlier booked first, some in a transaction; where one of them cannot be, each in its own."""
    in_order = lines.filter(pl.col("line_id").is_in(certain)).sort("booked_on", "line_id")["line_id"].to_list()
    done: set[int] = set()
    for start in range(0, len(in_order), AT_ONCE):
        progress("applying", start, len(in_order))
        some = in_order[start : start + AT_ONCE]
        try:
            done |= apply_certain(entity, some, by=by, at=at)
        except (FlowError, IntegrityError):
            for line_id in some:
                # What it was for has changed since it was read: the next look says what is so then.
                with suppress(FlowError, IntegrityError):
                    done |= apply_certain(entity, [line_id], by=by, at=at)
    return done


def _report(entity: Entity, lines: pl.DataFrame, found: Matched, done: set[int], certain: int) -> MatchReport:
    outcomes = dict(found.matches.select("line_id", pl.col("outcome").cast(pl.String)).iter_rows())
    currency = dict(lines.select("line_id", "currency").iter_rows())
    sums: dict[str, dict[str, int]] = {}
    for row in found.matches.iter_rows(named=True):
        of = sums.setdefault(currency[row["line_id"]], dict.fromkeys(("lines", "applied", "left", "waiting"), 0))
        whole = row["applied_minor"] + row["left_minor"]
        of["lines"] += whole
        if row["line_id"] in done:
            of["applied"] += row["applied_minor"]
            of["left"] += row["left_minor"]
        else:
            of["waiting"] += whole
    return MatchReport(
        entity=entity.code, lines=lines.height, applied=len(done), passed_by=certain - len(done),
        proposed=sum(outcome != "exception" for outcome in outcomes.values()) - certain,
        exceptions=sum(outcome == "exception" for outcome in outcomes.values()), sums=sums,
    )  # fmt: skip
