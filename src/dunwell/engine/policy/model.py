"""Every key of a policy, its type and its default. The JSON Schema for editors is generated from here."""

from datetime import time
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from dunwell.engine.book import CHANNELS, EVENTS
from dunwell.engine.calendars import calendar_of
from dunwell.engine.documents import hint
from dunwell.engine.hours import Hours
from dunwell.engine.law.law import Law, regime
from dunwell.engine.law.regime import DayCount, DebtorClass, Rounding
from dunwell.engine.money import CURRENCIES, MoneyError, exponent, fraction_half_up, not_in_use, to_minor
from dunwell.engine.policy.expressions import Expression, ExpressionError, compile_expression

DAYS_MAX: Final = 3650
NUMBER_DIGITS_MAX: Final = 15
PRIORITY_MAX: Final = 1_000_000_000
CLOSE: Final = "close"  # what the message of `close` has for a stage


class Keys(BaseModel):
    """A mapping of the policy file: only the declared keys, never changed after load."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


def _amounts(value: object) -> dict[str, int]:
    """Read `{EUR: 5.00}` as minor units by currency."""
    if not isinstance(value, dict) or not value:
        raise ValueError("give amounts by currency, such as {EUR: 5.00}")
    return {str(currency): _amount(str(currency), amount) for currency, amount in value.items()}


def _amount(currency: str, amount: object) -> int:
    if currency not in CURRENCIES:
        raise ValueError(not_in_use(currency))
    if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)):
        raise ValueError(f"{currency}: {amount!r} is not an amount")
    try:
        minor = to_minor(amount, currency)
    except MoneyError as error:
        raise ValueError(str(error)) from None
    if minor < 0:
        raise ValueError(f"{currency}: an amount cannot be negative")
    return minor


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError(f"{value!r} is not a number")
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > NUMBER_DIGITS_MAX:
        raise ValueError(f"{value} is beyond all bounds")
    return number


def _percent(value: object) -> Decimal:
    percent = _number(value)
    if not 0 <= percent <= 100:
        raise ValueError("a percentage lies between 0 and 100")
    if percent != percent.quantize(Decimal("0.0001")):
        raise ValueError("a percentage has at most four decimals")
    return percent


def _channels(choice: str) -> str:
    channels = choice.split("|")
    for channel in channels:
        if channel not in CHANNELS:
            known = ", ".join(CHANNELS)
            raise ValueError(f"no channel is called {channel!r}{hint(channel, CHANNELS)}; there are {known}")
    if len(set(channels)) < len(channels):
        raise ValueError(f"{choice!r} names a channel twice")
    return choice


def _event(name: str) -> str:
    if name not in EVENTS:
        raise ValueError(f"there is no event {name!r}{hint(name, EVENTS)}; there are {', '.join(EVENTS)}")
    return name


def _list(value: object) -> object:
    if not isinstance(value, (list, tuple)):
        raise ValueError("give a list" + (f", such as [{value}]" if isinstance(value, str) else ""))
    return value


def _once(channels: tuple[str, ...]) -> tuple[str, ...]:
    for choice in channels:
        if channels.count(choice) > 1:
            raise ValueError(f"{choice!r} is given twice")
    return channels


def _expression(value: object, info: ValidationInfo) -> Expression:
    if not isinstance(value, str):
        raise ValueError("give an expression as text, such as \"segment = 'smb'\"")
    try:
        return compile_expression(value, (info.context or {}).get("attributes", {}))
    except ExpressionError as error:
        raise ValueError(str(error)) from None


def _fee_keys(value: object) -> object:
    """Sort `{EUR: 5.00, per: item}`, `{percent: 1.5}`, `{tiers: [...]}` or `[...]` into the keys of Fee and Tier."""
    if isinstance(value, list):
        return {"tiers": value}
    if not isinstance(value, dict):
        raise ValueError("give a fee as {EUR: 5.00}, {percent: 1.5} or a list of tiers")
    if "fixed" in value:
        raise ValueError("unknown key 'fixed'; amounts stand by currency, such as {EUR: 5.00}")
    amounts = {key: amount for key, amount in value.items() if key.isupper()}
    return {key: part for key, part in value.items() if key not in amounts} | ({"fixed": amounts} if amounts else {})


_AMOUNT = {"type": "number", "minimum": 0}
_AMOUNTS = {"type": "object", "minProperties": 1, "patternProperties": {"^[A-Z]{3}$": _AMOUNT}}
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}

Amounts = Annotated[
    dict[str, int], BeforeValidator(_amounts), WithJsonSchema({**_AMOUNTS, "additionalProperties": False})
]
Percent = Annotated[Decimal, BeforeValidator(_percent), WithJsonSchema(_PERCENT)]
Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
Days = Annotated[int, Field(ge=0, le=DAYS_MAX)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Channel = Annotated[str, AfterValidator(_channels), WithJsonSchema({"type": "string", "examples": list(CHANNELS)})]
Event = Annotated[str, AfterValidator(_event), WithJsonSchema({"enum": list(EVENTS)})]
T = TypeVar("T")
Listed = Annotated[tuple[T, ...], Field(strict=False), BeforeValidator(_list)]  # YAML has lists, not tuples
Channels = Annotated[Listed[Channel], AfterValidator(_once)]
SqlBoolean = Annotated[
    Expression, BeforeValidator(_expression), WithJsonSchema({"type": "string", "description": "a SQL boolean"})
]


class Tier(Keys):
    """One step of a tiered fee: from this base on, a fixed amount by currency or a percentage."""

    from_: Number = Field(alias="from")
    fixed: Amounts | None = None
    percent: Percent | None = None


class Fee(Keys):
    """What a notice costs the debtor: fixed by currency, a percentage, or tiers."""

    fixed: Amounts | None = None
    per: Literal["notice", "item"] = "notice"
    percent: Percent | None = None
    of: Literal["open", "original", "claim"] = "open"
    tiers: Listed[Annotated[Tier, BeforeValidator(_fee_keys)]] = ()

    @property
    def per_item(self) -> bool:
        """Whether it is charged on each dunned line instead of once per notice."""
        return self.fixed is None or self.per == "item"

    @cached_property
    def steps(self) -> tuple[Tier, ...]:
        """Its tiers; a fee without tiers is one from 0 on."""
        return self.tiers or (Tier.model_construct(from_=Decimal(0), fixed=self.fixed, percent=self.percent),)

    def minor(self, base_minor: int, currency: str) -> int:
        """Return the fee for a base, in minor units; 0 where it has no amount in the currency."""
        reached = [step for step in self.steps if step.from_.scaleb(exponent(currency)) <= base_minor]
        if not reached:
            return 0
        if reached[-1].percent is None:
            return (reached[-1].fixed or {}).get(currency, 0)
        return fraction_half_up(Fraction(reached[-1].percent) * base_minor / 100)


_TIER_SCHEMA = {
    "type": "object",
    "required": ["from"],
    "properties": {"from": _AMOUNT, "percent": _PERCENT},
    "patternProperties": _AMOUNTS["patternProperties"],
    "additionalProperties": False,
}
_FEE_SCHEMA = {
    "oneOf": [
        {
            "type": "object",
            "properties": {
                "per": {"enum": ["notice", "item"]},
                "percent": _PERCENT,
                "of": {"enum": ["open", "original", "claim"]},
                "tiers": {"type": "array", "items": _TIER_SCHEMA},
            },
            "patternProperties": _AMOUNTS["patternProperties"],
            "additionalProperties": False,
        },
        {"type": "array", "items": _TIER_SCHEMA},
    ]
}


class Minimum(Keys):
    """Below these nothing is dunned."""

    item: Amounts | None = None
    account: Amounts | None = None
    percent_of_open: Percent = Decimal(0)


class Calendar(Keys):
    """Whose closed days count, and where a stage or due date on one of them goes."""

    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|account)$")]
    region: str | None = None
    roll: Literal["forward", "back"] = "forward"
    due: Literal["keep", "roll"] = "keep"

    @property
    def name(self) -> str | None:
        """What `engine.calendars` calls it; None where it is the account's."""
        return None if self.country == "account" else calendar_of(self.country, self.region)


