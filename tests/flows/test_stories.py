"""Which files are stories."""

from pathlib import Path

import pytest

from dunwell.flows.errors import NotFound
from dunwell.flows.stories import story_files

FILES: dict[str, str | bytes] = {
    "told.yaml": "# a comment\nstory: one\nsteps: []\n",
    "deep/steps-first.yml": "steps: []\nstory: two\n",
    "in-braces.yaml": "{story: three, steps: []}\n",
    "quoted.yaml": '"story": four\n',
    "broken.yaml": "story: [\n",
    "no-text.yaml": b"\xff\xfe\x00",
}
OTHERS = {
    "policy.yaml": "policy: p\ntitle: no story, whatever the title says\nstages:\n  - {stage: story, send: [email]}\n",
    "notes.txt": "story: not YAML\n",
}


def test_stories_are_the_yaml_files_that_tell_one_or_cannot_be_read(tmp_path: Path) -> None:
    for name, content in {**FILES, **OTHERS}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert {path.relative_to(tmp_path).as_posix() for path in story_files([tmp_path])} == set(FILES)


def test_a_folder_without_stories_is_said_to_have_none(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(str(OTHERS["policy.yaml"]))
    with pytest.raises(NotFound, match="no story is in"):
        story_files([tmp_path])
