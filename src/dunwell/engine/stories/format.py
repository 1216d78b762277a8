"""What a story file may say: accounts, steps, events and expectations, checked with file and line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from dunwell.engine.book import CHANNELS
from dunwell.engine.documents import hint
from dunwell.engine.money import CURRENCIES, MoneyError, decimal_of, exponent, not_in_use, parse_money

MINOR_MAX: Final = 9 * 10**18  # what a column can hold; more than the book's own bound, so that stories can break it
DIGITS_MAX: Final = 40  # before or after the point; decimals beyond it overflow when their point is moved
NUMBER_DIGITS_MAX: Final = 300  # a Float64 ends at 10^308


@dataclass(frozen=True)
class Amount:
    """An amount as a story gives it; it may be wrong on purpose (negative, unknown currency, beyond the bound)."""

    minor: int
    currency: str | None


def amount_of(value: object) -> Amount:
    """Read `100.00 EUR`. Errors: ValueError."""
    if isinstance(value, Amount):
        return value
    parts = str(value).split() if isinstance(value, str) else []
    if len(parts) != 2:
        raise ValueError(f"{value!r} is not an amount with its currency, such as 100.00 EUR")
    currency = parts[1] if parts[1] in CURRENCIES else None
    places = exponent(currency) if currency else 2
    try:
        major = decimal_of(parts[0])
    except MoneyError as error:
        raise ValueError(str(error)) from None
    size = major.adjusted() if major else 0
    if size > DIGITS_MAX or (size >= -DIGITS_MAX and abs(major.scaleb(places)) > MINOR_MAX):
        raise ValueError(f"{parts[0]} is larger than a column can hold")
    if size < -DIGITS_MAX or (minor := major.scaleb(places)) % 1:
        raise ValueError(f"{parts[0]} has more decimals than {parts[1]} has")
    return Amount(int(minor), currency)


def known_amount(value: object) -> Amount:
    """Read an amount to compare with: unknown currencies are all alike, and would match. Errors: ValueError."""
    amount = amount_of(value)
    if amount.currency is None and isinstance(value, str):
        raise ValueError(not_in_use(value.split()[1]))
    return amount


def _sum_of(value: object) -> Amount:
    """Read an amount that no book takes when it is wrong: a story cannot break it on purpose. Errors: ValueError."""
    return Amount(*parse_money(value)) if isinstance(value, str) else amount_of(value)


def number_of(value: object) -> int | Decimal:
    """Let only a number pass that a column can hold. Errors: ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError(f"should be a number, not {value!r}")
    if value and abs(Decimal(value).adjusted()) >= NUMBER_DIGITS_MAX:
        raise ValueError(f"should be a number of at most {NUMBER_DIGITS_MAX} digits")
    return value


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


# For editors: numbers as they are mostly written, and names that look like numbers.
AMOUNT: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)\s+\S+\s*$",
    "examples": ["100.00 EUR"],
}
NAME: Final[dict[str, Any]] = {"type": ["string", "number", "boolean"]}
NAMES: Final[dict[str, Any]] = {"anyOf": [NAME, {"type": "array", "items": NAME}]}
Money = Annotated[Amount, BeforeValidator(amount_of), WithJsonSchema(AMOUNT)]
Sum = Annotated[Amount, BeforeValidator(_sum_of), WithJsonSchema(AMOUNT)]
Expected = Annotated[Amount, BeforeValidator(known_amount), WithJsonSchema(AMOUNT)]
Number = Annotated[Decimal | int, BeforeValidator(number_of), WithJsonSchema({"type": "number"})]
Text = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, (int, Decimal)) else value),
    WithJsonSchema(NAME),
]
Channel = Literal["email", "letter", "sms", "chat", "webhook"]
NamesOf = Annotated[list[Text], BeforeValidator(_listed), WithJsonSchema(NAMES)]


_ATTRIBUTE: Final[dict[str, Any]] = {"type": ["string", "number", "boolean", "null"]}


class Keys(BaseModel):
    """A mapping of a story file: only the declared keys."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


class WithAttributes(BaseModel):
    """A mapping that also takes `attr_*` keys."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        arbitrary_types_allowed=True,
        json_schema_extra={"patternProperties": {"^attr_": _ATTRIBUTE}, "additionalProperties": False},
    )

    def attributes(self) -> dict[str, Any]:
        """The `attr_*` keys. Errors: ValueError for any other key that is not declared."""
        extra = self.model_extra or {}
        if strange := [key for key in extra if not key.startswith("attr_")]:
            raise ValueError(f"unknown key {strange[0]!r}{hint(strange[0], type(self).model_fields)}")
        return extra


