"""Every stage in every language, word for word. After a change of words, `DUNWELL_GOLDEN=write` writes the files anew:

DUNWELL_GOLDEN=write .venv/bin/pytest tests/letters/test_golden.py && git diff tests/letters/golden
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dunwell.letters.notice import Notice
from dunwell.letters.reader import LANGUAGES
from dunwell.letters.write import OTHER_STAGE, STAGES, write
from tests.letters import sample

FOLDER = Path(__file__).parent / "golden"
CASES = [
    (language, stage, make)
    for language in LANGUAGES
    for stage in (*STAGES, OTHER_STAGE)
    for make in (sample.one, sample.several)
]
CASES += [(language, "reminder", sample.referenced) for language in LANGUAGES]
CASES += [(language, "courtesy", sample.discounted) for language in LANGUAGES]
CASES += [(language, "close", sample.closing) for language in LANGUAGES]
CASES += [(language, "escalation", sample.charging) for language in LANGUAGES]
CASES += [(language, "second_reminder", sample.warning) for language in LANGUAGES]


def path_of(language: str, stage: str, make: Callable[[str, str], Notice]) -> Path:
    return FOLDER / language / f"{stage}-{make.__name__}.txt"


@pytest.mark.parametrize(("language", "stage", "make"), CASES)
def test_a_letter_reads_as_it_should(language: str, stage: str, make: Callable[[str, str], Notice]) -> None:
    message = write(make(language, stage))
    found = f"{message.subject}\n\n{message.text}"
    path = path_of(language, stage, make)
    if os.environ.get("DUNWELL_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")
    assert message.language == language


def test_no_golden_letter_is_left_over() -> None:
    assert set(FOLDER.rglob("*.txt")) == {path_of(*case) for case in CASES}
