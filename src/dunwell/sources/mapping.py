"""The mapping file: which column of a table of items or accounts holds what, and how its texts are written.

A plain word is the same for every row (`currency: EUR`); `{column: WAERS}` is read from the row.
"""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dunwell.engine.book import KINDS
from dunwell.engine.documents import DocumentError, hint, read_as, read_document
from dunwell.engine.money import CURRENCIES, not_in_use
from dunwell.sources.dates import DateFormatError, pattern_of, require_distinct
from dunwell.sources.places import COUNTRIES, TIME_ZONES
from dunwell.sources.wording import in_words

IDENTIFIER: Final = r"^[a-z][a-z0-9_]{0,59}$"
# Fields by where they go; the order is that of the messages about a row.
ACCOUNT_TEXTS: Final = ("name", "segment", "country", "language", "time_zone", "debtor_class", "max_stage")
ACCOUNT_FLAGS: Final = ("legal", "intercompany")
CONTACT_TEXTS: Final = ("email", "phone", "contact")
DATES: Final = (
    "issued", "due", "customer_since", "settled", "last_notice", "last_deadline", "interest_from", "discount_until",
)  # fmt: skip
AMOUNTS: Final = ("amount", "open")
DISCOUNTS: Final = ("discount_amount", "discount_percent", "terms", "discount_days")
SEEDS: Final = ("level", "stage")  # how far an item was dunned before it came into the book


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _a_column(value: object) -> object:
    """A plain word would be the same for every row, which an amount or a date is not."""
    if isinstance(value, (dict, BaseModel)):
        return value
    raise ValueError("name a column: {column: NAME}")


def _written_out(value: object) -> object:
    """Read a plain word as a constant. A number is refused: YAML would have taken its leading zeros away."""
    if isinstance(value, (dict, BaseModel)):
        return value
    if not isinstance(value, str):
        raise ValueError(f"write {value} in quotes if it is the same for every row, or name a column: {{column: ...}}")
    return {"constant": value}


class Source(_Part):
    """Where a field comes from: one column, or one text for every row.

    `values` translates the texts it names and leaves the others; `default` stands for an empty one.
    """

    column: str | None = Field(default=None, min_length=1)
    constant: str | None = Field(default=None, min_length=1)
    values: dict[str, str] = {}
    default: str | None = None
    strip_prefix: str = ""
    strip_suffix: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("name either a column or a constant")
        if self.constant is not None and self.model_fields_set != {"constant"}:
            raise ValueError("a constant takes no other key")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns that are read."""
        return () if self.column is None else (self.column,)


class Attribute(Source):
    """A custom attribute, `attr_*` in policies: its type, and whether it is the item's or the account's."""

    type: Literal["text", "integer", "number", "boolean", "date"] = "text"
    of: Literal["item", "account"] = "item"


class AccountAttribute(Attribute):
    """The same in a table of accounts: it is the account's."""

    of: Literal["account"] = "account"


class Lines(_Part):
    """An address out of several columns, one line each; empty ones are left out."""

    columns: tuple[str, ...] = Field(min_length=1, max_length=8)


def _time_zone(name: str) -> str:
    if name not in TIME_ZONES:
        raise ValueError(f"{name!r} is no time zone{hint(name, TIME_ZONES)}")
    return name


def _country(code: str) -> str:
    if code and code not in COUNTRIES:
        raise ValueError(f"{code!r} is no country: two capital letters of ISO 3166, such as DE")
    return code


class EntityDetails(_Part):
    """What an entity is called and where it sits, for one that is not in the book yet."""

    name: str = Field(default="", max_length=200)
    currency: str = ""
    country: Annotated[str, AfterValidator(_country)] = ""
    language: str = Field(default="en", max_length=20)
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"

    @model_validator(mode="after")
    def _known_currency(self) -> Self:
        if self.currency and self.currency not in CURRENCIES:
            raise ValueError(not_in_use(self.currency))
        return self


Given = Annotated[Source, BeforeValidator(_written_out)]
Read = Annotated[Source, BeforeValidator(_a_column)]


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


