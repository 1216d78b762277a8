"""A stated model of how payments answer: nothing in it is fitted, whoever writes it answers for it.

Every open claim is paid on each day by some chance, which depends on the days past its due date and is raised for some
days by a notice. One draw a claim, from the seed and the claim's name, says how much of such chances it takes: all
scenarios meet the same luck, and who is pressed more never pays later.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from itertools import pairwise
from typing import Annotated, Final

import polars as pl
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from dunwell.engine.book import CHANNELS
from dunwell.engine.documents import DocumentError, hint, read_as, read_document
from dunwell.engine.history import MOVES
from dunwell.engine.money import round_half_up
from dunwell.engine.policy.model import Keys, Policy

SCALE: Final = 10**12  # of chances laid up, which are whole numbers: the same on every machine
EXACT: Final = Context(prec=28)
ONCE: Final = 100  # `times` in hundredths


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError(f"{value!r} is not a number")
    if not Decimal(value).is_finite() or Decimal(value) != Decimal(value).quantize(Decimal("0.0001")):
        raise ValueError(f"{value} has more than four decimals")
    return Decimal(value)


def _times(value: Decimal) -> Decimal:
    if not 1 <= value <= 100 or value != value.quantize(Decimal("0.01")):
        raise ValueError("a notice raises the chance 1 to 100 times, with at most two decimals")
    return value


def _below_all(value: Decimal) -> Decimal:
    if not 0 <= value < 100:
        raise ValueError("a percentage lies from 0 to below 100")
    return value


_NUMBER = {"type": "number"}
Share = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_below_all), WithJsonSchema(_NUMBER)]
Times = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_times), WithJsonSchema(_NUMBER)]
Cost = Annotated[Decimal, BeforeValidator(_decimal), WithJsonSchema(_NUMBER)]


class Pays(Keys):
    """The chance of a day, from so many days past the due date on; before the first of them it is none."""

    from_days: Annotated[int, Field(ge=-3650, le=3650)]
    percent_a_day: Share


class AfterNotice(Keys):
    """What a notice does: the chance is so many `times` as high for so many `days`; without stage or level, any."""

    stage: str | None = None
    level: Annotated[int, Field(ge=0, le=99)] | None = None
    times: Times
    days: Annotated[int, Field(ge=1, le=3650)]

    def fits(self, stage: str, level: int) -> bool:
        """Whether it says something about a notice."""
        return self.stage in (None, stage) and self.level in (None, level)


class Parts(Keys):
    """How many of a hundred claims are paid in two parts, and how much of such a claim the first part is."""

    percent_of_claims: Share
    first_percent: Share


class Model(Keys):
    """A response model. Of `after_notice` the first that fits a notice counts. `costs`: of a message, by channel."""

    model: str
    title: str = ""
    pays: Annotated[list[Pays], Field(min_length=1, max_length=100)]
    never_percent: Share = Decimal(0)
    parts: Parts | None = None
    after_notice: Annotated[list[AfterNotice], Field(max_length=100)] = Field(default=[])
    costs: dict[str, Cost] = Field(default={})


def read_model(text: str, source: str, policies: Sequence[Policy]) -> Model:
    """Read a response model for these policies. Errors: DocumentError with a line for each problem."""
    document = read_document(text, source)
    if not isinstance(document.data, dict):
        raise DocumentError([document.problem((), "a response model is a mapping that begins with `model: name`")])
    model = read_as(document, Model)
    stages = {stage.stage for policy in policies for stage in policy.stages}
    problems = [
        document.problem(
            ("after_notice", at, "stage"), f"no policy has a stage {each.stage!r}{hint(each.stage, stages)}"
        )
        for at, each in enumerate(model.after_notice)
        if each.stage is not None and each.stage not in stages
    ]
    problems += [
        document.problem(("pays", at, "from_days"), "the days rise from one to the next")
        for at, (before, after) in enumerate(pairwise(model.pays), 1)
        if after.from_days <= before.from_days
    ]
    problems += [
        document.problem(("costs", name), f"no channel is called {name!r}{hint(name, CHANNELS)}")
        for name in model.costs
        if name not in CHANNELS
    ]
    if problems:
        raise DocumentError(problems)
    return model


@dataclass(frozen=True)
class Draw:
    """What luck a claim has: how much chance it takes until each of its parts is paid; nothing, where it never is."""

    needs: tuple[int, ...]
    in_parts: bool


@dataclass(frozen=True)
class Boost:
    """From one day to another, both among them, the chance is `times` hundredths of what it is."""

    from_on: date
    until_on: date
    times: int


def drawn(model: Model, seed: int, name: str) -> Draw:
    """Draw a claim's luck: the same for the same seed and name, whatever else there is."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    never, parts, first, rest = (int.from_bytes(digest[at : at + 8]) for at in (0, 8, 16, 24))
    if _percent(never) < model.never_percent:
        return Draw((), in_parts=False)
    need = _exponential(first)
    if model.parts and _percent(parts) < model.parts.percent_of_claims:
        return Draw((need, need + _exponential(rest)), in_parts=True)
    return Draw((need,), in_parts=False)


