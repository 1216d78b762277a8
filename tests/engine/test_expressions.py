"""What an expression may say, what it is refused for, and that NULL is false."""

from datetime import date
from typing import Final

import polars as pl
import pytest

from dunwell.engine.policy.expressions import COLUMNS, TEXT_COLUMNS, Expression, ExpressionError, compile_expression

ATTRIBUTES: Final[dict[str, pl.DataType]] = {"attr_contract": pl.String(), "attr_vip": pl.Boolean()}
COLUMN_TYPES: Final = {**COLUMNS, **ATTRIBUTES}


def rows(*values: dict[str, object]) -> pl.DataFrame:
    """Rows as the engine evaluates over: every column, NULL where nothing is given."""
    schema = {TEXT_COLUMNS.get(name, name): dtype for name, dtype in COLUMN_TYPES.items()}
    named = [{TEXT_COLUMNS.get(name, name): value for name, value in row.items()} for row in values]
    return pl.DataFrame(named, schema=schema)


def holds(sql: str, **row: object) -> bool:
    expression = compile_expression(sql, ATTRIBUTES)
    result = rows(row).select(pl.lit(value=True).alias("row"), holds=expression.holds)["holds"].to_list()
    assert result in ([True], [False])
    return bool(result[0])


def refusal(sql: str) -> str:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(sql, ATTRIBUTES)
    return str(caught.value)


READS_FILES: Final = (
    "read_csv('/etc/passwd') is null",
    "read_json('x') is null",
    "read_parquet('https://example.com/x') is null",
    "read_ipc('x') is null",
    "scan_parquet('s3://bucket/x') is null",
    "(select 1) = 1",
    "exists (select 1 from read_csv('/etc/passwd'))",
    "open_minor > (select max(open_minor) from read_csv('/etc/passwd'))",
    "level = 1 union select 1",
    "select 1 = 1",
)
KNOWS_THE_TIME: Final = (
    "due_on < now()",
    "due_on < current_date",
    "due_on < current_timestamp",
    "due_on < localtimestamp",
    "due_on < today()",
)
LOOKS_AT_OTHER_ROWS: Final = (
    "sum(open_minor) > 3",
    "max(level) = 1",
    "count(*) > 1",
    "first(level) = 1",
    "count(*) over () > 1",
    "row_number() over (order by open_minor) = 1",
    "rank() over (partition by account order by due_on) = 1",
    "lag(level) over (order by due_on) = 1",
)
CASTS: Final = (
    "cast(open_minor as text) = '1'",
    "open_minor::text = '1'",
    "try_cast(number as int) = 1",
    "timestamp '2026-01-01' < due_on",
)
ELSEWISE: Final = (
    "frobnicate(number) = 1",
    "random() > 0.5",
    "sqrt(level) = 1",
    "pow(level, 2) = 1",
    "level ^ 2 = 1",
    "number ~ 'A.*'",
    "number similar to 'A'",
    "number ilike 'a%'",
    "number || 'x' = 'x'",
    "concat(number, 'x') = 'x'",
    "number like 'a' escape '!'",
    "level is distinct from 1",
    "extract(day from due_on) = 1",
    "interval '1 day' is null",
    "array[1] is null",
    "level = any(array[1, 2])",
    "(level, level) = (1, 1)",
    "level & 1 = 1",
    "* = 1",
    "drop table items",
    "insert into items values (1)",
    "level = ?",
    "level = :level",
    "level = $1",
    "level = %(level)s",
    "number = U&'A'",
    "number = $$A$$",
)


