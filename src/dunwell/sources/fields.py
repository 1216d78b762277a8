"""One field of a batch at a time: from the file's texts to typed columns, with a problem for each that does not fit."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, Generic, TypeVar

import polars as pl

from dunwell.engine.book import ATTRIBUTE_TYPES, DEBTOR_CLASSES, KINDS
from dunwell.engine.documents import hint
from dunwell.engine.money import CURRENCIES, MoneyError
from dunwell.sources import mapping as m
from dunwell.sources.amounts import Style, minor_units, one_amount, plain_numbers, written_decimal
from dunwell.sources.dates import parsed, refusal
from dunwell.sources.places import COUNTRIES, TIME_ZONES
from dunwell.sources.problems import Problems, shown
from dunwell.sources.tables import LINE, column

CHOICES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "currency": (CURRENCIES, "is not a currency in use (ISO 4217)"),
    "kind": (KINDS, f"is no kind of item: {', '.join(KINDS)}; translate it under `values`"),
    "debtor_class": (DEBTOR_CLASSES, f"is no debtor class: {', '.join(DEBTOR_CLASSES)}; translate it under `values`"),
    "country": (COUNTRIES, "is no country: two capital letters of ISO 3166, such as DE; translate it under `values`"),
    "time_zone": (TIME_ZONES, "is no time zone, such as Europe/Berlin; translate it under `values`"),
}
LEVEL_MAX: Final = 100
# Line breaks and the like: of no use in a name, and a header of a mail ends there.
CONTROL: Final = r"[\p{Cc}\u2028\u2029]"
ONE_LINE: Final = ("name", "contact", "segment", "phone")
EMAIL: Final = r"^[^@\s]+@[^@\s]+$"


AnyLayout = TypeVar("AnyLayout", bound=m.Layout)
AnyTable = TypeVar("AnyTable", bound=m.Table)


class Columns(Generic[AnyLayout]):
    """Reads texts, dates and amounts of batches as one layout says; what is wrong goes to `problems`."""

    def __init__(self, mapping: AnyLayout, problems: Problems) -> None:
        self.mapping = mapping
        self.problems = problems
        self.style = Style(mapping.decimal, mapping.thousands, mapping.rounds)

    def texts(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The texts of every field that the mapping has, named by field and `attr_*`: translated, null where empty."""
        made = [
            (_on_one_line(_text(source)) if field in ONE_LINE else _text(source)).alias(field)
            for field, source in self.mapping.sources().items()
        ]
        for field, lines in self.mapping.joined().items():
            joined = pl.concat_str([column(name) for name in lines.columns], separator="\n", ignore_nulls=True)
            made.append(pl.when(joined != "").then(joined).alias(field))
        return batch.select(LINE, *made)

    def label(self, field: str) -> str:
        """What a message calls a field (see `Table.label`)."""
        return self.mapping.label(field)

    def check(self, texts: pl.DataFrame) -> None:
        """Note required fields that are empty, texts too long, and words that must be of a list or a form."""
        for field in self.mapping.required:
            self._note(texts, field, pl.col(field).is_null(), _empty)
            self._note(texts, field, pl.col(field).str.contains(CONTROL), _control)
        for field, length in m.LENGTHS.items():
            if field in texts.columns:
                too_long = pl.col(field).str.len_chars() > length
                self._note(
                    texts, field, too_long, lambda text, n=length: f"{shown(text)} is longer than {n} characters"
                )
        for field, (known, meaning) in CHOICES.items():
            if field in texts.columns:
                strange = ~pl.col(field).is_in(known)
                self._note(texts, field, strange, lambda text, k=known, w=meaning: f"{shown(text)} {w}{hint(text, k)}")
        for field, (shape, meaning) in m.SHAPES.items():
            if field in texts.columns:
                strange = ~pl.col(field).str.contains(shape.pattern)
                self._note(texts, field, strange, lambda text, w=meaning: f"{shown(text)} is not {w}")

    def dates(self, texts: pl.DataFrame, field: str) -> pl.Series:
        """A field's dates; a text that is none is a problem."""
        formats = self.mapping.dates
        if field not in texts.columns:
            return pl.Series([None] * texts.height, dtype=pl.Date)
        days = texts.select(day=parsed(pl.col(field), formats))["day"]
        wrong = days.is_null() & texts[field].is_not_null()
        self._note(texts, field, wrong, lambda text: f"{shown(text)} {refusal(text, formats)}")
        return days

    def amounts(self, texts: pl.DataFrame, field: str) -> pl.DataFrame:
        """A field's signed minor units, and what rounding added in units of the currency: `minor`, `rounding`."""
        currency = pl.col("currency")
        read = texts.select(LINE, field, "currency", read=minor_units(pl.col(field), currency, self.style))
        rest = read.filter(pl.col("read").is_null() & pl.col(field).is_not_null())
        singly = [self._one_amount(field, *row) for row in rest.select(LINE, field, "currency").iter_rows()]
        found = pl.DataFrame(
            [row for row in singly if row is not None],
            schema={LINE: pl.Int64, "minor": pl.Int64, "rounding": pl.Decimal(38, 18)},
            orient="row",
        )
        plain = read.select(
            LINE,
            minor=pl.col("read").struct.field("minor"),
            rounding=pl.col("read").struct.field("rounding").cast(pl.Decimal(38, 18)) / 10**6,
        )
        if found.is_empty():
            return plain
        both = plain.join(found, on=LINE, how="left", maintain_order="left")
        return both.select(
            LINE, minor=pl.coalesce("minor", "minor_right"), rounding=pl.coalesce("rounding", "rounding_right")
        )

    def _one_amount(self, field: str, line: int, text: str, currency: str | None) -> tuple[int, int, Decimal] | None:
        try:
            if currency not in CURRENCIES:  # a problem of its own
                written_decimal(text, self.style)
                return None
            minor, rounding = one_amount(text, currency, self.style)
        except MoneyError as error:
            self.problems.add(line, self.label(field), str(error))
            return None
        return line, minor, rounding

    def _note(self, texts: pl.DataFrame, field: str, wrong: pl.Expr | pl.Series, message: Callable[..., str]) -> None:
        self.problems.add_rows(texts.filter(wrong).select(LINE, field), self.label(field), message)


