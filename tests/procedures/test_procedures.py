"""The policies of docs/procedures.md are allowed and mean what they say, and a story plays each of them."""

import re
from pathlib import Path
from typing import Final

import pytest

from dunwell.engine.documents import read_document
from dunwell.engine.policy.model import Fee, Policy, Stage
from dunwell.engine.policy.parse import policy_of, warnings_of
from dunwell.engine.stories.runner import run_files

HERE: Final = Path(__file__).parent
PAGE: Final = (HERE.parents[1] / "docs" / "procedures.md").read_text(encoding="utf-8")
POLICIES: Final = {
    text.partition("\n")[0].removeprefix("policy: "): text
    for text in re.findall(r"^```yaml\n(policy: .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}
STORIES: Final = sorted(HERE.glob("*.yaml"))


@pytest.mark.parametrize("name", POLICIES)
def test_the_policy_is_allowed_without_a_warning(name: str) -> None:
    document = read_document(POLICIES[name], "procedures.md")
    assert warnings_of(policy_of(document), document) == []


def test_there_is_a_policy_and_a_story_for_each_system() -> None:
    systems = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)[1:]
    assert len(systems) == len(POLICIES) == 8
    assert [path.stem for path in STORIES] == sorted(POLICIES)


def test_the_tables_name_keys_that_there_are() -> None:
    """A `key: value` of a table is a key of a policy or stage."""
    shown = set(re.findall(r"`(\w+): ", "".join(line for line in PAGE.splitlines() if line.startswith("|"))))
    assert shown <= {*Policy.model_fields, *Stage.model_fields, *Fee.model_fields}


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_holds(path: Path, tmp_path: Path) -> None:
    for name, text in POLICIES.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    story = tmp_path / "a-story.yaml"
    story.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (failures,) = run_files([story])
    assert not failures, "\n" + "\n".join(str(failure) for failure in failures)
