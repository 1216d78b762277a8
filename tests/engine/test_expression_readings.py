"""What an expression means does not hang on who reads it: sqlglot, which checks it, or Polars, which evaluates it."""

from typing import Final, cast

import polars as pl
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from dunwell.engine.policy.expressions import ExpressionError, compile_expression

ATTRIBUTES: Final[dict[str, pl.DataType]] = {"attr_a": pl.Boolean(), "attr_b": pl.Boolean()}
ROWS: Final = pl.DataFrame(
    [(a, b, level, number) for a in (True, False, None) for b in (True, False) for level in (0, 1, 2, None)
     for number in ("x", "xy", None)],
    schema={**ATTRIBUTES, "level": pl.Int16, "number": pl.String},
    orient="row",
)  # fmt: skip
TRUTHS: Final = ("attr_a", "attr_b", "true", "null", "starts_with(number, 'x')")
NUMBERS: Final = ("level", "0", "1", "2", "- level", "abs(level)")
PARTED: Final = (exp.Binary, exp.Not, exp.Neg, exp.In, exp.Between)
CONNECTED: Final = ("and", "or", "=", "<>", "!=", "<", ">=")


def numbers() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3).flatmap(
        lambda parts: st.lists(st.sampled_from("+-*/%"), min_size=len(parts), max_size=len(parts)).map(
            lambda signs: " ".join(f"{sign} {part}" for sign, part in zip(signs, parts, strict=True))[2:]
        )
    )


def simple() -> st.SearchStrategy[str]:
    """Something that is true or not: a value, a comparison, a test."""
    compared = st.tuples(numbers(), st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), numbers()).map(" ".join)
    tests = st.tuples(
        numbers(),
        st.sampled_from(
            ["is null", "is not null", "in (1, 2)", "not in (0, 1)", "between 0 and 1", "not between 1 and 2"]
        ),
    ).map(" ".join)
    like = st.sampled_from(["number like 'x%'", "number not like 'x_'", "number is null", "attr_a is null"])
    return st.sampled_from(TRUTHS) | compared | tests | like


def expressions() -> st.SearchStrategy[str]:
    """Such things one after the other, with `not` before some and parentheses around a few."""

    def extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        part = st.tuples(st.sampled_from(["", "", "not "]), inner | inner.map("({})".format)).map("".join)
        return st.tuples(part, st.sampled_from(CONNECTED), part).map(" ".join)

    return st.recursive(simple(), extended, max_leaves=5)


def in_parentheses(sql: str) -> str:
    """The same, as sqlglot reads it, with parentheses around every part."""

    def around(node: exp.Expression) -> exp.Expression:
        for child in list(node.iter_expressions()):
            child.replace(around(child))
        return exp.paren(node, copy=False) if isinstance(node, PARTED) else node

    return around(cast("exp.Expression", sqlglot.parse_one(sql, dialect="postgres"))).sql(dialect="postgres")


def held(sql: str) -> list[bool]:
    return ROWS.with_columns(holds=compile_expression(sql, ATTRIBUTES).holds)["holds"].to_list()


@given(expressions())
def test_parentheses_around_everything_change_nothing(sql: str) -> None:
    try:
        found = held(sql)
    except ExpressionError:
        return
    assert found == held(in_parentheses(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "attr_a = level > 1",
        "level > 1 = attr_a",
        "attr_a = level between 1 and 2",
        "attr_a = level in (1)",
        "level in (1) = attr_a",
        "attr_a = number like 'x%'",
        "attr_a <> level <= 1",
        "not attr_a = level > 1",
        "attr_a = not attr_b",
        "attr_a = attr_b = true",
        "0 < level < 2",
        "coalesce(attr_a = level > 1, true)",
        "case when attr_a = level > 1 then true end",
    ],
)
def test_a_comparison_of_a_comparison_needs_parentheses(sql: str) -> None:
    with pytest.raises(ExpressionError, match="can be read in two ways: put what is compared in parentheses"):
        compile_expression(sql, ATTRIBUTES)


def test_is_null_is_asked_of_the_whole_comparison_as_in_postgresql() -> None:
    assert held("attr_a = attr_b is null") == held("(attr_a = attr_b) is null") != held("attr_a = (attr_b is null)")
    assert held("level is not null = attr_a") == held("(level is not null) = attr_a")


@pytest.mark.parametrize("pattern", [r"'x\%'", r"'\\'", r"('x\_')"])
def test_a_backslash_in_a_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ExpressionError, match="a pattern of `like` has no backslash"):
        compile_expression(f"number not like {pattern}", ATTRIBUTES)
    assert compile_expression(r"number = '\' or number like 'x%'", ATTRIBUTES)
