"""What no module does: print from within, fork, bring a second SQLite library, or break a rule without a word."""

import ast
import re

from tests.tidy.tree import ROOT, calls, files, imports, python, within

SECOND_SQLITE = {
    "adbc_driver_manager",
    "adbc_driver_sqlite",
    "apsw",
    "connectorx",
    "duckdb",
    "pysqlite3",
    "sqlean",
}
PASSES_OVER = re.compile(r"^.*#\s*(?:noqa|type:\s*ignore|pragma:).*$", re.MULTILINE | re.IGNORECASE)
WHY = re.compile(r"# (?:noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|type: ignore\[[a-z, -]+\])  # \w")
LEAVES_OUT = {"skip", "skipif", "xfail", "importorskip"}
FORKS = {"os.fork", "os.forkpty", "pty.fork"}
FORKERS = {"tests/cli/forked.py"}  # it forks before Polars works and a database is opened, and makes sure of it


def test_only_the_shell_door_prints() -> None:
    printing = {
        f"{path}:{call.lineno}"
        for path, tree in python("src")
        for name, call in calls(tree)
        if name in {"print", "sys.stdout.write", "sys.stderr.write"} and "cli" not in path.parts
    }
    assert printing == set()


def test_there_is_no_second_sqlite_library() -> None:
    found = {f"{path}: {name}" for path, tree in python("src") for name in imports(tree) if within(name, SECOND_SQLITE)}
    # Polars' own ways to a database load one; a connection beside Django's knows nothing of its transactions.
    reading = {"read_database", "read_database_uri", "write_database"}
    found |= {
        f"{path}:{call.lineno}"
        for path, tree in python("src")
        for name, call in calls(tree)
        if name.rpartition(".")[2] in reading or name == "sqlite3.connect"
    }
    assert found == set()


def test_nothing_forks() -> None:
    """Polars hangs after a fork, and a forked child takes SQLite's locks along: processes are spawned."""
    found = set()
    for path, tree in python("src", "tests", "bench"):
        if str(path) in FORKERS:
            continue
        found |= {f"{path}: {name}" for name in imports(tree) if within(name, FORKS) or _process_by_default(name)}
        found |= {f"{path}:{call.lineno}" for name, call in calls(tree) if name in FORKS or not _spawns(name, call)}
    assert found == set()


def _process_by_default(name: str) -> bool:
    """Whether an import gives what starts processes as the platform does, rather than a context or a pipe."""
    harmless = {"multiprocessing.connection", "multiprocessing.get_context"}
    return within(name, {"multiprocessing"}) and name != "multiprocessing" and not within(name, harmless)


def _spawns(name: str, call: ast.Call) -> bool:
    last = name.rpartition(".")[2]
    if name.startswith("multiprocessing.") or last in {"get_context", "set_start_method"}:
        return (
            last in {"get_context", "set_start_method"} and bool(call.args) and ast.unparse(call.args[0]) == "'spawn'"
        )
    return last != "ProcessPoolExecutor" or any(keyword.arg == "mp_context" for keyword in call.keywords)


def test_flows_know_no_requests() -> None:
    found = {
        f"{path}: {name}"
        for path, tree in python("src/dunwell/flows")
        for name in imports(tree)
        if "django.http" in name
    }
    assert found == set()


def test_whatever_a_check_passes_over_says_why() -> None:
    """On its line, in a comment behind the rules; what holds for a whole folder stands in pyproject.toml."""
    silent = set()
    for path in (path for path in files() if path.suffix == ".py"):
        found = PASSES_OVER.findall(path.read_text(encoding="utf-8"))
        silent |= {f"{path.relative_to(ROOT)}: {line.strip()}" for line in found if not WHY.search(line)}
    assert silent == set()


def test_a_test_that_is_left_out_says_why() -> None:
    silent = set()
    for path, tree in python("tests"):
        called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
        silent |= {
            f"{path}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in LEAVES_OUT and ast.unparse(node).startswith("pytest.")
            if not _has_reason(called.get(id(node)))
        }
    assert silent == set()


def _has_reason(call: ast.Call | None) -> bool:
    if call is None:
        return False
    by_place = call.args[: ast.unparse(call.func) == "pytest.skip"]  # only there it comes first
    return any([*by_place, *(keyword for keyword in call.keywords if keyword.arg == "reason")])