class Contact(Keys):
    """When, in the debtor's local time, and how often a week a payer may hear from us."""

    window: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    per_7_days: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def hours(self) -> Hours | None:
        """The window as its two times; None without one, and for one that opens and closes at the same time."""
        opens, closes = (time.fromisoformat(text) for text in self.window.split("-")) if self.window else (None, None)
        return None if opens is None or closes is None or opens == closes else Hours(opens, closes)


class Interest(Keys):
    """A statutory regime, or a contractual rate; both together: the regime, with the agreed rate in place of its own.

    `class`: of debtors whose account does not say. The other keys take the place of what the regime says.
    """

    regime: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    rate: Percent | None = None
    day_count: DayCount | None = None
    rounding: Rounding | None = None
    class_: DebtorClass | None = Field(default=None, alias="class")

    @cached_property
    def law(self) -> Law:
        """What holds for claims. Errors: KeyError for a regime that does not come with Dunwell."""
        statutory = regime(self.regime) if self.regime else None
        return Law(
            regime=statutory,
            agreed_percent=self.rate,
            day_count=self.day_count or (statutory.day_count if statutory else "act/365"),
            rounding=self.rounding or (statutory.rounding if statutory else "exact"),
            default_class=self.class_,
        )


class Stage(Keys):
    """One step of a procedure: when it is reached, what it sends, charges and asks for."""

    stage: Name
    days_past_due: Annotated[int, Field(ge=-DAYS_MAX, le=DAYS_MAX)] | None = None
    days_since_previous: Days | None = None
    days_since_deadline: Days | None = None
    month_end: bool = False
    min_overdue: Amounts | None = None
    when: SqlBoolean | None = None
    deadline_days: Days | None = None
    fee: Annotated[Fee, BeforeValidator(_fee_keys), WithJsonSchema(_FEE_SCHEMA)] | None = None
    interest: bool = False
    compensation: bool = False
    send: Channels = ()
    do: Listed[Name] = ()
    approval: Literal["none", "one", "two"] = "none"
    repeat_every_days: Annotated[int, Field(ge=1, le=DAYS_MAX)] | None = None
    repeat_max: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def expires(self) -> bool:
        """Whether it is a pre-due stage, which ends at the due date."""
        return self.days_past_due is not None and self.days_past_due < 0


