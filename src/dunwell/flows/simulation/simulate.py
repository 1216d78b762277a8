"""Play policies over an entity's history and measure what comes of it. Nothing is written to the book."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.engine.book import CHANNELS, Book
from dunwell.engine.documents import DocumentError
from dunwell.engine.history import History
from dunwell.engine.money import MoneyError, to_minor
from dunwell.engine.simulation.happenings import Happenings, happenings
from dunwell.engine.simulation.play import Play, Scenario
from dunwell.engine.simulation.response import Model, Response, read_model
from dunwell.engine.simulation.result import CLAIMS, Result, measured
from dunwell.flows.errors import Invalid, NotFound
from dunwell.flows.law.rated import with_rates
from dunwell.flows.progress import Progress, untold
from dunwell.flows.simulation import words
from dunwell.flows.simulation.scenarios import scenarios_of
from dunwell.flows.simulation.span import Span, span_of
from dunwell.records.history import history
from dunwell.records.models import Entity
from dunwell.sources.wording import in_words

DAYS_MAX: Final = 3_660
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Simulated:
    """What was simulated, what came of it, and the sentences that belong to it."""

    entity: str
    currency: str | None
    scenarios: tuple[Scenario, ...]
    model: str | None
    seed: int | None
    costs: Mapping[str, int]
    result: Result
    claims: tuple[str, ...]


def simulate(
    entity: Entity,
    *,
    from_on: date,
    until_on: date,
    policies: Sequence[str],
    model: Path | None = None,
    seed: int = 1,
    costs: Mapping[str, Decimal] | None = None,
    reach: Sequence[str] = (),
    progress: Progress = untold,
) -> Simulated:
    """Play each scenario over the days from `from_on` to `until_on`, both among them.

    `policies`: see `scenarios_of`. `model`: the file of a response model; without it, payments are those that happened.
    `costs`: of a message, by channel, in the entity's currency; they come before those of the model. `reach`: channels
    that are taken to reach accounts that none reaches, by what is known of them.
    Errors: NotFound for what is not there, an empty book among it; Invalid.
    """
    _require_period(from_on, until_on)
    scenarios = scenarios_of(policies, entity)
    stated = _model(model, scenarios) if model else None
    priced = _priced(entity, {**(stated.costs if stated else {}), **(costs or {})})
    progress("reading the history")
    told = history(entity.pk, since=from_on - DAY)
    span = span_of(entity)
    _require_days(span, told, entity, from_on, until_on)
    happens = _reached(happenings(told, from_on), reach)
    play = _play(entity, happens, scenarios, stated, seed)
    while play.step(until_on):
        done, total = play.progress(until_on)
        progress("simulating", done, total)
    progress("measuring")
    used = happens.claims() if stated else happens
    names = [each.name for each in scenarios]
    played = play.played()
    result = measured(used, played, names, until_on, costs=priced)
    about = [*span.about(from_on, until_on, by_model=stated is not None), *_undated(told), *_unreached(happens)]
    own = [
        *span.missing(from_on),
        *words.claims(model=stated.model if stated else None, seed=seed),
        *about,
        *words.of_problems(played.problems, names),
    ]
    name, number = (stated.model, seed) if stated else (None, None)
    return Simulated(entity.code, entity.currency or None, scenarios, name, number, priced, result, tuple(own))


def _require_period(from_on: date, until_on: date) -> None:
    """Errors: Invalid."""
    if from_on > until_on:
        raise Invalid(f"the period ends before it begins: {from_on} is after {until_on}")
    if (until_on - from_on).days >= DAYS_MAX:
        raise Invalid(f"{from_on} to {until_on} is longer than {DAYS_MAX:,} days: simulate it in parts")


def _model(path: Path, scenarios: Sequence[Scenario]) -> Model:
    """Errors: NotFound, Invalid, OSError."""
    if not path.is_file():
        raise NotFound(f"there is no file {path}")
    try:
        text = path.read_text(encoding="utf-8")
        return read_model(text, str(path), [policy for each in scenarios for policy in each.policies])
    except UnicodeDecodeError:
        raise Invalid(f"{path}: it is not UTF-8 text") from None
    except DocumentError as error:
        problems = [str(each) for each in in_words(error).problems]
        raise Invalid(f"{path}: {len(problems)} problem{'s' * (len(problems) != 1)}", problems) from None


def _priced(entity: Entity, costs: Mapping[str, Decimal]) -> dict[str, int]:
    """Errors: Invalid for a cost that is none, and where the entity has no currency to say it in."""
    if costs and not entity.currency:
        raise Invalid(f"{entity.code} has no currency, so that nobody can say what a message costs")
    if strange := [name for name in costs if name not in CHANNELS]:
        raise Invalid(f"no channel is called {strange[0]!r}; there are {', '.join(CHANNELS)}")
    try:
        priced = {name: to_minor(each, entity.currency) for name, each in costs.items()}
    except MoneyError as error:
        raise Invalid(f"the cost of a message: {error}") from None
    if below := [name for name, minor in priced.items() if minor < 0]:
        raise Invalid(f"a message by {below[0]} cannot cost less than nothing")
    return priced


def _require_days(span: Span, told: History, entity: Entity, from_on: date, until_on: date) -> None:
    """Errors: NotFound for a period that the history lacks."""
    first_on, last_on = span.issued_from_on, span.last_on
    if until_on < first_on or (from_on > last_on and told.items.is_empty()):
        raise NotFound(f"the history of {entity.code} goes from {first_on} to {last_on}: nothing is in that period")


def _undated(told: History) -> Iterator[str]:
    if count := told.items.filter(pl.col("kind").is_in(CLAIMS), pl.col("issued_on").is_null()).height:
        yield words.of_undated(count)


def _reached(happens: Happenings, reach: Sequence[str]) -> Happenings:
    """Let channels reach the accounts that none reaches. Errors: Invalid for a channel that there is not."""
    if strange := [each for each in reach if each not in CHANNELS]:
        raise Invalid(f"no channel is called {strange[0]!r}; there are {', '.join(CHANNELS)}")
    bits = sum(1 << CHANNELS.index(each) for each in set(reach))
    channels = pl.when(pl.col("channels") == 0).then(pl.lit(bits, dtype=pl.UInt8)).otherwise("channels")
    return replace(happens, accounts=happens.accounts.with_columns(channels=channels))


def _play(entity: Entity, happens: Happenings, scenarios: Sequence[Scenario], model: Model | None, seed: int) -> Play:
    items = pl.concat([happens.opening, happens.booked])
    every = [policy for each in scenarios for policy in each.policies]
    rated = with_rates(Book.of(items=items), every)
    answers = None
    if model:
        names = dict(happens.accounts.select("account_id", "account").iter_rows())
        answers = Response(model, seed, names, len(scenarios), happens.from_on)
    rates = {"series": rated.series, "rates": rated.rates}
    return Play(happens, scenarios, entities={entity.pk: entity.code}, rates=rates, answers=answers)


def _unreached(happens: Happenings) -> Iterator[str]:
    """How many payers of claims nothing reaches."""
    owing = pl.concat([happens.opening, happens.booked]).select("account_id").unique()
    payers = owing.join(happens.parties, on="account_id").select(account_id="party_id").unique()
    known = payers.join(happens.accounts, on="account_id")
    if count := known.filter(pl.col("channels") == 0).height:
        yield (
            f"{count:,} of {known.height:,} payers have no address, by what is known today: no notice is sent to them."
            " --reach names channels that are taken to reach them."
        )