@pytest.mark.parametrize("sql", [*READS_FILES, *KNOWS_THE_TIME, *LOOKS_AT_OTHER_ROWS, *CASTS, *ELSEWISE])
def test_what_is_not_on_the_list_is_refused(sql: str) -> None:
    message = refusal(sql)
    assert "is not allowed; an expression knows comparison, and, or, not, + - * / %, in, between, like" in message


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("open_minor in (select 1)", "`in` takes a list of values"),
        ("number in (select number from read_csv('/etc/passwd'))", "`in` takes a list of values"),
        ("level = 1; level = 2", "give exactly one expression"),
        ("", "give exactly one expression"),
        ("-- nothing but a remark", "give exactly one expression"),
        ("level =", "does not parse"),
        ("((level = 1)", "does not parse"),
        ("level = 1 where 1 = 1", "does not parse"),
        ("level = 1 limit 1", "does not parse"),
        ("lower() = 'a'", "does not parse"),
        ("level", "gives Int64, not true or false"),
        ("open_minor + 1", "gives Float64, not true or false"),
        ("'true'", "gives String, not true or false"),
        ("null", "gives Null, not true or false"),
        ("risk", "gives Float64, not true or false"),
        ("segement = 'smb'", "there is no column 'segement'; did you mean 'segment'?"),
        ("attr_contrakt = 'a'", "there is no column 'attr_contrakt'; did you mean 'attr_contract'?"),
        ("items.level = 1", "there is no column 'items.level'"),
        ("kind_text = 'invoice'", "there is no column 'kind_text'; did you mean 'kind'?"),
        ('"level"" = 1 or ""x" = 1', "there is no column"),
        ("date(due_on) < due_on", "`date` takes a date written as 'YYYY-MM-DD'"),
        ("date('1.2.2026') < due_on", "`date` takes a date written as 'YYYY-MM-DD'"),
        ("date() < due_on", "`date` takes a date written as 'YYYY-MM-DD'"),
        ("cast(number as date) < due_on", "`date` takes a date written as 'YYYY-MM-DD'"),
        ("date('2026-02-30') < due_on", "'2026-02-30' is no date of the calendar"),
        ("due_on > date '0000-01-01'", "'0000-01-01' is no date of the calendar"),
        ("level in ()", "`in` takes a list with at least one value"),
        ("level not in ()", "`in` takes a list with at least one value"),
        ("open_minor > 1e301", "1e301 is beyond the bound of 1e+300"),
        ("open_minor > -" + "9" * 400, "99999999999999999999 is beyond the bound of 1e+300"),
        ("segment > 5", "compares or mixes number and text"),
        ("level = 'x'", "compares or mixes number and text"),
        ("due_on > '2026-01-01'", "compares or mixes date and text"),
        ("level in (1, 'a')", "compares or mixes number and text"),
        ("lower(level) = 'a'", "needs texts"),
        ("abs(segment) = 1", "needs numbers"),
        ("due_on + 1 > due_on", "mixes date and number"),
        ("intercompany or segment", "needs booleans"),
    ],
)
def test_what_is_wrong_is_named(sql: str, message: str) -> None:
    assert message in refusal(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "(" * 28 + "level = 1" + ")" * 28,  # 31 levels
        "(" * 900 + "level = 1" + ")" * 900,
        "(" * 1999,
        "not " * 400 + "level = 1",
        "- " * 900 + "level = 1",
        "level" + " + 1" * 480 + " = 1",
        "abs(" * 300 + "level" + ")" * 300 + " = 1",
        "case when level = 1 then " * 60 + "true" + " end" * 60,
    ],
)
def test_deep_nesting_is_refused_and_crashes_nothing(sql: str) -> None:
    assert refusal(sql) == "the expression is nested deeper than 30 levels"


def test_thirty_levels_are_allowed() -> None:
    assert holds("(" * 27 + "level = 1" + ")" * 27, level=1)


def test_two_thousand_characters_are_allowed_and_one_more_is_not() -> None:
    assert holds("level = 1".ljust(2000), level=1)
    assert refusal("level = 1".ljust(2001)) == "the expression is longer than 2,000 characters"


@pytest.mark.parametrize("word", ["or", "and"])
def test_a_chain_is_long_without_being_deep(word: str) -> None:
    sql = f" {word} ".join(["level=1"] * 160)
    assert holds(sql, level=1)
    assert not holds(sql, level=2)