class Fields(Columns[AnyTable]):
    """Reads the fields of items and accounts."""

    def __init__(self, mapping: AnyTable, problems: Problems) -> None:
        super().__init__(mapping, problems)
        self.bad_emails = 0

    def typed(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Check the texts of a batch, and turn dates, flags, attributes and addresses into their types.

        Dates are named `*_on`; currency, kind and amounts stay texts.
        """
        self.check(texts)
        columns = {f"{field}_on": self.dates(texts, field) for field in m.DATES if self.mapping.source(field)}
        columns |= {field: self.flags(texts, field) for field in m.ACCOUNT_FLAGS if field in texts.columns}
        columns |= {f"attr_{name}": self.attribute(texts, name) for name in self.mapping.attributes}
        if "email" in texts.columns:
            columns["email"] = self.emails(texts["email"])
        return texts.drop(*m.DATES, strict=False).with_columns(**columns)

    def level(self, texts: pl.DataFrame) -> pl.Series:
        """How far an item was dunned: a whole number from 0 to LEVEL_MAX; null where it is empty."""
        levels = texts["level"].cast(pl.Int16, strict=False)
        levels = levels.to_frame().select(pl.when(pl.col("level").is_between(0, LEVEL_MAX)).then("level"))["level"]
        wrong = levels.is_null() & texts["level"].is_not_null()
        self._note(
            texts, "level", wrong, lambda text: f"{shown(text)} is no level, a whole number from 0 to {LEVEL_MAX}"
        )
        return levels

    def flags(self, texts: pl.DataFrame, field: str) -> pl.Series:
        """A field's yes or no; null where it is empty."""
        words = {text: m.is_boolean(text) for text in texts[field].unique() if text is not None}
        strange = pl.col(field).is_in([text for text, flag in words.items() if flag is None])
        self._note(texts, field, strange, lambda text: f"{shown(text)} is neither yes nor no (true, false, 1, 0, x)")
        return texts[field].replace_strict(words, default=None, return_dtype=pl.Boolean)

    def emails(self, texts: pl.Series) -> pl.Series:
        """Addresses that could be ones; the others are counted and left out: a letter may still reach them."""
        is_one = texts.str.contains(EMAIL)
        self.bad_emails += int((~is_one).sum())
        return texts.to_frame("email").select(pl.when(is_one).then("email"))["email"]

    def attribute(self, texts: pl.DataFrame, name: str) -> pl.Series:
        """A custom attribute in its type; null where it is empty."""
        field, kind = f"attr_{name}", self.mapping.attributes[name].type
        if kind == "text":
            return texts[field]
        if kind == "boolean":
            return self.flags(texts, field)
        if kind == "date":
            return self.dates(texts, field)
        written = plain_numbers(pl.col(field), self.style)
        values = texts.select(written.cast(ATTRIBUTE_TYPES[kind], strict=False).alias(field)).to_series()
        if kind == "number":
            values = pl.select(pl.when(values.is_finite()).then(values))[values.name]
        wrong = values.is_null() & texts[field].is_not_null()
        what = f"is no {kind}, the attribute's type; the mapping says {self.style}"
        self._note(texts, field, wrong, lambda text: f"{shown(text)} {what}")
        return values

    def warnings(self) -> list[str]:
        """Say what was left out."""
        if not self.bad_emails:
            return []
        return [f"{rows_of(self.bad_emails)} with an email address that cannot be one; left out"]


def rows_of(n: int) -> str:
    """Say how many rows."""
    return f"{n:,} row{'' if n == 1 else 's'}"


def _text(source: m.Source) -> pl.Expr:
    """A field's text of the batch, without what is to be stripped, translated, or its default."""
    if source.column is None:
        return pl.lit(source.constant)
    text = pl.col(column(source.column))
    if source.strip_prefix:
        text = text.str.strip_prefix(source.strip_prefix)
    if source.strip_suffix:
        text = text.str.strip_suffix(source.strip_suffix)
    if source.strip_prefix or source.strip_suffix:
        text = text.str.strip_chars()
    text = pl.when(text != "").then(text)
    if source.values:
        text = text.replace(source.values)
    return text if source.default is None else text.fill_null(source.default)


def _on_one_line(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(rf"\s*{CONTROL}+\s*", " ")


def _control(text: str) -> str:
    return f"{shown(text)} holds a line break or another sign that cannot be seen; take it out"


def _empty(_value: object) -> str:
    return "the field is empty, and every row needs it"
