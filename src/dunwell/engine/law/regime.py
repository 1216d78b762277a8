"""Every key of a regime file, its type and its default; docs/law.md is written from what they say."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dunwell.engine.money import exponent

DebtorClass: TypeAlias = Literal["business", "consumer", "public"]
DayCount: TypeAlias = Literal["act/365", "act/act", "30/360", "act/360"]
Rounding: TypeAlias = Literal["exact", "daily_rate_2dp"]
Part: TypeAlias = Literal["costs", "interest", "principal"]

DAYS_MAX: Final = 3650
DECIMALS_MAX: Final = 6  # rates are computed in millionths of a point


def _currency(code: str) -> str:
    """Refuse what is no currency in use."""
    exponent(code)
    return code


Currency: TypeAlias = Annotated[str, AfterValidator(_currency)]
SeriesName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Days: TypeAlias = Annotated[int, Field(ge=0, le=DAYS_MAX)]
Points: TypeAlias = Annotated[Decimal, Field(ge=0, le=1000, decimal_places=DECIMALS_MAX)]
Amount: TypeAlias = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=DECIMALS_MAX)]


class Keys(BaseModel):
    """A mapping of a regime file: only the declared keys, never changed after load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RateRule(Keys):
    """How a rate of interest comes about.

    `constant`: `rate`. `floating`: what the series says of each day, plus `margin`. `fixed_at_start`: what it says of
    the first day of interest, for as long as the debt lives. Which day the series is asked for: the day itself (`day`),
    the first day of its half-year (`half_year`), or the day before that (`half_year_eve`). `round_up_to`: the reference
    is rounded up to a multiple of so many points before the margin. A rate below 0 is 0. `starts`: interest runs from
    the day after the due date (`due`), or only where an item says from which day (`given`, its `interest_from_on`):
    where the law wants a demand first, or a term after delivery, which no due date tells.
    """

    mode: Literal["constant", "floating", "fixed_at_start"]
    rate: Points | None = None
    series: SeriesName | None = None
    margin: Annotated[Decimal, Field(ge=-1000, le=1000, decimal_places=DECIMALS_MAX)] = Decimal(0)
    snapshot: Literal["day", "half_year", "half_year_eve"] = "half_year"
    round_up_to: Annotated[Decimal, Field(gt=0, le=100, decimal_places=DECIMALS_MAX)] | None = None
    compounding: Literal["none", "yearly"] = "none"
    starts: Literal["due", "given"] = "due"
    source: Text

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """A rate comes from a figure or from a series."""
        if self.mode == "constant":
            if self.rate is None:
                raise ValueError("a constant rate needs its `rate`")
            if self.series or self.margin or self.round_up_to:
                raise ValueError("a constant rate has no `series`, `margin` or `round_up_to`")
        elif self.series is None:
            raise ValueError(f"a rate that is {self.mode} needs the `series` that it asks")
        elif self.rate is not None:
            raise ValueError(f"a rate that is {self.mode} has no `rate` of its own, but a `margin`")
        return self


