"""What other systems do is shown by a story for each number of the list, or named as missing with the reason."""

import re

from tests.conformance.test_conformance import BEHAVIOURS, DISAGREEMENTS, MISSING, STORIES


def test_every_number_has_its_story_and_every_story_its_number() -> None:
    numbered = {match.group() for path in STORIES if (match := re.match(r"[A-UW-Z]\d+", path.stem))}
    assert numbered == set(f"{BEHAVIOURS} {DISAGREEMENTS}".split()) - MISSING.keys()
    assert [path.stem for path in STORIES if not re.match(r"[A-Z]+\d+[a-z]?-[a-z0-9-]+$", path.stem)] == []