class Close(Keys):
    """What happens once, when an account that reached `after_stage` has nothing overdue left."""

    after_stage: Name
    send: Channels = ()
    do: Listed[Name] = ()


class Rule(Keys):
    """What is to be done when something happens to an account that is under the policy."""

    on: Event
    do: Listed[Name]
    above: Number | None = None
    after_days: Days | None = None

    @property
    def measure(self) -> str:
        """What tells it apart from other rules on its event: its threshold, or nothing."""
        if self.above is not None:
            return format(self.above.normalize(), "f")
        return "" if self.after_days is None else str(self.after_days)


class Policy(Keys):
    """One dunning procedure: whom it is for, how it moves, and its stages in order."""

    policy: Name
    title: str = ""
    applies_to: SqlBoolean | None = None
    priority: Annotated[int, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX)] = 100
    anchor: Literal["item", "account"] = "item"
    escalate: Literal["step", "jump"] = "step"
    deescalate: bool = False
    one_notice_per: Literal["account", "item", "level"] = "account"
    split_by: Listed[str] = ()
    include: Literal["dunned", "overdue", "open"] = "dunned"
    credits: Literal["net", "ignore"] = "net"
    min_gap_days: Days = 0
    minimum: Minimum = Minimum()
    calendar: Calendar | None = None
    contact: Contact | None = None
    on_broken_promise: Literal["resume", "next_stage"] = "resume"
    after_dispute: Literal["continue", "nearest", "restart"] = "continue"
    charges_when_paid: Literal["keep", "waive"] = "keep"
    interest: Interest | None = None
    stages: Listed[Stage]
    close: Close | None = None
    rules: Listed[Rule] = ()

    @property
    def law(self) -> Law | None:
        """What its `interest` asks for; None without it."""
        return self.interest.law if self.interest else None

    def position(self, stage: str | None) -> int:
        """Return the position of the stage called so, from 1, or 0."""
        return next((p for p, candidate in enumerate(self.stages, 1) if candidate.stage == stage), 0)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dunwell policy",
        **Policy.model_json_schema(by_alias=True),
    }
