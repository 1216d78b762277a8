"""Mutates a copy of the engine, one fault at a time, and lists the faults that nothing saw.

`python -m tests.mutants [--sample N] [--seed N] [MODULE...]`, where a MODULE is a file of `src/dunwell`.
"""

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = (
    "engine/decide.py", "engine/advance.py",
    "engine/steps/stage.py", "engine/steps/credits.py", "engine/steps/block.py",
)  # fmt: skip
SECONDS_MAX: Final = 180
CONFIG: Final = """\
[cosmic-ray]
module-path = [{modules}]
timeout = {seconds}.0
excluded-modules = []
test-command = "{python} -m tests.mutants.kill"

[cosmic-ray.distributor]
name = "local"
"""
# Of each operator only what a person might mistake it for: any other is refused by Polars at once, and teaches nothing.
MISTAKEN: Final = {"BitAnd_BitOr", "BitOr_BitAnd", "Add_Sub", "Sub_Add", "Mul_Add", "Mul_FloorDiv"}
NEVER: Final = ("_Is", "_IsNot", "Invert_UAdd", "Invert_USub", "Invert_Not")  # `==` of expressions is no identity
ALWAYS: Final = ("Is_IsNot", "IsNot_Is")
FOUND: Final = """
SELECT s.module_path, s.start_pos_row, s.operator_name, r.worker_outcome, r.test_outcome, r.diff
FROM mutation_specs s JOIN work_results r ON r.job_id = s.job_id ORDER BY s.module_path, s.start_pos_row
"""


def main() -> int:
    """Mutate, and return how many faults survived."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        copy = Path(name)
        for folder in ("src", "tests"):
            shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
        modules = ", ".join(f'"src/dunwell/{module}"' for module in asked.modules or MODULES)
        config = CONFIG.format(modules=modules, seconds=SECONDS_MAX, python=sys.executable)
        (copy / "config.toml").write_text(config, encoding="utf-8")
        if _typed(copy, sys.executable, "-m", "tests.mutants.kill"):
            sys.exit("without any fault, the tests fail already: nothing could be learned")
        _typed(copy, "cosmic-ray", "init", "config.toml", "session.sqlite")
        chosen, of = _sampled(copy / "session.sqlite", asked.sample, asked.seed)
        print(f"{chosen} of {of} mutants", flush=True)
        _typed(copy, "cosmic-ray", "exec", "config.toml", "session.sqlite")
        return _told(copy / "session.sqlite")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, chosen by the seed [default: all]")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    return parser.parse_args()


def _typed(folder: Path, *words: str) -> int:
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = subprocess.DEVNULL
    return subprocess.run(words, cwd=folder, env=environment, stdout=quiet, stderr=quiet, check=False).returncode


def _sampled(session: Path, sample: int | None, seed: int) -> tuple[int, int]:
    """Leave only a sample of the work to be done; how much that is, and of how much."""
    order = "module_path, start_pos_row, start_pos_col, operator_name, operator_args, occurrence"
    with sqlite3.connect(session) as book:
        found = book.execute(f"SELECT job_id, operator_name FROM mutation_specs ORDER BY {order}").fetchall()
        jobs = [job for job, operator in found if _is_a_mistake(operator)]
        kept = set(random.Random(seed).sample(jobs, min(sample or len(jobs), len(jobs))))
        for job, _operator in found:
            if job not in kept:
                book.execute("DELETE FROM mutation_specs WHERE job_id = ?", [job])
                book.execute("DELETE FROM work_items WHERE job_id = ?", [job])
    return len(kept), len(jobs)


def _is_a_mistake(operator: str) -> bool:
    """Whether somebody might write so by mistake."""
    _family, _, change = operator.partition("Replace")
    if change.startswith("BinaryOperator_"):
        return change.removeprefix("BinaryOperator_") in MISTAKEN
    return change.endswith(ALWAYS) or not change.endswith(NEVER)


def _told(session: Path) -> int:
    """Print each survivor with what was changed, and the figures; return how many survived."""
    with sqlite3.connect(session) as book:
        rows = book.execute(FOUND).fetchall()
    survived = [row for row in rows if row[4] == "SURVIVED"]
    for module, line, operator, _worker, _test, diff in survived:
        changed = [text for text in diff.splitlines() if text[:1] in "+-" and text[:3] not in {"+++", "---"}]
        print(f"\n{module}:{line}: {operator.partition('/')[2]}", *changed, sep="\n")
    by_outcome: dict[str, int] = {}
    for row in rows:
        name = str(row[4] or row[3]).lower()
        by_outcome[name] = by_outcome.get(name, 0) + 1
    print(f"\n{len(rows)} mutants: {', '.join(f'{n} {name}' for name, n in sorted(by_outcome.items()))}")
    return len(survived)


if __name__ == "__main__":
    main()
