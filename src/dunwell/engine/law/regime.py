"""Every key of a regime file, its type and its default; docs/law.md is written from what they say."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

DebtorClass: TypeAlias = Literal["business", "consumer", "public"]
DayCount: TypeAlias = Literal["act/365", "act/act", "30/360", "act/360"]
Rounding: TypeAlias = Literal["exact", "daily_rate_2dp"]
Part: TypeAlias = Literal["costs", "interest", "principal"]


class Keys(BaseModel):
    """A mapping of a regime file: only the declared keys, never changed after load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RateRule(Keys):
    """How a rate of interest comes about.

    `constant`: `rate`. `floating`: what the series says of each day, plus `margin`. `fixed_at_start`: what it says of
    the first day of interest, for as long as the debt lives. Which day the series is asked for: the day itself (`day`),
    the first day of its half-year (`half_year`), or the day before that (`half_year_eve`). `round_up_to`: the reference
    is rounded up to a multiple of so many points before the margin. A rate below 0 is 0.
    """

    mode: Literal["constant", "floating", "fixed_at_start"]
    rate: Decimal | None = None
    series: str | None = None
    margin: Decimal = Decimal(0)
    snapshot: Literal["day", "half_year", "half_year_eve"] = "half_year"
    round_up_to: Decimal | None = None
    compounding: Literal["none", "yearly"] = "none"
    source: str


class Step(Keys):
    """A step of a flat sum: from (or above) a principal on, an amount, or a percentage of what lies in the step."""

    from_: Decimal | None = Field(default=None, alias="from")
    above: Decimal | None = None
    amount: Decimal | None = None
    percent: Decimal | None = None


class Flat(Keys):
    """A flat sum for recovery costs, by the principal on the first day of interest.

    Steps with amounts give the amount of the highest step reached; steps with percentages add up what lies in each,
    `at_least` and `at_most`. `currency` is that of the amounts, `steps_in` that of the steps' bounds, where it is
    another. Claims in other currencies: converted at the `exchange` series of the day (`day`: the first day of
    interest; `month_before_due`: the last day of the month before the due date). `less_fees`: what was charged as fees
    before is taken off. `after_notice_days`: only once a deadline of at least so many days has passed that a notice named.
    """

    currency: str
    steps_in: str | None = None
    steps: tuple[Step, ...]
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    exchange: str | None = None  # a series of units of the claim's currency per 1 of `currency`; none: the ECB's
    exchange_on: Literal["day", "month_before_due"] = "day"
    less_fees: bool = False
    after_notice_days: int | None = None
    source: str


class Fees(Keys):
    """What a notice may cost the debtor: the n-th fee on an item at most the n-th of `at_most`, later ones the last.

    `at_most_series`: the bound is `share` of what the series says of the day. `count_max` 0: no fee at all.
    `earliest_days`: not before so many days after the due date. `spacing_days`: so many days after the fee before.
    """

    currency: str | None = None
    at_most: tuple[Decimal, ...] = ()
    at_most_series: str | None = None
    share: Decimal = Decimal(1)
    count_max: int | None = None
    earliest_days: int | None = None
    spacing_days: int | None = None
    source: str


class LetterRule(Keys):
    """What a letter to a debtor must say; `deadline_days` is the shortest term it may name.

    `for_stage`: every notice past due, or only those that the flat sum or the hand-over rests on (`before_costs`).
    """

    says: tuple[Literal["breakdown", "deadline", "costs_warning", "interest_rate", "legal_basis"], ...]
    deadline_days: int | None = None
    when: Literal["always", "before_costs"] = "always"
    source: str


class Vat(Keys):
    """The VAT code of each kind of charge, for the journal; `outside`: not a supply."""

    fee: str = "outside"
    interest: str = "outside"
    compensation: str = "outside"
    source: str = "Directive 2006/112/EC; CJEU 222/81 BAZ Bausystem: interest for late payment is no consideration"


class Regime(Keys):
    """The law of one country on late payment. Classes without a rule have no statutory claim of the kind."""

    regime: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    title: str
    country: str
    currency: str
    checked_on: date
    interest: dict[DebtorClass, RateRule] = {}
    day_count: DayCount = "act/365"
    grace_days: int = 0  # interest begins so many days later than the day after the due date
    rounding: Rounding = "exact"
    flat: dict[DebtorClass, Flat] = {}
    fees: dict[DebtorClass, Fees] = {}
    appropriation: tuple[Part, ...] = ()  # empty: money goes to what it names
    appropriation_source: str = ""
    letters: dict[DebtorClass, LetterRule] = {}
    vat: Vat = Vat()
    not_covered: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