class Step(Keys):
    """A step of a flat sum, from (or above) a principal on: an amount, a percentage of what lies in it, or both."""

    from_: Amount | None = Field(default=None, alias="from")
    above: Amount | None = None
    amount: Amount | None = None
    percent: Annotated[Decimal, Field(ge=0, le=100, decimal_places=DECIMALS_MAX)] | None = None

    @property
    def bound(self) -> Decimal:
        """Where the step begins, in whole units of the currency of the bounds."""
        return self.from_ if self.from_ is not None else self.above or Decimal(0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.from_ is not None and self.above is not None:
            raise ValueError("a step begins `from` a principal or `above` one, not both")
        if self.amount is None and self.percent is None:
            raise ValueError("a step needs an `amount` or a `percent`")
        return self


class Flat(Keys):
    """A flat sum for recovery costs, by the principal on the first day of interest.

    The amount of the highest step reached that has one, and the percentages of what lies in each step, together
    `at_least` and `at_most` so much; or, in place of `steps`, what `amount_series` says of the day. `currency` is that
    of the amounts, `steps_in` that of the steps' bounds, where it is another. Claims in other currencies: converted at
    the `exchange` series of the day (`day`: the first day of interest; `month_before_due`: the last day of the month
    before the due date). `less_fees`: what was charged as fees before is taken off. `after_notice_days`: only once a
    deadline has passed that a notice named, of at least so many days. `together`: the claims of one notice have one
    sum, by their principals added up.
    """

    currency: Currency
    steps_in: Currency | None = None
    steps: tuple[Step, ...] = ()
    amount_series: SeriesName | None = None
    at_least: Amount | None = None
    at_most: Amount | None = None
    exchange: SeriesName | None = None  # units of `steps_in` per 1 of `currency`; none: the ECB's
    exchange_on: Literal["day", "month_before_due"] = "day"
    less_fees: bool = False
    after_notice_days: Days | None = None
    together: bool = False
    source: Text

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Steps rise from 0, and what is said of another currency has one."""
        if bool(self.steps) == bool(self.amount_series):
            raise ValueError("a flat sum stands in its `steps` or in an `amount_series`, in one of the two")
        if self.steps and self.steps[0].bound:
            raise ValueError("the first of `steps` begins at 0")
        if any(later.bound <= before.bound for before, later in pairwise(self.steps)):
            raise ValueError("`steps` rise: each begins beyond the one before")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("`at_least` is more than `at_most`")
        if self.steps_in == self.currency:
            raise ValueError("`steps_in` is only for bounds in another currency than the amounts")
        if self.exchange and not self.steps_in:
            raise ValueError("an `exchange` series needs `steps_in`: it gives units of that for 1 of `currency`")
        if self.steps_in and any(step.percent is not None for step in self.steps):
            raise ValueError("a `percent` is of a principal in `currency`: leave `steps_in` out")
        if self.together and self.less_fees:
            raise ValueError("a sum of claims taken `together` has no `less_fees`: fees are of one claim")
        return self


class Fees(Keys):
    """What a notice may cost the debtor: the n-th fee on an item at most the n-th of `at_most`, later ones the last.

    `at_most_series`: the bound is `share` of what the series says of the day, in units of `currency`. `count_max` 0: no
    fee at all. `earliest_days`: not before so many days after the due date. `spacing_days`: so many days after the fee
    before. `first_notice_free`: no fee with the first notice after the due date. `after_notice_days`: the first fee on
    an item only once a deadline has passed that a notice named, of at least so many days.
    """

    currency: Currency | None = None
    at_most: tuple[Amount, ...] = ()
    at_most_series: SeriesName | None = None
    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    count_max: Annotated[int, Field(ge=0, le=1000)] | None = None
    earliest_days: Days | None = None
    spacing_days: Days | None = None
    first_notice_free: bool = False
    after_notice_days: Days | None = None
    source: Text

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.at_most and self.at_most_series:
            raise ValueError("a bound stands in `at_most` or in `at_most_series`, not in both")
        if (self.at_most or self.at_most_series) and self.currency is None:
            raise ValueError("a bound needs its `currency`")
        if self.share != 1 and not self.at_most_series:
            raise ValueError("a `share` is one of what `at_most_series` says")
        if self.model_fields_set <= {"source", "currency"}:
            raise ValueError("nothing is bounded: leave `fees` out")
        return self


class LetterRule(Keys):
    """What a letter to a debtor must say; `deadline_days` is the shortest term it may name.

    `when`: every notice past due, or only those that the flat sum or the hand-over rests on (`before_costs`). `fees`: a
    first fee on an item is such costs, too.
    """

    says: tuple[Literal["breakdown", "deadline", "costs_warning", "interest_rate", "legal_basis"], ...]
    deadline_days: Days | None = None
    when: Literal["always", "before_costs"] = "always"
    fees: bool = False
    source: Text

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.says:
            raise ValueError("a letter that must say nothing needs no rule")
        if self.deadline_days is not None and "deadline" not in self.says:
            raise ValueError("`deadline_days` is of a letter that says its `deadline`")
        return self


class Vat(Keys):
    """The VAT code of each kind of charge, for the journal; `outside`: not a supply."""

    fee: str = "outside"
    interest: str = "outside"
    compensation: str = "outside"
    source: str = "Directive 2006/112/EC; CJEU 222/81 BAZ Bausystem: interest for late payment is no consideration"


class Regime(Keys):
    """The law of one country on late payment. Classes without a rule have no statutory claim of the kind."""

    regime: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    title: Text
    country: Text
    currency: Currency
    checked_on: date
    interest: dict[DebtorClass, RateRule] = {}
    day_count: DayCount = "act/365"
    rounding: Rounding = "exact"
    flat: dict[DebtorClass, Flat] = {}
    fees: dict[DebtorClass, Fees] = {}
    appropriation: tuple[Part, ...] = ()  # empty: money goes to what it names
    appropriation_source: str = ""
    letters: dict[DebtorClass, LetterRule] = {}
    vat: Vat = Vat()
    not_covered: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Money goes to each part once, and to the principal; an order has its source."""
        if len(set(self.appropriation)) < len(self.appropriation):
            raise ValueError("`appropriation` names a part twice")
        if self.appropriation and "principal" not in self.appropriation:
            raise ValueError("`appropriation` says when money goes to the principal")
        if self.appropriation and not self.appropriation_source:
            raise ValueError("`appropriation` needs its `appropriation_source`")
        return self

    @property
    def series(self) -> tuple[str, ...]:
        """The reference rates and bounds that the rules ask, in order of their names; not exchange rates of the ECB."""
        rates = [rule.series for rule in self.interest.values()]
        flats = [name for rule in self.flat.values() for name in (rule.amount_series, rule.exchange)]
        bounds = [rule.at_most_series for rule in self.fees.values()]
        return tuple(sorted({name for name in (*rates, *flats, *bounds) if name}))
