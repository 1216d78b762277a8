"""The JSON Schema of a story takes what the reader takes, and refuses what it refuses."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import jsonschema
import pytest

from dunwell.engine.documents import DocumentError, read_document
from dunwell.engine.stories.schema import json_schema
from dunwell.engine.stories.story import story_of

ROOT: Final = Path(__file__).parents[2]
STORIES: Final = sorted(
    path for path in (ROOT / "tests").rglob("*.yaml") if path.read_text(encoding="utf-8").startswith("story:")
)
VALIDATOR: Final = jsonschema.Draft202012Validator(
    json_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
STORY: Final = """\
story: s
policy: {policy: p, stages: [{stage: one, days_past_due: 3, send: [email]}]}
entities: [{entity: ACME}]
attributes: {vip: boolean}
accounts: [{account: MEYER, email: ap@meyer.example, attr_vip: true}]
steps:
  - {on: 2026-01-01, invoice: {number: A-1, account: MEYER, amount: 5.00 EUR, due: 2026-01-10}}
  - on: 2026-01-13
    run: {}
    expect: {notices: [{account: MEYER, level: 1, items: A-1}], outcomes: {A-1: dun}, open: {A-1: 5.00 EUR}}
"""


def in_json(value: object) -> object:
    """Read YAML as an editor does: a date is a text."""
    if isinstance(value, dict):
        return {key: in_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [in_json(part) for part in value]
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def test_it_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_it_takes_every_story_there_is(path: Path) -> None:
    VALIDATOR.validate(in_json(read_document(path.read_text(encoding="utf-8"), path.name).data))


def test_there_are_stories_of_both_kinds() -> None:
    assert {path.parent.name for path in STORIES} >= {"stories", "conformance"}


BROKEN: Final = {
    "no title": ("story: s\n", ""),
    "an unknown key": ("story: s", "story: s\nsteps_: []"),
    "no policy": ("policy: {policy: p, stages: [{stage: one, days_past_due: 3, send: [email]}]}\n", ""),
    "both policy and policies": ("story: s", "story: s\npolicies: []"),
    "a broken policy": ("days_past_due", "days_pastdue"),
    "a stage of no name": ("stage: one, ", ""),
    "an entity that is a word": ("[{entity: ACME}]", "[ACME]"),
    "an unknown type": ("vip: boolean", "vip: flag"),
    "an account without a name": ("account: MEYER, email: ap", "email: ap"),
    "an account with an unknown key": ("email: ap", "mail: ap"),
    "accounts that are a mapping": ("[{account: MEYER, email: ap@meyer.example, attr_vip: true}]", "{account: MEYER}"),
    "no steps": (STORY[STORY.index("steps:") :], "steps: []\n"),
    "a step without a day": ("on: 2026-01-13\n    run", "run"),
    "a step on no day": ("on: 2026-01-13\n", "on: friday\n"),
    "an unknown event": ("invoice: {", "invoyce: {"),
    "an event with an unknown key": ("due: 2026", "dew: 2026"),
    "an event without what it needs": ("number: A-1, ", ""),
    "an amount without its currency": ("amount: 5.00 EUR", "amount: 5.00"),
    "a run that is true": ("run: {}", "run: true"),
    "a run that posts perhaps": ("run: {}", "run: {post: perhaps}"),
    "a day that is none": ("due: 2026-01-10", "due: soon"),
    "an unknown expectation": ("outcomes:", "outcome:"),
    "an open amount that is a number": ("open: {A-1: 5.00 EUR}", "open: {A-1: 5}"),
    "a level that is a word": ("outcomes: {A-1: dun}", "levels: {A-1: one}"),
    "a level beyond all": ("due: 2026-01-10", "due: 2026-01-10, level: 100"),
    "a negative tolerance": (
        "run: {}",
        "promise: {account: MEYER, amount: 5.00 EUR, by: 2026-02-01, tolerance_days: -1}",
    ),
}  # fmt: skip


def test_the_story_to_break_is_sound() -> None:
    document = read_document(STORY, "s.yaml")
    VALIDATOR.validate(in_json(document.data))
    assert story_of(document, Path())


@pytest.mark.parametrize(("sound", "broken"), BROKEN.values(), ids=BROKEN.keys())
def test_what_the_reader_refuses_it_refuses(sound: str, broken: str) -> None:
    assert sound in STORY
    document = read_document(STORY.replace(sound, broken), "s.yaml")
    with pytest.raises(DocumentError):
        story_of(document, Path())
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(in_json(document.data))


# The reader leaves these to the play; an editor says so at once.
SEEN_LATER: Final = {
    "an unknown outcome": ("A-1: dun", "A-1: dunned"),
    "an unknown field of a notice": ("level: 1", "levels: 1"),
    "an unknown key that is set": ("run: {}", "set: {account: MEYER, mail: x}"),
}


@pytest.mark.parametrize(("sound", "broken"), SEEN_LATER.values(), ids=SEEN_LATER.keys())
def test_an_editor_says_at_once_what_the_play_would_say(sound: str, broken: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(in_json(read_document(STORY.replace(sound, broken), "s.yaml").data))