class Layout(_Part):
    """How one layout of a table is read, whatever its rows are.

    `header`: the line that names the columns, from 1. `sheet`: of an Excel file, its first one unless given.
    """

    required: ClassVar[tuple[str, ...]] = ()

    title: str = ""
    # ASCII-compatible, so that a line ends where a byte 10 is.
    encoding: Literal["utf-8", "cp1252", "cp1250", "cp850", "iso-8859-1", "iso-8859-2", "iso-8859-15"] = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    sheet: str | None = Field(default=None, min_length=1)
    header: int = Field(default=1, ge=1, le=1000)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'"] = ""
    dates: Annotated[list[str], BeforeValidator(_listed)] = Field(default=["YYYY-MM-DD"], min_length=1, max_length=5)
    only: dict[str, Annotated[list[str], BeforeValidator(_listed)]] = {}

    @model_validator(mode="after")
    def _signs_and_dates(self) -> Self:
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("decimal and thousands are the same sign")
        try:
            require_distinct(self.dates)
            for format_ in self.dates:
                pattern_of(format_)
        except DateFormatError as error:
            raise ValueError(str(error)) from None
        return self

    def source(self, field: str) -> Source | None:
        """Return where a field comes from, or None if the file does not tell."""
        found = getattr(self, field, None)
        return found if isinstance(found, Source) else None

    def sources(self) -> dict[str, Source]:
        """Return where every field comes from that the file tells."""
        fields = {field: self.source(field) for field in type(self).model_fields}
        return {field: source for field, source in fields.items() if source is not None}

    def joined(self) -> dict[str, Lines]:
        """Return the fields that are put together out of several columns."""
        fields = {field: getattr(self, field) for field in type(self).model_fields}
        return {field: lines for field, lines in fields.items() if isinstance(lines, Lines)}

    def label(self, field: str) -> str:
        """What a message calls a field: the file's column, or else the field of the mapping."""
        source = self.source(field)
        return source.column if source and source.column else field

    @property
    def rounds(self) -> bool:
        """Whether amounts are rounded to the decimals of their currency."""
        return False

    @property
    def may_be_empty(self) -> bool:
        """Whether a file without rows says something."""
        return False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that is read, in the order of the mapping."""
        named = [column for source in self.sources().values() for column in source.columns]
        named += [column for lines in self.joined().values() for column in lines.columns]
        return tuple(dict.fromkeys([*self.only, *named]))


class Table(Layout):
    """What a table of items or accounts says of accounts."""

    required: ClassVar[tuple[str, ...]] = ("entity", "account")

    unknown_entities: Literal["add", "refuse"] = "add"
    unknown_accounts: Literal["add", "refuse"] = "add"
    entities: dict[str, EntityDetails] = {}

    entity: Given
    account: Given
    name: Given | None = None
    segment: Given | None = None
    country: Given | None = None
    language: Given | None = None
    time_zone: Given | None = None
    debtor_class: Given | None = None
    customer_since: Read | None = None
    legal: Given | None = None
    intercompany: Given | None = None
    max_stage: Given | None = None
    contact: Read | None = None
    email: Read | None = None
    phone: Read | None = None
    address: Lines | None = None
    attributes: Mapping[Annotated[str, Field(pattern=IDENTIFIER)], Attribute] = {}

    def sources(self) -> dict[str, Source]:
        """Return where every field and `attr_*` comes from that the file tells."""
        return {**super().sources(), **{f"attr_{name}": source for name, source in self.attributes.items()}}

    def label(self, field: str) -> str:
        """What a message calls a field or `attr_*`: the file's column, or else the field of the mapping."""
        source = self.sources().get(field)
        return source.column if source and source.column else field

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the file that is read, in the order of the mapping."""
        fields = ["entity", "account", "number", "currency", "kind", *AMOUNTS, *DATES, *SEEDS, *DISCOUNTS]
        fields += ["item_max_stage", *ACCOUNT_TEXTS, *ACCOUNT_FLAGS, *CONTACT_TEXTS]
        sources = [*(self.source(field) for field in fields), *self.attributes.values()]
        named = [column for source in sources if source is not None for column in source.columns]
        return tuple(dict.fromkeys([*self.only, *named, *(self.address.columns if self.address else ())]))


class ItemMapping(Table):
    """How one layout of a table becomes items and accounts."""

    required: ClassVar[tuple[str, ...]] = ("entity", "account", "number", "currency")

    rows: Literal["items"] = "items"
    round: Literal["half_up"] | None = None
    negative: Literal["refuse", "credit"] = "refuse"
    vanished: Literal["keep", "flag", "settle"] = "keep"

    number: Given
    currency: Given
    kind: Given = Source(constant="invoice")
    amount: Read | None = None
    open: Read | None = None
    issued: Read | None = None
    settled: Read | None = None
    due: Read
    level: Given | None = None
    stage: Given | None = None
    last_notice: Read | None = None
    last_deadline: Read | None = None
    interest_from: Read | None = None
    item_max_stage: Given | None = None
    discount_amount: Read | None = None
    discount_percent: Given | None = None
    discount_until: Read | None = None
    discount_days: Given | None = None
    terms: Given | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.amount is None and self.open is None:
            raise ValueError("name the column of the amount, of what is open of it, or both: `amount:`, `open:`")
        if len(self.columns) < 2:
            raise ValueError("nothing is read from the file: account, number, amount and due are columns")
        return self

    @model_validator(mode="after")
    def _one_discount(self) -> Self:
        given = [name for name in DISCOUNTS[:3] if getattr(self, name)]
        days = [name for name in ("discount_until", "discount_days") if getattr(self, name)]
        if len(given) > 1 or len(days) > (0 if self.terms else 1):
            raise ValueError(f"say the discount once: {', '.join([*given, *days])} say it twice")
        if bool(given) != bool(days or self.terms):
            raise ValueError(
                "say how much the discount is (`discount_amount` or `discount_percent`) and until when"
                " (`discount_until` or `discount_days`), or name the column of the `terms`"
            )
        if (self.terms or self.discount_days) and self.issued is None:
            raise ValueError("the days of a discount count from `issued`: name its column")
        if (self.terms or self.discount_percent) and self.amount is None:
            raise ValueError("percent of a discount are of the `amount`, whatever is open of it: name its column")
        return self

    @property
    def tells_discount(self) -> bool:
        """Whether the file says which cash discount its items have."""
        return any(getattr(self, name) for name in DISCOUNTS)

    @property
    def rounds(self) -> bool:
        """Whether amounts are rounded to the decimals of their currency."""
        return self.round is not None

    @property
    def tells_open(self) -> bool:
        """Whether the file says what is open, or only what was invoiced."""
        return self.open is not None or self.settled is not None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of item that a file may name, by its signs too; every one where its words are kinds themselves."""
        source = self.kind
        told = [source.constant, source.default, *source.values.values()]
        found = KINDS if source.column and not source.values else [kind for kind in KINDS if kind in told]
        return tuple(dict.fromkeys([*found, "credit"] if self.negative == "credit" else found))

    @property
    def may_be_empty(self) -> bool:
        """Whether a file without rows says something: that nothing of its one entity is open."""
        return self.vanished != "keep" and self.entity.constant is not None

    @property
    def sign_tells_kind(self) -> bool:
        """Whether a number has one balance, which is a claim or a credit by its sign alone."""
        return self.negative == "credit" and self.amount is None and self.kind.column is None


