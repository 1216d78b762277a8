"""Commands that start from nothing, as people start them; the other tests fork theirs from what has been started."""

from pathlib import Path

import pytest

from dunwell import __version__
from tests.cli.shell import by_itself, dunwell


@pytest.mark.parametrize(
    "words",
    [
        "run list", "policy show", "report ageing --as-of 2020-04-03", "explain B-1 --as-of 2020-04-03 --json",
        "preview MEYER --as-of 2020-04-03", "task list", "user list", "rates list", "promises", "interest A-17 --json",
        "entity show", "journal --from 2020-01-01 --to 2020-12-31", "letter check", "audit verify", "doctor",
        "propose --as-of", "post 99", "policy schema",
    ],
)  # fmt: skip
def test_a_command_that_starts_from_nothing_says_what_a_forked_one_says(shown: Path, words: str) -> None:
    typed = ("--home", "book", *words.split())
    alone, forked = by_itself(*typed, cwd=shown), dunwell(*typed, cwd=shown)
    assert alone == forked
    assert "Traceback" not in alone.err


def test_no_book_is_needed_to_say_the_version(tmp_path: Path) -> None:
    assert by_itself("--version", cwd=tmp_path).out == f"dunwell {__version__}\n"
