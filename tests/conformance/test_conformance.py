"""Every story in this folder holds; each is named after its number in the list of what other systems do.

Of that list's behaviours (its section 1), those in MISSING have no story yet, for the reason given. B1 to B8 are the
questions on which systems disagree (its section 3), in their order. Stories named V are those numbers of its section 2,
what the law says, that need a book; the others stand in tests/engine.
"""

from pathlib import Path
from typing import Final

import pytest

from dunwell.engine.documents import DocumentError
from dunwell.engine.policy.parse import parse_policy
from dunwell.engine.stories.runner import run_files

STORIES = sorted(Path(__file__).parent.glob("*.yaml"))
BEHAVIOURS: Final = (
    "T1 T2 T3 T4 O1 O2 O3 O4 E1 E2 E3 E4 K1 K2 K3 K4 K5 K6 L1 M1 M2 I1 N1 N2 N3 S1 S2 S3 S4 D1 D2 D3 U1 P1"
)
DISAGREEMENTS: Final = "B1 B2 B3 B4 B5 B6 B7 B8"
MISSING: Final[dict[str, str]] = {}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_holds(path: Path) -> None:
    (failures,) = run_files([path])
    assert not failures, "\n" + "\n".join(str(failure) for failure in failures)


@pytest.mark.parametrize("key", ["days_since_previous", "days_since_deadline"])
def test_o1_a_first_stage_has_no_notice_before_it(key: str) -> None:
    with pytest.raises(DocumentError, match=rf"p\.yaml:2: stages\[0\]\.{key}: the first stage has no notice before it"):
        parse_policy(f"policy: p\nstages: [{{stage: one, {key}: 7, send: [email]}}]\n", "p.yaml")


def test_d3_a_run_for_an_earlier_date_is_not_posted(tmp_path: Path) -> None:
    story = (Path(__file__).parent / "D3-as-of-run-for-an-earlier-date.yaml").read_text(encoding="utf-8")
    (tmp_path / "d3.yaml").write_text(story.replace("run: {post: false}", "run: {}", 1), encoding="utf-8")
    (failures,) = run_files([tmp_path / "d3.yaml"])
    assert "a run for 2026-03-08 cannot be posted: one for 2026-03-10 is" in [each.message for each in failures]
