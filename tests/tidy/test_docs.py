"""What users can write is documented, and what the documentation shows is true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from pydantic import BaseModel

from dunwell.cli import doors
from dunwell.cli.main import app
from dunwell.config import FILE_NAME, POSTGRESQL_OPTIONS, PREFIX, Config
from dunwell.engine.documents import DocumentError, read_document
from dunwell.engine.policy.expressions import COLUMNS
from dunwell.engine.policy.model import Calendar, Contact, Fee, Interest, Minimum, Policy, Stage
from dunwell.engine.policy.parse import parse_policy, policy_of
from dunwell.engine.stories.format import EVENTS, Account, Expect
from dunwell.engine.stories.runner import run_files
from dunwell.engine.stories.story import _KEYS as STORY_KEYS
from tests.tidy.tree import ROOT

BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
POLICY: Final = "policy: p\nstages: [{stage: reminder, days_past_due: 3, send: [email]}]\n"
FIRST: Final = "{stage: first, days_past_due: 0, send: [email]}"


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The text under a heading, to the next one of the same rank or above."""
    rank = heading.partition(" ")[0]
    _before, found, after = page(name).partition(f"\n{heading}\n")
    assert found, f"{name} has no heading {heading!r}"
    return re.split(rf"^#{{2,{len(rank)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def own(text: str) -> str:
    """A section without the sections within it."""
    return re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str) -> list[list[str]]:
    """The rows of the first table of a section, without its head; `\\|` is no border."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return cells[2:]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def keys_of(name: str, heading: str, model: type[BaseModel]) -> dict[str, list[str]]:
    """The rows of a table of keys; every field of the model has one, in the model's order."""
    rows = {code(row[0])[0]: row[1:] for row in table(own(section(name, heading)))}
    assert set(rows) == set(model.model_fields)
    return rows


def told_default(cell: str) -> object:
    words = code(cell)
    return yaml.safe_load(words[0]) if words else cell


def default_of(model: type[BaseModel], key: str) -> object:
    field = model.model_fields[key]
    if field.is_required():
        return "required"
    value = field.get_default()
    empty = {"": "empty", None: "none"}
    if isinstance(value, BaseModel):
        return "none"
    return empty.get(value, list(value) if isinstance(value, tuple) else value)


POLICY_TABLES: Final = [("## Keys of a policy", Policy), ("## Keys of a stage", Stage), ("### minimum", Minimum)]


@pytest.mark.parametrize(("heading", "model"), POLICY_TABLES, ids=lambda part: getattr(part, "__name__", ""))
def test_every_key_of_a_policy_is_documented_with_its_default(heading: str, model: type[BaseModel]) -> None:
    rows = keys_of("policies.md", heading, model)
    told = {key: told_default(cells[1]) for key, cells in rows.items()}
    assert told == {key: default_of(model, key) for key in model.model_fields}


def examples() -> Iterator[tuple[str, str]]:
    """Every example of the tables of keys, and the policy it is an example in."""
    for key, cells in keys_of("policies.md", "## Keys of a policy", Policy).items():
        given = {"policy": POLICY, "stages": f"policy: p\n{code(cells[0])[0]}\n"}
        yield key, given.get(key, f"{POLICY}{code(cells[0])[0]}\n")
    fees = table(section("policies.md", "### fee"))
    stages = {key: cells[0] for key, cells in keys_of("policies.md", "## Keys of a stage", Stage).items()}
    for key, cell in [*stages.items(), *(("fee", row[1]) for row in fees)]:
        (example,) = code(cell)
        rest = {"stage": "x", "days_past_due": 9, "send": ["letter"]}
        rest.pop(key, None)
        others = ", ".join(f"{name}: {value}" for name, value in rest.items()).replace("'", "")
        yield key, f"policy: p\ninterest: {{regime: DE}}\nstages:\n  - {FIRST}\n  - {{{others}, {example}}}\n"
    for key, cells in keys_of("policies.md", "### minimum", Minimum).items():
        yield f"minimum.{key}", f"{POLICY}minimum: {{{code(cells[0])[0]}}}\n"


@pytest.mark.parametrize(("key", "text"), list(examples()), ids=lambda part: part if "\n" not in part else "")
def test_every_example_of_a_key_is_valid_and_sets_it(key: str, text: str) -> None:
    assert f"{key.rpartition('.')[2]}: " in text
    assert parse_policy(text, "an example")


@pytest.mark.parametrize("model", [Calendar, Contact, Interest, Fee])
def test_every_key_within_a_key_is_documented(model: type[BaseModel]) -> None:
    documented = set(code(section("policies.md", "## Keys of a policy") + section("policies.md", "### fee")))
    within = {found.group() for text in documented if (found := re.match(r"\w+", text))}
    assert {field.alias or name for name, field in model.model_fields.items()} - {"fixed"} <= within


def test_every_column_of_expressions_is_documented() -> None:
    cells = [cell for row in table(section("policies.md", "## Expressions")) for cell in row[1:]]
    assert {name for cell in cells for name in code(cell)} - {"attr_..."} == set(COLUMNS)