TRUTH: Final[tuple[tuple[str, dict[str, object], bool], ...]] = (
    # comparison, over values and over NULL
    ("level = 1", {"level": 1}, True),
    ("level = 1", {"level": 2}, False),
    ("level = 1", {}, False),
    ("not level = 1", {}, False),
    ("level <> 1", {}, False),
    ("level != 1", {"level": 2}, True),
    ("level in (1, null)", {}, False),
    ("days_past_due >= 14", {"days_past_due": 14}, True),
    ("days_past_due > 14", {"days_past_due": 14}, False),
    ("issued_on < due_on", {"issued_on": date(2026, 3, 1), "due_on": date(2026, 3, 2)}, True),
    ("due_on >= date('2026-03-02')", {"due_on": date(2026, 3, 2)}, True),
    ("due_on >= date '2026-03-02'", {"due_on": date(2026, 3, 1)}, False),
    # and, or, not, with NULL in the middle
    ("level = 1 or risk > 0.5", {"level": 1}, True),
    ("level = 1 or risk > 0.5", {"level": 2}, False),
    ("level = 1 and risk > 0.5", {"level": 1}, False),
    ("not (level = 1 and risk > 0.5)", {"level": 2}, True),
    ("level = 1 or level = 2 and risk > 0.5", {"level": 1, "risk": 0.1}, True),
    ("(level = 1 or level = 2) and risk > 0.5", {"level": 1, "risk": 0.1}, False),
    ("risk is null or risk > 0.2", {}, True),
    ("risk is not null", {}, False),
    ("intercompany", {"intercompany": True}, True),
    ("not intercompany", {"intercompany": True}, False),
    ("not intercompany", {}, False),
    ("attr_vip and attr_contract = 'C-1'", {"attr_vip": True, "attr_contract": "C-1"}, True),
    # in, between, like, case, coalesce
    ("country in ('DE', 'AT')", {"country": "AT"}, True),
    ("country not in ('DE', 'AT')", {"country": "FR"}, True),
    ("country not in ('DE', 'AT')", {}, False),
    ("country not in ('DE', null)", {"country": "FR"}, False),
    ("level between 1 and 3", {"level": 3}, True),
    ("level not between 1 and 3", {"level": 3}, False),
    ("number like 'A-%'", {"number": "A-17"}, True),
    ("number like 'A_17'", {"number": "A-17"}, True),
    ("number not like 'A%'", {"number": "A-17"}, False),
    ("case when level = 1 then risk > 0.5 else true end", {"level": 2}, True),
    ("case when level = 1 then true end", {"level": 2}, False),
    ("coalesce(segment, 'smb') = 'smb'", {}, True),
    ("coalesce(segment, 'smb') = 'smb'", {"segment": "key"}, False),
    # functions and arithmetic
    ("lower(segment) = 'smb'", {"segment": "SMB"}, True),
    ("upper(segment) = 'SMB'", {"segment": "smb"}, True),
    ("length(number) = 4", {"number": "A-17"}, True),
    ("starts_with(number, 'A-')", {"number": "B-17"}, False),
    ("abs(days_past_due) = 7", {"days_past_due": -7}, True),
    ("open_minor / 2 > 50", {"open_minor": 101}, True),
    ("open_minor % 100 = 45", {"open_minor": 12345}, True),
    ("open_minor * 2 + 1 - 1 = 200", {"open_minor": 100}, True),
    ("- -level = 1", {"level": 1}, True),
    ("level - (1 - 1) = 1", {"level": 1}, True),
    # enums of the book are text here
    ("lower(kind) = 'invoice'", {"kind": "invoice"}, True),
    ("currency like 'E%'", {"currency": "EUR"}, True),
    ("currency in ('USD', 'CAD')", {"currency": "EUR"}, False),
    ("starts_with(debtor_class, 'bus')", {"debtor_class": "business"}, True),
    ("kind = 'no such kind'", {"kind": "invoice"}, False),
    # quotes stay within quotes
    ("number = 'it''s'", {"number": "it's"}, True),
    ("number = 'a\\'", {"number": "a\\"}, True),
    ("number = '-- x /* y */'", {"number": "-- x /* y */"}, True),
)


@pytest.mark.parametrize(("sql", "row", "expected"), TRUTH, ids=[f"{sql} {row}" for sql, row, _ in TRUTH])
def test_what_is_allowed_means_what_sql_means_and_null_is_false(
    sql: str, row: dict[str, object], expected: bool
) -> None:
    assert holds(sql, **row) is expected


