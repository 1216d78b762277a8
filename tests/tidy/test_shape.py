"""How large things are and what they are called."""

import ast

from tests.tidy.tree import ROOT, SOURCE, files, python

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
# Functions beyond the bound, as `path:name`. The list only becomes shorter.
LONG_FUNCTIONS = {
    "tests/records/sample.py:_items",
    "tests/records/sample.py:tables",
    "tests/records/test_advance.py:test_a_year_in_the_life_of_two_accounts",
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "managers", "services", "common"}
DOCSTRING_LINES = range(2, 6)


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        str(name): lines
        for name, _tree in python("src", "tests", "bench")
        if (lines := len((ROOT / name).read_text(encoding="utf-8").splitlines())) > MODULE_LINES_MAX
    }
    assert long == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{name}:{node.name}"
        for name, tree in python("src", "tests", "bench")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES_MAX
    }
    assert long - LONG_FUNCTIONS == set(), "make it two functions"
    assert LONG_FUNCTIONS - long == set(), "strike these from the list of exceptions"


def test_every_room_says_what_it_is_for() -> None:
    silent = {}
    for folder in {path.parent for path in files() if path.suffix == ".py" and path.is_relative_to(SOURCE)}:
        if folder.name == "migrations":
            continue
        init = folder / "__init__.py"
        text = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) if init.exists() else None
        lines = len((text or "").splitlines())
        if lines not in DOCSTRING_LINES:
            silent[str(folder.relative_to(ROOT))] = lines
    assert silent == {}


def test_no_room_is_called_after_nothing_in_particular() -> None:
    parts = {part for path in files() for part in path.relative_to(ROOT).with_suffix("").parts if path.suffix == ".py"}
    assert parts & FORBIDDEN_NAMES == set()