class Account(WithAttributes):
    """A debtor. What reaches it: the addresses given, or `channels`."""

    account: Text
    entity: Text | None = None
    parent: Text | None = None
    segment: str | None = None
    country: str | None = None
    language: str | None = None
    debtor_class: Literal["business", "consumer", "public"] | None = None
    risk: Number | None = None
    credit_limit: Sum | None = None
    customer_since: date | None = None
    legal: bool = False
    intercompany: bool = False
    email: str | None = None
    address: str | None = None
    phone: str | None = None
    chat: str | None = None
    webhook: str | None = None
    max_stage: str | None = None
    channels: list[Channel] | None = None

    def channel_bits(self) -> int:
        """Bit i: CHANNELS[i] reaches this account."""
        given = {
            "email": self.email,
            "letter": self.address,
            "sms": self.phone,
            "chat": self.chat,
            "webhook": self.webhook,
        }
        reached = self.channels if self.channels is not None else [name for name, address in given.items() if address]
        return sum(1 << bit for bit, channel in enumerate(CHANNELS) if channel in reached)


class Invoice(WithAttributes):
    """An invoice or instalment, perhaps with the state another system had it in."""

    number: Text
    account: Text
    amount: Money
    open: Money | None = None
    due: date | None = None
    issued: date | None = None
    kind: Literal["invoice", "instalment"] = "invoice"
    draft: bool = False
    max_stage: str | None = None
    level: Annotated[int, Field(ge=0, le=99)] | None = None
    stage: str | None = None
    last_notice: date | None = None
    last_deadline: date | None = None
    interest_from: date | None = None
    entity: Text | None = None


class Charge(Keys):
    """A charge raised on an item by hand."""

    number: Text
    account: Text
    amount: Money
    item: Text | None = None
    due: date | None = None


class Credit(Keys):
    """A credit note, applied to items or left open on the account."""

    number: Text
    account: Text
    amount: Money
    applies_to: NamesOf = []


class Payment(Keys):
    """Money received, or announced (`pending`)."""

    id: Text | None = None
    account: Text
    amount: Sum
    applies_to: NamesOf = []
    pending: bool = False


class Allocate(Keys):
    """Money or credit that is there, applied to an item."""

    source: Text
    item: Text
    amount: Sum


class Reverse(Keys):
    """A payment charged back."""

    payment: Text


class Fail(Keys):
    """A payment that did not come, or the waiting notices of an account that reached nobody."""

    payment: Text | None = None
    delivery: Text | None = None


class Hold(Keys):
    """A hold on an account or an item."""

    id: Text
    account: Text | None = None
    item: Text | None = None
    until: date | None = None


class Release(Keys):
    """The end of a hold."""

    hold: Text


class Dispute(Keys):
    """A dispute over an item, or part of it."""

    id: Text
    item: Text
    amount: Sum | None = None


class Resolve(Keys):
    """The end of a dispute."""

    dispute: Text


class Promise(Keys):
    """A promise to pay."""

    id: Text | None = None
    account: Text
    amount: Sum
    by: date
    items: NamesOf = []
    tolerance_days: Annotated[int, Field(ge=0)] = 0


class Instalment(Keys):
    """What is to come of a plan, and by when."""

    amount: Sum
    by: date


class Plan(Keys):
    """An instalment plan for some items."""

    id: Text | None = None
    account: Text
    items: NamesOf
    instalments: list[Instalment]
    tolerance_days: Annotated[int, Field(ge=0)] = 0


class End(Keys):
    """A promise or a plan taken back."""

    promise: Text | None = None
    plan: Text | None = None


class Contact(Keys):
    """Somebody spoke with an account, or wrote to it, otherwise than by a notice."""

    account: Text
    channel: str = "phone"


class Run(Keys):
    """Decide, approve, post and deliver; or stop before one of them."""

    post: bool = True
    deliver: bool = True


class Nothing(Keys):
    """An event without details."""


class Expect(Keys):
    """What must be so after the step."""

    notices: list[dict[str, Any]] | None = None
    outcomes: dict[str, str] | None = None
    levels: dict[str, int] | None = None
    charges: list[dict[str, Any]] | dict[str, Expected] | None = None
    open: dict[str, Expected] | None = None
    waived: dict[str, Expected] | None = None
    tasks: list[dict[str, Any]] | None = None
    actions: list[dict[str, Any]] | None = None
    next_on: dict[str, date | None] | None = None
    by_law: dict[str, str | None] | None = None
    promises: dict[str, str] | None = None


EVENTS: Final[Mapping[str, type[BaseModel]]] = {
    "invoice": Invoice,
    "charge": Charge,
    "credit": Credit,
    "payment": Payment,
    "allocate": Allocate,
    "reverse": Reverse,
    "fail": Fail,
    "hold": Hold,
    "release": Release,
    "dispute": Dispute,
    "resolve": Resolve,
    "promise": Promise,
    "plan": Plan,
    "end": End,
    "contact": Contact,
    "run": Run,
    "approve": Nothing,
    "post": Nothing,
    "deliver": Nothing,
}