def test_what_is_evaluated_is_written_anew_without_remarks() -> None:
    expression = compile_expression("open_minor=1 /* or 1 = 1 */ -- and more", {})
    assert expression.checked_sql == "open_minor = 1"
    dated = compile_expression("due_on>date('2026-01-31')AND kind='invoice'", {})
    assert dated.checked_sql == "due_on > CAST('2026-01-31' AS DATE) AND kind_text = 'invoice'"
    assert dated.sql == "due_on>date('2026-01-31')AND kind='invoice'"
    assert dated.columns == {"due_on", "kind"}


def test_it_is_the_text_written_anew_that_is_evaluated() -> None:
    expression = Expression("1 = 1", checked_sql="open_minor = 1", columns=frozenset({"open_minor"}))
    assert rows({"open_minor": 1}, {"open_minor": 2}).select(expression.holds).to_series().to_list() == [True, False]


def test_an_attribute_is_a_column_only_where_it_is_declared() -> None:
    assert compile_expression("attr_contract = 'a'", ATTRIBUTES).columns == {"attr_contract"}
    with pytest.raises(ExpressionError, match="there is no column 'attr_contract'"):
        compile_expression("attr_contract = 'a'", {})


INT64_MAX: Final = 2**63 - 1
ATTRIBUTES_OF_NUMBERS: Final[dict[str, pl.DataType]] = {"attr_count": pl.Int64(), "attr_rate": pl.Float64()}


@pytest.mark.parametrize(
    ("sql", "row", "expected"),
    [
        # what is divided by 0 is NULL
        ("open_minor / credit_limit_minor > 0", {"open_minor": 1, "credit_limit_minor": 0}, False),
        ("not open_minor / credit_limit_minor > 0", {"open_minor": 1, "credit_limit_minor": 0}, False),
        ("open_minor % credit_limit_minor >= 0", {"open_minor": 1, "credit_limit_minor": 0}, False),
        ("open_minor / credit_limit_minor is null", {"open_minor": 1, "credit_limit_minor": 0}, True),
        ("coalesce(open_minor / credit_limit_minor, 7) = 7", {"open_minor": 1, "credit_limit_minor": 0}, True),
        ("coalesce(open_minor * 1e300, 7) = 7", {"open_minor": 10**9}, True),
        ("coalesce(null, open_minor * 2, 7) = 4", {"open_minor": 2}, True),
        ("open_minor / (level / 0) = 0", {"open_minor": 1, "level": 1}, False),
        ("0 / (level - 1) = 0 / (level - 1)", {"level": 1}, False),
        ("open_minor / (credit_limit_minor / 100) > 80", {"open_minor": 81, "credit_limit_minor": 100}, True),
        # what is no number is NULL
        ("attr_rate > 0.5", {"attr_rate": float("nan")}, False),
        ("attr_rate is null", {"attr_rate": float("nan")}, True),
        ("attr_rate > 0.5", {"attr_rate": float("inf")}, False),
        ("not attr_rate > 0.5", {"attr_rate": float("-inf")}, False),
        ("attr_rate * 1e200 > 0", {"attr_rate": 1e200}, False),
        ("attr_rate * 1e200 - attr_rate * 1e200 = 0", {"attr_rate": 1e200}, False),
        ("attr_rate * 1e200 in (attr_rate * 1e250, 1)", {"attr_rate": 1e200}, False),
        ("case attr_rate * 1e200 when attr_rate * 1e250 then true end", {"attr_rate": 1e200}, False),
        # nothing wraps
        ("amount_minor * amount_minor > amount_minor", {"amount_minor": 10**12}, True),
        ("attr_count + attr_count > 0", {"attr_count": INT64_MAX}, True),
        ("-1 - attr_count < 0", {"attr_count": INT64_MAX}, True),
        ("-attr_count > 0", {"attr_count": -INT64_MAX - 1}, True),
        ("abs(attr_count) > 0", {"attr_count": -INT64_MAX - 1}, True),
        ("length(number) - 10 < 0", {"number": "A-17"}, True),
        ("-9223372036854775807 * -9223372036854775807 > 0", {}, True),
        # whole numbers are exact: compared always, calculated with up to 2 ** 53
        ("account_open_minor = 9007199254740993", {"account_open_minor": 2**53 + 1}, True),
        ("account_open_minor = 9007199254740993", {"account_open_minor": 2**53}, False),
        ("attr_count = 1000000000000000001", {"attr_count": 10**18}, False),
        ("attr_count < 9223372036854775808", {"attr_count": INT64_MAX - 1024}, True),
        ("account_open_minor > open_minor", {"account_open_minor": 2**60 + 1, "open_minor": 2**60}, True),
        ("account_open_minor + 1 = 9007199254740992", {"account_open_minor": 2**53 - 1}, True),
        ("account_open_minor + 1 = 9007199254740992", {"account_open_minor": 2**53 - 2}, False),
        ("days_past_due % 7 = -3", {"days_past_due": -10}, True),
        ("account_open_minor < 1" + "0" * 60, {"account_open_minor": INT64_MAX}, True),
        ("account_open_minor > -1" + "0" * 60, {"account_open_minor": 0}, True),
        # what holds calculations need not be a number
        ("(level + 1 > 2) = intercompany", {"level": 2, "intercompany": True}, True),
        ("case when level + 1 > 2 then 'a' else 'b' end = 'a'", {"level": 2}, True),
        ("case when level + 1 > 2 then due_on end is null", {"level": 2}, True),
        ("lower(case when level / 0 > 2 then 'A' else 'B' end) in ('b', 'c')", {"level": 2}, True),
    ],
)  # fmt: skip
def test_calculation_is_never_silently_wrong(sql: str, row: dict[str, object], expected: bool) -> None:
    """Whatever the row holds, a result is right, or NULL."""
    expression = compile_expression(sql, ATTRIBUTES_OF_NUMBERS)
    schema = {TEXT_COLUMNS.get(name, name): dtype for name, dtype in {**COLUMNS, **ATTRIBUTES_OF_NUMBERS}.items()}
    found = pl.DataFrame([row], schema=schema).select("level", holds=expression.holds)["holds"].to_list()
    assert found == [expected]


