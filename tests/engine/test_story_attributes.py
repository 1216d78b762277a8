"""Attributes of a story have one type, and no value is taken for another."""

from pathlib import Path

import pytest

from dunwell.engine.stories.runner import run_files

STORY = """story: what it shows
{declared}
policy: {{policy: p, applies_to: "{applies_to}", stages: [{{stage: one, days_past_due: 3, send: [email]}}]}}
accounts: [{{account: A, email: a}}]
steps:
  - {{on: 2026-01-01, invoice: {{number: A-1, account: A, amount: 1.00 EUR, due: 2026-01-01, attr_x: {first}}}}}
  - {{on: 2026-01-01, invoice: {{number: A-2, account: A, amount: 1.00 EUR, due: 2026-01-01, attr_x: {second}}}}}
  - {{on: 2026-01-09, {last}, expect: {{outcomes: {{A-1: no_policy, A-2: dun}}}}}}
"""


def reports(
    folder: Path, first: str, second: str, *, declared: str = "", applies_to: str = "open_minor > 0", last: str = "run"
) -> list[str]:
    """What the runner says of a story whose attribute has these values; nothing if only the second is dunned."""
    told = folder / "a-story.yaml"
    last = "run: {}" if last == "run" else last
    told.write_text(STORY.format(first=first, second=second, declared=declared, applies_to=applies_to, last=last))
    return [str(failure).replace(f"{folder}/", "") for failure in run_files([told])[0]]


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ("integer", "2.5", "is of type integer, not the number 2.5"),
        ("integer", "true", "is of type integer, not the boolean True"),
        ("integer", "9223372036854775808", "9223372036854775808 is larger than an integer can be"),
        ("boolean", "3", "is of type boolean, not the integer 3"),
        ("date", "5", "is of type date, not the integer 5"),
        ("text", "5", "is of type text, not the integer 5"),
        ("number", "five", "is of type number, not 'five'"),
        ("number", "1e999", "should be a number of at most 300 digits"),
        ("number", "[1]", "is of type number, not a list or mapping"),
    ],
)
def test_no_value_is_bent_into_another_type(tmp_path: Path, declared: str, value: str, message: str) -> None:
    (report,) = reports(tmp_path, "~", value, declared=f"attributes: {{x: {declared}}}")
    assert report == f"a-story.yaml:7: steps[1].invoice.attr_x: {message}"


@pytest.mark.parametrize(
    ("first", "second", "applies_to"),
    [
        ("~", "gold", "attr_x = 'gold'"),
        ("1", "2.5", "attr_x > 1.5"),
        ("2.5", "1", "attr_x < 1.5"),
        ("1", "2.1234567890123456789012345678901234567890", "attr_x > 2.1"),
        ("false", "true", "attr_x"),
    ],
)
def test_the_values_say_the_type(tmp_path: Path, first: str, second: str, applies_to: str) -> None:
    assert reports(tmp_path, first, second, applies_to=applies_to) == []


def test_values_of_two_types_are_refused(tmp_path: Path) -> None:
    assert reports(tmp_path, "gold", "5") == [
        "a-story.yaml:7: steps[1].invoice.attr_x: is of type text, not the integer 5"
    ]


def test_an_attribute_without_a_value_needs_a_declared_type(tmp_path: Path) -> None:
    (report,) = reports(tmp_path, "~", "~")
    assert report.startswith("a-story.yaml:6: steps[0].invoice.attr_x: no value says of which type it is")


def test_set_gives_an_attribute_like_any_other(tmp_path: Path) -> None:
    (report,) = reports(tmp_path, "1", "2", last="set: {account: A, attr_x: soon}")
    assert report == "a-story.yaml:8: steps[2].set.attr_x: is of type integer, not 'soon'"
    told = "set: {account: A, attr_y: 7}, run: {}"
    assert reports(tmp_path, "1", "2", applies_to="attr_x + attr_y = 9", last=told) == []


def test_an_attribute_of_item_and_account_may_be_called_like_another(tmp_path: Path) -> None:
    told = "set: {account: A, attr_x: 1, attr_x_right: 2}, run: {}"
    both = "attr_x + attr_x_right = 5"  # the item's own attr_x, the account's attr_x_right
    assert reports(tmp_path, "1", "3", applies_to=both, last=told) == []
