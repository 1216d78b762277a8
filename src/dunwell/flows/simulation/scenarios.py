"""What a simulation compares: scenarios of one policy or several, from files, folders, or those in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from dunwell.engine.policy.model import Policy
from dunwell.engine.simulation.play import Scenario
from dunwell.flows import policies
from dunwell.flows.errors import FlowError, Invalid, NotFound
from dunwell.flows.policy_files import check_policy
from dunwell.records.models import Entity

IN_FORCE: Final = "in-force"
SCENARIOS_MAX: Final = 8


@dataclass(frozen=True)
class _Text:
    """A policy that is not read yet, and what messages call it."""

    source: str
    text: str


def scenarios_of(words: Sequence[str], entity: Entity) -> tuple[Scenario, ...]:
    """Read the scenarios that these words mean, or the policies in force where there are none.

    Each is a file, a folder of files, a policy in force, `in-force` for all of these, or several of them with commas
    between: policies of one scenario decide together, by their `applies_to` and `priority`.
    Errors: NotFound for one that is not there, if that is all; Invalid with every problem of every scenario, by file
    and line.
    """
    asked = list(words) or [IN_FORCE]
    if len(asked) > SCENARIOS_MAX:
        raise Invalid(f"{len(asked)} scenarios are too many to compare: give at most {SCENARIOS_MAX}")
    if twice := next((word for at, word in enumerate(asked) if word in asked[:at]), None):
        raise Invalid(f"the scenario {twice} is given twice")
    attributes = policies.known_attributes()
    problems: list[str] = []
    missing: list[NotFound] = []
    found = []
    for word, name in zip(asked, _names(asked), strict=True):
        try:
            found.append(Scenario(name, _policies(word, entity, attributes)))
        except Invalid as error:
            problems += error.problems or [str(error)]
        except NotFound as error:
            missing.append(error)
    if missing and not problems and len(missing) == 1:
        raise missing[0]
    if problems := [*problems, *map(str, missing)]:
        count = len(problems)
        raise Invalid(f"nothing is simulated: {count} problem{'s' * (count != 1)}", problems)
    return tuple(found)


def _names(words: Sequence[str]) -> list[str]:
    """What scenarios are called: by their files without folder and ending, unless two would be called alike."""
    short = ["+".join(_stem(part.strip()) for part in word.split(",")) for word in words]
    return [word if short.count(name) > 1 else name for word, name in zip(words, short, strict=True)]


def _stem(part: str) -> str:
    return Path(part).stem if part.endswith((".yaml", ".yml")) else Path(part).name or part


def _policies(word: str, entity: Entity, attributes: Mapping[str, pl.DataType]) -> tuple[Policy, ...]:
    """The policies of one scenario. Errors: NotFound, Invalid."""
    texts = [text for part in word.split(",") for text in _texts(part.strip(), entity)]
    problems: list[str] = []
    source_of: dict[str, str] = {}
    read = []
    for each in texts:
        try:
            policy, _warnings = check_policy(each.text, each.source, attributes)
        except Invalid as error:
            problems += error.problems or [str(error)]
            continue
        if policy.policy in source_of:
            other = source_of[policy.policy]
            problems.append(f"{each.source}: the policy {policy.policy} is in this scenario already, by {other}")
        source_of[policy.policy] = each.source
        read.append(policy)
    if problems:
        raise Invalid(f"{word}: it cannot be read", problems)
    return tuple(read)


def _texts(part: str, entity: Entity) -> list[_Text]:
    """The policies that one word means, as text. Errors: NotFound, Invalid."""
    path = Path(part)
    if part == IN_FORCE:
        found = [_Text(f"{each.policy.name} (in force)", each.text) for each in policies.versions_in_force(entity)]
        if not found:
            raise NotFound(f"no policy is in force for {entity.code}: name a file with --policy")
        return found
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in {".yaml", ".yml"} and each.is_file())
        if not files:
            raise NotFound(f"no policy file (.yaml) is in {part}")
        return [_Text(str(file), _read(file)) for file in files]
    if path.is_file():
        return [_Text(part, _read(path))]
    try:
        version = policies.show_policy(part, entity=entity)
    except FlowError:
        known = ", ".join(sorted(each.policy.name for each in policies.versions_in_force(entity))) or "none"
        raise NotFound(f"{part or 'nothing'} is neither a file, a folder nor a policy in force ({known})") from None
    return [_Text(f"{part} (in force)", version.text)]


def _read(file: Path) -> str:
    """Errors: Invalid, OSError."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"{file}: it is not UTF-8 text") from None
