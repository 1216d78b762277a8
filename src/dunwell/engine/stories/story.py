"""A story read from its file: who is in it, under which policies, and what happens when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
from pydantic import BaseModel

from dunwell.engine.book import ATTRIBUTE_TYPES
from dunwell.engine.documents import Document, DocumentError, hint, read_as, read_document
from dunwell.engine.documents import Path as KeyPath
from dunwell.engine.policy.model import Policy
from dunwell.engine.policy.parse import parse_policy, policy_of
from dunwell.engine.stories.format import EVENTS, Account, Expect, WithAttributes

_KEYS: Final = ("story", "policy", "policies", "attributes", "entities", "accounts", "steps")
AttributedT = TypeVar("AttributedT", bound=WithAttributes)
_ATTRIBUTE_TYPE_OF: Final = {str: "text", bool: "boolean", int: "integer", date: "date"}


@dataclass(frozen=True)
class Happening:
    """One event of a step, and the line it stands on."""

    name: str
    event: BaseModel | dict[str, Any]
    line: int


@dataclass(frozen=True)
class Step:
    """What happens on one day, and what must be so after it."""

    on: date
    happenings: tuple[Happening, ...]
    expect: Expect | None
    line: int


@dataclass(frozen=True)
class Story:
    """A timeline with its expectations."""

    title: str
    source: str
    policies: tuple[Policy, ...]
    entities: tuple[str, ...]
    accounts: tuple[Account, ...]
    attributes: Mapping[str, pl.DataType]
    steps: tuple[Step, ...]


def read_story(path: Path) -> Story:
    """Read a story file; policies named in it are paths beside it. Errors: DocumentError, OSError."""
    return story_of(read_document(path.read_text(encoding="utf-8"), str(path)), path.parent)


def story_of(document: Document, folder: Path) -> Story:
    """Check a story that has been read. Errors: DocumentError with a line for each problem."""
    data = document.data
    if not isinstance(data, dict) or "story" not in data:
        raise DocumentError([document.problem((), "a story begins with `story: what it shows`")])
    if strange := [key for key in data if key not in _KEYS]:
        raise DocumentError([document.problem((strange[0],), f"unknown key{hint(strange[0], _KEYS)}")])
    _require_shape(document)
    accounts = tuple(
        _with_attributes(document, ("accounts", at), Account) for at in range(len(data.get("accounts") or []))
    )
    _require_other_names(document, accounts)
    steps = tuple(_step(document, at) for at in range(len(data.get("steps") or [])))
    if not steps:
        raise DocumentError([document.problem((), "a story has steps")])
    attributes = _attributes(document, accounts, steps)
    return Story(
        title=str(data["story"]),
        source=document.source,
        policies=_policies(document, folder, attributes),
        entities=tuple(str(each["entity"]) for each in data.get("entities") or []),
        accounts=accounts,
        attributes=attributes,
        steps=steps,
    )


def _require_shape(document: Document) -> None:
    """Lists where lists are wanted, and mappings in them. Errors: DocumentError."""
    for key in ("accounts", "entities", "steps"):
        part = document.data.get(key) or []
        if not isinstance(part, list) or (key != "steps" and any(not isinstance(each, dict) for each in part)):
            raise DocumentError([document.problem((key,), "give a list of mappings, such as `- {...}`")])
    if not isinstance(document.data.get("attributes") or {}, dict):
        raise DocumentError([document.problem(("attributes",), "give types by name, such as {contract: text}")])
    if not isinstance(document.data.get("policies") or [], list):
        raise DocumentError([document.problem(("policies",), "give a list of policies")])
    for at, entity in enumerate(document.data.get("entities") or []):
        if set(entity) != {"entity"}:
            raise DocumentError([document.problem(("entities", at), "an entity is given as {entity: CODE}")])


def _require_other_names(document: Document, accounts: tuple[Account, ...]) -> None:
    """Each account by a name of its own. Errors: DocumentError."""
    names = [account.account for account in accounts]
    if twice := [at for at, name in enumerate(names) if name in names[:at]]:
        message = f"two accounts are called {names[twice[0]]!r}"
        raise DocumentError([document.problem(("accounts", twice[0], "account"), message)])


def _step(document: Document, at: int) -> Step:
    path: KeyPath = ("steps", at)
    data = document.data["steps"][at]
    if not isinstance(data, dict) or not isinstance(data.get("on"), date):
        raise DocumentError([document.problem(path, "a step begins with `on: YYYY-MM-DD`")])
    happenings: list[Happening] = []
    for key in data:
        if key in {"on", "expect"}:
            continue
        if key != "set" and key not in EVENTS:
            known = [*EVENTS, "set", "expect", "on"]
            raise DocumentError([document.problem((*path, key), f"no event is called {key!r}{hint(key, known)}")])
        happenings += _happenings(document, (*path, key), key)
    expect = read_as(document.part((*path, "expect")), Expect) if "expect" in data else None
    return Step(data["on"], tuple(happenings), expect, document.line(path))


def _happenings(document: Document, path: KeyPath, key: str) -> list[Happening]:
    part = document.part(path)
    places: list[KeyPath] = [path]
    if isinstance(part.data, list):
        places = [(*path, at) for at in range(len(part.data))]
    found = []
    for place in places:
        line = document.line(place)
        if key == "set":
            if not isinstance(document.part(place).data, dict):
                raise DocumentError([document.problem(place, "give `set` as {account: NAME, field: value}")])
            found.append(Happening(key, dict(document.part(place).data), line))
        elif issubclass(model := EVENTS[key], WithAttributes):
            found.append(Happening(key, _with_attributes(document, place, model), line))
        else:
            found.append(Happening(key, read_as(document.part(place), EVENTS[key]), line))
    return found


def _with_attributes(document: Document, path: KeyPath, model: type[AttributedT]) -> AttributedT:
    result = read_as(document.part(path), model)
    try:
        result.attributes()
    except ValueError as error:
        raise DocumentError([document.problem(path, str(error))]) from None
    return result


def _attributes(document: Document, accounts: tuple[Account, ...], steps: tuple[Step, ...]) -> dict[str, pl.DataType]:
    """The `attr_*` columns with their types: as declared, else as the first value given says."""
    declared = document.data.get("attributes") or {}
    types: dict[str, pl.DataType] = {}
    for name, word in declared.items():
        if word not in ATTRIBUTE_TYPES:
            known = ", ".join(ATTRIBUTE_TYPES)
            raise DocumentError(
                [document.problem(("attributes", name), f"no type is called {word!r}; there are {known}")]
            )
        types[f"attr_{name.removeprefix('attr_')}"] = ATTRIBUTE_TYPES[word]
    given = [account.attributes() for account in accounts]
    for happening in (happening for step in steps for happening in step.happenings):
        event = happening.event
        given.append(event.attributes() if isinstance(event, WithAttributes) else {})
    for name, value in ((name, value) for attributes in given for name, value in attributes.items()):
        types.setdefault(name, ATTRIBUTE_TYPES[_ATTRIBUTE_TYPE_OF.get(type(value), "number")])
    return types


def _policies(document: Document, folder: Path, attributes: dict[str, pl.DataType]) -> tuple[Policy, ...]:
    data = document.data
    if ("policy" in data) == ("policies" in data):
        raise DocumentError([document.problem((), "give either `policy` or `policies`")])
    if "policy" in data:
        return (_policy(document, ("policy",), folder, attributes),)
    return tuple(_policy(document, ("policies", at), folder, attributes) for at in range(len(data["policies"])))


def _policy(document: Document, path: KeyPath, folder: Path, attributes: dict[str, pl.DataType]) -> Policy:
    part = document.part(path)
    if isinstance(part.data, dict):
        return policy_of(part, attributes)
    if not isinstance(part.data, str):
        raise DocumentError(
            [document.problem(path, "a policy is a path beside the story, or stands here as a mapping")]
        )
    file = folder / part.data
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError([document.problem(path, f"cannot read {part.data}: {error.strerror}")]) from None
    return _parsed(text, str(file), tuple(sorted(attributes.items())))


@lru_cache(maxsize=256)
def _parsed(text: str, source: str, attributes: tuple[tuple[str, pl.DataType], ...]) -> Policy:
    return parse_policy(text, source, dict(attributes))