def test_every_event_of_a_story_is_documented_with_its_keys() -> None:
    rows = {code(row[0])[0]: row for row in table(section("stories.md", "## Events"))}
    assert set(rows) == {*EVENTS, "set"}
    told = {name: set(code(row[1])) | set(code(row[2])) for name, row in rows.items()}
    missing = {
        f"{name}.{key}" for name, model in EVENTS.items() for key in model.model_fields if not key_in(key, told[name])
    }
    assert missing == set()


def key_in(key: str, words: set[str]) -> bool:
    return any(re.search(rf"\b{key}\b", word) for word in words)


def test_every_key_of_a_story_and_its_accounts_is_documented() -> None:
    text = section("stories.md", "## The file")
    assert {code(row[0])[0] for row in table(text)} == set(STORY_KEYS)
    assert set(Account.model_fields) - {word for part in code(text) for word in re.findall(r"\w+", part)} == set()


def test_every_expectation_is_documented() -> None:
    rows = table(section("stories.md", "## Expectations"))
    assert {code(row[0])[0] for row in rows} == set(Expect.model_fields)
    for row in rows:
        expect: Any = yaml.safe_load(f"{code(row[0])[0]}: {code(row[1])[0]}")
        assert read_document(yaml.safe_dump(expect), "an example").data.keys() == expect.keys()


def blocks(name: str) -> list[tuple[str, str]]:
    return [(found.group(1), found.group(2)) for found in BLOCK.finditer(page(name))]


def pages() -> list[str]:
    return sorted(str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md"))


def documented(kind: str) -> list[tuple[str, str]]:
    """Every YAML block of the pages that begins as a policy or a story does, with its page."""
    return [(name, text) for name in pages() for lang, text in blocks(name) if lang == "yaml" and _is(kind, text)]


def _is(kind: str, text: str) -> bool:
    try:
        data = read_document(text, "a block").data
    except DocumentError:
        return kind == "policy"  # what cannot be read is shown by the test below
    return isinstance(data, dict) and next(iter(data)) == kind


def test_every_policy_in_the_documentation_is_valid() -> None:
    found = documented("policy")
    assert found
    for name, text in found:
        assert policy_of(read_document(text, name)).stages


def test_every_story_in_the_documentation_goes_as_it_is_told(tmp_path: Path) -> None:
    """It holds, or its failure stands on the page as `dunwell test` prints it."""
    for _name, text in documented("policy"):
        policy = read_document(text, "a block").data["policy"]
        (tmp_path / f"{policy}.yaml").write_text(text, encoding="utf-8")
    stories = documented("story")
    assert stories
    for name, text in stories:
        called = re.findall(r"`([\w-]+\.yaml)`:$", page(name).partition(text)[0], re.MULTILINE)[-1]
        file = tmp_path / called
        file.write_text(text, encoding="utf-8")
        report = "\n".join(str(failure).replace(f"{tmp_path}/", "") for failure in run_files([file])[0])
        assert report in page(name)


def test_every_setting_is_documented() -> None:
    rows = {code(row[0])[0]: row for row in table(page("settings.md"))}
    assert set(rows) == set(Config.model_fields)
    assert {code(row[1])[0] for row in rows.values()} == {f"{PREFIX}{name.upper()}" for name in Config.model_fields}
    for name, row in rows.items():
        default = Config.model_fields[name].get_default()
        if name != "home":
            assert str(told_default(row[2])) == ("none" if default is None else str(default))
    text = BLOCK.sub("", page("settings.md"))
    assert {FILE_NAME, *POSTGRESQL_OPTIONS} <= set(code(text))
    assert f"{PREFIX}DATABASE_URL_FILE" in page("settings.md")


def commands(command: Any, path: str = "dunwell") -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # Typer's own Click
    within = getattr(command, "commands", {})
    for name, part in within.items():
        yield from commands(part, f"{path} {name}")
    if not within:
        yield path, command


def test_every_command_is_documented_with_its_arguments_and_options() -> None:
    top: Any = typer.main.get_command(app)
    found = dict(commands(top))
    headings = re.findall(r"^### (.+)$", page("commands.md"), re.MULTILINE)
    assert sorted(headings) == sorted(found)
    for path, command in found.items():
        text = section("commands.md", f"### {path}")
        assert [name for name in names(command) if name not in text] == []
    assert [name for name in names(top) if name not in page("commands.md")] == []


def names(command: Any) -> list[str]:  # noqa: ANN401  # Typer's own Click
    """The long name of every option, and what every argument is called."""
    options = [option for param in command.params for option in param.opts if option.startswith("--")]
    arguments = [param.metavar.strip("[].") for param in command.params if param.param_type_name == "argument"]
    return options + arguments


def test_every_exit_code_is_documented() -> None:
    told = {int(row[0]) for row in table(page("commands.md"))}
    assert told == {0, 2} | {value for name, value in vars(doors).items() if name.startswith("EXIT_")}