def data_stop_the_run(sql: str, **row: object) -> bool:
    try:
        holds(sql, **row)
    except ExpressionError:
        return False
    except pl.exceptions.PolarsError:
        return True
    return False


@pytest.mark.parametrize(
    ("sql", "row"),
    [
        (
            "100.0 * account_overdue_minor / account_open_minor > 50",
            {"account_overdue_minor": 0, "account_open_minor": 0},
        ),
        ("1.5 / (level - 1) > 0", {"level": 1}),
        ("1.5 % (level - 1) = 0", {"level": 1}),
        ("not segment", {"segment": "smb"}),
        ("not due_on", {"due_on": date(2026, 3, 1)}),
        ("amount_minor * amount_minor * 1.55555555555 * 1.55555555555 * 1.55555555555 > 0", {"amount_minor": 10**12}),
    ],
)
def test_no_row_stops_a_run(sql: str, row: dict[str, object]) -> None:
    """What passes the check can be evaluated over any row."""
    assert not data_stop_the_run(sql, **row)


@pytest.mark.parametrize(
    "sql",
    [
        "not level",
        "due_on = 5",
        "intercompany = 'x'",
        "due_on - issued_on > 30",
        "coalesce(segment, 1) = 'x'",
        "case when level = 1 then 'a' else 1 end = 'a'",
        "date('2026-01-01', 'x') < due_on",
    ],
)
def test_types_that_do_not_go_together_are_refused(sql: str) -> None:
    assert refusal(sql)


@pytest.mark.parametrize(
    ("sql", "row", "expected"),
    [
        ("intercompany is not true", {}, True),
        ("(level = 1) is not true", {}, True),
        ("level + 32767 > 0", {"level": 1}, True),
        ("days_past_due * 1000000 > 0", {"days_past_due": 3000}, True),
    ],
)
def test_sql_is_kept_in_the_corners(sql: str, row: dict[str, object], expected: bool) -> None:
    """Either the corner is refused, or it means what SQL says."""
    try:
        compile_expression(sql, ATTRIBUTES)
    except ExpressionError:
        return
    assert holds(sql, **row) is expected