class AccountMapping(Table):
    """How one layout of a table becomes accounts: customers, with how they are reached."""

    rows: Literal["accounts"]
    attributes: Mapping[Annotated[str, Field(pattern=IDENTIFIER)], AccountAttribute] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        told = [*ACCOUNT_TEXTS, *ACCOUNT_FLAGS, *CONTACT_TEXTS, "customer_since", "address", "attributes"]
        if self.account.column is None or not any(getattr(self, field) for field in told):
            raise ValueError("nothing is read from the file: the account is a column, and something is told of it")
        return self


def read_mapping(text: str, source: str) -> ItemMapping | AccountMapping:
    """Read a mapping file; `source` is its name in messages. Errors: DocumentError with the line of every problem."""
    document = read_document(text, source)
    if not isinstance(document.data, dict):
        raise DocumentError(
            [document.problem((), "a mapping is keys with values, such as `number: {column: invoice}`")]
        )
    rows = document.data.get("rows", "items")
    if rows not in ("items", "accounts"):
        raise DocumentError([document.problem(("rows",), f"a file has rows of items or accounts, not {rows!r}")])
    try:
        return read_as(document, AccountMapping) if rows == "accounts" else read_as(document, ItemMapping)
    except DocumentError as error:
        raise in_words(error) from None


def is_boolean(text: str) -> bool | None:
    """Read a flag as tables write it; None for anything else."""
    word = text.strip().lower()
    if word in {"true", "1", "1.0", "yes", "y", "x"}:
        return True
    return False if word in {"false", "0", "0.0", "no", "n", ""} else None


# What a text field may hold, and how a message says it.
SHAPES: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "language": (re.compile(r"^[a-z]{2,3}([-_][A-Za-z]{2,4})?$"), "a language code, such as de or en_GB"),
}
LENGTHS: Final = {
    "entity": 100, "account": 200, "number": 200, "name": 400, "segment": 200, "time_zone": 64, "language": 20,
    "terms": 2_000, "stage": 100, "max_stage": 100, "item_max_stage": 100, "contact": 400, "email": 320, "phone": 40,
    "iban": 60, "reference": 100, "end_to_end_ref": 100, "bank_ref": 100, "code": 100, "text": 10_000,
}  # fmt: skip