class Hazard:
    """The chance laid up day by day by a model."""

    def __init__(self, model: Model) -> None:
        self.from_days = [each.from_days for each in model.pays]
        self.rates = [_laid_up(each.percent_a_day) for each in model.pays]

    def paid_on(self, need: int, begins_on: date, due_on: date, boosts: Sequence[Boost]) -> date | None:
        """The first day by which `need` is laid up from `begins_on` on, that day among them; None: it never is.

        Of several boosts on a day the highest counts.
        """
        edges = {due_on + timedelta(days=days) for days in self.from_days}
        for boost in boosts:
            edges |= {boost.from_on, boost.until_on + timedelta(days=1)}
        starts = sorted({begins_on, *(edge for edge in edges if edge > begins_on)})
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            rate = self._rate((start - due_on).days) * _times_on(start, boosts)
            days = -(-need // rate) if rate else None
            if days is not None and (end is None or days <= (end - start).days):
                return start + timedelta(days=max(days, 1) - 1) if days < 1_000_000 else None
            if end is not None:
                need -= rate * (end - start).days
        return None

    def _rate(self, days: int) -> int:
        return next((rate for at, rate in zip(self.from_days[::-1], self.rates[::-1], strict=True) if days >= at), 0)


class Response:
    """Payments that answer by a model, for a play of so many scenarios (`Answers`)."""

    def __init__(self, model: Model, seed: int, accounts: Mapping[int, str], scenarios: int, from_on: date) -> None:
        """Prepare. `accounts`: the number of each account by its id in the history."""
        self.model, self.seed, self.accounts, self.count, self.from_on = model, seed, accounts, scenarios, from_on
        self.hazard = Hazard(model)
        self.draws: dict[int, Draw] = {}
        self.boosts: dict[int, list[Boost]] = {}
        self.owed: dict[int, int] = {}

    def at_first(self, items: pl.DataFrame) -> pl.DataFrame:
        """The payments of claims of which nothing has been said."""
        self.owed |= dict(items.select("item_id", "open_minor").iter_rows())
        # Nothing has been said to anybody: every scenario's are those of the first.
        moves = self._moves(items.filter(pl.col("item_id") % self.count == 0), {})
        copies = [moves.with_columns(pl.col("item_id") + at) for at in range(self.count)]
        return pl.concat(copies)

    def after(self, items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
        """The payments still to come of claims that a notice asked for."""
        said: dict[int, date] = {}
        for item_id, on, level, stage in lines.select("item_id", "on", "level", "stage").iter_rows():
            said[item_id] = on
            effect = next((each for each in self.model.after_notice if each.fits(stage, level)), None)
            if effect:
                until_on = on + timedelta(days=effect.days)
                boost = Boost(on + timedelta(days=1), until_on, int(effect.times * ONCE))
                self.boosts.setdefault(item_id, []).append(boost)
        return self._moves(items, said)

    def _moves(self, items: pl.DataFrame, said: Mapping[int, date]) -> pl.DataFrame:
        """The payments of claims after the day on which something was said of each."""
        rows = []
        columns = ("item_id", "account_id", "kind", "number", "issued_on", "due_on", "amount_minor")
        for item_id, account_id, kind, number, issued_on, due_on, amount_minor in items.select(columns).iter_rows():
            original = item_id // self.count
            if original not in self.draws:
                # No id of a database, so that another one, into which the same was imported, has the same luck.
                known = number or f"{issued_on}:{due_on}:{amount_minor}"
                name = f"{self.accounts[account_id // self.count]}:{kind}:{known}"
                self.draws[original] = drawn(self.model, self.seed, name)
            begins_on = max(issued_on or self.from_on, self.from_on)
            boosts = self.boosts.get(item_id, ())
            due = due_on or begins_on
            for part, need in zip(self._parts(item_id, self.draws[original]), self.draws[original].needs, strict=True):
                on = self.hazard.paid_on(need, begins_on, due, boosts)
                if on is not None and part and on > said.get(item_id, date.min):
                    rows.append((item_id, on, part))
        found = pl.DataFrame(rows, MOVES, orient="row")
        return found.group_by("item_id", "on", maintain_order=True).agg(pl.col("less_minor").sum())

    def _parts(self, item_id: int, draw: Draw) -> tuple[int, ...]:
        """How much each of a claim's payments is."""
        owed_minor = self.owed[item_id]
        if not draw.in_parts or not self.model.parts:
            return (owed_minor,) * len(draw.needs)
        first_minor = round_half_up(owed_minor * self.model.parts.first_percent / 100)
        return first_minor, owed_minor - first_minor


def _percent(drawn_: int) -> Decimal:
    return Decimal(drawn_) * 100 / 2**64


def _exponential(drawn_: int) -> int:
    """A draw whose mean is one unit of chance, from 64 even bits, as a whole number."""
    even = EXACT.divide(Decimal(2 * drawn_ + 1), Decimal(2**65))
    return int(-EXACT.ln(even) * SCALE * ONCE)


def _laid_up(percent: Decimal) -> int:
    """What a day of a chance lays up: independent days add up, where chances do not."""
    return int(-EXACT.ln(1 - percent / 100) * SCALE)


def _times_on(day: date, boosts: Sequence[Boost]) -> int:
    return max((boost.times for boost in boosts if boost.from_on <= day <= boost.until_on), default=ONCE)
