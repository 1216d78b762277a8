"""Let the ladder say whose money bank lines are, and apply what is certain enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl
from django.db import IntegrityError, transaction

from dunwell.cash.match import Matched, match
from dunwell.cash.settings import Settings
from dunwell.flows.cash.applying import CERTAIN, apply_match
from dunwell.flows.cash.reading import debtors, given_references, known_payers, open_items, waiting_lines
from dunwell.flows.cash.remittances import link_waiting
from dunwell.flows.entities import local_day
from dunwell.flows.errors import FlowError
from dunwell.flows.progress import Progress, untold
from dunwell.records.models import BANK_LINE_WAITS, BankLine, BankLineState, BankMatch, BankMatchPart, Entity
from dunwell.records.pieces import in_pieces


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


def match_lines(
    entity: Entity, *, apply: bool = True, settings: Settings | None = None, by: str, at: datetime,
    progress: Progress = untold,
) -> MatchReport:  # fmt: skip
    """Look at all lines that wait, apply what is certain enough, and propose the rest. Without `apply`, propose all."""
    today = local_day(entity, at)
    progress("reading")
    link_waiting(entity, on=today, settings=settings or Settings(), by=by, at=at)
    lines = waiting_lines(entity, on=today)
    items, payers = open_items(entity, on=today)
    progress("matching")
    accounts, given, known = debtors(entity, payers), given_references(entity), known_payers(entity)
    found = _for_people(entity, match(lines, items, accounts, given, known, settings or Settings()))
    with transaction.atomic():
        _keep(entity, found)
    certain = found.matches.filter(pl.col("outcome") == CERTAIN)["line_id"].to_list() if apply else []
    done = set()
    for number, line_id in enumerate(certain):
        progress("applying", number, len(certain))
        try:
            apply_match(entity, line_id, by_itself=True, by=by, at=at)
        except (FlowError, IntegrityError):
            continue  # what it was for has changed since it was read: the next look says what is so then
        done.add(line_id)
    return _report(entity, lines, found, done, len(certain))


def _for_people(entity: Entity, found: Matched) -> Matched:
    """Leave to a person what a person took back, what is for several payers, and what sets a credit off."""
    taken_back = BankLine.objects.filter(entity=entity, taken_back=True).exclude(state=BankLineState.APPLIED)
    nets = found.allocations.filter(pl.col("amount_minor") < 0)["line_id"].to_list()
    theirs = pl.col("line_id").is_in([*taken_back.values_list("pk", flat=True), *nets]) | pl.col("account_id").is_null()
    outcome = pl.col("outcome").cast(pl.String)
    only = pl.when(theirs & (outcome == CERTAIN)).then(pl.lit("propose")).otherwise(outcome)
    return replace(found, matches=found.matches.with_columns(outcome=only))


def _keep(entity: Entity, found: Matched) -> None:
    """Keep what was said of lines that nobody has applied meanwhile; what was said of them before is forgotten."""
    said = {row["line_id"]: row for row in found.matches.iter_rows(named=True)}
    parts = found.allocations.partition_by("line_id", as_dict=True)
    guesses = found.guesses.sort("line_id", "place").partition_by("line_id", as_dict=True)
    for ids in in_pieces(said):
        lines = list(
            BankLine.objects.select_for_update(no_key=True).filter(pk__in=ids, state__in=BANK_LINE_WAITS).order_by("pk")
        )
        BankMatch.objects.filter(line__in=lines).delete()
        matches = [
            BankMatch(
                entity=entity, line=line, step=row["step"], outcome=row["outcome"], account_id=row["account_id"],
                confidence_permille=row["confidence_permille"], applied_minor=row["applied_minor"],
                left_minor=row["left_minor"], why=row["why"], guesses=_plain(guesses.get((line.pk,))),
            )
            for line in lines
            for row in (said[line.pk],)
        ]  # fmt: skip
        BankMatch.objects.bulk_create(matches)
        BankMatchPart.objects.bulk_create(
            BankMatchPart(
                entity=entity, match_id=line.pk, item_id=row["item_id"], amount_minor=row["amount_minor"],
                discount_minor=row["discount_minor"], charges_minor=row["charges_minor"],
                difference_minor=row["difference_minor"],
            )
            for line in lines
            if (line.pk,) in parts
            for row in parts[(line.pk,)].iter_rows(named=True)
        )  # fmt: skip
        proposed = [line.pk for line in lines if said[line.pk]["outcome"] != "exception"]
        BankLine.objects.filter(pk__in=[line.pk for line in lines]).update(state=BankLineState.OPEN)
        BankLine.objects.filter(pk__in=proposed).update(state=BankLineState.PROPOSED)


def _plain(guesses: pl.DataFrame | None) -> list[dict[str, Any]]:
    return [] if guesses is None else guesses.drop("line_id").with_columns(pl.col("step").cast(pl.String)).to_dicts()


def _report(
    entity: Entity, lines: pl.DataFrame, found: Matched, done: Sequence[int] | set[int], certain: int
) -> MatchReport:
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
