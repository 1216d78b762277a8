"""SQL booleans over a row: parsed by sqlglot, held to an allow-list, evaluated by Polars.

Polars' `sql_expr` alone is not safe: it reads files and URLs through sub-queries and knows `now()`. What is
evaluated is written anew from the checked tree, so no second reading of the author's text can differ from the first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, cast

import polars as pl
import sqlglot
from sqlglot import exp

from dunwell.engine.book import Schema
from dunwell.engine.documents import hint

EXPRESSION_CHARS_MAX: Final = 2_000
EXPRESSION_LEVELS_MAX: Final = 30
NUMBER_MAX: Final = 1e300  # what is beyond it has no value

ITEM_COLUMNS: Final[Schema] = {
    "entity": pl.String,
    "number": pl.String,
    "kind": pl.String,
    "currency": pl.String,
    "amount_minor": pl.Int64,
    "open_minor": pl.Int64,
    "dunnable_minor": pl.Int64,
    "disputed_minor": pl.Int64,
    "issued_on": pl.Date,
    "due_on": pl.Date,
    "days_past_due": pl.Int32,
    "days_since_issued": pl.Int32,
    "level": pl.Int16,
    "days_since_previous": pl.Int32,
}
ACCOUNT_COLUMNS: Final[Schema] = {
    "account": pl.String,
    "segment": pl.String,
    "country": pl.String,
    "language": pl.String,
    "debtor_class": pl.String,
    "risk": pl.Float64,
    "credit_limit_minor": pl.Int64,
    "customer_since_on": pl.Date,
    "intercompany": pl.Boolean,
}
SUM_COLUMNS: Final[Schema] = {
    "account_open_minor": pl.Int64,
    "account_overdue_minor": pl.Int64,
    "account_open_items": pl.Int64,
    "account_overdue_items": pl.Int64,
    "account_oldest_days": pl.Int32,
    "account_broken_promises": pl.Int64,
}
COLUMNS: Final[Schema] = {**ITEM_COLUMNS, **ACCOUNT_COLUMNS, **SUM_COLUMNS}
# Enums in the book: an expression reads them as text, under another name so that the book's own column stays.
TEXT_COLUMNS: Final = {name: f"{name}_text" for name in ("kind", "currency", "debtor_class")}

_NODES: Final = (
    exp.Column, exp.Identifier, exp.Literal, exp.Boolean, exp.Null, exp.Paren,
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.And, exp.Or, exp.Not, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg,
    exp.In, exp.Between, exp.Like, exp.Is, exp.Case, exp.If,
    exp.Abs, exp.Lower, exp.Upper, exp.Coalesce, exp.Length, exp.StartsWith,
)  # fmt: skip
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: Final = (
    "comparison, and, or, not, + - * / %, in, between, like, is null, case, abs, lower, upper, coalesce, length,"
    " starts_with, date"
)


class ExpressionError(ValueError):
    """An expression that is refused, with the reason in words its author understands."""


@dataclass(frozen=True)
class Expression:
    """A checked SQL boolean: as written, as evaluated, and the columns it reads. NULL is false."""

    sql: str
    checked_sql: str
    columns: frozenset[str]

    @property
    def holds(self) -> pl.Expr:
        """A Boolean expression over a frame that has `columns`."""
        return pl.sql_expr(self.checked_sql).fill_null(value=False)


def compile_expression(sql: str, attributes: Mapping[str, pl.DataType]) -> Expression:
    """Check `sql` and make it evaluable; `attributes` are the declared `attr_*` columns with their types.

    Errors: ExpressionError when it is too long or deep, names an unknown column, uses anything off the allow-list,
    or is not Boolean.
    """
    return _compile(sql, tuple(sorted(attributes.items())))


@lru_cache(maxsize=4096)
def _compile(sql: str, attributes: tuple[tuple[str, pl.DataType], ...]) -> Expression:
    if len(sql) > EXPRESSION_CHARS_MAX:
        raise ExpressionError(f"the expression is longer than {EXPRESSION_CHARS_MAX:,} characters")
    known: Schema = {**COLUMNS, **dict(attributes)}
    tree = _parse(sql)
    _require_allowed(tree, known, level=1)
    columns = frozenset(column.name for column in tree.find_all(exp.Column))
    _require_one_reading(tree)
    _require_types(tree, known)
    checked = _sql(_made_safe(tree, known))
    _require_boolean(checked, known)
    return Expression(sql, checked, columns)


def _parse(sql: str) -> exp.Expression:
    try:
        trees = sqlglot.parse(sql, dialect="postgres")
    except sqlglot.errors.SqlglotError as error:
        text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()[0]
        raise ExpressionError(f"the expression does not parse: {text}") from None
    except RecursionError:
        raise ExpressionError(f"the expression is nested deeper than {EXPRESSION_LEVELS_MAX} levels") from None
    if len(trees) != 1 or trees[0] is None:
        raise ExpressionError("give exactly one expression")
    return cast("exp.Expression", trees[0])


def _require_allowed(node: exp.Expression, known: Schema, level: int) -> None:
    if level > EXPRESSION_LEVELS_MAX:
        raise ExpressionError(f"the expression is nested deeper than {EXPRESSION_LEVELS_MAX} levels")
    if literal := _date_literal(node):
        node.replace(exp.cast(literal.copy(), "date"))
        return
    if not isinstance(node, _NODES):
        raise ExpressionError(f"{node.sql(dialect='postgres')[:60]!r} is not allowed; an expression knows {_WORDS}")
    if isinstance(node, exp.Column):
        _require_column(node, known)
    if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest") or node.args.get("field")):
        raise ExpressionError("`in` takes a list of values")
    if isinstance(node, exp.In) and not node.expressions:
        raise ExpressionError("`in` takes a list with at least one value")
    if isinstance(node, exp.Literal) and not node.is_string and float(node.name) > NUMBER_MAX:
        raise ExpressionError(f"{node.name[:20]} is beyond the bound of {NUMBER_MAX}")
    # A chain such as `a or b or c` is one level, however long: only real nesting is counted.
    chain = isinstance(node, (exp.And, exp.Or)) and isinstance(node.parent, type(node))
    for child in node.iter_expressions():
        _require_allowed(child, known, level if chain else level + 1)


def _date_literal(node: exp.Expression) -> exp.Literal | None:
    """Return the text of `date('2026-01-31')`; on anything but a written date it could fail in the middle of a run."""
    if not isinstance(node, (exp.Date, exp.TsOrDsToDate)) and not (
        isinstance(node, exp.Cast) and node.to.is_type("date")
    ):
        return None
    text = node.this
    if any(part is not text and not isinstance(part, exp.DataType) for part in node.iter_expressions()):
        raise ExpressionError("`date` takes one date written as 'YYYY-MM-DD'")
    if not (isinstance(text, exp.Literal) and text.is_string and _DATE.fullmatch(text.name)):
        raise ExpressionError("`date` takes a date written as 'YYYY-MM-DD'")
    try:
        date.fromisoformat(text.name)
    except ValueError:
        raise ExpressionError(f"{text.name!r} is no date of the calendar") from None
    return text


def _require_column(column: exp.Column, known: Schema) -> None:
    name = column.name
    if column.table or name not in known:
        raise ExpressionError(f"there is no column {column.sql(dialect='postgres')!r}{hint(name, known)}")


def _require_one_reading(tree: exp.Expression) -> None:
    """Refuse what SQL reads in more than one way: what we check must be what is evaluated, and what its author meant.

    A comparison compares no other, nor a `not`, that stands without parentheses. In a pattern nothing is escaped.
    """
    for node in tree.find_all(exp.Expression):
        if not isinstance(node, (*_COMPARISONS, exp.Like)):
            continue
        compared = [node.this] if isinstance(node, exp.In) else node.iter_expressions()
        if any(isinstance(operand, (*_COMPARISONS, exp.Like, exp.Not)) for operand in compared):
            raise ExpressionError(f"{_sql(node)[:60]!r} can be read in two ways: put what is compared in parentheses")
        if isinstance(node, exp.Like) and any("\\" in text.name for text in node.expression.find_all(exp.Literal)):
            raise ExpressionError("a pattern of `like` has no backslash: % and _ cannot be escaped")


def _require_types(tree: exp.Expression, known: Schema) -> None:
    """Refuse operands that do not go together: over some rows they would fail, or quietly mean something else."""
    for node in tree.find_all(exp.Expression):
        operands = _operands(node)
        classes = {_type_class(operand, known) for operand in operands}
        if isinstance(node, _AGAINST) and "nothing" in classes:
            raise ExpressionError(f"{_sql(node)[:60]!r} is never true: what is missing is asked for by `is null`")
        classes -= {"nothing"}
        wanted = next((name for nodes, name in _OPERANDS.items() if isinstance(node, nodes)), None)
        if isinstance(node, exp.Is) and not isinstance(node.expression, exp.Null):
            raise ExpressionError("`is` goes with null only; a Boolean is used as it is, or with `not`")
        if (wanted and classes - {wanted}) or (operands and len(classes) > 1):
            shown = _sql(node)[:60]
            needed = f"needs {wanted}s" if wanted else "compares or mixes"
            raise ExpressionError(f"{shown!r} {needed}{'' if wanted else ' ' + ' and '.join(sorted(classes))}")


# What the operands of a node must be; those of comparisons, lists and branches must only be alike.
_OPERANDS: Final = {
    (exp.Not, exp.And, exp.Or): "boolean",
    (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Abs): "number",
    (exp.Like, exp.Lower, exp.Upper, exp.Length, exp.StartsWith): "text",
}


def _operands(node: exp.Expression) -> list[exp.Expression]:
    """The parts of a node whose types must go together."""
    if isinstance(node, exp.Case):
        branches = node.args.get("ifs") or []
        conditions = [branch.this for branch in branches] if node.this is None else []
        if any(not isinstance(condition, exp.Expression) for condition in conditions):
            return []
        values = [branch.args["true"] for branch in branches]
        return [*values, *([node.args["default"]] if node.args.get("default") else [])]
    alike = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Coalesce)
    if isinstance(node, alike) or any(isinstance(node, nodes) for nodes in _OPERANDS):
        return [child for child in node.iter_expressions() if not isinstance(child, exp.DataType)]
    return []


def _type_class(node: exp.Expression, known: Schema) -> str:
    """What kind of value a node gives, told from its parts: boolean, number, text, date or nothing (null)."""
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else "number"
    if isinstance(node, exp.Column):
        dtype = pl.Series([], dtype=known[node.name]).dtype
        return "number" if dtype.is_numeric() else {pl.Boolean: "boolean", pl.Date: "date"}.get(type(dtype), "text")
    fixed = {
        (exp.Null,): "nothing",
        (exp.Cast,): "date",  # nothing else is allowed
        (exp.Lower, exp.Upper): "text",
        (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Abs, exp.Length): "number",
    }
    if found := next((kind for nodes, kind in fixed.items() if isinstance(node, nodes)), None):
        return found
    if isinstance(node, (exp.Paren, exp.Coalesce, exp.Case)):
        parts = [node.this] if isinstance(node, exp.Paren) else _operands(node)
        return next((kind for part in parts if (kind := _type_class(part, known)) != "nothing"), "nothing")
    return "boolean"


_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Is)
# What null stands beside for nothing; over whole columns the frame library has been seen to lose the number of rows.
_AGAINST: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)
_SIGNS: Final = (exp.Neg, exp.Abs)
_CALCULATIONS: Final = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


def _made_safe(node: exp.Expression, known: Schema) -> exp.Expression:
    """Write anew what some row could make overflow, fail, or be no number.

    Enums are read as text, narrow integers as Int64; `0.2`, and what no Int64 holds, as floating-point numbers. What is
    calculated is calculated in floating-point numbers, where nothing wraps: 0 divides nothing, and a result that is
    no number, or beyond the bound, is NULL where it is compared. Comparisons of columns alone stay exact.
    """
    calculated = [value for value in _compared(node) if value.find(*_CALCULATIONS)]
    numbers = [value for value in calculated if _type_class(value, known) == "number"]
    for child in list(node.iter_expressions()):
        child.replace(_made_safe(child, known))
    if isinstance(node, exp.Column):
        return _safe_column(node, known)
    if isinstance(node, exp.Literal) and not node.is_string and not _is_int64(node.name):
        return _double(exp.Literal.number(float(node.name)))
    if isinstance(node, (*_CALCULATIONS, *_SIGNS)) and not isinstance(node.this, exp.Literal):
        node.set("this", _double(node.this))
    if isinstance(node, _CALCULATIONS):
        operand = _double(node.expression)
        divides = isinstance(node, (exp.Div, exp.Mod))
        node.set("expression", exp.Nullif(this=operand, expression=exp.Literal.number(0)) if divides else operand)
    for value in numbers:
        value.replace(_finite(value))
    return node


def _is_int64(number: str) -> bool:
    return number.isdigit() and int(number) < 2**63


def _compared(node: exp.Expression) -> list[exp.Expression]:
    """What a node compares or takes for missing: there NaN would equal itself, and be larger than any number."""
    if isinstance(node, exp.Case):
        return [node.this] if node.this else []
    return list(node.iter_expressions()) if isinstance(node, (*_COMPARISONS, exp.Coalesce)) else []


def _safe_column(column: exp.Column, known: Schema) -> exp.Expression:
    safe, dtype = exp.column(TEXT_COLUMNS.get(column.name, column.name)), known[column.name]
    if dtype in (pl.Int8, pl.Int16, pl.Int32):
        return exp.cast(safe, "bigint")
    return _finite(safe) if dtype in (pl.Float32, pl.Float64) else safe


def _double(node: exp.Expression) -> exp.Expression:
    return exp.cast(node.copy(), "double")


def _finite(node: exp.Expression) -> exp.Expression:
    """The value of a number, NULL where it is none or beyond the bound."""
    is_finite = exp.LTE(this=exp.Abs(this=node.copy()), expression=exp.Literal.number(NUMBER_MAX))
    return exp.Case(ifs=[exp.If(this=is_finite, true=node.copy())])


def _sql(tree: exp.Expression) -> str:
    return tree.sql(dialect="postgres", comments=False)


def _require_boolean(sql: str, known: Schema) -> None:
    if (result := _dtype_of(sql, known)) != pl.Boolean:
        raise ExpressionError(f"the expression gives {result}, not true or false")


def _dtype_of(sql: str, known: Schema) -> pl.DataType:
    """The type an expression has over a frame of the known columns. Errors: ExpressionError.

    Over two rows: what Polars takes for a single value, such as some comparisons with `level / 0`, fails here and now.
    """
    row = {TEXT_COLUMNS.get(name, name): dtype for name, dtype in known.items()}
    try:
        return pl.DataFrame(schema=row).clear(2).select(result=pl.sql_expr(sql)).schema["result"]
    except pl.exceptions.PolarsError as error:
        raise ExpressionError(f"the expression cannot be evaluated: {str(error).splitlines()[0]}") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Polars' panics are no Exception
            raise
        raise ExpressionError("the expression cannot be evaluated") from None
